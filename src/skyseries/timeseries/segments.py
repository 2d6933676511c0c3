"""The usable epochs of many light curves, split by band and ordered in time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skyseries.timeseries.epochs import Epochs
from skyseries.timeseries.kernels import ragged

__all__ = ["Segments", "split_by_band"]


@dataclass(frozen=True)
class Segments:
    """Runs of epochs, each of one light curve in one band (or of one light curve).

    Times ascend within the run of a light curve in one band. What several features need (the
    sorted values) is made once, on first use.
    """

    time: NDArray[np.float64]
    """(m,) days."""
    value: NDArray[np.float64]
    """(m,) finite."""
    error: NDArray[np.float64]
    """(m,) above zero; ones where the light curves have no errors."""
    offsets: NDArray[np.int64]
    """(n + 1,) where each segment begins."""
    excluded: NDArray[np.int64]
    """(n_light_curves,) epochs that were left out."""

    @property
    def size(self) -> int:
        """How many segments there are."""
        return self.offsets.size - 1

    @cached_property
    def count(self) -> NDArray[np.int64]:
        """(n,) epochs of each segment."""
        return np.diff(self.offsets)

    @cached_property
    def sorted_value(self) -> NDArray[np.float64]:
        """(m,) values in ascending order within each segment."""
        return ragged.sort_values(self.value, self.offsets)

    def whole(self, n_bands: int) -> Segments:
        """Return the same epochs with one segment for each light curve, all bands together."""
        offsets = np.ascontiguousarray(self.offsets[::n_bands])
        return Segments(self.time, self.value, self.error, offsets, self.excluded)


def split_by_band(epochs: Epochs) -> Segments:
    """Leave out what cannot be used, and put the epochs of each band together.

    Left out, and counted in `excluded`: flagged epochs, epochs of no band in the list, values
    or times that are not finite, errors that are not above zero. Epochs at equal times are
    ordered by value, so that the order of the rows is of no consequence.
    """
    n_bands = len(epochs.bands)
    code = epochs.code.copy()
    counts = np.zeros((epochs.size, n_bands), np.int64)
    arrays = (epochs.time, epochs.value, epochs.error)
    for array in (epochs.offsets, *arrays):
        array.flags.writeable = False  # one compiled version for read-only Arrow data and others
    ragged.count_usable(epochs.offsets, *arrays, code, counts)
    offsets = np.zeros(counts.size + 1, np.int64)
    np.cumsum(counts.ravel(), out=offsets[1:])
    t, y, e = (np.empty(offsets[-1], np.float64) for _ in range(3))
    ragged.scatter_by_band(epochs.offsets, *arrays, code, n_bands, offsets, t, y, e)
    ragged.order_by_time(t, y, e, offsets)
    return Segments(t, y, e, offsets, np.diff(epochs.offsets) - counts.sum(axis=1))
