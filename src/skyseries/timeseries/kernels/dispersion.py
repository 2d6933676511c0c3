"""Phase dispersion minimisation (Stellingwerf 1978, ApJ 224, 953)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.phases import bin_of, start_phases

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
    fine = n_bins * n_covers
    sums = np.empty((fine, 4))
    for k in range(power.size):
        explained = 0.0
        n_filled = 0
        for b in range(n_bands):
            sums[:] = 0.0
            for i in range(start[b], start[b + 1]):
                c = bin_of(phase[i], fine)
                phase[i] += turn[i]
                sums[c, 0] += weights[i]
                sums[c, 1] += weights[i] * values[i]
            for j in range(fine):
                w, wy = sums[j, 0], sums[j, 1]
                for m in range(1, n_covers):
                    c = j + m if j + m < fine else j + m - fine
                    w += sums[c, 0]
                    wy += sums[c, 1]
                if w > 0:
                    explained += wy * wy / w
                    n_filled += 1
        free = n_covers * n - n_filled
        power[k] = 1.0 - (n_covers - explained) / free * (n - n_bands) if free > 0 else 0.0
