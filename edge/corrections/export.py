"""Corrections as a data set that the trainer reads: an index.jsonl with pictures beside it.

    index.jsonl             one object a line, one line a picture
    images/ab/SHA256.jpg    the picture as it was kept

A line holds `seed`, `picture`, `labels`, no `instances` (nothing is known of where bricks lie),
`source` ("correction") and `said`: "confirmed" where what was recognised is right, else
"corrected". The trainer splits by seed; all of a group of near-duplicates have that of its oldest
picture, which is taken from the picture's SHA-256, so that it is the same in the next export.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from edge.corrections.corrections import Correction, Corrections
from edge.corrections.database import translated
from edge.corrections.groups import groups_of
from edge.corrections.likeness import Likeness, likeness_of_jpeg
from edge.errors import CorrectionsError, EdgeError, PictureError

INDEX = "index.jsonl"
SEED_DIGITS = 12
"""Of a SHA-256 in hex: 48 bits, as the trainer's own of photographs."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        pictures: How many.
        groups: Of near-duplicates, those of one picture included.
        confirmed: Pictures on which what was recognised is right.
        labels: Pictures by label id.
        gone: Ids of items that were corrected and whose picture is gone or damaged.
    """

    pictures: int
    groups: int
    confirmed: int
    labels: Counter[str] = field(default_factory=Counter)
    gone: tuple[int, ...] = ()


Tracked = Callable[[list[Correction]], Iterable[Correction]]


def export(corrections: Corrections, out: Path, tracked: Tracked = iter) -> Exported:
    """Write what counts of every item as a data set: all of it, or nothing.

    Args:
        corrections: Of a journal.
        out: A folder that is not there yet, or is empty.
        tracked: Gives the pictures one by one and shows how far it is.

    Raises:
        CorrectionsError: There is nothing to write, or it cannot be read or written.
    """
    standing = _newest_of_each_picture(corrections.standing())
    if not standing:
        raise CorrectionsError(
            f"corrections {corrections.path}: nothing was corrected yet; correct items on the"
            " page, or give the --journal that they are of"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise EdgeError(f"{out}: it is there already, and is not written over; name another")
    kept: list[tuple[Correction, Likeness]] = []
    gone: list[int] = []
    with _staged(out) as folder:
        for one in tracked(standing):
            likeness = _copied(corrections, one, folder)
            if likeness is None:
                gone.append(one.subject.item_id)
            else:
                kept.append((one, likeness))
        if not kept:
            raise CorrectionsError(
                f"{corrections.pictures.folder}: none of the {len(standing)} pictures is there any"
                " more; copy the folder back, it is beside the journal"
            )
        first = groups_of([(likeness, frozenset(one.labels or ())) for one, likeness in kept])
        rows = [_row(one, kept[oldest][0]) for (one, _), oldest in zip(kept, first, strict=True)]
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (folder / INDEX).write_text(lines, encoding="utf-8")
    said = [one for one, _ in kept]
    return Exported(
        pictures=len(kept),
        groups=len(set(first)),
        confirmed=sum(one.confirms for one in said),
        labels=Counter(label for one in said for label in one.labels or ()),
        gone=tuple(gone),
    )


def _newest_of_each_picture(standing: Iterable[Correction]) -> list[Correction]:
    """One a picture, where it first was: two items may have the same, and different words."""
    newest: dict[str, Correction] = {}
    for one in standing:
        known = newest.setdefault(one.subject.picture_sha256, one)
        if one.version > known.version:
            newest[one.subject.picture_sha256] = one
    return list(newest.values())


@contextmanager
def _staged(out: Path) -> Iterator[Path]:
    """A folder beside it, put in its place once all is in it."""
    out = out.absolute()  # "." has no name.
    staged = out.with_name(f".{out.name}.{uuid4().hex[:8]}.part")
    with translated(out):
        try:
            staged.mkdir(parents=True)
            yield staged
            if out.is_dir():
                out.rmdir()
            staged.rename(out)
        finally:
            shutil.rmtree(staged, ignore_errors=True)


def _copied(corrections: Corrections, one: Correction, folder: Path) -> Likeness | None:
    sha256 = one.subject.picture_sha256
    content = corrections.pictures.read(sha256)
    if content is None:
        return None
    try:
        likeness = likeness_of_jpeg(content, sha256)
    except PictureError:
        return None
    path = folder / _place(sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return likeness


def _row(one: Correction, oldest: Correction) -> dict[str, object]:
    return {
        "seed": int(oldest.subject.picture_sha256[:SEED_DIGITS], 16),
        "picture": _place(one.subject.picture_sha256),
        "labels": sorted(one.labels or ()),
        "instances": [],
        "source": "correction",
        "said": "confirmed" if one.confirms else "corrected",
    }


def _place(sha256: str) -> str:
    return f"images/{sha256[:2]}/{sha256}.jpg"
