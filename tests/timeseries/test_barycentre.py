"""Times at the solar-system barycentre, against astropy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import EarthLocation, SkyCoord, solar_system_ephemeris
from astropy.time import Time
from astropy.utils import iers

from skyseries.errors import InputError
from skyseries.timeseries import barycentric_times, compute_features, compute_periods
from skyseries.timeseries.barycentre import RUBIN
from tests.timeseries.build import FLUX, MAG, column

PALOMAR = (-116.865, 33.3563, 1712.0)
TOPOCENTRIC = FLUX.override(time_format="mjd", time_scale="tai", refposition="topocenter")
MILLISECOND = 1e-3


def by_astropy(
    t: Any, ra: Any, dec: Any, scale: str, place: Any = RUBIN, format: str = "mjd"
) -> Time:
    lon, lat, height = place
    location = EarthLocation.from_geodetic(lon * u.deg, lat * u.deg, height * u.m)
    no_download = (
        iers.conf.set_temp("auto_download", False),
        iers.conf.set_temp("auto_max_age", None),
    )
    with warnings.catch_warnings(), no_download[0], no_download[1]:
        warnings.simplefilter("ignore")  # years to come, whose leap seconds are not known
        time = Time(t, format=format, scale=scale, location=location)
        with solar_system_ephemeris.set("builtin"):
            delay = time.light_travel_time(SkyCoord(ra * u.deg, dec * u.deg), "barycentric")
        return time.tdb + delay


def positions(n: int, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))


@pytest.mark.parametrize("scale", ["tai", "utc", "tt", "tdb"])
@pytest.mark.parametrize(
    ("low", "high"), [(42000, 51000), (57753.8, 57754.2), (60000, 63650), (66000, 68000)],
    ids=["1974", "a leap second", "LSST", "2040"],
)  # fmt: skip
def test_as_astropy_says(scale: str, low: float, high: float) -> None:
    ra, dec = positions(400)
    t = np.random.default_rng(1).uniform(low, high, 400)
    found = barycentric_times(t, ra, dec, time_scale=scale)
    difference = (found - by_astropy(t, ra, dec, scale).mjd) * 86400
    assert np.abs(difference).max() < 0.02 * MILLISECOND


def test_in_a_leap_second() -> None:
    t = 57753 + np.array([86399.0, 86400.0, 86400.5, 86401.0 - 1e-4]) / 86401
    difference = (
        barycentric_times(t, 10.0, 20.0, time_scale="utc") - by_astropy(t, 10.0, 20.0, "utc").mjd
    )
    assert np.abs(difference).max() * 86400 < 0.02 * MILLISECOND


def test_julian_dates_and_other_places() -> None:
    ra, dec = positions(50)
    t = 2460000.5 + np.linspace(0, 1000, 50)
    place = EarthLocation.from_geodetic(
        *(x * unit for x, unit in zip(PALOMAR, (u.deg, u.deg, u.m), strict=True))
    )
    for location in (PALOMAR, place):
        found = barycentric_times(t, ra, dec, time_format="jd", time_scale="utc", location=location)
        difference = found - by_astropy(t, ra, dec, "utc", PALOMAR, "jd").jd
        assert np.abs(difference).max() * 86400 < 0.2 * MILLISECOND  # the digits of a JD
    rubin = barycentric_times(t, ra, dec, time_format="jd", time_scale="utc")
    assert 1 < np.abs(rubin - found).max() * 86400 / MILLISECOND < 45


def test_shapes_and_what_is_not_finite() -> None:
    assert barycentric_times(60000.0, 10, 20, time_scale="tai").shape == ()
    t = [60000.0, np.nan, np.inf, 1e300, -5.0]
    found = barycentric_times(t, 10, 20, time_scale="tai")
    assert np.isfinite(found).tolist() == [True, False, False, False, False]
    found = barycentric_times([60000.0, 60001.0], [10, np.nan], [20, 20], time_scale="tai")
    assert np.isfinite(found).tolist() == [True, False]
    assert barycentric_times([], 10, 20, time_scale="tai").shape == (0,)


@pytest.mark.parametrize(
    ("t", "options", "said"),
    [
        ([2460000.5], {}, "no time of the years 1900 to 2100"),
        ([60000.0], {"time_scale": "ut1"}, "time_scale must be one of"),
        ([60000.0], {"time_format": "unix"}, "time_format must be"),
        ([40000.0], {"time_scale": "utc"}, "from 1972 on"),
        ([60000.0], {"location": "Palomar"}, "location is an EarthLocation"),
        ([60000.0, 60001.0, 60002.0], {"ra": [1, 2]}, r"as many as times \(3\)"),
    ],
)
def test_what_is_refused(t: Any, options: dict[str, Any], said: str) -> None:
    given = {"ra": 10.0, "dec": 20.0, "time_scale": "tai"} | options
    with pytest.raises(InputError, match=said):
        barycentric_times(t, **given)


def test_a_time_has_its_own_scale_and_format() -> None:
    ra, dec = positions(5)
    t = np.linspace(59000, 59500, 5)
    right = barycentric_times(t, ra, dec, time_scale="tai")
    time = Time(t, format="mjd", scale="tai")
    for given in (time, list(time)):
        np.testing.assert_array_equal(barycentric_times(given, ra, dec), right)
    jd = Time(t + 2400000.5, format="jd", scale="tai")
    np.testing.assert_allclose(barycentric_times(jd, ra, dec), right + 2400000.5, rtol=1e-15)
    in_iso = Time(jd.iso, scale="tai")
    np.testing.assert_allclose(barycentric_times(in_iso, ra, dec), right, rtol=1e-13)
    dates = jd.datetime64
    np.testing.assert_allclose(
        barycentric_times(dates, ra, dec, time_scale="tai", time_format="JD"),
        right + 2400000.5, rtol=1e-13,
    )  # fmt: skip
    lon, lat, height = PALOMAR
    place = EarthLocation.from_geodetic(lon * u.deg, lat * u.deg, height * u.m)
    there = Time(t, format="mjd", scale="tai", location=place)
    np.testing.assert_array_equal(
        barycentric_times(there, ra, dec),
        barycentric_times(t, ra, dec, time_scale="tai", location=PALOMAR),
    )


@pytest.mark.parametrize(
    ("name", "zero"),
    [("JD", -2400000.5), ("rjd", -0.5), ("tjd", 40000.0), ("jd-2450000", 49999.5),
     ("JD - 2457000", 56999.5), ("jd-2454833", 54832.5)],
)  # fmt: skip
def test_zero_points(name: str, zero: float) -> None:
    t = np.linspace(59000, 59500, 5)
    found = barycentric_times(t - zero, 10.0, 20.0, time_format=name, time_scale="UTC")
    right = barycentric_times(t, 10.0, 20.0, time_scale="utc")
    np.testing.assert_allclose(found + zero, right, atol=1e-9)
    fields = TOPOCENTRIC.override(time_format=name)
    row = {"time": t - zero, "band": ["r"] * 5, "value": [1.0] * 5, "error": [1.0] * 5}
    table = compute_features(
        column([row], FLUX), fields, ["firstTime"], barycentric=True, ra=[10.0], dec=[20.0]
    )
    tai = barycentric_times(t[:1], 10.0, 20.0, time_scale="tai")
    np.testing.assert_allclose(table["firstTime"].to_numpy() + zero, tai, atol=1e-9)


def test_positions_and_places_with_units() -> None:
    t, right = [59000.0], barycentric_times([59000.0], 150.0, 20.0, time_scale="utc")
    given = [(10 * u.hourangle, (20 * u.deg).to(u.rad)), (SkyCoord(150, 20, unit="deg"), None)]
    for ra, dec in [
        *given,
        ([150] * u.deg, [20] * u.deg),
        (SkyCoord([150], [20], unit="deg"), None),
    ]:
        np.testing.assert_allclose(barycentric_times(t, ra, dec, time_scale="utc"), right)
    lon, lat, height = RUBIN
    place = (lon * u.deg, (lat * u.deg).to(u.rad), (height * u.m).to(u.km))
    found = barycentric_times(t, 150.0, 20.0, time_scale="utc", location=place)
    np.testing.assert_allclose(found, right, rtol=1e-15)
    masked = barycentric_times(np.ma.array([59000.0, 1.0], mask=[0, 1]), 150, 20, time_scale="utc")
    assert masked[0] == right[0]
    assert np.isnan(masked[1])
    made = column([{"time": t, "band": ["r"], "value": [1.0], "error": [1.0]}], FLUX)
    tables = [
        compute_features(made, TOPOCENTRIC, ["firstTime"], barycentric=True, ra=ra, dec=dec)
        for ra, dec in (([150.0], [20.0]), *[(np.atleast_1d(ra), dec) for ra, dec in given[1:]])
    ]
    assert tables[0].equals(tables[1])


@pytest.mark.parametrize(
    ("t", "options", "said"),
    [
        ([59000.0], {"dec": 95.0}, r"declination 95\.0 is beyond"),
        ([59000.0], {"dec": -90.1}, r"declination -90\.1 is beyond"),
        ([59000.0], {"ra": 10 * u.m}, "ra is in the unit 'm'"),
        ([59000.0], {"time_scale": None}, "give time_scale=, one of utc, tai, tt, tdb"),
        ([2459000.5], {"time_format": "bjd", "time_scale": None}, "barycenter already"),
        ([9000.5], {"time_format": "BTJD", "time_scale": None}, "barycenter already"),
        ([2459000.5], {"time_format": "HJD"}, "heliocenter already"),
        (Time([59000.0], format="mjd", scale="utc"), {}, "Time in UTC, but time_scale is 'tai'"),
        (Time([59000.0], format="mjd", scale="tai"), {"time_format": "jd"}, "Time in MJD, but"),
        (Time([59000.0], format="mjd", scale="tcb"), {"time_scale": None}, "not 'tcb'"),
        (["a"], {}, "t must be days, or dates"),
        ([59000.0], {"location": (1, 100, 2)}, "no place"),
        ([59000.0], {"location": (1, "a", 2)}, "latitude of the location"),
        ([59000.0], {"location": (1, 2)}, "location is an EarthLocation"),
    ],
)
def test_what_contradicts_itself(t: Any, options: dict[str, Any], said: str) -> None:
    given = {"ra": 10.0, "dec": 20.0, "time_scale": "tai"} | options
    with pytest.raises(InputError, match=said):
        barycentric_times(t, **given)


def test_heliocentric_times_are_not_corrected_twice() -> None:
    made = column([None], MAG)
    fields = MAG.override(time_format="HJD", time_scale="utc")
    for compute in (compute_features, compute_periods):
        with pytest.raises(InputError, match="heliocentric") as raised:
            compute(made, fields, barycentric=True, ra=[1.0], dec=[2.0])
        assert "topocenter" not in str(raised.value)
    compute_features(made, fields)


# --- light curves -------------------------------------------------------------------------------

PERIOD = 600 / 86400


def binary(n: int = 250, years: float = 10.0, seed: int = 3) -> tuple[Any, Any, Any]:
    """Return observed times and magnitudes of a binary of ten minutes, and where it is."""
    rng = np.random.default_rng(seed)
    t = 60000 + np.sort(rng.uniform(0, 365.25 * years, n))
    place = (150.0, 2.2)
    at_home = by_astropy(t, *place, "tai").mjd
    mag = 18 + 0.3 * np.sin(2 * np.pi * (at_home - 60000) / PERIOD) + rng.normal(0, 0.05, n)
    return t, mag, place


def test_a_short_binary_is_found_only_at_the_barycentre() -> None:
    fields = MAG.override(time_format="mjd", time_scale="tai", refposition="topocenter")
    t, mag, (ra, dec) = binary()
    row = {"time": t, "band": ["g", "r"] * (len(t) // 2), "value": mag, "error": [0.05] * len(t)}
    made = column([row, None], fields)
    limits = {"min_period": 0.99 * PERIOD, "max_period": 1.01 * PERIOD}
    before = compute_periods(made, fields, **limits)
    after = compute_periods(
        made, fields, **limits, barycentric=True, ra=[ra, np.nan], dec=[dec, 0.0]
    )
    error = [abs(1 / found["period"][0].as_py() - 1 / PERIOD) for found in (before, after)]
    span = np.ptp(t)
    assert error[0] > 1 / span > 10 * error[1]
    assert before["period_power"][0].as_py() < 0.3
    assert after["period_power"][0].as_py() > 0.9
    assert after["period"][1].as_py() is None


def test_features_have_the_moved_times() -> None:
    ra, dec = positions(5)
    rng = np.random.default_rng(4)
    rows = [
        {"time": 60000 + rng.uniform(0, 500, 9), "band": ["r"] * 9, "value": [1.0] * 9,
         "error": [1.0] * 9} for _ in range(5)
    ]  # fmt: skip
    made = column(rows, FLUX)
    found = compute_features(made, TOPOCENTRIC, ["firstTime"], barycentric=True, ra=ra, dec=dec)[
        "firstTime"
    ].to_numpy()
    first = np.array([np.min(row["time"]) for row in rows])
    assert np.abs(found - by_astropy(first, ra, dec, "tai").mjd).max() * 86400 < 0.02 * MILLISECOND
    centre = TOPOCENTRIC.override(refposition="geocenter")
    there = compute_features(made, centre, ["firstTime"], barycentric=True, ra=ra, dec=dec)
    difference = np.abs(there["firstTime"].to_numpy() - found).max() * 86400
    assert 0 < difference < 22 * MILLISECOND  # the radius of the Earth
    already = TOPOCENTRIC.override(refposition="barycenter")
    same = compute_features(made, already, ["firstTime"], barycentric=True)
    assert same["firstTime"].to_pylist() == first.tolist()


@pytest.mark.parametrize(
    ("role", "value", "said"),
    [
        ("refposition", None, r"not known.*set_lightcurve\(refposition='topocenter'\)"),
        ("refposition", "heliocenter", "are heliocentric"),
        ("time_scale", None, r"time_scale of .* is not known.*set_lightcurve\(time_scale="),
        ("time_format", None, "time_format of"),
        ("time_scale", "ut1", "one of utc"),
    ],
)
def test_times_that_cannot_be_moved(role: str, value: Any, said: str) -> None:
    import dataclasses

    fields = dataclasses.replace(TOPOCENTRIC, **{role: value})
    made = column([None], FLUX)
    for compute in (compute_features, compute_periods):
        with pytest.raises(InputError, match=said):
            compute(made, fields, barycentric=True, ra=[1.0], dec=[2.0])


def test_positions_are_needed() -> None:
    made = column([None, None], FLUX)
    with pytest.raises(InputError, match="needs the positions"):
        compute_features(made, TOPOCENTRIC, barycentric=True)
    with pytest.raises(InputError, match="1 positions"):
        compute_features(made, TOPOCENTRIC, barycentric=True, ra=[1.0], dec=[2.0])
