"""What machines said last, newest first."""

from dataclasses import dataclass
from pathlib import Path

from edge.journal_file import open_to_read, understood
from sorter_firmware_bridge.bins import Bin


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing a machine said of a command.

    Attributes:
        item_id: The item that was to be moved.
        command_id: The command.
        bin: Where to.
        at_s: Seconds since the epoch when it was written down.
        after_s: How long after the command was written down, just before it was sent.
        state: How far it got.
        cause: Why it went no further, from a closed list.
        reason: The same in the machine's words; may be empty.
    """

    item_id: int
    command_id: int
    bin: Bin
    at_s: float
    after_s: float
    state: str
    cause: str
    reason: str


def last_heard(path: Path, limit: int) -> tuple[Heard, ...]:
    """What was said of the newest commands.

    Args:
        path: Of the journal.
        limit: At most so many.

    Raises:
        JournalError: It cannot be read.
    """
    db = open_to_read(path, check=False)
    try:
        with understood(path):
            rows = db.execute(_LAST, [limit, limit]).fetchall()
            return tuple(
                Heard(
                    row["item_id"],
                    row["command_id"],
                    Bin(row["bin_number"], row["bin_name"]),
                    float(row["at_s"]),
                    max(0.0, float(row["at_s"]) - float(row["seen_at_s"])),
                    row["state"],
                    row["cause"],
                    row["reason"],
                )
                for row in rows
            )
    finally:
        db.close()


# Every command is answered at least once, so the newest so many have so many answers.
_LAST = """
SELECT receipts.*, item_id, bin_number, bin_name, seen_at_s
FROM receipts JOIN intents USING (command_id) JOIN items ON items.id = intents.item_id
WHERE command_id > (SELECT COALESCE(max(command_id), 0) FROM intents) - ?
ORDER BY at_s DESC, command_id DESC, rank DESC LIMIT ?
"""
