"""Items that look alike: among those seen just before and after, and among the corrected ones."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from edge.corrections.corrections import Correction, Corrections
from edge.corrections.likeness import Likeness, likeness_of_jpeg
from edge.dashboard.items.pictures import ItemPictures, State
from edge.errors import PictureError
from edge.journal_search import JournalSearch

AROUND = 60
"""Items on either side: who lays the same pile down again does so soon."""
CORRECTED = 300
SHOWN = 8
KEPT = 4000
"""Likenesses; each takes 3 kB."""


@dataclass(frozen=True, slots=True)
class Alike:
    """An item that looks like another.

    Attributes:
        item_id: Which.
        bits: Of 64 in which the hashes differ.
        correction: What counts of it; None where nothing was said.
    """

    item_id: int
    bits: int
    correction: Correction | None


class SimilarItems:
    """Finds items that look alike; what was compared once is remembered. Safe from many threads.

    Args:
        pictures: Of the items.
        corrections: Of the same journal.
    """

    def __init__(self, pictures: ItemPictures, corrections: Corrections) -> None:
        self._pictures, self._corrections = pictures, corrections
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Likeness] = OrderedDict()

    def to(self, journal: JournalSearch, item_id: int, sha256: str) -> list[Alike]:
        """Items whose pictures show nearly the same, the most alike first.

        Args:
            journal: Open.
            item_id: The item.
            sha256: Of its picture.

        Raises:
            JournalError: The journal cannot be read.
            CorrectionsError: The corrections cannot be read.
        """
        own = self._likeness(item_id, sha256)
        if own is None:
            return []
        corrected = self._corrections.standing()[-CORRECTED:]
        others: Mapping[int, str] = {
            one.subject.item_id: one.subject.picture_sha256
            for one in corrected
            if one.subject.item_id != item_id
        } | journal.around(item_id, AROUND)
        said = self._corrections.of(dict(others))
        found = []
        for other_id, other_sha256 in others.items():
            other = self._likeness(other_id, other_sha256)
            if other is not None and own.nearly(other):
                found.append(Alike(other_id, own.bits_to(other), said.get(other_id)))
        return sorted(found, key=lambda one: (one.bits, abs(one.item_id - item_id)))[:SHOWN]

    def _likeness(self, item_id: int, sha256: str) -> Likeness | None:
        with self._lock:
            known = self._known.get(sha256)
        if known is not None:
            return known
        seen = self._pictures.picture(item_id, sha256)
        if seen.state is not State.THERE:
            return None
        try:
            made = likeness_of_jpeg(seen.content, f"the picture of item {item_id}")
        except PictureError:
            return None
        with self._lock:
            self._known[sha256] = made
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return made
