"""Whether half a frequency, or another part of it, is that of an orbit: two eclipses, one period.

A sinusoid finds the eclipses of a binary, two a period or, where they are not evenly spaced, some
other multiple. Four things tell the orbit. The halves are unlike: the evidence of the shapes at
half the frequency says so, weighed against all that plain shapes explain; or every other dip is
deeper (`alternation`). Or the dips are narrow and there is no other beside them: eclipses without
a second one are rare. Or the shape is that of a contact binary, whose faint side is narrower than
its bright one and which is symmetric, and repeats faster than spotted stars turn.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.alternation import alternation, without_outliers
from skyseries.timeseries.kernels.evidence import (
    ECLIPSE,
    HALVES,
    N_ODD,
    N_SHAPES,
    NARROW,
    NARROW_HALVES,
    SINE,
    TERMS,
    Bench,
    best_shape,
    series,
)
from skyseries.timeseries.kernels.phasecurve import depth_ratio, fill_curve
from skyseries.timeseries.kernels.ranking import LARGE, SLOWEST_ORBIT, climb, shape_of
from skyseries.timeseries.kernels.reductions import highest, lowest, negative, place_of_lowest
from skyseries.timeseries.kernels.sorting import middle_of

__all__ = ["Orbit", "find_orbit"]

_SURE, _STRANGE = 5.0, 20.0
"""Log of the evidence beyond which unlike halves make an orbit, for narrow dips and others."""
_AGAIN = 15.0
"""The same for a second step down, which few orbits need, and for parts other than these."""
_CLEAR = 100.0
"""The same beyond which no few epochs can have made it."""
_LIKELY = -1.0
"""The same for narrow dips with no other beside them: eclipses without a second one are rare."""
_ALIKE = 5.0
"""Log of the evidence by which alike halves fall behind only for being allowed to differ."""
_SEEN = 0.15
"""Share of the depth of an eclipse that a second one would be seen at: else there may be one."""
_NARROW = 0.25
"""Share of the period in which an eclipse is deeper than half its depth, at most."""
_FAST = 0.28
"""Days: a period below which the shape of a contact binary tells it from a spotted star."""
_LOGARITHM = 0.24
"""R21 over the amplitude, mag, that a pulsation has which is a sinusoid in flux."""
_TOLD = 3.0
"""Errors of R21 beyond that at which a contact binary is told for sure."""
_LEAST = 0.1
_STEP, _CLIMBS = 0.02, 2
"""Of the first climb, in 1 / time span, and how many there are: the place is known well."""
_PARTS = ((1, 2), (1, 3), (2, 3), (1, 4), (3, 4), (1, 5), (2, 5), (3, 5))
"""Parts of a frequency at which an orbit may be, of which a sinusoid found a multiple."""
_HALF = 0.5
"""Share explained below which eclipses that are not evenly spaced may have been folded wrongly."""
_POINTS = 96


class Orbit(NamedTuple):
    """The frequency of a star, and what half of it would be."""

    frequency: float
    shape: int
    """See `evidence.PROFILES`."""
    share: float
    """Explained by it."""
    doubt: float
    """Log of the evidence of half the frequency over that of the frequency, at the last step that
    was tried: near 0 there is no telling. -inf where nothing was."""
    is_part: bool
    """Whether the frequency is a part of the one that was given."""
    is_doubtful: bool
    """Whether it may be half the orbit of two dips that are alike."""


class _Look(NamedTuple):
    """What a plain shape looks like."""

    shape: int
    share: float
    r21: float
    phi21: float
    width: float
    """See `_eclipse_width`."""
    is_symmetric: bool
    gain: float
    """See `alternation`; -inf where the shape is none of dips."""
    is_alone: bool
    """Whether it is one of dips with nothing like a dip between them."""


@kernel
def find_orbit(
    bench: Bench,
    direction: float,
    frequency: float,
    share: float,
    amplitude: float,
    lowest: float,
) -> Orbit:
    """Return the frequency of the orbit, if the star is a binary; else the one given.

    Parameters
    ----------
    bench, direction
        As for `rank_peaks`.
    frequency, share
        The best peak, and the share that its shape explains.
    amplitude : float
        Of a sinusoid of the scatter that is explained, mag.
    lowest : float
        Lowest frequency that may be returned.
    """
    slowest = max(lowest, 1.0 / SLOWEST_ORBIT)
    look = _look(bench, direction, frequency, share)
    orbit = _first_step(bench, direction, frequency, look, amplitude, slowest)
    if not orbit.is_part or orbit.frequency < 2.0 * slowest:
        return orbit
    needed = _AGAIN if orbit.shape == ECLIPSE else 3.0 * _AGAIN
    if _glance(bench, 0.5 * orbit.frequency, 2.0) < 0.2 * needed:
        return orbit
    again = _gain(bench, orbit.frequency, 0.5, True, orbit.share, needed)
    return again if _is_unlike(again.shape) and again.doubt > needed else orbit


@kernel
def _is_unlike(shape: int) -> bool:
    """Return whether the halves of a shape differ by more than what bands, seen in turns, do."""
    return shape < HALVES or (shape - HALVES) % N_ODD < N_ODD - 1


@kernel
def _look(bench: Bench, direction: float, frequency: float, share: float) -> _Look:
    _, shape, share = best_shape(bench, frequency, SINE, NARROW, share)
    amplitude = series(bench, shape, share)
    r21, phi21 = shape_of(amplitude, direction)
    ripple = np.sqrt(2.0 * TERMS[shape] * (1.0 - share) / bench.n_free)
    if direction < 0.0:
        amplitude = negative(amplitude)
    width = _eclipse_width(amplitude, 3.0 * ripple)
    is_pulse = r21 < 0.7 and np.sin(phi21) < -0.5
    is_symmetric = abs(np.sin(0.5 * phi21)) < 0.3 or (shape == ECLIPSE and not is_pulse)
    gain = -np.inf
    is_alone = False
    if direction > 0.0 and is_symmetric and r21 < 1.2 and (shape == ECLIPSE or r21 > 0.6):
        gain = alternation(bench, frequency, amplitude)
        curve = np.empty(_POINTS)
        other = negative(amplitude)
        fill_curve(other, curve)
        second = depth_ratio(other, curve) * (highest(curve) - lowest(curve))
        is_alone = width > 0.0 or not second > 3.0 * ripple
    return _Look(shape, share, r21, phi21, width, is_symmetric, gain, is_alone)


@kernel
def _first_step(
    bench: Bench,
    direction: float,
    frequency: float,
    look: _Look,
    amplitude: float,
    slowest: float,
) -> Orbit:
    """Return the frequency, or its half, or another part of it."""
    share, is_dips = look.share, look.shape == ECLIPSE
    is_fast = frequency > 1.0 / _FAST
    is_known = is_fast or look.is_symmetric
    is_alone = direction != 0.0 and is_dips and 0.0 < look.width < _NARROW and look.r21 < 1.2
    contact = _contact(bench, look, amplitude) if direction != 0.0 and is_fast else 0.0
    # the halves of what spots make differ where the spots change
    gained = _SURE if is_fast or (look.is_symmetric and is_dips) else _STRANGE
    best, part, shape, doubt = frequency, 1, look.shape, -np.inf
    for n, m in _PARTS:
        is_odd = n > 1 or m > 3
        if m > 2 and not (look.is_symmetric and look.r21 > 0.4):
            break
        if is_odd and not (is_dips and look.share < _HALF):
            break
        f = frequency * n / m
        # mostly there is nothing to gain, which a glance shows
        if f < slowest or ((is_odd or not is_known) and _glance(bench, f, m / n) < 0.2 * gained):
            continue
        found = _gain(bench, frequency, n / m, is_dips or m > 2, share, gained)
        gain = found.doubt
        if m == 2:
            doubt = max(gain, look.gain)
        if not is_odd and not _is_unlike(found.shape) and -np.inf < look.gain < -1.0:
            gain = min(gain, gained)
        if gain > gained + (_AGAIN if is_odd else 0.0) and (not is_odd or _is_unlike(found.shape)):
            best, part, shape, share, gained = found.frequency, m, found.shape, found.share, gain
            doubt = gain
        elif m == 2 and (contact > 1.0 or (is_alone and gain > _LIKELY) or look.gain > _SURE):
            best, part, shape, share = found.frequency, m, found.shape, found.share
            doubt = max(doubt, gained) if contact > _TOLD else doubt
    is_doubtful = part == 1 and (
        is_alone or contact > 0.0 or (look.is_alone and look.gain > -_ALIKE)
    )
    return Orbit(best, shape, share, doubt, part > 1, is_doubtful)


@kernel
def _contact(bench: Bench, look: _Look, amplitude: float) -> float:
    """Return how much a shape is that of a contact binary: beyond 1 it is, above 0 it may be.

    In errors of R21 beyond that of a pulsation that is a sinusoid in flux.
    """
    noise = np.sqrt((1.0 - look.share) / (bench.n_free * look.share))
    if not 3.0 * noise < look.r21 < 0.6 or abs(look.phi21) > 0.5:
        return 0.0
    return float(max((look.r21 - _LOGARITHM * amplitude) / noise, _LEAST))


@kernel
def _glance(bench: Bench, frequency: float, times: float) -> float:
    """Return the evidence of a frequency over that of a multiple, nothing being climbed."""
    halves, _, _ = best_shape(bench, frequency, HALVES, NARROW_HALVES, LARGE)
    own, _, _ = best_shape(bench, frequency * times, SINE, NARROW, LARGE)
    return halves - own


@kernel
def _gain(
    bench: Bench, frequency: float, part: float, is_fine: bool, share: float, needed: float
) -> Orbit:
    """Return the best place near a part of a frequency; its `doubt` is what it gains.

    A small gain must not hang on a few epochs far off.
    """
    found = _gain_of_all(bench, frequency, part, is_fine, share)
    if not needed < found.doubt < _CLEAR:
        return found
    best_shape(bench, found.frequency, found.shape, found.shape + 1, found.share)
    robust = without_outliers(bench, found.frequency, series(bench, found.shape, found.share))
    again = _gain_of_all(robust, frequency, part, is_fine, share)
    return Orbit(found.frequency, found.shape, found.share, again.doubt, True, False)


@kernel
def _gain_of_all(bench: Bench, frequency: float, part: float, is_fine: bool, share: float) -> Orbit:
    """Return the same, by all epochs.

    Either as many details are allowed in each dip for both, or, where dips are narrow, all shapes
    there are.
    """
    last, most = (N_SHAPES, N_SHAPES) if is_fine else (NARROW_HALVES, NARROW)
    step = _STEP / bench.span
    f, worth, place, found = climb(bench, frequency * part, SINE, last, share, step, _CLIMBS)
    own, _, _ = best_shape(bench, f / part, SINE, most, share)
    again, _, _ = best_shape(bench, frequency, SINE, most, share)
    return Orbit(f, place, found, worth - max(own, again), True, False)


@kernel
def _eclipse_width(amplitude: NDArray[np.float64], noise: float) -> float:
    """Return the width of the only dip of a curve, as a share of the period; 0: there is another.

    Parameters
    ----------
    amplitude : array
        A series, whose positive side is faint.
    noise : float
        A second maximum below this is none.
    """
    curve = np.empty(_POINTS)
    fill_curve(amplitude, curve)
    top = place_of_lowest(negative(curve))
    base = middle_of(curve)
    depth = curve[top] - base
    if not depth > 0 or noise > _SEEN * depth:
        return 0.0
    wide = 0
    for j in range(_POINTS):
        wide += curve[j] - base > 0.5 * depth
    aside = max(_POINTS // 8, 2 * wide)
    for j in range(aside, _POINTS - aside):
        here = curve[(top + j) % _POINTS]
        if here - base > max(0.08 * depth, noise):
            return 0.0
    if base - lowest(curve) > 0.5 * depth:
        return 0.0
    return wide / _POINTS
