"""Which column is what, and values and bands that are none."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from astropy.time import Time

import skyseries as sky
from skyseries.errors import InputError, SchemaError
from tests.pipelines.meaning import EPOCHS, FLUXES, MJD, STARS, epochs, field, run, with_column
from tests.pipelines.survey import check_valid, small_parts


@pytest.fixture(autouse=True)
def _small():
    with small_parts():
        yield


DATES = Time(MJD, format="mjd").to_datetime()


@pytest.mark.parametrize(
    ("values", "bands"),
    [
        ([b"g", b"r", b"g"], ["r", "g", "g"]), (["g ", "r", " g"], ["r", "g", "g"]),
        (["g\0", "r", "g"], ["r", "g", "g"]), (["", "r", "g"], ["r", None, "g"]),
        (["nan", "r", None], ["r", None, None]), ([1.0, 2.0, 1.0], [2, 1, 1]),
        ([float("nan"), 2.0, None], [2, None, None]), ([1, 2, 1], [2, 1, 1]),
        (pa.array(["g", "r ", "g"]).dictionary_encode(), ["r", "g", "g"]),
        (pa.array([b"g ", b"r ", b"g "], pa.binary(2)), ["r", "g", "g"]),
        (pa.array([1.0, 2.0, 1.0], pa.float32()), [2, 1, 1]),
    ],
)  # fmt: skip
def test_bands_are_text_or_whole_numbers(tmp_path, values, bands):
    report = run(tmp_path, lightcurves=with_column(EPOCHS, "band", values))
    assert [row["band"] for row in epochs(tmp_path)] == bands
    missing = bands.count(None)
    assert (any(note.endswith("no band") for note in report.notes)) == (missing > 0)
    catalog = sky.open_catalog(tmp_path / "c")
    names = catalog.features(["Ndata"]).columns
    found = [n.removesuffix("_magNdata").removeprefix("band") for n in names if "Ndata" in n]
    assert sorted(found) == sorted({str(band) for band in bands if band is not None})
    check_valid(tmp_path / "c")


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([True, False, True], SchemaError, r"'band' \(band\) is bool; a band is text or a whole"),
        ([1.5, 2.0, 1.0], InputError, r"row 1, column 'band': 1\.5.*a whole number"),
        ([b"g", b"\xff", b"g"], InputError, r"row 2, column 'band'"),
        (pa.array(DATES, pa.timestamp("us")), SchemaError, r"'band' \(band\) is timestamp"),
    ],
)
def test_bands_that_cannot_be(tmp_path, values, error, message):
    with pytest.raises(error, match=message):
        run(tmp_path, lightcurves=with_column(EPOCHS, "band", values))


@pytest.mark.parametrize(
    ("position", "id", "names", "lines"),
    [
        (("RAJ2000", "DEJ2000"), "objectId", ("HJD", "Filter", "Mag", "e_Mag"),
         ["positions RAJ2000, DEJ2000", "id objectId",
          "light curves HJD (jd, heliocenter), Mag +- e_Mag, band Filter"]),
        (("RA", "DEC"), "oid", ("MJD", "filtercode", "magpsf", "sigmapsf"),
         ["positions RA, DEC", "id oid", "light curves MJD (mjd), magpsf +- sigmapsf, "
          "band filtercode"]),
        (("ra", "dec"), "star_id", ("time", "filter", "magnitude", "error"),
         ["positions ra, dec", "id star_id",
          "light curves time, magnitude +- error, band filter"]),
        (("coord_ra", "coord_dec"), "objectId", ("midpointMjdTai", "band", "psfFlux", "psfFluxErr"),
         ["positions coord_ra, coord_dec", "id objectId",
          "light curves midpointMjdTai (mjd, tai, topocenter), psfFlux +- psfFluxErr in nJy, "
          "band band"]),
    ],
)  # fmt: skip
def test_what_is_recognised_is_said(tmp_path, position, id, names, lines):
    report = run(
        tmp_path, STARS.rename_columns([id, *position]), EPOCHS.rename_columns([id, *names])
    )
    assert list(report.recognised) == lines
    assert set(lines) <= set(report.summary().splitlines())
    assert sky.open_catalog(tmp_path / "c").lightcurve(3).value.tolist() == [17.0]


def test_numbers_are_preferred_to_hours_as_text(tmp_path):
    stars = STARS.rename_columns(["objectId", "RAJ2000", "DEJ2000"])
    stars = stars.append_column("ra", pa.array(["00:40:00"] * 2)).append_column(
        "dec", pa.array(["+01:00:00"] * 2)
    )
    assert run(tmp_path, stars).recognised[0] == "positions RAJ2000, DEJ2000"


@pytest.mark.parametrize(
    ("given", "found"),
    [({"ra": "RA2"}, "RA2, dec"), ({"dec": "DEJ2000"}, "RAJ2000, DEJ2000"), ({}, "ra, dec")],
)
def test_one_given_coordinate_has_its_partner(tmp_path, given, found):
    stars = STARS
    for name in ("RA2", "RAJ2000", "DEJ2000"):
        stars = stars.append_column(name, STARS["dec"])
    assert run(tmp_path, stars, None, **given).recognised[0] == f"positions {found}"


def test_errors_that_are_not_recognised_are_told(tmp_path):
    rows = EPOCHS.rename_columns(["objectId", "mjd", "band", "mag", "total_sigma"])
    rows = rows.append_column("raErr", EPOCHS["mag"]).append_column("ra", EPOCHS["mag"])
    rows = rows.append_column("dec", EPOCHS["mag"])
    report = run(tmp_path, None, rows)
    assert "no error column was recognised" in report.recognised
    assert "looks like an error column and is not used: total_sigma" in report.recognised


def test_a_band_is_recognised_beside_columns_that_are_given(tmp_path):
    rows = EPOCHS.rename_columns(["objectId", "t0", "band", "V", "e_V"])
    report = run(tmp_path, lightcurves=rows, time="t0", mag="V")
    assert report.recognised[-1] == "light curves t0, V +- e_V, band band"


@pytest.mark.parametrize(
    ("objects", "sources"),
    [("id", "id"), ("objectId", "source_id"), ("id", "objectId"), ("star", "star")],
)
def test_an_id_that_may_be_another_is_asked_for(tmp_path, objects, sources):
    stars = STARS.rename_columns([objects, "ra", "dec"])
    rows = EPOCHS.rename_columns([sources, "mjd", "band", "mag", "magerr"])
    with pytest.raises(InputError, match="joined to their objects by id: give id="):
        run(tmp_path, stars, rows)
    assert run(tmp_path, stars, rows, id=objects, source_id=sources).epochs == 3


def test_no_id_without_light_curves(tmp_path):
    report = run(tmp_path, pa.concat_tables([STARS, STARS]), None)
    assert report.rows == 4
    assert report.recognised[1] == "no id (objectId looks like one: give id='objectId')"


@pytest.mark.parametrize("columns", [["kind", "mag"], "kind", ("objectId", "kind")])
def test_position_and_id_are_always_taken(tmp_path, columns):
    stars = STARS.append_column("kind", pa.array(["a", "b"])).append_column("mag", STARS["ra"])
    run(tmp_path, stars.append_column("left", STARS["ra"]), columns=columns)
    wanted = {"objectId", "ra", "dec", "lightcurve", *([columns] if columns == "kind" else columns)}
    assert set(sky.open_catalog(tmp_path / "c").columns) - {"_healpix_29"} == wanted


def test_named_columns_of_light_curves_are_always_taken(tmp_path):
    report = run(tmp_path, source_columns=["band"], mag="mag")
    assert report.recognised[2] == "light curves mjd (mjd), mag, band band"
    assert report.epochs == 3


@pytest.mark.parametrize(
    ("objects", "lightcurves", "options", "message"),
    [
        (None, EPOCHS, {"columns": ["nope"]}, "give source_columns="),
        (STARS, None, {"source_columns": ["mjd"]}, "lightcurves= is not given"),
        (STARS, None, {"source_id": "oid"}, "lightcurves= is not given"),
        (STARS, EPOCHS, {"columns": ["nope"]}, "'nope'"),
        (STARS, EPOCHS, {"columns": 5}, "columns must be names of columns, not 5"),
        (STARS, EPOCHS, {"id": 5}, "id must be text, not 5"),
        (STARS, EPOCHS, {"ra": ["ra"]}, "ra must be text"),
        (STARS, EPOCHS, {"max_bytes": 1.5}, "not a size in bytes: 1.5"),
        (STARS, EPOCHS, {"memory": b"1GB"}, "not a size in bytes"),
    ],
)
def test_arguments_of_wrong_kinds(tmp_path, objects, lightcurves, options, message):
    with pytest.raises(InputError, match=message):
        run(tmp_path, objects, lightcurves, **options)


def test_a_column_called_lightcurve_beside_none(tmp_path):
    stars = STARS.append_column("lightcurve", pa.array(["a", "b"]))
    assert run(tmp_path, stars, None).rows == 2


@pytest.mark.parametrize(
    ("column", "values", "kind", "note"),
    [
        ("mag", [99.99, 15.0, 99.99], pa.float64(), "'mag': 2 epochs have 99.99; .*s=99.99"),
        ("mag", [99.994, 15.0, -5.0], pa.float32(), "'mag': 1 epoch has 99.994; .*=99.994"),
        ("mag", [-999, 15, 16], pa.int32(), "'mag': 1 epoch has -999; .*=-999"),
        ("mag", [99.994, 15.0, 99.999], pa.float64(), r"99.994 or 99.999; .*=\[99.994, 99.999\]"),
        ("mag", [29.999, 15.0, 15.0], pa.float64(), "'mag': 1 epoch has 29.999"),
        ("magerr", [9.999, 0.1, 0.1], pa.float64(), "'magerr': 1 epoch has 9.999"),
        ("magerr", [-1.0, 0.1, 0.1], pa.float64(), "'magerr': 1 epoch has -1; .*=-1"),
        ("magerr", [0.0, 0.1, 0.0], pa.float64(), "'magerr': 2 epochs have an error of 0"),
        ("mjd", [60000.0, 60001.0, -999.0], pa.float64(), "'mjd': 1 epoch has -999"),
    ],
)  # fmt: skip
def test_values_that_stand_for_none_are_told(tmp_path, column, values, kind, note):
    rows = with_column(EPOCHS, column, pa.array(values, kind))
    report = run(tmp_path, lightcurves=rows)
    found = [text for text in report.notes if re.search("epochs? ha", text)]
    assert len(found) == 1
    assert re.search(note, found[0])


def test_what_is_told_can_be_given(tmp_path):
    rows = with_column(EPOCHS, "mag", pa.array([99.994, 15.0, 16.0], pa.float32()))
    (note,) = [note for note in run(tmp_path, lightcurves=rows).notes if "null_values" in note]
    value = float(note.rpartition("=")[2])
    report = run(tmp_path, lightcurves=rows, null_values=value, overwrite=True)
    assert not any("null_values" in note for note in report.notes)
    assert [row["mag"] for row in epochs(tmp_path)] == [15.0, None, 16.0]


def test_plain_values_are_not_told(tmp_path):
    rows = FLUXES
    for name, values in (("flux", [-98.0, 1e6, 99.99]), ("flux_err", [99.0, 9.99, 1e5])):
        rows = with_column(rows, name, values)
    report = run(tmp_path, lightcurves=rows)
    assert not any(re.search("epochs? ha", note) for note in report.notes)


@pytest.mark.parametrize("dec", [90.00000000000001, -90.00000000000001])
def test_the_digits_of_a_declination_are_shown(tmp_path, dec):
    stars = with_column(STARS, "dec", [dec, 1.0])
    with pytest.raises(InputError, match=f"dec = {dec!r} is not a declination"):
        run(tmp_path, stars, None)


def test_a_flag_is_no_text(tmp_path):
    rows = with_column(EPOCHS, "quality", ["G", "B", "G"])
    assert "flag" not in " ".join(run(tmp_path, lightcurves=rows).recognised)
    with pytest.raises(SchemaError, match=r"'quality' \(flag\) is string; a flag is true or false"):
        run(tmp_path, lightcurves=rows, flag="quality", overwrite=True)


def test_half_precision(tmp_path):
    rows = with_column(EPOCHS, "mag", pa.array(np.array([15.5, 16.25, 17.0], np.float16)))
    run(tmp_path, lightcurves=rows)
    assert [row["mag"] for row in epochs(tmp_path)] == [16.25, 15.5, 17.0]


@pytest.mark.parametrize("empty", ["objects", "lightcurves"])
def test_files_without_rows(tmp_path, empty):
    stars, rows = tmp_path / "o.csv", tmp_path / "s.csv"
    stars.write_text("star,ra,dec\n" + ("" if empty == "objects" else "a1,10,20\n"))
    rows.write_text("star,mjd,mag\n" + ("" if empty == "lightcurves" else "a1,60000,15\n"))
    report = run(tmp_path, stars, rows, id="star")
    assert (report.rows, report.sources) == ((0, 1) if empty == "objects" else (1, 0))
    assert pa.types.is_string(field(tmp_path, "star").type)


def test_the_cell_that_is_no_number_is_named(tmp_path):
    (tmp_path / "o.csv").write_text("star,ra,dec\n1,10,20\n")
    (tmp_path / "s.csv").write_text("star,mjd,mag\n1,60000,15\n1,60001,>17.1\n")
    with pytest.raises(
        SchemaError, match=r"'mag' \(mag\) is string.*null_values=.*line 3.*'>17.1'"
    ):
        run(tmp_path, tmp_path / "o.csv", tmp_path / "s.csv", id="star")
    (tmp_path / "o.csv").write_text("star,ra,dec\n1,00:40:00,20\n")
    with pytest.raises(SchemaError, match=r"'ra' is string.*o\.csv, line 2.*'00:40:00'"):
        run(tmp_path, tmp_path / "o.csv", None)


def test_bands_that_are_all_missing_are_no_numbers(tmp_path):
    (tmp_path / "s.csv").write_text("objectId,mjd,mag,band\n1,60000,15,\n3,60001,16,\n")
    run(tmp_path, lightcurves=tmp_path / "s.csv")
    found = sky.open_catalog(tmp_path / "c").features(["nObs", "Mean"])
    assert found.to_arrow()["nObs"].to_pylist() == [0, 0]
