"""Input that is broken, odd or not what was meant: a clear error, or the exact answer."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

import skyseries as sky
from skyseries.errors import CatalogError, InputError, SchemaError, StorageError
from tests.pipelines.survey import (
    check_leaves,
    check_valid,
    expected_rows,
    primary,
    random_survey,
    read_rows,
    same,
    small_parts,
    write_parts,
)

FEW = pa.table({"id": [3, 1, 2], "ra": [10.0, 20.0, 30.0], "dec": [1.0, 2.0, 3.0]})
SOME = pa.table(
    {"id": [1, 1, 3], "mjd": [2.0, 1.0, 5.0], "flux": [1.0, 2.0, 3.0], "flux_err": [0.1] * 3}
)


@pytest.fixture(autouse=True)
def _small():
    with small_parts():
        yield


def run(where: Path, objects: Any, **options: Any) -> Any:
    if isinstance(objects, pa.Table):
        objects = write_parts(where / "o", objects)
    if isinstance(options.get("lightcurves"), pa.Table):
        options["lightcurves"] = write_parts(where / "s", options["lightcurves"])
    options = {"id": "id", "executor": "serial", "progress": False, **options}
    return sky.import_catalog(objects, where / "c", **options)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# -- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_truncated_parquet(tmp_path, keep):
    write_parts(tmp_path / "o", random_survey(50)[0], [25])
    whole = (tmp_path / "o/part1.parquet").read_bytes()
    write(tmp_path / "o/part1.parquet", whole[: int(keep * len(whole))])
    with pytest.raises(InputError, match=r"part1\.parquet"):
        run(tmp_path, tmp_path / "o")
    assert not (tmp_path / "c/collection.properties").exists()


def test_parquet_that_is_damaged_inside(tmp_path):
    write_parts(tmp_path / "o", random_survey(500)[0])
    content = bytearray((tmp_path / "o/part0.parquet").read_bytes())
    content[40:2000] = bytes(1960)
    write(tmp_path / "o/part0.parquet", bytes(content))
    with pytest.raises(InputError, match=r"part0\.parquet"):
        run(tmp_path, tmp_path / "o")


def test_csv_with_a_broken_row(tmp_path):
    file = write(tmp_path / "a.csv", "id,ra,dec\n1,10,1\n2,20\n3,30,3\n")
    with pytest.raises(InputError, match=r"a\.csv.*line 3"):
        run(tmp_path, file)


def test_csv_with_a_broken_number_far_down(tmp_path):
    lines = [f"{i},{i % 360},0" for i in range(12_000)]
    lines[11_500] = "11500,ten,0"
    file = write(tmp_path / "a.csv", "id,ra,dec\n" + "\n".join(lines))
    with pytest.raises(InputError, match=r"a\.csv.*11502.*ra.*ten"):
        run(tmp_path, file)


def test_zero_bytes(tmp_path):
    for name in ("a.csv", "a.parquet", "a.fits", "a.vot", "a.ecsv"):
        with pytest.raises(InputError, match=name.replace(".", r"\.")):
            run(tmp_path, write(tmp_path / name, b""))


def test_no_files(tmp_path):
    for nothing in (tmp_path / "x.parquet", str(tmp_path / "*.parquet"), [], tmp_path / "gone/"):
        with pytest.raises(InputError):
            run(tmp_path, nothing)
    assert not (tmp_path / "c").exists()


def test_files_of_several_formats_are_one_table(tmp_path):
    objects, sources = random_survey(40)
    (tmp_path / "o").mkdir()
    pq.write_table(objects.slice(0, 10), tmp_path / "o/0.parquet")
    pa.csv.write_csv(objects.slice(10, 10), tmp_path / "o/1.csv")
    with gzip.open(tmp_path / "o/2.csv.gz", "wb") as file:
        pa.csv.write_csv(objects.slice(20, 10), file)
    rest = Table({name: objects.slice(30)[name].to_numpy() for name in objects.column_names})
    rest[:5].write(tmp_path / "o/3.fits")
    rest[5:].write(tmp_path / "o/4.ecsv")
    run(tmp_path, tmp_path / "o", lightcurves=sources)
    wanted = expected_rows(objects, sources)
    # a CSV file does not say that its numbers are floats of 32 bits
    rows = [
        row | {"mag": float(np.float32(row["mag"]))} for row in read_rows(primary(tmp_path / "c"))
    ]
    assert same(rows, wanted)


# -- columns ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ra": "RA"}, "there is no column 'RA' for ra; did you mean 'ra'"),
        ({"dec": "decl"}, "'decl' for dec; did you mean 'dec'"),
        ({"id": "objectId"}, "there is no column 'objectId' for id"),
        ({"columns": ["id", "ra", "deg"]}, "'deg'"),
        ({"lightcurves": SOME, "time": "mdj"}, "'mdj' for time; did you mean 'mjd'"),
        ({"lightcurves": SOME, "flux_err": "err"}, "'err' for flux_err; did you mean 'flux_err'"),
        ({"lightcurves": SOME, "source_id": "oid"}, "'oid' for source_id; did you mean 'id'"),
        ({"lightcurves": SOME, "source_columns": ["id", "time"]}, "'time'"),
        ({"lightcurves": SOME.drop_columns(["mjd"])}, "not recognised: give time="),
        ({"lightcurves": SOME.drop_columns(["flux"])}, "not recognised: give time="),
        ({"null_values": {"raa": [-99]}}, "null_values: .* 'raa'; did you mean 'ra'"),
    ],
)
def test_wrong_column_names(tmp_path, options, message):
    with pytest.raises(SchemaError, match=message):
        run(tmp_path, FEW, **options)


def test_mixed_units_and_columns_are_told_before_work_begins(tmp_path):
    write_parts(tmp_path / "o", FEW)
    for name, unit in (("x", "mag"), ("y", "mJy")):
        field = pa.field("mag", pa.float64(), metadata={"unit": unit})
        pq.write_table(FEW.append_column(field, pa.array([1.0] * 3)), tmp_path / f"{name}.parquet")
    files = [tmp_path / "x.parquet", tmp_path / "y.parquet"]
    with pytest.raises(
        SchemaError, match=r"'mag' is in mag in .*x\.parquet but in mJy in .*y\.par"
    ):
        run(tmp_path, files)
    with pytest.raises(SchemaError, match=r"column 'mag' is in .* but not in"):
        run(tmp_path, [tmp_path / "o/part0.parquet", *files[:1]])
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("unit", ["h", "s", "mag", "pixels", "foo"])
def test_positions_in_units_that_are_no_angle(tmp_path, unit):
    ra = pa.field("ra", pa.float64(), metadata={"unit": unit})
    with pytest.raises(InputError, match=f"column 'ra' is in the unit '{unit}'"):
        run(tmp_path, FEW.set_column(1, ra, FEW["ra"]))


@pytest.mark.parametrize("unit", ["deg", "degree", "Deg"])
def test_degrees_by_any_name(tmp_path, unit):
    ra = pa.field("ra", pa.float64(), metadata={"unit": unit})
    assert run(tmp_path, FEW.set_column(1, ra, FEW["ra"])).rows == 3


def test_positions_as_text(tmp_path):
    table = FEW.set_column(1, "ra", pa.array(["10:20:30"] * 3))
    with pytest.raises(SchemaError, match="column 'ra' is string, not a number"):
        run(tmp_path, table)


def test_declination_in_the_sources_only(tmp_path):
    sources = SOME.append_column("ra", pa.array([1.0] * 3)).append_column(
        "dec", pa.array([1.0, 91.0, 2.0])
    )
    with pytest.raises(InputError, match="dec = 91 is not a declination"):
        run(tmp_path, None, lightcurves=sources)


def test_ids_that_are_not_exact(tmp_path):
    for type_ in (pa.float64(), pa.bool_(), pa.timestamp("s"), pa.decimal128(20, 0)):
        table = FEW.set_column(0, "id", pa.array([0, 1, 2]).cast(pa.int64()).cast(type_))
        with pytest.raises(
            SchemaError, match=f"'id' is {str(type_)[:7]}.*an id must be an integer"
        ):
            run(tmp_path, table)


def test_ids_as_text_and_as_numbers_do_not_join(tmp_path):
    text = SOME.set_column(0, "id", SOME["id"].cast(pa.string()))
    with pytest.raises(SchemaError, match=r"ids of the light curves are string, those .* int64"):
        run(tmp_path, FEW, lightcurves=text)
    assert not (tmp_path / "c").exists()


def test_reserved_names_are_left_out_with_a_word(tmp_path):
    table = FEW
    for name in ("_healpix_29", "Norder", "Dir", "Npix"):
        table = table.append_column(name, pa.array([7, 7, 7]))
    report = run(tmp_path, table, lightcurves=SOME.append_column("_rank", pa.array([1, 2, 3])))
    assert same(read_rows(primary(tmp_path / "c")), expected_rows(FEW, SOME))
    (note,) = [note for note in report.notes if "left out" in note]
    assert all(repr(name) in note for name in ("_healpix_29", "Norder", "Dir", "Npix", "_rank"))


@pytest.mark.parametrize("name", ["ra", "_healpix_29", "Npix", "light curve", "", "a/b"])
def test_names_that_the_light_curves_cannot_have(tmp_path, name):
    with pytest.raises(InputError):
        run(tmp_path, FEW, lightcurves=SOME, lightcurve_name=name)


@pytest.mark.parametrize("name", ["a b", "a/b", ".a", "a,b", "orphans"])
def test_names_that_a_catalog_cannot_have(tmp_path, name):
    with pytest.raises(InputError, match="name="):
        run(tmp_path, FEW, lightcurves=SOME, name=name)


def test_an_id_column_whose_name_is_no_word(tmp_path):
    table, sources = FEW.rename_columns(["the id", "ra", "dec"]), SOME
    with pytest.raises(InputError, match="'the id' cannot have an id index"):
        run(tmp_path, table, id="the id")
    run(tmp_path, table, id="the id", id_index=None, lightcurves=sources, source_id="id")
    assert sky.open_catalog(tmp_path / "c").lightcurve(1).time.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "options",
    [
        {"on_nan_position": "ignore"}, {"on_repeated_id": None}, {"orphans": "Keep"},
        {"on_duplicate_epoch": "first"}, {"kind": "map"}, {"max_rows": 0}, {"max_bytes": "many"},
        {"max_epochs": -1}, {"margin_arcsec": 0}, {"margin_arcsec": float("nan")},
        {"memory": "-1GB"}, {"workers": 0}, {"executor": "slurm"}, {"flux": "mag"},
        {"lightcurves": SOME, "id": None}, {"lightcurves": SOME, "kind": "source"},
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense(tmp_path, options):
    with pytest.raises(InputError):
        run(tmp_path, FEW, **{"executor": None, **options})
    assert not (tmp_path / "c/collection.properties").exists()


def test_nothing_to_import(tmp_path):
    with pytest.raises(InputError, match="nothing to import"):
        run(tmp_path, None)


# -- places on the sky --------------------------------------------------------------------------


@pytest.mark.parametrize("dec", [90.0, -90.0])
def test_all_objects_at_a_pole_and_more_than_fit(tmp_path, dec):
    n = 40
    table = pa.table({"id": range(n), "ra": np.linspace(-360, 720, n), "dec": [dec] * n})
    report = run(tmp_path, table, max_rows=10)
    assert report.rows == n
    ids = sorted(row["id"] for row in read_rows(primary(tmp_path / "c")))
    assert ids == list(range(n))
    check_leaves(primary(tmp_path / "c"), 10)
    check_valid(tmp_path / "c")
    assert len(sky.open_catalog(tmp_path / "c").cone_search(12.0, dec, 1.0)) == n


def test_right_ascensions_beyond_a_turn_are_kept_as_they_are(tmp_path):
    ra = [360.0, 0.0, -360.0, 720.0, -1e-300, 359.9999999999]
    table = pa.table({"id": range(6), "ra": ra, "dec": [0.0] * 6})
    run(tmp_path, table, max_rows=100)
    assert sorted(row["ra"] for row in read_rows(primary(tmp_path / "c"))) == sorted(ra)
    assert len(sky.open_catalog(tmp_path / "c").cone_search(0.0, 0.0, 0.01)) == 6


# -- nothing at all -----------------------------------------------------------------------------


@pytest.mark.parametrize("lightcurves", [None, SOME.slice(0, 0), SOME], ids=["no", "empty", "some"])
@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_zero_rows_are_a_valid_empty_catalog(tmp_path, format, lightcurves):
    file = tmp_path / f"a.{format}"
    write = pq.write_table if format == "parquet" else pa.csv.write_csv
    write(FEW.slice(0, 0), file)
    report = run(tmp_path, file, lightcurves=lightcurves)
    assert (report.rows, report.partitions) == (0, 0)
    catalog = sky.open_catalog(tmp_path / "c")
    assert len(catalog) == len(catalog.cone_search(10, 1, 3600)) == len(catalog.head()) == 0
    assert catalog.to_arrow().num_rows == 0
    assert catalog.columns[:4] == ["_healpix_29", "id", "ra", "dec"]
    assert "0 rows" in repr(catalog)
    catalog.info().text()
    check_valid(tmp_path / "c")
    if lightcurves is not None:
        assert report.orphans == lightcurves.num_rows
        with pytest.raises(CatalogError, match="no object with id = 3"):
            catalog.lightcurve(3)


@pytest.mark.interop
def test_lsdb_opens_an_empty_catalog(tmp_path, lsdb):
    run(tmp_path, FEW.slice(0, 0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DASK_SCHEDULER", "sync")
        catalog = lsdb.open_catalog(tmp_path / "c")
    assert len(catalog) == 0
    assert list(catalog.columns)[-3:] == ["id", "ra", "dec"]


def test_light_curves_of_no_epochs_at_all(tmp_path):
    run(tmp_path, FEW, lightcurves=SOME.slice(0, 0))
    assert same(read_rows(primary(tmp_path / "c")), expected_rows(FEW, SOME.slice(0, 0)))
    check_valid(tmp_path / "c")
    assert len(sky.open_catalog(tmp_path / "c").lightcurve(3)) == 0


# -- sentinels and choices ----------------------------------------------------------------------


@pytest.mark.parametrize("given", [-99, [-99], {"mag": -99, "ra": [-99.0]}, (-99, "none")])
def test_sentinels_become_null(tmp_path, given):
    objects = FEW.append_column("mag", pa.array([-99, 17, 18]))
    report = run(
        tmp_path,
        objects.set_column(1, "ra", pa.array([10.0, -99.0, 30.0])),
        null_values=given,
        on_nan_position="drop",
    )
    assert report.bad_positions == 1
    rows = {row["id"]: row["mag"] for row in read_rows(primary(tmp_path / "c"))}
    assert rows == {3: None, 2: 18}


def test_a_word_is_one_sentinel_and_not_its_letters(tmp_path):
    objects = FEW.append_column("note", pa.array(["NA", "N", "A"]))
    run(tmp_path, objects, null_values="NA")
    assert {row["note"] for row in read_rows(primary(tmp_path / "c"))} == {None, "N", "A"}


def test_only_some_columns(tmp_path):
    objects, sources = random_survey(20)
    run(
        tmp_path, objects, lightcurves=sources, columns=["ra", "dec", "id"],
        source_columns=["flux", "mjd", "id"],
    )  # fmt: skip
    wanted = expected_rows(
        objects.select(["ra", "dec", "id"]), sources.select(["flux", "mjd", "id"])
    )
    assert same(read_rows(primary(tmp_path / "c")), wanted)


def test_magnitudes_in_place_of_fluxes(tmp_path):
    sources = SOME.rename_columns(["oid", "hmjd", "mag", "magerr"])
    run(tmp_path, FEW, lightcurves=sources, source_id="oid", time_scale="tdb")
    fields = sky.open_catalog(tmp_path / "c").lightcurve_fields()
    assert (fields.time, fields.mag, fields.mag_err, fields.flux) == ("hmjd", "mag", "magerr", None)
    assert (fields.time_scale, fields.refposition) == ("tdb", "heliocenter")


def test_the_error_of_another_flux_is_not_taken(tmp_path):
    sources = SOME.rename_columns(["id", "mjd", "psfFlux", "psfFluxErr"])
    sources = sources.append_column("apFlux", pa.array([1.0, 2.0, 3.0]))
    run(tmp_path, FEW, lightcurves=sources, flux="apFlux")
    fields = sky.open_catalog(tmp_path / "c").lightcurve_fields()
    assert (fields.flux, fields.flux_err, fields.flux_unit) == ("apFlux", None, None)


def test_units_come_through(tmp_path):
    flux = pa.field("flux", pa.float64(), metadata={"unit": "uJy", "description": "of the source"})
    mag = pa.field("mag", pa.float64(), metadata={"unit": "mag", "ucd": "phot.mag"})
    run(
        tmp_path,
        FEW.append_column(mag, pa.array([1.0] * 3)),
        lightcurves=SOME.set_column(2, flux, SOME["flux"]),
    )
    catalog = sky.open_catalog(tmp_path / "c")
    assert catalog.schema.field("mag").metadata == {b"unit": b"mag", b"ucd": b"phot.mag"}
    inside = catalog.schema.field("lightcurve").type.field("flux")
    assert inside.metadata == {b"unit": b"uJy", b"description": b"of the source"}
    assert catalog.lightcurve_fields().flux_unit == "uJy"
    assert "lightcurve.flux" in catalog.info().text()
    assert "uJy" in catalog.info().text()


# -- where the catalog goes ---------------------------------------------------------------------


def test_a_catalog_is_not_overwritten_unasked(tmp_path):
    run(tmp_path, FEW)
    with pytest.raises(InputError, match="holds a catalog already; overwrite=True"):
        run(tmp_path, FEW)
    report = run(tmp_path, write_parts(tmp_path / "p", FEW.slice(1)), overwrite=True)
    assert report.version == "v000002"
    assert sorted(p.name for p in (tmp_path / "c").iterdir()) == [
        "collection.properties", "v000001", "v000002",
    ]  # fmt: skip
    assert len(sky.open_catalog(tmp_path / "c")) == 2
    old = sky.open_catalog(tmp_path / "c/v000001/c")
    assert same(old.to_arrow().to_pylist(), expected_rows(FEW))
    check_valid(tmp_path / "c")


def test_an_open_catalog_sees_its_version(tmp_path):
    run(tmp_path, FEW, lightcurves=SOME)
    before = sky.open_catalog(tmp_path / "c")
    run(tmp_path, write_parts(tmp_path / "p", FEW.slice(1)), overwrite=True)
    assert len(before.to_arrow()) == 3
    assert before.lightcurve(3).time.tolist() == [5.0]


def test_another_catalog_in_the_place_of_one_that_was_removed(tmp_path):
    """What this process remembers of files at this path (footers, the index) is not used."""
    for k in (0, 5):
        rows = [9, 8, 7, 6, 5, 4, 3, 2, 1][k:]
        objects = pa.table({"id": rows, "ra": [float(r) for r in rows], "dec": [0.0] * len(rows)})
        sources = pa.table(
            {"id": rows, "mjd": [r + 0.5 + k for r in rows], "flux": [1.0] * len(rows)}
        )
        for name in "cos":
            shutil.rmtree(tmp_path / name, ignore_errors=True)
        run(tmp_path, objects, lightcurves=sources, max_rows=2)
        catalog = sky.open_catalog(tmp_path / "c")
        assert same(catalog.to_arrow().to_pylist(), expected_rows(objects, sources))
        for row in rows:
            assert catalog.lightcurve(row).time.tolist() == [row + 0.5 + k]
    with pytest.raises(CatalogError, match="no object with id = 9"):
        catalog.lightcurve(9)


def test_the_path_is_a_file(tmp_path):
    write(tmp_path / "c", "something")
    with pytest.raises(InputError, match="is a file; a catalog is a folder"):
        run(tmp_path, FEW)
    with pytest.raises(StorageError, match="cannot write to"):
        sky.import_catalog(write_parts(tmp_path / "o", FEW), tmp_path / "c/d", id="id")


@pytest.mark.parametrize("name", ["notes.txt", ".git", "v0"])
def test_a_folder_of_something_else(tmp_path, name):
    (tmp_path / "c").mkdir()
    write(tmp_path / "c" / name, "mine")
    for overwrite in (False, True):
        with pytest.raises(InputError, match=r"is not empty .* and no catalog"):
            run(tmp_path, FEW, overwrite=overwrite)
    assert (tmp_path / "c" / name).read_text() == "mine"


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    """Refused by hand, as root may write everywhere."""
    make = Path.mkdir

    def refuse(path, *args, **kwargs):
        if path.name == "c":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        make(path, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StorageError, match="cannot write to"):
        run(tmp_path, FEW)
