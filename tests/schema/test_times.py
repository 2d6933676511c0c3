"""What times are said to be: words, what they imply, whether the values agree."""

import pytest

from skyseries.errors import InputError
from skyseries.schema import LightCurveFields
from skyseries.schema.times import (
    TIME_FORMATS,
    check_flux_unit,
    doubt_about,
    settled_times,
    time_unit_words,
    zero_point,
)

SATELLITE = {"time_scale": "tdb", "refposition": "barycenter"}


@pytest.mark.parametrize(
    ("given", "settled"),
    [
        (("MJD", "TAI", "bary"), ("mjd", "tai", "barycenter")),
        (("bjd_tdb", None, None), ("jd", "tdb", "barycenter")),
        (("HJD", None, None), ("jd", None, "heliocenter")),
        (("hjd - 2450000", "UTC", None), ("jd-2450000", "utc", "heliocenter")),
        (("bjd-2457000", None, None), ("btjd", "tdb", "barycenter")),
        (("jd-2457000", None, None), ("jd-2457000", None, None)),
        (("BKJD", None, None), ("bkjd", "tdb", "barycenter")),
        ((None, None, "Topocentre"), (None, None, "topocenter")),
        ((None, None, None), (None, None, None)),
    ],
)
def test_words(given, settled):
    assert settled_times(*given) == settled
    assert settled_times(*settled) == settled


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("foo", None, None), "time_format must be one of mjd, jd, .*not 'foo'"),
        (("mdj", None, None), "did you mean 'mjd'"),
        ((None, "barycentric", None), "time_scale must be one of utc, .*'barycentric'"),
        ((None, None, "here"), "refposition must be one of topocenter, .*'here'"),
        (("btjd", "utc", None), "time_scale is said to be 'utc', but .* 'tdb'"),
        (("hjd", None, "topocenter"), "refposition is said to be 'topocenter'"),
    ],
)
def test_what_are_no_words(given, said):
    with pytest.raises(InputError, match=said):
        settled_times(*given)


def test_zero_points():
    assert zero_point("jd-2450000") == 49999.5
    assert {name: zero_point(name) for name in TIME_FORMATS} == TIME_FORMATS
    assert 792.0 + zero_point("bkjd") == 2455625.0 - 2400000.5  # the first dip of KIC 8462852


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ("BJD - 2454833, days", SATELLITE | {"time_format": "bkjd"}),
        ("BJD - 2457000, days", SATELLITE | {"time_format": "btjd"}),
        ("MJD", {"time_format": "mjd"}),
        ("HJD-2450000", {"time_format": "jd-2450000", "refposition": "heliocenter"}),
        ("BTJD", SATELLITE | {"time_format": "btjd"}),
        ("BKJD, days", SATELLITE | {"time_format": "bkjd"}),
        ("TJD", {"time_format": "tjd"}),  # and not tera-days
        ("rjd", {"time_format": "rjd"}),
        ("BJD_TDB", SATELLITE | {"time_format": "jd"}),
        ("JD (UTC)", {"time_format": "jd", "time_scale": "utc"}),
        ("HMJD", {"time_format": "mjd", "refposition": "heliocenter"}),
        ("BTJD (UTC)", None),
        ("kJD", None),
        ("d", None),
        ("days", None),
        ("h", None),
        ("", None),
    ],
)
def test_units_of_satellites(unit, words):
    assert time_unit_words(unit) == words


@pytest.mark.parametrize(
    ("low", "high", "time_format", "said"),
    [
        (59000, 59100, "mjd", None),
        (2459000, 2459100, "mjd", "as MJD; they look like JD"),
        (59000, 59100, "jd", "as JD; they look like MJD"),
        (5.1e9, 5.2e9, "mjd", "are they seconds"),
        (5.1e9, 5.2e9, None, "are they seconds"),
        (0, 3650, "mjd", None),
        (120, 1590, "bkjd", None),
        (2454953, 2455000, "bkjd", "as BKJD; they look like JD"),
        (0, 1, "jd", "not of the years 1850 to 2100"),
    ],
)
def test_doubts(low, high, time_format, said):
    found = doubt_about(low, high, time_format)
    assert found is None if said is None else said in found


def test_units_of_fluxes():
    assert check_flux_unit(None) is None
    assert check_flux_unit("µJy") == "uJy"
    assert check_flux_unit("electron/s") == "electron/s"
    with pytest.raises(InputError, match="flux_unit='foo' is no unit"):
        check_flux_unit("foo")


def test_conversions_of_the_fields():
    fields = LightCurveFields("t", flux="f", flux_err="e", mag="m", mag_err="me")
    units = {"t": "h", "f": "uJy", "e": "nJy", "m": "mag", "me": "mmag", "other": "foo"}
    factors = fields.conversions(units)
    assert factors == pytest.approx({"t": 1 / 24, "e": 1e-3, "me": 1e-3})
    assert fields.override(flux_unit="nJy").conversions(units)["f"] == pytest.approx(1e3)
    assert fields.conversions({}) == fields.conversions({"t": "BJD - 2457000, days"}) == {}
    for bad, said in (({"t": "deg"}, "'t' is in the unit 'deg'"), ({"me": "foo"}, "'foo'")):
        with pytest.raises(InputError, match=said):
            fields.conversions(bad)
