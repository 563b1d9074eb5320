"""Who changed what: append-only, the newest so many."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from edge.access.store import AccessStore

MAX_ROWS = 100_000
PRUNE_EVERY = 1000
MAX_DETAIL = 500


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that somebody did or tried.

    Attributes:
        number: Counts up.
        at_s: Seconds since the epoch.
        person: Who; "-" before they logged in.
        role: Theirs then; "-" before.
        address: Where from.
        act: For example "POST /api/stop".
        detail: What they sent, without secrets.
        status: What they got: an HTTP status.
    """

    number: int
    at_s: float
    person: str
    role: str
    address: str
    act: str
    detail: str
    status: int


class Audit:
    """The record of what people did.

    Args:
        store: Where it is kept.
        clock: Seconds since the epoch.
    """

    def __init__(self, store: AccessStore, clock: Callable[[], float] = time.time) -> None:
        self._store, self._clock = store, clock

    def note(
        self, person: str, role: str, address: str, act: str, detail: str, status: int
    ) -> None:
        """Write down one act.

        Raises:
            AccessError: The file cannot be written.
        """
        row = [self._clock(), person, role, address, act, detail[:MAX_DETAIL], status]
        with self._store.transaction() as db:
            made = db.execute(
                "INSERT INTO audit (at_s, person, role, address, act, detail, status)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            number = int(made.lastrowid or 0)
            if number % PRUNE_EVERY == 0:
                db.execute("DELETE FROM audit WHERE id <= ?", [number - MAX_ROWS])

    def newest(self, limit: int, before: int | None = None) -> tuple[Act, ...]:
        """The newest acts, newest first.

        Args:
            limit: At most so many.
            before: Only those with a lower number.
        """
        rows = self._store.read(
            "SELECT * FROM audit WHERE ? IS NULL OR id < ? ORDER BY id DESC LIMIT ?",
            before,
            before,
            limit,
        )
        # The columns are in the order of the fields.
        return tuple(Act(*row) for row in rows)
