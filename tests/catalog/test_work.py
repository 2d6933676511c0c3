"""Units of a scan: every row group once, in the order of the sky, of about equal work."""

from __future__ import annotations

import itertools
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.catalog import work
from skyseries.catalog.work import work_units
from skyseries.executors import Executor
from tests.pipelines.survey import cells, leaf_file, primary, same


def row_groups(survey):
    """Return (cell, row group, epochs or rows) of all leaves, in order."""
    found = []
    for cell in cells(primary(survey.path)):
        footer = pq.read_metadata(leaf_file(primary(survey.path), cell))
        for g in range(footer.num_row_groups):
            group = footer.row_group(g)
            values = max(group.column(c).num_values for c in range(group.num_columns))
            found.append((cell, g, values))
    return found


@pytest.fixture
def target(request, monkeypatch):
    """Set how large a unit may be."""
    monkeypatch.setattr(work, "_LARGEST", request.param)


@pytest.mark.parametrize("target", [1, 10, 100, 300, 10**9], indirect=True)
def test_every_row_group_once_and_in_order(survey, catalog, target):
    wanted = row_groups(survey)
    units = work_units(catalog.dataset)
    found = [
        (tuple(part.cell), g) for unit in units for part in unit.parts for g in part.row_groups
    ]
    assert found == [(cell, g) for cell, g, _ in wanted]
    assert sum(unit.weight for unit in units) == sum(size for *_, size in wanted)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_each_worker_has_some_units(survey, catalog, monkeypatch, workers):
    monkeypatch.setattr(work, "_SMALLEST", 1)
    units = work_units(catalog.dataset, workers=workers)
    assert workers <= len(units) <= len(row_groups(survey))
    found = [g for unit in units for part in unit.parts for g in part.row_groups]
    assert len(found) == len(row_groups(survey))


@pytest.mark.parametrize("target", [50, 100, 300], indirect=True)
def test_units_are_balanced(survey, catalog, target):
    largest = max(size for *_, size in row_groups(survey))
    weights = [unit.weight for unit in work_units(catalog.dataset)]
    mean = sum(weights) / len(weights)
    assert max(weights) <= mean + 2 * largest
    assert len(weights) > 1


@pytest.mark.parametrize("target", [10], indirect=True)
def test_only_kept_partitions(survey, catalog, target):
    keep = np.arange(len(catalog.partitions)) % 3 == 1
    units = work_units(catalog.dataset, keep)
    found = [part.cell for unit in units for part in unit.parts]
    wanted = [cell for cell, kept in zip(catalog.partitions, keep, strict=True) if kept]
    assert [cell for cell, _ in itertools.groupby(found)] == wanted
    assert work_units(catalog.dataset, np.zeros_like(keep)) == []


@pytest.mark.parametrize("change", ["gone", "incomplete"])
def test_without_statistics_a_unit_is_a_partition(survey, tmp_path, change):
    root = shutil.copytree(primary(survey.path), tmp_path / "c")
    file = root / "per_partition_statistics.parquet"
    if change == "gone":
        file.unlink()
    else:
        table = pq.read_table(file)
        first = table["Npix"][0].as_py()
        pq.write_table(table.filter(np.asarray(table["Npix"]) != first), file)
    catalog = sky.open_catalog(root)
    units = work_units(catalog.dataset)
    assert [unit.parts[0].cell for unit in units] == list(catalog.partitions)
    assert same(catalog.to_arrow().to_pylist(), survey.rows)


def test_what_waits_for_its_turn_is_bounded(catalog, monkeypatch):
    """Results are handed on in the order of the sky, so tasks have to start in that order."""
    seen = []

    class Spy(Executor):
        name, workers = "spy", 1

        def run(self, tasks, *, listeners=(), retries=0):
            seen.extend(task.weight for task in tasks)
            order = sorted(range(len(tasks)), key=lambda i: (-tasks[i].weight, i))
            return ((i, tasks[i].function(*tasks[i].args)) for i in order)

        def cancel(self):
            pass

    with sky.executor(Spy()):
        next(catalog.iter_tables())
    assert seen
    assert seen == sorted(seen, reverse=True)
