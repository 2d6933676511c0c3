"""The usable epochs of many light curves, split by band and ordered in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from skyseries.timeseries.epochs import Epochs
from skyseries.timeseries.kernels import ragged
from skyseries.timeseries.kernels.networks import sort_segments

__all__ = ["Filled", "Segments", "split_by_band"]

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Segments:
    """Runs of epochs, each of one light curve in one band (or of one light curve).

    Times ascend within the run of a light curve in one band. What several features need (the
    sorted values, a period search) is made once, on first use.
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
    bands: tuple[str | int | None, ...] = (None,)
    """The bands of each light curve, in the order of its segments; (None,) for one segment."""
    is_magnitude: bool = False
    """Whether brighter is smaller."""
    period_limits: tuple[float, float] = (0.1, 100.0)
    """Shortest and longest period that features search for, days."""
    zero: float | None = None
    """The MJD of time 0; None: not known."""
    longitude: float = 0.0
    """Degrees east of Greenwich: nights are cut at the local noon there."""
    by_band: Segments | None = None
    """The segments of which this is the `whole`."""
    _made: dict[Any, Any] = field(default_factory=dict, repr=False)

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
        return sort_segments(self.value, self.offsets)

    @cached_property
    def whole(self) -> Segments:
        """The same epochs with one segment for each light curve, band after band."""
        offsets = np.ascontiguousarray(self.offsets[:: len(self.bands)])
        return Segments(
            self.time, self.value, self.error, offsets, self.excluded,
            is_magnitude=self.is_magnitude, period_limits=self.period_limits, zero=self.zero,
            longitude=self.longitude, by_band=self,
        )  # fmt: skip

    def only(self, k: int) -> Segments:
        """Return the segments of one band, by its place in `bands`."""
        n_bands = len(self.bands)
        chosen = np.arange(self.size) % n_bands == k
        rows = np.repeat(chosen, self.count)
        return Segments(
            self.time[rows], self.value[rows], self.error[rows],
            np.concatenate([[0], np.cumsum(self.count[chosen])]), self.excluded,
            (self.bands[k],), self.is_magnitude, self.period_limits, self.zero, self.longitude,
        )  # fmt: skip

    @cached_property
    def merged(self) -> tuple[Segments, NDArray[np.int64]]:
        """One segment for each light curve, all bands together in the order of time.

        And the (m,) position of the band of each epoch in `bands`.
        """
        whole = self.whole
        n_bands = len(self.bands)
        code = np.repeat(np.arange(self.size) % n_bands, self.count)
        t, y, e = self.time.copy(), self.value.copy(), self.error.copy()
        ragged.merge_by_time(t, y, e, code, whole.offsets)
        ordered = Segments(
            t, y, e, whole.offsets, self.excluded,
            is_magnitude=self.is_magnitude, period_limits=self.period_limits, zero=self.zero,
            longitude=self.longitude, by_band=self,
        )  # fmt: skip
        return ordered, code

    def filled(
        self, rows: int, kernel: Callable[..., None], *arguments: Any
    ) -> NDArray[np.float64]:
        """Return a (rows, n) array that a kernel fills, which takes it after `arguments`."""
        out = np.empty((rows, self.size))
        kernel(*arguments, out)
        return out

    def once(self, make: Callable[[Segments], T]) -> T:
        """Return ``make(self)``, which is called only the first time."""
        if make not in self._made:
            self._made[make] = make(self)
        return self._made[make]  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Filled:
    """What a kernel writes of segments: the computation of features that take nothing else.

    It equals another of the same, so that `Segments.once` makes it once.
    """

    rows: int
    """Of the (rows, n) array that the kernel fills."""
    kernel: Callable[..., None]
    names: tuple[str, ...]
    """The attributes of `Segments` that the kernel takes before that array."""

    def __call__(self, segments: Segments) -> NDArray[np.float64]:
        """Return the array of some segments."""
        given: list[Any] = [getattr(segments, name) for name in self.names]
        return segments.filled(self.rows, self.kernel, *given)


def split_by_band(
    epochs: Epochs,
    *,
    is_magnitude: bool = False,
    period_limits: tuple[float, float] = (0.1, 100.0),
    zero: float | None = None,
    longitude: float = 0.0,
) -> Segments:
    """Leave out what cannot be used, and put the epochs of each band together.

    Left out, and counted in `excluded`: flagged epochs, epochs of no band in the list, values
    or times that are not finite, errors that are not above zero. Epochs at equal times are
    ordered by value, so that the order of the rows is of no consequence.
    """
    arrays = (epochs.time, epochs.value, epochs.error)
    for array in (epochs.offsets, *arrays):
        array.flags.writeable = False  # one compiled version for read-only Arrow data and others
    split = _split if len(epochs.bands) > 1 else _copy
    t, y, e, offsets = split(epochs, *arrays)
    ragged.order_by_time(t, y, e, offsets)
    used = np.diff(offsets[:: len(epochs.bands)])
    excluded = np.diff(epochs.offsets) - used
    return Segments(
        t, y, e, offsets, excluded, epochs.bands, is_magnitude, period_limits, zero, longitude
    )


_Split = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]


def _copy(epochs: Epochs, time: NDArray[Any], value: NDArray[Any], error: NDArray[Any]) -> _Split:
    """Return time, value, error and offsets of the segments of one band."""
    offsets = np.empty(epochs.size + 1, np.int64)
    t, y, e = (np.empty(time.size, np.float64) for _ in range(3))
    ragged.copy_usable(epochs.offsets, time, value, error, epochs.code, offsets, t, y, e)
    m = offsets[-1]
    return t[:m], y[:m], e[:m], offsets


def _split(epochs: Epochs, time: NDArray[Any], value: NDArray[Any], error: NDArray[Any]) -> _Split:
    """Return time, value, error and offsets of the segments of several bands."""
    n_bands = len(epochs.bands)
    code = epochs.code.copy()
    counts = np.zeros((epochs.size, n_bands), np.int64)
    ragged.count_usable(epochs.offsets, time, value, error, code, counts)
    offsets = np.zeros(counts.size + 1, np.int64)
    np.cumsum(counts.ravel(), out=offsets[1:])
    t, y, e = (np.empty(offsets[-1], np.float64) for _ in range(3))
    ragged.scatter_by_band(epochs.offsets, time, value, error, code, n_bands, offsets, t, y, e)
    return t, y, e, offsets
