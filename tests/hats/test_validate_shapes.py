"""Catalogs of all shapes that readers take are valid, and what is wrong in them is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

import skyseries as sky
from skyseries.errors import CatalogError
from skyseries.hats.skymap import read_point_map
from tests.hats.small import N, objects

KINDS = {"missing-leaf", "broken-leaf"}


@pytest.fixture
def plain(tmp_path) -> Path:
    """Return a catalog without margin and index."""
    sky.from_table(objects()).write_catalog(tmp_path / "c", "c", margin_arcsec=None)
    return tmp_path / "c" / "v000001" / "c"


def kinds(path: Path, **options) -> set[str]:
    return {fault.kind for fault in sky.validate_catalog(path, **options).faults}


def leaves(path: Path) -> list[Path]:
    return sorted((path / "dataset").rglob("Npix=*.parquet"))


# --- paths --------------------------------------------------------------------------------------


def test_paths_with_steps_up(plain, tmp_path):
    (tmp_path / "link").symlink_to(plain.parent)
    for path in (
        plain / ".." / "c",
        tmp_path / "link" / "c",
        tmp_path / "link" / ".." / "v000001" / "c",
    ):
        report = sky.validate_catalog(path)
        assert report.ok, report.text()
        assert report.checked["rows"] == N
        assert len(sky.open_catalog(path)) == N
    assert kinds(tmp_path / "link" / ".." / "v000001") == {"no-catalog"}


# --- sky maps -----------------------------------------------------------------------------------


def dense(plain: Path, order: int) -> np.ndarray:
    found, cells, counts = read_point_map(plain / "point_map.fits")
    values = np.zeros(12 << 2 * found, np.int64)
    values[cells] = counts
    return values.reshape(12 << 2 * order, -1).sum(axis=1)


def write_map(path: Path, columns: list[fits.Column], **header) -> None:
    table = fits.BinTableHDU.from_columns(columns)
    table.header.update(header)
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path, overwrite=True)


def of_healpy(path: Path, values: np.ndarray) -> None:
    """Write 1024 cells to a row of the column T, without saying how cells are numbered."""
    rows = values.astype(float).reshape(-1, 1024)
    column = fits.Column("T", "1024D", array=rows)
    write_map(path, [column], PIXTYPE="HEALPIX", ORDERING="NESTED", NSIDE=32, INDXSCHM="IMPLICIT")


def of_pairs(path: Path, values: np.ndarray) -> None:
    cells = np.flatnonzero(values)
    columns = [fits.Column("PIXEL", "J", array=cells), fits.Column("N", "K", array=values[cells])]
    write_map(path, columns, ORDERING="NESTED", NSIDE=32, INDXSCHM="EXPLICIT")


def without_nside(path: Path, values: np.ndarray) -> None:
    write_map(path, [fits.Column("counts", "K", array=values)])


MAPS = [of_healpy, of_pairs, without_nside]


@pytest.mark.parametrize("write", MAPS)
def test_maps_of_others(plain, write):
    write(plain / "point_map.fits", dense(plain, 5))
    report = sky.validate_catalog(plain)
    assert report.ok, report.text()
    assert not report.warnings


@pytest.mark.parametrize("write", MAPS)
def test_what_is_wrong_in_maps_of_others(plain, write):
    values = dense(plain, 5)
    wrong = values.copy()
    wrong[np.flatnonzero(values)[0]] = 0
    write(plain / "point_map.fits", wrong)
    assert kinds(plain) == {"map-coverage"}
    wrong = values.copy()
    wrong[np.flatnonzero(values)[0]] += 1
    write(plain / "point_map.fits", wrong)
    assert kinds(plain) == {"map-counts"}


@pytest.mark.parametrize(
    "columns",
    [
        [fits.Column("PIXEL", "K", array=[1])],
        [fits.Column("T", "K", array=np.ones(100))],
        [fits.Column("PIXEL", "K", array=[12 << 10]), fits.Column("T", "K", array=[1])],
    ],
)
def test_tables_that_are_no_maps(plain, columns):
    write_map(plain / "point_map.fits", columns, NSIDE=32)
    assert kinds(plain) == {"broken-map"}


def test_a_map_in_ring_order_is_not_compared(plain):
    write_map(
        plain / "point_map.fits",
        [fits.Column("T", "K", array=np.zeros(12))],
        ORDERING="RING",
        NSIDE=1,
    )
    report = sky.validate_catalog(plain)
    assert report.ok
    assert [w.kind for w in report.warnings] == ["map-not-checked"]


# --- maps and associations ----------------------------------------------------------------------


def by_hand(path: Path, table: pa.Table, **properties: str) -> Path:
    """Write a catalog of the 12 cells of order 0 with the columns that are given."""
    for cell in range(12):
        leaf = path / f"dataset/Norder=0/Dir=0/Npix={cell}.parquet"
        leaf.parent.mkdir(parents=True, exist_ok=True)
        inside = table.filter(pa.array(table["_healpix_29"].to_numpy() >> 58 == cell))
        pq.write_table(inside, leaf)
    pq.write_metadata(table.schema, path / "dataset/_common_metadata")
    (path / "partition_info.csv").write_text(
        "Norder,Npix\n" + "".join(f"0,{c}\n" for c in range(12))
    )
    said = {"obs_collection": "x", "hats_nrows": str(len(table)), "hats_order": "0"} | properties
    text = "".join(f"{key}={value}\n" for key, value in said.items())
    for name in ("hats.properties", "properties"):
        (path / name).write_text(text)
    return path


@pytest.fixture
def sky_map(tmp_path) -> Path:
    cells = np.arange(12 * 16) << 54
    table = pa.table({"_healpix_29": cells, "ebv": np.full(len(cells), 0.1)})
    return by_hand(tmp_path / "map", table, dataproduct_type="map")


@pytest.fixture
def pairs(tmp_path) -> Path:
    cells = np.arange(12) << 58
    table = pa.table({"a_id": np.arange(12), "b_id": np.arange(12), "_healpix_29": cells})
    return by_hand(
        tmp_path / "pairs", table, dataproduct_type="association", hats_primary_table_url="a",
        hats_col_assn_primary="id", hats_col_assn_primary_assn="a_id", hats_assn_join_table_url="b",
        hats_col_assn_join="id", hats_col_assn_join_assn="b_id", hats_assn_leaf_files="True",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["sky_map", "pairs"])
def test_catalogs_without_positions(name, request):
    path = request.getfixturevalue(name)
    report = sky.validate_catalog(path)
    assert report.ok, report.text()
    assert not report.warnings
    assert report.checked["partitions"] == 12


@pytest.mark.parametrize("name", ["sky_map", "pairs"])
def test_what_is_wrong_without_positions(name, request):
    path = request.getfixturevalue(name)
    first, second = leaves(path)[:2]
    kept = first.read_bytes()
    first.unlink()
    assert kinds(path) == {"missing-leaf", "row-count"}
    first.write_bytes(second.read_bytes())
    assert kinds(path) == {"wrong-partition"}
    first.write_bytes(kept[:-9])
    assert kinds(path) == {"broken-leaf", "row-count"}


def edit(path: Path, old: str, new: str) -> None:
    for name in ("hats.properties", "properties"):
        text = (path / name).read_text()
        assert old in text
        (path / name).write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("hats_col_assn_primary_assn=a_id", "hats_col_assn_primary_assn=c_id", "no-id-column"),
        ("hats_col_assn_join_assn=b_id\n", "", "no-id-column"),
        ("hats_col_assn_join=id\n", "", "missing-property"),
        ("hats_assn_join_table_url=b\n", "", "missing-property"),
        ("hats_assn_leaf_files=True\n", "", "missing-property"),
    ],
)
def test_faults_of_associations(pairs, old, new, kind):
    edit(pairs, old, new)
    assert kinds(pairs) == {kind}


def test_an_association_that_has_no_pairs(pairs):
    edit(pairs, "hats_assn_leaf_files=True", "hats_assn_leaf_files=False")
    edit(pairs, "hats_nrows=12\n", "")
    shutil.rmtree(pairs / "dataset")
    report = sky.validate_catalog(pairs)
    assert report.ok, report.text()
    assert "it has no pairs" in report.text()
    with pytest.raises(CatalogError, match="has no pairs"):
        sky.open_catalog(pairs)


def test_positions_that_a_map_says_and_does_not_have(sky_map):
    edit(sky_map, "hats_order=0", "hats_order=0\nhats_col_ra=ra\nhats_col_dec=dec")
    report = sky.validate_catalog(sky_map)
    assert report.ok
    assert {w.kind for w in report.warnings} == {"no-position-column"}
    edit(sky_map, "dataproduct_type=map", "dataproduct_type=object")
    assert kinds(sky_map) == {"no-position-column"}


# --- statistics and types of columns ------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "kind"),
    [("ra::disk_bytes", None), ("mag::memory_bytes", None), ("ra::row_count", "statistics-rows"),
     ("mag::max_value", "statistics-rows"), ("id::null_count", "statistics-rows")],
)  # fmt: skip
def test_sizes_in_the_statistics_are_no_fault(plain, column, kind):
    path = plain / "per_partition_statistics.parquet"
    table = pq.read_table(path)
    place = table.schema.get_field_index(column)
    values = table[column].to_pylist()
    values[0] += 2
    changed = pa.array(values, table.schema.types[place])
    pq.write_table(table.set_column(place, column, changed), path)
    report = sky.validate_catalog(plain)
    assert {f.kind for f in report.faults} == ({kind} if kind else set())
    assert [w.kind for w in report.warnings] == ([] if kind else ["statistics-bytes"])


TYPES = {
    "map": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int64())),
    "tensor": pa.ExtensionArray.from_storage(
        pa.fixed_shape_tensor(pa.float32(), [2]),
        pa.array([[1, 2], [3, 4], None], pa.list_(pa.float32(), 2)),
    ),
    "uuid": pa.ExtensionArray.from_storage(
        pa.uuid(), pa.array([b"x" * 16, None, b"\xff" * 16], pa.binary(16))
    ),
    "json": pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(["{}", None, "[1]"])),
    "bytes": pa.array([b"\xff\xfe", None, b"ab"], pa.binary(2)),
    "maps of lists": pa.array([[("a", [1])], None, []], pa.map_(pa.string(), pa.list_(pa.int8()))),
    "half": pa.array(np.array([1, 2, 3], np.float16)),
    "decimal": pa.array([1, None, 3], pa.decimal128(9, 2)),
    "duration": pa.array([1, None, 3], pa.duration("ms")),
    "time": pa.array([1, None, 3], pa.time64("ns")),
    "null": pa.nulls(3),
}


@pytest.mark.parametrize("kind", TYPES)
def test_columns_of_any_type(tmp_path, kind):
    table = pa.table(
        {"id": [1, 2, 3], "ra": [10.0, 10.1, 200.0], "dec": [0.0, 0.1, 5.0], "x": TYPES[kind]}
    )
    pq.write_table(table, tmp_path / "t.parquet")
    sky.import_catalog(
        tmp_path / "t.parquet", tmp_path / "c", id="id", margin_arcsec=900.0, max_rows=1,
        executor="serial", progress=False,
    )  # fmt: skip
    report = sky.validate_catalog(tmp_path / "c")
    assert report.ok, report.text()
    assert not report.warnings
    assert report.checked["rows"] > 3  # the margin too, whose rows are compared
