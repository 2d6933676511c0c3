"""Crowded fields get the tree, others the grid; and real crowded fields."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.spatial import cKDTree

from skyseries.spatial.match import Target, match, self_match
from skyseries.spatial.match_grid import Grid
from skyseries.spatial.match_tree import Tree


def filed(ra, dec):
    return type(Target(ra, dec)._filed)


def test_the_density_decides_how_positions_are_filed():
    rng = np.random.default_rng(1)
    field = rng.uniform(100, 107, 20_000), rng.uniform(-7, 0, 20_000)
    cluster = rng.normal(103, 0.01, 20_000), rng.normal(-3, 0.01, 20_000)
    assert filed(*field) is Grid
    assert filed(*cluster) is Grid
    assert filed(*np.concatenate([field, cluster], axis=1)) is Tree
    assert filed(np.full(5000, 3.0), np.full(5000, 4.0)) is Tree


def test_a_million_duplicates_cost_as_one_position():
    """Quadratic time would be 1e12 comparisons: this would not end."""
    n = 1_000_000
    ra, dec = np.full(n, 12.0), np.full(n, -34.0)
    ra[::2] += 1e-8  # 0.03 mas: another position
    matches = match(ra, dec, ra, dec, 1.0)
    np.testing.assert_array_equal(matches.left, np.arange(n))
    np.testing.assert_array_equal(matches.right, np.arange(n) % 2)
    assert not matches.distance_arcsec.any()


def test_many_positions_with_one_code():
    """Where the tree's coordinates end (2e-9 degrees here), positions are still told apart."""
    rng = np.random.default_rng(2)
    n = 20_000
    ra = 12.0 + 1e-10 * rng.integers(0, 20, n)
    dec = -34.0 + 1e-10 * rng.integers(0, 20, n)
    ra[0], dec[0] = 13.0, -33.0  # a wide box
    assert filed(ra, dec) is Tree
    matches = match(ra, dec, ra, dec, 0.0)
    np.testing.assert_array_equal(matches.left, np.arange(n))
    _, first, same = np.unique(np.stack([ra, dec]), axis=1, return_index=True, return_inverse=True)
    np.testing.assert_array_equal(matches.right, first[same.ravel()])


@pytest.mark.data
def test_neighbours_in_the_galactic_bulge(shared_data):
    """400,000 OGLE variables: bulge, Magellanic Clouds; as scipy finds them."""
    path = shared_data / "ogle3_variables.parquet"
    if not path.exists():
        pytest.skip("ogle3_variables.parquet is not in ../shared/data")
    table = pq.read_table(path)
    names = {name.lower(): name for name in table.column_names}
    ra = table[names["ra"]].to_numpy().astype(float)
    dec = table[names["dec"]].to_numpy().astype(float)
    pairs = self_match(ra, dec, 3.0)
    a, d = np.radians(ra), np.radians(dec)
    tree = cKDTree(np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=1))
    expected = tree.query_pairs(2 * np.sin(np.radians(3.0 / 3600) / 2), output_type="ndarray")
    got = np.stack([pairs.left, pairs.right], axis=1)
    np.testing.assert_array_equal(
        got[np.lexsort(got.T[::-1])], expected[np.lexsort(expected.T[::-1])]
    )
    assert len(got) > 100
