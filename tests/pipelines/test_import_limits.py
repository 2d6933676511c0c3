"""What a leaf holds at most, by the bytes that rows really have."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.catalog.write import writing
from skyseries.errors import InputError
from skyseries.hats import sizes
from skyseries.hats.sizes import Limits
from tests.pipelines.survey import check_valid, primary, write_parts

N = 120
LIMIT = 40_000
RNG = np.random.default_rng(3)
LONG = RNG.integers(0, 400, N)  # some rows are a hundred times as long as others
LISTS = [[float(i)] * n for i, n in enumerate(LONG.tolist())]

COLUMNS = {
    "lists": {"flux": pa.array(LISTS)},
    "narrow lists": {"flux": pa.array(LISTS, pa.large_list(pa.float32()))},
    "spectra": {"flux": pa.array([[1.0] * 300] * N, pa.list_(pa.float64(), 300))},
    "text": {"note": pa.array(["x" * (8 * n) for n in LONG])},
    "one word": {"note": pa.array(["x" * 2000] * N)},
    "binary": {"raw": pa.array([b"\xff" * (8 * n) for n in LONG])},
    "wide": {f"c{i}": np.full(N, float(i)) for i in range(60)},
    "light curves": {
        "lc": pa.array(
            [{"mjd": x, "flux": x, "band": ["g"] * len(x)} for x in LISTS],
            pa.struct([(n, pa.list_(t)) for n, t in
                       (("mjd", pa.float64()), ("flux", pa.float32()), ("band", pa.string()))]),
        )
    },
    "maps": {
        "m": pa.array([[(str(k), 1) for k in range(n)] for n in LONG],
                      pa.map_(pa.string(), pa.int64()))
    },
}  # fmt: skip


def rows(columns) -> pa.Table:
    rng = np.random.default_rng(0)
    return pa.table({"id": np.arange(N), "ra": 40 + rng.random(N), "dec": rng.random(N), **columns})


def leaf_sizes(root) -> list[tuple[int, int]]:
    """Return rows and bytes of each leaf, as Arrow counts them."""
    tables = [pq.ParquetFile(p).read() for p in (root / "dataset").rglob("Npix=*.parquet")]
    return [(table.num_rows, table.nbytes) for table in tables]


def check_limits(path, table) -> None:
    sizes = leaf_sizes(primary(path))
    # Arrow counts the bits of nulls too, of which the limit does not speak
    assert all(nbytes <= 1.05 * LIMIT for _, nbytes in sizes)
    assert sum(n for n, _ in sizes) == N
    # not many more leaves than are needed: a cell is cut in four
    assert len(sizes) <= 12 * (table.nbytes / LIMIT + 1)


@pytest.mark.parametrize("kind", COLUMNS)
def test_bytes_of_imported_leaves(tmp_path, kind):
    table = rows(COLUMNS[kind])
    report = sky.import_catalog(
        write_parts(tmp_path / "in", table, [50, 90]), tmp_path / "c", id="id", max_bytes=LIMIT,
        margin_arcsec=None, executor="serial", progress=False,
    )  # fmt: skip
    assert not [note for note in report.notes if "above the limit" in note]
    check_limits(tmp_path / "c", table)
    check_valid(tmp_path / "c")


@pytest.mark.parametrize("kind", COLUMNS)
def test_bytes_of_written_leaves(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(writing, "_LIMITS", Limits(max_bytes=LIMIT))
    table = rows(COLUMNS[kind])
    sky.from_table(table).write_catalog(tmp_path / "c", margin_arcsec=None)
    check_limits(tmp_path / "c", table)


def test_bytes_of_epochs(tmp_path):
    ids = np.repeat(np.arange(N), 5)
    words = ["y" * (int(n) * 3) for n in np.repeat(LONG, 5)]
    sources = pa.table(
        {"id": ids, "mjd": np.arange(5.0 * N), "flux": np.ones(5 * N), "note": words}
    )
    sky.import_catalog(
        write_parts(tmp_path / "o", rows({})), tmp_path / "c", id="id", max_bytes=LIMIT,
        lightcurves=write_parts(tmp_path / "s", sources, [100, 350]), margin_arcsec=None,
        executor="serial", progress=False,
    )  # fmt: skip
    check_limits(tmp_path / "c", sources)


def test_epochs_that_objects_have_already(tmp_path):
    sky.import_catalog(
        write_parts(tmp_path / "in", rows(COLUMNS["light curves"])), tmp_path / "c", id="id",
        max_epochs=1000, margin_arcsec=None, executor="serial", progress=False,
    )  # fmt: skip
    leaves = (primary(tmp_path / "c") / "dataset").rglob("Npix=*.parquet")
    curves = [pq.ParquetFile(leaf).read(["lc"])["lc"].to_pylist() for leaf in leaves]
    assert max(sum(len(row["mjd"]) for row in leaf) for leaf in curves) <= 1000


def test_what_cannot_be_kept_is_told_with_numbers(tmp_path):
    table = rows({"note": ["x" * 90_000 if i == 7 else "" for i in range(N)]})
    table = pa.concat_tables([table, *[table.slice(20, 1)] * 5])
    report = sky.import_catalog(
        write_parts(tmp_path / "in", table), tmp_path / "c", id="id", max_bytes=50_000, max_rows=5,
        on_repeated_id="keep", margin_arcsec=100.0, executor="serial", progress=False,
    )  # fmt: skip
    (note,) = [note for note in report.notes if "above the limit" in note]
    assert note.startswith("2 leaves above the limit, the first Norder=9/")
    assert "with 7 rows where 5 are the limit" in note or "bytes where 50,000 are" in note
    assert note.endswith("down to order 9, coarser than the cells of the margin")
    check_valid(tmp_path / "c")


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"max_rows": "x"}, "max_rows must be a whole number"),
        ({"max_rows": 1.5}, "max_rows must be a whole number"),
        ({"max_epochs": None}, "max_epochs must be a whole number"),
        ({"max_rows": True}, "max_rows must be a whole number"),
        ({"max_bytes": 1.5}, "not a size in bytes: 1.5"),
        ({"max_bytes": -5}, "not a size in bytes: -5"),
        ({"margin_arcsec": 648_000}, "below 648,000"),
        ({"margin_arcsec": "5"}, "margin_arcsec must be a number"),
    ],
)
def test_limits_that_are_none(tmp_path, limits, said):
    with pytest.raises(InputError, match=said):
        sky.import_catalog(write_parts(tmp_path / "in", rows({})), tmp_path / "c", **limits)


def test_ids_too_long_for_an_index(tmp_path):
    table = rows({}).set_column(
        0, "id", pa.array([f"{i}" * (3000 if i == 17 else 1) for i in range(N)])
    )
    given = write_parts(tmp_path / "in", table)
    with pytest.raises(InputError, match=r"'id' has an id of 6,000 bytes.*id_index=False"):
        sky.import_catalog(given, tmp_path / "c", id="id", executor="serial", progress=False)
    sky.import_catalog(given, tmp_path / "c", id="id", id_index=False, progress=False)
    check_valid(tmp_path / "c")


def test_texts_of_one_place_that_are_longer_than_an_array_can_be(tmp_path, monkeypatch):
    table = rows({"note": ["x" * int(n) for n in LONG]})
    table = table.set_column(1, "ra", pa.array(np.full(N, 10.0)))
    table = table.set_column(2, "dec", pa.array(np.zeros(N)))
    monkeypatch.setattr(sizes, "_MOST_BYTES", 4_000)
    sky.import_catalog(
        write_parts(tmp_path / "in", table, [30, 80]), tmp_path / "c", id="id", executor="serial",
        progress=False,
    )  # fmt: skip
    check_valid(tmp_path / "c")
    found = sky.open_catalog(tmp_path / "c").to_arrow()
    sky.from_table(table).write_catalog(tmp_path / "w", id="id")
    again = sky.open_catalog(tmp_path / "w").to_arrow()
    expected = sorted(table.select(["id", "note"]).to_pylist(), key=lambda row: row["id"])
    for rows_of in (found, again):
        kept = rows_of.select(["id", "note"]).to_pylist()
        assert sorted(kept, key=lambda row: row["id"]) == expected
