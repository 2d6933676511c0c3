"""Whether half a frequency, or a third, is that of an orbit: two eclipses make one period.

A sinusoid finds the eclipses of a binary, two a period. Three things tell the orbit. The halves are
unlike: the evidence of the shapes at half the frequency says so, weighed against all that plain
shapes explain. Or the dips are narrow and there is no other beside them: eclipses without a second
one are rare. Or the shape is that of a contact binary, whose faint side is narrower than its bright
one and which is symmetric, and repeats faster than spotted stars turn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.evidence import (
    ECLIPSE,
    HALVES,
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
from skyseries.timeseries.kernels.ranking import SLOWEST_ORBIT, climb, shape_of
from skyseries.timeseries.kernels.sorting import middle_of

__all__ = ["find_orbit"]

_SURE, _STRANGE = 5.0, 20.0
"""Log of the evidence beyond which unlike halves make an orbit, for symmetric shapes and others."""
_AGAIN = 15.0
"""The same for a second step down, which few orbits need."""
_LIKELY = -1.0
"""The same for narrow dips with no other beside them: eclipses without a second one are rare."""
_SEEN = 0.15
"""Share of the depth of an eclipse that a second one would be seen at: else there may be one."""
_NARROW = 0.25
"""Share of the period in which an eclipse is deeper than half its depth, at most."""
_FAST = 0.28
"""Days: a period below which the shape of a contact binary tells it from a spotted star."""
_STEP, _CLIMBS = 0.02, 2
"""Of the first climb, in 1 / time span, and how many there are: the place is known well."""
_OUTLIER = 4.0
"""Robust standard deviations beyond which an epoch weighs less."""


@kernel(inline=True)
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
        bench, direction, frequency, share, slowest, True
    )
    if part > 1:
        again = _step_down(bench, direction, frequency, share, slowest, False)
        if again[1] > 1:
            return again[0], again[3], again[4], again[2]
    return frequency, shape, share, doubt


@kernel
def _step_down(
    bench: Bench, direction: float, frequency: float, share: float, slowest: float, is_first: bool
) -> tuple[float, int, float, int, float]:
    """Return a frequency, or its half or third: frequency, part, doubt, shape, share."""
    amplitude = np.zeros(MOST_TERMS, np.complex128)
    step = _STEP / bench.span
    _, shape, share = best_shape(bench, frequency, SINE, NARROW, share)
    series(bench, shape, share, amplitude)
    r21, phi21 = shape_of(amplitude, direction)
    noise = np.sqrt((1.0 - share) / (bench.n_free * share))
    ripple = np.sqrt(2.0 * TERMS[shape] * (1.0 - share) / bench.n_free)
    width = eclipse_width(amplitude[: TERMS[shape]], direction, 3.0 * ripple)
    is_pulse = r21 < 0.7 and np.sin(phi21) < -0.5
    is_symmetric = abs(np.sin(0.5 * phi21)) < 0.3 or (shape == ECLIPSE and not is_pulse)
    is_fast = frequency > 1.0 / _FAST
    is_told = is_first and direction != 0.0
    is_eclipse = is_told and shape == ECLIPSE and 0 < width < _NARROW and r21 < 1.2
    is_contact = is_told and is_fast and 3.0 * noise < r21 < 0.6 and abs(phi21) < 0.5
    is_fine = shape == ECLIPSE or not is_first
    needed = _SURE if is_symmetric or is_fast else _STRANGE
    if not is_first:
        needed = _AGAIN if shape == ECLIPSE else 3.0 * _AGAIN
    best, part, doubt, gained = frequency, 1, 0.0, needed
    for k in range(2, 4):
        if frequency / k < slowest or (k == 3 and not (is_first and r21 > 0.4 and is_symmetric)):
            continue
        if not (is_first and (is_symmetric or is_fast)):
            # mostly there is nothing to gain, which a glance shows
            doubt = _glance(bench, frequency, share)
            if doubt < 0.2 * needed:
                break
        f, gain, place, found_share = _gain(bench, frequency, k, is_fine or k == 3, share, step)
        if gained < gain < 20.0 * _SURE and not is_contact:
            robust = _without_outliers(bench, f, place, found_share)
            gain = _gain(robust, frequency, k, is_fine or k == 3, share, step)[1]
        if k == 2:
            doubt = gain
        if gain > gained:
            best, part, doubt, shape, share, gained = f, k, gain, place, found_share, gain
        elif k == 2 and (is_contact or (is_eclipse and gain > _LIKELY)):
            best, part, shape, share = f, k, place, found_share
            doubt = max(gain, needed) if is_contact else gain
    return best, part, doubt, shape, share


@kernel
def _glance(bench: Bench, frequency: float, share: float) -> float:
    """Return the evidence of half a frequency over that of the frequency, nothing being climbed."""
    halves, _, _ = best_shape(bench, 0.5 * frequency, HALVES, NARROW_HALVES, share)
    own, _, _ = best_shape(bench, frequency, SINE, NARROW, share)
    return halves - own


@kernel
def _gain(
    bench: Bench, frequency: float, part: int, is_fine: bool, share: float, step: float
) -> tuple[float, float, int, float]:
    """Return the best place near a fraction, and its evidence over that of the frequency.

    Either as many details are allowed in each dip for both, or, where dips are narrow, all shapes
    there are.
    """
    f, worth, place, found_share = climb(
        bench,
        frequency / part,
        SINE,
        N_SHAPES if is_fine else NARROW_HALVES,
        share,
        step,
        _CLIMBS,
    )
    most = N_SHAPES if is_fine else NARROW
    own, _, _ = best_shape(bench, f * part, SINE, most, share)
    again, _, _ = best_shape(bench, frequency, SINE, most, share)
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
        off[lo:hi] -= middle_of(off[lo:hi])
    for j in range(n):
        off[j] = abs(off[j]) * np.sqrt(weights[j])
    limit = _OUTLIER * 1.4826 * middle_of(off)
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
    base = middle_of(curve)
    depth = curve[top] - base
    if not depth > 0 or noise > _SEEN * depth:
        return 0.0
    wide = 0
    for j in range(size):
        wide += curve[j] - base > 0.5 * depth
    aside = max(size // 8, 2 * wide)
    for j in range(aside, size - aside):
        here = curve[(top + j) % size]
        if here - base > max(0.08 * depth, noise):
            return 0.0
    if base - curve.min() > 0.5 * depth:
        return 0.0
    return wide / size
