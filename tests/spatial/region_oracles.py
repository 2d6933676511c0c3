"""Positions and slow twins for the tests of regions, in extended precision where there is one."""

from __future__ import annotations

import numpy as np
from cdshealpix.nested import healpix_to_lonlat
from hypothesis import strategies as st

from skyseries.spatial.healpix import HPX_ORDER
from skyseries.spatial.regions import Box, Cone, Intersection, Moc, Pixels, Polygon, Union

MAS = np.longdouble(np.pi) / 180 / 3_600_000


def vector(ra, dec):
    ra, dec = (np.asarray(x, np.longdouble) * (np.pi / np.longdouble(180)) for x in (ra, dec))
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def radec(xyz):
    x, y, z = np.moveaxis(np.asarray(xyz), -1, 0)
    turn = 180 / np.longdouble(np.pi)
    ra, dec = np.arctan2(y, x) * turn, np.arctan2(z, np.hypot(x, y)) * turn
    return np.mod(ra, 360).astype(np.float64), dec.astype(np.float64)


def unit(xyz):
    return xyz / np.sqrt((xyz * xyz).sum(axis=-1, keepdims=True))


def move(ra, dec, distance_deg, bearing_deg):
    """Positions at a distance in a direction, degrees."""
    p = vector(ra, dec)
    pole = np.array([0, 0, 1], np.longdouble)
    side = np.where(np.abs(p[..., 2:]) < 0.9, pole, np.roll(pole, 1))
    east = unit(np.cross(side, p))
    north = np.cross(p, east)
    d, b = (
        np.radians(np.asarray(x, np.longdouble))[..., None] for x in (distance_deg, bearing_deg)
    )
    return radec(p * np.cos(d) + (north * np.cos(b) + east * np.sin(b)) * np.sin(d))


def sky(rng, n):
    return rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))


def around(rng, ra, dec, radius_deg, n):
    """Positions evenly over a circle, with some exactly at its middle."""
    distance = min(radius_deg, 180.0) * np.sqrt(rng.uniform(0, 1, n))
    distance[:2] = 0
    return move(ra, dec, distance, rng.uniform(0, 360, n))


def positions_of(hpx, rng):
    """A position anywhere in each order-29 cell."""
    lon, lat = healpix_to_lonlat(
        np.asarray(hpx).astype(np.uint64), HPX_ORDER, *rng.uniform(0.01, 0.99, 2)
    )
    return lon.deg, lat.deg


ras = st.one_of(st.sampled_from([0.0, 45.0, 90.0, 180.0, 359.9999999]), st.floats(0, 360))
decs = st.one_of(
    st.sampled_from([-90.0, -89.99, -41.8103149, 0.0, 41.8103149, 89.9999999, 90.0]),
    st.floats(-90, 90),
)
radii = st.one_of(
    st.sampled_from([0.0, 1e-3, 1.0, 3600.0, 324_000.0, 648_000.0]),
    st.floats(-2, 5.8).map(lambda power: 10.0**power),
)
cones = st.builds(Cone, ras, decs, radii)


@st.composite
def boxes(draw):
    low, high = sorted((draw(decs), draw(decs)))
    return Box(draw(ras), draw(ras), low, high)


@st.composite
def stars(draw):
    """Vertices around a middle at varying distances, their spread, and the middle."""
    n = draw(st.integers(3, 12))
    ra, dec = draw(ras), draw(decs)
    size = 10.0 ** draw(st.floats(-4, 1.7))
    parts = np.array([draw(st.floats(0.2, 1.0)) for _ in range(n)])
    turn = draw(st.floats(0, 360)) + 360.0 / n * np.arange(n)
    return np.column_stack(move(ra, dec, size * parts, turn)), size, (ra, dec)


polygons = stars().map(lambda star: Polygon(star[0]))


@st.composite
def pixels(draw):
    order = draw(st.lists(st.integers(0, HPX_ORDER), min_size=1, max_size=4))
    return Pixels(order, [draw(st.integers(0, (12 << 2 * k) - 1)) for k in order])


simple = st.one_of(cones, boxes(), polygons, pixels(), pixels().map(lambda p: Moc(*p.ranges)))
regions = st.one_of(
    simple,
    st.lists(simple, max_size=3).map(Union),
    st.lists(simple, min_size=1, max_size=2).map(Intersection),
)


def middles(region):
    """A position and an extent that matter for a region."""
    match region:
        case Cone():
            return [(region.ra, region.dec, region.radius_arcsec / 3600)]
        case Box():
            return [
                (ra, dec, 5.0)
                for ra in (region.ra_min, region.ra_max)
                for dec in (region.dec_min, region.dec_max)
            ]
        case Polygon():
            return [(*vertex, 3 * region.size_deg) for vertex in region.vertices]
        case Pixels() | Moc():
            lon, lat = healpix_to_lonlat(region.ranges.start.astype(np.uint64), HPX_ORDER)
            size = np.sqrt((region.ranges.stop - region.ranges.start) / 12 / 4.0**29 * 41253)
            return list(zip(lon.deg, lat.deg, np.maximum(size, 1e-6), strict=True))
        case _:
            return [middle for part in region.regions for middle in middles(part)]


def points_for(region, seed, n=300):
    """Positions over the sky and around what matters for a region."""
    rng = np.random.default_rng(seed)
    parts = [sky(rng, n)]
    for ra, dec, size in middles(region):
        parts += [around(rng, ra, dec, 1.2 * size + 1e-6, n)]
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))
