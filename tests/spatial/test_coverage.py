"""Ranges of cells: set algebra against Python sets, growth against positions moved at random."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.errors import InputError
from skyseries.spatial.coverage import (
    Ranges,
    cover,
    difference,
    expand,
    intersection,
    normalise,
    ranges_overlap,
    to_cells,
    union,
)
from skyseries.spatial.healpix import HPX_ORDER, cell_range, cells_in_range, radec_to_hpx
from skyseries.spatial.regions import Box, Cone
from tests.examples import examples
from tests.spatial.region_oracles import move, positions_of

WHOLE = 12 << 2 * HPX_ORDER
pairs = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


def as_set(pairs):
    return {cell for start, stop in pairs for cell in range(start, stop)}


def as_ranges(pairs):
    return normalise(*np.array(pairs, np.int64).reshape(-1, 2).T)


def area(ranges):
    return int((ranges.stop - ranges.start).sum())


@given(pairs, pairs)
def test_algebra(a, b):
    one, two = as_ranges(a), as_ranges(b)
    for result, truth in (
        (one, as_set(a)),
        (union(one, two), as_set(a) | as_set(b)),
        (intersection(one, two), as_set(a) & as_set(b)),
        (difference(one, two), as_set(a) - as_set(b)),
    ):
        assert as_set(zip(*result, strict=True)) == truth
        assert (result.start < result.stop).all()
        assert (result.stop[:-1] < result.start[1:]).all()
        assert result.start.dtype == result.stop.dtype == np.int64
    truth = [bool(set(range(*pair)) & as_set(b)) for pair in a]
    start, stop = np.array(a, np.int64).reshape(-1, 2).T
    assert ranges_overlap(start, stop, *two).tolist() == truth


@given(pairs)
def test_cells_fill_the_ranges(some):
    ranges = as_ranges(some)
    order, npix = to_cells(ranges)
    truth = [
        c for pair in zip(*(x.tolist() for x in ranges), strict=True) for c in cells_in_range(*pair)
    ]
    assert list(zip(order.tolist(), npix.tolist(), strict=True)) == truth


def test_difference_from_the_whole_sky():
    rest = difference(Ranges(np.array([0]), np.array([WHOLE])), as_ranges([(5, 7)]))
    assert rest.start.tolist() == [0, 7]
    assert rest.stop.tolist() == [5, WHOLE]


def test_ranges_that_are_none():
    with pytest.raises(InputError, match="not within"):
        normalise([0], [WHOLE + 1])
    with pytest.raises(InputError, match="starts"):
        normalise([0, 1], [1])
    with pytest.raises(InputError, match="radius"):
        expand(([0], [1]), -1)
    with pytest.raises(InputError, match="radius"):
        expand(([0], [1]), np.nan)
    with pytest.raises(InputError, match="order"):
        cover(Cone(0, 0, 1), 30)
    with pytest.raises(InputError, match="at least one range"):
        cover(Cone(0, 0, 1), max_ranges=0)


# --- growth -------------------------------------------------------------------------------------


def special_cells(order):
    """Cells at the poles and at the corners and sides of base cells."""
    n = 1 << 2 * order
    x = sum(1 << 2 * k for k in range(order))
    return [base * n + cell for base in range(12) for cell in (0, n - 1, x, x << 1, n // 2, n // 3)]


@st.composite
def some_ranges(draw):
    """One cell, or a range that begins and ends anywhere, or several of them."""
    parts = []
    for _ in range(draw(st.sampled_from([1, 1, 1, 3]))):
        order = draw(st.integers(0, 24))
        npix = draw(
            st.one_of(st.sampled_from(special_cells(order)), st.integers(0, (12 << 2 * order) - 1))
        )
        start, stop = (int(x) for x in cell_range(order, npix))
        if draw(st.booleans()):
            start = max(start - draw(st.integers(0, 2 * (stop - start))), 0)
            stop = min(stop + draw(st.integers(0, stop - start)), WHOLE)
        parts.append((start, stop))
    return as_ranges(parts)


radii = st.one_of(
    st.sampled_from([1e-4, 1.0, 60.0, 3600.0]), st.floats(-4, 5.7).map(lambda power: 10.0**power)
)


@given(some_ranges(), radii, st.integers(0, 2**32))
@examples(6)
def test_what_is_near_the_ranges_is_in_the_grown_ones(ranges, radius, seed):
    rng = np.random.default_rng(seed)
    grown = expand(ranges, radius)
    assert not area(difference(ranges, grown))
    i = rng.integers(0, len(ranges.start), 400)
    hpx = rng.integers(ranges.start[i], ranges.stop[i])
    # the first and last cells, and such at the sides of the largest cells
    hpx[:10], hpx[10:20] = ranges.start[i[:10]], ranges.stop[i[10:20]] - 1
    order, npix = to_cells(ranges)
    j = rng.integers(0, len(order), 200)
    bits = np.where(rng.integers(0, 2, 200), 0x5555555555555555, 0xAAAAAAAAAAAAAAA)
    inner = (1 << 2 * (HPX_ORDER - order[j])) - 1
    side = rng.integers(0, inner + 1)
    side = np.where(rng.integers(0, 2, 200), side & bits, side | (bits & inner))
    hpx[200:] = (npix[j] << 2 * (HPX_ORDER - order[j])) + side
    distance = radius / 3600 * rng.choice([1 - 1e-9, 0.9, 0.5], 400)
    moved = radec_to_hpx(*move(*positions_of(hpx, rng), distance, rng.uniform(0, 360, 400)))
    assert ranges_overlap(moved, moved + 1, *grown).all()


@pytest.mark.parametrize("order", [3, 5, 8])
@pytest.mark.parametrize("radius", [1.0, 60.0, 3600.0])
def test_growth_is_tight(order, radius):
    side = 3600 * np.sqrt(41252.96 / (12 << 2 * order))
    reach = max(2.2 * radius, side / 16)
    for npix in [*special_cells(order), 7, (12 << 2 * order) // 2 + 11]:
        leaf = Ranges(*(np.atleast_1d(x) for x in cell_range(order, npix)))
        # the distorted cells near the poles are up to half as wide again as they are high
        assert area(expand(leaf, radius)) <= area(leaf) * (1 + 2 * 1.6 * reach / side) ** 2


def test_growth_of_nothing_by_nothing_and_by_all():
    nothing = as_ranges([])
    assert area(expand(nothing, 3600)) == 0
    leaf = Ranges(*(np.atleast_1d(x) for x in cell_range(5, 77)))
    assert area(expand(leaf, 0)) == area(leaf)
    assert area(expand(leaf, 648_000)) == area(expand(leaf, np.inf)) == WHOLE


# --- covers -------------------------------------------------------------------------------------


def test_covers_are_tight():
    whole_deg2 = 360**2 / np.pi
    for region, truth in (
        (Cone(10, 20, 1), np.pi / 3600**2),
        (Cone(10, 89.9, 3600), np.pi),
        (Box(350, 10, -5, 5), 20 * 2 * np.degrees(np.sin(np.radians(5)))),
    ):
        deg2 = area(cover(region)) / WHOLE * whole_deg2
        assert truth * 0.9999 < deg2 < 1.05 * truth
        few = cover(region, max_ranges=12)
        assert len(few.start) <= 12
        assert area(difference(cover(region), few)) == 0


def test_cover_of_an_order_is_made_of_its_cells():
    start, stop = cover(Cone(10, 20, 7200), order=6, max_ranges=10_000)
    size = 1 << 2 * (HPX_ORDER - 6)
    assert not (start % size).any()
    assert not (stop % size).any()


@pytest.mark.parametrize("slit", [1e-3, 1e-7, 1e-9])
@pytest.mark.parametrize("max_ranges", [1, 200])
def test_along_a_slit_no_more_is_looked_at_than_it_is_worth(monkeypatch, slit, max_ranges):
    """On both sides of it are cells of the region: they are one range, however many there are."""
    box, looked = Box(0.0, 360.0 - slit, -90.0, 90.0), []
    near = Box.near
    monkeypatch.setattr(Box, "near", lambda *a: looked.append(np.size(a[2])) or near(*a))
    ranges = cover(box, max_ranges=max_ranges)
    assert 0 < len(ranges.start) <= max_ranges
    assert max(looked) <= 4 * 100 * max_ranges
    hpx = radec_to_hpx(np.linspace(0, 359, 50), np.linspace(-89, 89, 50))
    assert ranges_overlap(hpx, hpx + 1, *ranges).all()
