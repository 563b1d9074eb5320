"""Kernels of a convolution as pictures, and what kinds of kernels there are."""

from dataclasses import dataclass

import numpy as np

EDGE_SHARE = 0.75
"""Least share of what changes over a kernel that does so along one direction, to be edge-like."""
UNIFORM_SHARE = 0.8
"""Least share of a kernel's energy that is its mean for it to count as uniform."""
DIRECTIONS = 36
KNOT_PX = 1.5
"""Between two values of a profile: finer ones would follow any kernel of side 3."""
CHANCE_KERNELS = 200


@dataclass(frozen=True, slots=True)
class KernelKinds:
    """Shares of a layer's kernels, 0..1; what is neither has structure of another kind.

    A kernel of one position has no place to change over: its shares are None.

    Attributes:
        kernels: How many there are.
        edge_like: They change along one direction: edges and bars.
        chance: The same of random kernels of this shape; small ones are often edge-like.
        uniform: They hardly change over their place: blobs of one colour.
        dead: They are zero.
    """

    kernels: int
    edge_like: float | None
    chance: float | None
    uniform: float | None
    dead: float


def kinds(kernel: np.ndarray) -> KernelKinds:
    """Count the kinds of a layer's kernels.

    Args:
        kernel: (h, w, in, out).

    Returns:
        The shares. A kernel is judged on the mixture of its input channels that holds most of its
        energy (its first principal component), so that edges between colours count as well.
    """
    each = np.moveaxis(np.asarray(kernel, np.float64), -1, 0)
    dead = np.array([not one.any() for one in each])
    if kernel.shape[:2] == (1, 1):
        return KernelKinds(len(each), None, None, None, float(dead.mean()))
    uniform = np.array([mean_share(one) >= UNIFORM_SHARE for one in each])
    random = np.random.default_rng(0).standard_normal((CHANCE_KERNELS, *kernel.shape[:3]))
    return KernelKinds(
        len(each),
        float((_edge_like(each) & ~uniform & ~dead).mean()),
        float(_edge_like(random).mean()),
        float((uniform & ~dead).mean()),
        float(dead.mean()),
    )


def _edge_like(kernels: np.ndarray) -> np.ndarray:
    profiles = _profiles(*kernels.shape[1:3])
    return np.array([_best(principal(one), profiles) >= EDGE_SHARE for one in kernels])


def principal(kernel: np.ndarray) -> np.ndarray:
    """(h, w): the mixture of the channels of (h, w, c) that holds most of its energy."""
    height, width, channels = kernel.shape
    places, strengths, _ = np.linalg.svd(kernel.reshape(-1, channels), full_matrices=False)
    return (places[:, 0] * strengths[0]).reshape(height, width)


def mean_share(kernel: np.ndarray) -> float:
    """Share of the energy of (h, w, c) that is left when each channel is evened out; 0..1."""
    energy = float((kernel**2).sum())
    flat = kernel.mean(axis=(0, 1))
    return float((flat**2).sum() * kernel.shape[0] * kernel.shape[1] / energy) if energy else 0.0


def direction_share(kernel: np.ndarray) -> float:
    """How much of what changes over (h, w) does so along one direction; 0..1.

    The share of the variance that the best profile along the best direction explains: a function
    of the place along the direction alone, linear between knots.
    """
    return _best(kernel, _profiles(*kernel.shape))


def _best(kernel: np.ndarray, profiles: list[np.ndarray]) -> float:
    changing = (kernel - kernel.mean()).ravel()
    energy = float((changing**2).sum())
    if energy <= 1e-20 * float((kernel**2).sum()) or energy == 0:
        return 0.0
    return max(float(((basis.T @ changing) ** 2).sum()) for basis in profiles) / energy


def _profiles(height: int, width: int) -> list[np.ndarray]:
    # For each direction an orthonormal basis (h * w, m) of the profiles along it.
    y, x = np.mgrid[:height, :width]
    y, x = (y - (height - 1) / 2).ravel(), (x - (width - 1) / 2).ravel()
    bases = []
    for angle in np.arange(DIRECTIONS) * np.pi / DIRECTIONS:
        along = (np.cos(angle) * x + np.sin(angle) * y) / KNOT_PX
        reach = int(np.ceil(np.abs(along).max()))
        hats = np.maximum(0, 1 - np.abs(along[:, None] - np.arange(-reach, reach + 1)))
        vectors, strengths, _ = np.linalg.svd(hats, full_matrices=False)
        bases.append(vectors[:, strengths > 1e-9 * strengths[0]])
    return bases


def as_rgb(kernel: np.ndarray) -> np.ndarray:
    """Kernels that see RGB as pictures.

    Args:
        kernel: (h, w, 3, out).

    Returns:
        (out, h, w, 3) uint8. Zero is mid-grey; all share one scale, so that weak kernels look weak.
    """
    scale = max(float(np.abs(kernel).max()), 1e-12)
    shown = 127.5 + 127.5 * np.moveaxis(kernel, -1, 0) / scale
    return np.rint(shown).astype(np.uint8)


def as_signed(kernel: np.ndarray, outputs: int, inputs: int) -> np.ndarray:
    """Kernels by channel as pictures: orange above zero, blue below, grey at zero.

    Args:
        kernel: (h, w, in, out).
        outputs, inputs: At most so many kernels, those of most energy, and channels.

    Returns:
        (out, in, h, w, 3) uint8, on one scale.
    """
    from edge.explain.overlay import signed

    energy = (kernel**2).sum(axis=(0, 1, 2))
    chosen = np.argsort(-energy, kind="stable")[:outputs]
    each = np.moveaxis(kernel[:, :, :inputs, chosen], (3, 2), (0, 1)).astype(np.float32)
    scale = float(np.abs(each).max(initial=0.0))
    shape = each.shape
    flat = each.reshape(shape[0] * shape[1] * shape[2], shape[3])
    grey = np.full((*flat.shape, 3), 128, np.uint8)
    return signed(grey, flat, scale).reshape(*shape, 3)


def grid(tiles: np.ndarray, columns: int, side_px: int, gap_px: int = 2) -> np.ndarray:
    """Tiles (n, h, w, 3) enlarged to `side_px` and put side by side, (H, W, 3) uint8."""
    import cv2

    count = len(tiles)
    columns = min(columns, count)
    rows = -(-count // columns)
    step = side_px + gap_px
    sheet = np.full((rows * step + gap_px, columns * step + gap_px, 3), 255, np.uint8)
    for number, tile in enumerate(tiles):
        y, x = (gap_px + step * place for place in divmod(number, columns))
        sheet[y : y + side_px, x : x + side_px] = cv2.resize(
            tile, (side_px, side_px), interpolation=cv2.INTER_NEAREST
        )
    return sheet
