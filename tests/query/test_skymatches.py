"""Joins of neighbours as plans, against nested loops, however the catalogs are partitioned."""

import numpy as np
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries import adql
from skyseries.adql.nearness import nearness
from skyseries.catalog import plan, run
from skyseries.query import skymatches
from skyseries.query.skyjoins import pairs
from skyseries.query.skymatches import match_node
from tests.adql.sides import LEFT, RIGHT, columns, condition, nested_loop
from tests.catalog.matching import imported, planted

DISTANCE = "DISTANCE(a.ra, a.dec, b.ra, b.dec)"


def placed(seed):
    """Return rows at poles, RA 0 and corners of partitions, with radii."""
    table = planted(seed, 60.0, per_anchor=4, scattered=20)
    rng = np.random.default_rng(seed)
    radii = np.array([0.0, 1.0, 30.0, 90.0, -1.0, np.nan])[rng.integers(0, 6, len(table))] / 3600
    return table.append_column("r", pa.array(radii, mask=rng.uniform(size=len(table)) < 0.1))


def with_others(table):
    """Return the rows, and some without a position."""
    nowhere = [
        [1, 2, 3],
        [None, np.nan, 10.0],
        [1.0, 2.0, None],
        [1.0] * 3,
        [0] * 3,
        [1 / 3600] * 3,
    ]
    more = [pa.array(c, f.type) for c, f in zip(nowhere, table.schema, strict=True)]
    return pa.concat_tables([table, pa.table(more, schema=table.schema)])


ROWS = {("a", "fine"): placed(1), ("b", "fine"): placed(2)}
ROWS |= {("b", "margin"): ROWS["b", "fine"]}
ROWS |= {(side, "table"): with_others(ROWS[side, "fine"]) for side in "ab"}
SCHEMA = ROWS["a", "fine"].schema


@pytest.fixture(scope="module")
def catalogs(tmp_path_factory):
    """Return both sides as catalogs of different partitions, and as tables in memory."""
    sizes = {("a", "fine"): (40, None), ("b", "fine"): (30, 5), ("b", "margin"): (60, 4000)}
    made = {
        key: imported(
            ROWS[key], tmp_path_factory.mktemp("".join(key)), max_rows=n, margin_arcsec=margin
        )
        for key, (n, margin) in sizes.items()
    }
    tables = {key: sky.from_table(ROWS[key], name=key[0]) for key in ROWS if key[1] == "table"}
    return made | tables


@pytest.fixture(autouse=True)
def _small_units(tune):
    tune(unit_rows=100, least_unit_rows=10)
    with sky.executor("serial"):
        yield


NAMES = [plan.Renamed(tuple((c, f"{c}_{side}") for c in ("id", "mag"))) for side in "ab"]


def node_of(catalogs, text, left="fine", right="fine", how="inner"):
    """Return the join as a plan, or None."""
    test = condition(text, SCHEMA)
    (rule,) = (r for c in adql.conjuncts(test) if (r := nearness(c, LEFT, RIGHT)) is not None)
    sides = catalogs["a", left]._node, catalogs["b", right]._node
    return match_node(rule, *sides, *NAMES, adql.conjuncts(test), how)


def joined(node):
    """Return the pairs of ids that a plan gives."""
    table = pa.concat_tables(run.in_order(node))
    assert table.schema.names == ["id_a", "mag_a", "id_b", "mag_b"]
    assert table["mag_b"].is_null().equals(table["id_b"].is_null())
    return pairs_of(table["id_a"], table["id_b"])


def pairs_of(left, right):
    return sorted(zip(left.to_pylist(), right.to_pylist(), strict=True), key=str)


def wanted(text, left="fine", right="fine", how="inner"):
    """Return the pairs of ids that a nested loop gives."""
    a, b = ROWS["a", left], ROWS["b", right]
    found = nested_loop(condition(text, SCHEMA), a, b)
    first, second = a["id"].to_pylist(), b["id"].to_pylist()
    both = [(first[i], second[j]) for i, j in found]
    if how == "left":
        there = {i for i, _ in both}
        both += [(i, None) for i in first if i not in there]
    return sorted(both, key=str)


TEXTS = [
    f"{DISTANCE} < 60/3600.",
    f"30 >= {DISTANCE} * 3600",
    "CONTAINS(POINT(b.ra, b.dec), CIRCLE(a.ra, a.dec, a.r)) = 1",
    f"{DISTANCE} < 2 * a.r",
    f"{DISTANCE} < 60/3600. AND a.mag < b.mag",
]


@pytest.mark.parametrize(
    ("left", "right"), [("fine", "fine"), ("fine", "margin"), ("fine", "table"), ("table", "fine")]
)
@pytest.mark.parametrize("text", TEXTS)
def test_joins_are_those_of_a_nested_loop(catalogs, text, left, right):
    expected = wanted(text, left, right)
    assert expected
    assert joined(node_of(catalogs, text, left, right)) == expected


@pytest.mark.parametrize(("left", "right"), [("fine", "margin"), ("table", "table")])
@pytest.mark.parametrize("text", TEXTS[2:])
def test_rows_without_a_partner_are_kept_with_nulls(catalogs, text, left, right):
    expected = wanted(text, left, right, "left")
    assert None in {b for _, b in expected}
    assert len(expected) > len(ROWS["a", left])
    assert joined(node_of(catalogs, text, left, right, "left")) == expected


def test_a_radius_of_the_right_side_exchanges_the_sides(catalogs):
    text = f"{DISTANCE} < b.r + 1/3600."
    assert joined(node_of(catalogs, text, "fine", "fine")) == wanted(text)
    assert node_of(catalogs, text, how="left") is None


@pytest.mark.parametrize("radius", ["20", "100", "1000", "-1", "b.r * 3600 * 100"])
def test_wide_radii_stay_right(catalogs, radius, monkeypatch):
    text = f"{DISTANCE} < {radius} AND a.k = b.k"
    if radius != "-1":
        assert node_of(catalogs, text) is None  # too many pairs at once
    monkeypatch.setattr(skymatches, "_MOST_NEAR", np.inf)
    for left, right in (("fine", "fine"), ("table", "margin")):
        assert joined(node_of(catalogs, text, left, right)) == wanted(text, left, right)


def test_what_would_be_near_is_estimated_where_it_is_densest(catalogs):
    assert node_of(catalogs, f"{DISTANCE} < 0.5", right="table") is None
    assert node_of(catalogs, f"{DISTANCE} < 0.1", right="table") is not None


@pytest.mark.parametrize(
    "text",
    [
        "DISTANCE(a.ra, a.dec + 1, b.ra, b.dec) < 0.01",
        "DISTANCE(a.ra, a.dec, b.ra, b.mag) < 0.01",
        f"{DISTANCE} < ABS(a.r)",
        f"{DISTANCE} < a.r / a.k",
    ],
)
def test_other_positions_and_radii_that_are_not_known_are_no_plan(catalogs, text):
    assert node_of(catalogs, text) is None


def test_positions_that_were_replaced_are_no_plan(catalogs):
    moved = {key: c.assign(ra="ra + 1") for key, c in catalogs.items()}
    assert node_of(moved, f"{DISTANCE} < 0.01") is None


def test_steps_below_a_join_are_kept(catalogs):
    some = catalogs | {("b", "fine"): catalogs["b", "fine"].query("mag > 20")}
    text = f"{DISTANCE} < 60/3600."
    expected = wanted(f"{text} AND b.mag > 20")
    assert 0 < len(expected) < len(wanted(text))
    assert joined(node_of(some, text)) == expected


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["threads", "processes", "dask", "spark"])
def test_every_engine_gives_the_same_rows(catalogs, engines, engine):
    text = f"{DISTANCE} < 2 * a.r AND a.mag < b.mag + 1"
    node = node_of(catalogs, text, how="left")
    expected = pa.concat_tables(run.in_order(node))
    with sky.executor(engines(engine)):
        assert pa.concat_tables(run.in_order(node)).equals(expected)


@pytest.mark.parametrize("text", TEXTS[:4])
def test_the_pairs_of_a_plan_are_those_of_the_kernel(catalogs, text):
    tables = [ROWS[side, "fine"] for side in "ab"]
    rule = nearness(condition(text, SCHEMA), LEFT, RIGHT)
    found = pa.concat_tables(pairs(rule, [columns(tables[0], "#0")], [columns(tables[1], "#1")]))
    ids = [t["id"].take(found[n]) for t, n in zip(tables, "lr", strict=True)]
    assert joined(node_of(catalogs, text)) == pairs_of(*ids)
