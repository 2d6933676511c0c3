"""The simulated cadence beside a published simulation of LSST's."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from skyseries.errors import InputError
from skyseries.photometry import UGRIZY
from skyseries.spatial.sphere import separation_arcsec
from skyseries.timeseries.simulate import Cadence, lsst_cadence
from skyseries.timeseries.simulate.ephemeris import altitude, moon, sun

FIELDS = [(ra, dec) for ra in (5.0, 95.0, 185.0, 275.0) for dec in (-31.5, 0.0)]


@pytest.fixture(scope="module")
def ten_years() -> list[Cadence]:
    return [lsst_cadence(*f, years=10, seed=1, visits_per_year=90.0) for f in FIELDS]


def test_sun_and_moon_agree_with_astropy():
    from astropy.coordinates import get_body, get_sun
    from astropy.time import Time

    mjd = 61_000.0 + np.linspace(0.0, 700.0, 40)
    times = Time(mjd, format="mjd", scale="utc")
    true_sun, true_moon = get_sun(times), get_body("moon", times)
    place, illuminated = moon(mjd)
    # apparent places of date against ICRS: a third of a degree in 2026
    assert separation_arcsec(*sun(mjd), true_sun.ra.deg, true_sun.dec.deg).max() < 0.45 * 3600
    assert separation_arcsec(*place, true_moon.ra.deg, true_moon.dec.deg).max() < 2.0 * 3600
    elongation = np.radians(true_sun.separation(true_moon, origin_mismatch="ignore").deg)
    np.testing.assert_allclose(illuminated, 0.5 * (1 - np.cos(elongation)), atol=0.03)


def test_altitude_agrees_with_astropy():
    import astropy.units as u
    from astropy.coordinates import AltAz, EarthLocation, SkyCoord
    from astropy.time import Time

    place = EarthLocation(lon=-70.7494 * u.deg, lat=-30.2446 * u.deg, height=2650 * u.m)
    mjd = 61_100.0 + np.linspace(0.0, 1.0, 12)
    frame = AltAz(obstime=Time(mjd, format="mjd"), location=place)
    expected = SkyCoord(150.0, -20.0, unit="deg").transform_to(frame).alt.deg
    np.testing.assert_allclose(altitude(150.0, -20.0, mjd), expected, atol=0.5)


def test_band_shares_and_depths_are_like_the_published_ones(ten_years, shared_data):
    real = pq.read_table(shared_data / "lsst_cadence.parquet").to_pandas()
    band = np.concatenate([c.band_name for c in ten_years])
    m5 = np.concatenate([c.m5 for c in ten_years])
    for name in UGRIZY:
        share, real_share = np.mean(band == name), np.mean(real["band"] == name)
        assert share == pytest.approx(real_share, abs=0.03), name
        # that simulation is of 2008: the y filter was another one then
        depth, real_depth = m5[band == name].mean(), real.m5[real.band == name].mean()
        assert depth == pytest.approx(real_depth, abs=0.5), name
        assert 0.1 < m5[band == name].std() < 0.5


def season_gaps(time):
    gaps = np.diff(np.sort(time))
    return gaps[gaps > 90.0]


def test_number_and_seasons_are_like_the_published_ones(ten_years, shared_data):
    real = pq.read_table(shared_data / "lsst_cadence.parquet").to_pandas()
    real_gaps = [season_gaps(visits.mjd) for _, visits in real.groupby(["field", "dec"])]
    gaps = [season_gaps(c.time) for c in ten_years]
    assert [len(c) for c in ten_years] == [900] * len(ten_years)
    assert all(9 <= g.size <= 10 for g in gaps)
    longest, shortest = np.concatenate(real_gaps).max(), np.concatenate(real_gaps).min()
    assert all(shortest < np.median(g) < longest for g in gaps)
    typical = np.median(np.concatenate(real_gaps))
    assert np.median(np.concatenate(gaps)) == pytest.approx(typical, rel=0.2)


def test_visits_come_in_pairs_at_night_above_the_horizon(ten_years):
    for (ra, dec), c in zip(FIELDS, ten_years, strict=True):
        assert (np.diff(c.time) >= 0).all()
        # a pair's second visit may start a little after the last usable quarter of an hour
        assert (altitude(ra, dec, c.time) > 25.0).all()
        place = sun(c.time)
        assert (altitude(place.ra, place.dec, c.time) < -10.0).all()
        nearest = np.minimum(np.diff(c.time, prepend=-1), np.diff(c.time, append=1e9)) * 1440
        assert np.mean(nearest < 61.0) > 0.99
        assert 25.0 < np.median(nearest) < 40.0


def test_no_u_under_a_bright_moon(ten_years):
    for c in ten_years:
        place, illuminated = moon(c.time)
        bright = (illuminated > 0.75) & (altitude(place.ra, place.dec, c.time) > 20.0)
        assert bright.sum() > 50
        assert np.mean(c.band[bright] == 0) < 0.02
        assert np.mean(c.band[bright] >= 3) > 0.7


def test_a_seed_is_a_cadence_and_weather_is_shared():
    one, same = (lsst_cadence(53.0, -28.0, seed=7) for _ in range(2))
    np.testing.assert_array_equal(one.time, same.time)
    np.testing.assert_array_equal(one.m5, same.m5)
    assert not np.array_equal(one.time, lsst_cadence(53.0, -28.0, seed=8).time)
    other = lsst_cadence(60.0, -30.0, seed=7)
    assert not np.array_equal(one.time, other.time)
    # a year of visits every night it is possible: the same nights are clouded out for both
    nights = [
        set(np.floor(lsst_cadence(ra, -30.0, years=1, seed=7, visits_per_year=800).time - 0.6))
        for ra in (53.0, 60.0)
    ]
    common = range(int(max(map(min, nights))), int(min(map(max, nights))) + 1)
    lost = [{n for n in common if n not in field} for field in nights]
    assert len(lost[0] & lost[1]) > 0.6 * max(len(lost[0]), len(lost[1])) > 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ra": 10.0, "dec": 60.0}, "never stands"),
        ({"ra": np.nan, "dec": 0.0}, "never stands"),
        ({"ra": 10.0, "dec": np.nan}, "never stands"),
        ({"ra": 10.0, "dec": 0.0, "years": 0.0}, "above zero"),
        ({"ra": 10.0, "dec": 0.0, "visits_per_year": -1.0}, "above zero"),
        ({"ra": 100.0, "dec": 0.0, "years": 0.08, "start_mjd": 61_220.0}, "no clear night"),
    ],
)
def test_impossible_requests_are_errors(arguments, message):
    with pytest.raises(InputError, match=message):
        lsst_cadence(**arguments, seed=1)
