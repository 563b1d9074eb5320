"""Frames and explanations as pictures for the page: each drawn and encoded once."""

import threading
from collections import deque
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.domain import Explanation, Frame
from edge.explain.colours import Picture, frame_scale
from edge.explain.layout import SAMPLE
from edge.explain.outlines import draw_masses
from edge.explain.overlay import draw, map_on_picture
from edge.preprocessing import Preprocessing

FRAME_WIDTH_PX = 1280
EXPLAINED_WIDTH_PX = 960
JPEG_QUALITY = 82
EXPLANATIONS_KEPT = 8
BAR_SIZE_PX = (256, 16)


def fit(image: Picture, width_px: int) -> Picture:
    """A picture at most so wide, itself where it is already."""
    height, width = image.shape[:2]
    if width <= width_px:
        return image
    size = width_px, max(1, round(height * width_px / width))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def encode(image: Picture, suffix: str = ".jpg") -> bytes:
    """An RGB picture as the bytes of a file."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    settings = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix == ".jpg" else []
    done, data = cv2.imencode(suffix, bgr, settings)
    if not done:
        raise ValueError(f"a picture of shape {image.shape} cannot be encoded as {suffix}")
    return bytes(data)


def colour_bar() -> bytes:
    """The colours of a map from no evidence to full scale, left to right, as PNG.

    They are drawn as on a brick: brighter where there is more evidence.
    """
    width, height = BAR_SIZE_PX
    ramp = np.tile(np.linspace(0, 1, width, dtype=np.float32), (height, 1))
    brick = np.full((height, width, 3), SAMPLE, np.uint8)
    return encode(draw(brick, ramp, 1.0), ".png")


class FrameEncoder:
    """Encodes the newest frame once, however many people look at it. Safe from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frame: Frame | None = None
        self._jpeg = b""

    def jpeg(self, frame: Frame) -> bytes:
        """The frame as JPEG."""
        with self._lock:
            if frame is not self._frame:
                self._jpeg = encode(fit(frame.image, FRAME_WIDTH_PX))
                self._frame = frame
            return self._jpeg


class ExplainedPictures:
    """Keeps the last explanations, so that a page that is a moment behind still gets its own.

    Safe from many threads. Whole frames are not kept, only what can be shown of them.

    Args:
        preprocessing: From the bundle; says where a map lies on its picture.
        kept: How many explanations are kept.
    """

    def __init__(self, preprocessing: Preprocessing, kept: int = EXPLANATIONS_KEPT) -> None:
        self._preprocessing = preprocessing
        self._lock = threading.Lock()
        self._kept: deque[_Explained] = deque(maxlen=kept)

    def note(self, explanation: Explanation | None) -> None:
        """Remember an explanation that somebody may ask for next."""
        if explanation is None:
            return
        with self._lock:
            if not any(known.explanation_id == id(explanation.maps) for known in self._kept):
                self._kept.append(_Explained(explanation, self._preprocessing))

    def plain(self, sequence: int) -> bytes | None:
        """The picture of an explanation without anything on it, as JPEG; None once forgotten."""
        found = self._find(lambda known: known.sequence == sequence)
        return found.plain() if found else None

    def drawn(self, sequence: int, label_index: int) -> bytes | None:
        """The map of a label on the picture it was computed from, as JPEG.

        Args:
            sequence: Of the frame that was explained.
            label_index: Of a label that was explained on it.

        Returns:
            The bytes; None where no such explanation is kept.
        """
        found = self._find(lambda known: known.sequence == sequence and label_index in known.labels)
        return found.drawn(label_index) if found else None

    def _find(self, fits: "Callable[[_Explained], bool]") -> "_Explained | None":
        with self._lock:
            return next((known for known in reversed(self._kept) if fits(known)), None)


class _Explained:
    """One explanation and the pictures made of it."""

    def __init__(self, explanation: Explanation, preprocessing: Preprocessing) -> None:
        frame = explanation.prediction.frame
        self.sequence = frame.sequence
        self.labels = {label.index: place for place, label in enumerate(explanation.labels)}
        # The maps are held below, so that their identity stays theirs.
        self._maps = explanation.maps
        self.explanation_id = id(explanation.maps)
        self._scale = frame_scale(explanation)
        self._picture = fit(frame.image, EXPLAINED_WIDTH_PX)
        self._preprocessing = preprocessing
        self._lock = threading.Lock()
        self._jpegs: dict[int | None, bytes] = {}

    def plain(self) -> bytes:
        return self._jpeg(None)

    def drawn(self, label_index: int) -> bytes:
        return self._jpeg(label_index)

    def _jpeg(self, label_index: int | None) -> bytes:
        with self._lock:
            if label_index not in self._jpegs:
                self._jpegs[label_index] = encode(self._draw(label_index))
            return self._jpegs[label_index]

    def _draw(self, label_index: int | None) -> Picture:
        if label_index is None:
            return self._picture
        heat: NDArray[np.float32] = self._maps[self.labels[label_index]]
        spread = map_on_picture(heat, self._picture, self._preprocessing)
        drawn = draw(self._picture, spread, self._scale.maximum)
        return draw_masses(drawn, spread) if spread.max() > 0 else drawn
