"""How well a shape explains a light curve at one frequency: the evidence of a Fourier series.

The amplitudes of the harmonics have normal priors, whose variances fall with the order as a kind of
shape does; the scale of the noise is not known (prior 1 / sigma), the mean of each band neither.
Then the evidence has a closed form (a Bayesian linear model with conjugate priors: O'Hagan 1994,
Bayesian Inference, section 9): what more harmonics explain by chance, or across gaps in phase, is
weighed against what they explain, and no number of harmonics need be chosen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["log_evidence", "series_evidence"]

_ROUNDS = 3
"""Estimates of the scale of the amplitudes, each by what the last one explains."""

_MOST = 1.0 - 1e-9


@kernel
def log_evidence(
    gram: NDArray[np.float64],
    right: NDArray[np.float64],
    variance: NDArray[np.float64],
    n_epochs: int,
    n_bands: int,
    work: NDArray[np.float64],
) -> tuple[float, float]:
    """Return the log of the evidence over that of constant bands, and the share explained.

    Parameters
    ----------
    gram, right
        Normal equations of K harmonics (`fourier.fill_normal`), weights summing to 1 and values of
        mean square 1.
    variance : (K,) array
        Prior variance of both amplitudes of a harmonic, over the variance of the noise.
    n_epochs, n_bands : int
    work : (2 K, 2 K) array
        Overwritten.
    """
    size = 2 * variance.size
    explained = log_det = 0.0
    z = np.empty(size)
    for p in range(size):
        dp = np.sqrt(n_epochs * variance[p // 2])
        for q in range(p):
            entry = dp * np.sqrt(n_epochs * variance[q // 2]) * gram[p, q]
            for r in range(q):
                entry -= work[p, r] * work[q, r]
            work[p, q] = entry / work[q, q]
        pivot = 1.0 + dp * dp * gram[p, p]
        z[p] = dp * right[p]
        for r in range(p):
            pivot -= work[p, r] * work[p, r]
            z[p] -= work[p, r] * z[r]
        work[p, p] = np.sqrt(max(pivot, 1.0))
        z[p] /= work[p, p]
        log_det += np.log(work[p, p])
        explained += z[p] * z[p]
    explained = min(explained, _MOST)
    return -log_det - 0.5 * (n_epochs - n_bands) * np.log1p(-explained), explained


@kernel
def series_evidence(
    gram: NDArray[np.float64],
    right: NDArray[np.float64],
    profile: NDArray[np.float64],
    n_epochs: int,
    n_bands: int,
    start: float,
    work: NDArray[np.float64],
) -> tuple[float, float]:
    """Return `log_evidence` for the likeliest scale of a profile, and the share explained.

    Parameters
    ----------
    profile : (K,) array
        Prior variances up to a factor; they sum to 1.
    start : float
        First guess of the share explained, above 0 and below 1.
    """
    best, share = -np.inf, start
    for _ in range(_ROUNDS):
        scale = max(share / (1.0 - share), 1.0 / n_epochs)
        worth, share = log_evidence(gram, right, profile * scale, n_epochs, n_bands, work)
        if worth > best:
            best = worth
    return best, share
