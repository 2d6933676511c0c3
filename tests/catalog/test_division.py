"""Units: all of the sky that has rows once, in order, of about equal work, cut at good places."""

from __future__ import annotations

import itertools
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import skyseries as sky
from skyseries.catalog.plan.node import SKY_CELLS, Hints, Pieces
from skyseries.catalog.run.units import divide
from tests.pipelines.survey import cells, leaf_file, primary, same


def row_groups(survey):
    """Return the epochs or rows of each row group of all leaves, in order."""
    found = []
    for cell in cells(primary(survey.path)):
        footer = pq.read_metadata(leaf_file(primary(survey.path), cell))
        for g in range(footer.num_row_groups):
            group = footer.row_group(g)
            found.append(max(group.column(c).num_values for c in range(group.num_columns)))
    return found


@pytest.mark.parametrize("largest", [1, 10, 100, 300, 10**9])
def test_every_row_once_and_in_order(survey, catalog, largest):
    pieces = catalog._node.pieces(Hints())
    assert pieces[0].weight.tolist() == row_groups(survey)
    units = divide(pieces, largest=largest)
    rows = [row for unit in units for row in catalog._node.read(unit).to_pylist()]
    assert same(rows, survey.rows)
    assert sum(unit.weight for unit in units) == sum(row_groups(survey))


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_each_worker_has_some_units(catalog, survey, tune, workers):
    tune(least_unit_rows=1)
    units = divide(catalog._node.pieces(Hints()), workers)
    assert workers <= len(units) <= len(row_groups(survey))


@pytest.mark.parametrize("largest", [50, 100, 300])
def test_units_are_balanced(survey, catalog, largest):
    biggest = max(row_groups(survey))
    weights = [unit.weight for unit in divide(catalog._node.pieces(Hints()), largest=largest)]
    mean = sum(weights) / len(weights)
    assert max(weights) <= mean + 2 * biggest
    assert len(weights) > 1


@pytest.mark.parametrize("change", ["gone", "incomplete"])
def test_without_statistics_a_piece_is_a_partition(survey, tmp_path, change):
    root = shutil.copytree(primary(survey.path), tmp_path / "c")
    file = root / "per_partition_statistics.parquet"
    if change == "gone":
        file.unlink()
    else:
        table = pq.read_table(file)
        first = table["Npix"][0].as_py()
        pq.write_table(table.filter(np.asarray(table["Npix"]) != first), file)
    catalog = sky.open_catalog(root)
    (pieces,) = catalog._node.pieces(Hints())
    start, stop = catalog.partitions.ranges()
    assert (pieces.start.tolist(), pieces.stop.tolist()) == (start.tolist(), stop.tolist())
    assert same(catalog.to_arrow().to_pylist(), survey.rows)


@st.composite
def sides(draw):
    """Return pieces of some catalogs: ranges that do not overlap, of any sizes."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        edges = draw(st.lists(st.integers(0, 400), unique=True, max_size=30))
        edges = np.sort(np.array(edges, np.int64)) * (SKY_CELLS // 400)
        keep = np.array(draw(st.lists(st.booleans(), min_size=40, max_size=40)))
        keep = keep[: max(len(edges) - 1, 0)]
        weight = np.array(draw(st.lists(st.floats(0, 1e6), min_size=40, max_size=40)))
        found.append(Pieces(edges[:-1][keep], edges[1:][keep], weight[: int(keep.sum())]))
    return found


@given(sides(), st.integers(1, 8), st.floats(1, 1e7))
def test_units_cover_the_first_side(pieces, workers, largest):
    units = divide(pieces, workers, largest)
    for a, b in itertools.pairwise(units):
        assert a.stop <= b.start
    covered = [(unit.start, unit.stop) for unit in units]
    for start, stop in zip(pieces[0].start, pieces[0].stop, strict=True):
        inside = sum(max(min(stop, b) - max(start, a), 0) for a, b in covered)
        assert inside == stop - start


@given(sides(), st.integers(1, 8))
def test_little_is_decoded_twice(pieces, workers):
    units = divide(pieces, workers, 1e5)
    total = sum(side.weight.sum() for side in pieces)
    for unit in units[1:]:
        cut_through = sum(
            side.weight[(side.start < unit.start) & (unit.start < side.stop)].sum()
            for side in pieces
        )
        assert cut_through <= 0.1 * total
