"""The statistics of our catalogs serve LSDB as those that it writes itself."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dask
import lsdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky

pytestmark = pytest.mark.interop

N = 30
DAY = dt.datetime(2020, 1, 1)
DAYS = [DAY + dt.timedelta(days=i) for i in range(N)]

TABLE = pa.table(
    {
        "id": range(N),
        "ra": np.linspace(10, 40, N),
        "dec": np.linspace(-1, 9, N),
        "text": [None if i % 3 == 0 else f"s{i}" for i in range(N)],
        "no text": pa.nulls(N, pa.string()),
        "no number": pa.nulls(N, pa.float64()),
        "bool": [i % 2 == 0 for i in range(N)],
        "bytes": [bytes([65 + i]) for i in range(N)],
        "moment": pa.array(DAYS, pa.timestamp("us")),
        "fine": pa.array(DAYS, pa.timestamp("ns")),
        "zone": pa.array(DAYS, pa.timestamp("ms", "UTC")),
        "date": [day.date() for day in DAYS],
        "decimal": pa.array(range(N), pa.decimal128(12, 2)),
        "unsigned": pa.array([2**62 - i for i in range(N)], pa.uint64()),
        "float": pa.array(np.arange(N), pa.float32()),
        "list": [[1.0 * i, 2.0] if i % 4 else None for i in range(N)],
        "texts": [[f"a{i}", "b"] for i in range(N)],
        "struct": [{"x": i, "y": f"y{i}"} for i in range(N)],
        "lc": [{"mjd": [1.0 * i, i + 2.0], "band": ["g", "r"]} for i in range(N)],
    }
)


@pytest.fixture(scope="module", params=["import", "write"])
def both(request, tmp_path_factory) -> tuple[lsdb.Catalog, lsdb.Catalog]:
    """Return a catalog of ours, and the same as LSDB writes it."""
    path: Path = tmp_path_factory.mktemp("statistics")
    if request.param == "write":
        sky.from_table(TABLE).write_catalog(path / "ours", id="id")
    else:
        pq.write_table(TABLE, path / "in.parquet")
        sky.import_catalog(path / "in.parquet", path / "ours", id="id", max_rows=20, progress=False)
    with dask.config.set(scheduler="synchronous"):
        lsdb.open_catalog(path / "ours").write_catalog(path / "theirs", progress_bar=False)
    return lsdb.open_catalog(path / "ours"), lsdb.open_catalog(path / "theirs")


def whole(catalog: lsdb.Catalog) -> dict[str, dict[str, str]]:
    frame = catalog.hc_structure.aggregate_column_statistics()
    return frame.astype(str).to_dict("index")


def by_partition(catalog: lsdb.Catalog) -> dict[str, dict[str, str]]:
    frame = catalog.hc_structure.per_partition_statistics()
    kept = [name for name in frame.columns if not name.endswith("_bytes")]  # of another writer
    frame = frame[kept].astype(str)
    frame.index = frame.index.astype(str)
    return {column: values.to_dict() for column, values in frame.items()}


def test_statistics_of_all_columns(both):
    ours, theirs = map(whole, both)
    assert ours == theirs
    assert {"list", "texts", "struct.x", "lc.mjd", "lc.band"} <= set(ours)
    assert ours["lc.mjd"] == {
        "min_value": "-0.0", "max_value": "31.0", "null_count": "0", "row_count": "60",
    }  # fmt: skip


@pytest.mark.parametrize("both", ["import"], indirect=True)
def test_statistics_by_partition(both):
    ours, theirs = map(by_partition, both)
    assert len(both[0].get_healpix_pixels()) > 1
    assert ours == theirs
    assert list(ours) == list(theirs)


@pytest.mark.parametrize("both", ["import"], indirect=True)
def test_rows_at_random(both):
    with dask.config.set(scheduler="synchronous"):
        assert [len(catalog.random_sample(5)) for catalog in both] == [5, 5]


def test_the_file_is_as_theirs(both):
    names = []
    for catalog in both:
        file = catalog.hc_structure.catalog_base_dir / "per_partition_statistics.parquet"
        names.append([n for n in pq.read_schema(file).names if not n.startswith("_healpix_29")])
    assert names[0] == names[1]
