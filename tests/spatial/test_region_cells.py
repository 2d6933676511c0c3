"""Regions and HEALPix cells: no cell with a point is lost, none inside has a point outside."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from cdshealpix.nested import healpix_to_lonlat, vertices
from hypothesis import given
from hypothesis import strategies as st

from skyseries.spatial.coverage import cover, ranges_overlap
from skyseries.spatial.healpix import HPX_ORDER, cell_range, radec_to_hpx
from skyseries.spatial.regions import Box, Cone, Intersection, Pixels, Polygon, Union
from skyseries.spatial.regions.cells import bounds, centres, reach_deg
from skyseries.spatial.sphere import separation_arcsec
from tests.examples import examples
from tests.spatial.region_oracles import points_for, positions_of, radec, regions, sky


@given(regions, st.integers(0, 2**32))
@examples(3)
def test_no_overlapping_cell_is_lost(region, seed):
    ra, dec = points_for(region, seed)
    hpx = radec_to_hpx(ra, dec)[region.contains(ra, dec)]
    order = np.random.default_rng(seed).integers(0, HPX_ORDER + 1, len(hpx))
    cells = hpx >> 2 * (HPX_ORDER - order)
    assert region.near(order, cells).all()
    assert region.overlaps(order, cells).all()
    start, stop = cover(region, max_ranges=200)
    assert ranges_overlap(hpx, hpx + 1, start, stop).all()
    assert len(start) <= 200


@given(regions, st.integers(0, 2**32))
@examples(3)
def test_all_of_a_cell_inside_is_inside(region, seed):
    rng = np.random.default_rng(seed)
    ra, dec = points_for(region, seed)
    hpx = np.concatenate([radec_to_hpx(ra, dec), np.arange(12) << 58])
    order = np.concatenate([rng.integers(0, HPX_ORDER + 1, len(ra)), np.zeros(12, int)])
    npix = hpx >> 2 * (HPX_ORDER - order)
    inside = region.inside(order, npix)
    assert (region.overlaps(order, npix) | ~inside).all()
    start, stop = (np.repeat(part, 6) for part in cell_range(order[inside], npix[inside]))
    for some in (start, stop - 1, rng.integers(start, stop)):
        assert region.contains(*positions_of(some, rng)).all()


@given(regions)
def test_values_can_be_sent_compared_and_be_keys(region):
    region.contains([1.0], [2.0])
    twin = pickle.loads(pickle.dumps(region))  # noqa: S301
    assert twin == region
    assert hash(twin) == hash(region)
    assert region != "region"


@pytest.mark.parametrize("order", [0, 1, 2, 3, 6, 15, 29])
def test_where_cells_are(order):
    n = 12 << 2 * order
    npix = np.arange(n) if n < 5000 else np.random.default_rng(order).integers(0, n, 5000)
    orders = np.full(len(npix), order)
    lon, lat = healpix_to_lonlat(npix.astype(np.uint64), order)
    ra, dec = radec(centres(orders, npix))
    np.testing.assert_array_less(separation_arcsec(ra, dec, lon.deg, lat.deg), 1e-9)
    corner_lon, corner_lat = vertices(npix.astype(np.uint64), order)
    west, east, south, north = bounds(orders, npix)
    np.testing.assert_allclose(corner_lat.deg.min(axis=1), south, atol=1e-13)
    np.testing.assert_allclose(corner_lat.deg.max(axis=1), north, atol=1e-13)
    for k, limit in ((1, east), (3, west)):  # south, east, north, west
        turn = corner_lon.deg[:, k] - limit
        np.testing.assert_allclose(turn - 360 * np.rint(turn / 360), 0, atol=1e-12)
    assert (east > west).all()


@pytest.mark.parametrize("order", [0, 1, 2, 4, 7])
def test_no_point_leaves_the_circle_or_the_bounds_of_its_cell(order):
    rng = np.random.default_rng(order)
    hpx = radec_to_hpx(*sky(rng, 50_000))
    npix = hpx >> 2 * (HPX_ORDER - order)
    orders = np.full(len(npix), order)
    ra, dec = positions_of(hpx, rng)
    assert (
        separation_arcsec(ra, dec, *radec(centres(orders, npix))) / 3600 < reach_deg(order)
    ).all()
    west, east, south, north = bounds(orders, npix)
    assert ((dec >= south - 1e-12) & (dec <= north + 1e-12)).all()
    assert (np.mod(ra - west + 1e-9, 360) <= east - west + 2e-9).all()


@pytest.mark.parametrize(
    ("ra", "dec"), [(0, 90), (0, -90), (45, 0), (0, 41.81), (126.6012, 21.4129), (359.999, 66)]
)
@pytest.mark.parametrize(
    ("radius_deg", "order"), [(0.0, 3), (0.0, 20), (1e-3, 5), (0.3, 8), (9.357, 5), (89.0, 3)]
)
def test_few_cells_are_taken_in_vain(ra, dec, radius_deg, order):
    rng = np.random.default_rng(3)
    cone = Cone(ra, dec, radius_deg * 3600)
    around = radec_to_hpx(*points_for(cone, 1, 1000)) >> 2 * (HPX_ORDER - order)
    npix = np.unique(around)
    taken = npix[cone.overlaps(order, npix) & ~cone.inside(order, npix)]
    # points all over each cell that is taken: one of them must be in a slightly larger cone
    n = 256
    start, stop = (part[:, None] for part in cell_range(order, taken))
    parts = start + (stop - start) // n * np.arange(n)
    distance = separation_arcsec(*positions_of(parts.ravel(), rng), ra, dec).reshape(parts.shape)
    step = 2 * reach_deg(order) / np.sqrt(n)
    assert (distance.min(axis=1) / 3600 <= radius_deg * (1 + 1 / 32) + step + 1e-6).all()


def test_a_cone_that_cdshealpix_covers_with_holes():
    ra, dec, radius = 126.6012, 21.4129, 9.357
    cone = Cone(ra, dec, radius * 3600)
    points = points_for(cone, 5, 20_000)
    hpx = radec_to_hpx(*points)[cone.contains(*points)]
    for order in (3, 4, 5, 6, 7, 8):
        assert cone.overlaps(order, np.unique(hpx >> 2 * (HPX_ORDER - order))).all()


def test_empty_and_whole():
    order, npix = np.repeat([0, 5], 12), np.tile(np.arange(12), 2)
    for whole in (
        Cone(1, 2, 648_000),
        Cone(1, 2, np.inf),
        Box(0, 360, -90, 90),
        Pixels(0, range(12)),
    ):
        assert whole.overlaps(order, npix).all()
        assert whole.contains(*sky(np.random.default_rng(0), 100)).all()
        np.testing.assert_array_equal(cover(whole), ([0], [12 << 58]))
    for whole in (Cone(1, 2, 648_000), Pixels(0, range(12))):
        assert whole.inside(order, npix).all()
    for empty in (Union(()), Intersection((Cone(0, 0, 1), Cone(0, 9, 1))), Pixels([], [])):
        assert not empty.overlaps(order, npix).any()
        assert not empty.contains(*sky(np.random.default_rng(0), 100)).any()
        assert len(cover(empty).start) == 0
    for region in (Cone(1, 2, 3), Box(1, 2, 3, 4), Polygon([(0, 0), (1, 0), (0, 1)]), Union(())):
        assert region.overlaps([], []).shape == (0,)
        assert region.inside([], []).shape == (0,)
        assert region.contains([], []).shape == (0,)


def test_boxes_that_share_a_side_end():
    side = Intersection((Box(0, 10, -80, 80), Box(10, 20, -80, 80)))
    assert np.flatnonzero(side.overlaps(0, np.arange(12))).tolist() == [0, 4, 8]
    assert side.contains([10.0, 10.1], [5.0, 5.0]).tolist() == [True, False]


def test_a_pole_is_in_every_box_that_reaches_it():
    box = Box(10, 20, 80, 90)
    assert box.contains([15, 200, 200], [90, 90, 89.999]).tolist() == [True, True, False]
    cells = radec_to_hpx([15.0, 105.0, 200.0, 300.0], [90.0] * 4)
    assert box.overlaps(HPX_ORDER, cells).all()
    assert box.overlaps(3, cells >> 52).all()
