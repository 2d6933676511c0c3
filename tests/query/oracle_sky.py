"""Geometry of the oracle: plain Python on unit vectors, one pair of shapes after the other.

A point is ("point", ra, dec), a circle ("circle", ra, dec, radius), a polygon, which has no dents,
("polygon", (ra, dec), ...), a coverage map ("moc", order, cells).
"""

from __future__ import annotations

import functools
import itertools
import math

import cdshealpix
import numpy as np
from astropy import units as u
from astropy.coordinates import Latitude, Longitude, SkyCoord

_TOUCH = 1e-14
"""Of unit vectors: a corner of a polygon is on its border however it is rounded."""
DEG2 = math.degrees(1.0) ** 2


def vector(ra, dec):
    a, d = math.radians(ra), math.radians(dec)
    return (math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d))


def degrees(v):
    return math.degrees(math.atan2(v[1], v[0])) % 360.0, math.degrees(
        math.atan2(v[2], math.hypot(v[0], v[1]))
    )


def dot(a, b):
    return sum(map(lambda x, y: x * y, a, b))


def cross(a, b):
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def angle(a, b):
    """Return the angle between two vectors, degrees."""
    return math.degrees(math.atan2(math.hypot(*cross(a, b)), dot(a, b)))


def separation(ra1, dec1, ra2, dec2):
    """Return the angle between two positions, degrees: Vincenty's formula on a sphere."""
    a, b, c = (math.radians(x) for x in (ra2 - ra1, dec1, dec2))
    x = math.cos(c) * math.sin(a)
    y = math.cos(b) * math.sin(c) - math.sin(b) * math.cos(c) * math.cos(a)
    z = math.sin(b) * math.sin(c) + math.cos(b) * math.cos(c) * math.cos(a)
    return math.degrees(math.atan2(math.hypot(x, y), z))


def point(ra, dec):
    there = math.isfinite(ra) and abs(dec) <= 90.0
    return ("point", float(ra), float(dec)) if there else None


def circle(*numbers):
    centre, radius = points(numbers[:-1]), numbers[-1]
    return ("circle", *centre[0], float(radius)) if centre and radius >= 0 else None


def points(numbers):
    """Return positions of points, or of pairs of coordinates; None if one is none."""
    if isinstance(numbers[0], tuple):
        found = list(numbers)
    else:
        found = [point(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
    return None if None in found else [p[1:] for p in found]


def polygon(*numbers):
    corners = points(numbers)
    return ("polygon", *corners) if corners else None


def box(*numbers):
    """Corners where the great circles at right angles to the ends of the arms meet."""
    centre, (w, h) = points(numbers[:-2]), numbers[-2:]
    if not centre or not (0 < w < 180 and 0 < h < 180):
        return None
    c = vector(*centre[0])
    a, d = (math.radians(x) for x in centre[0])
    east = (-math.sin(a), math.cos(a), 0.0)
    north = (-math.sin(d) * math.cos(a), -math.sin(d) * math.sin(a), math.cos(d))
    w, h = math.radians(w) / 2, math.radians(h) / 2

    def plane(side, size, sign):
        """The normal of the great circle through the end of an arm, at right angles to it."""
        return [
            sign * math.cos(size) * s - math.sin(size) * x for s, x in zip(side, c, strict=True)
        ]

    corners = []
    for e, n in ((1, -1), (1, 1), (-1, 1), (-1, -1)):
        v = cross(plane(east, w, e), plane(north, h, n))
        v = v if dot(v, c) > 0 else tuple(-x for x in v)
        corners.append(degrees(v))
    return ("polygon", *corners)


def region(text):
    name, *words = text.split()
    numbers = [float(word) for word in words if word[-1].isdigit()]
    shapes = {"POSITION": point, "CIRCLE": circle, "BOX": box, "POLYGON": polygon}
    return shapes[name.upper()](*numbers)


def moc(text):
    order, _, cells = text.partition("/")
    return ("moc", int(order), frozenset(map(int, cells.split())))


@functools.lru_cache(maxsize=100_000)
def cell(order, ra, dec):
    found = cdshealpix.lonlat_to_healpix(
        Longitude([ra], u.deg), Latitude([dec], u.deg), np.array([order], np.uint8)
    )
    return int(found[0])


def healpix_index(order, *place):
    position = points(place)
    return cell(order, *position[0]) if position and 0 <= order <= 29 else None


def healpix_center(order, index):
    if not (0 <= order <= 29 and 0 <= index < 12 * 4**order):
        return None
    ra, dec = cdshealpix.healpix_to_lonlat(
        np.array([index], np.uint64), np.array([order], np.uint8)
    )
    return point(float(ra.deg[0]), float(dec.deg[0]))


def transform(source, target, shape):
    turn = _rotation(source, target)
    turned = [degrees(tuple(turn @ np.array(vector(*p)))) for p in _positions(shape)]
    match shape[0]:
        case "point":
            return ("point", *turned[0])
        case "circle":
            return ("circle", *turned[0], shape[3])
    return ("polygon", *turned)


@functools.cache
def _rotation(source, target):
    names = {"FK4": "fk4noeterms", "ECLIPTIC": "barycentricmeanecliptic"}
    frames = [names.get(name, name.lower()) for name in (source, target)]
    axes = SkyCoord([0, 90, 0] * u.deg, [0, 0, 90] * u.deg, frame=frames[0])
    matrix = axes.transform_to(frames[1]).cartesian.xyz.value
    left, _, right = np.linalg.svd(matrix)
    return left @ right


def _positions(shape):
    return shape[1:] if shape[0] == "polygon" else [shape[1:3]]


def propagated(ra, dec, parallax, pmra, pmdec, velocity, start, end):
    """A straight line: place and velocity in astronomical units, of a star 1 / parallax away."""
    if any(x is None or math.isnan(x) for x in (ra, dec, start, end)):
        return None
    parallax, pmra, pmdec, velocity = (
        0.0 if x is None or math.isnan(x) else x for x in (parallax, pmra, pmdec, velocity)
    )
    if not abs(dec) <= 90:
        return None
    a, d, mas = math.radians(ra), math.radians(dec), math.radians(1 / 3.6e6)
    r = vector(ra, dec)
    east = (-math.sin(a), math.cos(a), 0.0)
    north = (-math.sin(d) * math.cos(a), -math.sin(d) * math.sin(a), math.cos(d))
    t = end - start
    radial = velocity * parallax * mas / 4.740470446
    v = [
        x + t * (x * radial + pmra * mas * e + pmdec * mas * n)
        for x, e, n in zip(r, east, north, strict=True)
    ]
    return ("point", *degrees(v))


def distance(*places):
    one, other = points(places) or (None, None)
    return None if one is None else separation(*one, *other)


def area(shape):
    match shape[0]:
        case "point":
            return 0.0
        case "circle":
            half = math.radians(min(shape[3], 180.0)) / 2
            return 4 * math.pi * math.sin(half) ** 2 * DEG2
        case "moc":
            return len(shape[2]) / (12 * 4 ** shape[1]) * 4 * math.pi * DEG2
    first, *rest = (vector(*p) for p in shape[1:])
    parts = (_triangle(first, b, c) for b, c in itertools.pairwise(rest))
    return abs(math.fsum(parts)) * DEG2


def _triangle(a, b, c):
    """Van Oosterom & Strackee 1983."""
    size = 1 + dot(a, b) + dot(b, c) + dot(c, a)
    # of differences: accurate for small triangles
    one, two = (tuple(x - y for x, y in zip(v, a, strict=True)) for v in (b, c))
    return 2 * math.atan2(dot(a, cross(one, two)), size)


def centroid(shape):
    if shape[0] != "polygon":
        return ("point", *shape[1:3])
    corners = [vector(*p) for p in shape[1:]]
    total = [0.0, 0.0, 0.0]
    for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
        normal = cross(tuple(x - y for x, y in zip(b, a, strict=True)), a)
        size = math.hypot(*normal)
        if size:
            total = [t + n / size * angle(a, b) for t, n in zip(total, normal, strict=True)]
    if dot(total, [sum(x) for x in zip(*corners, strict=True)]) < 0:
        total = [-t for t in total]
    return ("point", *degrees(total))


def contains(inner, outer):
    if inner[0] == "point":
        return int(_holds(outer, inner[1:]))
    match inner[0], outer[0]:
        case "circle", "circle":
            away = separation(*inner[1:3], *outer[1:3])
            return int(away + inner[3] <= outer[3] or outer[3] >= 180)
        case "circle", "polygon":
            deep = _border(outer, inner[1:3]) >= inner[3]
            return int(_holds(outer, inner[1:3]) and deep)
    return int(all(_holds(outer, corner) for corner in inner[1:]))


def intersects(one, other):
    for a, b in ((one, other), (other, one)):
        if a[0] == "point":
            return int(_holds(b, a[1:]))
        if a[0] == "circle" and b[0] == "polygon":
            return int(_holds(b, a[1:3]) or _border(b, a[1:3]) <= a[3])
    if one[0] == "circle":
        return int(separation(*one[1:3], *other[1:3]) <= one[3] + other[3])
    inside = any(_holds(b, p) for a, b in ((one, other), (other, one)) for p in a[1:])
    return int(inside or any(_cross(*a, *b) for a in _edges(one) for b in _edges(other)))


def _holds(shape, place):
    match shape[0]:
        case "circle":
            return separation(*place, *shape[1:3]) <= shape[3]
        case "moc":
            return cell(shape[1], *place) in shape[2]
    p = vector(*place)
    sides = [dot(cross(a, b), p) for a, b in _edges(shape) if a != b]
    middle = [sum(x) for x in zip(*(vector(*c) for c in shape[1:]), strict=True)]
    inside = all(s >= -_TOUCH for s in sides) or all(s <= _TOUCH for s in sides)
    return inside and dot(middle, p) > 0


def _edges(shape):
    corners = [vector(*p) for p in shape[1:]]
    return list(zip(corners, corners[1:] + corners[:1], strict=True))


def _border(shape, place):
    """Return how far a place is from the border of a polygon, degrees."""
    p, found = vector(*place), 180.0
    for a, b in _edges(shape):
        normal = cross(a, b)
        beside = dot(cross(normal, a), p) >= 0 and dot(cross(b, normal), p) >= 0
        away = abs(90.0 - angle(normal, p)) if beside else min(angle(a, p), angle(b, p))
        found = min(found, away)
    return found


def _cross(a, b, c, d):
    n, m = cross(a, b), cross(c, d)
    apart = dot(n, c) * dot(n, d) < 0 and dot(m, a) * dot(m, b) < 0
    return apart and dot([x + y for x, y in zip(a, b, strict=True)],
                         [x + y for x, y in zip(c, d, strict=True)]) > 0  # fmt: skip


def within_box(ra, dec, west, south, east, north):
    if abs(dec) > 90 or not south <= dec <= north:
        return 0
    if abs(dec) == 90 or east - west >= 360:
        return 1
    ra, west, east = ra % 360, west % 360, east % 360
    return int(west <= ra <= east if west <= east else ra >= west or ra <= east)


def within_ellipse(ra, dec, ra0, dec0, a, b, turn):
    """On the plane that touches the sphere at the centre, seen from far away."""
    if abs(dec) > 90:
        return 0
    c, p = vector(ra0, dec0), vector(ra, dec)
    alpha, d = math.radians(ra0), math.radians(dec0)
    east = dot((-math.sin(alpha), math.cos(alpha), 0.0), p)
    north = dot((-math.sin(d) * math.cos(alpha), -math.sin(d) * math.sin(alpha), math.cos(d)), p)
    a, b, t = math.radians(a / 3600), math.radians(b / 3600), math.radians(turn)
    x, y = math.sin(t) * east + math.cos(t) * north, math.cos(t) * east - math.sin(t) * north
    return int(dot(c, p) > 0 and (x / a) ** 2 + (y / b) ** 2 <= 1)
