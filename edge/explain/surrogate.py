"""The linear stand-in for the model around one picture: a weighted ridge for all labels at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SPARE_GROUPS = 4
"""How many more independent rows (or pairs) than unknowns standard errors need."""
DETERMINANT_MIN = 1e-12
PENALTY_MIN = 1e-9
"""Of the mean diagonal of the moments: without noise, too, rows may not tell superpixels apart."""
PRIOR_MIN = 0.1
"""Least variance that a coefficient is believed to have, in those of its error."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A solved ridge over L superpixels and n labels.

    Attributes:
        coefficients: (n, L) float64, in units of the target: what showing a superpixel adds; 0
            where the target does not vary.
        intercepts: (n,) float64, the target with everything hidden, as far as a line can tell.
        r2: (n,) float64, the share of the weighted variance that is explained; NaN where the
            target does not vary.
    """

    coefficients: Floats
    intercepts: Floats
    r2: Floats


def kernel_weights(rows: NDArray[np.bool_], width: float) -> Floats:
    """How much each perturbed picture counts, as in the `lime` package.

    `w = sqrt(exp(-d^2 / width^2))`, with `d = 1 - sqrt(shown / L)` the cosine distance between
    the row and one that shows everything.

    Args:
        rows: (m, L) bool, True for shown.
        width: Above zero.

    Returns:
        (m,) float64 in 0..1.
    """
    distance = 1.0 - np.sqrt(rows.mean(axis=1))
    return np.asarray(np.exp(-0.5 * (distance / width) ** 2), np.float64)


class Surrogate:
    """Takes rows as they come and solves whenever asked.

    Minimises `sum w (y - b - x' beta)^2 + sum alpha beta^2` for every label; the intercept is not
    penalised. Only sums are kept for that, so solving costs the same after any number of rows.

    A row and its complement weigh alike, each the mean of what the two would: only then does
    what an even number of superpixels do together, most of the noise, cancel in full.

    Args:
        superpixels: L, at least one.
        labels: n, at least one.
        kernel_width: Of `kernel_weights`.
        alpha: Of the ridge, above zero.
        paired: Whether every second row is the complement of the one before.
    """

    def __init__(
        self,
        superpixels: int,
        labels: int,
        kernel_width: float,
        alpha: float,
        paired: bool,
    ) -> None:
        self._width, self._paired = kernel_width, paired
        self._ridge = alpha * np.eye(superpixels)
        self._rows = np.empty((0, superpixels))
        self._targets = np.empty((0, labels))
        self._weights = np.empty(0)
        # Moments of (1, x) with itself and with y, and of y with itself.
        self._moments = np.zeros((superpixels + 1, superpixels + 1))
        self._products = np.zeros((superpixels + 1, labels))
        self._squares = np.zeros(labels)

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rows: NDArray[np.bool_], targets: NDArray[np.float32]) -> None:
        """Take in (m, L) rows and the (m, n) values that the model gave them."""
        weights, values = self._weigh(rows), targets.astype(np.float64)
        with_one = np.column_stack([np.ones(len(rows)), rows])
        weighted = with_one * weights[:, None]
        self._moments += weighted.T @ with_one
        self._products += weighted.T @ values
        self._squares += weights @ values**2
        self._rows = np.vstack([self._rows, with_one[:, 1:]])
        self._targets = np.vstack([self._targets, values])
        self._weights = np.concatenate([self._weights, weights])

    def fit(self) -> Fit:
        """Solve for the rows so far, at least one."""
        spread, common = self._centred()
        beta = np.asarray(np.linalg.solve(spread + self._ridge, common), np.float64)
        return self._described(beta, spread, common)

    def sharpened(self, fit: Fit, errors: Floats, labels: NDArray[np.intp]) -> Fit:
        """Shrink some labels' coefficients by how little is known of each.

        Few superpixels matter to a label, and a ridge shrinks all alike. Here every coefficient
        gets a prior variance of its own, what its square is above that of its error (empirical
        Bayes; MacKay 1992 calls it automatic relevance determination), and the ridge is solved
        once more with penalties of noise over prior variance. What is noise goes to zero, what is
        clear stays as it is.

        Args:
            fit: Of the same rows.
            errors: (n, L) of `standard_errors`, of these rows or earlier ones; a label whose are
                NaN stays as it is.
            labels: Indices of those to shrink.

        Returns:
            A new fit.
        """
        known = labels[np.isfinite(errors[labels]).all(axis=1)]
        if not len(known):
            return fit
        spread, common = self._centred()
        size = np.diag(np.linalg.inv(spread + self._ridge))
        doubt = errors[known] ** 2
        level = np.maximum(doubt.mean(axis=1, keepdims=True), DETERMINANT_MIN)
        prior = np.maximum(fit.coefficients[known] ** 2 - doubt, PRIOR_MIN * level)
        penalties = (doubt / size).mean(axis=1, keepdims=True) / prior
        penalties = np.maximum(penalties, PENALTY_MIN * np.trace(spread) / len(size))
        systems = spread + penalties[:, :, None] * np.eye(len(size))
        beta = fit.coefficients.T.copy()
        beta[:, known] = np.linalg.solve(systems, common.T[known][:, :, None])[:, :, 0].T
        return self._described(beta, spread, common)

    def _centred(self) -> tuple[Floats, Floats]:
        """Weighted moments of x with itself (L, L) and with y (L, n), both about their means."""
        total, x_mean, y_mean = self._means()
        spread = self._moments[1:, 1:] - total * np.outer(x_mean, x_mean)
        return spread, self._products[1:] - total * np.outer(x_mean, y_mean)

    def _described(self, beta: Floats, spread: Floats, common: Floats) -> Fit:
        total, x_mean, y_mean = self._means()
        variance = self._squares - total * y_mean**2
        # Sums of squares leave rounding behind where the target does not vary.
        varies = variance > 1e-12 * np.maximum(self._squares, 1e-300)
        beta = np.where(varies, beta, 0.0)
        explained = 2 * (beta * common).sum(axis=0) - (beta * (spread @ beta)).sum(axis=0)
        r2 = np.divide(explained, variance, out=np.full_like(variance, np.nan), where=varies)
        return Fit(np.asarray(beta.T, np.float64), y_mean - x_mean @ beta, r2)

    def _weigh(self, rows: NDArray[np.bool_]) -> Floats:
        # With one superpixel there is no nearness: the only other row would weigh 0.0003.
        if rows.shape[1] == 1:
            return np.ones(len(rows))
        if self._paired:
            return (kernel_weights(rows, self._width) + kernel_weights(~rows, self._width)) / 2
        return kernel_weights(rows, self._width)

    def _means(self) -> tuple[float, Floats, Floats]:
        total = float(self._moments[0, 0])
        return total, self._moments[0, 1:] / total, self._products[0] / total

    def standard_errors(self, fit: Fit) -> Floats:
        """How far chance in the rows drives the coefficients.

        The robust (sandwich) estimate with the correction CR2 of Bell and McCaffrey (2002): each
        group's residuals are multiplied by `(I - H)^(-1/2)`, H the group's part of the hat
        matrix. A group is one row (then it is HC2), or a pair of complements, whose shared
        errors cancel and would be counted as noise otherwise. The ridge's bias towards zero, of
        relative size about `4 alpha / sum(w)`, is not part of it. For coefficients that were
        `sharpened` it is a bound from above.

        Args:
            fit: Of the same rows, not sharpened.

        Returns:
            (n, L) float64; NaN while there are too few rows to tell.
        """
        size = 2 if self._paired else 1
        if len(self) < size * (self._rows.shape[1] + SPARE_GROUPS):
            return np.full_like(fit.coefficients, np.nan)
        root = np.sqrt(self._weights)
        total, x_mean, _ = self._means()
        centred = (self._rows - x_mean) * root[:, None]
        spread = centred.T @ centred + self._ridge
        influence = np.asarray(np.linalg.solve(spread, centred.T).T, np.float64)
        residuals = self._targets - fit.intercepts - self._rows @ fit.coefficients.T
        residuals *= root[:, None]
        hat = _Hat(centred, influence, root / np.sqrt(total))
        variance = (_paired if self._paired else _single)(hat, residuals)
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)).T, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Hat:
    """Rows of the weighted regression: what makes up leverages and influences."""

    centred: Floats
    influence: Floats
    constant: Floats

    def between(self, left: slice, right: slice) -> Floats:
        """Entries of the hat matrix between rows of two slices of one length."""
        inner = np.einsum("ij,ij->i", self.influence[left], self.centred[right])
        return np.asarray(inner + self.constant[left] * self.constant[right], np.float64)


def _single(hat: _Hat, residuals: Floats) -> Floats:
    everything = slice(None)
    room = np.maximum(1.0 - hat.between(everything, everything), DETERMINANT_MIN)
    return np.asarray((hat.influence**2).T @ (residuals**2 / room[:, None]), np.float64)


def _paired(hat: _Hat, residuals: Floats) -> Floats:
    whole = len(residuals) // 2 * 2
    one, two = slice(0, whole, 2), slice(1, whole, 2)
    first, second = _inverse_root(
        1.0 - hat.between(one, one),
        -hat.between(one, two),
        1.0 - hat.between(two, two),
        residuals[one],
        residuals[two],
    )
    p, q = hat.influence[one], hat.influence[two]
    return np.asarray(
        (p**2).T @ first**2 + 2 * (p * q).T @ (first * second) + (q**2).T @ second**2, np.float64
    )


def _inverse_root(
    a: Floats, b: Floats, c: Floats, first: Floats, second: Floats
) -> tuple[Floats, Floats]:
    """`[[a, b], [b, c]]^(-1/2)` times (first, second), for many such pairs.

    By Cayley and Hamilton the root of M is `(M + s I) / t`, `s = sqrt(det M)`, `t^2 = tr M + 2 s`.
    """
    s = np.sqrt(np.maximum(a * c - b * b, DETERMINANT_MIN))
    t = np.sqrt(np.maximum(a + c, 0.0) + 2 * s)
    scale = (t / ((a + s) * (c + s) - b * b))[:, None]
    a, b, c, s = a[:, None], b[:, None], c[:, None], s[:, None]
    return scale * ((c + s) * first - b * second), scale * ((a + s) * second - b * first)
