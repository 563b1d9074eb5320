"""Figures of one map against masks; numpy only.

`heat` is (h, w), of which only values above zero count as evidence. `own` and `bricks` are masks
averaged down to the same grid, (h, w) in 0..1. What cannot be said is NaN: a mean over NaN would
hide how often that is, so whoever averages counts them. For a mask of 0 and 1 every figure is the
usual one; a cell that is covered in part counts as that much of a cell.
"""

import numpy as np

from edge.explain.attention import Attention, attention

TAU = 15 / 224
"""Tolerance of the pointing game as a share of the input's side (TorchRay: 15 px at 224)."""
NOTHING = float("nan")


def positive(heat: np.ndarray) -> np.ndarray:
    """Evidence for the label alone, float64."""
    return np.maximum(np.asarray(heat, np.float64), 0)


def is_blank(heat: np.ndarray) -> bool:
    """Whether a map holds no positive evidence."""
    return not (np.asarray(heat) > 0).any()


def peaks(heat: np.ndarray, size_px: int) -> np.ndarray:
    """Centres of the cells that share the maximum.

    Returns:
        (k, 2) float of y, x in pixels of an input of side `size_px`; none for a blank map.
    """
    if is_blank(heat):
        return np.zeros((0, 2))
    cells = np.argwhere(heat == heat.max())
    return (cells + 0.5) * size_px / np.array(heat.shape)


def pointing(points: np.ndarray, distance: np.ndarray, tolerance_px: float = 0.0) -> float:
    """Pointing game (Zhang et al. 2016): whether the peak is on the brick, or that near to it.

    Args:
        points: (k, 2) of y, x in pixels, see `peaks`. If several share the maximum, the share of
            them that hit counts: what choosing one by chance would score on average.
        distance: (s, s), see `trainer.faithfulness.masks.distance_px`.
        tolerance_px: Allowed distance.

    Returns:
        0..1; 0 without points, a blank map being a miss; NaN if there is no brick.
    """
    if not np.isfinite(distance).any():
        return NOTHING
    if not len(points):
        return 0.0
    y, x = np.minimum(points.astype(int), np.array(distance.shape) - 1).T
    return float((distance[y, x] <= tolerance_px).mean())


def skill(hit: float, chance: float) -> float:
    """(hit - chance) / (1 - chance): 0 is no better than chance, 1 perfect; NaN at chance 1."""
    return (hit - chance) / (1 - chance) if chance < 1 else NOTHING


def budget(heat: np.ndarray, own: np.ndarray, bricks: np.ndarray) -> Attention:
    """Where a map's mass lies; of a blank map it is NaN.

    The own share is the energy of the energy-based pointing game (Wang et al. 2020).
    """
    return attention(heat, own, bricks)


def energy(heat: np.ndarray, own: np.ndarray) -> float:
    """Share of the mass on the brick; NaN for a blank map or without a brick."""
    return budget(heat, own, own).own if own.any() else NOTHING


def discriminativity(heat: np.ndarray, own: np.ndarray, bricks: np.ndarray) -> float:
    """Own / (own + other): of the mass on bricks, the share on the right ones.

    Returns:
        0..1; NaN without own bricks, without others, or without mass on any.
    """
    shares = budget(heat, own, bricks)
    others = np.maximum(bricks - own, 0).any()
    if not own.any() or not others or not shares.own + shares.other > 0:
        return NOTHING
    return shares.own / (shares.own + shares.other)


def rank_accuracy(heat: np.ndarray, own: np.ndarray) -> float:
    """Of as many highest cells as the brick covers, the share inside it (Arras et al. 2022).

    The number of cells is the mask's sum, rounded and at least one; what they cover is divided by
    the most that so many cells could. Of cells with equal heat at the border, each counts equally.

    Returns:
        0..1; NaN without a brick. A blank map scores what chance does.
    """
    if not own.any():
        return NOTHING
    count = max(1, round(float(own.sum())))
    values, covered = positive(heat).ravel(), own.ravel()
    border = np.sort(values)[-count]
    above, level = values > border, values == border
    found = covered[above].sum() + (count - above.sum()) * covered[level].mean()
    return float(found / np.sort(covered)[-count:].sum())


def intersection_over_union(heat: np.ndarray, own: np.ndarray, share: float) -> float:
    """IoU of the brick and the cells at or above a share of the map's maximum.

    Returns:
        0..1; 0 for a blank map; NaN without a brick.
    """
    if not own.any():
        return NOTHING
    if is_blank(heat):
        return 0.0
    marked = heat >= share * heat.max()
    return float(own[marked].sum() / (marked.sum() + own[~marked].sum()))


def pixel_average_precision(heat: np.ndarray, own: np.ndarray) -> float:
    """Average precision of heat as a score of each cell's being on the brick.

    A cell covered by m is m of a positive and 1 - m of a negative; cells of equal heat are one
    step, so that a blank or even map scores the brick's share of the picture.

    Returns:
        0..1; NaN without a brick.
    """
    if not own.any():
        return NOTHING
    values, covered = positive(heat).ravel(), own.ravel()
    order = np.argsort(-values, kind="stable")
    last = np.append(np.diff(values[order]) != 0, True)
    hits, ranks = covered[order].cumsum()[last], np.flatnonzero(last) + 1
    return float((np.diff(hits, prepend=0.0) * hits / ranks).sum() / covered.sum())
