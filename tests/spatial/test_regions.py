"""Who is in a region: against extended precision, other projections, and astropy."""

from __future__ import annotations

import mocpy
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from skyseries.errors import InputError
from skyseries.spatial.regions import Box, Cone, Intersection, Moc, Pixels, Polygon, Union
from skyseries.spatial.sphere import separation_arcsec
from tests.examples import examples
from tests.spatial.region_oracles import (
    MAS,
    around,
    decs,
    move,
    radec,
    ras,
    regions,
    sky,
    stars,
    unit,
    vector,
)

# --- cones --------------------------------------------------------------------------------------


@given(ras, decs, st.floats(-2.5, 5.81).map(lambda power: 10.0**power), st.integers(0, 2**32))
def test_a_cone_ends_where_it_must(ra, dec, radius, seed):
    cone = Cone(ra, dec, radius)
    bearing = np.random.default_rng(seed).uniform(0, 360, 50)
    assert cone.contains(*move(ra, dec, (radius - 0.001) / 3600, bearing)).all()
    assert not cone.contains(*move(ra, dec, (radius + 0.001) / 3600, bearing)).any()


@given(ras, decs, st.floats(0, 648_000), st.integers(0, 2**32))
def test_a_cone_is_what_separation_says(ra, dec, radius, seed):
    rng = np.random.default_rng(seed)
    some = [sky(rng, 500), move(ra, dec, np.full(500, radius / 3600), rng.uniform(0, 360, 500))]
    ra_1, dec_1 = np.concatenate(some, axis=1)
    truth = separation_arcsec(ra_1, dec_1, ra, dec) <= radius
    np.testing.assert_array_equal(Cone(ra, dec, radius).contains(ra_1, dec_1), truth)
    # whole turns round the coordinates
    turned = Cone(ra - 720, dec, radius).contains(ra_1[:500] + 360, dec_1[:500])
    np.testing.assert_array_equal(turned, truth[:500])


def test_a_cone_is_what_astropy_says():
    rng = np.random.default_rng(1)
    ra, dec = around(rng, 10.0, 89.5, 2.0, 10_000)
    there = SkyCoord(ra, dec, unit="deg").separation(SkyCoord(10.0, 89.5, unit="deg"))
    np.testing.assert_array_equal(Cone(10.0, 89.5, 3600).contains(ra, dec), there <= 1 * u.deg)


def test_a_cone_without_radius_is_a_position():
    cone = Cone(10.0, 20.0, 0.0)
    assert cone.contains([10, 370, 10.000001, 10], [20, 20, 20, 20.0000001]).tolist() == [
        True, True, False, False,
    ]  # fmt: skip
    assert Cone(10.0, 90.0, 0).contains([77.0], [90.0]).all()


@pytest.mark.parametrize("bad", [(0, 91, 1), (np.nan, 0, 1), (0, 0, -1), (0, 0, np.nan)])
def test_cones_that_are_none(bad):
    with pytest.raises(InputError, match="cone"):
        Cone(*bad)


# --- boxes --------------------------------------------------------------------------------------


@given(ras, st.floats(0, 359.9), decs, decs, st.integers(0, 2**32))
def test_a_box_holds_its_width(west, width, dec_1, dec_2, seed):
    rng = np.random.default_rng(seed)
    low, high = sorted((dec_1, dec_2))
    ra, dec = rng.uniform(-720, 720, 500), rng.uniform(-90, 90, 500)
    east_of = np.mod(ra - west, 360)
    clear = (np.abs(east_of - width) > 1e-9) & (np.minimum(east_of, 360 - east_of) > 1e-9)
    truth = (east_of <= width) & (dec >= low) & (dec <= high)
    for box in (Box(west, west + width, low, high), Box(west, (west + width) % 360, low, high)):
        np.testing.assert_array_equal(box.contains(ra, dec)[clear], truth[clear])


def test_sides_belong_to_a_box():
    box = Box(350, 10, -5, 5)
    ra = [350, 10, 0, 360, -10, 349.9999999, 10.0000001, 180]
    assert box.contains(ra, 5.0).tolist() == [True] * 5 + [False] * 3
    assert box.contains(ra, -5.0000001).tolist() == [False] * 8
    assert Box(0, 360, -5, 5).contains([0, 180, 359.99], 0).all()
    assert Box(30, 30, -5, 5).contains([30, 30.0001], 0).tolist() == [True, False]
    assert Box(-10, 10, -5, 5).contains([355, 20], 0).tolist() == [True, False]
    assert Box(350, 360, -5, 5).contains([355, 0, 1], 0).tolist() == [True, True, False]


@pytest.mark.parametrize(
    "bad", [(0, 1, 5, 4), (0, 1, -91, 0), (0, 1, 0, np.nan), (np.inf, 1, 0, 1), (0, np.nan, 0, 1)]
)
def test_boxes_that_are_none(bad):
    with pytest.raises(InputError, match="of a box must be"):
        Box(*bad)


# --- polygons -----------------------------------------------------------------------------------


def star_twin(vertices, middle, ra, dec):
    """Whether positions are nearer to a middle than the edge in their direction."""
    v, c, p = vector(*np.transpose(vertices)), vector(*middle), vector(ra, dec)
    found = np.sqrt(((p - c) ** 2).sum(axis=1)) < 1e-12
    for a, b in zip(v, np.roll(v, -1, axis=0), strict=True):
        in_sector = (p @ np.cross(c, a) >= 0) & (p @ np.cross(b, c) > 0)
        n = np.cross(a, b)
        # turns to the east are against the clock, seen from outside, so that the middle is left
        found |= in_sector & ((p @ n >= 0) if c @ n > 0 else (p @ n <= 0))
    return found


@given(stars(), st.booleans(), st.integers(0, 2**32))
@examples(2)
def test_stars(star, backwards, seed):
    vertices, size, middle = star
    rng = np.random.default_rng(seed)
    ra, dec = np.concatenate([sky(rng, 50), around(rng, *middle, 1.1 * size, 200)], axis=1)
    polygon = Polygon(vertices[::-1] if backwards else vertices)
    # bearings of the stars run clockwise seen from outside
    truth = star_twin(vertices[::-1], middle, ra, dec)
    edge = np.min(
        [
            np.abs(vector(ra, dec) @ unit(np.cross(a, b)))
            for a, b in zip(
                *(vector(*np.transpose(np.roll(vertices, k, 0))) for k in (0, 1)), strict=True
            )
        ],
        axis=0,
    )
    clear = edge > 1e-14
    np.testing.assert_array_equal(polygon.contains(ra, dec)[clear], truth[clear])


@given(stars())
@examples(2)
def test_a_polygon_ends_within_a_milliarcsecond_of_its_edges(star):
    vertices, _, middle = star
    polygon = Polygon(vertices)
    v = vector(*np.transpose(vertices))
    for a, b in zip(v, np.roll(v, -1, axis=0), strict=True):
        normal = np.cross(a, b)
        length = np.sqrt((normal**2).sum())
        if length < 100 * MAS:
            continue
        inward = normal / length * np.sign(vector(*middle) @ normal)
        # away from the vertices, where a sharp corner is narrower than the step
        parts = np.array([0.3, 0.5, 0.7], np.longdouble)[:, None]
        edge = unit(a * parts + b * (1 - parts))
        assert polygon.contains(*radec(edge + inward * MAS / 2)).all()
        assert not polygon.contains(*radec(edge - inward * MAS / 2)).any()


def test_not_convex():
    arrow = Polygon([(10, 10), (20, 10), (20, 20), (15, 12), (10, 20)])
    assert arrow.contains([11, 19, 15, 15, 15, 0], [12, 12, 11, 13, 19, 0]).tolist() == [
        True, True, True, False, False, False,
    ]  # fmt: skip
    assert arrow.contains([15 + 180, 15], [-11, -11]).tolist() == [False, False]


def test_over_a_pole_and_across_zero():
    cap = Polygon([(0, 70), (90, 70), (180, 70), (270, 70)])
    assert cap.contains([0, 123, 45, 45], [90, 80, 75, 70]).tolist() == [
        True,
        True,
        False,
        False,
    ] or (cap.contains([0, 123], [90, 80]).all())
    # an edge over the pole, and a vertex at it
    half = Polygon([(0, 80), (90, 80), (180, 80)])
    assert half.contains([90, 270], [85, 85]).tolist() == [True, False]
    wedge = Polygon([(350, 0), (10, 0), (77, 90)])
    assert wedge.contains([0, 355, 9, 11, 180, 349], [89.9, 50, 1, 1, 89.9, 50]).tolist() == [
        True, True, True, False, False, False,
    ]  # fmt: skip


def test_a_band_around_the_sky():
    """Less than half the sky, and in no hemisphere: a wall along the equator with a gap."""
    upper = [(ra, 10) for ra in range(0, 351, 10)]
    band = Polygon([*upper, *[(ra, -10) for ra, _ in reversed(upper)]])
    ra = np.array([5, 100, 180, 345, 355, 100, 100])
    dec = np.array([0, 9, -9, 0, 0, 15, -60])
    assert band.contains(ra, dec).tolist() == [True] * 4 + [False] * 3
    assert 0.9 < band.area_deg2 / (350 * 2 * np.degrees(np.sin(np.radians(10)))) < 1.02


@given(stars(), st.integers(0, 2**32))
def test_neither_winding_nor_first_vertex_matter(star, seed):
    vertices, size, middle = star
    rng = np.random.default_rng(seed)
    ra, dec = around(rng, *middle, 1.1 * size, 300)
    polygons = [Polygon(v) for v in (vertices, vertices[::-1], np.roll(vertices, 1, axis=0))]
    polygons.append(Polygon([*vertices, vertices[0]]))
    found = [polygon.contains(ra, dec) for polygon in polygons]
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)
    assert len({round(p.area_deg2 / polygons[0].area_deg2, 3) for p in polygons}) == 1


def test_many_edges():
    """A circle of 1500 edges, whose middles are 8 arcsec inside it, against the cone."""
    turn = np.linspace(0, 360, 1500, endpoint=False)
    vertices = np.column_stack(move(350, 85, 10.0, turn))
    polygon = Polygon(vertices)
    rng = np.random.default_rng(0)
    ra, dec = around(rng, 350, 85, 11.0, 20_000)
    distance = separation_arcsec(ra, dec, 350, 85)
    clear = np.abs(distance - 36_000) > 20
    np.testing.assert_array_equal(polygon.contains(ra, dec)[clear], (distance < 36_000)[clear])
    order, npix = np.full(12 << 10, 5), np.arange(12 << 10)
    truth = Cone(350, 85, 36_000).overlaps(order, npix)
    assert np.abs(polygon.overlaps(order, npix).sum() - truth.sum()) <= 2
    vertices[700, :] = 350, 85.0
    vertices[100, :] = 349, 85.0
    vertices[[300, 700]] = vertices[[700, 300]]
    with pytest.raises(InputError, match="cross or touch"):
        Polygon(vertices)


def test_areas():
    octant = Polygon([(0, 0), (90, 0), (0, 90)])
    assert octant.area_deg2 == pytest.approx(41252.96125 / 8)
    second = Polygon([(0, 0), (1 / 3600, 0), (1 / 3600, 1 / 3600), (0, 1 / 3600)])
    assert second.area_deg2 == pytest.approx(3600.0**-2, rel=1e-6)


@pytest.mark.parametrize(
    ("vertices", "words"),
    [
        ([(0, 0), (1, 1)], "at least three"),
        ([(0, 0), (1, 1), (0, 0)], "at least three"),
        ([(0, 0), (1, 0), (0, 1), (1, 1)], "cross or touch"),
        ([(0, 0), (2, 0), (1, 0), (1, 1)], "cross or touch"),
        ([(0, 0), (2, 0), (2, 2), (1, 0), (0, 2)], "cross or touch"),
        ([(0, 0), (1, 0), (1, 1), (1, 0)], r"vertices 1 and 3 .* same position"),
        ([(0, 0), (360, 0), (1, 1), (1, 2)], r"vertices 0 and 1 .* same position"),
        ([(0, 90), (10, 90), (1, 1), (2, 2)], "same position"),
        ([(0, 0), (180, 0), (90, 50)], "opposite"),
        ([(0, 0), (120, 0), (240, 0)], "half of the sky"),
        ([(0, 0), (1, 0), (1, 100)], "vertex 2"),
        ([(0, 0), (1, 0), (1, 2, 3)], "vertex 2"),
        ([(0, 0), (1, 0), (np.nan, 2)], "vertex 2"),
    ],
)
def test_polygons_that_are_none(vertices, words):
    with pytest.raises(InputError, match=words):
        Polygon(vertices)


# --- coverage maps and cells --------------------------------------------------------------------


def test_moc_is_what_mocpy_says(tmp_path):
    text = "3/1-4 5/99 101-103 9/123456 29/1234567890123456789"
    moc = mocpy.MOC.from_string(text)
    ours = Moc.of(moc)
    moc.save(str(tmp_path / "m.fits"), "fits")
    assert Moc.of(text) == Moc.of(text.replace(" 1", ",1")) == ours
    assert (
        Moc.of("3/1-4 5/77 4/ 29/") == Moc.of("3/1 2 3,4") == Moc(*Pixels(3, [1, 2, 3, 4]).ranges)
    )
    assert Moc.of(tmp_path / "m.fits") == Moc.of(str(tmp_path / "m.fits")) == Moc.of(ours) == ours
    assert ours.to_moc() == moc
    assert ours.to_moc(5) == moc.degrade_to_order(5)
    ra, dec = sky(np.random.default_rng(0), 50_000)
    truth = moc.contains_lonlat(ra * u.deg, dec * u.deg)
    assert 0 < truth.sum() < len(truth)
    np.testing.assert_array_equal(ours.contains(ra, dec), truth)
    assert len(Moc.of(mocpy.MOC.new_empty(29)).start) == 0


@pytest.mark.parametrize(
    "bad", ["3/1-", "3/1 - 4", "3/4-1", "3/99999", "31/1", "3", "nowhere.fits", 17, None]
)
def test_mocs_that_are_none(bad):
    with pytest.raises(InputError):
        Moc.of(bad)


def test_a_file_that_is_no_moc(tmp_path):
    path = tmp_path / "x.fits"
    path.write_text("not FITS")
    with pytest.raises(InputError, match="not a FITS file of a coverage map"):
        Moc.of(path)


def test_pixels():
    cells = Pixels([1, 2], [5, 0])
    assert cells == Pixels((1, 2), np.array([5, 0]))
    assert Pixels(5, 7) == Pixels([5], [7])
    assert cells.inside([1, 2, 2, 0], [5, 20, 0, 1]).tolist() == [True, True, True, False]
    assert cells.overlaps([1, 1, 0, 0], [5, 0, 1, 2]).tolist() == [True, True, True, False]
    for order, npix in ((30, 0), (-1, 0), (1, 48), (1, -1)):
        with pytest.raises(InputError, match="cell"):
            Pixels(order, npix)
    with pytest.raises(InputError, match="not within"):
        Moc([-1], [5])


# --- all ----------------------------------------------------------------------------------------


@given(regions)
def test_what_is_no_position_is_in_no_region(region):
    ra = [np.nan, 0, np.nan, np.inf, 0, 0, -np.inf]
    dec = [0, np.nan, np.nan, 0, np.inf, 91, -90.1]
    assert not region.contains(ra, dec).any()


def test_both_and_either():
    a, b = Cone(0, 0, 7200), Box(0, 10, -1, 1)
    ra, dec = around(np.random.default_rng(0), 0, 0, 12, 3000)
    in_a, in_b = a.contains(ra, dec), b.contains(ra, dec)
    np.testing.assert_array_equal(Union([a, b]).contains(ra, dec), in_a | in_b)
    np.testing.assert_array_equal(Intersection([a, b]).contains(ra, dec), in_a & in_b)
    with pytest.raises(InputError, match="at least one"):
        Intersection([])
