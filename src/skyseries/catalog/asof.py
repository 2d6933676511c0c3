"""The row of the same object that is next in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.catalog.rows import Ints
from skyseries.errors import InputError, SchemaError

__all__ = ["AsOf", "Direction"]

Direction = Literal["backward", "forward", "nearest"]


@dataclass(frozen=True)
class AsOf:
    """Which right row counts as that of the time of a left one.

    Parameters
    ----------
    left, right : str
        Columns of the times.
    direction : {"backward", "forward", "nearest"}
        The last one that is not later, the first one that is not earlier, or the nearer of both,
        the earlier one if they are equally near. Of right rows of one time and object, backward
        takes the last and forward the first.
    tolerance : number, optional
        The largest difference, included; in the unit of the times.
    exact : bool
        Whether a row of the very same time counts.
    """

    left: str
    right: str
    direction: Direction = "backward"
    tolerance: float | None = None
    exact: bool = True

    def __post_init__(self) -> None:
        if self.direction not in get_args(Direction):
            names = ", ".join(get_args(Direction))
            raise InputError(f"direction must be one of {names}, not {self.direction!r}")
        if self.tolerance is not None and not self.tolerance >= 0:
            raise InputError(f"tolerance must not be negative, not {self.tolerance}")

    def check(self, left: pa.Schema, right: pa.Schema) -> None:
        """Raise SchemaError if the columns are no times of one kind."""
        kinds = [_kind(s.field(n)) for s, n in ((left, self.left), (right, self.right))]
        if kinds[0] != kinds[1]:
            raise SchemaError(
                f"{self.left!r} is {left.field(self.left).type} and {self.right!r} is "
                f"{right.field(self.right).type}; bring them to one kind of time"
            )

    def describe(self) -> str:
        """Return a few words."""
        within = "" if self.tolerance is None else f" within {self.tolerance:g}"
        return f"{self.direction} in {self.left}{within}"

    def partners(self, left_key: Ints, right_key: Ints, left_time: Any, right_time: Any) -> Ints:
        """Return the number of the right row for each left row; -1 where there is none.

        Parameters
        ----------
        left_key, right_key : ndarray of int64
            Equal where it is the same object; -1: nobody's.
        left_time, right_time : ChunkedArray
        """
        times = _common(left_time, right_time)
        left = np.flatnonzero((left_key >= 0) & times[0][1])
        right = np.flatnonzero((right_key >= 0) & times[1][1])
        t_left, t_right = times[0][0][left], times[1][0][right]
        found = np.full(len(left_key), -1, np.int64)
        sides = (left_key[left], t_left, right_key[right], t_right)
        before = self._kept(_before(*sides, self.exact), t_left, t_right)
        after = self._kept(_after(*sides, self.exact), t_left, t_right)
        if self.direction == "backward":
            best = before
        elif self.direction == "forward":
            best = after
        else:
            best = np.where(
                _gap(before, t_left, t_right) <= _gap(after, t_left, t_right), before, after
            )
        there = best >= 0
        found[left[there]] = right[best[there]]
        return found

    def _kept(self, found: Ints, left: NDArray[Any], right: NDArray[Any]) -> Ints:
        if self.tolerance is None:
            return found
        return np.where(_gap(found, left, right) <= self.tolerance, found, -1)


def _gap(found: Ints, left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.float64]:
    """Return the difference in time to a partner; infinite without one."""
    gap = np.full(len(left), np.inf)
    there = found >= 0
    gap[there] = np.abs(left[there] - right[found[there]]).astype(float)
    return gap


def _before(
    left_key: Ints, left: NDArray[Any], right_key: Ints, right: NDArray[Any], exact: bool
) -> Ints:
    """Return the last right row of the key that is not later than each left one."""
    keys, times = np.concatenate([right_key, left_key]), np.concatenate([right, left])
    is_left = np.arange(len(keys)) >= len(right_key)
    order = np.lexsort((is_left if exact else ~is_left, times, keys))
    row = np.where(is_left[order], -1, np.arange(len(order)))
    place = np.maximum.accumulate(row) if len(row) else row
    return _resolved(order, place, keys, len(right_key), is_left)


def _after(
    left_key: Ints, left: NDArray[Any], right_key: Ints, right: NDArray[Any], exact: bool
) -> Ints:
    """Return the first right row of the key that is not earlier than each left one."""
    keys, times = np.concatenate([right_key, left_key]), np.concatenate([right, left])
    is_left = np.arange(len(keys)) >= len(right_key)
    order = np.lexsort((~is_left if exact else is_left, times, keys))
    n = len(order)
    row = np.where(is_left[order], n, np.arange(n))
    place = np.minimum.accumulate(row[::-1])[::-1] if n else row
    return _resolved(order, np.where(place == n, -1, place), keys, len(right_key), is_left)


def _resolved(
    order: Ints, place: Ints, keys: Ints, n_right: int, is_left: NDArray[np.bool_]
) -> Ints:
    """Return the right rows at places of the common order, where they have the left row's key."""
    candidate = np.where(place >= 0, order[np.maximum(place, 0)], -1) if len(order) else order
    same = (candidate >= 0) & (keys[np.maximum(candidate, 0)] == keys[order])
    found = np.empty(len(order), np.int64)
    found[order] = np.where(same, candidate, -1)
    return found[n_right:] if len(order) else found


def _kind(field: pa.Field) -> str:
    type_ = field.type
    if pa.types.is_integer(type_) or pa.types.is_floating(type_):
        return "number"
    if pa.types.is_timestamp(type_):
        return f"timestamp in {type_.tz}" if type_.tz else "timestamp"
    raise SchemaError(f"column {field.name!r} is {type_}; times must be numbers or timestamps")


def _common(*columns: pa.ChunkedArray) -> list[tuple[NDArray[Any], NDArray[np.bool_]]]:
    """Return times as numbers of one type, and which of them are known."""
    types = [column.type for column in columns]
    if any(pa.types.is_timestamp(t) for t in types):
        columns = tuple(c.cast(pa.timestamp("ns", c.type.tz)).cast(pa.int64()) for c in columns)
    elif not all(pa.types.is_signed_integer(t) for t in types):
        columns = tuple(c.cast(pa.float64()) for c in columns)
    found = []
    for column in columns:
        known = column.is_valid().to_numpy()
        values = column.fill_null(0).to_numpy()
        known = known & ~np.isnan(values) if values.dtype.kind == "f" else known
        found.append((values, np.asarray(known)))
    return found
