"""The order of all rows of a catalog: the first n, or all of them.

Numbers come before NaN, and NaN before null, in both directions. Equal rows are in the order of
the sky. So the result does not depend on how the catalog is divided.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.arraytypes import Ints
from skyseries.arrow import to_numpy
from skyseries.catalog.plan.node import Hints, Node, Unit
from skyseries.catalog.plan.once import computes_once
from skyseries.catalog.plan.rows import gather
from skyseries.catalog.run.inputs import lifted, values_from, values_of
from skyseries.catalog.run.parts import fixed_units, merged
from skyseries.executors import Task, run_tasks
from skyseries.lazy import pc
from skyseries.schema import as_schema

__all__ = ["order_of", "top"]

_UNIT, _ROW = "#unit", "#row"


def order_of(keys: Sequence[pa.Array], ascending: Sequence[bool]) -> Ints:
    """Return the stable order of rows."""
    names = [f"k{i}" for i in range(len(keys))]
    directions = ["ascending" if up else "descending" for up in ascending]
    table = pa.table([_plain(key) for key in keys], names)
    # NaN, then null at the end is what Arrow does by itself
    order = pc.sort_indices(table, sort_keys=list(zip(names, directions, strict=True)))
    return np.asarray(order.to_numpy()).astype(np.int64)


def top(node: Node, keys: Sequence[adql.Expr], ascending: Sequence[bool], n: int) -> pa.Table:
    """Return the first n rows in an order.

    Only the keys are read of all rows; at most n of each unit are kept. Then the columns are
    read of the n rows. A plan that computes columns once runs once: there n rows of each unit are
    kept with all columns.

    Parameters
    ----------
    node : Node
    keys : sequence of Expr
        One value for each object.
    ascending : sequence of bool
    n : int
    """
    schema = node.schema
    if n == 0:
        return schema.empty_table()
    wide, plain = lifted(node, keys)
    whole = computes_once(node)
    part = partial(_first, tuple(plain), tuple(ascending), n, tuple(schema.names) if whole else ())
    best = merged(wide, part, partial(_merge, tuple(ascending), n))
    if not best or not best.num_rows:
        return schema.empty_table()
    if whole:
        return as_schema(best.select(range(len(keys) + 2, best.num_columns)), schema)
    return _rows_at(node, best.column(_UNIT).to_numpy(), best.column(_ROW).to_numpy())


def _first(
    keys: tuple[adql.Expr, ...],
    ascending: tuple[bool, ...],
    n: int,
    columns: tuple[str, ...],
    node: Node,
    unit: Unit,
) -> pa.Table:
    """Return the keys and places of the first n rows of a unit, and some columns."""
    rows = node.rows(unit.area, Hints()) if columns else None
    values = values_of(node, unit, keys) if rows is None else values_from(rows, keys)
    arrays = [_plain(array) for array in values]
    candidates = _candidates(arrays[0], ascending[0], n)
    if candidates is not None:
        arrays = [array.take(pa.array(candidates)) for array in arrays]
    order = order_of(arrays, ascending)[:n]
    chosen = order if candidates is None else candidates[order]
    made = [array.take(pa.array(order)) for array in arrays]
    made += [pa.array(np.full(len(order), unit.start)), pa.array(chosen)]
    names = [*(f"#k{i}" for i in range(len(arrays))), _UNIT, _ROW]
    if rows is not None:
        made += node.table(rows.take(chosen)).select(list(columns)).columns
    return pa.table(made, [*names, *columns])


def _merge(ascending: tuple[bool, ...], n: int, parts: Sequence[pa.Table]) -> pa.Table | None:
    if not parts:
        return None
    table = pa.concat_tables(parts).combine_chunks()
    directions = [*ascending, True, True]
    arrays = [column.combine_chunks() for column in table.columns[: len(directions)]]
    return gather(table, order_of(arrays, directions)[:n])


def _candidates(key: pa.Array, ascending: bool, n: int) -> Ints | None:
    """Return the rows that may be among the first n by the first key; None: any."""
    if len(key) < 4 * n:
        return None
    missing = key.is_null(nan_is_null=True)
    if len(key) - missing.true_count < n:
        return None
    direction = "ascending" if ascending else "descending"
    kept = key if not missing.true_count else key.filter(pc.invert(missing))
    options = pc.SelectKOptions(n, [("k", direction)])
    last = kept[int(pc.select_k_unstable(pa.table({"k": kept}), options=options)[n - 1].as_py())]
    near = (pc.less_equal if ascending else pc.greater_equal)(key, last)
    return np.flatnonzero(to_numpy(near.fill_null(False)))


def _rows_at(node: Node, unit_starts: Ints, rows: Ints) -> pa.Table:
    """Return rows by unit and row number, in that order."""
    units = [unit for unit in fixed_units(node) if unit.start in set(unit_starts.tolist())]
    order = np.argsort(unit_starts, kind="stable")
    tasks, starts = [], [unit.start for unit in units]
    for unit in units:
        index = rows[unit_starts == unit.start]
        tasks.append(Task(_take, (node.narrow(unit.area), unit, index), unit.weight, str(unit)))
    found = dict(run_tasks("rows", tasks))
    table = pa.concat_tables([found[i] for i in range(len(units))])
    assert starts == sorted(starts)  # noqa: S101 - so the stable order above is that of the tables
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return gather(table, back)


def _take(node: Node, unit: Unit, index: Ints) -> pa.Table:
    return node.table(node.rows(unit.area, Hints()).take(index))


def _plain(array: pa.Array) -> pa.Array:
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_float16(array.type):  # Arrow neither sorts these nor says so
        return array.cast(pa.float32())
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
