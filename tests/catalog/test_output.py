"""Results as tables of astropy, pandas and polars, for types of every kind."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.catalog.output import to_astropy, to_pandas, to_polars

UUID = uuid.UUID(int=7)

# a column, and what astropy's Table has in its first row
COLUMNS = {
    "fixed_bytes": (pa.array([b"ab", None], pa.binary(2)), b"ab"),
    "large_bytes": (pa.array([b"ab", None], pa.large_binary()), b"ab"),
    "byte_views": (pa.array([b"ab", None], pa.binary_view()), b"ab"),
    "uuid": (pa.array([UUID.bytes, None], pa.uuid()), str(UUID)),
    "json": (pa.array(['{"a": 1}', None], pa.json_()), '{"a": 1}'),
    "time_ns": (pa.array([6, None], pa.time64("ns")), "00:00:00.000000006"),
    "time_s": (pa.array([6, None], pa.time32("s")), "00:00:06"),
    "span": (pa.array([6, None], pa.duration("ms")), np.timedelta64(6, "ms")),
    "date": (pa.array([dt.date(2020, 1, 2), None]), np.datetime64("2020-01-02")),
    "stamp": (pa.array([1, None], pa.timestamp("ns")), np.datetime64(1, "ns")),
    "decimal": (pa.array([decimal.Decimal("1.50"), None]), decimal.Decimal("1.50")),
    "category": (pa.array(["g", None]).dictionary_encode(), "g"),
    "view": (pa.array(["g", None], pa.string_view()), "g"),
    "half": (pa.array([np.float16(1.5), None], pa.float16()), 1.5),
    "map": (pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())), [("k", 1)]),
    "struct": (pa.array([{"a": 1, "b": "x"}, None]), {"a": 1, "b": "x"}),
    "texts": (pa.array([["a", None], None]), ["a", None]),
    "ids": (pa.array([2**63 - 1, None]), 2**63 - 1),
    "large_ids": (pa.array([2**64 - 1, None], pa.uint64()), 2**64 - 1),
    "fixed": (pa.array([[1.5, 2.5], None], pa.list_(pa.float64(), 2)), [1.5, 2.5]),
    "nested": (pa.array([[["a"], []], None], pa.list_(pa.list_(pa.string()))), [["a"], []]),
    "categories": (
        pa.array([["g", "r"], None], pa.list_(pa.dictionary(pa.int32(), pa.string()))), ["g", "r"],
    ),
    "empty": (pa.nulls(2), None),
}  # fmt: skip


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value]
    return value


@pytest.mark.parametrize("name", COLUMNS)
def test_every_type(name):
    column, first = COLUMNS[name]
    table = pa.table({name: column})
    values = to_astropy(table)[name]
    if first is None:
        assert values.mask.tolist() == [True, True]
    else:
        assert _plain(values[0]) == first
    missing = values[1]
    assert missing is None or np.ma.is_masked(missing)
    assert len(to_pandas(table)) == len(to_polars(table)) == 2
    assert to_pandas(table)[name].isna().tolist()[1]


MORE = {
    "lists": pa.array([[1.5, 2.5], [], None]),
    "float32": pa.array([[1.5], None], pa.list_(pa.float32())),
    "nested_ids": pa.array([[2**60 + 1, None], None, [3]]),
    "lightcurve": pa.array([{"t": [1.5], "id": [2**60 + 1, None], "band": ["g", None]}, None]),
    "none": pa.nulls(2, pa.list_(pa.float64())),
}


@pytest.mark.parametrize("name", [n for n in COLUMNS if n != "map"] + list(MORE))
def test_pandas_reads_back_what_it_has_written(name, tmp_path):
    column = MORE[name] if name in MORE else COLUMNS[name][0]
    table = pa.table({"id": pa.array([2**62 + 1] * (len(column) - 1) + [None]), "x": column})
    frame = to_pandas(table)
    frame.to_parquet(tmp_path / "x.parquet")
    again = pd.read_parquet(tmp_path / "x.parquet")
    assert again["id"].tolist() == frame["id"].tolist()
    assert again["x"].isna().tolist() == column.is_null().to_pylist()
    if name != "json":  # text, whose missing value is another
        assert str(again["x"].dtype) == str(frame["x"].dtype)
    kept = pq.read_table(tmp_path / "x.parquet")["x"].to_pylist()
    assert kept == column.to_pylist()


def test_light_curves_in_pandas_are_arrays():
    frame = to_pandas(pa.table({name: column[:2] for name, column in MORE.items()}))
    curve = frame["lightcurve"][0]
    assert isinstance(curve["t"], np.ndarray)
    assert curve["id"].tolist() == [2**60 + 1, None]
    assert frame["nested_ids"][0].tolist() == [2**60 + 1, None]
    assert frame["float32"][0].dtype == np.float32
    assert frame["lists"].isna().tolist() == [False, False]


def test_list_views_with_nulls():
    column = pa.array([[1], None, [2, 3]], pa.list_view(pa.int64()))
    values = to_astropy(pa.table({"x": column}))["x"]
    assert [_plain(value) for value in values] == [[1], None, [2, 3]]


def test_describe_half_precision():
    half = pa.array([np.float16(1), None, np.float16(2), np.float16("nan")], pa.float16())
    catalog = sky.from_table({"ra": [1.0, 2, 3, 4], "dec": [0.0] * 4, "h": half})
    (row,) = catalog.describe(["h"]).to_pylist()
    assert (row["count"], row["nulls"], row["mean"]) == (2, 2, 1.5)
    assert (float(row["min"]), float(row["max"])) == (1.0, 2.0)


def test_catalogs_with_maps_and_tensors_are_valid(tmp_path):
    tensor = pa.fixed_shape_tensor(pa.float64(), (2, 2))
    storage = pa.array([[1.0, 2, 3, 4], [1, 2, 3, 5]], pa.list_(pa.float64(), 4))
    table = pa.table(
        {
            "id": [1, 2],
            "ra": [1.0, 2.0],
            "dec": [0.0, 0.0],
            "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
            "tensor": pa.ExtensionArray.from_storage(tensor, storage),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    sky.import_catalog(tmp_path / "t.parquet", tmp_path / "c", id="id", progress=False)
    assert sky.validate_catalog(tmp_path / "c").faults == ()
    sky.open_catalog(tmp_path / "c").write_catalog(tmp_path / "again", id="id")
    assert sky.validate_catalog(tmp_path / "again").faults == ()
