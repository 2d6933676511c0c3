"""Phase dispersion minimisation (Stellingwerf 1978, ApJ 224, 953)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.phases import add_to_bins, start_phases, weighted_pairs

__all__ = ["dispersion_power"]


@kernel
def dispersion_power(
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    n_bands: int,
    n_bins: int,
    n_covers: int,
    f0: float,
    df: float,
    power: NDArray[np.float64],
) -> None:
    """Fill 1 - theta at f0 + k df.

    theta (equation 3) is the variance about the means of the bins, over the variance about the
    mean; both are pooled over the bands, each with bins and a mean of its own. There are `n_covers`
    sets of `n_bins` bins, each shifted by 1 / (n_bins n_covers). 0 where each bin has one epoch.
    The other arguments are as `harmonics.prepare` fills them.
    """
    n = start[n_bands]
    phase, turn = start_phases(times[:n], f0, df)
    pairs = weighted_pairs(weights[:n], values[:n])
    fine = n_bins * n_covers
    sums = np.empty((fine, 2))
    for k in range(power.size):
        explained = 0.0
        n_filled = 0
        for b in range(n_bands):
            lo, hi = start[b], start[b + 1]
            add_to_bins(phase[lo:hi], turn[lo:hi], pairs[lo:hi], fine, sums)
            share, count = _explained(sums, n_covers)
            explained += share
            n_filled += count
        free = n_covers * n - n_filled
        power[k] = 1.0 - (n_covers - explained) / free * (n - n_bands) if free > 0 else 0.0


@kernel
def _explained(sums: NDArray[np.float64], n_covers: int) -> tuple[float, int]:
    """Return what the means of the bins take away from chi2, and how many bins have epochs."""
    explained = 0.0
    n_filled = 0
    for j in range(sums.shape[0]):
        w, wy = sums[j, 0], sums[j, 1]
        for m in range(j + 1, j + n_covers):
            c = m if m < sums.shape[0] else m - sums.shape[0]
            w += sums[c, 0]
            wy += sums[c, 1]
        filled = w > 0
        n_filled += filled
        explained += wy * wy / w if filled else 0.0
    return explained, n_filled
