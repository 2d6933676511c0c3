"""Leaves: encodings, row groups, and a name only for whole files."""

from __future__ import annotations

import errno

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.config import tuning
from skyseries.errors import StorageError
from skyseries.hats import leaf
from skyseries.hats.leaf import LeafWriter, column_paths, row_group_bounds

SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("big", pa.uint64()),
        ("small", pa.int8()),
        ("ra", pa.float64()),
        ("mag", pa.float32()),
        ("good", pa.bool_()),
        ("name", pa.string()),
        ("when", pa.timestamp("us")),
        ("lc", pa.struct([("t", pa.list_(pa.float64())), ("band", pa.large_list(pa.string()))])),
    ]
)
ROWS = [
    {"id": 2**60 + i, "big": 2**64 - 1 - i, "small": i, "ra": i / 7, "mag": i / 3, "good": i > 2,
     "name": f"n{i}", "when": i, "lc": {"t": [1.0 * k for k in range(i)], "band": ["r"] * i}}
    for i in range(5)
]  # fmt: skip


def write(path, bounds=(0, 2, 5), **options):
    table = pa.Table.from_pylist(ROWS, SCHEMA)
    with LeafWriter(path, SCHEMA, **options) as writer:
        writer.write(table, list(bounds))
    return table, writer


def test_what_is_written_is_read(tmp_path):
    table, writer = write(tmp_path / "leaf.parquet")
    assert pq.read_table(tmp_path / "leaf.parquet").equals(table)
    groups = writer.metadata.num_row_groups
    assert [writer.metadata.row_group(g).num_rows for g in range(groups)] == [2, 3]
    assert [p.name for p in tmp_path.iterdir()] == ["leaf.parquet"]


def test_each_column_has_its_encoding(tmp_path):
    write(tmp_path / "leaf.parquet")
    footer = pq.read_metadata(tmp_path / "leaf.parquet").row_group(0)
    found = {}
    for c in range(footer.num_columns):
        column = footer.column(c)
        assert column.compression == "ZSTD"
        found[column.path_in_schema] = set(column.encodings) - {"RLE", "PLAIN"}
    delta, split, words = {"DELTA_BINARY_PACKED"}, {"BYTE_STREAM_SPLIT"}, {"RLE_DICTIONARY"}
    assert found == {
        "id": delta, "big": delta, "small": set(), "ra": split, "mag": split, "good": set(),
        "name": words, "when": set(), "lc.t.list.element": split, "lc.band.list.element": words,
    }  # fmt: skip


def test_column_paths_are_those_of_parquet(tmp_path):
    write(tmp_path / "leaf.parquet")
    schema = pq.read_metadata(tmp_path / "leaf.parquet").schema
    paths = [schema.column(c).path for c in range(len(schema))]
    assert [path for path, _ in column_paths(SCHEMA)] == paths


def test_a_leaf_of_no_rows(tmp_path):
    with LeafWriter(tmp_path / "leaf.parquet", SCHEMA) as writer:
        writer.write(SCHEMA.empty_table(), row_group_bounds(0))
    assert pq.read_table(tmp_path / "leaf.parquet").num_rows == 0


def test_failure_leaves_nothing(tmp_path):
    def fail():
        with LeafWriter(tmp_path / "leaf.parquet", SCHEMA) as writer:
            writer.write(pa.Table.from_pylist(ROWS, SCHEMA), [0, 5])
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert [p.name for p in tmp_path.iterdir()] == []


def test_a_writer_that_cannot_start_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        write(tmp_path / "leaf.parquet", no_such_option=1)
    assert [p.name for p in tmp_path.iterdir()] == []


@pytest.mark.parametrize("when", ["start", "write", "close"])
def test_a_full_disk(tmp_path, monkeypatch, when):
    full = OSError(errno.ENOSPC, "No space left on device")

    class Full(pq.ParquetWriter):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            if when == "start":
                raise full

        def write_table(self, *args, **kwargs):
            if when == "write":
                raise full
            super().write_table(*args, **kwargs)

        def close(self):
            closed, self.is_open = not self.is_open, False
            if when == "close" and not closed:
                raise full

    monkeypatch.setattr(leaf.pq, "ParquetWriter", Full)
    with pytest.raises(StorageError, match=r"no space left while writing .*leaf.parquet"):
        write(tmp_path / "leaf.parquet")
    assert [p.name for p in tmp_path.iterdir()] == []


@given(st.integers(0, 1_000_000))
def test_groups_of_plain_rows(rows):
    bounds = row_group_bounds(rows)
    assert bounds[0] == 0
    assert bounds[-1] == rows
    sizes = np.diff(bounds)
    assert sizes.max() <= tuning().group_rows
    assert rows == 0 or (sizes > 0).all()
    assert sizes.max() - sizes.min() <= 1


EPOCHS = st.one_of(
    st.lists(st.integers(0, 300), min_size=1, max_size=300),
    st.lists(st.sampled_from([0, 1, 5_000, 70_000]), min_size=1, max_size=100),
)


@given(EPOCHS, st.integers(1, 40))
def test_groups_of_light_curves(epochs, repeat):
    epochs = np.repeat(epochs, repeat)
    bounds = row_group_bounds(len(epochs), epochs)
    assert bounds[0] == 0
    assert bounds[-1] == len(epochs)
    assert (np.diff(bounds) > 0).all()
    held = np.add.reduceat(epochs, bounds[:-1])
    assert held.max() <= tuning().group_epochs + epochs.max()  # an object is never divided
    total = int(epochs.sum())
    assert len(held) <= total // tuning().group_epochs + 1 + len(epochs) // tuning().group_rows + 1


@pytest.mark.parametrize("kind", ["none", "late", "even"])
def test_objects_without_epochs_count_too(kind):
    epochs = np.zeros(350_000, np.int64)
    if kind == "late":
        epochs[-3:] = 20_000
    elif kind == "even":
        epochs[::1000] = 10
    sizes = np.diff(row_group_bounds(len(epochs), epochs))
    assert sizes.max() <= tuning().group_rows
    assert sizes.min() > 1
