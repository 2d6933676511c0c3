"""Long light curves thinned out for features whose cost grows with the square of the epochs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skyseries.timeseries.segments import Segments

__all__ = ["MOST_EPOCHS", "thinned"]

MOST_EPOCHS = 2000


def thinned(segments: Segments) -> Segments:
    """Return the segments with every k-th epoch of those that are longer than `MOST_EPOCHS`."""
    count = segments.count
    if not count.size or count.max() <= MOST_EPOCHS:
        return segments
    stride = np.maximum(-(-count // MOST_EPOCHS), 1)
    place = np.arange(segments.offsets[-1]) - np.repeat(segments.offsets[:-1], count)
    keep = place % np.repeat(stride, count) == 0
    kept = np.zeros(count.size + 1, np.int64)
    np.cumsum(-(-count // stride), out=kept[1:])
    return replace(
        segments, time=segments.time[keep], value=segments.value[keep],
        error=segments.error[keep], offsets=kept, by_band=None, _made={},
    )  # fmt: skip
