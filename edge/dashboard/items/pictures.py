"""Pictures of items as they were kept, and maps drawn on them."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np

from edge.corrections.corrections import Corrections
from edge.dashboard.live.lime_pictures import LIME_WIDTH_PX
from edge.dashboard.live.pictures import EXPLAINED_WIDTH_PX, encode, fit
from edge.domain import Explanation, Label
from edge.errors import ExplainError
from edge.explain.colours import Picture, frame_scale
from edge.explain.outlines import draw_masses
from edge.explain.overlay import draw, map_on_picture
from edge.explain.sheet import draw_lime
from edge.kept_frames import GRADCAM, LIME, folder_of, path_of
from edge.kept_maps import read_maps
from edge.pictures import decode_picture
from edge.preprocessing import Preprocessing

THUMB_WIDTH_PX = 192
THUMBS_KEPT = 400


class State(StrEnum):
    """What became of the picture of an item."""

    THERE = "there"
    NEVER = "never"
    GONE = "gone"
    CHANGED = "changed"

    @property
    def sentence(self) -> str:
        """For a person."""
        return _SENTENCES[self]


_SENTENCES = {
    State.THERE: "",
    State.NEVER: "No picture of this item was kept. How many are kept is set by frames_mb and"
    " frames_min_free_mb of [journal].",
    State.GONE: "The picture of this item made room for newer ones. How many are kept is set by"
    " frames_mb of [journal].",
    State.CHANGED: "The picture of this item is not the one that was kept: its file was changed."
    " It is not shown.",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """The picture of an item.

    Attributes:
        state: What became of it.
        content: Of its file, where it is there.
    """

    state: State
    content: bytes = b""


class ItemPictures:
    """Reads what was kept beside a journal, and draws it. Safe from many threads.

    Args:
        journal: Its file.
        corrections: They keep pictures that made room.
    """

    def __init__(self, journal: Path, corrections: Corrections) -> None:
        self._folder = folder_of(journal)
        self._corrections = corrections
        self._lock = threading.Lock()
        self._thumbs: OrderedDict[str, bytes] = OrderedDict()

    def picture(self, item_id: int, sha256: str | None) -> Seen:
        """The picture of an item, if it still is the one that was kept.

        Args:
            item_id: In the journal.
            sha256: As the journal says; None where none was kept.
        """
        if sha256 is None:
            return Seen(State.NEVER)
        try:
            content = path_of(self._folder, item_id).read_bytes()
        except OSError:
            content = b""
        if hashlib.sha256(content).hexdigest() == sha256:
            return Seen(State.THERE, content)
        copy = self._corrections.pictures.read(sha256)
        if copy is not None:
            return Seen(State.THERE, copy)
        return Seen(State.CHANGED if content else State.GONE)

    def thumb(self, item_id: int, sha256: str | None) -> bytes | None:
        """The same, small; None where there is none."""
        with self._lock:
            known = self._thumbs.get(sha256 or "")
        if known is not None:
            return known
        seen = self.picture(item_id, sha256)
        if seen.state is not State.THERE or sha256 is None:
            return None
        made = _thumb(seen.content)
        with self._lock:
            self._thumbs[sha256] = made
            while len(self._thumbs) > THUMBS_KEPT:
                self._thumbs.popitem(last=False)
        return made

    def maps(
        self, item_id: int, sha256: str, content: bytes, labels: Iterable[Label]
    ) -> "ItemMaps":
        """What was kept of its explanations.

        Args:
            item_id: In the journal.
            sha256: Of its picture.
            content: Of the picture's file.
            labels: Of the model that saw it.
        """
        image = decode_picture(content, f"the picture of item {item_id}")
        known = tuple(labels)
        problems: list[str] = []

        def read(suffix: str) -> "Drawable | None":
            path = path_of(self._folder, item_id, suffix)
            try:
                found = read_maps(path, image, sha256, known)
            except ExplainError as error:
                # Without its folder, which is no matter of the page's.
                problems.append(str(error).replace(f"{path.parent}/", ""))
                return None
            return Drawable(*found) if found is not None else None

        return ItemMaps(read(GRADCAM), read(LIME), tuple(problems))

    def stamp(self, item_id: int, suffix: str) -> str | None:
        """What changes when a map is kept anew; None where there is none."""
        try:
            kept = path_of(self._folder, item_id, suffix).stat()
        except OSError:
            return None
        return f"{kept.st_mtime_ns:x}-{kept.st_size:x}"


@dataclass(frozen=True, slots=True, eq=False)
class Drawable:
    """An explanation, and how its model was shown the picture."""

    explanation: Explanation
    preprocessing: Preprocessing


@dataclass(frozen=True, slots=True, eq=False)
class ItemMaps:
    """What was kept of the explanations of an item.

    Attributes:
        gradcam, lime: None where there is none.
        problems: Why one that is there cannot be shown.
    """

    gradcam: Drawable | None
    lime: Drawable | None
    problems: tuple[str, ...] = ()


def draw_gradcam(found: Drawable, label_index: int) -> bytes | None:
    """A Grad-CAM on its picture, as JPEG; None where there is none of that label."""
    return _drawn(found, label_index, EXPLAINED_WIDTH_PX, _gradcam)


def draw_lime_map(found: Drawable, label_index: int) -> bytes | None:
    """A LIME on its picture, as JPEG; None where there is none of that label."""
    return _drawn(found, label_index, LIME_WIDTH_PX, _lime)


Draw = Callable[[Drawable, Picture, int], Picture]


def _drawn(found: Drawable, label_index: int, width_px: int, how: Draw) -> bytes | None:
    places = {label.index: place for place, label in enumerate(found.explanation.labels)}
    if label_index not in places:
        return None
    image = fit(found.explanation.prediction.frame.image, width_px)
    return encode(how(found, image, places[label_index]))


def _gradcam(found: Drawable, image: Picture, place: int) -> Picture:
    gradcam = found.explanation
    window = gradcam.window_on(place, image)
    spread = map_on_picture(gradcam.maps[place], image, found.preprocessing, window)
    drawn = draw(image, spread, frame_scale(gradcam).maximum)
    return draw_masses(drawn, spread) if spread.max() > 0 else drawn


def _lime(found: Drawable, image: Picture, place: int) -> Picture:
    lime = found.explanation
    drawn, _ = draw_lime(image, lime, place, found.preprocessing, frame_scale(lime), "signed")
    return drawn


def _thumb(content: bytes) -> bytes:
    data = np.frombuffer(content, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_REDUCED_COLOR_4)
    if image is None or image.shape[1] < THUMB_WIDTH_PX:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    rgb = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
    return encode(fit(rgb, THUMB_WIDTH_PX))
