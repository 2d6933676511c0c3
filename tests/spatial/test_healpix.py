"""Cells against cdshealpix, whose numbers are what `_healpix_29` means to everybody."""

from __future__ import annotations

import cdshealpix
import numpy as np
import pytest
from astropy.coordinates import Latitude, Longitude
from cdshealpix.nested import healpix_to_skycoord, lonlat_to_healpix, vertices
from hypothesis import given
from hypothesis import strategies as st

from skyseries.spatial.healpix import (
    HPX_ORDER,
    cell_range,
    cells_in_range,
    margin_order,
    neighbours,
    pixel_area_deg2,
    radec_to_hpx,
)
from skyseries.spatial.sphere import separation_arcsec

WHOLE = 12 << 2 * HPX_ORDER


def cds(ra, dec):
    hpx = lonlat_to_healpix(Longitude(ra, "deg"), Latitude(dec, "deg"), HPX_ORDER)
    return np.asarray(hpx).astype(np.int64)


def assert_same(ra, dec):
    ra, dec = (np.asarray(x, np.float64) for x in np.broadcast_arrays(ra, dec))
    np.testing.assert_array_equal(radec_to_hpx(ra, dec), cds(ra, dec))


# --- positions ----------------------------------------------------------------------------------


def test_random_positions():
    rng = np.random.default_rng(0)
    n = 300_000
    assert_same(rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n))))


@pytest.mark.parametrize("scale", [10.0, 1e-3, 1e-6, 1e-9, 1e-12, 0.0])
@pytest.mark.parametrize("sign", [-1, 1])
def test_near_the_poles(scale, sign):
    rng = np.random.default_rng(1)
    n = 5000
    assert_same(rng.uniform(0, 360, n), sign * (90 - scale * rng.uniform(0, 1, n)))


def test_near_ra_zero():
    rng = np.random.default_rng(2)
    dec = rng.uniform(-90, 90, 4000)
    for step in (0.0, 5e-324, 1e-300, 1e-15, 1e-9, 1e-3):
        assert_same(np.full(4000, step), dec)
        assert_same(np.full(4000, 360 - step if 360 - step < 360 else 0.0), dec)


@pytest.mark.parametrize("order", [0, 1, 2, 5])
def test_on_the_corners_of_cells(order):
    rng = np.random.default_rng(order)
    npix = np.unique(rng.integers(0, 12 << 2 * order, 500))
    lon, lat = vertices(npix, order)
    assert_same(lon.deg.ravel() % 360, lat.deg.ravel())


def test_on_round_positions():
    """Ties: on borders of base cells, of which there are many among positions made by hand."""
    ra, dec = np.meshgrid(np.arange(0, 360, 2.5), np.arange(-90, 90.1, 2.5))
    assert_same(ra.ravel(), dec.ravel())
    transition = np.degrees(np.arcsin(2 / 3))
    for d in (transition, -transition, np.nextafter(transition, 0), np.nextafter(transition, 90)):
        assert_same(np.arange(0, 360, 0.5), d)


@given(st.floats(0, 360, exclude_max=True), st.floats(-90, 90))
def test_any_position(ra, dec):
    assert_same([ra], [dec])


def test_any_right_ascension_is_wrapped():
    rng = np.random.default_rng(3)
    ra = rng.integers(0, 360 * 64, 500) / 64.0  # so that adding turns is exact
    dec = rng.uniform(-90, 90, 500)
    expected = radec_to_hpx(ra, dec)
    for turns in (-7200, -360, 360, 720):
        np.testing.assert_array_equal(radec_to_hpx(ra + turns, dec), expected)
    assert radec_to_hpx([360.0], [12.0]) == radec_to_hpx([0.0], [12.0])
    assert radec_to_hpx([-1e-300], [12.0])[0] >= 0
    assert radec_to_hpx([-90.0], [12.0]) == radec_to_hpx([270.0], [12.0])


@pytest.mark.parametrize(
    ("ra", "dec"),
    [(np.nan, 0), (0, np.nan), (np.inf, 0), (-np.inf, 0), (0, np.inf), (0, 90.0000001),
     (0, -91), (np.nan, np.nan)],
)  # fmt: skip
def test_no_position_has_no_cell(ra, dec):
    assert radec_to_hpx([10.0, ra, 10.0], [1.0, dec, 1.0])[1] == -1
    assert (radec_to_hpx([10.0, ra, 10.0], [1.0, dec, 1.0])[[0, 2]] >= 0).all()


def test_every_input_shape():
    assert radec_to_hpx([], []).shape == (0,)
    assert radec_to_hpx([1], [2]).dtype == np.int64
    strided = np.arange(10.0)[::2]
    np.testing.assert_array_equal(radec_to_hpx(strided, strided), cds(strided, strided))
    narrow = strided.astype(np.float32)
    np.testing.assert_array_equal(radec_to_hpx(narrow, narrow), cds(strided, strided))


# --- ranges -------------------------------------------------------------------------------------

CELLS = st.integers(0, HPX_ORDER).flatmap(
    lambda order: st.tuples(st.just(order), st.integers(0, (12 << 2 * order) - 1))
)


@given(CELLS)
def test_the_range_of_a_cell_is_one_cell(cell):
    start, stop = (int(x) for x in cell_range(*cell))
    assert cells_in_range(start, stop) == [cell]
    assert stop - start == 4 ** (HPX_ORDER - cell[0])


@given(st.lists(st.integers(0, WHOLE), min_size=2, max_size=2).map(sorted))
def test_cells_fill_a_range_and_are_the_largest(bounds):
    start, stop = bounds
    cells = cells_in_range(start, stop)
    at = start
    for cell in cells:
        first, last = (int(x) for x in cell_range(*cell))
        assert first == at
        at = last
        order, npix = cell
        if order > 0:  # its parent does not fit
            a, b = (int(x) for x in cell_range(order - 1, npix >> 2))
            assert a < start or b > stop
    assert at == stop


def test_the_whole_sky_is_twelve_cells():
    assert cells_in_range(0, WHOLE) == [(0, npix) for npix in range(12)]
    assert cells_in_range(5, 5) == []


# --- margins and neighbours ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arcsec", "order"), [(5, 14), (10, 13), (3600, 5), (1e-9, 29), (648_000, 0)]
)
def test_margin_order_is_that_of_hats(arcsec, order):
    assert margin_order(arcsec) == order
    shim = pytest.importorskip("hats.pixel_math.healpix_shim")
    if 0 < order < 29:
        assert shim.margin2order(np.array([arcsec / 60]))[0] == order


@pytest.mark.parametrize("order", [0, 1, 4, 9])
def test_the_ring_of_neighbours_is_wider_than_the_threshold(order):
    """Nothing outside of the ring is within the threshold of a cell, for the largest threshold."""
    below = margin_order_bound(order)
    rng = np.random.default_rng(order)
    npix = np.unique(rng.integers(0, 12 << 2 * order, 40))
    ring = neighbours(order, npix)
    for cell, around in zip(npix.tolist(), ring.tolist(), strict=True):
        lon, lat = cdshealpix.vertices(np.array([cell]), order, step=16)
        angle = rng.uniform(0, 2 * np.pi, lon.size)
        a, d = lon.deg.ravel(), lat.deg.ravel()
        d2 = np.clip(d + below / 3600 * np.sin(angle), -90, 90)
        a2 = a + below / 3600 * np.cos(angle) / np.maximum(np.cos(np.radians(d2)), 1e-9)
        near = separation_arcsec(a, d, a2, d2) <= below
        found = radec_to_hpx(a2[near], d2[near]) >> 2 * (HPX_ORDER - order)
        assert set(found.tolist()) <= {cell, *around}


def margin_order_bound(order):
    """Return the largest threshold, arcsec, that `margin_order` gives an order to."""
    threshold = np.degrees(np.sqrt(np.pi / 3) / (1.6 * 2**order)) * 3600 * (1 - 1e-9)
    assert margin_order(threshold) == order
    return threshold


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_neighbours_are_mutual_and_near(order):
    npix = np.arange(12 << 2 * order)
    ring = neighbours(order, npix)
    assert ring.shape == (len(npix), 8)
    pairs = {(a, b) for a, row in enumerate(ring.tolist()) for b in row if b >= 0}
    assert all((b, a) in pairs for a, b in pairs)
    assert all(a != b for a, b in pairs)
    missing = (ring < 0).sum(axis=1)
    # each of the 8 points where three base cells meet takes one neighbour from three cells
    assert missing.sum() == (24 if order else 12 * 8 - len(pairs))
    place = healpix_to_skycoord(npix.astype(np.uint64), order)
    far = max(
        place[a].separation(place[b]).deg for a, b in list(pairs)[:200]
    )  # fmt: skip
    assert far < 2.5 * np.degrees(np.sqrt(np.pi / 3)) / 2**order


@pytest.mark.parametrize("order", [0, 1, 2, 3, 5, 13, 28, 29])
def test_neighbours_are_those_of_cdshealpix(order):
    from cdshealpix.nested import neighbours as oracle

    cells = 12 << 2 * order
    if cells <= 12 << 10:
        npix = np.arange(cells)
    else:
        rng = np.random.default_rng(order)
        corners = (rng.integers(0, 12, 500) << 2 * order) + rng.integers(-4, 4, 500)
        npix = np.concatenate([rng.integers(0, cells, 2000), corners % cells])
    expected = np.delete(np.asarray(oracle(npix.astype("u8"), order)).astype(np.int64), 4, axis=1)
    np.testing.assert_array_equal(neighbours(order, npix), expected)


def test_neighbours_of_nothing():
    assert neighbours(3, []).shape == (0, 8)


def test_areas_add_up_to_the_sky():
    for order in (0, 3, 29):
        assert 12 * 4**order * pixel_area_deg2(order) == pytest.approx(41252.96125, rel=1e-9)
