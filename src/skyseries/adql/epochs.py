"""Aggregates over the epochs of each object, in vectorised code on (values, offsets)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.adql.border import Columns, normal, take_columns
from skyseries.adql.evaluate import Values, finished
from skyseries.adql.expressions import Aggregate, Column, Path
from skyseries.adql.grouping import GroupBy
from skyseries.adql.types import Type, arrow_type
from skyseries.adql.walk import aggregate_name, columns
from skyseries.arrow import to_numpy
from skyseries.errors import InputError, QueryError
from skyseries.lazy import pc

__all__ = ["EpochAggregates"]


@dataclass(frozen=True)
class _Epochs:
    """Values of all epochs, and where each object's begin and end."""

    values: Any
    """NumPy array; what is missing holds any value."""
    valid: NDArray[np.bool_]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def counts(self) -> NDArray[np.int64]:
        """Return the number of values that each object has."""
        total = np.concatenate([[0], np.cumsum(self.valid)])
        return np.asarray(total[self.ends] - total[self.starts])

    def reduce(self, function: np.ufunc, values: NDArray[Any], neutral: Any) -> NDArray[Any]:
        """Return one value per object; the neutral one for an object without epochs."""
        result = np.full(len(self.starts), neutral, values.dtype)
        filled = self.ends > self.starts
        if filled.any():
            with np.errstate(invalid="ignore", over="ignore"):
                result[filled] = function.reduceat(values, self.starts[filled])
        return result

    def objects(self) -> NDArray[np.int64]:
        """Return the number of the object of each epoch."""
        return _owners(self.starts, self.ends)


class EpochAggregates:
    """Aggregates over epochs, ready to be calculated for any batch of objects.

    Parameters
    ----------
    aggregates : sequence of Aggregate
        From `split_aggregates`, in its order, all over one nested column.
    """

    def __init__(self, aggregates: Sequence[Aggregate]) -> None:
        self.aggregates = tuple(aggregates)
        over = {aggregate.over for aggregate in self.aggregates}
        if len(over) > 1 or None in over:
            raise InputError(f"aggregates over one nested column are needed, not over {over}")
        generated = {(aggregate_name(i),) for i in range(len(self.aggregates))}
        needed: frozenset[Path] = frozenset().union(*map(columns, self.aggregates))
        self.columns: frozenset[Path] = needed - generated
        self._repeated = needed & generated
        self._arguments = [
            None if a.argument is None else Values([a.argument]) for a in self.aggregates
        ]

    def __call__(self, columns: Columns, offsets: NDArray[Any]) -> list[pa.Array]:
        """Return one array per aggregate, with a value per object.

        Parameters
        ----------
        columns : table or mapping of path to array
            `self.columns` of all epochs, object after object; columns of objects repeated.
        offsets : array of int
            One more than objects: the epochs of object i are offsets[i] to offsets[i + 1], and
            the first and last are the first and the end of `columns`.

        Raises
        ------
        QueryError
            If a value cannot be calculated.
        """
        edges = np.asarray(offsets, np.int64)
        starts, ends = edges[:-1] - edges[0], edges[1:] - edges[0]
        epochs = int(edges[-1] - edges[0])
        arrays: dict[Path, Any] = take_columns(columns, self.columns)
        results: list[pa.Array] = []
        for index, aggregate in enumerate(self.aggregates):
            values = self._arguments[index]
            argument = None if values is None else normal(values(arrays, epochs)[0])
            result = _aggregate(aggregate, argument, starts, ends)
            result = finished(result, aggregate.arrow_type, len(starts))
            results.append(result)
            path = (aggregate_name(index),)
            if path in self._repeated:  # inside of a later aggregate
                arrays[path] = result.take(pa.array(_owners(starts, ends)))
        return results


def _owners(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(starts)), ends - starts)


def _aggregate(
    aggregate: Aggregate, argument: Any, starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> pa.Array:
    kind = arrow_type(aggregate.type) if argument is None else _result_type(aggregate, argument)
    if argument is None:
        return pa.array(ends - starts)
    numeric = aggregate.argument is not None and aggregate.argument.type.is_number
    valid = _valid(argument)
    epochs = _Epochs(argument, valid, starts, ends)
    if aggregate.name == "COUNT" and not aggregate.distinct:
        return pa.array(epochs.counts())
    if aggregate.name in ("FIRST", "LAST"):
        return _edge(epochs, aggregate.name == "LAST")
    if aggregate.distinct or not numeric or aggregate.name == "HISTOGRAM":
        return _by_sql(aggregate, epochs, kind)
    values = to_numpy(argument.fill_null(0))
    epochs = _Epochs(values, valid, starts, ends)
    if aggregate.name == "PERCENTILE":
        result, known = _percentile(epochs, float(aggregate.parameters[0]))  # type: ignore[arg-type]
    else:
        result, known = _NUMERIC[aggregate.name](epochs)
    return pa.array(result, kind, mask=~known)


def _result_type(aggregate: Aggregate, argument: pa.Array) -> pa.DataType:
    if aggregate.name in ("MIN", "MAX", "FIRST", "LAST"):
        return argument.type
    return arrow_type(aggregate.type)


def _valid(argument: pa.Array) -> NDArray[np.bool_]:
    """Return where there is a value: not NULL, not NaN."""
    return ~np.asarray(to_numpy(argument.is_null(nan_is_null=True)), bool)


def _edge(epochs: _Epochs, last: bool) -> pa.Array:
    """Return the first or last value of each object."""
    places = np.flatnonzero(epochs.valid)
    if last:
        index = np.searchsorted(places, epochs.ends) - 1
    else:
        index = np.searchsorted(places, epochs.starts)
    inside = (index >= 0) & (index < len(places))
    place = np.zeros(len(index), np.int64)
    place[inside] = places[index[inside]]
    inside &= (place >= epochs.starts) & (place < epochs.ends)
    return epochs.values.take(pa.array(place, mask=~inside))


def _by_sql(aggregate: Aggregate, epochs: _Epochs, kind: pa.DataType) -> pa.Array:
    """Aggregate what NumPy cannot: texts, times, distinct values."""
    key = Column(("#object",), Type.BIGINT)
    values = Column(("#value",), aggregate.argument.type, arrow=epochs.values.type)  # type: ignore[union-attr]
    over_rows = replace(aggregate, argument=values, over=None)
    group = GroupBy([key], ["#object"], [over_rows], ["#value"])
    table = {("#object",): pa.array(epochs.objects()), ("#value",): epochs.values}
    found = group.finish(group.partial(table))
    place = np.full(len(epochs.starts), -1, np.int64)
    place[found.column(0).to_numpy()] = np.arange(found.num_rows)
    result = found.column(1).combine_chunks().take(pa.array(place, mask=place < 0))
    if aggregate.name == "COUNT":
        result = result.fill_null(0)
    if aggregate.name == "HISTOGRAM" and result.null_count:
        nothing = pa.scalar([0] * (aggregate.parameters[2] + 2), kind)  # type: ignore[operator]
        result = pc.if_else(result.is_null(), nothing, result.cast(kind))
    return result if result.type == kind else result.cast(kind)


_Result = tuple[NDArray[Any], NDArray[np.bool_]]


def _sum(epochs: _Epochs) -> _Result:
    values = epochs.values
    known = epochs.counts() > 0
    if values.dtype.kind in "iu":
        wide = values.astype(np.uint64 if values.dtype == np.uint64 else np.int64)
        wide[~epochs.valid] = 0
        _check_overflow(epochs, wide)
        return epochs.reduce(np.add, wide, 0), known
    return epochs.reduce(np.add, np.where(epochs.valid, values, 0).astype(np.float64), 0), known


def _check_overflow(epochs: _Epochs, values: NDArray[Any]) -> None:
    """Raise if a sum of whole numbers could leave 64 bits (told from the sum of sizes)."""
    sizes = epochs.reduce(np.add, np.abs(values.astype(np.float64)), 0)
    limit = 2.0**64 if values.dtype == np.uint64 else 2.0**63
    if sizes.size and sizes.max() >= limit * (1 - 1e-9):
        raise QueryError("a sum of whole numbers does not fit in 64 bits: write SUM(1.0 * x)")


def _mean(epochs: _Epochs) -> _Result:
    total, known = _sum(epochs)
    with np.errstate(divide="ignore", invalid="ignore"):
        return total / epochs.counts(), known


def _variance(epochs: _Epochs) -> _Result:
    mean, _ = _mean(epochs)
    n = epochs.counts()
    with np.errstate(divide="ignore", invalid="ignore"):
        away = epochs.values - np.repeat(mean, epochs.ends - epochs.starts)
        squares = np.where(epochs.valid, away * away, 0)
        return epochs.reduce(np.add, squares, 0) / (n - 1), n > 1


def _deviation(epochs: _Epochs) -> _Result:
    variance, known = _variance(epochs)
    with np.errstate(invalid="ignore"):
        return np.sqrt(variance), known


def _extreme(function: np.ufunc, largest: bool) -> Callable[[_Epochs], _Result]:
    def extreme(epochs: _Epochs) -> _Result:
        kind = epochs.values.dtype
        limits = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
        neutral = limits.min if largest else limits.max
        if kind.kind == "f":
            neutral = -np.inf if largest else np.inf
        values = np.where(epochs.valid, epochs.values, kind.type(neutral))
        return epochs.reduce(function, values, neutral), epochs.counts() > 0

    return extreme


def _percentile(epochs: _Epochs, percent: float) -> _Result:
    """Interpolate between the two values beside (n - 1) percent / 100."""
    if not 0.0 <= percent <= 100.0:
        return np.zeros(len(epochs.starts)), np.zeros(len(epochs.starts), bool)
    values, first, n = _sorted(epochs)
    known = n > 0
    place = (n[known] - 1) * (percent / 100.0)
    below = np.floor(place).astype(np.int64)
    low = values[first[known] + below]
    high = values[first[known] + np.minimum(below + 1, n[known] - 1)]
    result = np.zeros(len(n))
    with np.errstate(invalid="ignore"):
        result[known] = np.where(low == high, low, low + (place - below) * (high - low))
    return result, known


def _sorted(epochs: _Epochs) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Return the values in order, object by object, where each object's begin, and how many."""
    objects = epochs.objects()[epochs.valid]
    values = epochs.values[epochs.valid]
    n = epochs.counts()
    return values[np.lexsort((values, objects))], np.cumsum(n) - n, n


def _median(epochs: _Epochs) -> _Result:
    values, first, n = _sorted(epochs)
    known = n > 0
    result = np.zeros(len(n))
    low = values[(first + (n - 1) // 2)[known]]
    high = values[(first + n // 2)[known]]
    result[known] = np.where(low == high, low, low + (high - low) / 2)
    return result, known


_NUMERIC: dict[str, Callable[[_Epochs], _Result]] = {
    "SUM": _sum,
    "AVG": _mean,
    "MIN": _extreme(np.minimum, largest=False),
    "MAX": _extreme(np.maximum, largest=True),
    "STDDEV": _deviation,
    "VARIANCE": _variance,
    "MEDIAN": _median,
}
