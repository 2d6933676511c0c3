"""Groups that do not fit into memory: a database merges their partial results, from files."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

import pyarrow as pa

from skyseries import adql
from skyseries.catalog.plan.rows import gather
from skyseries.catalog.run.sorting import order_of
from skyseries.query.database import Database
from skyseries.query.text import in_order

__all__ = ["finished_groups", "parts_in_memory"]


def parts_in_memory(parts: Iterable[pa.Table], by: adql.GroupBy, most: int) -> Iterator[pa.Table]:
    """Yield the one partial result of several; or many, if it grows too large.

    Parameters
    ----------
    parts : iterable of Table
    by : GroupBy
    most : int
        Bytes.
    """
    held: list[pa.Table] = []
    parts = iter(parts)
    for part in parts:
        held.append(part)
        if sum(one.nbytes for one in held) > most:
            held = [by.merge(held)]
            if held[0].nbytes > most // 2:  # else it would be merged over and over
                yield from itertools.chain(held, parts)
                return
    yield by.merge(held)


def finished_groups(
    by: adql.GroupBy,
    parts: Iterator[pa.Table],
    keep: Callable[[pa.Table], pa.Table],
    order: Sequence[tuple[str, bool]],
) -> Iterator[pa.Table]:
    """Yield the groups of one partial result, or of many that are merged with bounded memory.

    Parameters
    ----------
    by : GroupBy
    parts : iterator of Table
        One at least.
    keep : callable
        Returns the columns and rows of groups that are wanted.
    order : sequence of (str, bool)
        Columns that they are sorted by, and whether they ascend; none: by the keys.
    """
    first = next(parts)
    second = next(parts, None)
    if second is None:
        yield _in_order(keep(by.finish(first)), order)
        return
    with Database() as database:
        schema = by.merge([]).schema
        database.load("p", schema, itertools.chain([first, second], parts))
        groups = database.stream(by.final_sql(f"({by.merging_sql('p')})"))
        made = (keep(by.calculated(table)) for table in groups)
        if not order:
            yield from made
            return
        one = next(made)
        database.load("r", one.schema, itertools.chain([one], made))
        scope = adql.Scope.from_schema(one.schema).sources[0].columns
        terms = [(f'"{name}"', scope[(name,)], not up) for name, up in order]
        for table in database.stream(f"SELECT * FROM r ORDER BY {in_order(terms)}"):  # noqa: S608
            yield table.cast(one.schema)


def _in_order(table: pa.Table, order: Sequence[tuple[str, bool]]) -> pa.Table:
    if not order:
        return table
    keys = [table.column(name).combine_chunks() for name, _ in order]
    return gather(table, order_of(keys, [up for _, up in order]))
