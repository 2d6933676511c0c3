"""Where the rows of a condition lie: rows outside never fulfil it, and the regions are not idle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.adql import Mask, Scope, regions, resolve_condition
from skyseries.spatial.regions import Box, Cone, Intersection, Moc, Pixels, Polygon, Union
from tests.adql.columns import table_of
from tests.examples import examples

_RNG = np.random.default_rng(11)
_N = 3000
_NEAR = np.arange(_N) % 2 == 0
TABLE = table_of(
    ra=np.where(_NEAR, _RNG.uniform(-5, 5, _N) % 360, _RNG.uniform(0, 360, _N)),
    dec=np.where(_NEAR, _RNG.uniform(-5, 5, _N), _RNG.uniform(-90, 90, _N)),
    ra2=_RNG.uniform(0, 360, _N),
    dec2=_RNG.uniform(-90, 90, _N),
    r=_RNG.uniform(0, 3, _N),
    mag=_RNG.uniform(15, 25, _N),
)
SCOPE = Scope.from_schema(TABLE.schema)
HERE = (("ra",), ("dec",))


def found(text):
    return regions(resolve_condition(text, SCOPE))


angles = st.sampled_from(["0", "1.5", "-2", "0.1", "3", "358", "10 / 4.0", "2"])
latitudes = st.sampled_from(["0", "1.5", "-2", "0.1", "3", "10 / 4.0", "-3"])
sizes = st.sampled_from(["0.5", "1", "2", "3.7", "0", "120 / 60.0", "5"])
points = st.sampled_from(
    [
        "POINT(ra, dec)",
        "POINT('ICRS', ra, dec)",
        "POINT(ra2, dec2)",
        "POINT(ra + 1, dec)",
        "CIRCLE(ra, dec, 0.5)",
        "CIRCLE(ra, dec, r)",
    ]
)


@st.composite
def shapes(draw):
    x, y, size = draw(angles), draw(latitudes), draw(sizes.filter(lambda s: s != "0"))
    kind = draw(st.integers(0, 5))
    return [
        f"CIRCLE({x}, {y}, {size})",
        f"BOX({x}, {y}, {size}, 3)",
        f"POLYGON({x}, {y}, {x} + {size}, {y}, {x}, {y} + {size})",
        "MOC('4/0-60 5/4000-5000')",
        f"REGION('CIRCLE ICRS 1 2 {draw(st.integers(1, 4))}')",
        f"CIRCLE({x}, {y}, 170)",
    ][kind]


@st.composite
def region_tests(draw):
    point, shape = draw(points), draw(shapes())
    if point.startswith("CIRCLE") and shape.startswith("MOC"):
        point = "POINT(ra, dec)"
    x, y, size = draw(angles), draw(latitudes), draw(sizes)
    return draw(
        st.sampled_from([
            f"CONTAINS({point}, {shape})", f"INTERSECTS({point}, {shape})",
            f"INTERSECTS({shape}, {point})", f"CONTAINS(POINT({x}, {y}), CIRCLE(ra, dec, {size}))",
            f"scisql_s2PtInCircle(ra, dec, {x}, {y}, {size})",
            f"scisql_s2PtInBox(ra, dec, {x}, -1, {y}, 2)",
            f"scisql_s2PtInCPoly(ra, dec, {x}, {y}, {x} + 1, {y}, {x}, {y} + 2)",
        ])
    )  # fmt: skip


@st.composite
def conditions(draw, depth=2):
    kind = draw(st.sampled_from(["and", "or", "not"])) if depth and draw(st.booleans()) else ""
    inner = conditions(depth=depth - 1)
    if kind == "not":
        return f"NOT ({draw(inner)})"
    if kind:
        return f"({draw(inner)}) {kind.upper()} ({draw(inner)})"
    x, y, size = draw(angles), draw(latitudes), draw(sizes)
    comparison = draw(st.sampled_from(["=", "<>", ">", "<", ">=", "<="]))
    value = draw(st.sampled_from(["0", "1", "0.5", "2", "1.0"]))
    return draw(
        st.sampled_from([
            f"{draw(region_tests())} = 1", f"1 = {draw(region_tests())}",
            f"{draw(region_tests())} {comparison} {value}",
            f"{draw(region_tests())} IN (1, 3)", f"DISTANCE(ra, dec, {x}, {y}) {comparison} {size}",
            f"{size} {comparison} DISTANCE(POINT({x}, {y}), POINT(ra, dec))",
            f"DISTANCE(ra, dec, {x}, {y}) * 3600 < 3600 * {size}",
            f"DISTANCE(ra, dec, {x}, {y}) BETWEEN 0.5 AND {size}",
            f"scisql_angSep(ra, dec, {x}, {y}) / 2.0 <= {size}",
            f"ivo_healpix_index(3, ra, dec) IN (304, {draw(st.integers(0, 800))})",
            f"ivo_healpix_index(4, POINT(ra, dec)) = {draw(st.integers(1100, 1300))}",
            "mag < 18", "DISTANCE(ra, dec, ra2, dec2) < r", "r * 0 = 1",
        ])
    )  # fmt: skip


def check(text):
    condition = resolve_condition(text, SCOPE)
    true = np.array(Mask(condition)(TABLE))
    for (ra, dec), region in regions(condition).items():
        inside = region.contains(TABLE[ra[0]].to_numpy(), TABLE[dec[0]].to_numpy())
        assert not (true & ~inside).any(), text
    return true, regions(condition)


@examples(2)
@given(conditions())
def test_a_row_outside_never_fulfils_the_condition(text):
    check(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("DISTANCE(ra, dec, 1, 2) < 0.5", Cone),
        ("0.5 >= DISTANCE(POINT(1, 2), POINT(ra, dec))", Cone),
        ("DISTANCE(ra, dec, 1, 2) < 5 / 60.0", Cone),
        ("DISTANCE(ra, dec, 1, 2) * 3600 < 1800", Cone),
        ("IN_UNIT(DISTANCE(ra, dec, 1, 2), 'arcsec') < 1800", Cone),
        ("DISTANCE(ra, dec, 1, 2) BETWEEN 0.1 AND 0.5", Cone),
        ("CONTAINS(POINT(ra, dec), CIRCLE(1, 2, 0.5)) = 1", Cone),
        ("CONTAINS(POINT(ra, dec), BOX(1, 2, 0.5, 0.5)) > 0", Polygon),
        ("CONTAINS(POINT(ra, dec), POLYGON(1, 2, 3, 2, 3, 4)) IN (1)", Polygon),
        ("NOT CONTAINS(POINT(ra, dec), CIRCLE(1, 2, 0.5)) = 0", Cone),
        ("NOT (mag < 3 OR CONTAINS(POINT(ra, dec), CIRCLE(1, 2, 0.5)) <> 1)", Cone),
        ("CONTAINS(POINT(ra, dec), MOC('3/1')) = 1", Moc),
        ("INTERSECTS(CIRCLE(ra, dec, 0.1), CIRCLE(1, 2, 0.5)) = 1", Cone),
        ("INTERSECTS(POLYGON(1, 2, 3, 2, 3, 4), CIRCLE(ra, dec, 0.1)) = 1", Cone),
        ("CONTAINS(CIRCLE(ra, dec, 0.1), POLYGON(1, 2, 3, 2, 3, 4)) = 1", Polygon),
        ("CONTAINS(CIRCLE(ra, dec, r), CIRCLE(1, 2, 3)) = 1", type(None)),
        ("CONTAINS(POINT(1, 2), CIRCLE(ra, dec, 0.5)) = 1", Cone),
        ("scisql_s2PtInBox(ra, dec, 359, -1, 1, 1) = 1", Box),
        ("scisql_s2PtInCircle(ra, dec, 1, 2, 0.5) = 1", Cone),
        ("ivo_healpix_index(5, ra, dec) = 77", Pixels),
        ("DISTANCE(ra, dec, 1, 2) < 1 OR CONTAINS(POINT(ra, dec), MOC('3/1')) = 1", Union),
        ("DISTANCE(ra, dec, 1, 2) < 1 AND DISTANCE(ra, dec, 2, 2) < 1", Intersection),
        ("DISTANCE(ra, dec, 1, 2) < -1", Union),
        ("DISTANCE(ra, dec, 1, 2) > 1", type(None)),
        ("NOT DISTANCE(ra, dec, 1, 2) < 1", type(None)),
        ("DISTANCE(ra, dec, 1, 2) < 1 OR mag < 3", type(None)),
        ("CONTAINS(POINT(ra, dec), CIRCLE(1, 2, 0.5)) = 0", type(None)),
        ("DISTANCE(ra + 1, dec, 1, 2) < 1", type(None)),
        ("DISTANCE(ra, dec, r, 2) < 1", type(None)),
        ("DISTANCE(ra, dec, 1, 2) < r", type(None)),
    ],
)
def test_what_is_recognised(text, kind):
    true, limited = check(text)
    assert isinstance(limited.get(HERE), kind)
    if kind in (Cone, Polygon) and "CIRCLE(ra" not in text:
        region = limited[HERE]
        inside = region.contains(TABLE["ra"].to_numpy(), TABLE["dec"].to_numpy())
        if "BETWEEN" not in text and "mag" not in text:
            assert (inside == true).all()


def test_each_pair_of_columns_has_its_region():
    both = found("DISTANCE(ra, dec, 1, 2) < 1 AND DISTANCE(ra2, dec2, 5, 6) < 2")
    assert set(both) == {HERE, (("ra2",), ("dec2",))}
    assert found("DISTANCE(ra, dec, 1, 2) < 1 OR DISTANCE(ra2, dec2, 5, 6) < 2") == {}


def test_nothing_is_in_the_region_of_a_condition_that_is_never_true():
    for text in (
        "DISTANCE(ra, dec, 1, 2) < -1",
        "scisql_s2PtInBox(ra, dec, 400, 0, 10, 1) = 1",
        "ivo_healpix_index(3, ra, dec) = -1",
        "ivo_healpix_index(30, ra, dec) = 5",
    ):
        assert not found(text)[HERE].contains(0.0, 0.0), text
        assert not check(text)[0].any()
