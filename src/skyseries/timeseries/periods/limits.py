"""The shortest and the longest period of a search, as they are given."""

from __future__ import annotations

import math
from typing import Any

from skyseries.arrays import days_long
from skyseries.errors import InputError

__all__ = ["DEFAULT_PERIODS", "frequency_limits", "given_limits", "period_limits"]

DEFAULT_PERIODS = (0.1, 100.0)
"""Shortest and longest period that features search for, days."""


def given_limits(min_period: Any = None, max_period: Any = None) -> tuple[float, float]:
    """Return the limits in days; NaN where none is given.

    Raises
    ------
    InputError
        Unless they are lengths of time with 0 < min_period < max_period < inf.
    """
    given = ("min_period", min_period), ("max_period", max_period)
    low, high = (math.nan if v is None else days_long(v, name) for name, v in given)
    told = [v for v, (_, g) in zip((low, high), given, strict=True) if g is not None]
    if any(not 0 < v < math.inf for v in told) or low >= high:
        raise InputError(
            "periods must satisfy 0 < min_period < max_period, not "
            f"min_period={min_period}, max_period={max_period}"
        )
    return low, high


def period_limits(min_period: Any = None, max_period: Any = None) -> tuple[float, float]:
    """Return the limits in days, the default ones for None; errors as of `given_limits`."""
    given = (min_period, max_period)
    filled = (d if v is None else v for v, d in zip(given, DEFAULT_PERIODS, strict=True))
    return given_limits(*filled)


def frequency_limits(min_period: Any = None, max_period: Any = None) -> tuple[float, float]:
    """Return lowest and highest frequency, 1/d; as `period_limits`."""
    low, high = period_limits(min_period, max_period)
    return 1.0 / high, 1.0 / low
