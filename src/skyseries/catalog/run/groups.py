"""Aggregates of the rows, or the epochs, of a catalog: by groups, or of all together."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pyarrow as pa

from skyseries import adql
from skyseries.adql.border import row_count
from skyseries.adql.expressions import Convert
from skyseries.arrow import is_nested
from skyseries.catalog.plan.epochs import flat_columns, nested_of
from skyseries.catalog.plan.node import Hints, Node, Unit
from skyseries.catalog.run.inputs import input_columns, masked_columns
from skyseries.catalog.run.moments import extremes, sums
from skyseries.catalog.run.parts import merged, parts_within
from skyseries.lazy import pc

__all__ = ["PlainGroupBy", "epoch_schema", "group_parts", "grouped"]

_SIMPLE = frozenset(["AVG", "COUNT", "MAX", "MIN", "SUM"])
_OF_FLOATS = frozenset(["AVG", "MAX", "MIN", "STDDEV", "SUM", "VARIANCE"])
_OF_INTS = frozenset(["MAX", "MIN"])


def grouped(node: Node, by: PlainGroupBy, over: str | None = None) -> pa.Table:
    """Return a row for each group, in the order of the keys.

    Parameters
    ----------
    node : Node
    by : PlainGroupBy
    over : str, optional
        The light-curve column whose epochs are grouped, in place of the rows.
    """
    function = partial(_rows_part, by) if over is None else partial(_epochs_part, by, over)
    return by.finish(merged(node, function, by.merge))


def group_parts(node: Node, by: PlainGroupBy, most: int) -> Iterator[pa.Table]:
    """Yield the partial result of all rows; or many that are not merged, if it grows too large.

    Parameters
    ----------
    node : Node
    by : PlainGroupBy
    most : int
        Bytes.
    """
    return parts_within(node, partial(_rows_part, by), by.merge, lambda part: part.nbytes, most)


def epoch_schema(schema: pa.Schema, column: str) -> pa.Schema:
    """Return the columns that an epoch of a light curve has; its fields stay in their struct."""
    fields = []
    for field in schema:
        if field.name == column:
            inner = [c.with_type(c.type.value_type) for c in field.type]
            fields.append(field.with_type(pa.struct(inner)))
        elif not is_nested(field.type):
            fields.append(field)
    return pa.schema(fields)


def _rows_part(by: PlainGroupBy, node: Node, unit: Unit) -> pa.Table:
    paths = sorted(".".join(path) for path in by.columns)
    if by.is_simple:
        return by.simple_partial(*masked_columns(node, unit, paths))
    table, n = input_columns(node, unit, paths)
    return by.partial(table if paths else {}, n)


def _epochs_part(by: PlainGroupBy, over: str, node: Node, unit: Unit) -> pa.Table:
    rows = node.rows(unit.area, Hints())
    fields = sorted(path[1] for path in by.columns if path[0] == over)
    fields = fields or [node.schema.field(over).type.field(0).name]
    objects = sorted(".".join(path) for path in by.columns if path[0] != over)
    nested = nested_of(rows, over, fields)
    table = rows.fetch(objects) if objects else pa.table({})
    return by.partial(flat_columns(nested, over, fields, table), nested.n_epochs)


class PlainGroupBy(adql.GroupBy):
    """A `GroupBy` that does not need DuckDB for simple aggregates of all rows together.

    DuckDB takes some ten times as long as Arrow for a sum over one column.
    """

    @property
    def is_simple(self) -> bool:
        """Whether there are only counts, sums and extremes of columns of floating-point numbers."""
        aggregates = list(self._aggregates)
        return bool(
            not self._keys
            and any(a.argument is not None for a in aggregates)
            and all(a.argument is None or _simple_column(a) for a in aggregates)
        )

    def simple_partial(self, table: pa.Table, mask: pa.BooleanArray | None) -> pa.Table:
        """Return the partial result of the rows that a mask keeps, in one pass over them."""
        rows = table.num_rows if mask is None else mask.true_count
        state: dict[str, pa.Array] = {}
        known: dict[str, tuple[int, float]] = {}
        for i, aggregate in enumerate(self._aggregates):
            source = _simple_column(aggregate)
            if source is None:
                state[f"s{i}a"] = pa.array([rows], pa.int64())
                continue
            name = ".".join(source.path)
            column = table.column(name)
            if aggregate.name in ("MIN", "MAX"):
                found = extremes(column, mask)[aggregate.name == "MAX"]
                state[f"s{i}a"] = pa.array([found], aggregate.arrow_type)
                continue
            count, total = known[name] = known.get(name) or sums(column, mask)
            if aggregate.name != "COUNT":
                state[f"s{i}a"] = pa.array([total if count else None], pa.float64())
            if aggregate.name != "SUM":
                state[f"s{i}{'a' if aggregate.name == 'COUNT' else 'b'}"] = pa.array([count])
        return pa.table(state)

    def partial(self, table: Any, length: int | None = None) -> pa.Table:
        """Return the partial result of some rows; see `GroupBy.partial`."""
        aggregates = self._aggregates
        if self._keys or not aggregates or not all(map(_is_plain, aggregates)):
            return super().partial(table, length)
        rows = row_count(table) if length is None else length
        values = [_without_nan(array) for array in adql.Values(self._inputs)(table, rows)]
        state: dict[str, pa.Array] = {}
        for i, aggregate in enumerate(aggregates):
            if aggregate.argument is None:
                state[f"s{i}a"] = pa.array([rows], pa.int64())
                continue
            found = _state(aggregate.name, values[self._inputs.index(aggregate.argument)])
            for letter, scalar in zip("abc", found, strict=False):
                state[f"s{i}{letter}"] = pa.array([scalar.as_py()], scalar.type)
        return pa.table(state)


def _simple_column(aggregate: adql.Aggregate) -> adql.Column | None:
    """Return the column of floating-point numbers that is aggregated; None: something else."""
    argument = aggregate.argument
    if aggregate.distinct or argument is None or aggregate.name not in _SIMPLE:
        return None
    inner = argument
    if isinstance(argument, Convert) and argument.target is adql.Type.DOUBLE:
        inner = argument.argument
    if isinstance(inner, adql.Column) and inner.arrow_type in (pa.float32(), pa.float64()):
        return inner
    return None


def _is_plain(aggregate: adql.Aggregate) -> bool:
    """Tell whether the state of an aggregate is quick to calculate in Arrow."""
    argument = aggregate.argument
    if aggregate.distinct:
        return False
    if argument is None or aggregate.name == "COUNT":
        return True
    if not argument.type.is_number:
        return False
    # sums of whole numbers may overflow, which DuckDB notices and Arrow does not
    return aggregate.name in _OF_FLOATS if argument.type.is_floating else aggregate.name in _OF_INTS


def _without_nan(array: pa.Array) -> pa.Array:
    if not pa.types.is_floating(array.type):
        return array
    if pa.types.is_float16(array.type):  # of which Arrow has no extremes
        array = array.cast(pa.float32())
    missing = pc.is_nan(array)
    return array.filter(pc.invert(missing)) if missing.true_count else array


def _state(name: str, values: pa.Array) -> list[pa.Scalar]:
    """Return what `adql.states.partial_sql` keeps."""
    count = pa.scalar(len(values) - values.null_count, pa.int64())
    match name:
        case "COUNT":
            return [count]
        case "MIN" | "MAX":
            return [pc.min_max(values)[name.lower()]]
        case "SUM":
            return [pc.sum(values).cast(pa.float64())]
        case "AVG":
            return [pc.sum(values), count]
        case _:
            spread = pc.variance(values, ddof=0).as_py()
            total = None if spread is None else spread * count.as_py()
            return [count, pc.mean(values), pa.scalar(total, pa.float64())]
