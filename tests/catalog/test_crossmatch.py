"""Cross-matches are those of brute force: at poles, wraps, corners, whatever the partitions are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.errors import InputError, QueryError, SchemaError
from skyseries.spatial.sphere import apply_proper_motion, separation_arcsec
from tests.catalog.matching import agree, brute, imported, pairs, planted

RADII = [1.0, *(pytest.param(radius, marks=pytest.mark.slow) for radius in (60.0, 3600.0))]


@pytest.fixture(autouse=True)
def _small_units(tune):
    """Many units even for small catalogs, of which threads would wait for each other."""
    tune(unit_rows=250, least_unit_rows=10)
    with sky.executor("serial"):
        yield


@pytest.fixture(scope="module", params=RADII)
def case(request, tmp_path_factory):
    """Return radius, both tables, and the catalogs: left coarse, right fine, and the reverse."""
    radius = request.param
    a, b = planted(1, radius), planted(2, radius)
    folder = tmp_path_factory.mktemp("match")
    catalogs = {
        ("a", "fine"): imported(a, folder / "a1", max_rows=40, margin_arcsec=None),
        ("a", "coarse"): imported(a, folder / "a2", max_rows=200, margin_arcsec=5),
        ("b", "fine"): imported(b, folder / "b1", max_rows=30, margin_arcsec=5),
        ("b", "coarse"): imported(b, folder / "b2", max_rows=150, margin_arcsec=None),
        ("b", "margin"): imported(b, folder / "b3", max_rows=60, margin_arcsec=4000),
    }
    return radius, a, b, catalogs


@pytest.mark.parametrize("right", ["fine", "coarse", "margin"])
@pytest.mark.parametrize("left", ["fine", "coarse"])
@pytest.mark.parametrize("n", [1, 3, None])
def test_brute_force(case, left, right, n):
    radius, a, b, catalogs = case
    result = catalogs["a", left].crossmatch(
        catalogs["b", right], radius, n_neighbors=n, suffixes=("_a", "_b")
    )
    agree(pairs(result.to_arrow()), brute(a, b, radius, n=n))


@pytest.mark.parametrize("how", ["left", "anti"])
def test_rows_without_a_partner(case, how):
    radius, a, b, catalogs = case
    expected = brute(a, b, radius / 4)
    lonely = {key for key, partners in expected.items() if not partners}
    assert lonely
    result = catalogs["a", "fine"].crossmatch(
        catalogs["b", "fine"], radius / 4, how=how, suffixes=("_a", "_b")
    )
    table = result.to_arrow()
    if how == "anti":
        assert set(table["id_a"].to_pylist()) == lonely
        assert table.column_names == [f"{n}_a" if n != "_healpix_29" else n for n in a_columns()]
        return
    assert table.num_rows == a.num_rows
    alone = table.filter(table["id_b"].is_null())
    assert set(alone["id_a"].to_pylist()) == lonely
    assert alone["_dist_arcsec"].null_count == alone["mag_b"].null_count == alone.num_rows
    agree(pairs(table.filter(table["id_b"].is_valid())), expected)


def a_columns():
    return ["_healpix_29", "id", "ra", "dec", "mag", "k"]


@pytest.mark.parametrize("right", ["fine", "coarse", "margin"])
@pytest.mark.parametrize("left", ["fine", "coarse"])
def test_one_to_one(case, left, right):
    radius, a, b, catalogs = case
    there, back = brute(a, b, radius), brute(b, a, radius)
    expected = {
        key: found for key, found in there.items() if found and back[found[0][0]][0][0] == key
    }
    result = catalogs["a", left].crossmatch(
        catalogs["b", right], radius, one_to_one=True, suffixes=("_a", "_b")
    )
    assert sum(map(bool, there.values())) > len(expected) > 0
    agree(pairs(result.to_arrow()), expected)


def test_least_radius(case):
    radius, a, b, catalogs = case
    result = catalogs["a", "fine"].crossmatch(
        catalogs["b", "fine"], radius, n_neighbors=2, min_radius_arcsec=radius / 3,
        suffixes=("_a", "_b"),
    )  # fmt: skip
    agree(pairs(result.to_arrow()), brute(a, b, radius, n=2, least=radius / 3))


def test_a_radius_for_each_row(case):
    radius, a, b, catalogs = case
    k = np.asarray(a["k"])
    radii = radius * (k % 5) / 4
    result = catalogs["a", "fine"].crossmatch(
        catalogs["b", "coarse"], f"{radius} * MOD(k, 5) / 4", suffixes=("_a", "_b")
    )
    agree(pairs(result.to_arrow()), brute(a, b, radii))


@pytest.mark.parametrize("kind", ["arrow", "pandas", "polars", "astropy"])
def test_a_table_on_the_right(case, kind):
    radius, a, b, catalogs = case
    table = b
    if kind == "pandas":
        table = b.to_pandas()
    elif kind == "polars":
        import polars as pl

        table = pl.from_arrow(b)
    elif kind == "astropy":
        from astropy.table import Table

        table = Table({name: np.asarray(b[name]) for name in b.column_names})
    result = catalogs["a", "fine"].crossmatch(table, radius, suffixes=("_a", "_b"))
    agree(pairs(result.to_arrow()), brute(a, b, radius))


def test_a_table_on_the_left(case):
    radius, a, b, catalogs = case
    table = sky.from_table(a)
    for right in ("fine", "coarse", "margin"):
        result = table.crossmatch(catalogs["b", right], radius, how="left", suffixes=("_a", "_b"))
        found = result.to_arrow()
        assert found.num_rows == a.num_rows
        agree(pairs(found.filter(found["id_b"].is_valid())), brute(a, b, radius))


def test_rows_without_a_position_are_kept_and_match_nothing(case):
    _, _, _, catalogs = case
    table = pa.table({"id": [1, 2, 3], "ra": [0.0, None, 10.0], "dec": [0.0, 1.0, np.nan]})
    left = sky.from_table(table)
    assert len(left.to_arrow()) == 3
    found = left.crossmatch(catalogs["b", "fine"], 36000, how="left").to_arrow()
    assert sorted(found["id"].to_pylist()) == [1, 2, 3]
    assert found.filter(found["_dist_arcsec"].is_valid())["id"].to_pylist() == [1]


def test_a_catalog_with_itself(case):
    radius, a, _, catalogs = case
    result = catalogs["a", "fine"].self_match(radius, n_neighbors=2, suffixes=("_a", "_b"))
    expected = {
        key: [pair for pair in found if pair[0] != key][:2]
        for key, found in brute(a, a, radius, n=3).items()
    }
    agree(pairs(result.to_arrow()), expected)


def test_matched_twice(case):
    """The right side may itself be a cross-match, and the result may be matched again."""
    radius, a, b, catalogs = case
    inner = (
        catalogs["b", "fine"]
        .select(["id", "ra", "dec"])
        .crossmatch(catalogs["a", "coarse"].select(["id"]), radius, suffixes=("", "_2"))
    )
    outer = catalogs["a", "fine"].crossmatch(inner, radius, suffixes=("_a", "_b"))
    table = outer.to_arrow()
    with_partner = b.filter(pa.array([bool(v) for v in brute(b, a, radius).values()]))
    expected = brute(a, with_partner, radius)
    found = {}
    for row in table.select(["id_a", "id_b"]).to_pylist():
        found[row["id_a"]] = row["id_b"]
    assert found == {key: value[0][0] for key, value in expected.items() if value}


def test_filters_on_either_side(case):
    radius, a, b, catalogs = case
    left = catalogs["a", "fine"].query("mag < 20")
    right = catalogs["b", "fine"].query("mag > 20").cone_search(10, -45, 7200)
    result = left.crossmatch(right, radius, suffixes=("_a", "_b"))
    mag_a, mag_b = np.asarray(a["mag"]), np.asarray(b["mag"])
    near = separation_arcsec(np.asarray(b["ra"]), np.asarray(b["dec"]), 10, -45) <= 7200
    expected = brute(
        a.filter(pa.array(mag_a < 20)), b.filter(pa.array((mag_b > 20) & near)), radius
    )
    agree(pairs(result.to_arrow()), expected)
    later = catalogs["a", "fine"].crossmatch(catalogs["b", "fine"], radius, suffixes=("_a", "_b"))
    later = later.query("mag_a < 20 AND mag_b > 20 AND _dist_arcsec < 1000")
    chosen = brute(a.filter(pa.array(mag_a < 20)), b, radius)
    bright = dict(zip(b["id"].to_pylist(), mag_b, strict=True))
    chosen = {
        key: [(j, d) for j, d in found if bright[j] > 20 and d < 1000]
        for key, found in chosen.items()
    }
    agree(pairs(later.to_arrow()), chosen)


@pytest.mark.parametrize("engine", ["serial", "threads", "processes"])
def test_the_same_on_every_engine(case, engine, engines):
    radius, _, _, catalogs = case
    result = catalogs["a", "coarse"].crossmatch(catalogs["b", "fine"], radius)
    expected = result.to_arrow()
    with sky.executor(engines(engine)):
        assert result.to_arrow().equals(expected)
        assert len(result) == expected.num_rows


@pytest.fixture(scope="module")
def moving(case, tmp_path_factory):
    """Return stars that move, as they are now, and catalogs of them as they were in 1991.

    The second catalog has the year as a column that is computed, the third as one that is stored.
    """
    b = case[2]
    rng = np.random.default_rng(5)
    pmra, pmdec = rng.normal(0, 2000, (2, b.num_rows))  # mas/yr: up to minutes of arc in 25 years
    ra, dec = apply_proper_motion(
        np.asarray(b["ra"]), np.asarray(b["dec"]), -pmra, -pmdec, 1991.25, 2016.0
    )
    moved = pa.table({"id": b["id"], "ra": ra, "dec": dec, "pmra": pmra, "pmdec": pmdec})
    now = apply_proper_motion(ra, dec, pmra, pmdec, 1991.25, 2016.0)
    there = moved.set_column(1, "ra", pa.array(now[0])).set_column(2, "dec", pa.array(now[1]))
    folder = tmp_path_factory.mktemp("moving")
    old = imported(moved, folder, max_rows=25, margin_arcsec=5)
    by_column = old.assign(year="1991.25 + 0 * pmra")
    stored = imported(by_column.to_arrow().drop(["_healpix_29"]), folder / "y", max_rows=25,
                      margin_arcsec=5)  # fmt: skip
    return there, old, by_column, stored


@pytest.mark.slow
@pytest.mark.parametrize("right", ["fine", "coarse", "margin"])
def test_stars_that_move(case, moving, right):
    """A star is found where it is at the epoch of the match, wherever it is filed."""
    _, _, b, catalogs = case
    there, old, *with_years = moving
    expected = brute(there, b, 0.5)
    assert sum(map(bool, expected.values())) > 0.7 * b.num_rows
    left = old.crossmatch(
        catalogs["b", right], 0.5, left_pm=("pmra", "pmdec"), left_epoch=1991.25,
        right_epoch=2016.0, suffixes=("_a", "_b"),
    )  # fmt: skip
    agree(pairs(left.to_arrow()), expected)
    reverse = catalogs["b", right].crossmatch(
        old, 0.5, right_pm=("pmra", "pmdec"), right_epoch=1991.25, epoch=2016.0,
        suffixes=("_a", "_b"),
    )  # fmt: skip
    agree(pairs(reverse.to_arrow()), brute(b, there, 0.5))
    for year in with_years:
        found = catalogs["b", right].crossmatch(
            year, 0.5, right_pm=("pmra", "pmdec"), right_epoch="year", epoch=2016.0,
            suffixes=("_a", "_b"),
        )  # fmt: skip
        agree(pairs(found.to_arrow()), brute(b, there, 0.5))


def test_what_cannot_be_matched(case):
    _, _, _, catalogs = case
    a, b = catalogs["a", "fine"], catalogs["b", "fine"]
    for radius in (-1, float("nan"), 1e7):
        with pytest.raises(InputError, match="match radius"):
            a.crossmatch(b, radius)
    with pytest.raises(InputError, match="n_neighbors"):
        a.crossmatch(b, 1, n_neighbors=0)
    with pytest.raises(InputError, match="how must be"):
        a.crossmatch(b, 1, how="right")
    with pytest.raises(SchemaError, match="two columns 'id'"):
        a.crossmatch(b, 1, suffixes=("", ""))
    with pytest.raises(QueryError, match="nonsense"):
        a.crossmatch(b, "nonsense")
    with pytest.raises(InputError, match="negative"):
        a.crossmatch(b, "-1.0 * ABS(mag)").to_arrow()
    with pytest.raises(InputError, match="left_epoch"):
        a.crossmatch(b, 1, left_pm=("k", "k"))
    with pytest.raises(SchemaError, match=r"positions .* were replaced"):
        a.assign(ra="ra + 1").crossmatch(b, 1)
    with pytest.raises(InputError, match="cannot take a list"):
        a.crossmatch([1, 2], 1)
    with pytest.raises(SchemaError, match="say which columns"):
        a.crossmatch({"x": [1.0], "y": [2.0]}, 1)
    with pytest.raises(InputError, match="beyond ±90"):
        a.crossmatch({"ra": [1.0], "dec": [91.0]}, 1)


def test_outer(case, tmp_path):
    radius, a, b, catalogs = case
    r = radius / 4
    result = catalogs["a", "fine"].crossmatch(
        catalogs["b", "coarse"], r, how="outer", suffixes=("_a", "_b")
    )
    table = result.to_arrow()
    both = pa.compute.and_(table["id_a"].is_valid(), table["id_b"].is_valid())
    agree(pairs(table.filter(both)), brute(a, b, r))
    alone_a = {k for k, v in brute(a, b, r).items() if not v}
    alone_b = set(b["id"].to_pylist()) - {j for v in brute(a, b, r).values() for j, _ in v}
    assert set(table.filter(table["id_b"].is_null())["id_a"].to_pylist()) == alone_a
    assert set(table.filter(table["id_a"].is_null())["id_b"].to_pylist()) == alone_b
    assert table.num_rows == a.num_rows + len(alone_b)
    hpx = np.asarray(table["_healpix_29"])
    assert (np.diff(hpx) >= 0).all()
    result.write_catalog(tmp_path / "outer", margin_arcsec=None)
    written = sky.open_catalog(tmp_path / "outer").to_arrow()
    assert written.num_rows == table.num_rows
    assert written["ra_a"].null_count == 0
    assert sky.validate_catalog(tmp_path / "outer").ok


@pytest.mark.parametrize("how", ["inner", "left"])
def test_partners_as_lists(case, how):
    radius, a, b, catalogs = case
    result = catalogs["a", "coarse"].crossmatch(
        catalogs["b", "fine"].select(["id", "mag"]), radius / 2, n_neighbors=None, how=how,
        nested="partners",
    )  # fmt: skip
    table = result.to_arrow()
    expected = brute(a, b, radius / 2, n=None)
    mag = dict(zip(b["id"].to_pylist(), b["mag"].to_pylist(), strict=True))
    assert table.num_rows == sum(1 for v in expected.values() if v or how == "left")
    for key, partners in zip(table["id"].to_pylist(), table["partners"].to_pylist(), strict=True):
        assert partners["id"] == [j for j, _ in expected[key]]
        assert partners["mag"] == [mag[j] for j, _ in expected[key]]
        np.testing.assert_allclose(partners["_dist_arcsec"], [d for _, d in expected[key]])
    near = result.query("partners.mag < 20").assign(n="COUNT(partners.id)").select(["id", "n"])
    for row in near.to_arrow().to_pylist():
        assert row["n"] == sum(mag[j] < 20 for j, _ in expected[row["id"]])


def test_several_catalogs(case):
    radius, a, b, catalogs = case
    both = {"fine": catalogs["b", "fine"], "table": a.slice(0, 200)}
    for how in ("left", "inner"):
        table = catalogs["a", "fine"].crossmatch_many(both, radius / 3, how=how).to_arrow()
        first, second = brute(a, b, radius / 3), brute(a, a.slice(0, 200), radius / 3)
        for row in table.to_pylist():
            for name, expected in (("fine", first), ("table", second)):
                found = row[f"id_{name}"], row[f"_dist_arcsec_{name}"]
                partner = expected[row["id"]][:1]
                assert found[0] == (partner[0][0] if partner else None)
        wanted = [k for k in first if how == "left" or (first[k] and second[k])]
        assert sorted(table["id"].to_pylist()) == sorted(wanted)


def test_the_most_probable_partner(case):
    """Likelihood ratios of Sutherland & Saunders, computed pair by pair."""
    radius, a, b, catalogs = case
    result = catalogs["a", "fine"].crossmatch(
        catalogs["b", "fine"], radius, n_neighbors=2, suffixes=("_a", "_b"),
        left_error=f"{radius} * (1 + MOD(k, 3)) / 10",
        right_error=f"{radius} * (1 + MOD(k, 7)) / 10",
        density=3600 / radius**2, prior=0.8,
    )  # fmt: skip
    left = {row["id"]: radius * (1 + row["k"] % 3) / 10 for row in a.to_pylist()}
    right = {row["id"]: radius * (1 + row["k"] % 7) / 10 for row in b.to_pylist()}
    expected = {}
    for key, partners in brute(a, b, radius, n=None).items():
        ratios = []
        for j, d in partners:
            variance = left[key] ** 2 + right[j] ** 2
            f = np.exp(-(d**2) / (2 * variance)) / (2 * np.pi * variance)
            ratios.append(0.8 * f * radius**2)
        total = sum(ratios) + 0.2
        ranked = sorted(zip(partners, ratios, strict=True), key=lambda pair: -pair[1])[:2]
        expected[key] = [(j, d, ratio / total) for (j, d), ratio in ranked]
    table = result.to_arrow()
    found = {}
    for row in table.to_pylist():
        found.setdefault(row["id_a"], []).append(
            (row["id_b"], row["_dist_arcsec"], row["_match_probability"])
        )
    assert found.keys() == {key for key, value in expected.items() if value}
    for key, partners in found.items():
        assert [p[0] for p in partners] == [p[0] for p in expected[key]]
        np.testing.assert_allclose(
            [p[2] for p in partners], [p[2] for p in expected[key]], rtol=1e-6
        )
