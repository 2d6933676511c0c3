"""Which of the highest peaks is the period, by evidence.

A sinusoid takes the shape of a light curve for noise: an alias by a day often stands above the true
frequency. So each peak is weighed by the evidence of the shapes of stars (`evidence.PROFILES`) at
its frequency.

Beside the evidence three things are known of stars. Periods are spread evenly in their logarithm.
Pulsating stars brighten faster than they fade: a light curve that does the reverse is mostly an
alias, folded backwards. And what repeats with more than fifty days is mostly giants, which do not
repeat themselves well: what sub-harmonics add there is no period.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.evidence import NARROW, SINE, Bench, best_shape, series
from skyseries.timeseries.kernels.phasecurve import harmonic_shape
from skyseries.timeseries.kernels.reductions import negative
from skyseries.timeseries.kernels.sorting import order_of

__all__ = ["LARGE", "SLOWEST_ORBIT", "climb", "rank_peaks", "shape_of"]

SLOWEST_ORBIT = 50.0
"""Days: what is slower has a smooth shape, and is no orbit."""

_STEP = 0.1
"""Of the first climb, in 1 / time span; the next ones are a third of it."""
_CLIMBS = 5

LARGE = 0.95
"""First guess of the share explained: from above the likeliest one is reached at once."""

_CONTENDER, _NEAR = 0.7, 20.0
"""Peaks with so much of the best one's evidence, or so little below it, are climbed."""

_REVERSED = 6.0
"""What a shape that fades faster than it brightens loses."""
_HALVED = 4.0
"""What a shape loses whose second harmonic is the strongest: it is tried as an orbit later."""


@kernel
def _last_shape(frequency: float) -> int:
    return NARROW if frequency > 1.0 / SLOWEST_ORBIT else SINE + 1


@kernel
def climb(
    bench: Bench, frequency: float, first: int, last: int, share: float, step: float, rounds: int
) -> tuple[float, float, int, float]:
    """Return the frequency of the highest evidence near one, and `evidence.best_shape` there.

    Parameters
    ----------
    bench, frequency, first, last, share
        As for `evidence.best_shape`.
    step : float
        Of the first round, 1/d; those of the next ones are a third of the last.
    rounds : int
    """
    worth, place, share = best_shape(bench, frequency, first, last, share)
    step = min(step, 0.3 * frequency)
    for _ in range(rounds):
        left, _, left_share = best_shape(bench, frequency - step, place, place + 1, share)
        right, _, right_share = best_shape(bench, frequency + step, place, place + 1, share)
        bend = left - 2.0 * worth + right
        middle = frequency
        if left > worth and left >= right:
            frequency, worth, share = middle - step, left, left_share
        elif right > worth:
            frequency, worth, share = middle + step, right, right_share
        if bend < 0:
            trial = middle + step * min(max(0.5 * (left - right) / bend, -1.5), 1.5)
            found, _, found_share = best_shape(bench, trial, place, place + 1, share)
            if found > worth:
                frequency, worth, share = trial, found, found_share
        step *= 0.3
    if last > first + 1:
        worth, place, share = best_shape(bench, frequency, first, last, share)
    return frequency, worth, place, share


@kernel
def shape_of(amplitude: NDArray[np.float64], direction: float) -> tuple[float, float]:
    """Return R21, and phi21 from -pi to pi of the curve whose positive side is faint.

    Parameters
    ----------
    amplitude : (4 or more,) array
        A series as in `phasecurve`.
    direction : float
        1 for magnitudes, -1 for fluxes.
    """
    r21, phi21 = harmonic_shape(amplitude, 2)
    if np.isnan(r21):
        return np.inf, 0.0
    turns = phi21 / (2.0 * np.pi) + (0.5 if direction < 0 else 0.0)
    return r21, 2.0 * np.pi * (turns - np.floor(turns + 0.5))


@kernel
def _prior(frequency: float, r21: float, phi21: float, direction: float) -> float:
    """Return the logarithm of what is known of a frequency and a shape beforehand."""
    known = -float(np.log(frequency))
    if direction != 0.0:
        strong = min(max((r21 - 0.1) / 0.2, 0.0), 1.0)
        known -= _REVERSED * strong * max(float(np.sin(phi21)), 0.0)
    if r21 > 1.0:
        known -= _HALVED
    return known


@kernel
def rank_peaks(
    bench: Bench,
    direction: float,
    found: NDArray[np.float64],
    score: NDArray[np.float64],
    shape: NDArray[np.int64],
    share: NDArray[np.float64],
) -> None:
    """Order the peaks of a periodogram by evidence, and move them to where it is highest.

    Parameters
    ----------
    bench : Bench
    direction : float
        1 for magnitudes, -1 for fluxes, 0: not known.
    found : (n,) array
        Frequencies, 1/d; ordered.
    score, shape, share : (n,) arrays
        Filled with the log of evidence times prior, the place of the shape, the share explained.
    """
    best = -np.inf
    for p in range(found.size):
        last = _last_shape(found[p])
        score[p], shape[p], share[p] = best_shape(bench, found[p], SINE, last, LARGE)
        best = max(best, score[p])
    limit = min(_CONTENDER * best, best - _NEAR)
    for p in range(found.size):
        last = _last_shape(found[p])
        if score[p] >= limit:
            found[p], score[p], shape[p], share[p] = climb(
                bench, found[p], SINE, last, share[p], _STEP / bench.span, _CLIMBS
            )
        else:
            score[p], shape[p], share[p] = best_shape(
                bench, found[p], shape[p], shape[p] + 1, share[p]
            )
        r21, phi21 = shape_of(series(bench, shape[p], share[p]), direction)
        score[p] += _prior(found[p], r21, phi21, direction)
    _sort(found, score, shape, share)


@kernel
def _sort(
    found: NDArray[np.float64],
    score: NDArray[np.float64],
    shape: NDArray[np.int64],
    share: NDArray[np.float64],
) -> None:
    order = order_of(negative(score), found)
    before = found.copy(), score.copy(), shape.copy(), share.copy()
    for k in range(order.size):
        at = order[k]
        found[k], score[k] = before[0][at], before[1][at]
        shape[k], share[k] = before[2][at], before[3][at]
