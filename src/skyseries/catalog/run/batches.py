"""Batches of rows and light curves for training loops, streamed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arrow import is_nested, to_numpy
from skyseries.catalog.plan.node import Node
from skyseries.catalog.plan.rows import gather
from skyseries.catalog.run.parts import fixed_units
from skyseries.catalog.run.run import in_order
from skyseries.config import tuning
from skyseries.errors import SchemaError
from skyseries.lazy import pc
from skyseries.nested import Nested

__all__ = ["as_arrays", "batches"]

Batch = dict[str, NDArray[Any]]

BUFFER_UNITS = 4
"""So many units, from anywhere on the sky, are mixed with each other."""


def batches(node: Node, size: int, shuffle: bool, seed: int, epochs: int) -> Iterator[pa.Table]:
    """Yield all rows in batches; the last one of each epoch may be smaller.

    Parameters
    ----------
    node : Node
    size : int
        Rows of a batch.
    shuffle : bool
        Take units in random order, `BUFFER_UNITS` of them at a time, their rows mixed; else
        along the sky.
    seed : int
    epochs : int
        How often all rows are gone through; each time in another order.
    """
    units = fixed_units(node, tuning().shuffled_unit_rows if shuffle else None)
    for epoch in range(epochs):
        rng = np.random.default_rng([seed, epoch]) if shuffle else None
        chosen = units if rng is None else [units[i] for i in rng.permutation(len(units))]
        tables = in_order(node, chosen)
        blocks = tables if rng is None else _mixed(tables, rng)
        yield from _cut(blocks, size)


def as_arrays(table: pa.Table) -> Batch:
    """Return the columns as NumPy arrays.

    A light curve ``lc`` becomes ``lc.offsets`` (one more than there are rows) and an array of
    the values of all epochs for each field, ``lc.mjd``: those of row i are from ``offsets[i]`` to
    ``offsets[i + 1]``.

    Raises
    ------
    SchemaError
        If whole numbers or truth values are null: NumPy has no value for that.
    """
    arrays: Batch = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        if not is_nested(field.type):
            arrays[field.name] = _array(field.name, column.combine_chunks())
            continue
        nested = Nested.from_arrow(column)
        arrays[f"{field.name}.offsets"] = nested.offsets - nested.offsets[0]
        for name in nested.names:
            path = f"{field.name}.{name}"
            arrays[path] = _array(path, nested.values(name))
    return arrays


def _mixed(tables: Iterator[pa.Table], rng: np.random.Generator) -> Iterator[pa.Table]:
    """Yield tables of several units each, their rows in random order."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if len(held) == BUFFER_UNITS:
            yield _permuted(held, rng)
            held = []
    if held:
        yield _permuted(held, rng)


def _permuted(tables: Sequence[pa.Table], rng: np.random.Generator) -> pa.Table:
    table = pa.concat_tables(tables)
    return gather(table, rng.permutation(table.num_rows))


def _cut(tables: Iterator[pa.Table], size: int) -> Iterator[pa.Table]:
    """Yield tables of equal size."""
    rest: pa.Table | None = None
    for table in tables:
        if rest is not None and rest.num_rows:
            missing = size - rest.num_rows
            first = pa.concat_tables([rest, table.slice(0, missing)])
            if first.num_rows < size:
                rest = first
                continue
            yield first.combine_chunks()
            table = table.slice(missing)
        whole = table.num_rows // size * size
        for start in range(0, whole, size):
            yield table.slice(start, size)
        rest = table.slice(whole)
    if rest is not None and rest.num_rows:
        yield rest.combine_chunks()


def _array(name: str, values: pa.Array) -> NDArray[Any]:
    kind = values.type
    if pa.types.is_dictionary(kind):
        values, kind = values.dictionary_decode(), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        coded = pc.dictionary_encode(values.fill_null("") if values.null_count else values)
        names: NDArray[Any] = np.array(coded.dictionary.to_pylist() or [""], dtype=str)
        texts: NDArray[Any] = names[to_numpy(coded.indices)]
        return texts
    if values.null_count and (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        raise SchemaError(
            f"{name} is null in some rows, which NumPy's {kind} cannot be: leave it out, "
            "assign(COALESCE(...)), or take format='arrow'"
        )
    return to_numpy(values)
