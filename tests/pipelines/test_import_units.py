"""Units come in as those that are needed, or are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable

import skyseries as sky
from skyseries.errors import InputError
from tests.pipelines.meaning import EPOCHS, FLUXES, STARS, epochs, field, run, with_column
from tests.pipelines.survey import small_parts


@pytest.fixture(autouse=True)
def _small():
    with small_parts():
        yield


@pytest.mark.parametrize(
    ("suffix", "unit"),
    [
        *(("parquet", unit) for unit in ("rad", "hourangle", "arcsec", "mas", "radian", "Deg")),
        ("fits", "rad"), ("fits", "arcmin"), ("ecsv", "hourangle"), ("vot", "arcsec"),
    ],
)  # fmt: skip
def test_positions_become_degrees(tmp_path, suffix, unit):
    known = {"radian": u.rad, "Deg": u.deg}.get(unit) or u.Unit(unit)
    angles = [(STARS[name].to_numpy() * u.deg).to(known) for name in ("ra", "dec")]
    if suffix == "parquet":
        said = with_column(STARS, "ra", angles[0].value, unit=unit)
        run(tmp_path, with_column(said, "dec", angles[1].value, unit=unit), None)
    else:
        kind = {"vot": "votable", "ecsv": "ascii.ecsv"}.get(suffix, suffix)
        table = QTable({"objectId": [3, 1], "ra": angles[0], "dec": angles[1]})
        table.write(tmp_path / f"o.{suffix}", format=kind)
        run(tmp_path, tmp_path / f"o.{suffix}", None)
    found = sky.open_catalog(tmp_path / "c").to_arrow().sort_by("objectId")
    np.testing.assert_allclose(found["ra"], [10.0, 30.0], rtol=1e-14)
    np.testing.assert_allclose(found["dec"], [1.0, 3.0], rtol=1e-14)
    assert u.Unit(field(tmp_path, "ra").metadata[b"unit"].decode().lower()) == u.deg


def test_positions_without_a_unit_get_it(tmp_path):
    report = run(tmp_path, lightcurves=None)
    assert [field(tmp_path, name).metadata for name in ("ra", "dec")] == [{b"unit": b"deg"}] * 2
    assert not any("converted" in note for note in report.notes)


def test_a_file_without_the_unit_of_the_others(tmp_path):
    parts = [EPOCHS.slice(0, 2), EPOCHS.slice(2)]
    for first, second in ((0, 1), (1, 0)):
        folder = tmp_path / f"s{first}"
        folder.mkdir()
        said = with_column(parts[first], "mjd", parts[first]["mjd"].combine_chunks(), unit="h")
        pq.write_table(said, folder / f"{first}.parquet")
        pq.write_table(parts[second], folder / f"{second}.parquet")
        with pytest.raises(InputError, match=rf"'mjd' is in h .*{second}\.parquet says no unit"):
            run(tmp_path, lightcurves=folder)
    said = with_column(parts[1], "mjd", parts[1]["mjd"].combine_chunks(), unit="d")
    pq.write_table(said, folder / "1.parquet")
    run(tmp_path, lightcurves=folder)
    assert epochs(tmp_path)[-1]["mjd"] == 60002.125


@pytest.mark.parametrize("suffix", ["ecsv", "parquet", "fits"])
@pytest.mark.parametrize("frame", ["icrs", "fk5", "galactic"])
def test_positions_in_a_frame(tmp_path, suffix, frame):
    given = {"equinox": "J1975"} if frame == "fk5" else {}
    coord = SkyCoord([30.0, 10.0] * u.deg, [3.0, 1.0] * u.deg, frame=frame, **given)
    path = tmp_path / f"o.{suffix}"
    QTable({"objectId": [3, 1], "coord": coord}).write(path)
    names = {"ra": "coord.l", "dec": "coord.b"} if frame == "galactic" else {}
    if frame != "icrs":
        with pytest.raises(InputError, match=f"'coord.*in the frame '{frame}'.* in ICRS"):
            run(tmp_path, path, None, **names)
        return
    assert "positions coord.ra, coord.dec" in run(tmp_path, path, None).recognised
    found = sky.open_catalog(tmp_path / "c").to_arrow().sort_by("objectId")
    assert found["coord.ra"].to_pylist() == [10.0, 30.0]


def test_whole_numbers_and_single_floats_are_converted(tmp_path):
    stars = with_column(STARS, "ra", pa.array([2, 1], pa.int16()), unit="hourangle")
    stars = with_column(stars, "dec", pa.array([1.5, 0.25], pa.float32()), unit="rad")
    report = run(tmp_path, stars, None)
    found = sky.open_catalog(tmp_path / "c").to_arrow().sort_by("objectId")
    assert found["ra"].to_pylist() == [15.0, 30.0]
    np.testing.assert_allclose(found["dec"], np.degrees([0.25, 1.5]), rtol=1e-7)
    assert "'ra' is converted from hourangle to deg" in report.notes


@pytest.mark.parametrize("kind", ["source", "derived", "orphans"])
def test_positions_of_epochs_become_degrees_too(tmp_path, kind):
    rows = EPOCHS
    for name, values in (("ra", [1.0, 1.0, 2.0]), ("dec", [0.0, 0.0, 0.0])):
        rows = with_column(rows, name, values, unit="hourangle" if name == "ra" else "rad")
    if kind == "source":
        run(tmp_path, rows, None, kind="source", id="objectId")
        where, wanted = tmp_path / "c", [15.0, 15.0, 30.0]
    elif kind == "derived":
        run(tmp_path, None, rows)
        where, wanted = tmp_path / "c", [15.0, 30.0]
    else:
        run(tmp_path, STARS.slice(1), rows)
        where, wanted = tmp_path / "c/v000001/orphans", [30.0]
    found = sky.open_catalog(where).to_arrow()["ra"].to_numpy()
    np.testing.assert_allclose(np.sort(found), wanted, rtol=1e-14)


@pytest.mark.parametrize(
    ("column", "unit", "factor"),
    [
        ("mjd", "h", 24.0), ("mjd", "s", 86400.0), ("mjd", "min", 1440.0),
        ("mjd", "yr", 1 / 365.25), ("mjd", "days", 1.0), ("mag", "mag(AB)", 1.0),
        ("mag", "mmag", 1e3), ("magerr", "mmag", 1e3),
    ],
)  # fmt: skip
def test_epochs_are_converted(tmp_path, column, unit, factor):
    rows = with_column(EPOCHS, column, np.array(EPOCHS[column]) * factor, unit=unit)
    stars: Any = STARS
    if unit == "mmag":  # objects that are made of their epochs
        stars = None
        rows = rows.append_column("ra", EPOCHS["mag"]).append_column("dec", EPOCHS["mag"])
    report = run(tmp_path, stars, rows)
    found = epochs(tmp_path)
    for name in ("mjd", "mag", "magerr"):
        wanted = [EPOCHS[name][i].as_py() for i in (1, 0, 2)]
        np.testing.assert_allclose([row[name] for row in found], wanted, rtol=1e-12)
    needed = "d" if column == "mjd" else "mag"
    told = f"{column!r} is converted from {unit} to {needed}" in report.notes
    assert told == (factor != 1)
    if factor != 1:
        catalog = sky.open_catalog(tmp_path / "c")
        metadata = catalog.dataset.field(f"lightcurve.{column}").metadata
        assert metadata[b"unit"] == needed.encode()


def with_units(flux: str, error: str) -> pa.Table:
    rows = FLUXES
    for name, unit in (("flux", flux), ("flux_err", error)):
        rows = with_column(
            rows, name, FLUXES[name].combine_chunks(), **({"unit": unit} if unit else {})
        )
    return rows


@pytest.mark.parametrize(
    ("flux", "error", "given", "unit", "factor"),
    [
        ("uJy", "nJy", None, "uJy", 1e-3), ("nJy", "uJy", "nJy", "nJy", 1e3),
        ("", "", "nJy", "nJy", 1), ("", "uJy", "nJy", "nJy", 1e3), ("uJy", "", None, "uJy", 1),
        ("adu", "adu", None, "adu", 1),
        ("foo", "foo", None, None, 1), ("uJy", "uJy", "microjansky", "uJy", 1),
        ("e-/s", "electron/s", None, "electron/s", 1),
    ],
)  # fmt: skip
def test_errors_of_fluxes_have_the_unit_of_the_fluxes(tmp_path, flux, error, given, unit, factor):
    run(tmp_path, lightcurves=with_units(flux, error), flux_unit=given)
    catalog = sky.open_catalog(tmp_path / "c")
    assert catalog.lightcurve_fields().flux_unit == unit
    curve = catalog.lightcurve(3)
    assert float(curve.value[0]) == 17.0
    assert float(curve.error[0]) == pytest.approx(0.3 * factor, rel=1e-12)


@pytest.mark.parametrize(
    ("flux", "error", "given", "message"),
    [
        ("uJy", "", "nJy", "flux_unit='nJy', but column 'flux' says that it is in 'uJy'"),
        ("", "nJy", None, "'flux' has no unit: give flux_unit="),
        ("nJy", "mag", None, "'flux_err' is in the unit 'mag'"),
        ("mag", "mag", None, "'flux' is in 'mag', so it is no flux: give it as mag="),
        ("", "", "njansky", "flux_unit='njansky' is no unit"),
    ],
)
def test_fluxes_that_contradict_themselves(tmp_path, flux, error, given, message):
    with pytest.raises(InputError, match=message):
        run(tmp_path, lightcurves=with_units(flux, error), flux_unit=given)


def test_the_unit_of_a_column_counts_more_than_its_name(tmp_path):
    """psfFlux is in nJy by its name; this one says otherwise."""
    rows = with_units("uJy", "uJy").rename_columns(
        ["objectId", "mjd", "band", "psfFlux", "psfFluxErr"]
    )
    run(tmp_path, lightcurves=rows)
    assert sky.open_catalog(tmp_path / "c").lightcurve_fields().flux_unit == "uJy"


@pytest.mark.parametrize(
    ("column", "unit"), [("mjd", "deg"), ("mjd", "foo"), ("mag", "nJy"), ("magerr", "s")]
)
def test_units_that_cannot_be(tmp_path, column, unit):
    rows = with_column(EPOCHS, column, EPOCHS[column].combine_chunks(), unit=unit)
    with pytest.raises(InputError, match=f"'{column}' is in the unit '{unit}'"):
        run(tmp_path, lightcurves=rows)
