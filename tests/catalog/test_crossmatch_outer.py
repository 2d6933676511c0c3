"""Outer matches: every row of both sides is there, the pairs once each."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.errors import InputError, SchemaError
from skyseries.spatial.sphere import separation_arcsec
from tests.catalog.matching import imported, planted


@pytest.fixture(autouse=True)
def _small_units(tune):
    """Many units even for small catalogs and tables, of which threads would wait for each other."""
    tune(unit_rows=250, least_unit_rows=10, table_piece_rows=20)
    with sky.executor("serial"):
        yield


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """Return two tables at poles, corners and ra = 0, and catalogs of them."""
    folder = tmp_path_factory.mktemp("outer")
    a, b = planted(1, 60.0, per_anchor=6), planted(2, 60.0, per_anchor=9)
    lefts = {
        "fine": imported(a, folder / "a1", max_rows=30, margin_arcsec=None),
        "table": sky.from_table(a),
    }
    rights = {
        "margin": imported(b, folder / "b1", max_rows=40, margin_arcsec=4000),
        "plain": imported(b, folder / "b2", max_rows=90, margin_arcsec=None),
        "table": sky.from_table(b),
    }
    return a, b, lefts, rights


def expected(
    a: pa.Table, b: pa.Table, radius: Any, n: int | None = 1, least: float = 0.0, one: bool = False
) -> Counter:
    """Return the ids of both sides in each row of an outer match, None for none."""
    (ra1, dec1), (ra2, dec2) = ((np.asarray(t["ra"]), np.asarray(t["dec"])) for t in (a, b))
    apart = np.array(
        [separation_arcsec(*place, ra2, dec2) for place in zip(ra1, dec1, strict=True)]
    )
    near = (apart <= np.broadcast_to(radius, len(a))[:, None]) & (apart >= least)
    apart = np.where(near, apart, np.inf)
    found = set()
    for i, row in enumerate(apart):
        for j in np.argsort(row, kind="stable")[:n]:
            if row[j] < np.inf and (not one or apart[:, j].argmin() == i):
                found.add((i, int(j)))
    ids = a["id"].to_pylist(), b["id"].to_pylist()
    rows = [(ids[0][i], ids[1][j]) for i, j in found]
    rows += [(x, None) for i, x in enumerate(ids[0]) if i not in {i for i, _ in found}]
    rows += [(None, x) for j, x in enumerate(ids[1]) if j not in {j for _, j in found}]
    return Counter(rows)


def outer(left: sky.Catalog, right: Any, radius: Any, **options: Any) -> Counter:
    table = left.crossmatch(right, radius, how="outer", suffixes=("_a", "_b"), **options).to_arrow()
    assert table["_dist_arcsec"].null_count == table["id_a"].null_count + table["id_b"].null_count
    return Counter(zip(table["id_a"].to_pylist(), table["id_b"].to_pylist(), strict=True))


RULES = [
    {}, {"n_neighbors": 2}, {"n_neighbors": 3, "min_radius_arcsec": 10.0}, {"n_neighbors": None},
    {"one_to_one": True},
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("sides", [("fine", "margin"), ("table", "plain"), ("fine", "table")])
def test_brute_force(case, sides, rule):
    """A right row that is near a left one, but not among those that it takes, is kept."""
    a, b, lefts, rights = case
    n, least = rule.get("n_neighbors", 1), rule.get("min_radius_arcsec", 0.0)
    want = expected(a, b, 60.0, n, least, "one_to_one" in rule)
    assert outer(lefts[sides[0]], rights[sides[1]], 60.0, **rule) == want
    assert sum(x is None for x, _ in want) > 0


def test_nearer_partners_leave_some_out():
    left = sky.from_table({"id": [1], "ra": [10.0], "dec": [0.0]})
    right = sky.from_table({"id": [11, 12], "ra": [10.0, 10.0], "dec": [0.0001, 0.0005]})
    assert outer(left, right, 5) == Counter([(1, 11), (None, 12)])


@pytest.mark.parametrize("sides", [("fine", "margin"), ("table", "table")])
def test_a_radius_for_each_row(case, sides):
    a, b, lefts, rights = case
    radii = 300.0 * (np.asarray(a["k"]) % 5) / 4
    found = outer(lefts[sides[0]], rights[sides[1]], "300.0 * MOD(k, 5) / 4", n_neighbors=2)
    assert found == expected(a, b, radii, 2)


def lattice(shift: float) -> pa.Table:
    """Return rows at places that are equally far from several others, each twice; over borders."""
    steps = np.arange(-4, 4) * 0.005
    x, y = (np.concatenate([v.ravel()] * 2) for v in np.meshgrid(steps, steps))
    rng = np.random.default_rng(3)
    n = len(x)
    pm = rng.normal(0, 300, (2, n))
    return pa.table(
        {"id": np.arange(n), "ra": (x + shift) % 360, "dec": y, "e": 1 + np.arange(n) % 3,
         "pmra": pm[0], "pmdec": pm[1]}
    )  # fmt: skip


@pytest.fixture(scope="module")
def lattices(tmp_path_factory):
    """Return two tables, and catalogs of them in memory and on disk."""
    a, b = lattice(0.0025), lattice(0.0)
    folder = tmp_path_factory.mktemp("lattice")
    left = imported(a, folder / "a", max_rows=20, margin_arcsec=None)
    right = imported(b, folder / "b", max_rows=20, margin_arcsec=60)
    return a, b, (sky.from_table(a), sky.from_table(b)), (left, right)


MOVES = {"left_pm": ("pmra", "pmdec"), "left_epoch": 1991.25, "right_epoch": 2016.0}
BOTH_MOVE = MOVES | {"right_pm": ("pmra", "pmdec"), "right_epoch": 2000.0, "epoch": 2016.0}


@pytest.mark.parametrize(
    "rule",
    [
        *RULES, MOVES, BOTH_MOVE | {"n_neighbors": 2}, BOTH_MOVE | {"one_to_one": True},
        {"left_error": "e", "right_error": "e", "density": 1.0, "n_neighbors": 2},
    ],
    ids=str,
)  # fmt: skip
def test_each_right_row_is_in_a_pair_or_alone(lattices, rule):
    """Of equally near partners both halves of the match take the same."""
    a, b, *catalogs = lattices
    for left, right in catalogs:
        rows = outer(left, right, 10.0, **rule)
        assert set(rows.values()) == {1}
        paired = [(x, y) for x, y in rows if x is not None and y is not None]
        alone = Counter(y for x, y in rows if x is None)
        assert alone == Counter(set(range(b.num_rows)) - {y for _, y in paired})
        alone = Counter(x for x, y in rows if y is None)
        assert alone == Counter(set(range(a.num_rows)) - {x for x, _ in paired})
        inner = left.crossmatch(right, 10.0, suffixes=("_a", "_b"), **rule).to_arrow()
        assert Counter(inner["id_a"].to_pylist()) == Counter(x for x, _ in paired)


def test_steps_on_either_side(case):
    """Rows that were left out before are in no row; those without a position are kept."""
    a, b, lefts, rights = case
    few = b.filter(pa.compute.less(b["mag"], 20.0))
    left, right = lefts["fine"], rights["margin"]
    assert outer(left, right.query("mag < 20"), 60.0) == expected(a, few, 60.0)
    assert outer(left, right.query("mag < 0"), 60.0) == Counter(
        (x, None) for x in a["id"].to_pylist()
    )
    assert outer(left.query("mag < 0"), right, 60.0) == Counter(
        (None, y) for y in b["id"].to_pylist()
    )
    nowhere = {"id": [1, 2, 3], "ra": [None, 10.0, 10.0], "dec": [1.0, np.nan, -45.0]}
    rows = outer(sky.from_table(nowhere), sky.from_table(nowhere), 1.0)
    assert rows == Counter([(1, None), (2, None), (None, 1), (None, 2), (3, 3)])


def test_a_catalog_with_itself(case):
    a, _, lefts, _ = case
    for left in lefts.values():
        table = left.self_match(40.0, id="id", how="outer", suffixes=("_a", "_b")).to_arrow()
        pair = pa.compute.and_(table["id_a"].is_valid(), table["id_b"].is_valid())
        inner = left.self_match(40.0, id="id", suffixes=("_a", "_b")).to_arrow()
        pairs = [
            Counter(zip(t["id_a"].to_pylist(), t["id_b"].to_pylist(), strict=True))
            for t in (table.filter(pair), inner)
        ]
        assert pairs[0] == pairs[1]
        alone = table.filter(table["id_a"].is_null())["id_b"].to_pylist()
        assert sorted(alone) == sorted(set(a["id"].to_pylist()) - {y for _, y in pairs[0]})


def test_rows_of_one_object_hide_no_other():
    """The rows of one id may all be nearer than the other objects."""
    table = {"id": [1, 1, 1, 2, 3], "ra": [10.0] * 5, "dec": [0.0, 1e-5, 2e-5, 1e-4, 2e-4]}
    sources = sky.from_table(table)
    for n, others in ((1, [2]), (2, [2, 3]), (None, [2, 3])):
        found = sources.self_match(5, id="id", n_neighbors=n).to_arrow()
        first = found.filter(pa.compute.equal(found["id"], 1))
        assert sorted(first["id_other"].to_pylist()) == sorted(others * 3)
    unknown = sky.from_table(table | {"id": [1, None, None, 2, 3]})
    with pytest.raises(Exception, match="IS NOT NULL") as failed:
        unknown.self_match(5, id="id").to_arrow()
    assert isinstance(failed.value.__cause__ or failed.value, SchemaError)
    assert len(unknown.query("id IS NOT NULL").self_match(5, id="id")) == 3
    with pytest.raises(InputError, match="give id="):
        sources.self_match(5)


@pytest.mark.parametrize("rule", [{}, {"left_pm": ("pmra", "pmdec"), "left_epoch": 2010.0}])
def test_one_to_one_of_tables(rule):
    """Rivals in other units of work count, of rows that move too."""
    a, b = lattice(0.0025), lattice(0.0)
    a = a.set_column(4, "pmra", pa.array(np.zeros(len(a))))
    a = a.set_column(5, "pmdec", pa.array(np.zeros(len(a))))
    b = b.slice(0, b.num_rows // 2).set_column(1, "ra", b["ra"][: b.num_rows // 2])
    more = {"right_epoch": 2016.0} if rule else {}
    found = sky.from_table(a).crossmatch(
        sky.from_table(b), 20.0, one_to_one=True, suffixes=("_a", "_b"), **rule, **more
    )
    table = found.to_arrow()
    for name in ("id_a", "id_b"):
        assert len(table[name].unique()) == table.num_rows > 0


def test_one_to_one_takes_no_errors(case):
    _, _, lefts, rights = case
    with pytest.raises(InputError, match="leave one out"):
        lefts["fine"].crossmatch(rights["plain"], 5, one_to_one=True, left_error=1.0, density=1.0)
