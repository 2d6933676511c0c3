"""Whether the values of each segment are distributed normally."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["segment_anderson_darling"]

_REORDER = {"reassoc", "contract", "nsz", "arcp"}

_LIMIT = 9
"""Beyond, the logarithm of the normal distribution is taken from its asymptotic series."""

_STEPS = 32
"""Places a unit at which the table has the series of Taylor."""

_TERMS = 5


def _taylor_series(z: float) -> list[float]:
    """Return the coefficients of ln Phi about z.

    The derivative r = phi / Phi satisfies r' = -r (z + r), which gives one coefficient after the
    other.
    """
    phi = 0.5 * math.erfc(-z / math.sqrt(2))
    r = [math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi) / phi]
    for i in range(_TERMS - 2):
        product = sum(r[j] * r[i - j] for j in range(i + 1))
        r.append(-(z * r[i] + (r[i - 1] if i else 0.0) + product) / (i + 1))
    log_phi = math.log(phi) if z < 0 else math.log1p(-0.5 * math.erfc(z / math.sqrt(2)))
    return [log_phi, *(r[i] / (i + 1) for i in range(_TERMS - 1))]


def _table() -> NDArray[np.float64]:
    """Return the series of ln Phi(u) and of ln Phi(-u) about the places u from 0 to the limit."""
    rows = []
    for k in range(_LIMIT * _STEPS + 1):
        u = k / _STEPS
        mirrored = [c * (-1) ** i for i, c in enumerate(_taylor_series(-u))]
        rows += [*_taylor_series(u), *mirrored]
    return np.array(rows)


_TABLE = _table()


@kernel
def segment_anderson_darling(
    s: NDArray[np.float64], offsets: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """Fill the statistic of Anderson and Darling for a normal distribution.

    A^2 = (1 + 4 / n - 25 / n^2) (-n - sum((2 i + 1) (ln Phi(z_i) + ln Phi(-z_(n-1-i)))) / n) with
    the values z in ascending order, in standard deviations from the mean, and i from 0 on
    (Anderson & Darling 1954, J. Am. Stat. Assoc. 49, 765).

    Parameters
    ----------
    s : (m,) array
        Values, ascending within each segment.
    offsets : (n + 1,) array
    out : (1, n) array
        NaN below two epochs and for constant values.
    """
    for k in range(offsets.size - 1):
        lo, hi = offsets[k], offsets[k + 1]
        out[0, k] = np.nan
        if hi - lo >= 2 and s[hi - 1] > s[lo]:
            out[0, k] = _anderson_darling(s[lo:hi])


@kernel(fastmath=_REORDER)
def _mean_and_scale(s: NDArray[np.float64]) -> tuple[float, float]:
    total = squares = 0.0
    for j in range(s.size):
        total += s[j] - s[0]
    mean = total / s.size
    for j in range(s.size):
        squares += (s[j] - s[0] - mean) * (s[j] - s[0] - mean)
    return mean, 1.0 / np.sqrt(squares / (s.size - 1))


@kernel(fastmath={"contract"})
def _anderson_darling(s: NDArray[np.float64]) -> float:
    n = s.size
    mean, scale = _mean_and_scale(s)
    if not (scale > 0.0 and scale < np.inf):
        return np.nan
    total = 0.0
    for i in range(n):
        z = (s[i] - s[0] - mean) * scale
        weight = 2.0 * i + 1.0
        of_minus_u = 2.0 * n - weight if z >= 0 else weight
        u = abs(z)
        if u >= _LIMIT:  # ln Phi(u) is zero to 1e-19
            total += of_minus_u * _log_phi_far(u)
            continue
        place = np.int64(u * _STEPS + 0.5)
        d = u - place * (1.0 / _STEPS)
        k = np.uint64(place * (2 * _TERMS))
        a = _TABLE[k + np.uint64(4)] * d + _TABLE[k + np.uint64(3)]
        a = ((a * d + _TABLE[k + np.uint64(2)]) * d + _TABLE[k + np.uint64(1)]) * d + _TABLE[k]
        b = _TABLE[k + np.uint64(9)] * d + _TABLE[k + np.uint64(8)]
        b = ((b * d + _TABLE[k + np.uint64(7)]) * d + _TABLE[k + np.uint64(6)]) * d
        b += _TABLE[k + np.uint64(5)]
        total += 2.0 * n * a + of_minus_u * (b - a)
    return (1.0 + 4.0 / n - 25.0 / (n * n)) * (-n - total / n)


@kernel
def _log_phi_far(u: float) -> float:
    """Return ln Phi(-u)."""
    w = 1.0 / (u * u)
    series = 1.0 - w * (1.0 - 3.0 * w * (1.0 - 5.0 * w * (1.0 - 7.0 * w * (1.0 - 9.0 * w))))
    return math.log(series / (u * math.sqrt(2.0 * math.pi))) - 0.5 * u * u
