"""LIME as pictures for the page, also while it is being made: each drawn and encoded once."""

import threading
from collections import OrderedDict
from dataclasses import replace

import numpy as np

from edge.dashboard.live.drawing import Drawing
from edge.dashboard.live.pictures import DRAWN_KEPT, PLAINLY, encode, fit
from edge.domain import Explanation
from edge.explain.colours import Picture, frame_scale
from edge.explain.sheet import draw_lime
from edge.explain.worker.progress import ExplainRequest, Progress
from edge.preprocessing import Preprocessing

LIME_WIDTH_PX = 560
"""Outlines and marks are drawn in pixels and have to be seen on a part of a page."""
LIMES_KEPT = 20
"""At least what the board has at most."""
RESULTS_KEPT = 6
"""Of a request: it may be over before a page that was told of an interim result asks for it."""


class LimePictures:
    """Keeps what was told of the last requests, for a page that is a moment behind.

    Safe from many threads.

    Args:
        preprocessing: From the bundle; says where superpixels lie on their picture.
        kept: How many requests are kept.
    """

    def __init__(self, preprocessing: Preprocessing, kept: int = LIMES_KEPT) -> None:
        self._preprocessing = preprocessing
        self._limit = kept
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, _Lime] = OrderedDict()

    def note(self, lime: tuple[Progress, ...]) -> None:
        """Remember what somebody may ask for next: all that is on the board, newest first."""
        with self._lock:
            for progress in reversed(lime[: self._limit]):
                number = progress.request.number
                known = self._kept.pop(number, None) or _Lime(progress.request)
                known.note(progress, self._preprocessing)
                self._kept[number] = known
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)

    def plain(self, number: int) -> bytes | None:
        """The picture of a request without anything on it, as JPEG; None once forgotten."""
        with self._lock:
            known = self._kept.get(number)
        return known.plain() if known else None

    def drawn(
        self,
        number: int,
        label_index: int,
        samples: int | None = None,
        drawing: Drawing = PLAINLY,
    ) -> bytes | None:
        """What speaks for and against a label, on the picture it was computed from, as JPEG.

        Args:
            number: Of the request.
            label_index: Of a label that was asked for.
            samples: After how many perturbed pictures; None for the newest that was told.
            drawing: What full colour stands for; LIME has one look.

        Returns:
            The bytes; None where no such result is kept.
        """
        with self._lock:
            known = self._kept.get(number)
            result = known.result(samples) if known else None
        return result.drawn(label_index, drawing) if result else None


class _Lime:
    """One request; noted and asked under the lock of `LimePictures`."""

    def __init__(self, request: ExplainRequest) -> None:
        self._image = fit(request.prediction.frame.image, LIME_WIDTH_PX)
        self._results: OrderedDict[int, _Result] = OrderedDict()
        self._lock = threading.Lock()
        self._jpeg = b""

    def note(self, progress: Progress, preprocessing: Preprocessing) -> None:
        if progress.explanation is not None and progress.samples not in self._results:
            result = _Result(progress.explanation, self._image, preprocessing)
            self._results[progress.samples] = result
        while len(self._results) > RESULTS_KEPT:
            self._results.popitem(last=False)

    def result(self, samples: int | None) -> "_Result | None":
        if samples is not None:
            return self._results.get(samples)
        return next(reversed(self._results.values()), None)

    def plain(self) -> bytes:
        with self._lock:
            self._jpeg = self._jpeg or encode(self._image)
            return self._jpeg


class _Result:
    """LIME after some samples, and the pictures made of it."""

    def __init__(self, lime: Explanation, image: Picture, preprocessing: Preprocessing) -> None:
        self._image, self._preprocessing = image, preprocessing
        self._scale = frame_scale(lime)
        # Superpixels and their coefficients are all that is drawn; whole maps are large.
        self._lime = replace(lime, maps=lime.maps[:, :0, :0].copy())
        self._places = {label.index: place for place, label in enumerate(lime.labels)}
        self._lock = threading.Lock()
        self._jpegs: OrderedDict[tuple[int, str | float], bytes] = OrderedDict()

    def drawn(self, label_index: int, drawing: Drawing) -> bytes | None:
        place = self._places.get(label_index)
        if place is None:
            return None
        wanted = (label_index, drawing.full)
        with self._lock:
            if wanted not in self._jpegs:
                self._jpegs[wanted] = self._draw(place, drawing)
                while len(self._jpegs) > DRAWN_KEPT:
                    self._jpegs.popitem(last=False)
            return self._jpegs[wanted]

    def _draw(self, place: int, drawing: Drawing) -> bytes:
        strongest = float(np.abs(self._lime.details["coefficients"][place]).max(initial=0.0))
        scale = replace(self._scale, maximum=drawing.maximum(self._scale.maximum, strongest))
        picture, _ = draw_lime(self._image, self._lime, place, self._preprocessing, scale, "signed")
        return encode(picture)
