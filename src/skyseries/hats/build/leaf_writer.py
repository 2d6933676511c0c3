"""Tables of any size, in the order of the sky, written as one leaf."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from skyseries.errors import InputError
from skyseries.hats.build.facts import LeafFacts, LeafTally
from skyseries.hats.layout import leaf_path
from skyseries.hats.leaf import HPX_COLUMN, LeafWriter, group_load, row_epochs, row_group_bounds
from skyseries.hats.partitions import Cell
from skyseries.schema import LightCurveFields, as_schema

__all__ = ["write_leaf"]

_MOST_CHUNKS = 16
"""A row group of more chunks is copied together: writing each costs more."""


def write_leaf(
    root: Path,
    cell: Cell,
    schema: pa.Schema,
    tables: Iterable[pa.Table],
    lightcurves: Mapping[str, LightCurveFields] | None = None,
) -> LeafFacts:
    """Write the leaf of one partition, for a worker.

    No more is held than the rows of some row groups and the table that came last.

    Parameters
    ----------
    root : Path
        The catalog folder; the leaf gets its name below it when it is whole.
    cell : Cell
    schema : pyarrow.Schema
        That of the catalog; holds ``_healpix_29``.
    tables : iterable of pyarrow.Table
        Consecutive rows, sorted by ``_healpix_29``. They may have more columns than the schema,
        and types that can be cast without loss.
    lightcurves : mapping from str to LightCurveFields, optional
        The nested columns whose epochs, times and bands are to be counted.

    Returns
    -------
    facts : LeafFacts
        If there were no rows there is no file.

    Raises
    ------
    InputError
        If rows are not sorted, lie outside the cell, or do not fit the schema.
    """
    if HPX_COLUMN not in schema.names or schema.field(HPX_COLUMN).type != pa.int64():
        raise InputError(f"a catalog needs the column {HPX_COLUMN} (int64); it has {schema.names}")
    groups = _row_groups(_checked(tables, cell, schema))
    head = next(groups, None)
    if head is None:
        return LeafFacts(cell)
    tally = LeafTally(cell, lightcurves or {})
    path = root / leaf_path(cell)
    with LeafWriter(path, schema) as writer:
        for group in itertools.chain([head], groups):
            writer.write(group, [0, group.num_rows])
            tally.add(group)
    return tally.finish(writer.metadata, schema, path.stat().st_size)


def _checked(tables: Iterable[pa.Table], cell: Cell, schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the tables in the schema, or raise if rows are not sorted or not in the cell."""
    start, stop = cell.range()
    before = start
    for given in tables:
        if not given.num_rows:
            continue
        table = _conform(given, schema)
        column = table.column(HPX_COLUMN)
        if column.null_count:
            raise InputError(f"{HPX_COLUMN} is null in {column.null_count:,} rows of {cell}")
        hpx = column.to_numpy()
        if hpx[0] < before or (hpx[1:] < hpx[:-1]).any():
            if hpx.min() >= start:
                raise InputError(f"the rows of {cell} are not sorted by {HPX_COLUMN}")
            raise InputError(f"{cell} has a row at {HPX_COLUMN}={hpx.min()}, outside of it")
        if hpx[-1] >= stop:
            raise InputError(f"{cell} has a row at {HPX_COLUMN}={hpx[-1]}, outside of it")
        before = int(hpx[-1])
        yield table


def _conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    if table.schema.equals(schema):
        return table
    try:
        return as_schema(table, schema)
    except (KeyError, pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise InputError(f"a table does not fit the schema of the catalog: {error}") from error


def _row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Join and divide tables into row groups, of which none but a leaf's only one is small."""
    held: list[pa.Table] = []
    load = 0.0
    for table in tables:
        held.append(table)
        load += group_load(table.num_rows, row_epochs(table))
        if load >= 2:
            whole = pa.concat_tables(held)
            bounds = row_group_bounds(whole.num_rows, row_epochs(whole))
            yield from _divided(whole, bounds[:-1])
            rest = whole.slice(bounds[-2])
            held, load = [rest], group_load(rest.num_rows, row_epochs(rest))
    if held:
        whole = pa.concat_tables(held)
        yield from _divided(whole, row_group_bounds(whole.num_rows, row_epochs(whole)))


def _divided(table: pa.Table, bounds: list[int]) -> Iterator[pa.Table]:
    for start, stop in itertools.pairwise(bounds):
        part = table.slice(start, stop - start)
        chunked = part.column(0).num_chunks > _MOST_CHUNKS
        yield part.combine_chunks() if chunked else part
