"""Units of expressions: as they follow, where they clash, where one is needed."""

import pyarrow as pa
import pytest

from skyseries import adql
from skyseries.adql import Scope, resolve_condition, resolve_value
from skyseries.errors import InputError, QueryError
from skyseries.units import conversion_factor, unit_product

UNITS = {
    "ra": "deg", "dec": "deg", "ra_rad": "rad", "ra_h": "hourangle", "e": "mas", "e2": "mas",
    "r": "arcsec", "flux": "uJy", "err": "nJy", "mag": "mag", "mm": "mmag", "adu": "adu",
    "pm": "mas/yr", "odd": "furlong_", "micro": "µJy", "plain": "",
}  # fmt: skip
SCHEMA = pa.schema(
    [
        pa.field(name, pa.float64(), metadata={"unit": unit} if unit else None)
        for name, unit in UNITS.items()
    ]
)
SCOPE = Scope.from_schema(SCHEMA)
ROW = pa.table(
    [pa.array([v]) for v in range(1, len(UNITS) + 1)],
    schema=pa.schema([(name, pa.float64()) for name in UNITS]),
)


def calculated(text, **values):
    row = ROW
    for name, value in values.items():
        row = row.set_column(row.schema.get_field_index(name), name, pa.array([float(value)]))
    return adql.Values([resolve_value(text, SCOPE)])(row)[0][0].as_py()


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("3 * e", "mas"), ("e / 2", "mas"), ("e + 1", "mas"), ("-e", "mas"), ("e * e2", "mas**2"),
        ("SQRT(e * e + e2 * e2)", "mas"), ("POWER(e, 2)", "mas**2"), ("POWER(e, e)", None),
        ("1 / e", "mas**-1"), ("e / e2", ""), ("r / ra_rad * plain", None), ("plain * e", None),
        ("pm * plain", None), ("flux + micro", "uJy"), ("mag + adu", None), ("odd * e", None),
        ("COALESCE(mag, 99)", "mag"), ("COALESCE(mag, plain)", None), ("IN_UNIT(e, 'deg')", "deg"),
        ("10 * e", "mas"), ("3600 * ra", None), ("e / 1000", None), ("(1.0 / 3600) * r", None),
        ("1000 / e", None), ("24 * 60 * ra", None), ("100 * e / e2", None),
        ("POWER(20 * e, 2)", None),
    ],
)  # fmt: skip
def test_units_follow(text, unit):
    if "ra_rad" in text:
        with pytest.raises(QueryError, match="r is in arcsec and ra_rad in rad"):
            resolve_value(text, SCOPE)
    else:
        assert resolve_value(text, SCOPE).unit == unit


@pytest.mark.parametrize(
    "text",
    [
        "flux > err", "flux > 5 * err", "5 * err < flux", "mag - mm > 0", "mag + mm > 0",
        "flux / err > 5", "flux BETWEEN err AND 5", "mag IN (mm, 1)", "COALESCE(flux, err) > 1",
        "MOD(ra, ra_rad) > 1", "ATAN2(e, r) > 1", "ABS(flux) = err",
        "DISTANCE(ra, dec, 1, 2) < r", "e > r",
    ],
)  # fmt: skip
def test_values_of_two_units_do_not_meet(text):
    with pytest.raises(QueryError, match=r"bring them to one unit, as by IN_UNIT"):
        resolve_condition(text, SCOPE)


@pytest.mark.parametrize(
    "text",
    [
        "flux > 5", "flux > IN_UNIT(err, 'uJy')", "flux > plain", "odd > flux", "odd > odd",
        "mag > adu", "flux > micro", "plain > ra", "e * r > 5", "flux IS NULL",
        "SIN(RADIANS(dec)) > 0", "SIN(dec * PI() / 180) > 0", "SIN(ra_rad) > 0",
        "DISTANCE(ra, dec, 1, 2) < 0.1", "SIN(plain) > 0",
        "3600 * DISTANCE(ra, dec, 1, 2) < r", "DISTANCE(ra, dec, 1, 2) < r / 3600",
    ],
)  # fmt: skip
def test_values_that_may_meet(text):
    assert resolve_condition(text, SCOPE).type is adql.Type.BOOLEAN


def test_functions_convert_what_says_another_unit():
    assert calculated("DISTANCE(ra_h, dec, 15, 0)", ra_h=1, dec=0) == pytest.approx(0, abs=1e-12)
    assert calculated("CONTAINS(POINT(ra, dec), CIRCLE(1, 0, r))", ra=2, dec=0, r=3601) == 1
    assert calculated("CONTAINS(POINT(ra, dec), CIRCLE(1, 0, r))", ra=2, dec=0, r=3599) == 0
    assert calculated("COORD1(POINT(ra_h, dec))", ra_h=2) == pytest.approx(30)
    assert calculated("scisql_nanojanskyToAbMag(flux)", flux=3.631e9) == pytest.approx(0, abs=1e-3)
    one = calculated("scisql_nanojanskyToAbMagSigma(IN_UNIT(flux, 'nJy'), err)", flux=1, err=100)
    assert one == calculated("scisql_nanojanskyToAbMagSigma(flux, err)", flux=1, err=100)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SIN(dec)", r"takes rad, and dec is in deg: write IN_UNIT\(dec, 'rad'\)"),
        ("RADIANS(ra_h)", "takes deg, and ra_h is in hourangle"),
        ("DEGREES(ra)", "takes rad"),
        ("scisql_nanojanskyToAbMag(adu)", "adu in scisql_.* is in the unit 'adu'"),
        ("POINT(ra_h * 15, dec)", r"multiplied or divided by 15: .* IN_UNIT\(column, 'deg'\)"),
        ("POINT(1 - ra_h * (30.0 / 2), dec)", "multiplied or divided by 30: "),
        ("POINT(pm, dec)", "pm in POINT is in the unit 'mas/yr'"),
    ],
)
def test_functions_refuse_what_cannot_be_meant(text, words):
    with pytest.raises(QueryError, match=words):
        resolve_value(f"COORD1({text})" if text.startswith("POINT") else text, SCOPE)


@pytest.mark.parametrize(
    ("text", "factor"),
    [("e", 1e-3), ("3 * e", 3e-3), ("r", 1.0), ("plain", 1.0), ("SQRT(e * e)", 1e-3), ("2", None)],
)
def test_a_value_in_the_unit_that_is_needed(text, factor):
    found = adql.in_needed_unit(resolve_value(text, SCOPE), "arcsec", "the radius")
    wanted = 2.0 if factor is None else 7.0 * factor
    row = ROW.set_column(0, "ra", pa.array([0.0]))
    for name in ("e", "r", "plain"):
        row = row.set_column(row.schema.get_field_index(name), name, pa.array([7.0]))
    assert float(adql.Values([found])(row)[0][0].as_py()) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("text", ["plain * e", "e + plain", "e / 1000", "e * 0.001", "mag", "odd"])
def test_a_unit_in_doubt_is_refused(text):
    with pytest.raises(InputError, match="unit"):
        adql.in_needed_unit(resolve_value(text, SCOPE), "arcsec", "the radius")


def test_products_of_units():
    assert unit_product("mas", "mas") == "mas**2"
    assert unit_product("", unit_product("mas/yr", "mas/yr"), 0.5) in ("mas.yr**-1", "mas/yr")
    assert unit_product("mas", "mas", -1.0) == ""
    assert unit_product("mas", "furlong_") is None
    assert conversion_factor("arcsec/century", "mas/yr") == pytest.approx(10.0)
    with pytest.raises(ValueError, match="cannot be converted"):
        conversion_factor("mag", "mas")


def test_units_of_aggregates():
    wanted = {"VARIANCE": "mas**2", "STDDEV": "mas", "MEDIAN": "mas", "COUNT": ""}
    for name, unit in wanted.items():
        assert resolve_value(f"{name}(e)", SCOPE, grouped=True).unit == unit
    assert resolve_value("VARIANCE(plain)", SCOPE, grouped=True).unit is None
