"""Which of the highest peaks is the period, by evidence.

A sinusoid takes the shape of a light curve for noise: an alias by a day often stands above the true
frequency, and half the orbit of a binary above the orbit. So each peak is weighed by the evidence
of the shapes of stars (`evidence.PROFILES`) at its frequency, and the best one is compared with its
fractions: two eclipses of unlike depth, or of the shape that only eclipses have, make an orbit.

Beside the evidence three things are known of stars. Periods are spread evenly in their logarithm.
Pulsating stars brighten faster than they fade: a light curve that does the reverse is mostly an
alias, folded backwards. And what repeats with more than fifty days is no pair of stars, but giants,
which do not repeat themselves well: what sub-harmonics add there is no period.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.evidence import (
    ECLIPSE,
    MOST_TERMS,
    N_SHAPES,
    NARROW,
    NARROW_HALVES,
    SINE,
    TERMS,
    Bench,
    best_shape,
    series,
)

__all__ = ["climb", "find_orbit", "rank_peaks", "shape_of"]

SLOWEST_ORBIT = 50.0
"""Days: beyond, fractions of a frequency are not tried, and only smooth shapes."""

_STEP = 0.05
"""Of the first climb, in 1 / time span; the next ones are a third of it."""
_CLIMBS = 4

_CONTENDER, _NEAR = 0.6, 20.0
"""Peaks with so much of the best one's evidence, or so little below it, are climbed."""

_REVERSED = 6.0
"""What a shape that fades faster than it brightens loses."""


@kernel
def _last_shape(frequency: float) -> int:
    return NARROW if frequency > 1.0 / SLOWEST_ORBIT else SINE + 1


@kernel
def climb(
    bench: Bench, frequency: float, first: int, last: int, share: float, step: float
) -> tuple[float, float, int, float]:
    """Return the frequency of the highest evidence near one, and `evidence.best_shape` there."""
    worth, place, share = best_shape(bench, frequency, first, last, share)
    for _ in range(_CLIMBS):
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
def shape_of(amplitude: NDArray[np.complex128], direction: float) -> tuple[float, float]:
    """Return R21, and phi21 from -pi to pi of the curve whose positive side is faint.

    Parameters
    ----------
    amplitude : (2 or more,) complex array
    direction : float
        1 for magnitudes, -1 for fluxes.
    """
    r21 = abs(amplitude[1]) / max(abs(amplitude[0]), 1e-300)
    turned = direction * amplitude[1] * np.conj(amplitude[0]) ** 2
    return r21, float(np.angle(turned))


@kernel
def _prior(frequency: float, r21: float, phi21: float, direction: float) -> float:
    """Return the logarithm of what is known of a frequency and a shape beforehand."""
    known = -float(np.log(frequency))
    if direction != 0.0:
        strong = min(max((r21 - 0.1) / 0.2, 0.0), 1.0)
        known -= _REVERSED * strong * max(float(np.sin(phi21)), 0.0)
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
    amplitude = np.empty(MOST_TERMS, np.complex128)
    best = -np.inf
    for p in range(found.size):
        last = _last_shape(found[p])
        score[p], shape[p], share[p] = best_shape(bench, found[p], SINE, last, 0.5)
        best = max(best, score[p])
    limit = min(_CONTENDER * best, best - _NEAR)
    for p in range(found.size):
        last = _last_shape(found[p])
        if score[p] >= limit:
            found[p], score[p], shape[p], share[p] = climb(
                bench, found[p], SINE, last, share[p], _STEP / bench.span
            )
        else:
            score[p], shape[p], share[p] = best_shape(
                bench, found[p], shape[p], shape[p] + 1, share[p]
            )
        series(bench, shape[p], share[p], amplitude)
        r21, phi21 = shape_of(amplitude, direction)
        score[p] += _prior(found[p], r21, phi21, direction)
    _sort(found, score, shape, share)


@kernel
def _sort(
    found: NDArray[np.float64],
    score: NDArray[np.float64],
    shape: NDArray[np.int64],
    share: NDArray[np.float64],
) -> None:
    order = np.argsort(-score)
    found[:], score[:], shape[:], share[:] = found[order], score[order], shape[order], share[order]


_SURE, _STRANGE = 5.0, 20.0
"""Log of the evidence beyond which unlike halves make an orbit, for symmetric shapes and others."""
_DOUBTFUL = 5.0
"""Alike halves of an eclipse shape are two eclipses unless the evidence says so by this much."""
_NARROW = 0.25
"""Share of the period in which an eclipse is deeper than half its depth, at most."""
_FAST = 0.28
"""Days: a period below which the shape of a contact binary tells it from a spotted star."""
_OUTLIER = 4.0
"""Robust standard deviations beyond which an epoch weighs less."""


@kernel
def find_orbit(
    bench: Bench, direction: float, frequency: float, share: float, lowest: float
) -> tuple[float, int, float, float]:
    """Return the frequency of the orbit, if the star is a binary; else the one given.

    Parameters
    ----------
    bench, direction
        As for `rank_peaks`.
    frequency, share
        The best peak, and the share that its shape explains.
    lowest : float
        Lowest frequency that may be returned.

    Returns
    -------
    frequency : float
    shape : int
    share : float
    doubt : float
        Log of the evidence of half the frequency over that of the frequency, at the last step
        that was tried: near 0 there is no telling.
    """
    slowest = max(lowest, 1.0 / SLOWEST_ORBIT)
    frequency, part, doubt, shape, share = _step_down(
        bench, direction, frequency, share, slowest, 3
    )
    if part > 1:
        again = _step_down(bench, direction, frequency, share, slowest, 2)
        if again[1] > 1 and again[2] > _SURE:
            return again[0], again[3], again[4], again[2]
    return frequency, shape, share, doubt


@kernel
def _step_down(
    bench: Bench, direction: float, frequency: float, share: float, slowest: float, most: int
) -> tuple[float, int, float, int, float]:
    """Return a frequency or its half or third: frequency, part, doubt, shape, share."""
    amplitude = np.zeros(MOST_TERMS, np.complex128)
    step = 0.5 * _STEP / bench.span
    at, own, kind, own_share = climb(bench, frequency, SINE, NARROW, share, step)
    series(bench, kind, own_share, amplitude)
    r21, phi21 = shape_of(amplitude, direction)
    noise = np.sqrt((1.0 - own_share) / (bench.n_free * own_share))
    ripple = np.sqrt(2.0 * TERMS[kind] * (1.0 - own_share) / bench.n_free)
    width = eclipse_width(amplitude, direction, 3.0 * ripple)
    is_eclipse = kind == ECLIPSE and 0 < width < _NARROW and r21 < 1.2
    is_symmetric = kind == ECLIPSE or abs(np.sin(0.5 * phi21)) < 0.3
    is_fast = frequency > 1.0 / _FAST
    if kind == ECLIPSE:
        fine, _, _ = best_shape(bench, at, NARROW, NARROW + 1, own_share)
        own = max(own, fine)
    needed = _SURE if is_symmetric or is_fast else _STRANGE
    best, part, doubt, gained = frequency, 1, 0.0, needed
    shape, share = kind, own_share
    for k in range(2, most + 1):
        if frequency / k < slowest or (k == 3 and not (r21 > 0.4 and kind == ECLIPSE)):
            continue
        f, gain, place, found_share = _gain(bench, frequency, k, own, kind, own_share, step)
        if gain > gained and gain < 20.0 * _SURE:
            robust = _without_outliers(bench, f, place, found_share)
            gain = _gain(robust, frequency, k, -np.inf, kind, own_share, step)[1]
        if k == 2:
            doubt = gain
        if gain > gained:
            best, part, doubt, shape, share, gained = f, k, gain, place, found_share, gain
        elif k == 2 and direction != 0.0:
            is_contact = is_fast and 3.0 * noise < r21 < 0.6 and abs(phi21) < 0.5
            if is_contact or (is_eclipse and gain > -_DOUBTFUL):
                best, part, shape, share = f, k, place, found_share
                doubt = max(gain, needed) if is_contact else gain
    return best, part, doubt, shape, share


@kernel
def _gain(
    bench: Bench,
    frequency: float,
    part: int,
    own: float,
    kind: int,
    share: float,
    step: float,
) -> tuple[float, float, int, float]:
    """Return the best place near a fraction, and its evidence over that of plain shapes there."""
    f, worth, place, found_share = climb(
        bench, frequency / part, SINE, N_SHAPES if kind == ECLIPSE else NARROW_HALVES, share, step
    )
    again, _, _ = best_shape(bench, f * part, SINE, NARROW + (kind == ECLIPSE), share)
    return f, worth - max(own, again), place, found_share


@kernel
def _without_outliers(bench: Bench, frequency: float, place: int, share: float) -> Bench:
    """Return the light curve with less weight for what lies far off a shape."""
    n = bench.start[bench.n_bands]
    amplitude = np.zeros(MOST_TERMS, np.complex128)
    best_shape(bench, frequency, place, place + 1, share)
    series(bench, place, share, amplitude)
    off = np.empty(n)
    for j in range(n):
        turn = 2.0 * np.pi * (frequency * bench.times[j] % 1.0)
        model = 0.0
        for k in range(TERMS[place]):
            model += amplitude[k].real * np.cos((k + 1) * turn)
            model -= amplitude[k].imag * np.sin((k + 1) * turn)
        off[j] = bench.values[j] - model
    weights, values = bench.weights.copy(), bench.values.copy()
    for b in range(bench.n_bands):
        lo, hi = bench.start[b], bench.start[b + 1]
        off[lo:hi] -= np.median(off[lo:hi])
    for j in range(n):
        off[j] = abs(off[j]) * np.sqrt(weights[j])
    limit = _OUTLIER * 1.4826 * np.median(off)
    for j in range(n):
        if off[j] > limit:
            weights[j] *= (limit / off[j]) ** 4
    total = square = 0.0
    for b in range(bench.n_bands):
        lo, hi = bench.start[b], bench.start[b + 1]
        weight = mean = 0.0
        for j in range(lo, hi):
            weight += weights[j]
            mean += weights[j] * values[j]
        for j in range(lo, hi):
            values[j] -= mean / weight
            square += weights[j] * values[j] ** 2
        total += weight
    for j in range(n):
        values[j] *= np.sqrt(total / square)
        weights[j] /= total
    return Bench(
        bench.times, weights, values, bench.start, bench.n_bands, bench.n_free, bench.span,
        bench.sums, bench.gram, bench.right, bench.factor, bench.solved,
    )  # fmt: skip


@kernel
def eclipse_width(amplitude: NDArray[np.complex128], direction: float, noise: float) -> float:
    """Return the width of the only dip of a curve, as a share of the period; 0: there is another.

    Parameters
    ----------
    amplitude : complex array
    direction : float
        1 where faint is positive.
    noise : float
        A second maximum below this is none.
    """
    size = 96
    curve = np.zeros(size)
    for j in range(size):
        for k in range(amplitude.size):
            angle = 2.0 * np.pi * (k + 1) * j / size
            curve[j] += direction * (
                amplitude[k].real * np.cos(angle) - amplitude[k].imag * np.sin(angle)
            )
    top = int(np.argmax(curve))
    base = np.median(curve)
    depth = curve[top] - base
    if not depth > 0:
        return 0.0
    wide = 0
    for j in range(size):
        wide += curve[j] - base > 0.5 * depth
    for j in range(size // 4, 3 * size // 4):
        here = curve[(top + j) % size]
        if here - base > max(0.08 * depth, noise):
            return 0.0
    if base - curve.min() > 0.5 * depth:
        return 0.0
    return wide / size
