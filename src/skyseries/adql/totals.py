"""Partial results without keys in `pyarrow.compute`: some ten times faster than by DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from skyseries.adql.expressions import Aggregate, Expr

__all__ = ["totals"]


def totals(aggregates: Sequence[Aggregate], inputs: dict[Expr, Any], rows: int) -> pa.Table | None:
    """Return the states of `states.partial_sql` for all rows as one group.

    Parameters
    ----------
    aggregates : sequence of Aggregate
    inputs : dict of Expr to Arrow array
        The values of each argument.
    rows : int

    Returns
    -------
    pyarrow.Table or None
        None if one of the aggregates is not to be had here.
    """
    if not aggregates or not all(map(_supported, aggregates)):
        return None
    present = {argument: _without_nan(array) for argument, array in inputs.items()}
    columns: dict[str, Any] = {}
    for index, aggregate in enumerate(aggregates):
        if aggregate.argument is None:
            columns[f"s{index}a"] = pa.array([rows], pa.int64())
            continue
        state = _STATES[aggregate.name](present[aggregate.argument])
        for letter, value in zip("abc", state, strict=False):
            columns[f"s{index}{letter}"] = pa.array([value.as_py()], value.type)
    return pa.table(columns)


def _supported(aggregate: Aggregate) -> bool:
    if aggregate.argument is None:
        return True
    kind = aggregate.argument.type
    if aggregate.distinct or not kind.is_number:
        return False
    # a sum of whole numbers would leave 64 bits in silence here
    return aggregate.name in _STATES and (kind.is_floating or aggregate.name != "SUM")


def _without_nan(array: Any) -> Any:
    if not pa.types.is_floating(array.type):
        return array
    nan = pc.is_nan(array)
    return pc.if_else(nan, None, array) if pc.any(nan).as_py() else array


def _count(array: Any) -> Any:
    return pc.count(array)


def _spread(array: Any) -> tuple[Any, ...]:
    count, variance = pc.count(array), pc.variance(array, ddof=0)
    return count, pc.mean(array), pc.multiply(variance, count.cast(pa.float64()))


_STATES: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "COUNT": lambda array: (_count(array),),
    "SUM": lambda array: (pc.sum(array),),
    "AVG": lambda array: (pc.sum(array), _count(array)),
    "MIN": lambda array: (pc.min(array),),
    "MAX": lambda array: (pc.max(array),),
    "STDDEV": _spread,
    "VARIANCE": _spread,
}
