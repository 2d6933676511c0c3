"""What kernels take and give, between Arrow and NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa

from skyseries.adql.types import Type, arrow_type
from skyseries.arraytypes import Bools, Floats, Ints
from skyseries.arrow import floats, to_numpy
from skyseries.errors import QueryError

__all__ = [
    "Coordinates",
    "Operand",
    "Result",
    "coordinates",
    "doubles",
    "flags",
    "lists_of",
    "positions",
    "rows_of",
    "shape_numbers",
    "to_arrow",
    "whole",
]

Result: TypeAlias = Any
"""An Arrow array, numbers with NaN for NULL, or masked numbers; without a dimension: a constant."""

_NUMBERS = {Type.POINT: 2, Type.CIRCLE: 3}


class Coordinates(NamedTuple):
    """Points as they are made of two columns, degrees; NaN in both where there is none."""

    ra: Floats
    dec: Floats


@dataclass(frozen=True)
class Operand:
    """An argument: an Arrow array with a value per row, or the value of a constant.

    Points may be `Coordinates` as well.
    """

    type: Type
    value: Any

    @property
    def is_constant(self) -> bool:
        """Whether all rows have the one value."""
        return not isinstance(self.value, pa.Array | Coordinates)

    def numbers(self) -> Result:
        """Return the value of a constant geometry as a kernel gives it."""
        if self.type in _NUMBERS:
            return shape_numbers(self)
        return pa.scalar(self.value, arrow_type(self.type))


def rows_of(*operands: Operand) -> int | None:
    """Return the number of rows; None if all are constants."""
    for operand in operands:
        if isinstance(operand.value, Coordinates):
            return operand.value.ra.size
        if not operand.is_constant:
            return len(operand.value)
    return None


def coordinates(ra: Floats, dec: Floats) -> Coordinates:
    """Return points of their coordinates, which are broadcast against each other."""
    ra, dec = np.broadcast_arrays(ra, dec)
    there = np.isfinite(ra) & (np.abs(dec) <= 90.0)
    if there.all():
        return Coordinates(ra, dec)
    return Coordinates(np.where(there, ra, np.nan), np.where(there, dec, np.nan))


def positions(operand: Operand) -> Coordinates:
    """Return the coordinates of points, or of the centres of circles."""
    if isinstance(operand.value, Coordinates):
        return operand.value
    return Coordinates(*np.moveaxis(shape_numbers(operand)[..., :2], -1, 0))


def doubles(operand: Operand) -> Floats:
    """Return numbers, NaN for missing ones; those of a constant have no dimension."""
    if operand.is_constant:
        return np.array(np.nan if operand.value is None else float(operand.value))
    return floats(operand.value)


def whole(operand: Operand) -> tuple[Ints, Bools]:
    """Return whole numbers of 64 bits, exactly, and which are missing (those are 0)."""
    if operand.is_constant:
        missing = operand.value is None
        return np.array(0 if missing else int(operand.value)), np.array(missing)
    array = operand.value
    return to_numpy(array.fill_null(0).cast(pa.int64())), to_numpy(array.is_null())


def shape_numbers(operand: Operand) -> Floats:
    """Return points as right ascension and declination, circles with their radius: shape (..., k).

    Missing ones are NaN in all numbers, and so are those that are none: a declination beyond ±90,
    a radius below 0.

    Raises
    ------
    QueryError
        If a column holds lists of another length.
    """
    k = _NUMBERS[operand.type]
    if isinstance(operand.value, Coordinates):
        return np.stack(operand.value, axis=-1)
    if operand.is_constant:
        return np.full(k, np.nan) if operand.value is None else np.array(operand.value, float)
    array = operand.value
    known = to_numpy(array.is_valid())
    numbers = floats(array.flatten())
    lengths = to_numpy(array.value_lengths().fill_null(0)) if not _is_fixed(array) else None
    if lengths is not None and (lengths[known] != k).any():
        raise QueryError(f"a {operand.type.value} has {k} numbers, not {lengths[known].max()}")
    found = np.full((len(array), k), np.nan)
    found[known] = numbers.reshape(-1, k)
    there = np.isfinite(found[:, 0]) & (np.abs(found[:, 1]) <= 90.0)
    there &= (found[:, 2:] >= 0.0).all(axis=1)
    found[~there] = np.nan
    return found


def lists_of(numbers: Floats, lengths: Ints, missing: Bools) -> pa.Array:
    """Return numbers as lists of such lengths; what is missing has none and is NULL."""
    offsets = pa.array(np.append(0, np.cumsum(lengths)).astype(np.int32))
    mask = pa.array(missing) if missing.any() else None
    return pa.ListArray.from_arrays(offsets, pa.array(numbers), mask=mask)


def flags(true: Any, missing: Any) -> np.ma.MaskedArray[Any, Any]:
    """Return 1 for true, 0 for false, masked where something is missing."""
    true, missing = np.broadcast_arrays(true, missing)
    return np.ma.array(true.astype(np.int32), mask=missing)


def to_arrow(result: Result, kind: Type, rows: int) -> pa.Array:
    """Return what a kernel gives as an Arrow array of so many rows."""
    target = arrow_type(kind)
    if isinstance(result, pa.Array | pa.ChunkedArray):
        return result if result.type == target else result.cast(target)
    if isinstance(result, pa.Scalar):
        return pa.repeat(result, rows) if rows else pa.array([], target)  # no lists by repeat
    if kind in _NUMBERS:
        return _list_array(np.broadcast_to(result, (rows, _NUMBERS[kind])), target)
    values = np.broadcast_to(np.ma.getdata(result), rows)
    missing: Bools = np.broadcast_to(np.ma.getmaskarray(result), rows)
    if values.dtype.kind == "f":
        missing = missing | np.isnan(values)
    return pa.array(values, target, mask=np.ascontiguousarray(missing))


def _is_fixed(array: pa.Array) -> bool:
    return bool(pa.types.is_fixed_size_list(array.type))


def _list_array(numbers: Floats, target: pa.DataType) -> pa.Array:
    missing = np.isnan(numbers).any(axis=1)
    values = pa.array(np.ascontiguousarray(numbers).ravel())
    mask = pa.array(missing) if missing.any() else None
    return pa.FixedSizeListArray.from_arrays(values, type=target, mask=mask)
