"""The Lomb-Scargle sums of long light curves by non-uniform fast Fourier transforms.

Direct sums cost epochs x frequencies; a transform costs little more than frequencies x log, but
each band needs one of its own (for its floating mean), and two more are for the values and for
twice the frequency. For light curves as long as those of surveys the direct sums win; from some
thousand epochs on (Kepler, TESS) transforms do. They need the package finufft (extra ``nufft``;
Barnett, Magland & af Klinteberg 2019, SIAM J. Sci. Comput. 41, C479); without it all sums are
direct.
"""

from __future__ import annotations

import functools
import importlib.util

import numpy as np
from numpy.typing import NDArray

from skyseries.arraytypes import Floats
from skyseries.timeseries.kernels.transforms import power_from_transforms

__all__ = ["is_faster", "nufft_power"]

Complex = NDArray[np.complex128]

_EPS = 1e-7
"""Relative accuracy of the transforms."""

# measured with `benchmarks/bench_periodogram.py --cost`, one core with AVX-512
_DIRECT_PAIRS_PER_S = 5.5e9
_TRANSFORM_S = 3e-4
_TRANSFORM_FREQUENCIES_PER_S = 1.3e7
_TRANSFORM_EPOCHS_PER_S = 1.4e7


def is_faster(n_epochs: int, n_bands: int, n_frequencies: int) -> bool:
    """Tell whether transforms are there and are expected to take less time than direct sums."""
    direct = n_epochs * n_frequencies / _DIRECT_PAIRS_PER_S
    each = _TRANSFORM_S + n_frequencies / _TRANSFORM_FREQUENCIES_PER_S
    transforms = (n_bands + 2) * each + 3 * n_epochs / _TRANSFORM_EPOCHS_PER_S
    return transforms < direct and _is_installed()


@functools.cache
def _is_installed() -> bool:
    return importlib.util.find_spec("finufft") is not None


def nufft_power(
    times: Floats,
    weights: Floats,
    values: Floats,
    start: NDArray[np.int64],
    n_bands: int,
    f0: float,
    df: float,
    power: NDArray[np.float32],
) -> None:
    """Fill the power of the one-harmonic model at f0 + k df.

    The parameters are those of `kernels.lombscargle.grid_power`, and so is the result, within
    1e-5.
    """
    n = start[n_bands]
    t, w, y = times[:n], weights[:n], values[:n]
    centre = f0 + df * (power.size // 2)
    by_value = _transform(t, w * y, centre, df, power.size)
    twice = _transform(t, w, 2 * centre, 2 * df, power.size)
    squares = np.zeros((3, power.size))
    for b in range(n_bands):
        band = slice(start[b], start[b + 1])
        sums = _transform(t[band], w[band], centre, df, power.size)
        inverse = 1.0 / w[band].sum()
        squares[0] += inverse * sums.real**2
        squares[1] += inverse * sums.real * sums.imag
        squares[2] += inverse * sums.imag**2
    power_from_transforms(
        times, weights, values, start, n_bands, f0, df, by_value, twice, squares, power
    )


def _transform(t: Floats, c: Floats, centre: float, df: float, size: int) -> Complex:
    """Return sum of c exp(2 pi i f t) for `size` frequencies around `centre`."""
    import finufft

    turns = centre * t
    strengths = c * np.exp(2j * np.pi * (turns - np.floor(turns)))
    steps = df * t
    x = 2.0 * np.pi * (steps - np.round(steps))
    return finufft.nufft1d1(x, strengths, size, isign=1, eps=_EPS, nthreads=1)  # type: ignore[no-any-return]
