"""The edges of a polygon on the sphere: are they sound, where is the inside, who is in it.

A position p is inside if the great-circle arc from it to a reference r crosses an odd number of
edges and r is outside, or an even number and r is inside. The arc crosses the edge from a to b,
with n = a × b on the side of r (a and b exchanged if need be), exactly where n·p < 0 and a and b
lie on different sides of the plane of p and r, m = p × r, in the sense m·a >= 0 > m·b. The side of
a vertex is decided once for both of its edges, so a vertex on the arc does no harm.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from skyseries.arraytypes import Bools, Floats
from skyseries.errors import InputError
from skyseries.jit import kernel

__all__ = ["Edges", "classify_circles", "contains_points", "lay_edges"]


_Border = tuple[Floats, Floats, Bools]
"""Vertices, normals, and whether a normal is flipped."""
_BLOCK = 1024
_TOUCH = 1e-13
"""Radians (2e-8 arcsec): what is closer than this touches."""
_OPPOSITE = 1e-6
"""Radians (0.2 arcsec): the great circle between neighbours so near to opposite is not certain."""


class Edges(NamedTuple):
    """The edges of a polygon; edge i is from vertex i - 1 to vertex i."""

    vertex: Floats
    """Unit vectors, shape (n, 3)."""
    normal: Floats
    """Unit normals of the edges' planes, on the side of the reference, shape (n, 3)."""
    flipped: Bools
    """Whether the normal is minus the product of the edge's vertices."""
    middle: Floats
    """Unit vectors of the edges' middles, shape (n, 3)."""
    half: Floats
    """Chords from there to the ends of the edges."""
    reference: Floats
    """A unit vector off all edges."""
    reference_inside: bool
    opposite_inside: bool
    """Whether the reference, and the position opposite to it, are in the polygon."""
    cap: Floats
    """Unit vector of the middle of a circle that holds the polygon."""
    cap_radius: float
    """Of that circle, radians; pi where none is smaller than a hemisphere."""
    area: float
    """Steradians."""


def lay_edges(vertex: Floats, names: list[tuple[float, float]]) -> Edges:
    """Return the edges of a polygon.

    Parameters
    ----------
    vertex : ndarray of float64, shape (n, 3)
        Unit vectors.
    names : list of pairs
        The vertices as the user gave them, for messages.

    Raises
    ------
    InputError
        If edges have no length or no direction, cross or touch, or both areas are equal.
    """
    before = np.roll(vertex, 1, axis=0)
    _check_neighbours(vertex, before, names)
    # of a sum and a difference: accurate for close vertices too
    normal = _unit(np.cross(before - vertex, before + vertex))
    middle = _unit(before + vertex)
    half = np.linalg.norm(vertex - middle, axis=1)
    i, j = _find_crossing(vertex, normal, middle, half)
    if i >= 0:
        raise InputError(
            f"the edges of the polygon from {names[i - 1]} to {names[i]} and from {names[j - 1]} "
            f"to {names[j]} cross or touch; a polygon's edges meet at their common vertices only"
        )
    left_area = _left_area(vertex, normal)
    if abs(left_area - 2.0 * math.pi) < 1e-9:
        raise InputError(
            "the polygon is half of the sky, and so is what is outside; make it smaller or two"
        )
    left_inside = left_area < 2.0 * math.pi
    cap, cap_radius = _cap(vertex)
    reference = _reference(cap, cap_radius, normal)
    flipped = normal @ reference < 0.0
    side = np.where(flipped[:, None], -normal, normal)
    return Edges(
        vertex, side, flipped, middle, half, reference,
        _is_inside(reference, vertex, normal, left_inside),
        _is_inside(-reference, vertex, normal, left_inside),
        cap, cap_radius, _area(vertex, cap, cap_radius, left_area),
    )  # fmt: skip


def contains_points(edges: Edges, ra: Floats, dec: Floats, found: Bools) -> None:
    """Tell which positions, degrees, are in the polygon."""
    border = edges.vertex, edges.normal, edges.flipped
    _contain(
        ra, dec, border, edges.reference, edges.reference_inside, edges.opposite_inside,
        edges.cap, edges.cap_radius, found,
    )  # fmt: skip


def classify_circles(edges: Edges, xyz: Floats, reach: Floats) -> tuple[Bools, Bools]:
    """Tell how circles lie.

    Parameters
    ----------
    edges : Edges
    xyz : ndarray of float64, shape (n, 3)
        Unit vectors of the centres.
    reach : ndarray of float64, shape (n,)
        Radii, radians.

    Returns
    -------
    across, inside : ndarray of bool, shape (n,)
        Whether an edge goes through the circle, and whether its centre is in the polygon.
    """
    across, inside = np.zeros(len(xyz), np.bool_), np.zeros(len(xyz), np.bool_)
    distance = np.arccos(np.clip(xyz @ edges.cap, -1.0, 1.0))
    near = np.flatnonzero(distance <= edges.cap_radius + reach + 1e-7)
    xyz, found = xyz[near], np.empty(len(near), np.bool_)
    border = edges.vertex, edges.normal, edges.flipped
    x, y, z = (np.ascontiguousarray(part) for part in xyz.T)
    _decide(x, y, z, border, edges.reference, edges.reference_inside, edges.opposite_inside, found)
    inside[near] = found
    _find_across(xyz, reach[near], border, edges.middle, edges.half, found)
    across[near] = found
    return across, inside


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def _angle(a: Floats, b: Floats) -> Floats:
    across = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.asarray(np.arctan2(across, (a * b).sum(axis=-1)))


def _check_neighbours(vertex: Floats, before: Floats, names: list[tuple[float, float]]) -> None:
    rank = np.lexsort(vertex.T)
    same = np.linalg.norm(vertex[rank[1:]] - vertex[rank[:-1]], axis=1) <= _TOUCH
    if same.any():
        i = int(np.flatnonzero(same)[0])
        first, second = sorted((int(rank[i]), int(rank[i + 1])))
        raise InputError(
            f"vertices {first} and {second} of the polygon, {names[first]} and {names[second]}, "
            "are the same position; name each vertex once"
        )
    opposite = np.flatnonzero(np.linalg.norm(vertex + before, axis=1) < _OPPOSITE)
    if len(opposite):
        i = int(opposite[0])
        raise InputError(
            f"the vertices {names[i - 1]} and {names[i]} of the polygon are opposite on the sky, "
            "so that many great circles join them; put a vertex between them"
        )


def _left_area(vertex: Floats, normal: Floats) -> float:
    """Return the area to the left of the border: 2 pi less all turns (Gauss and Bonnet)."""
    after = np.roll(normal, -1, axis=0)
    sine = (np.cross(normal, after) * vertex).sum(axis=1)
    turn = np.arctan2(sine, (normal * after).sum(axis=1))
    return 2.0 * math.pi - math.fsum(turn)


def _area(vertex: Floats, cap: Floats, cap_radius: float, left_area: float) -> float:
    """Return the polygon's area; a small one from the triangles with the middle of its circle.

    A triangle's area is 2 atan2(a·(b × c), 1 + a·b + b·c + c·a) (Van Oosterom & Strackee 1983,
    IEEE Trans. Biomed. Eng. 30, 125, equation 8). Of 2 pi less the turns little would be left.
    """
    if cap_radius > 0.1:
        return min(left_area, 4.0 * math.pi - left_area)
    a, b = np.roll(vertex, 1, axis=0), vertex
    volume = np.cross(a - cap, b - cap) @ cap
    return abs(math.fsum(2.0 * np.arctan2(volume, 1.0 + (a * b).sum(axis=1) + a @ cap + b @ cap)))


def _cap(vertex: Floats) -> tuple[Floats, float]:
    """Return a circle that holds the polygon: smaller than a hemisphere, or the whole sky.

    A circle smaller than a hemisphere holds the edges between vertices that it holds, and what
    they enclose: the other area is the larger one.
    """
    middle = vertex.mean(axis=0)
    if np.linalg.norm(middle) > 1e-6:
        middle = _unit(middle)
        radius = float(_angle(vertex, middle).max()) + 1e-12
        if radius < 1.57:
            return middle, radius
    return np.array([0.0, 0.0, 1.0]), math.pi


def _reference(cap: Floats, cap_radius: float, normal: Floats) -> Floats:
    """Return a position that is far from the great circles of all edges, and near the polygon."""
    rng = np.random.default_rng(0)
    spread = 2.0 * math.sin(min(cap_radius, math.pi) / 2.0)
    candidates = _unit(cap + spread * rng.uniform(-1.0, 1.0, (64, 3)))
    distance = np.abs(normal @ candidates.T).min(axis=0)
    return np.asarray(candidates[int(distance.argmax())])


def _is_inside(point: Floats, vertex: Floats, normal: Floats, left_inside: bool) -> bool:
    """Tell whether a position is in the polygon, by the way from it to the middle of an edge."""
    before = np.roll(vertex, 1, axis=0)
    i = int(np.linalg.norm(vertex - before, axis=1).argmax())
    target = _unit(vertex[i] + before[i])
    side, end_side = normal @ point, normal @ target
    m = np.cross(target, point)
    crossed = (side * end_side < 0.0) & ((before @ m >= 0.0) != (vertex @ m >= 0.0))
    crossed &= (before @ m >= 0.0) == (side > 0.0)
    crossed[i] = False
    return bool(((side[i] > 0.0) == left_inside) ^ (crossed.sum() % 2 == 1))


@kernel
def _find_crossing(vertex: Floats, normal: Floats, middle: Floats, half: Floats) -> tuple[int, int]:
    """Return two edges that have a point in common which is no common vertex; -1 if none."""
    n = len(vertex)
    for i in range(n):
        x, y, z = middle[i]
        for j in range(n):
            dx, dy, dz = x - middle[j, 0], y - middle[j, 1], z - middle[j, 2]
            if dx * dx + dy * dy + dz * dz > (half[i] + half[j] + 1e-9) ** 2:
                continue
            if j in (i, (i + n - 1) % n):
                continue
            if _is_on(vertex[j], vertex[i - 1], vertex[i], normal[i]):
                return i, j
            if j < i or j == (i + 1) % n or (i == 0 and j == n - 1):
                continue
            if _cross(vertex[i - 1], vertex[i], normal[i], vertex[j - 1], vertex[j], normal[j]):
                return i, j
    return -1, -1


@kernel
def _dot(a: Floats, b: Floats) -> float:
    return float(a[0] * b[0] + a[1] * b[1] + a[2] * b[2])


@kernel
def _triple(n: Floats, a: Floats, p: Floats) -> float:
    """Return (n × a)·p."""
    return float(
        (n[1] * a[2] - n[2] * a[1]) * p[0]
        + (n[2] * a[0] - n[0] * a[2]) * p[1]
        + (n[0] * a[1] - n[1] * a[0]) * p[2]
    )


@kernel
def _is_on(p: Floats, a: Floats, b: Floats, n: Floats) -> bool:
    """Tell whether a point touches the edge from a to b."""
    return abs(_dot(n, p)) <= _TOUCH and _triple(n, a, p) >= 0.0 and _triple(n, b, p) <= 0.0


@kernel
def _cross(a: Floats, b: Floats, n: Floats, c: Floats, d: Floats, k: Floats) -> bool:
    """Tell whether the edges a to b (normal n) and c to d (normal k) cross each other."""
    c_left, d_left = _dot(n, c) > 0.0, _dot(n, d) > 0.0
    a_left, b_left = _dot(k, a) > 0.0, _dot(k, b) > 0.0
    # on one of the two crossings of the planes: a is left of cd where d is left of ab
    return c_left != d_left and a_left != b_left and a_left == d_left


@kernel
def _decide(
    x: Floats,
    y: Floats,
    z: Floats,
    border: _Border,
    reference: Floats,
    reference_inside: bool,
    opposite_inside: bool,
    found: Bools,
) -> None:
    """Tell which positions are inside, by the edges between them and the reference.

    The loop over positions is the inner one, without branches, so that it is vectorised.
    """
    vertex, normal, flipped = border
    mx, my, mz = np.empty(x.size), np.empty(x.size), np.empty(x.size)
    ahead, last = np.empty(x.size, np.bool_), len(vertex) - 1
    rx, ry, rz = reference
    for k in range(x.size):
        mx[k], my[k], mz[k] = y[k] * rz - z[k] * ry, z[k] * rx - x[k] * rz, x[k] * ry - y[k] * rx
        ahead[k] = mx[k] * vertex[last, 0] + my[k] * vertex[last, 1] + mz[k] * vertex[last, 2] >= 0
        found[k] = reference_inside
    for i in range(len(vertex)):
        ax, ay, az = vertex[i]
        nx, ny, nz = normal[i]
        flip = flipped[i]
        for k in range(x.size):
            here = mx[k] * ax + my[k] * ay + mz[k] * az >= 0.0
            beyond = x[k] * nx + y[k] * ny + z[k] * nz < 0.0
            found[k] ^= (ahead[k] ^ here) & (ahead[k] ^ flip) & beyond
            ahead[k] = here
    for k in range(x.size):
        # opposite to the reference the plane of the two is left to rounding
        if mx[k] ** 2 + my[k] ** 2 + mz[k] ** 2 < 1e-20 and x[k] * rx + y[k] * ry + z[k] * rz < 0:
            found[k] = opposite_inside


@kernel
def _contain(
    ra: Floats,
    dec: Floats,
    border: _Border,
    reference: Floats,
    reference_inside: bool,
    opposite_inside: bool,
    cap: Floats,
    cap_radius: float,
    found: Bools,
) -> None:
    degree = math.pi / 180.0
    cap_dec = math.atan2(cap[2], math.hypot(cap[0], cap[1]))
    least = math.cos(min(cap_radius + 1e-7, math.pi)) - 1e-15
    x, y, z = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    row, inside = np.empty(_BLOCK, np.int64), np.empty(_BLOCK, np.bool_)
    n = 0
    for i in range(ra.size):
        delta, alpha = dec[i] * degree, ra[i] * degree
        found[i] = False
        if abs(delta - cap_dec) <= cap_radius + 1e-9 and abs(alpha) < np.inf:  # false for NaN
            cosine = math.cos(delta)
            x[n], y[n], z[n] = cosine * math.cos(alpha), cosine * math.sin(alpha), math.sin(delta)
            row[n] = i
            n += x[n] * cap[0] + y[n] * cap[1] + z[n] * cap[2] >= least
        if n == _BLOCK or i == ra.size - 1:
            _decide(
                x[:n], y[:n], z[:n], border, reference, reference_inside, opposite_inside, inside
            )
            for k in range(n):
                found[row[k]] = inside[k]
            n = 0


@kernel
def _find_across(
    xyz: Floats, reach: Floats, border: _Border, middle: Floats, half: Floats, across: Bools
) -> None:
    """Tell which circles an edge goes through."""
    vertex, normal, flipped = border
    for i in range(len(xyz)):
        p = xyz[i]
        sine = math.sin(min(reach[i], math.pi / 2))
        chord = 2.0 * math.sin(min(reach[i], math.pi) / 2.0)
        across[i] = False
        for j in range(len(vertex)):
            dx, dy, dz = p[0] - middle[j, 0], p[1] - middle[j, 1], p[2] - middle[j, 2]
            if dx * dx + dy * dy + dz * dz > (half[j] + chord + 1e-9) ** 2:
                continue
            a, b, m = vertex[j - 1], vertex[j], normal[j]
            square = (p[0] - b[0]) ** 2 + (p[1] - b[1]) ** 2 + (p[2] - b[2]) ** 2
            if square <= chord * chord:
                across[i] = True
                break
            if abs(_dot(m, p)) <= sine:
                after, until = _triple(m, a, p) >= 0.0, _triple(m, b, p) <= 0.0
                if after != flipped[j] and until != flipped[j]:
                    across[i] = True
                    break
