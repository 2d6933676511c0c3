"""Ids that a double cannot hold, from every format to the light curve of the object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

import skyseries as sky
from skyseries.pipelines.import_ import ids
from tests.pipelines.survey import expected_rows, primary, read_rows, same, small_parts, write_parts


def run(where: Path, objects: Any, lightcurves: Any, **options: Any) -> None:
    if isinstance(lightcurves, pa.Table):
        lightcurves = write_parts(where / "s", lightcurves)
    with small_parts():
        sky.import_catalog(
            objects, where / "c", id="id", lightcurves=lightcurves, executor="serial",
            progress=False, **options,
        )  # fmt: skip


BIG = [2**53 + 1, 2**53 + 3, 2**63 - 1, -(2**63), -(2**53) - 1]


@pytest.mark.parametrize("format", ["parquet", "csv", "ecsv", "fits", "vot"])
def test_big_ids_in_all_formats(tmp_path, format):
    n = len(BIG)
    columns = {"id": np.array(BIG), "ra": np.arange(n) * 9.5, "dec": np.arange(n) * 1.5}
    epochs = {"id": np.repeat(columns["id"], 2), "mjd": np.arange(2 * n) + 0.5,
              "flux": np.arange(2 * n) / 4}  # fmt: skip
    for name, table in (("o", columns), ("s", epochs)):
        path = tmp_path / f"{name}.{format}"
        if format in ("parquet", "csv"):
            (pq.write_table if format == "parquet" else pa.csv.write_csv)(pa.table(table), path)
        else:
            options = {"format": "votable"} if format == "vot" else {}
            Table(table).write(path, **options)
    run(tmp_path, tmp_path / f"o.{format}", lightcurves=tmp_path / f"s.{format}", max_rows=2)
    wanted = expected_rows(pa.table(columns), pa.table(epochs))
    assert same(read_rows(primary(tmp_path / "c")), wanted)
    catalog = sky.open_catalog(tmp_path / "c")
    for i, big in enumerate(BIG):
        assert catalog.lightcurve(big).time.tolist() == [2 * i + 0.5, 2 * i + 1.5]


@pytest.mark.parametrize("format", ["parquet", "csv", "fits"])
def test_ids_beyond_signed_words(tmp_path, format):
    ids = np.array([2**63, 2**64 - 1, 5, 2**63 + 1], np.uint64)
    columns = {"id": ids, "ra": np.arange(4) * 9.0, "dec": np.arange(4) * 1.0}
    path = tmp_path / f"o.{format}"
    if format == "fits":
        Table(columns).write(path)
    else:
        (pq.write_table if format == "parquet" else pa.csv.write_csv)(pa.table(columns), path)
    sources = pa.table({"id": ids, "mjd": [1.0, 2.0, 3.0, 4.0], "flux": [1.0] * 4})
    run(tmp_path, path, lightcurves=sources)
    catalog = sky.open_catalog(tmp_path / "c")
    assert catalog.schema.field("id").type == pa.uint64()
    for i, id_ in enumerate(ids.tolist()):
        assert catalog.lightcurve(id_).time.tolist() == [i + 1.0]
    assert sorted(catalog.to_arrow()["id"].to_pylist()) == sorted(ids.tolist())


def test_machine_code_for_ids_is_kept(tmp_path):
    """For a memory map as such Numba would be imported, and compile in each process."""
    table = ids.IdTable.create(tmp_path, 3)
    key = np.array([5, 1, 2**64 - 1], np.uint64)
    assert table.insert(key, key, 0).size == 0
    assert table.find(key, key).tolist() == [0, 1, 2]
    assert ids.IdTable(tmp_path).find(key[::-1].copy(), key[::-1].copy()).tolist() == [2, 1, 0]
    assert ids._insert.is_native
    assert ids._find.is_native
