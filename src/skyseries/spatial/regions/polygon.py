"""A polygon: the smaller of the two areas that great-circle edges enclose."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skyseries.arrays import is_coordinate, pair
from skyseries.arraytypes import Bools, Ints
from skyseries.errors import InputError
from skyseries.spatial.healpix import radec_to_hpx
from skyseries.spatial.regions.base import DividingRegion, check_position, holds_any, positions
from skyseries.spatial.regions.cells import as_cells, centres, reach_deg, unit_vectors
from skyseries.spatial.regions.edges import Edges, classify_circles, contains_points, lay_edges

__all__ = ["Polygon"]


@dataclass(frozen=True)
class Polygon(DividingRegion):
    """The positions inside a polygon whose edges are great circles.

    The polygon may be convex or not, lie over a pole or across right ascension 0, and be larger
    than a hemisphere is wide. Its edges divide the sky into two areas: the polygon is the
    smaller one, whichever way round the vertices go. An edge is the shorter way between its
    vertices. A position on an edge counts as in or out as rounding falls (1e-10 arcsec).

    Parameters
    ----------
    vertices : array_like of float or angles, shape (n, 2), or SkyCoord
        Right ascension and declination, degrees or in a unit that they say, in their order along
        the border, n >= 3; the first may be repeated at the end.

    Raises
    ------
    InputError
        If there are fewer than three vertices, a vertex is no position or occurs twice, two
        neighbours are opposite on the sky, edges cross or touch, or both areas are equal.
    """

    vertices: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "vertices", _clean(self.vertices))
        self._edges  # noqa: B018  # laid at once, so that an impossible polygon is refused here

    def contains(self, ra: Any, dec: Any = None) -> Bools:
        """Tell which positions are inside; NaN is not."""
        ra, dec, there = positions(ra, dec)
        found = np.zeros(ra.size, np.bool_)
        contains_points(self._edges, ra.ravel(), dec.ravel(), found)
        return np.asarray(found.reshape(ra.shape) & there)

    def near(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells have a circle around them that reaches the polygon."""
        across, inside = self._classify(*as_cells(order, npix))
        return across | inside

    def inside(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells have a circle around them that is wholly inside."""
        across, inside = self._classify(*as_cells(order, npix))
        return inside & ~across

    def touched(self, order: Ints, npix: Ints) -> Bools:
        """Tell which cells have their centre inside, or hold a vertex."""
        _, inside = self._classify(order, npix)
        return inside | holds_any(order, npix, self._vertex_cells)

    @property
    def size_deg(self) -> float:
        """Return the radius of a circle of the polygon's area, degrees."""
        return math.degrees(2.0 * math.asin(math.sqrt(self._edges.area / (4.0 * math.pi))))

    @property
    def area_deg2(self) -> float:
        """Return the area, square degrees."""
        return self._edges.area * (180.0 / math.pi) ** 2

    @cached_property
    def _edges(self) -> Edges:
        ra, dec = np.array(self.vertices).T
        return lay_edges(unit_vectors(ra, dec), list(zip(ra.tolist(), dec.tolist(), strict=True)))

    @cached_property
    def _vertex_cells(self) -> Ints:
        return np.sort(radec_to_hpx(*np.array(self.vertices).T))

    def _classify(self, order: Ints, npix: Ints) -> tuple[Bools, Bools]:
        """Tell which cells' circles an edge goes through, and which centres are inside."""
        return classify_circles(self._edges, centres(order, npix), np.radians(reach_deg(order)))


def _clean(vertices: Any) -> tuple[tuple[float, float], ...]:
    """Return the vertices as plain numbers, without the repeated first one."""
    if isinstance(vertices, str) or not (is_coordinate(vertices) or isinstance(vertices, Iterable)):
        raise InputError(f"the vertices of a polygon must be pairs (ra, dec), not {vertices!r}")
    pairs = [_vertex(vertex, f"vertex {i} of a polygon") for i, vertex in enumerate(vertices)]
    if len(pairs) > 1 and pairs[0] == pairs[-1]:
        pairs.pop()
    if len(pairs) < 3:
        raise InputError(f"a polygon needs at least three different vertices, not {len(pairs)}")
    return tuple(pairs)


def _vertex(vertex: Any, what: str) -> tuple[float, float]:
    if is_coordinate(vertex):
        return check_position(vertex, None, what)
    return check_position(*pair(vertex, "deg", what), what)
