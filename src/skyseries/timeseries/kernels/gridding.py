"""Interpolation of the sums of a light curve between frequencies.

A sum of w exp(2 pi i f t) over epochs within a span T is, as a function of the frequency f, limited
in bandwidth: values at steps of 0.6 / T say more than everything. Those between are sums of `TAPS`
neighbours with the kernel phi(x) = exp(beta (sqrt(1 - (2 x / TAPS)^2) - 1)), once the weights have
been divided by its Fourier transform at the epoch (Barnett, Magland & af Klinteberg 2019, SIAM J.
Sci. Comput. 41, C479, equations 1.8 and 3.10, read from frequencies to times).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = [
    "BANDWIDTH",
    "REACH",
    "TAPS",
    "fill_taps",
    "interpolate",
    "interpolate_by_stride",
    "interpolate_by_two",
    "spread",
]

TAPS = 8
"""Neighbours that are taken; even. The error is below 2e-6 of the weight of an epoch."""

REACH = TAPS // 2

BANDWIDTH = 0.6
"""Largest step x span."""

_BETA = 0.96 * np.pi * TAPS * (1.0 - BANDWIDTH / 2.0)
_TERMS = 12


def _transform_series() -> NDArray[np.float64]:
    """Return the Chebyshev series of the transform of phi, in u = 2 (x / x_max)^2 - 1.

    Sums at the Chebyshev nodes, for the integral as for the series: exact to rounding.
    """
    angle = (np.arange(256) + 0.5) * np.pi / 256
    nodes = np.cos(angle)
    phi = np.pi / 256 * np.sin(angle) * np.exp(_BETA * (np.sin(angle) - 1.0))
    size = 2 * _TERMS + 1
    place = (np.arange(size) + 0.5) * np.pi / size
    x = 0.5 * BANDWIDTH * np.cos(0.5 * place)
    transform = 0.5 * TAPS * np.cos(np.pi * TAPS * np.outer(x, nodes)) @ phi
    series = 2.0 / size * np.cos(np.outer(np.arange(size), place)) @ transform
    series[0] *= 0.5
    return np.asarray(series)


_SERIES = _transform_series()


@kernel
def spread(x: float) -> float:
    """Return the Fourier transform of phi at `x` cycles, from -BANDWIDTH / 2 to BANDWIDTH / 2."""
    scaled = x / (0.5 * BANDWIDTH)
    u = 2.0 * scaled * scaled - 1.0
    last = before = 0.0
    for k in range(_SERIES.size - 1, 0, -1):
        last, before = 2.0 * u * last - before + _SERIES[k], last
    return float(u * last - before + _SERIES[0])


@kernel
def fill_taps(offset: float, taps: NDArray[np.float32]) -> None:
    """Fill phi at the distances of the neighbours ``1 - REACH`` to ``REACH`` from `offset`."""
    for m in range(TAPS):
        x = 2.0 * (offset - (m + 1 - REACH)) / TAPS
        taps[m] = np.exp(_BETA * (np.sqrt(max(1.0 - x * x, 0.0)) - 1.0))


@kernel(fastmath=True)
def interpolate(
    values: NDArray[np.float32], taps: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """Fill ``out[q]`` with the sum of ``taps[m] values[q + m]``."""
    a, b, c, d = taps[0], taps[1], taps[2], taps[3]
    e, f, g, h = taps[4], taps[5], taps[6], taps[7]
    v = values
    for q in range(out.size):  # all taps in one pass, so that they stay in registers
        left = a * v[q] + b * v[q + 1] + c * v[q + 2] + d * v[q + 3]
        right = e * v[q + 4] + f * v[q + 5] + g * v[q + 6] + h * v[q + 7]
        out[q] = left + right


@kernel(fastmath=True)
def interpolate_by_two(
    even: NDArray[np.float32],
    odd: NDArray[np.float32],
    taps: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Fill ``out[q]`` with the sum of ``taps[m] values[2 q + m]``, given each second value."""
    a, b, c, d = taps[0], taps[1], taps[2], taps[3]
    e, f, g, h = taps[4], taps[5], taps[6], taps[7]
    v, w = even, odd
    for q in range(out.size):
        left = a * v[q] + c * v[q + 1] + e * v[q + 2] + g * v[q + 3]
        right = b * w[q] + d * w[q + 1] + f * w[q + 2] + h * w[q + 3]
        out[q] = left + right


@kernel
def interpolate_by_stride(
    values: NDArray[np.float32],
    stride: int,
    taps: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Fill ``out[q]`` with the sum of ``taps[m] values[stride q + m]``."""
    for q in range(out.size):
        total = np.float32(0)
        for m in range(TAPS):
            total += taps[m] * values[stride * q + m]
        out[q] = total
