"""Finished LIME results by what they are of."""

import hashlib
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from edge.explain.lime_result import LimeResult, LimeSettings


def key_of(picture: NDArray[np.uint8], model_sha256: str, settings: LimeSettings) -> str:
    """Names a result: the same picture, model and settings give the same, for all labels."""
    digest = hashlib.sha256(picture.tobytes())
    digest.update(f"{picture.shape} {model_sha256} {settings}".encode())
    return digest.hexdigest()


class LimeCache:
    """Keeps the results used last, up to a number of bytes.

    Args:
        limit_bytes: A result that is larger by itself is not kept.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._kept: OrderedDict[str, LimeResult] = OrderedDict()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """How much is kept."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str) -> LimeResult | None:
        """A result, which is then the one used last."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: str, result: LimeResult) -> None:
        """Keep a result; those not used for the longest time go."""
        self._forget(key)
        self._kept[key] = result
        self._bytes += _bytes_of(result)
        while self._bytes > self._limit:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: str) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self._bytes -= _bytes_of(gone)


def _bytes_of(result: LimeResult) -> int:
    arrays = (
        result.segments,
        result.coefficients,
        result.standard_errors,
        result.intercepts,
        result.whole,
        result.r2,
        result.stability,
    )
    return sum(array.nbytes for array in arrays)
