"""Which conditions say that two positions are near each other, and how near."""

import pytest

from skyseries.adql import Constant, columns
from skyseries.adql.nearness import nearness
from tests.adql.sides import LEFT, RIGHT, condition

A, B = "POINT(a.ra, a.dec)", "POINT(b.ra, b.dec)"
FOUR = "DISTANCE(a.ra, a.dec, b.ra, b.dec)"
TWO = f"DISTANCE({B}, {A})"
ARCSEC = 1 / 3600

OF_CONSTANTS = {
    f"{FOUR} < 0.25": 0.25,
    f"{TWO} <= 1": 1.0,
    f"0.25 > {FOUR}": 0.25,
    f"1.0/4 >= {TWO}": 0.25,
    f"{FOUR} = 0": 0.0,
    f"NOT {FOUR} > 0.25": 0.25,
    f"NOT 0.25 <= {FOUR}": 0.25,
    f"NOT NOT {FOUR} < 0.25": 0.25,
    f"{FOUR} < 1/3600.": ARCSEC,
    f"{FOUR} * 3600 < 1": ARCSEC,
    f"3600.0 * {FOUR} < 1": ARCSEC,
    f"60 * {TWO} * 60 < 1": ARCSEC,
    f"{FOUR} / (1.0 / 3600) <= 1": ARCSEC,
    f"1 > IN_UNIT({FOUR}, 'arcsec')": ARCSEC,
    f"{FOUR} < -1": -1.0,
    "scisql_angSep(a.ra, a.dec, b.ra, b.dec) < 0.25": 0.25,
    "scisql_s2PtInCircle(a.ra, a.dec, b.ra, b.dec, 0.25) = 1": 0.25,
    "1 = scisql_s2PtInCircle(b.ra, b.dec, a.ra, a.dec, 0.25)": 0.25,
    f"CONTAINS({A}, CIRCLE({B}, 0.25)) = 1": 0.25,
    f"1 = CONTAINS({B}, CIRCLE({A}, 1/4.))": 0.25,
    f"CONTAINS({A}, CIRCLE(b.ra, b.dec, 0.25)) <> 0": 0.25,
    f"CONTAINS({A}, CIRCLE('ICRS', {B}, 0.25)) > 0": 0.25,
    f"0.5 < CONTAINS({A}, CIRCLE({B}, 0.25))": 0.25,
    f"NOT CONTAINS({A}, CIRCLE({B}, 0.25)) = 0": 0.25,
    f"NOT 0 = CONTAINS({A}, CIRCLE({B}, 0.25))": 0.25,
    f"CONTAINS({A}, CIRCLE({B}, 0.25)) IN (1)": 0.25,
    f"CONTAINS({A}, CIRCLE({B}, 0.25)) NOT IN (0, 2)": 0.25,
    f"INTERSECTS({A}, CIRCLE({B}, 0.25)) = 1": 0.25,
    f"INTERSECTS(CIRCLE({B}, 0.25), {A}) = 1": 0.25,
    f"INTERSECTS(CIRCLE({B}, 0.25), CIRCLE({A}, 0.5)) = 1": 0.75,
    f"CONTAINS(CIRCLE({A}, 0.1), CIRCLE({B}, 0.25)) = 1": 0.25,
    "CONTAINS(POINT(a.ra, a.dec), CIRCLE(b.p, 0.25)) = 1": 0.25,
    "DISTANCE(a.p, b.p) < 0.25": 0.25,
    f"DISTANCE(CENTROID(a.c), {B}) < 0.25": 0.25,
    f"DISTANCE(POINT(a.single, a.dec + 1), {B}) < 0.25": 0.25,
}  # fmt: skip


@pytest.mark.parametrize("text", OF_CONSTANTS)
@pytest.mark.parametrize("turned", [False, True])
def test_a_constant_radius_is_found_however_the_condition_is_written(text, turned):
    test = condition(text)
    rule = nearness(test, *((RIGHT, LEFT) if turned else (LEFT, RIGHT)))
    assert rule.radius_of is None
    assert rule.radius.value == pytest.approx(OF_CONSTANTS[text], rel=1e-15)
    sides = [
        {path[0] for value in place for path in columns(value)} for place in (rule.left, rule.right)
    ]
    assert sides == ([set(RIGHT), set(LEFT)] if turned else [set(LEFT), set(RIGHT)])


OF_COLUMNS = {
    f"{FOUR} < a.r": "left",
    f"{TWO} < b.single / 3600": "right",
    f"b.n > 3600 * {TWO}": "right",
    f"IN_UNIT({FOUR}, 'arcsec') < 3 * a.err": "left",
    f"CONTAINS({A}, CIRCLE({B}, a.r)) = 1": "left",
    f"CONTAINS({A}, CIRCLE({B}, b.r)) = 1": "right",
    f"CONTAINS({A}, b.c) = 1": "right",
    f"INTERSECTS(a.c, CIRCLE({B}, 1)) = 1": "left",
    "CONTAINS(b.c, a.c) = 1": "left",
    f"{FOUR} < DISTANCE(a.p, POINT(1, 2))": "left",
    "scisql_s2PtInCircle(a.ra, a.dec, b.ra, b.dec, b.r) = 1": "right",
}  # fmt: skip


@pytest.mark.parametrize("text", OF_COLUMNS)
def test_a_radius_may_be_of_either_side(text):
    rule = nearness(condition(text), LEFT, RIGHT)
    assert rule.radius_of == OF_COLUMNS[text]
    ids = {path[0] for path in columns(rule.radius)}
    assert ids == set({"left": LEFT, "right": RIGHT}[rule.radius_of])


@pytest.mark.parametrize(
    "text",
    [
        f"{FOUR} > 1",
        f"{FOUR} <> 1",
        f"NOT {FOUR} < 1",
        f"{FOUR} < a.r + b.r",
        f"{FOUR} * a.r < 1",
        f"-1 * {FOUR} < 1",
        f"1 / {FOUR} < 1",
        f"{FOUR} < RAND()",
        "DISTANCE(a.ra, b.dec, b.ra, a.dec) < 1",
        "DISTANCE(a.ra, a.dec, 1, 2) < 1",
        f"DISTANCE({A}, a.p) < 1",
        f"DISTANCE(POINT(a.ra + RAND(), a.dec), {B}) < 1",
        f"CONTAINS({A}, CIRCLE({B}, 1)) = 0",
        f"CONTAINS({A}, CIRCLE({B}, 1)) >= 0",
        f"CONTAINS({A}, CIRCLE({B}, 1)) = b.n",
        f"CONTAINS({A}, CIRCLE({B}, 1)) IN (0, 1)",
        f"NOT CONTAINS({A}, CIRCLE({B}, 1)) = 1",
        "INTERSECTS(a.c, b.c) = 1",
        f"{FOUR} < 1 OR a.n = b.n",
        "a.ra = b.ra",
    ],
)  # fmt: skip
def test_other_conditions_say_nothing_of_two_sides(text):
    assert nearness(condition(text), LEFT, RIGHT) is None


def test_a_condition_on_a_third_table_says_nothing():
    assert nearness(condition(f"{FOUR} < 1"), LEFT, ["#2"]) is None
    assert nearness(condition(f"{FOUR} < b.r"), ["#0", "#1"], ["#2"]) is None


def test_a_radius_without_a_value_stays_one():
    rule = nearness(condition(f"CONTAINS({A}, CIRCLE({B}, NULL)) = 1"), LEFT, RIGHT)
    assert isinstance(rule.radius, Constant)
    assert rule.radius.value is None
