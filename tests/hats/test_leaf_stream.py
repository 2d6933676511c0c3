"""One leaf from tables of any size: the same rows, row groups of the right size, right sums."""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.config import tuned
from skyseries.errors import InputError
from skyseries.hats.build.leaf_writer import write_leaf
from skyseries.hats.layout import leaf_path
from skyseries.hats.leaf import HPX_COLUMN, row_epochs
from skyseries.hats.partitions import Cell
from tests.examples import examples
from tests.hats.results import FIELDS, curves, pieces, sky

CELL = Cell(0, 4)
"""Base cell 4 is around RA 0 on the equator."""


@lru_cache
def rows(n=200, nested=False):
    table = sky(2000)
    start, stop = CELL.range()
    hpx = table[HPX_COLUMN].to_numpy()
    table = table.filter(pa.array((hpx >= start) & (hpx < stop))).slice(0, n)
    return curves(table) if nested else table


def files(folder):
    return [p for p in folder.rglob("*") if p.is_file()]


@given(st.lists(st.integers(0, 90), max_size=12), st.booleans(), st.integers(3, 60))
@examples(0.8)
def test_any_pieces_give_the_same_leaf(tmp_path_factory, sizes, nested, group):
    folder = tmp_path_factory.mktemp("leaf")
    whole = rows(nested=nested)
    ends = np.minimum(np.cumsum([0, *sizes]), whole.num_rows).tolist()
    parts = [whole.slice(a, b - a) for a, b in itertools.pairwise(ends)]
    whole = whole.slice(0, ends[-1])
    lightcurves = {"lc": FIELDS} if nested else None
    with tuned(group_rows=group, group_epochs=group):
        facts = write_leaf(folder, CELL, whole.schema, parts, lightcurves)
    path = folder / leaf_path(CELL)
    assert facts.rows == whole.num_rows
    if not facts.rows:
        assert (facts.cell, facts.statistics, facts.first) == (CELL, None, None)
        assert files(folder) == []
        return
    assert pq.read_table(path, partitioning=None).equals(whole)
    assert files(folder) == [path]
    assert facts.nbytes == path.stat().st_size
    assert facts.first.equals(whole.slice(0, 1))
    assert facts.counts.sum() == whole.num_rows
    footer = pq.read_metadata(path)
    held = [footer.row_group(g).num_rows for g in range(footer.num_row_groups)]
    assert facts.statistics["row_group_index"].to_pylist() == list(range(len(held)))
    load = np.ones(whole.num_rows) if not nested else 1 + row_epochs_or_0(whole)
    work = np.add.reduceat(load, np.cumsum([0, *held[:-1]])) / group
    assert work.max() <= 1 + load.max() / group  # a row is never divided
    if len(held) > 1:
        assert work.min() >= 0.5 - load.max() / group


def row_epochs_or_0(table):
    found = row_epochs(table)
    return np.zeros(table.num_rows) if found is None else found


def test_light_curves_are_counted(tmp_path):
    table = rows(nested=True)
    facts = write_leaf(tmp_path, CELL, table.schema, pieces(table, 13), {"lc": FIELDS})
    lists = [row["mjd"] for row in table["lc"].to_pylist()]
    times = [t for one in lists for t in one]
    found = facts.curves["lc"]
    assert (found.epochs, found.longest) == (len(times), max(map(len, lists)))
    assert found.time_range == (min(times), max(times))
    assert found.bands == ("u", "g", "r")


def test_light_curves_that_are_null_or_hidden(tmp_path):
    table = rows(4, nested=True)
    lc = table["lc"].combine_chunks()
    masked = pa.StructArray.from_arrays(
        [lc.field(i) for i in range(lc.type.num_fields)],
        fields=list(lc.type),
        mask=pa.array([False, True, False, True]),
    )
    nan = pa.array([{"mjd": [np.nan], "mag": [1], "err": [1], "band": [None]}] * 4, lc.type)
    for column, expected in (
        (masked, [len(r["mjd"]) for i, r in enumerate(lc.to_pylist()) if i in (0, 2)]),
        (nan, [1] * 4),
    ):
        part = table.set_column(table.num_columns - 1, "lc", column)
        found = write_leaf(tmp_path, CELL, part.schema, [part], {"lc": FIELDS}).curves["lc"]
        assert (found.epochs, found.longest) == (sum(expected), max(expected))
    assert found.time_range is None
    assert found.bands == ()


def test_long_plain_lists_count_as_epochs():
    table = pa.table({"short": [[1, 2, 3]] * 2, "long": [None, [1.0] * 400], "x": [1, 2]})
    assert row_epochs(table).tolist() == [0, 100]
    assert row_epochs(table.select(["short", "x"])) is None


def tables_of(kind):
    table = rows(20)
    hpx = table[HPX_COLUMN].to_pylist()
    if kind == "falls within":
        return [table.take([0, 2, 1, 3])]
    if kind == "falls between":
        return [table.slice(5, 5), table.slice(0, 5)]
    if kind == "before":
        return [table.set_column(0, HPX_COLUMN, pa.array([CELL.range()[0] - 1, *hpx[1:]]))]
    if kind == "after":
        return [table, table.slice(0, 1).set_column(0, HPX_COLUMN, pa.array([CELL.range()[1]]))]
    if kind == "null":
        return [table, table.slice(0, 1).set_column(0, HPX_COLUMN, pa.array([None], pa.int64()))]
    if kind == "column":
        return [table.drop_columns(["ra"])]
    ids = pa.array([f"{i}x" for i in range(20)])
    return [table.set_column(1, "id", ids)]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("falls within", "not sorted"), ("falls between", "not sorted"), ("before", "outside"),
        ("after", "outside"), ("null", "null in 1 rows"), ("column", "fit the schema"),
        ("type", "fit the schema"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_in_the_leaf(tmp_path, kind, said):
    schema = rows(1).schema
    with tuned(group_rows=3), pytest.raises(InputError, match=said):
        write_leaf(tmp_path, CELL, schema, tables_of(kind))
    assert files(tmp_path) == []


def test_a_schema_without_the_spatial_index(tmp_path):
    table = rows(3).drop_columns([HPX_COLUMN])
    with pytest.raises(InputError, match=HPX_COLUMN):
        write_leaf(tmp_path, CELL, table.schema, [table])


def test_a_stream_that_fails_leaves_nothing(tmp_path):
    def stream():
        yield from pieces(rows(), 10)
        raise RuntimeError("stop")

    with tuned(group_rows=20), pytest.raises(RuntimeError, match="stop"):
        write_leaf(tmp_path, CELL, rows(1).schema, stream())
    assert files(tmp_path) == []


def test_wider_columns_are_cast_and_more_are_left_out(tmp_path):
    table = rows(9)
    wide = table.set_column(1, "id", table["id"].cast(pa.uint64())).append_column("x", table["ra"])
    write_leaf(tmp_path, CELL, table.schema, [wide.select(reversed(wide.column_names))])
    assert pq.read_table(tmp_path / leaf_path(CELL), partitioning=None).equals(table)
