"""Catalogs that others wrote are valid here too; what is wrong in them is still a fault."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from tests.interop.foreign import (
    Foreign,
    lsdb_collection_with_margin,
    lsdb_npix_directories,
    lsdb_plain,
    no_healpix_column,
    order_13_index,
)

pytestmark = pytest.mark.interop


def test_foreign_catalogs_are_valid(foreign: Foreign) -> None:
    report = sky.validate_catalog(foreign.path)
    assert report.ok, report.text()
    assert report.checked["rows"] >= len(foreign.expected)


def _leaves(path: Path) -> list[Path]:
    found = (p for p in path.rglob("Npix=*") if p.is_file())
    return sorted(found, key=lambda p: -pq.read_metadata(p).num_rows)


def _kinds(path: Path) -> set[str]:
    return {fault.kind for fault in sky.validate_catalog(path).faults}


@pytest.mark.parametrize(
    "builder", [lsdb_plain, order_13_index, no_healpix_column, lsdb_npix_directories]
)
def test_rows_in_the_wrong_partition(builder, tmp_path: Path) -> None:
    made = builder(tmp_path)
    a, b = _leaves(made.path)[:2]
    first, second = pq.read_table(a, partitioning=None), pq.read_table(b, partitioning=None)
    pq.write_table(pa.concat_tables([first.slice(1), second.slice(0, 1)]), a)
    pq.write_table(pa.concat_tables([second.slice(1), first.slice(0, 1)]), b)
    assert _kinds(made.path) - {"statistics-rows"} == {"wrong-partition"}


@pytest.mark.parametrize("builder", [lsdb_plain, order_13_index])
def test_wrong_cells(builder, tmp_path: Path) -> None:
    made = builder(tmp_path)
    leaf = _leaves(made.path)[0]
    table = pq.read_table(leaf, partitioning=None)
    name = next(n for n in table.column_names if "healpix" in n)
    values = table[name].to_numpy().copy()
    values[3] += 1
    place = table.column_names.index(name)
    pq.write_table(table.set_column(place, name, pa.array(values)), leaf)
    assert _kinds(made.path) - {"statistics-rows"} == {"wrong-healpix"}


@pytest.mark.parametrize("change", ["missing", "changed"])
def test_margin_rows(change, tmp_path: Path) -> None:
    made = lsdb_collection_with_margin(tmp_path)
    margin = next(made.path.glob("*arcs"))
    for leaf in _leaves(margin):
        table = pq.read_table(leaf, partitioning=None)
        keep = np.ones(len(table), bool)
        keep[0] = False
        if change == "missing":
            pq.write_table(table.filter(pa.array(keep)), leaf)
        else:
            mag = table["mag"].to_numpy().copy()
            mag[0] += 1
            place = table.column_names.index("mag")
            pq.write_table(table.set_column(place, "mag", pa.array(mag)), leaf)
    assert f"margin-row-{change}" in _kinds(made.path)
