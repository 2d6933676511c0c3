"""Pairs of rows that are near each other, against nested loops over the condition as written."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.adql.nearness import nearness
from skyseries.query.skyjoins import pairs
from tests.adql.sides import LEFT, RIGHT, columns, condition, fulfilled, nested_loop, table
from tests.adql.test_nearness import OF_COLUMNS, OF_CONSTANTS
from tests.examples import examples

NAN, INF = float("nan"), float("inf")
DISTANCE = "DISTANCE(a.ra, a.dec, b.ra, b.dec)"


def found(text, left, right, *, block=7, most=5):
    """Return the pairs, and those that also fulfil the condition."""
    test = condition(text)
    rule = nearness(test, LEFT, RIGHT)
    sides = [
        [columns(rows.slice(i, block), side) for i in range(0, rows.num_rows, block)]
        for rows, side in ((left, "#0"), (right, "#1"))
    ]
    tables = list(pairs(rule, *sides, most=most))
    near = pa.concat_tables(tables) if tables else pa.table({"l": [], "r": []}, SCHEMA)
    assert near.schema == SCHEMA
    both = np.stack(near.columns, axis=1)
    sides = left.take(near.column("l")), right.take(near.column("r"))
    kept = fulfilled(test, *sides).to_numpy(zero_copy_only=False)
    return sorted(map(tuple, both.tolist())), sorted(map(tuple, both[kept].tolist()))


SCHEMA = pa.schema([("l", pa.int64()), ("r", pa.int64())])


def scattered(seed, n):
    """Return rows about a few places, the traps among them, at distances around the radii."""
    rng = np.random.default_rng(seed)
    ra, dec = np.array([(0.0, 0.0), (0.0, 90.0), (180.0, -90.0), (45.0, 41.8)])[np.arange(n) % 4].T
    apart = np.array([0.0, 1e-9, 1 / 3600, 0.25, 0.5, 1.0])[rng.integers(0, 6, n)]
    bearing = rng.uniform(0, 2 * np.pi, n)
    dec = dec + apart * np.cos(bearing)
    ra = ra + np.where(np.abs(dec) > 89, 180 * rng.uniform(size=n), apart * np.sin(bearing))
    ra = ra + 360 * rng.integers(-1, 3, n)
    dec = np.where(np.abs(dec) > 90, np.sign(dec) * 180 - dec, dec)
    ra[:3], dec[:6] = [NAN, INF, 3.6e12], [1.0, 1.0, 0.0, 90.000001, -91.0, NAN]
    r = np.array([0.0, 1 / 3600, 0.25, 1.0, 3.0, 200.0, -1.0, NAN, INF])[rng.integers(0, 9, n)]
    rows = [
        [None if rng.uniform() < 0.05 else x for x in values.tolist()] for values in (ra, dec, r)
    ]
    return table(*rows)


LEFT_ROWS, RIGHT_ROWS = scattered(1, 40), scattered(2, 50)


@pytest.mark.parametrize("text", [*OF_CONSTANTS, *OF_COLUMNS])
def test_every_way_of_writing_finds_what_a_nested_loop_finds(text):
    wanted = nested_loop(condition(text), LEFT_ROWS, RIGHT_ROWS)
    assert found(text, LEFT_ROWS, RIGHT_ROWS)[1] == wanted
    assert wanted or text == f"{DISTANCE} < -1"


def test_what_is_missing_or_nowhere_is_in_no_pair():
    left = table([None, NAN, 10.0, 10.0, INF, 10.0], [0.0, 0.0, 90.1, -91.0, 0.0, None], [1.0] * 6)
    right = table([0.0, 10.0], [0.0, 90.0], [1.0, 1.0])
    for text in (f"{DISTANCE} < 180", "DISTANCE(a.p, b.p) <= 180", f"{DISTANCE} <= b.r * 500"):
        assert found(text, left, right) == ([], [])
        assert found(text, right, left) == ([], [])


@pytest.mark.parametrize("radius", ["NULL", "-1e-9", "CAST('NaN' AS DOUBLE PRECISION)"])
def test_a_radius_that_is_none_has_no_pair(radius):
    assert (
        found(f"CONTAINS(a.p, CIRCLE(b.p, a.r * 0 + {radius})) = 1", LEFT_ROWS, RIGHT_ROWS)[0] == []
    )
    if radius != "NULL":
        assert found(f"{DISTANCE} <= {radius}", LEFT_ROWS, RIGHT_ROWS)[0] == []


def test_all_the_sky_is_all_pairs_that_have_positions():
    near, kept = found(f"{DISTANCE} < 181", LEFT_ROWS, RIGHT_ROWS, most=3)
    assert near == kept == nested_loop(condition(f"{DISTANCE} < 181"), LEFT_ROWS, RIGHT_ROWS)
    assert len(near) > 1000


def test_only_what_rounding_could_let_in_is_paired_beyond_the_radius():
    left = table([10.0], [0.0], [1.0])
    right = table([10.0] * 4, [0.25 - 1e-13, 0.25, 0.25 + 1e-13, 0.25 + 1e-8], [1.0] * 4)
    assert found(f"{DISTANCE} < 0.25", left, right) == ([(0, 0), (0, 1), (0, 2)], [(0, 0)])


def test_many_pairs_come_some_at_once():
    crowd = table([10.0] * 60, [20.0] * 60, [1.0] * 60)
    rule = nearness(condition(f"{DISTANCE} < 1"), LEFT, RIGHT)
    sizes = [
        t.num_rows for t in pairs(rule, [columns(crowd, "#0")], [columns(crowd, "#1")], most=150)
    ]
    assert sum(sizes) == 3600
    assert max(sizes) <= 150
    sizes = [
        t.num_rows for t in pairs(rule, [columns(crowd, "#0")], [columns(crowd, "#1")], most=7)
    ]
    assert sum(sizes) == 3600
    assert max(sizes) < 120


@pytest.mark.parametrize("text", [f"{DISTANCE} < 1", f"{DISTANCE} < a.r", f"{DISTANCE} < b.r"])
def test_a_side_without_rows_has_no_pairs(text):
    nothing = LEFT_ROWS.slice(0, 0)
    assert found(text, nothing, RIGHT_ROWS) == ([], [])
    assert found(text, LEFT_ROWS, nothing) == ([], [])


around = st.sampled_from([-1e-9, 0.0, 1e-9, 90.0, 180.0, 359.9999999, 360.0]) | st.floats(-400, 800)
heights = st.sampled_from([-90.0, -89.9999999, 0.0, 89.9999999, 90.0]) | st.floats(-90, 90)
radii = st.sampled_from([0.0, 1e-9, 1e-4, 1.0, 90.0, 179.9999, 180.0]) | st.floats(0, 200)
sides = st.lists(st.tuples(around, heights, radii), max_size=6).map(
    lambda rows: table(*map(list, zip(*rows, strict=True))) if rows else table([], [], [])
)


@examples(2)
@given(sides, sides, st.sampled_from([*OF_CONSTANTS, *OF_COLUMNS]), st.integers(1, 40))
def test_random_sides_are_paired_as_a_nested_loop_does(left, right, text, most):
    assert found(text, left, right, block=4, most=most)[1] == nested_loop(
        condition(text), left, right
    )
