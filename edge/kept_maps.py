"""Maps of items on the disk: Grad-CAM and LIME of the picture that was kept, to be drawn later.

A file is an .npz without pickles: arrays, and `about`, JSON in UTF-8 that says of which picture and
model they are. Grad-CAM is kept as 16-bit floats; LIME as superpixels and their coefficients.
"""

import io
import json
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.domain import Explanation, Frame, Label, PixelWindow, Prediction
from edge.errors import ExplainError
from edge.explain.worker.progress import Progress
from edge.kept_frames import GRADCAM, LIME, KeptFrames
from edge.preprocessing import Preprocessing, prepare

REMEMBERED = 64
"""Items whose LIME may still come."""
MAX_BYTES = 8_000_000
SUPERPIXEL_ARRAYS = ("coefficients", "standard_errors", "r2", "stability")
_SENSELESS = (ValueError, KeyError, IndexError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


class KeptMaps:
    """Keeps the maps of items beside their pictures; used by one thread only.

    What is explained comes later than what was decided, so frames of items are remembered.

    Args:
        frames: Keeps the pictures.
        preprocessing: Of the model that is explained.
        model_sha256: Of it.
    """

    def __init__(self, frames: KeptFrames, preprocessing: Preprocessing, model_sha256: str) -> None:
        self._frames = frames
        self._about = {
            "model_sha256": model_sha256,
            "size_px": preprocessing.size_px,
            "resize": preprocessing.resize,
        }
        self._items: OrderedDict[tuple[int, float], _Remembered] = OrderedDict()

    def remember(self, item_id: int, frame: Frame, picture_sha256: str) -> None:
        """Tell of the picture of an item that was kept."""
        self._items[_key(frame)] = _Remembered(item_id, picture_sha256)
        while len(self._items) > REMEMBERED:
            self._items.popitem(last=False)

    def gradcam(self, explanation: Explanation) -> None:
        """Keep a Grad-CAM, if it is the first of an item's picture."""
        item = self._items.get(_key(explanation.prediction.frame))
        if item is not None and not item.has_gradcam:
            item.has_gradcam = True
            self._keep(item, GRADCAM, explanation, {"maps": explanation.maps.astype(np.float16)})

    def limes(self, told: Iterable[Progress]) -> None:
        """Keep what is over of an item's picture, the one with the most samples."""
        for progress in told:
            item = self._items.get(_key(progress.request.prediction.frame))
            found = progress.explanation
            if item is None or found is None or not progress.state.over:
                continue
            if progress.samples > item.samples:
                item.samples = progress.samples
                self._keep(item, LIME, found, _superpixels(found.details))

    def _keep(
        self,
        item: "_Remembered",
        suffix: str,
        explanation: Explanation,
        arrays: Mapping[str, NDArray[Any]],
    ) -> None:
        about = self._about | {"picture_sha256": item.picture_sha256}
        self._frames.keep_beside(item.item_id, suffix, packed(explanation, arrays, about))


class _Remembered:
    """An item, and what of it is kept."""

    def __init__(self, item_id: int, picture_sha256: str) -> None:
        self.item_id, self.picture_sha256 = item_id, picture_sha256
        self.has_gradcam = False
        self.samples = 0


def packed(
    explanation: Explanation, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]
) -> bytes:
    """An explanation as the bytes of a file; see the head of this module."""
    seen = explanation.prediction
    details = {k: v for k, v in explanation.details.items() if _is_plain(v)}
    text = json.dumps(
        {
            **about,
            "method": explanation.method,
            "labels": [label.id for label in explanation.labels],
            "present": [label.id for label in seen.present],
            "details": details,
            "windows": [window and astuple(window) for window in explanation.windows],
        }
    )
    buffer = io.BytesIO()
    every: dict[str, Any] = {
        "about": np.frombuffer(text.encode(), np.uint8),
        "logits": seen.logits,
        "probabilities": seen.probabilities,
        **arrays,
    }
    np.savez_compressed(buffer, **every)
    return buffer.getvalue()


def read_maps(
    path: Path, image: NDArray[np.uint8], picture_sha256: str, labels: Iterable[Label]
) -> tuple[Explanation, Preprocessing] | None:
    """Read what was kept of an item.

    Args:
        path: Its file.
        image: (h, w, 3) uint8 RGB, the picture.
        picture_sha256: Of the picture's file.
        labels: Of the model that saw it.

    Returns:
        The explanation, of a prediction of that picture, and how its model was shown it; None
        where there is none, or only that of another picture.

    Raises:
        ExplainError: The file is damaged or cannot be read.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ExplainError(f"{path}: found more than {MAX_BYTES} bytes; {_MEND}")
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = {name: np.asarray(file[name]) for name in file.files}
        about = json.loads(arrays["about"].tobytes())
        if about["picture_sha256"] != picture_sha256:
            return None
        return _explanation(about, arrays, image, {label.id: label for label in labels})
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ExplainError(f"{path}: it cannot be read ({error.strerror}); {_MEND}") from error
    except _SENSELESS as error:
        raise ExplainError(f"{path}: it is damaged ({error}); {_MEND}") from error


_MEND = "remove it, then nothing is shown for it"


def _explanation(
    about: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    image: NDArray[np.uint8],
    known: Mapping[str, Label],
) -> tuple[Explanation, Preprocessing]:
    how = Preprocessing(int(about["size_px"]), about["resize"])
    # Written before maps could lie on a part of the picture, a file has none.
    windows = tuple(window and PixelWindow(*window) for window in about.get("windows", ()))
    views = [image if window is None else window.cut(image) for window in windows or (None,)]
    prediction = Prediction(
        frame=Frame(0, 0.0, image),
        model_input=prepare(views[0], how),
        logits=arrays["logits"].astype(np.float32),
        probabilities=arrays["probabilities"].astype(np.float32),
        present=tuple(known[label_id] for label_id in about["present"]),
        window=windows[0] if windows else None,
    )
    labels = tuple(known[label_id] for label_id in about["labels"])
    details = dict(about["details"])
    if "segments" in arrays:
        details |= {name: arrays[name] for name in SUPERPIXEL_ARRAYS}
        details["segments"] = arrays["segments"].astype(np.int32)
        maps = details["coefficients"][:, details["segments"]]
    else:
        maps = arrays["maps"].astype(np.float32)
    if maps.ndim != 3 or len(maps) != len(labels):
        raise ValueError(f"{maps.shape} maps of {len(labels)} labels")
    if windows and len(windows) != len(labels):
        raise ValueError(f"{len(windows)} windows of {len(labels)} labels")
    return Explanation(prediction, str(about["method"]), labels, maps, details, windows), how


def _superpixels(details: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    arrays = {name: np.asarray(details[name], np.float32) for name in SUPERPIXEL_ARRAYS}
    kind = np.uint8 if details["superpixels"] <= 256 else np.uint16
    return arrays | {"segments": details["segments"].astype(kind)}


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float | bool)


def _key(frame: Frame) -> tuple[int, float]:
    return frame.sequence, frame.captured_at_s
