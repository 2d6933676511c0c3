"""All matches of a cross-match against a brute-force twin, astropy and scipy."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord, search_around_sky
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from skyseries.errors import InputError
from skyseries.spatial import match as module
from skyseries.spatial.match import Target, match, mutual, nearest, self_match
from skyseries.spatial.sphere import separation, separation_arcsec
from tests.examples import examples

EDGE = 1e-9
"""Arcsec: the rounding of angles near 360 degrees."""


@pytest.fixture(params=["grid", "tree"], autouse=True)
def index(request, monkeypatch):
    """Search by the grid, and by the tree, whatever the density."""
    limit = np.inf if request.param == "grid" else -1.0
    monkeypatch.setattr(module, "_MAX_CROWDING", limit)
    monkeypatch.setattr(module, "_MAX_IN_CELL", limit)
    return request.param


def brute_force(left, right, radii, k, least, allowed=None):
    """Return pairs (left, right, distance) by the definition."""
    rows = []
    radii = np.broadcast_to(radii, len(left[0]))
    for i in range(len(left[0])):
        apart = separation_arcsec(left[0][i], left[1][i], right[0], right[1])
        near = (least <= apart) & (apart <= radii[i])
        near &= True if allowed is None else allowed[i]
        order = np.lexsort((np.arange(apart.size), np.where(near, apart, np.inf)))
        rows += [(i, j, apart[j]) for j in order[: np.count_nonzero(near)][:k]]
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    return [np.array(c, t) for c, t in zip(columns, (int, int, float), strict=True)]


def away_from_borders(left, right, *borders):
    """Whether no separation is so near to a border that rounding decides."""
    apart = separation_arcsec(left[0][:, None], left[1][:, None], *right)
    for border in borders:
        border = np.broadcast_to(np.reshape(border, (-1, 1)), apart.shape)
        near = (np.abs(apart - border) <= 2 * EDGE) & (apart != border)
        if near.any():
            return False
    return True


def assert_matches(matches, left, right, radii, k=None, least=0.0, allowed=None):
    """The same pairs as brute force; of k nearest, the same distances."""
    expected = brute_force(left, right, radii, k, least, allowed)
    assert [a.dtype for a in matches] == [np.int64, np.int64, np.float64]
    np.testing.assert_array_equal(matches.left, expected[0])
    np.testing.assert_allclose(matches.distance_arcsec, expected[2], rtol=1e-12, atol=EDGE)
    own = separation_arcsec(
        left[0][matches.left], left[1][matches.left],
        right[0][matches.right], right[1][matches.right],
    )  # fmt: skip
    np.testing.assert_allclose(matches.distance_arcsec, own, rtol=1e-12, atol=EDGE)
    pairs = list(zip(matches.left, matches.right, strict=True))
    assert len(set(pairs)) == len(pairs)
    if k is None:
        assert set(pairs) == set(zip(expected[0], expected[1], strict=True))
    order = np.lexsort((matches.right, matches.distance_arcsec, matches.left))
    np.testing.assert_array_equal(order, np.arange(len(pairs)))
    assert (matches.distance_arcsec <= np.broadcast_to(radii, len(left[0]))[matches.left]).all()
    assert (matches.distance_arcsec >= least).all()


def whole_sky(rng, n):
    return rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))


def around(rng, ra, dec, radius_arcsec, n):
    """Scatter n positions about one, also across a pole."""
    bearing, r = rng.uniform(0, 2 * np.pi, n), np.radians(rng.uniform(0, radius_arcsec, n) / 3600)
    d = np.radians(dec)
    sine = np.sin(d) * np.cos(r) + np.cos(d) * np.sin(r) * np.cos(bearing)
    dra = np.arctan2(np.sin(bearing) * np.sin(r) * np.cos(d), np.cos(r) - np.sin(d) * sine)
    return np.mod(ra + np.degrees(dra), 360), np.degrees(np.arcsin(np.clip(sine, -1, 1)))


AWKWARD_RA = [0.0, 0.0, 360.0, 1e-9, 359.9999999, 180.0, 45.0, -10.0, 720.5]
AWKWARD_DEC = [90.0, 90.0, -90.0, 0.0, 89.99999, -89.9, 45.0, 41.8103149]
SCALES = [0.0, 0.0, 1e-9, 1e-6, 1 / 3600, 0.1, 30.0, np.nan]


@st.composite
def positions(draw, max_size=25):
    """Clusters at awkward places, with offsets of all sizes, duplicates and NaN."""
    size, seed = draw(st.integers(0, max_size)), draw(st.integers(0, 2**32 - 1))
    n_places, n_scales = draw(st.integers(1, 9)), draw(st.integers(1, len(SCALES)))
    rng = np.random.default_rng(seed)
    scale = rng.choice(rng.choice(SCALES, n_scales), size)
    places = rng.choice(AWKWARD_RA, n_places), rng.choice(AWKWARD_DEC, n_places)
    place = rng.integers(0, n_places, size)
    dec = places[1][place] + scale * rng.uniform(-1, 1, size)
    return places[0][place] + scale * rng.uniform(-1, 1, size), np.clip(dec, -90.0, 90.0)


radii = st.sampled_from([0.0, 1e-3, 1.0, 90.0, 3600.0, 36_000.0, 324_000.0, 648_000.0])


@examples(3)
@given(positions(), positions(), radii, st.sampled_from([None, 1, 2, 5]), radii)
def test_any_positions_as_brute_force(left, right, radius, k, least):
    least = min(least, radius)
    assume(away_from_borders(left, right, radius, least))
    matches = match(*left, *right, radius, n_neighbors=k, min_radius_arcsec=least)
    assert_matches(matches, left, right, radius, k, least)


@examples(1.2)
@given(positions(), positions(), st.data(), st.sampled_from([None, 1, 3]))
def test_a_radius_for_each_row_as_brute_force(left, right, data, k):
    each = st.one_of(radii, st.just(np.nan))
    radius = np.array([data.draw(each) for _ in left[0]], float)
    assume(away_from_borders(left, right, radius))
    assert_matches(match(*left, *right, radius, n_neighbors=k), left, right, radius, k)


@examples(1.2)
@given(positions(), radii, st.sampled_from([None, 1, 3]), st.sampled_from([0.0, 0.5]))
def test_within_one_table_as_brute_force(table, radius, k, least):
    least = min(least, radius)
    assume(away_from_borders(table, table, radius, least))
    n = len(table[0])
    i, j = np.arange(n)[:, None], np.arange(n)
    allowed = i < j if k is None else i != j
    matches = self_match(*table, radius, n_neighbors=k, min_radius_arcsec=least)
    assert_matches(matches, table, table, radius, k, least, allowed)


@examples(1.2)
@given(positions(), positions(), radii)
def test_mutual_pairs_are_each_others_nearest(left, right, radius):
    assume(away_from_borders(left, right, radius))
    matches = mutual(*left, *right, radius)
    there, apart = nearest(*left, *right, radius)
    back, _ = nearest(*right, *left, radius)
    expected = [i for i, j in enumerate(there) if j >= 0 and back[j] == i]
    np.testing.assert_array_equal(matches.left, expected)
    np.testing.assert_array_equal(matches.right, there[expected])
    np.testing.assert_array_equal(matches.distance_arcsec, apart[expected])
    assert len(set(matches.right)) == len(expected)


@pytest.mark.parametrize("radius", [0.5, 20.0, 400.0, 20_000.0])
@pytest.mark.parametrize("k", [None, 1, 4])
def test_fields_of_all_densities_as_brute_force(radius, k):
    rng = np.random.default_rng(7)
    fields = [
        around(rng, 80.0, -69.0, 600.0, 300),
        around(rng, 0.0, 66.0, 60.0, 300),
        around(rng, 10.0, 90.0, 100.0, 300),
        whole_sky(rng, 150),
    ]
    right = np.concatenate(fields, axis=1)
    left = right[:, rng.permutation(right.shape[1])[:400]] + rng.normal(0, 1 / 3600, (2, 400))
    left[1] = np.clip(left[1], -90, 90)
    matches = match(*left, *right, radius, n_neighbors=k)
    assert_matches(matches, left, right, radius, k)
    assert len(matches.left) > 100


@pytest.mark.parametrize("n", [600, 40_000])
@pytest.mark.parametrize("centre", [(30.0, 20.0), (0.0, -5.0), (100.0, 89.5)])
def test_planted_pairs_are_found_and_no_others(n, centre):
    """Radii far below the mean distance, where one look at one cell is the usual case."""
    rng = np.random.default_rng(n)
    ra = centre[0] + rng.uniform(-3, 3, n) / np.cos(np.radians(min(centre[1], 80.0)))
    dec = np.clip(centre[1] + rng.uniform(-3, 3, n), -90.0, 90.0)
    at = np.sort(rng.permutation(n)[: n // 2])
    bearing = rng.uniform(0, 2 * np.pi, at.size)
    left_dec = dec[at] + 0.01 / 3600 * np.cos(bearing)
    left_ra = ra[at] + 0.01 / 3600 * np.sin(bearing) / np.maximum(np.cos(np.radians(dec[at])), 1e-4)
    inside = np.abs(left_dec) < 89.9
    left = left_ra[inside], left_dec[inside]
    matches = match(*left, ra, dec, 0.02)
    np.testing.assert_array_equal(matches.left, np.arange(inside.sum()))
    assert (matches.right == at[inside]).mean() > 0.999
    np.testing.assert_allclose(matches.distance_arcsec, 0.01, rtol=1e-4)
    everything = match(*left, ra, dec, 0.02, n_neighbors=None)
    assert len(everything.left) >= len(matches.left)
    assert not len(match(*left, ra, dec, 0.0099, n_neighbors=None, min_radius_arcsec=0.0098).left)
    assert not len(match(*left, ra, dec + 0.5 * (dec < 0) - 0.5 * (dec >= 0), 1e-4).left)


@pytest.mark.parametrize("dec", [0.0, 30.0, 75.0, -89.0])
@pytest.mark.parametrize("apart", [1e-7, 0.3, 59.99 * 3600, 60.01 * 3600, 170 * 3600])
def test_borders_belong_to_the_range(dec, apart):
    other = dec - apart / 3600 if dec > 0 else dec + apart / 3600
    ra = 20.0 if abs(other) <= 90 else 200.0
    other = other if abs(other) <= 90 else np.sign(other) * 180 - other
    delta = abs(ra - 20.0)
    border = 3600.0 * separation(delta, dec, other)
    below, above = np.nextafter(border, 0.0), np.nextafter(border, np.inf)
    pair = [20.0], [dec], [ra], [other]
    for k in (1, None):
        assert match(*pair, border, n_neighbors=k).distance_arcsec.tolist() == [
            pytest.approx(border, rel=1e-13)
        ]
        assert not len(match(*pair, below, n_neighbors=k).left)
        assert len(match(*pair, above, n_neighbors=k, min_radius_arcsec=border).left) == 1
        assert not len(match(*pair, 1.0 + above, n_neighbors=k, min_radius_arcsec=above).left)


def test_identical_positions_come_in_order_of_rows():
    ra, dec = np.full(3000, 12.0), np.full(3000, -34.0)
    matches = match([12.0, 12.0], [-34.0, -33.0], ra, dec, 1.0, n_neighbors=None)
    assert matches.left.tolist() == [0] * 3000
    assert matches.right.tolist() == list(range(3000))
    assert not matches.distance_arcsec.any()
    matches = match(ra, dec, ra, dec, 0.0, n_neighbors=2)
    assert matches.right.tolist() == [0, 1] * 3000
    assert self_match(ra[:50], dec[:50], 0.0).left.size == 50 * 49 // 2
    assert self_match(ra, dec, 1.0, n_neighbors=1).right.tolist() == [1] + [0] * 2999


def test_pairs_beyond_the_first_buffer():
    rng = np.random.default_rng(3)
    left, right = around(rng, 0.0, 0.0, 50.0, 300), around(rng, 0.0, 0.0, 50.0, 400)
    matches = match(*left, *right, 3600.0, n_neighbors=None)
    assert matches.left.size == 300 * 400
    assert matches.left.tolist() == np.repeat(np.arange(300), 400).tolist()
    assert (np.sort(matches.right.reshape(300, 400)) == np.arange(400)).all()
    assert match(*left, *right, 3600.0, n_neighbors=100).left.size == 300 * 100


def test_agrees_with_astropy_search_around_sky():
    rng = np.random.default_rng(4)
    left, right = around(rng, 266.0, -29.0, 7200.0, 3000), around(rng, 266.0, -29.0, 7200.0, 4000)
    matches = match(*left, *right, 200.0, n_neighbors=None)
    row, other, apart, _ = search_around_sky(
        SkyCoord(*left, unit="deg"), SkyCoord(*right, unit="deg"), 200 * u.arcsec
    )
    expected = np.lexsort((apart.to_value(u.arcsec), row))
    assert matches.left.size == row.size > 10_000
    np.testing.assert_array_equal(matches.left, row[expected])
    np.testing.assert_array_equal(matches.right, other[expected])
    np.testing.assert_allclose(matches.distance_arcsec, apart.to_value(u.arcsec)[expected])


def unit_vectors(ra, dec):
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)


def test_agrees_with_scipy_on_a_cluster_in_a_wide_field():
    """A thousand times the density of the field, in the same partition."""
    rng = np.random.default_rng(6)
    parts = [around(rng, 201.7, -47.5, 300.0, 8000), around(rng, 201.0, -47.0, 18_000.0, 8000)]
    right = np.concatenate(parts, axis=1)
    left = right + rng.normal(0, 0.3 / 3600, right.shape)
    distance, row = cKDTree(unit_vectors(*right)).query(unit_vectors(*left), k=3)
    matches = match(*left, *right, 36_000.0, n_neighbors=3)
    np.testing.assert_array_equal(matches.left, np.repeat(np.arange(16_000), 3))
    assert (matches.right.reshape(-1, 3) == row).mean() > 0.9999
    angle = 3600 * np.degrees(2 * np.arcsin(distance / 2))
    np.testing.assert_allclose(matches.distance_arcsec.reshape(-1, 3), angle, atol=1e-8)


def test_a_target_is_searched_many_times():
    rng = np.random.default_rng(9)
    right = whole_sky(rng, 500)
    target = Target(*right)
    assert len(target) == 500
    for n in (0, 1, 200):
        left = whole_sky(rng, n)
        for got, expected in zip(
            target.match(*left, 9000.0, n_neighbors=None),
            match(*left, *right, 9000.0, n_neighbors=None),
            strict=True,
        ):
            np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(target.self_match(9000.0).right, self_match(*right, 9000.0).right)


@pytest.mark.parametrize("width", [1.0, 1e-5])  # a grid, and a tree
@pytest.mark.parametrize("most", [1, 50, 100_000])
def test_pairs_in_blocks_are_those_at_once(width, most):
    rng = np.random.default_rng(11)
    left, right = rng.uniform(0, width, (2, 300)), rng.uniform(0, width, (2, 3000))
    radii = np.where(np.arange(300) % 50 == 0, 500.0, 60.0)
    radii[7] = np.nan
    target = Target(*right)
    for radius in (100.0, radii):
        parts = list(target.blocks(*left, radius, most=most))
        whole = match(*left, *right, radius, n_neighbors=None)
        for got, expected in zip(zip(*parts, strict=True), whole, strict=True):
            np.testing.assert_array_equal(np.concatenate(got), expected)
        assert max(len(p.left) for p in parts) <= max(most, 2 * np.bincount(whole.left).max())
    assert not list(Target([], []).blocks(*left, 100.0))


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 3), (3, 0)])
def test_empty_sides(n, m):
    for k in (1, None):
        matches = match(np.zeros(n), np.zeros(n), np.zeros(m), np.zeros(m), 1.0, n_neighbors=k)
        assert [a.size for a in matches] == [0, 0, 0]
    assert mutual(np.zeros(n), np.zeros(n), np.zeros(m), np.zeros(m), 1.0).left.size == 0
    assert self_match(np.zeros(0), np.zeros(0), 1.0).left.size == 0


def test_positions_that_are_not_finite_never_match():
    bad = [np.nan, np.inf, -np.inf, 10.0], [1.0, 1.0, 1.0, np.nan]
    for k in (1, 4, None):
        assert not len(match(*bad, *bad, 648_000.0, n_neighbors=k).left)
        mixed = match([10.0, np.nan], [1.0, 1.0], [np.nan, 10.0], [1.0, 1.0], 1.0, n_neighbors=k)
        assert mixed.right.tolist() == [1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"radius_arcsec": -1.0}, "radius must be from 0"),
        ({"radius_arcsec": np.nan}, "radius must be from 0"),
        ({"radius_arcsec": [1.0, -2.0]}, "-2.0 as in row 1"),
        ({"radius_arcsec": [1.0, 2.0, 3.0]}, "each of the 2 left rows"),
        ({"radius_arcsec": [1.0, np.inf]}, "inf as in row 1"),
        ({"min_radius_arcsec": -1.0}, "min_radius_arcsec must be from 0"),
        ({"min_radius_arcsec": np.nan}, "min_radius_arcsec must be from 0"),
        ({"min_radius_arcsec": 2.0}, "min_radius_arcsec, 2.0, is above the radius, 1.0"),
        ({"n_neighbors": 0}, "n_neighbors must be 1 or more"),
    ],
)
def test_impossible_arguments_are_errors(options, message):
    with pytest.raises(InputError, match=message):
        match([1.0, 2.0], [1.0, 2.0], [1.0], [1.0], **{"radius_arcsec": 1.0, **options})


def test_pairs_within_a_table_need_one_radius():
    with pytest.raises(InputError, match="one radius"):
        self_match([1.0, 2.0], [1.0, 2.0], [1.0, 2.0])
    assert self_match([1.0, 1.0], [1.0, 1.0], [1.0, 2.0], n_neighbors=1).right.tolist() == [1, 0]
