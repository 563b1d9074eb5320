"""The superpixels that matter most: the choice the `lime` package offers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Some superpixels of a picture.

    Attributes:
        mask: (h, w) int8: +1 speaks for the label, -1 against it, 0 is not selected.
        chosen: n, how many superpixels are selected.
        superpixels: K, how many there are.
        share: Of the picture's area, 0..1.
    """

    mask: NDArray[np.int8]
    chosen: int
    superpixels: int
    share: float

    def __str__(self) -> str:
        return f"{self.chosen} of {self.superpixels}, {100 * self.share:.0f} % of the area"


def select(
    coefficients: NDArray[np.float32],
    segments: NDArray[np.int32],
    *,
    positive_only: bool = True,
    negative_only: bool = False,
    top: int = 5,
    min_weight: float = 0.0,
) -> Selection:
    """Choose the strongest superpixels of one label.

    As `ImageExplanation.get_image_and_mask` of the `lime` package, save that its mask of
    negative superpixels says 1 where this says -1, and that a coefficient of exactly zero is
    never selected. With both signs the strongest `top` are taken first and those below
    `min_weight` dropped then; with one sign `top` counts only those above it.

    Args:
        coefficients: (K,) of one label.
        segments: (h, w) int32, numbered 0..K-1.
        positive_only: Only superpixels that speak for the label.
        negative_only: Only superpixels that speak against it.
        top: At most so many superpixels.
        min_weight: Least absolute coefficient.

    Raises:
        ValueError: Both signs alone were asked for, or `top` is negative.
    """
    if positive_only and negative_only:
        raise ValueError("positive_only and negative_only were both asked for; choose one")
    if top < 0:
        raise ValueError(f"top: found {top}, allowed 0 or more")
    strength = np.abs(coefficients)
    order = np.argsort(-strength, kind="stable")
    if positive_only or negative_only:
        signed = coefficients if positive_only else -coefficients
        chosen = order[(signed > max(min_weight, 0.0))[order]][:top]
    else:
        chosen = order[:top]
        chosen = chosen[(strength[chosen] >= min_weight) & (strength[chosen] > 0)]
    signs = np.zeros(len(coefficients), np.int8)
    signs[chosen] = np.sign(coefficients[chosen])
    mask = signs[segments]
    return Selection(mask, len(chosen), len(coefficients), float((mask != 0).mean()))
