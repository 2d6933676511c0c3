"""Margins against brute force: complete, and never a row of the partition itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.hats.margin import margin_targets, receivers
from skyseries.hats.partitions import Cell, Partitions
from skyseries.spatial.healpix import HPX_ORDER, margin_order, neighbours, radec_to_hpx
from skyseries.spatial.sphere import separation_arcsec


def slow_targets(hpx, home, cells, order):
    """Look at the ring of each cell of the margin's order around each row's."""
    found = set()
    start, stop = cells.ranges()
    for row, h in enumerate(hpx.tolist()):
        cell = h >> 2 * (HPX_ORDER - order)
        ring = [cell, *[n for n in neighbours(order, [cell])[0].tolist() if n >= 0]]
        for n in ring:
            a, b = Cell(order, n).range()
            for target in np.flatnonzero((start < b) & (stop > a)).tolist():
                if cells[target] != home:
                    found.add((row, target))
    return found


@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
def test_targets_are_the_slow_ones(seed, order):
    rng = np.random.default_rng(seed)
    npix = rng.choice(12 * 4**2, 20, replace=False)
    partitions = Partitions.of([Cell(2, int(p)) for p in npix])
    home = partitions[int(rng.integers(len(partitions)))]
    hpx = rng.integers(*home.range(), 30)
    cells = receivers(partitions)
    rows, targets = margin_targets(hpx, home, cells, order)
    assert set(zip(rows.tolist(), targets.tolist(), strict=True)) == slow_targets(
        hpx, home, cells, order
    )
    assert len(rows) == len(set(zip(rows.tolist(), targets.tolist(), strict=True)))


def test_partitions_deeper_than_the_margin():
    partitions = Partitions.of([Cell(4, p) for p in range(32)])
    hpx = np.arange(*Cell(4, 7).range(), 2**44)
    cells = receivers(partitions)
    rows, targets = margin_targets(hpx, Cell(4, 7), cells, 3)
    expected = slow_targets(hpx, Cell(4, 7), cells, 3)
    assert set(zip(rows.tolist(), targets.tolist(), strict=True)) == expected


@pytest.mark.parametrize("threshold", [1.0, 10.0, 600.0, 7200.0])
@pytest.mark.parametrize("dec", [-90.0, -41.8, 0.0, 41.8103, 66.0, 89.99, 90.0])
def test_everything_within_the_threshold_is_in_the_margin(threshold, dec):
    """Pairs across a border, one on each side, never further apart than the threshold."""
    rng = np.random.default_rng(int(threshold))
    order = margin_order(threshold)
    coarse = max(order - 3, 0)
    n = 4000
    spread = threshold / 3600 * 20
    ra = rng.uniform(0, 360, n)
    a_dec = np.clip(dec + rng.uniform(-spread, spread, n), -90, 90)
    angle, radius = rng.uniform(0, 2 * np.pi, n), threshold * np.sqrt(rng.uniform(0, 0.999, n))
    b_dec = np.clip(a_dec + radius / 3600 * np.sin(angle), -90, 90)
    cos = np.maximum(np.cos(np.radians(a_dec)), 1e-9)
    b_ra = ra + np.clip(radius / 3600 * np.cos(angle) / cos, -180, 180)
    near = separation_arcsec(ra, a_dec, b_ra, b_dec) <= threshold
    a, b = radec_to_hpx(ra, a_dec), radec_to_hpx(b_ra, b_dec)
    shift = 2 * (HPX_ORDER - coarse)
    across = near & (a >> shift != b >> shift)
    partitions = Partitions.of(
        [Cell(coarse, c) for c in np.unique([a >> shift, b >> shift]).tolist()]
    )
    cells = receivers(partitions)
    for home in np.unique(a[across] >> shift).tolist():
        mine = np.flatnonzero(across & (a >> shift == home))
        rows, targets = margin_targets(a[mine], Cell(coarse, home), cells, order)
        found = set(zip(rows.tolist(), targets.tolist(), strict=True))
        assert all((i, t) in found for i, t in enumerate(cells.find(b[mine]).tolist()))
