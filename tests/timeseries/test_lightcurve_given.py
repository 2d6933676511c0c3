"""A light curve made of whatever users have, and what it says of itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time, TimeDelta
from astropy.utils.masked import Masked

from skyseries.errors import InputError
from skyseries.schema import LightCurveFields
from skyseries.tables import to_table
from skyseries.timeseries import LightCurve
from tests.timeseries.build import MAG

T = np.array([3.0, 1.0, 2.0, 7.0])
Y = np.array([15.0, 16.0, 15.5, 15.2])
E = np.full(4, 0.02)
B = ["g", "r", "g", "r"]
FLUX = LightCurveFields(time="t", flux="flux", flux_err="e")
JD = LightCurveFields(time="jd", mag="psfMag", time_format="jd", time_scale="tai")
START = Time(59000.0, format="mjd", scale="utc")
SECONDS = 37 / 86400  # between UTC and TAI


@pytest.mark.parametrize(
    "make",
    [
        list, tuple, np.array, pd.Series, pl.Series, pa.array, np.ma.array, lambda x: x * u.one,
        lambda x: pa.chunked_array([x[:1], x[1:]]),
    ],
)  # fmt: skip
def test_containers(make: Any) -> None:
    curve = LightCurve(make(T), make(Y), MAG, make(E), pa.array(B) if make is pa.array else list(B))
    for found, right in ((curve.time, T), (curve.value, Y), (curve.error, E)):
        assert type(found) is np.ndarray
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found, right)
    assert curve.bands is not None
    assert curve.bands.tolist() == B
    assert curve.band("g").value.tolist() == [15.0, 15.5]
    assert curve.usable.all()


def test_masked_and_missing_epochs_are_left_out() -> None:
    gone = [False, True, False, False]
    bands = [None, "g", "g", np.nan]
    for mask in (lambda x: np.ma.array(x, mask=gone), lambda x: Masked(x, mask=gone)):
        assert LightCurve(T, mask(Y), MAG).usable.tolist() == [True, False, True, True]
        assert LightCurve(mask(T), Y, MAG).usable.tolist() == [True, False, True, True]
        assert LightCurve(T, Y, MAG, mask(E)).usable.tolist() == [True, False, True, True]
    curve = LightCurve(T, Y, MAG, bands=bands)
    assert curve.bands is not None
    assert curve.bands.tolist() == [None, "g", "g", None]
    assert curve.usable.tolist() == [False, True, True, False]
    assert "2 epochs" not in repr(curve)


@pytest.mark.parametrize(
    "flag",
    [
        [True, False, None, False], np.array([1, 0, 0, 0]), np.array([4.0, 0.0, np.nan, 0.0]),
        np.ma.array([True, False, True, False], mask=[0, 0, 1, 0]),
        pd.Series([True, False, None, False], dtype="boolean"),
        pl.Series([True, False, None, False]),
        pa.array([1, 0, None, 0]),
    ],
)  # fmt: skip
def test_flags(flag: Any) -> None:
    curve = LightCurve(T, Y, MAG, flag=flag)
    assert curve.flag is not None
    assert curve.flag.dtype == np.bool_
    assert curve.flag.tolist() == [True, False, False, False]


def test_units() -> None:
    curve = LightCurve(T * 24 * u.h, Y * 1000 * u.mmag, MAG, 20 * u.mmag, "g")
    np.testing.assert_allclose(curve.time, T)
    np.testing.assert_allclose(curve.value, Y)
    assert curve.error is not None
    np.testing.assert_allclose(curve.error, E)
    assert curve.bands is not None
    assert curve.bands.tolist() == ["g"] * 4
    flux = LightCurve(T, Y * u.uJy, FLUX, E * 1000 * u.nJy)
    assert flux.fields.flux_unit == "uJy"
    np.testing.assert_allclose(flux.error, E)  # type: ignore[arg-type]
    njy = LightCurve(T, Y * u.uJy, FLUX.override(flux_unit="nJy"), E * 1000 * u.nJy)
    np.testing.assert_allclose(njy.value, 1000 * Y)
    np.testing.assert_allclose(njy.error, 1000 * E)  # type: ignore[arg-type]
    single = LightCurve(T, Y.astype("f4") * u.mag, MAG, E.astype("f4"))
    assert single.value.dtype == np.float32
    assert single.error is not None
    assert single.error.dtype == np.float32


def test_dates_come_to_the_format_of_the_fields() -> None:
    times = START + T * u.d
    bare = LightCurve(times, Y, MAG)
    np.testing.assert_allclose(bare.time, 59000 + T, rtol=1e-15)
    assert (bare.fields.time_format, bare.fields.time_scale) == ("mjd", "utc")
    in_jd = LightCurve(times, Y, JD)
    np.testing.assert_allclose(in_jd.time - 2459000.5, T + SECONDS, atol=1e-9)
    for dates in (
        times.datetime64,
        list(times.datetime),
        times.isot.tolist(),
        pd.Series(times.datetime64),
    ):
        curve = LightCurve(dates, Y, JD)
        np.testing.assert_allclose(curve.time - 2459000.5, T, atol=1e-9)
    for lengths in (TimeDelta(T, format="jd"), (T * 86400).astype("m8[s]")):
        assert LightCurve(lengths, Y, MAG).time.tolist() == T.tolist()


def test_positions() -> None:
    curve = LightCurve(T, Y, MAG, ra=10 * u.hourangle, dec=0.5 * u.rad)
    assert (curve.ra, curve.dec) == pytest.approx((150.0, np.degrees(0.5)))
    whole = LightCurve(T, Y, MAG, id=np.uint64(2**63 + 1))
    assert (type(whole.id), whole.id) == (int, 2**63 + 1)
    curve = LightCurve(T, Y, MAG, ra=SkyCoord(10, 20, unit="deg"))
    assert (curve.ra, curve.dec) == pytest.approx((10.0, 20.0))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"value": Y[1:]}, "value has shape"), ({"time": [T]}, "times must be a row"),
        ({"time": "abc"}, "time must be"), ({"time": T * u.m}, "time is in the unit 'm'"),
        ({"value": Y * u.nJy}, "value is in the unit 'nJy'"), ({"value": None}, "value must be"),
        ({"value": Y + 1j}, "complex"), ({"error": E * u.s}, "error is in the unit 's'"),
        ({"error": 0.0}, "error must be above zero"), ({"bands": [True] * 4}, "bands must be"),
        ({"bands": ["g"]}, "bands has shape"), ({"flag": ["a"] * 4}, "flag must be"),
        ({"ra": 1, "dec": 93.0}, "within ±90"), ({"id": 3.0}, "an id is"),
        ({"id": True}, "an id is"),
        ({"ra": "a"}, "ra must be a number"), ({"dec": 1 * u.m}, "dec is in the unit 'm'"),
    ],
)  # fmt: skip
def test_what_is_refused(parts: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        LightCurve(**{"time": T, "value": Y, "fields": MAG, **parts})


def test_from_a_mapping_with_units() -> None:
    row = {"mjd": T * 24, "band": B, "mag": Y * u.mag, "magerr": E * 1000}
    curve = LightCurve.from_struct(row, MAG, units={"mjd": "h", "magerr": "mmag"})
    np.testing.assert_allclose(curve.time, T)
    np.testing.assert_allclose(curve.error, E)  # type: ignore[arg-type]


def test_periods_and_epochs_of_folds() -> None:
    curve = LightCurve(START + T * u.d, Y, JD)
    right = curve.fold(2.0, epoch=2459001.5)
    for period in (48 * u.h, dt.timedelta(days=2), TimeDelta(2, format="jd"), np.float32(2)):
        folded = curve.fold(period, epoch=2459001.5)
        assert folded.period == 2.0
        np.testing.assert_array_equal(folded.phase, right.phase)
    for epoch in (START + 1 * u.d - SECONDS * u.d, (START + 1 * u.d).tai - SECONDS * u.d):
        assert curve.fold(2.0, epoch).epoch == pytest.approx(2459001.5, abs=1e-8)
    assert curve.fold(2.0, dt.datetime(2020, 6, 1)).epoch == pytest.approx(2459001.5)
    for wrong in ("best", None, True, 5 * u.m, Time(5, format="mjd"), [2.0], 0, np.nan):
        with pytest.raises(InputError, match="period"):
            curve.fold(wrong)
        if wrong is not None:
            with pytest.raises(InputError, match="period"):
                curve.plot(wrong)
    for wrong in ("a", np.nan, True, 5 * u.m):
        with pytest.raises(InputError, match="epoch"):
            curve.fold(2.0, wrong)
    with pytest.raises(InputError, match="format of the times is not known"):
        LightCurve(T, Y, MAG).fold(2.0, START)


def test_bands_are_asked_for_as_they_are_given() -> None:
    curve = LightCurve(T, Y, MAG, bands=[1, 2, 1, 2])
    for band in (1, 1.0, np.int8(1)):
        assert curve.band(band).value.tolist() == [15.0, 15.5]
    for wrong in (None, np.nan, True, [1, 2], 1.5):
        with pytest.raises(InputError):
            curve.band(wrong)
    assert LightCurve(T, Y, MAG, bands=B).band(b"g ").value.tolist() == [15.0, 15.5]


def test_features_of_a_light_curve_are_told_once() -> None:
    curve = LightCurve(T, Y, MAG, E, B)
    assert curve.features([]) == curve.features(["Mean"], bands=[]) == {}
    with pytest.warns(UserWarning, match="no epochs in band 'z'") as told:
        assert curve.features(["Mean"], bands=["z"]) == {"z_magMean": None}
    assert len(told) == 1
    for search in (curve.features, curve.periods):
        with pytest.raises(InputError, match="barycentric must be True or False, not 'no'"):
            search(barycentric="no")


def test_tables_say_units_and_times() -> None:
    curve = LightCurve(START + T * u.d, Y * u.uJy, FLUX, E * u.uJy)
    schema = curve.to_arrow().schema
    assert schema.field("t").metadata == {
        b"unit": b"d", b"time_format": b"mjd", b"time_scale": b"utc"
    }  # fmt: skip
    assert schema.field("flux").metadata == schema.field("e").metadata == {b"unit": b"uJy"}
    assert curve.to_pandas().attrs["units"] == {"t": "d", "flux": "uJy", "e": "uJy"}
    assert to_table(curve.to_arrow()).schema.field("flux").metadata[b"unit"] == b"uJy"
    plain = LightCurve(T, Y, FLUX).to_arrow().schema
    assert not plain.field("flux").metadata


@pytest.mark.parametrize(
    ("fields", "x", "y"),
    [
        (MAG, "mjd [d]", "magnitude [mag]"), (JD, "JD TAI [d]", "psfMag [mag]"),
        (FLUX, "t [d]", "flux"), (FLUX.override(flux_unit="uJy"), "t [d]", "flux [uJy]"),
        (JD.override(time_format="jd-2450000"), "JD-2450000 TAI [d]", "psfMag [mag]"),
    ],
)  # fmt: skip
def test_plots_say_what_they_show(fields: LightCurveFields, x: str, y: str) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    for period in (None, 48 * u.h):
        ax = LightCurve(T, Y, fields).plot(period)
        assert ax.get_xlabel() == (x if period is None else "phase (period 2 d)")
        assert ax.get_ylabel() == y
        plt.close(ax.figure)
