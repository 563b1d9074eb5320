"""The commands of bricksight-edge that look at a journal."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from edge.errors import ConfigError, EdgeError
from edge.inventory.format import Format
from edge.standard_output import printing, say, tables

if TYPE_CHECKING:
    from edge.inventory.counting import BinContents
    from edge.inventory.writing import Words

JournalArgument = Annotated[
    Path, typer.Argument(metavar="JOURNAL", help="The journal's file; the device may be running.")
]


def replay(
    journal: JournalArgument,
    policy: Annotated[
        Path,
        typer.Option(
            "--policy", metavar="FILE", help="Another edge.toml, or its sorting sections."
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    every: Annotated[bool, typer.Option("--all", help="List all items that would move.")] = False,
) -> None:
    """Decide a journal's items again under another policy: which would move, how counts change."""
    from rich.progress import track

    from edge.journal_reader import JournalReader
    from edge.policy_file import read_policy
    from edge.replay import policy_misfits
    from edge.replay import replay as replayed
    from edge.replay_report import as_json as described
    from edge.replay_report import show
    from edge.toml import ENCODING, where_quoted

    wanted = read_policy(policy)
    shown = Console(stderr=True)
    with JournalReader(journal) as reader:
        problems = policy_misfits(wanted, reader)
        if problems:
            text = policy.read_text(encoding=ENCODING)
            raise ConfigError("\n".join(f"{where_quoted(policy, text, p)}: {p}" for p in problems))
        story = track(
            reader.story(),
            "deciding again",
            total=reader.count(),
            console=shown,
            transient=True,
            disable=not shown.is_terminal,
        )
        found = replayed(story, wanted)
        balance = reader.balance()
        names = {label.id: label for labels in reader.labels.values() for label in labels}
    if as_json:
        say(json.dumps(described(found)))
        return
    with printing():
        console = tables()
        console.print(f"{balance.sentence}.", markup=False)
        show(found, names, console, every)


def export(
    journal: JournalArgument,
    format_: Annotated[Format, typer.Option("--format", help="In what form.")],
    bin_: Annotated[
        str | None, typer.Option("--bin", metavar="NAME|NUMBER", help="One bin; all if not given.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE|DIR",
            help="File for one bin, folder for all, a file for each; standard output if not given.",
        ),
    ] = None,
    ids: Annotated[
        Path | None,
        typer.Option(
            "--ids", metavar="CSV", help="Ids: ldraw_id,bricklink_id[,rebrickable_id], a line each."
        ),
    ] = None,
    colour: Annotated[
        int | None,
        typer.Option(
            "--colour",
            min=0,
            metavar="N",
            help="The colour of all, as the format numbers it. Without it none is written.",
        ),
    ] = None,
    with_unknown: Annotated[
        bool, typer.Option("--with-unknown", help="Count what was sent and never answered, too.")
    ] = False,
) -> None:
    """What lies in the bins since they were emptied, for a spreadsheet or a brick database."""
    from edge.inventory.counting import bins_of, chosen
    from edge.inventory.ids import NO_IDS, read_ids
    from edge.inventory.writing import Words, written
    from edge.journal_reader import JournalReader

    words = Words(read_ids(ids) if ids else NO_IDS, colour)
    with JournalReader(journal) as reader:
        bins = bins_of(reader, with_unknown)
        balance = reader.balance()
    shown = (chosen(bins, bin_),) if bin_ is not None else bins
    if out is None:
        _to_standard_output(format_, shown, words)
    elif bin_ is not None:
        _write(out, written(format_, shown, words))
    else:
        for contents in shown:
            name = f"bin-{contents.bin.number}-{_slug(contents.bin.name)}{format_.suffix}"
            _write(out / name, written(format_, (contents,), words))
    _tell(f"{balance.sentence}.")
    for note in _notes(format_, shown, words):
        _tell(note)


def check_journal(
    journal: JournalArgument,
    head: Annotated[
        str | None,
        typer.Option(
            "--head",
            metavar="HASH",
            help="A head that was noted before: is it still a record of this journal?",
        ),
    ] = None,
) -> None:
    """Check that no record of a journal was changed, removed or slipped in. Only reads."""
    from edge.journal_reader import JournalReader
    from edge.kept_frames import folder_of

    if head is not None and not re.fullmatch("[0-9a-fA-F]{64}", head):
        raise ConfigError(f"--head: found {head!r}; expected the 64 hex digits that were printed")
    with JournalReader(journal) as reader:
        found = reader.verify()
        say(f"records: {found.records}")
        say(f"head: {found.head}")
        if found.problem is not None:
            raise _untrusted(journal, found.problem)
        if head is not None and not reader.has_record(head):
            raise _untrusted(
                journal,
                "the head that was noted is no record of it: its end was cut off, or it is new",
            )
        balance = reader.balance()
        frames = reader.kept_frames()
    say(f"{balance.sentence}.")
    if not balance.reconciles:
        raise _untrusted(journal, "the balance does not add up")
    say(f"pictures: {_pictures(folder_of(journal), frames)}")
    say("Every record follows from those before it. Note the head elsewhere: no chain can")
    say("tell by itself that its end was cut off or that all of it was made anew.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(replay)
    app.command()(export)
    app.command("check-journal")(check_journal)


def _to_standard_output(format_: Format, bins: "tuple[BinContents, ...]", words: "Words") -> None:
    from edge.inventory.writing import written

    if len(bins) > 1 and format_ is not Format.CSV:
        listed = ", ".join(str(contents.bin) for contents in bins)
        raise ConfigError(
            f"--format {format_}: {len(bins)} bins ({listed}); choose one with --bin, or give"
            " --out DIR for a file each"
        )
    say(written(format_, bins, words), nl=False)


def _notes(format_: Format, bins: "tuple[BinContents, ...]", words: "Words") -> list[str]:
    from edge.inventory.ids import Source
    from edge.inventory.writing import ids_of

    lots = [lot for contents in bins for lot in contents.recognised]
    known = {lot.label_id: ids_of(format_, lot, words.ids).source for lot in lots}
    assumed = list(known.values()).count(Source.ASSUMED)
    nameless = sum(contents.nameless for contents in bins)
    notes = []
    if assumed:
        notes.append(
            f"{assumed} of {len(known)} ids are assumed to be those of LDraw; check them, and give"
            " others with --ids"
        )
    if nameless and format_ is not Format.CSV:
        notes.append(f"left out, because no one brick type was recognised: {_items(nameless)}")
    notes += [
        f"{contents.bin}: {_items(contents.pruned)} more, whose rows were pruned; their types are"
        " not known any more"
        for contents in bins
        if contents.pruned
    ]
    if not bins:
        notes.append("nothing was ever sent to a bin")
    return notes


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"


def _tell(text: str) -> None:
    typer.echo(text, err=True)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EdgeError(
            f"{path}: it cannot be written ({error.strerror}); name another with --out"
        ) from error
    _tell(f"wrote {path}")


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip(".-") or "bin"


def _untrusted(journal: Path, problem: str) -> EdgeError:
    return EdgeError(f"journal {journal}: {problem}; compare it with a copy you trust")


def _pictures(folder: Path, frames: dict[int, str]) -> str:
    import hashlib

    from edge.kept_frames import path_of

    paths = {item_id: path_of(folder, item_id) for item_id in frames}
    there = {item_id: path for item_id, path in paths.items() if path.is_file()}
    try:
        changed = [
            item_id
            for item_id, path in there.items()
            if hashlib.sha256(path.read_bytes()).hexdigest() != frames[item_id]
        ]
    except OSError as error:
        raise EdgeError(
            f"{folder}: a picture cannot be read ({error.strerror}); let this user read them"
        ) from error
    said = f"{len(there)} there, {len(frames) - len(there)} gone"
    return f"{said}, {len(changed)} CHANGED: {changed[:5]}" if changed else f"{said}, none changed"
