"""A word about light curves whose periods cannot be searched for: too long, or too short."""

from __future__ import annotations

import numpy as np

from skyseries.timeseries.kernels.limits import SHORTEST
from skyseries.timeseries.kernels.search import MAX_FREQUENCIES, Search
from skyseries.timeseries.segments import Segments
from skyseries.warn import warn_user

__all__ = ["tell_unsearched"]


def tell_unsearched(segments: Segments, search: Search) -> None:
    """Warn if light curves ask for too many frequencies, or are shorter than what is asked for.

    The words are the same for every part of a catalog, so that they are said once.
    """
    lowest = 0.0 if np.isnan(search.low) else search.low
    highest = max(1.0 / SHORTEST, 2.0 * lowest) if np.isnan(search.high) else search.high
    longest = MAX_FREQUENCIES / (search.oversampling * (highest - lowest))
    whole = segments.whole
    filled = whole.count > search.spare
    if not filled.any():
        return
    begin = whole.offsets[:-1][filled]
    span = np.maximum.reduceat(whole.time, begin) - np.minimum.reduceat(whole.time, begin)
    if span.max() >= longest:
        warn_user(
            f"no periods of light curves of {longest:.4g} d or more: they ask for more than "
            f"{MAX_FREQUENCIES:.0e} frequencies; if times are not in days, give them a unit, else "
            "look for a wrong time, or raise min_period"
        )
    if np.isnan(search.low) and span.min() < 1.0 / highest and not np.isnan(search.high):
        warn_user(
            f"no periods of light curves that span less than min_period = {1.0 / highest:.4g} d: "
            "their time span is the longest, unless max_period is given"
        )
