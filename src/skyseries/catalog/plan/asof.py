"""The row of the same object that is next in time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arrays import check_choice, day_number, number
from skyseries.arraytypes import Ints
from skyseries.arrow import is_number
from skyseries.errors import InputError, SchemaError
from skyseries.lazy import pc
from skyseries.schema.columns import column_meta
from skyseries.schema.recognition import TIMES
from skyseries.schema.times import settled_times, time_unit_words, zero_point
from skyseries.units import factor_to, plain_unit

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
        The largest difference, included; in the unit of the left times (of timestamps: ns).
    exact : bool
        Whether a row of the very same time counts.
    scale, shift : float
        A right time times `scale` plus `shift` is in the unit and format of the left ones.
    """

    left: str
    right: str
    direction: Direction = "backward"
    tolerance: Any = None
    exact: bool = True
    scale: float = 1.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        check_choice(self.direction, "direction", get_args(Direction))

    def settled(self, left: pa.Schema, right: pa.Schema) -> AsOf:
        """Return the rule for two tables: their times in one unit, as is the tolerance.

        Raises
        ------
        SchemaError
            If the columns are no times of one kind, or their scales differ.
        InputError
            If a unit cannot be converted, or the tolerance is no length of time.
        """
        fields = left.field(self.left), right.field(self.right)
        kinds = [_kind(field) for field in fields]
        if kinds[0] != kinds[1]:
            raise SchemaError(
                f"{self.left!r} is {fields[0].type} and {self.right!r} is "
                f"{fields[1].type}; bring them to one kind of time"
            )
        if kinds[0] != "number":
            return replace(self, tolerance=_tolerance(self.tolerance, "ns"))
        scales = [_said(field, "time_scale") for field in fields]
        if all(scales) and scales[0] != scales[1]:
            raise SchemaError(
                f"the times {self.left!r} are {scales[0]} and {self.right!r} are {scales[1]}: "
                "bring them to one time scale"
            )
        unit = _unit(fields[0]) or "d"
        scale = factor_to(_unit(fields[1]), unit, f"column {self.right!r}")
        zeros = [_zero(field) for field in fields]
        shift = 0.0
        if zeros[0] is not None and zeros[1] is not None and zeros[0] != zeros[1]:
            shift = (zeros[1] - zeros[0]) * factor_to("d", unit, f"column {self.left!r}")
        tolerance = _tolerance(self.tolerance, unit)
        return replace(self, tolerance=tolerance, scale=scale, shift=shift)

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
        if self.scale != 1.0 or self.shift:
            right_time = pc.add(pc.multiply(right_time.cast(pa.float64()), self.scale), self.shift)
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


def _unit(field: pa.Field) -> str:
    unit = column_meta(field).unit
    return "d" if time_unit_words(unit) is not None else plain_unit(unit)


def _said(field: pa.Field, key: str) -> str | None:
    """Return what a column itself says of its times: ``time_format``, ``time_scale``."""
    said = (field.metadata or {}).get(key.encode())
    words = time_unit_words(column_meta(field).unit) or {}
    return words.get(key) if said is None else said.decode()


def _zero(field: pa.Field) -> float | None:
    """Return the MJD of a column's zero, by what it or its name says; None: not known."""
    said = _said(field, "time_format") or TIMES.get(field.name.lower(), {}).get("time_format")
    settled = settled_times(said, None, None)[0]
    return None if settled is None else zero_point(settled)


def _tolerance(given: Any, unit: str) -> float | None:
    """Return a length of time in the unit of the times."""
    if given is None:
        return None
    found = given
    if isinstance(given, dt.timedelta | np.timedelta64) or hasattr(given, "jd1"):
        found = day_number(given, "tolerance") * factor_to("d", unit, "tolerance")
    found = number(found, unit, "tolerance")
    if not found >= 0:
        raise InputError(f"tolerance must not be negative, not {given!r}")
    return float(round(found)) if unit == "ns" and np.isfinite(found) else found


def _kind(field: pa.Field) -> str:
    type_ = field.type
    if is_number(type_):
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
