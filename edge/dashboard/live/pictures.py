"""Frames and explanations as pictures for the page: each drawn and encoded once."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Container

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.dashboard.live.drawing import STYLE_OF, Drawing
from edge.domain import Explanation, Frame
from edge.explain.colours import Picture, Style, frame_scale
from edge.explain.layout import SAMPLE
from edge.explain.outlines import draw_masses
from edge.explain.overlay import draw, map_on_picture
from edge.preprocessing import Preprocessing

FRAME_WIDTH_PX = 1280
EXPLAINED_WIDTH_PX = 960
JPEG_QUALITY = 82
EXPLANATIONS_KEPT = 8
HELD = 24
"""How many more are kept because somebody still compares them with something."""
DRAWN_KEPT = 24
"""Of one explanation: labels, each in some ways."""
PLAINLY = Drawing()
BAR_SIZE_PX = (256, 16)
GREY = 128


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


def colour_bar(style: Style = "spotlight") -> bytes:
    """The colours of a map up to full scale, left to right, as PNG.

    Args:
        style: "signed" begins at full scale against a label and has none in its middle, drawn on
            grey; the others begin at none. The spotlight is drawn as on a brick: brighter where
            there is more evidence.
    """
    width, height = BAR_SIZE_PX
    start = -1 if style == "signed" else 0
    ramp = np.tile(np.linspace(start, 1, width, dtype=np.float32), (height, 1))
    sample = np.full((height, width, 3), SAMPLE if style == "spotlight" else GREY, np.uint8)
    return encode(draw(sample, ramp, 1.0, style), ".png")


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
        kept: How many explanations are kept, besides those that are held.
    """

    def __init__(self, preprocessing: Preprocessing, kept: int = EXPLANATIONS_KEPT) -> None:
        self._preprocessing = preprocessing
        self._lock = threading.Lock()
        self._limit = kept
        self._kept: deque[_Explained] = deque(maxlen=kept + HELD)

    def note(self, explanation: Explanation | None, held: Container[int] = ()) -> None:
        """Remember an explanation that somebody may ask for next.

        Args:
            explanation: The newest.
            held: Sequence numbers of frames whose explanations do not give way to newer ones.
        """
        with self._lock:
            if explanation is not None and not self._knows(explanation):
                self._kept.append(_Explained(explanation, self._preprocessing))
            spare = [known for known in self._kept if known.sequence not in held]
            for known in spare[: -self._limit]:
                self._kept.remove(known)

    def plain(self, sequence: int) -> bytes | None:
        """The picture of an explanation without anything on it, as JPEG; None once forgotten."""
        found = self._find(lambda known: known.sequence == sequence)
        return found.plain() if found else None

    def drawn(self, sequence: int, label_index: int, drawing: Drawing = PLAINLY) -> bytes | None:
        """The map of a label on the picture it was computed from, as JPEG.

        Args:
            sequence: Of the frame that was explained.
            label_index: Of a label that was explained on it.
            drawing: How.

        Returns:
            The bytes; None where no such explanation is kept.
        """
        found = self._find(lambda known: known.sequence == sequence and label_index in known.labels)
        return found.drawn(label_index, drawing) if found else None

    def _knows(self, explanation: Explanation) -> bool:
        return any(known.explanation_id == id(explanation.maps) for known in self._kept)

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
        self._windows = [
            explanation.window_on(place, self._picture) for place in self.labels.values()
        ]
        self._preprocessing = preprocessing
        self._lock = threading.Lock()
        self._jpegs: OrderedDict[tuple[int, Drawing] | None, bytes] = OrderedDict()

    def plain(self) -> bytes:
        return self._jpeg(None)

    def drawn(self, label_index: int, drawing: Drawing) -> bytes:
        return self._jpeg((label_index, drawing))

    def _jpeg(self, wanted: tuple[int, Drawing] | None) -> bytes:
        with self._lock:
            if wanted not in self._jpegs:
                self._jpegs[wanted] = encode(self._draw(*wanted) if wanted else self._picture)
                while len(self._jpegs) > DRAWN_KEPT:
                    self._jpegs.popitem(last=False)
            return self._jpegs[wanted]

    def _draw(self, label_index: int, drawing: Drawing) -> Picture:
        place = self.labels[label_index]
        heat: NDArray[np.float32] = self._maps[place]
        maximum = drawing.maximum(self._scale.maximum, float(heat.max(initial=0.0)))
        spread = map_on_picture(heat, self._picture, self._preprocessing, self._windows[place])
        style = STYLE_OF.get(drawing.look)
        drawn = draw(self._picture, spread, maximum, style) if style else self._picture
        return draw_masses(drawn, spread) if spread.max() > 0 else drawn
