"""Frequencies of the Earth and the Moon, by which light curves have aliases and false periods."""

from __future__ import annotations

import numpy as np

from skyseries.jit import kernel

__all__ = ["DAILY", "MONTHLY", "YEARLY", "calendar_of", "cycle_of", "is_at_limit"]

DAILY, MONTHLY, YEARLY = 6, 7, 8
"""What is said of a period, see `choice.FLAGS`."""

_SOLAR_DAY, _SIDEREAL_DAY = 1.0, 1.0027379
_MONTH, _YEAR = 1 / 29.530589, 1 / 365.25

_NEAR = 1.5
"""In 1 / time span: how near is the same."""
_RESOLVED = 2.0
"""Cycles that a light curve must hold of a month or a year to tell them."""
_MOST = 30


@kernel
def calendar_of(frequency: float, other: float, span: float) -> int:
    """Return by which cycle of the calendar two frequencies differ or add up, as a code; 0: none.

    Parameters
    ----------
    frequency, other : float
        1/d.
    span : float
        Days.
    """
    near = _NEAR / span
    if _is_daily(abs(frequency - other), near) or _is_daily(frequency + other, near):
        return DAILY
    return _slow_cycle(abs(frequency - other), near, span)


@kernel
def cycle_of(frequency: float, is_weak: bool, span: float) -> int:
    """Return of which cycle of the calendar a frequency itself is one, as a code; 0: none.

    Months and years make weak signals only: many giants have periods near a year.
    """
    if _is_daily(frequency, _NEAR / span):
        return DAILY
    return _slow_cycle(frequency, _NEAR / span, span) if is_weak else 0


@kernel
def _is_daily(total: float, near: float) -> bool:
    for day in (_SOLAR_DAY, _SIDEREAL_DAY):
        k = np.round(total / day)
        if 1 <= k <= _MOST and abs(total - k * day) < near:
            return True
    return False


@kernel
def _slow_cycle(total: float, near: float, span: float) -> int:
    for k in range(1, 4):
        if abs(total - k * _YEAR) < min(near, 0.5 * _YEAR) and span * _YEAR > _RESOLVED:
            return YEARLY
    for k in range(1, 3):
        if abs(total - k * _MONTH) < min(near, 0.25 * _MONTH) and span * _MONTH > _RESOLVED:
            return MONTHLY
    return 0


@kernel
def is_at_limit(frequency: float, low: float, high: float, span: float) -> bool:
    """Return whether a frequency is one of the ends of the search."""
    near = 0.1 / span
    return frequency < low + near or frequency > high - near
