"""The IVOA's functions against the examples of their catalogue, astropy, cdshealpix and Python."""

import datetime as dt

import cdshealpix
import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.coordinates import FK5, BarycentricMeanEcliptic, SkyCoord
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from skyseries.adql import compute
from skyseries.adql.kernels.sky import FRAMES
from skyseries.errors import QueryError
from tests.adql.columns import calculated, table_of
from tests.examples import examples


@pytest.fixture(params=["arrow", "duckdb"], autouse=True)
def engine(request, monkeypatch):
    if request.param == "duckdb":
        monkeypatch.setattr(compute, "supported", lambda expression: False)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ivo_healpix_index(0, 1, 1)", 4),
        ("ivo_healpix_index(17, 1, 1)", 81609757711),
        ("ivo_healpix_index(17, 359, -1)", 73009064944),
        ("ivo_healpix_index(17, POINT('ICRS', 1, 1))", 81609757711),
        ("ivo_healpix_index(17, CENTROID(CIRCLE(359, -1, 3)))", 73009064944),
        ("ivo_healpix_index(30, 1, 1)", None),
        ("ivo_healpix_index(-1, 1, 1)", None),
        ("ivo_healpix_center(1, 48)", None),
        ("ivo_healpix_center(0, -1)", None),
        ("ivo_to_jd(CAST('2000-01-02T12:00:00' AS TIMESTAMP))", 2451546.0),
        ("ivo_to_jd('1910-12-31T06:00:00')", 2419036.75),
        ("ivo_to_mjd('1910-12-31T06:00:00')", 19036.25),
        ("ivo_to_mjd(NULL)", None),
        ("ivo_nocasematch('ABcabc', 'ab__bc')", 1),
        ("ivo_nocasematch('abcabc', '%BC')", 1),
        ("ivo_nocasematch('abcabc', 'ABCABC')", 1),
        ("ivo_nocasematch('abcabc', 'abcab')", 0),
        ("ivo_nocasematch(NULL, 'a')", None),
        ("ivo_hasword('Miller and Urey have', 'miller')", 1),
        ("ivo_hasword('shown that a primordial', 'soup')", 0),
        ("ivo_hasword('shown that a primordial', 'shown primordial')", 1),
        ("ivo_hasword('shown that a primordial', 'shown soup')", 0),
        ("ivo_hasword('it''s {0} näh', 'NÄH {0}')", 1),
        ("ivo_hasword(NULL, 'a')", None),
        ("ivo_hashlist_has('Red#green#blue', 'red')", 1),
        ("ivo_hashlist_has('red#green#blue', 'RED')", 1),
        ("ivo_hashlist_has('red#green#blue', 're')", 0),
        ("ivo_hashlist_has('red#green#blue', 'red#green')", 0),
        ("ivo_hashlist_has(NULL, 'red')", None),
        ("ivo_hashlist_has('red', NULL)", None),
        ("ivo_interval_overlaps(-3, -2, 2, 3)", 0),
        ("ivo_interval_overlaps(-2, 55.3, 2, 3)", 1),
        ("ivo_interval_overlaps(2, 3, -2, 55.3)", 1),
        ("ivo_interval_overlaps(-2, 55.3, 3, 2)", 0),
        ("ivo_interval_overlaps(-2, 2, 2, 3)", 1),
        ("ivo_interval_overlaps(1, 9007199254740992, 9007199254740993, 9007199254740994)", 0),
        ("ivo_interval_overlaps(1, 2.5, NULL, 3)", None),
        ("ivo_interval_overlaps(1, 2, NULL, 3)", None),
        ("ivo_interval_overlaps(1, 2.5, SQRT(-1), 3)", None),
    ],
)
def test_the_examples_of_the_catalogue(text, wanted):
    assert calculated(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ivo_healpix_center(0, 6)", [180.0, 0.0]),
        ("ivo_healpix_center(17, ivo_healpix_index(17, 23.4, 56.7))",
         [23.399843462947466, 56.70016214363192]),
        ("ivo_geom_transform('ICRS', 'GALACTIC', POINT(120, -23))",
         [241.121831182, 3.62785788087]),
        ("ivo_geom_transform('FK4', 'GALACTIC', CIRCLE(189.70303055, 22.96240006, 3))",
         [275.00025405, 84.99996154, 3]),
        ("ivo_geom_transform('GALACTIC', 'FK5', POLYGON(5, 3, 4, 4, 4.5, 2))",
         [266.44721, -23.107310, 264.95088, -23.434037, 267.09936, -24.051919]),
        ("ivo_hms_to_degrees('3:34:45.4')", 53.6891667),
        ("ivo_dms_to_degrees('42:9:6.768')", 42.15188),
    ],
)  # fmt: skip
def test_the_examples_with_decimals(text, wanted):
    assert calculated(text) == pytest.approx(wanted, abs=1e-5 if "'FK5'" in text else 1e-7)


_STAR = "7.606083572, 11.79044105"


@pytest.mark.parametrize(
    ("rest", "wanted"),
    [
        ("125, 300, -428.8, 52.51, 2016.0, 1992.25", [7.604061404627978, 11.7932703828279]),
        ("125, 300, -428.8, 52.51, 2016.0, 1875.0", [7.594068213694308, 11.807251375203935]),
        ("125, 300, -428.8, NULL, 2016.0, 1875.0", [7.594079587029898, 11.807235464326332]),
        ("125, 300, NULL, NULL, 2016.0, 1875.0", [7.594080321498365, 11.790440798509207]),
        ("NULL, 300, -428.8, 52.51, 2016.0, 1875.0", [7.594079587020846, 11.807235464339055]),
        ("125, 300, -428.8, 52.51, NULL, 1875.0", None),
    ],
)
def test_stars_that_move(rest, wanted):
    found = calculated(f"ivo_epoch_prop_pos({_STAR}, {rest})")
    assert found == (None if wanted is None else pytest.approx(wanted, abs=3e-11))


@pytest.mark.filterwarnings("ignore::erfa.ErfaWarning")
def test_stars_that_move_as_astropy_moves_them():
    rng = np.random.default_rng(7)
    n = 50
    star = {
        "ra": rng.uniform(0, 360, n), "dec": rng.uniform(-89, 89, n),
        "parallax": rng.uniform(1, 700, n), "pmra": rng.uniform(-5000, 5000, n),
        "pmdec": rng.uniform(-5000, 5000, n), "rv": rng.uniform(-200, 200, n),
    }  # fmt: skip
    text = "ivo_epoch_prop_pos(ra, dec, parallax, pmra, pmdec, rv, 2016.0, 2050.0)"
    found = SkyCoord(calculated(text, table_of(**star)), unit="deg")
    start = SkyCoord(
        star["ra"] * u.deg, star["dec"] * u.deg, distance=1000 / star["parallax"] * u.pc,
        pm_ra_cosdec=star["pmra"] * u.mas / u.yr, pm_dec=star["pmdec"] * u.mas / u.yr,
        radial_velocity=star["rv"] * u.km / u.s, obstime=Time(2016.0, format="jyear"),
    )  # fmt: skip
    moved = start.apply_space_motion(new_obstime=Time(2050.0, format="jyear"))
    # astropy counts the travel time of light, which is left out here: up to v / c of the way
    away = found.separation(SkyCoord(moved.ra, moved.dec)).mas
    way = np.hypot(star["pmra"], star["pmdec"]) * 34
    assert (away < way * 2e-3).all()
    assert way.max() > 1e5


def test_a_star_without_a_position_is_nowhere():
    table = table_of(ra=[1.0, None, 1.0], dec=[2.0, 2.0, None], pm=[None, 1.0, 1.0])
    text = "ivo_epoch_prop_pos(ra, dec, NULL, pm, pm, NULL, 2000, 2010)"
    assert calculated(text, table) == [pytest.approx([1, 2]), None, None]


def test_healpix_cells_are_those_of_cdshealpix():
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, 300), np.degrees(np.arcsin(rng.uniform(-1, 1, 300)))
    order = rng.integers(0, 30, 300)
    table = table_of(ra=ra, dec=dec, k=order)
    wanted = cdshealpix.lonlat_to_healpix(ra * u.deg, dec * u.deg, order.astype(np.uint8))
    assert calculated("ivo_healpix_index(k, ra, dec)", table) == wanted.tolist()
    centres = cdshealpix.healpix_to_lonlat(wanted, order.astype(np.uint8))
    table = table.append_column("cell", pa.array(wanted.astype(np.int64)))
    found = np.array(calculated("ivo_healpix_center(k, cell)", table))
    assert SkyCoord(found, unit="deg").separation(SkyCoord(*centres)).arcsec.max() < 1e-9


def test_healpix_cells_of_what_is_missing():
    table = table_of(ra=[1.0, None, 1.0], k=[3, 3, None])
    assert calculated("ivo_healpix_index(k, ra, 2)", table) == [
        calculated("ivo_healpix_index(3, 1, 2)"), None, None,
    ]  # fmt: skip
    assert calculated("ivo_healpix_center(k, 5)", table)[2] is None


def _in_astropy(ra, dec, frame):
    frames = {"GALACTIC": "galactic", "FK5": FK5(equinox="J2000"), "ICRS": "icrs",
              "ECLIPTIC": BarycentricMeanEcliptic(equinox="J2000")}  # fmt: skip
    return SkyCoord(ra, dec, unit="deg").transform_to(frames[frame])


@pytest.mark.parametrize(("frame", "arcsec"), [("GALACTIC", 1e-6), ("FK5", 1e-6), ("ICRS", 1e-9),
                                               ("ECLIPTIC", 1e-3)])  # fmt: skip
def test_frames_are_those_of_astropy(frame, arcsec):
    rng = np.random.default_rng(2)
    table = table_of(ra=rng.uniform(0, 360, 100), dec=rng.uniform(-90, 90, 100))
    wanted = _in_astropy(table["ra"].to_numpy(), table["dec"].to_numpy(), frame)
    text = f"ivo_geom_transform('ICRS', '{frame}', POINT(ra, dec))"
    found = SkyCoord(calculated(text, table), unit="deg", frame=wanted.frame)
    assert found.separation(wanted).arcsec.max() < arcsec
    back = f"ivo_geom_transform('{frame}', 'ICRS', {text})"
    away = calculated(f"DISTANCE({back}, POINT(ra, dec))", table)
    assert max(away) < 1e-12


def test_frames_are_rotations():
    for matrix in FRAMES.values():
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-15)
        assert np.linalg.det(matrix) == pytest.approx(1)


def test_polygons_in_other_frames_keep_their_areas():
    table = table_of(ra=[10.0, None, 30.0], size=[1.0, 1.0, 2.0])
    shape = "POLYGON(ra, 5, ra + size, 5, ra, 6)"
    turned = f"ivo_geom_transform('ICRS', 'GALACTIC', {shape})"
    areas = calculated(f"AREA({shape})", table)
    assert calculated(f"AREA({turned})", table) == [pytest.approx(areas[0], rel=1e-9), None,
                                                    pytest.approx(areas[2], rel=1e-9)]  # fmt: skip


@examples(0.2)
@given(st.lists(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)), min_size=2))
def test_days_are_those_of_astropy(moments):
    table = table_of(t=moments, s=[moment.isoformat() for moment in moments])
    wanted = Time(moments, scale="tai").mjd
    for column in ("t", "s"):
        days = np.array(calculated(f"ivo_to_mjd({column})", table))
        assert (np.abs(days - wanted) <= 2 * np.spacing(wanted)).all()
        jd = np.array(calculated(f"ivo_to_jd({column})", table))
        assert np.abs(jd - wanted - 2400000.5).max() < 1e-9


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_any_resolution(unit):
    times = pa.array([dt.datetime(2025, 6, 1, 12), None], pa.timestamp(unit))
    assert calculated("ivo_to_mjd(t)", pa.table({"t": times})) == [60827.5, None]


@given(
    st.floats(0, 23.999),
    st.booleans(),
    st.sampled_from(
        ["{d}:{m}:{s}", "{d:02}{m:02}{s:07.4f}", "{d}{l}{m}m{s}s", "{d:02}:{m:02}:{s}"]
    ),
)
def test_angles_in_letters(size, negative, form):
    d, rest = divmod(size * 3600, 3600)
    m, s = divmod(rest, 60)
    d, m, s = int(d), int(m), round(s, 4)
    if s >= 60:
        return
    value = d + m / 60 + s / 3600
    sign = "-" if negative else ""
    degrees = sign + form.format(d=d, m=m, s=s, l="d")
    hours = form.format(d=d, m=m, s=s, l="h")
    wanted = -value if negative else value
    if "e" in str(s):
        return
    assert calculated("ivo_dms_to_degrees(t)", t=[degrees]) == [pytest.approx(wanted, abs=1e-12)]
    assert calculated("ivo_hms_to_degrees(t)", t=[hours]) == [pytest.approx(15 * value, abs=1e-11)]


def test_what_is_no_angle_is_null():
    texts = ["", "abc", "1:60:0", "1:2", "1:2:60", "25:0:0", "-1:0:0", None, "1h2m", "12 30 45"]
    assert calculated("ivo_hms_to_degrees(t)", t=texts) == [None] * len(texts)
    texts = ["", "361:0:0", "1d2m3", "1h2m3s", None, "--1:0:0", "\u0661:0:0"]
    assert calculated("ivo_dms_to_degrees(t)", t=texts) == [None] * len(texts)
    assert calculated("ivo_dms_to_degrees('x')") is None
    assert calculated("ivo_hms_to_degrees(NULL)") is None


def test_random_numbers_are_normal():
    table = table_of(mu=np.full(20000, 10.0))
    one, other = (np.array(calculated("ivo_normal_random(mu, 5)", table)) for _ in range(2))
    assert abs(one.mean() - 10) < 0.2
    assert abs(one.std() - 5) < 0.2
    assert abs((np.abs(one - 10) < 5).mean() - 0.6827) < 0.02
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.05
    difference = calculated("ivo_normal_random(mu, 1) - ivo_normal_random(mu, 1)", table)
    assert np.std(difference) == pytest.approx(2**0.5, abs=0.05)


def test_what_they_do_not_take():
    with pytest.raises(QueryError, match="does not take"):
        calculated("ivo_healpix_index(1.5, 1, 2)")
    with pytest.raises(QueryError, match="does not take"):
        calculated("ivo_healpix_center(17, 23.2)")
    with pytest.raises(QueryError, match="no function ivo_simbadpoint"):
        calculated("ivo_simbadpoint('GJ 699')")
    with pytest.raises(QueryError, match="not a time"):
        calculated("ivo_to_jd('yesterday')")
