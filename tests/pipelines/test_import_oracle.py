"""An import against the slow obvious one: all rows, all types, any order, any split into files."""

from __future__ import annotations

import datetime as dt
import decimal
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import skyseries as sky
from tests.examples import examples
from tests.pipelines.survey import (
    SPECIAL_POSITIONS,
    cells,
    check_index,
    check_leaves,
    check_valid,
    expected_rows,
    primary,
    random_survey,
    read_leaf,
    read_rows,
    same,
    small_parts,
    write_parts,
)

pytestmark = pytest.mark.slow

INT64 = pa.int64()
ID_KINDS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (INT64, st.integers(-5, 40)),
    (INT64, st.one_of(st.integers(2**53 - 2, 2**53 + 4), st.integers(2**63 - 9, 2**63 - 1))),
    (INT64, st.integers(-(2**63), 2**63 - 1)),
    (pa.uint64(), st.one_of(st.integers(0, 9), st.integers(2**63 - 3, 2**64 - 1))),
    (pa.int16(), st.integers(-(2**15), 2**15 - 1)),
    (pa.string(), st.text(max_size=4)),
    (
        pa.string(),
        st.sampled_from(["", "a", "ab", "abc", "abd", "é", "e\u0301", "𝄞", "￿", "z" * 99]),
    ),
]
POSITIONS = st.one_of(
    st.sampled_from(SPECIAL_POSITIONS),
    st.tuples(st.floats(-360, 720), st.floats(-90, 90)),
    st.tuples(st.floats(149.99, 150.01), st.floats(2.19, 2.21)),
)
TIMES = st.one_of(
    st.integers(0, 3).map(float),
    st.floats(50000, 60000),
    st.sampled_from([float("nan"), float("inf"), -0.0]),
    st.none(),
)


@st.composite
def surveys(draw: st.DrawFn) -> tuple[pa.Table, pa.Table]:
    id_type, id_values = draw(st.sampled_from(ID_KINDS))
    ids = draw(st.lists(id_values, unique=True, max_size=25))
    places = draw(st.lists(POSITIONS, min_size=len(ids), max_size=len(ids)))
    ra, dec = zip(*places, strict=True) if places else ((), ())
    notes = draw(st.lists(st.none() | st.text(max_size=3), min_size=len(ids), max_size=len(ids)))
    objects = pa.table(
        {
            "note": pa.array(notes, pa.string()),
            "ra": pa.array(ra, pa.float64()),
            "dec": pa.array(dec, pa.float64()),
            "id": pa.array(ids, id_type),
        }
    )
    owner = st.sampled_from(ids) if ids else id_values
    epoch = st.tuples(
        TIMES, owner, st.sampled_from(["g", "r", None]), st.floats(width=32) | st.none()
    )
    epochs = draw(st.lists(epoch, max_size=60))
    time, owners, band, flux = zip(*epochs, strict=True) if epochs else ((), (), (), ())
    sources = pa.table(
        {
            "mjd": pa.array(time, pa.float64()),
            "id": pa.array(owners, id_type),
            "band": pa.array(band, pa.string()),
            "flux": pa.array(flux, pa.float32()),
            "visit": pa.array(range(len(epochs)), pa.int32()),  # ties keep the order of the input
        }
    )
    return objects, sources


def cuts(data: st.DataObject, rows: int) -> list[int]:
    return data.draw(st.lists(st.integers(0, rows), max_size=3), label="cuts")


@examples(0.4)
@given(data=st.data())
def test_light_curves_are_the_twins(data, tmp_path_factory):
    objects, sources = data.draw(surveys())
    max_rows = data.draw(st.integers(1, 50), label="max_rows")
    max_epochs = data.draw(st.integers(1, 60), label="max_epochs")
    margin, max_order = data.draw(st.sampled_from([(None, 12), (10.0, 12), (7200.0, 3)]))
    folder = tmp_path_factory.mktemp("twin")
    with small_parts(
        piece_bytes=data.draw(st.sampled_from([1, 300, 10**6]), label="piece_bytes"),
        group_rows=data.draw(st.integers(1, 9), label="group_rows"),
        group_epochs=data.draw(st.integers(1, 40), label="group_epochs"),
        index_rows=data.draw(st.integers(1, 30), label="index_rows"),
    ):
        sky.import_catalog(
            write_parts(folder / "o", objects, cuts(data, objects.num_rows)),
            folder / "c",
            id="id",
            lightcurves=write_parts(folder / "s", sources, cuts(data, sources.num_rows)),
            margin_arcsec=margin,
            max_rows=max_rows,
            max_epochs=max_epochs,
            executor="serial",
            progress=False,
        )
        wanted = expected_rows(objects, sources)
        root = primary(folder / "c")
        assert same(read_rows(root), wanted)
        check_leaves(root, max_rows, max_epochs, max_order)
        check_index(folder / "c", wanted, "id")
        check_valid(folder / "c")
        assert same(sky.open_catalog(folder / "c").to_arrow().to_pylist(), wanted)
    shutil.rmtree(folder)


@examples(0.24)
@given(data=st.data())
def test_plain_rows_are_the_twins(data, tmp_path_factory):
    objects, _ = data.draw(surveys())
    twice = pa.concat_tables([objects, objects.slice(0, 5)])
    order = data.draw(st.permutations(range(twice.num_rows)))
    rows = twice.take(pa.array(order, INT64))
    max_rows = data.draw(st.integers(1, 50), label="max_rows")
    folder = tmp_path_factory.mktemp("plain")
    with small_parts():
        report = sky.import_catalog(
            write_parts(folder / "o", rows, cuts(data, rows.num_rows)),
            folder / "c",
            id="id",
            kind="source",
            max_rows=max_rows,
            executor="serial",
            progress=False,
        )
        wanted = expected_rows(rows)
        assert same(read_rows(primary(folder / "c")), wanted)
        check_leaves(primary(folder / "c"), max_rows)
        check_index(folder / "c", wanted, "id")
        check_valid(folder / "c")
    assert (report.rows, report.repeated_ids) == (len(wanted), min(objects.num_rows, 5))
    shutil.rmtree(folder)


def columns_of_all_types(n: int) -> dict[str, pa.Array]:
    """Return columns of all types, each with a null in its second row."""
    rng = np.random.default_rng(3)
    numbers = rng.integers(0, 100, n).tolist()
    day = dt.datetime(2025, 7, 1, 12, 0, 0, 123456)
    values: dict[str, tuple[list[Any], pa.DataType]] = {
        "bool": ([k % 2 == 0 for k in numbers], pa.bool_()),
        **{str(t): (numbers, t) for t in (pa.int8(), pa.uint8(), pa.int16(), pa.int32())},
        "int64": ([2**62 + k for k in numbers], pa.int64()),
        "uint64": ([2**64 - 1 - k for k in numbers], pa.uint64()),
        "half": ([np.float16(k) for k in numbers], pa.float16()),
        "float": ([k / 7 for k in numbers], pa.float32()),
        "double": ([k / 7 if k % 5 else float("nan") for k in numbers], pa.float64()),
        "text": ([f"é{k}" for k in numbers], pa.string()),
        "long_text": ([f"{k}" * k for k in numbers], pa.large_string()),
        "coded": ([f"b{k % 3}" for k in numbers], pa.dictionary(pa.int8(), pa.string())),
        "bytes": ([bytes([k]) for k in numbers], pa.binary()),
        "day": ([(day + dt.timedelta(days=k)).date() for k in numbers], pa.date32()),
        "moment": ([day + dt.timedelta(days=k) for k in numbers], pa.timestamp("us")),
        "zoned": ([day + dt.timedelta(days=k) for k in numbers], pa.timestamp("us", "UTC")),
        "fine": ([10**18 + k for k in numbers], pa.timestamp("ns")),
        "decimal": ([decimal.Decimal(k) / 8 for k in numbers], pa.decimal128(9, 3)),
        "list": ([[float(k)] * (k % 4) for k in numbers], pa.list_(pa.float32())),
        "list_of_text": ([["x", None, ""][: k % 4] for k in numbers], pa.list_(pa.string())),
        "triple": ([[k, k, None] for k in numbers], pa.list_(pa.int32(), 3)),
        "struct": ([{"a": k, "b": str(k)} for k in numbers],
                   pa.struct({"a": pa.int64(), "b": pa.string()})),
        "nothing": ([None] * n, pa.null()),
    }  # fmt: skip
    return {
        name: pa.array([None if i == 1 else value for i, value in enumerate(column)], type_)
        for name, (column, type_) in values.items()
    }


@pytest.fixture(scope="module")
def all_types(tmp_path_factory) -> tuple[Path, pa.Table, pa.Table]:
    folder = tmp_path_factory.mktemp("types")
    objects, sources = random_survey(40)
    for name, column in columns_of_all_types(40).items():
        objects = objects.append_column(
            pa.field(name, column.type, metadata={"unit": "mag"}), column
        )
    for name, column in columns_of_all_types(sources.num_rows).items():
        sources = sources.append_column(name, column)
    with small_parts():
        sky.import_catalog(
            write_parts(folder / "o", objects, [7]),
            folder / "c",
            id="id",
            lightcurves=write_parts(folder / "s", sources, [50, 200]),
            max_rows=9,
        )
    return folder / "c", objects, sources


def test_all_types_come_through(all_types):
    path, objects, sources = all_types
    wanted = expected_rows(objects, sources)
    assert same(read_rows(primary(path)), wanted)
    check_leaves(primary(path), 9)
    check_valid(path)


def test_all_types_are_read_back(all_types):
    path, objects, sources = all_types
    catalog = sky.open_catalog(path)
    table = catalog.to_arrow()
    for name in objects.column_names[4:]:
        type_ = objects.schema.field(name).type
        plain = pa.string() if name in ("long_text", "coded") else type_
        plain = pa.float64() if name == "nothing" else plain
        assert table.schema.field(name).type == plain
        assert table.schema.field(name).metadata[b"unit"] == b"mag"
        inside = table.schema.field("lightcurve").type.field(name).type
        assert inside.value_type == plain
    assert same(table.to_pylist(), expected_rows(objects, sources))
    assert len(catalog.to_pandas()) == len(catalog.to_astropy()) == 40
    rows = catalog.to_astropy()
    where = rows["id"].tolist().index(objects["id"][1].as_py())
    for name in ("bool", "int64", "uint64", "float", "text", "moment", "day"):
        assert rows[name].mask.nonzero()[0].tolist() == [where]
    for name in ("decimal", "bytes", "list", "struct"):
        assert rows[name][where] is None


def test_objects_without_epochs_have_empty_lists(all_types):
    path, *_ = all_types
    rows = [row["lightcurve"] for row in read_rows(primary(path))]
    empty = [row for row in rows if not row["mjd"]]
    assert len(empty) > 10
    assert all(field == [] for row in empty for field in row.values())


def test_text_that_is_coded_in_some_runs_only(tmp_path, tune):
    """Few different words in one file, many in the next, and more in all than a code can hold."""
    tune(dictionary_words=50)
    objects, sources = random_survey(20)
    n = sources.num_rows
    words = [f"w{i if i > n // 2 else i % 3}" for i in range(n)]
    sources = sources.append_column("word", pa.array(words))
    with small_parts(piece_bytes=10**6):
        sky.import_catalog(
            write_parts(tmp_path / "o", objects),
            tmp_path / "c",
            id="id",
            lightcurves=write_parts(tmp_path / "s", sources, [n // 2]),
        )
    assert same(read_rows(primary(tmp_path / "c")), expected_rows(objects, sources))


def test_more_words_than_a_code_can_number(tmp_path):
    n = 40_000
    objects = pa.table({"id": [1, 2], "ra": [10.0, 10.0], "dec": [1.0, 1.0]})
    sources = pa.table(
        {
            "id": pa.array(np.arange(n) % 2 + 1),
            "mjd": np.arange(n, dtype=float),
            "flux": np.ones(n),
            "visit": [f"v{i}" for i in range(n)],
        }
    )
    cuts = list(range(1000, n, 1000))
    sky.import_catalog(
        write_parts(tmp_path / "o", objects),
        tmp_path / "c",
        id="id",
        lightcurves=write_parts(tmp_path / "s", sources, cuts),
    )
    assert same(read_rows(primary(tmp_path / "c")), expected_rows(objects, sources))


@pytest.mark.parametrize("executor", ["serial", "threads", "processes"])
def test_engines_and_budgets_write_the_same_leaves(tmp_path, executor, reference):
    objects, sources, wanted = reference
    sky.import_catalog(
        write_parts(tmp_path / "o", objects, [30]),
        tmp_path / "c",
        id="id",
        lightcurves=write_parts(tmp_path / "s", sources, [200]),
        max_rows=20,
        executor=executor,
        workers=2,
        memory="600MB",
    )
    assert same(read_rows(primary(tmp_path / "c")), wanted)
    check_leaves(primary(tmp_path / "c"), 20)


@pytest.fixture(scope="module")
def reference():
    objects, sources = random_survey(90, seed=2)
    return objects, sources, expected_rows(objects, sources)


def test_partitions_obey_the_bytes(tmp_path):
    objects, _ = random_survey(100)
    sky.import_catalog(
        write_parts(tmp_path / "o", objects), tmp_path / "c", id="id", max_bytes=1000
    )
    root = primary(tmp_path / "c")
    sizes = [pq.ParquetFile(p).read().nbytes for p in (root / "dataset").rglob("*.parquet")]
    assert max(sizes) <= 1000
    check_leaves(root, 100)


def test_crowded_fields_are_cut_deep_and_cells_that_cannot_be_are_told(tmp_path):
    rng = np.random.default_rng(1)
    n = 300
    ra = np.concatenate([rng.uniform(150, 150.4, n), np.full(30, 20.0)])
    dec = np.concatenate([rng.uniform(2, 2.4, n), np.full(30, 5.0)])
    table = pa.table({"id": np.arange(n + 30), "ra": ra, "dec": dec})
    report = sky.import_catalog(
        write_parts(tmp_path / "o", table), tmp_path / "c", id="id", max_rows=20
    )
    root = primary(tmp_path / "c")
    check_leaves(root, 20)
    heavy = [cell for cell in report.notes if "above the limit" in cell]
    assert len(heavy) == 1
    assert "1 leaves" in heavy[0]
    (cell,) = [cell for cell in cells(root) if read_leaf(root, cell).num_rows > 20]
    assert cell[0] == 12
    assert read_leaf(root, cell)["ra"].unique().to_pylist() == [20.0]
    check_valid(tmp_path / "c")
