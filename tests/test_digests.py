"""Digests of results tell values apart to the last bit, and not how arrays are held."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

FILE = Path(__file__).resolve().parents[1] / "benchmarks" / "same_digests.py"
spec = importlib.util.spec_from_file_location("same_digests", FILE)
same = importlib.util.module_from_spec(spec)
spec.loader.exec_module(same)

CURVE = [{"t": 1.0, "f": 2.5}, {"t": None, "f": 3.0}]
VALUES = {
    "numbers": [1.5, None, -0.0],
    "texts": ["a", None, ""],
    "flags": [True, None, False],
    "lists": [[1, 2], None, []],
    "curves": [CURVE, None, []],
}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_how_an_array_is_held_is_no_difference(values):
    array = pa.array(values)
    other = pa.array([values[2], *values, values[0]])
    cut = pa.chunked_array([array[:1], array[1:]])
    expected = same.digest(pa.table({"x": array}))
    for held in (other[1:-1], cut):
        assert same.digest(pa.table({"x": held})) == expected


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (1.0, np.nextafter(1.0, 2)),
        (0.0, -0.0),
        (1, 1.0),
        (np.arange(4), np.arange(4.0)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        ((1, 2), (1, 3)),
        ({"a": 1}, {"b": 1}),
        (pa.array([None, 1]), pa.array([1, None])),
        (pa.array([0, None]), pa.array([0, 0])),
        (pa.array([[1], [2, 3]]), pa.array([[1, 2], [3]])),
        (pa.array([[], None], pa.list_(pa.int64())), pa.array([None, []], pa.list_(pa.int64()))),
        (pa.array(["a", "b"]), pa.array(["b", "a"])),
        (pa.array([[{"t": 1}]]), pa.array([[{"t": 2}]])),
        (pa.array([[{"t": 1}]]), pa.array([[{"s": 1}]])),
        (pa.table({"a": [1]}), pa.table({"b": [1]})),
        (pa.array([1], pa.int32()), pa.array([1], pa.int64())),
    ],
)
def test_any_bit_is_a_difference(one, two):
    assert same.digest(one) != same.digest(two)


def test_a_file_is_named_without_what_passes(tmp_path):
    table = pa.table({"x": [2, 1]})
    for version, rows in (("v000001", table), ("v000002-1a", table.take([1, 0]))):
        folder = tmp_path / version
        for path in ("cat/dataset/Norder=0/Npix=1", "cat_10arcs/dataset/Norder=0/Npix=2"):
            target = folder / f"{path}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(rows, target)
    first = same.file_digests(tmp_path / "v000001")
    second = same.file_digests(tmp_path / "v000002-1a")
    assert list(first) == ["cat/dataset/Norder=0/Npix=1.parquet", "cat_10arcs, its rows"]
    assert [name for name in first if first[name] != second[name]] == list(first)[:1]
