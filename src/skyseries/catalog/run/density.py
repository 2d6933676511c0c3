"""How many rows of a catalog there are for each part of the sky that it covers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from skyseries.arraytypes import Ints
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.node import Hints, Node, Unit
from skyseries.catalog.plan.scan import first_scan
from skyseries.catalog.run.rowcount import row_count
from skyseries.catalog.run.run import run_units
from skyseries.errors import InputError
from skyseries.hats.build.facts import add_counts
from skyseries.hats.skymap import POINT_MAP_ORDER, covered_cells, sky_area
from skyseries.spatial.coverage import Ranges, cover, intersection, normalise, to_cells
from skyseries.spatial.healpix import HPX_ORDER, cell_range, pixel_area_deg2
from skyseries.spatial.order import run_lengths
from skyseries.spatial.regions import Region
from skyseries.spatial.regions.base import centre_positions

__all__ = ["density_arcmin"]

_MAX_RANGES = 4_000
"""So many make the area of a region right to a few parts in a thousand."""


def density_arcmin(held: CatalogBase) -> float:
    """Return the rows of a catalog per square arcminute of the sky that they cover.

    Without steps that leave rows out these are the numbers that the catalog records. Else the
    rows are counted, in one pass over their positions; the sky that they cover is that of the
    cells in which they are (as `write_catalog` would record it), inside of the regions that were
    searched.

    Raises
    ------
    InputError
        If it is a table in memory: whether it has all objects of its part of the sky is not
        known.
    """
    scan = first_scan(held._node)
    if scan is None:
        raise InputError("the density of a table is not known; give density= (per arcmin²)")
    if not held._node.filters:
        rows, area = row_count(held._node), sky_area(scan.dataset)
    else:
        cells, counts = add_counts(part for _, part in run_units(held._node, _cells_of_unit))
        rows = int(counts.sum())
        area = _area(*covered_cells(cells, counts), list(_regions(held._node))) if rows else 0.0
        area = min(area, sky_area(scan.dataset) or area)  # few rows are in large cells
    return rows / (area * 3600.0) if rows and area else 0.0


def _cells_of_unit(node: Node, unit: Unit) -> tuple[Ints, Ints]:
    hpx = node.rows(unit.area, Hints()).hpx()
    return run_lengths(np.sort(hpx[hpx >= 0]) >> 2 * (HPX_ORDER - POINT_MAP_ORDER))


def _regions(node: Node) -> Iterator[Region]:
    """Yield the regions that all rows of a plan are in."""
    while node.children and not node.refiles:
        yield from node.child_hints(0, Hints()).regions
        node = node.children[0]


def _area(order: int, cells: Ints, regions: list[Region]) -> float:
    """Return the area of cells inside of all regions, deg²."""
    found = normalise(*cell_range(order, cells))
    for region in regions:
        found = intersection(found, cover(region, max_ranges=_MAX_RANGES))
    orders, npix = to_cells(Ranges(*found))
    inside = np.ones(len(npix), np.bool_)
    for region in regions:
        inside &= region.contains(*centre_positions(orders, npix))
    per_order = np.bincount(orders[inside])
    return sum((n * pixel_area_deg2(order) for order, n in enumerate(per_order.tolist())), 0.0)
