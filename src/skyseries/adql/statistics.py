"""The smallest and largest values of row groups, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arrow import is_number, to_numpy

__all__ = ["Statistics", "compare_with"]


@dataclass(frozen=True)
class Statistics:
    """What is known of one column in each of n row groups.

    Parameters
    ----------
    min, max : pyarrow.Array or sequence
        The smallest and largest value; null where they are not known. NaN does not count in
        them, as Parquet demands; a limit that is NaN counts as not known.
    null_count : pyarrow.Array or sequence, optional
        How many values are NULL; null where not known.
    row_count : pyarrow.Array or sequence, optional
        How many values there are: only with it a group of NULLs alone can be told.
    """

    min: Any
    max: Any
    null_count: Any = None
    row_count: Any = None

    def __len__(self) -> int:
        return len(self.min)

    def none_missing(self) -> NDArray[np.bool_]:
        """Return where it is known that no value is NULL."""
        if self.null_count is None:
            return np.zeros(len(self), bool)
        return np.array([count == 0 for count in _list(self.null_count)], bool)

    def all_missing(self) -> NDArray[np.bool_]:
        """Return where it is known that all values are NULL."""
        if self.null_count is None or self.row_count is None:
            return np.zeros(len(self), bool)
        pairs = zip(_list(self.null_count), _list(self.row_count), strict=True)
        return np.array([a is not None and a == b for a, b in pairs], bool)


def compare_with(limits: Any, value: Any, operator: str) -> NDArray[np.bool_]:
    """Compare limits with a constant, exactly.

    Returns
    -------
    ndarray of bool
        True also where the limit is not known, or cannot be compared with this constant.
    """
    plain = _numbers(limits)
    if plain is not None and isinstance(value, int | float) and not isinstance(value, bool):
        numbers, known = plain
        with np.errstate(invalid="ignore"):
            return np.asarray(_NUMPY[operator](numbers, value)) | ~known
    return np.array([_compare(limit, value, operator) for limit in _list(limits)], bool)


def _numbers(limits: Any) -> tuple[NDArray[Any], NDArray[np.bool_]] | None:
    """Return limits as numbers, and which are known; None if they are no numbers."""
    array = limits if isinstance(limits, pa.Array) else None
    if array is None and isinstance(limits, np.ndarray) and limits.dtype.kind in "iuf":
        array = pa.array(limits)
    if array is None or not is_number(array.type):
        return None
    known = ~np.asarray(to_numpy(array.is_null(nan_is_null=True)), bool)
    numbers = to_numpy(array.fill_null(0))
    # beside a Python float NumPy would calculate in single precision
    return (numbers.astype(np.float64) if numbers.dtype.kind == "f" else numbers), known


_NUMPY = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip


def _compare(limit: Any, value: Any, operator: str) -> bool:
    if limit is None or limit != limit:
        return True
    if isinstance(limit, date) and not isinstance(limit, datetime):
        limit = datetime(limit.year, limit.month, limit.day)
    if isinstance(limit, datetime) and limit.tzinfo is not None:
        limit = (limit - limit.utcoffset()).replace(tzinfo=None)  # type: ignore[operator]
    if isinstance(limit, bytes) and isinstance(value, str):
        value = value.encode()
    try:
        return bool(_OPERATORS[operator](limit, value))
    except TypeError:
        return True


_OPERATORS = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _list(values: Any) -> list[Any]:
    return values.to_pylist() if isinstance(values, pa.Array) else list(values)
