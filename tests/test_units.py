"""Units: conversion, refusal, spellings."""

import astropy.units as u
import pytest

from skyseries.errors import InputError
from skyseries.units import conversion_factor, factor_to, is_known, plain_unit, same_unit, unit_text

ANGLES = ["deg", "arcmin", "arcsec", "mas", "uas", "rad", "hourangle"]
FAMILIES = [
    ANGLES, ["mas/yr", "arcsec/yr", "deg/yr", "mas.yr**-1", "mas yr-1", "rad/s"],
    ["d", "h", "min", "s", "yr", "ms"], ["nJy", "uJy", "mJy", "Jy"], ["mag", "mmag"],
    ["1/d", "Hz", "d-1"],
]  # fmt: skip


PAIRS = [(source, target) for family in FAMILIES for source in family for target in family]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_as_astropy(source, target):
    expected = u.Unit(source).to(u.Unit(target))
    assert conversion_factor(source, target) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        (None, ""), ("", ""), ("---", ""), ("None", ""), ("dimensionless", ""), ("Degrees", "deg"),
        ("°", "deg"), ("DEG", "deg"), ("days", "d"), ("D", "d"), ("MJD", "d"), ("TJD", "d"),
        ("µJy", "uJy"),
        ("Mag", "mag"), ("nanomaggies", "nmgy"), (" mas ", "mas"),
    ],
)  # fmt: skip
def test_spellings(text, unit):
    assert plain_unit(text) == unit


@pytest.mark.parametrize(
    ("source", "target", "factor"),
    [
        ("mag(AB)", "mag", 1.0), ("nmgy", "nJy", 3631.0), ("mas/a", "mas/yr", 1.0),
        ("10-3mag", "mag", 1e-3), ("µJy", "nJy", 1e3), ("hourangle", "deg", 15.0),
    ],
)  # fmt: skip
def test_units_of_archives(source, target, factor):
    assert conversion_factor(source, target) == pytest.approx(factor, rel=1e-15)


@pytest.mark.parametrize(
    ("unit", "target", "said"),
    [
        ("h", "deg", "column 'ra' is in the unit 'h', which is no unit of deg"),
        ("foo", "deg", "'foo', which is no unit that is known"),
        ("deg", "", "'deg', but a plain number is needed"),
        ("BJD - 2454833, days", "d", "no unit that is known"),
    ],
)
def test_refused(unit, target, said):
    with pytest.raises(InputError, match=said):
        factor_to(unit, target, "column 'ra'")


def test_what_says_nothing_is_in_the_unit_needed():
    assert factor_to("", "deg", "x") == factor_to("---", "deg", "x") == 1.0
    assert factor_to("", "", "x") == 1.0


def test_known_and_same():
    assert is_known("")
    assert is_known("electron/s")
    assert not is_known("foo")
    assert same_unit("nJy", "nanoJansky")
    assert same_unit("foo", "foo")
    assert not same_unit("foo", "bar")
    assert not same_unit("mag", "mmag")
    assert unit_text(u.mas / u.yr) == "mas / yr"
    assert unit_text(u.ABmag) == "mag"
    assert unit_text(None) == ""


def test_everyday_units_need_no_astropy():
    import subprocess
    import sys

    code = (
        "import sys; from skyseries.units import factor_to; "
        "assert factor_to('mas', 'arcsec', 'x') == 1e-3; "
        "assert factor_to('mas/yr', 'mas/yr', 'x') == 1.0; assert 'astropy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
