"""Geometries in expressions: as values, as tests, in both ways of evaluation."""

import pickle

import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import assume, given
from hypothesis import strategies as st

from skyseries.adql import (
    Mask,
    Scope,
    Values,
    compute,
    resolve_condition,
    resolve_value,
    xtype,
)
from skyseries.adql.kernels.shapes import largest_arcsec
from skyseries.adql.stcs import parse_stcs
from skyseries.adql.types import Type
from skyseries.errors import InputError, QueryError
from skyseries.spatial.regions import Cone, Moc, Polygon
from skyseries.spatial.sphere import separation_arcsec
from tests.adql.columns import calculated, selected, table_of
from tests.examples import examples


@pytest.fixture(params=["arrow", "duckdb"], autouse=True)
def engine(request, monkeypatch):
    if request.param == "duckdb":
        monkeypatch.setattr(compute, "supported", lambda expression: False)


def positions():
    rng = np.random.default_rng(3)
    n = 500
    ra, dec = rng.uniform(-360, 720, n), rng.uniform(-90, 90, n)
    tiny = 10.0 ** rng.uniform(-12, -1, n)
    ra2 = np.where(np.arange(n) % 3 == 0, ra + tiny, np.where(np.arange(n) % 3 == 1, ra + 180, 1))
    dec2 = np.where(np.arange(n) % 3 == 0, dec, np.where(np.arange(n) % 3 == 1, -dec + tiny, 2))
    dec2 = np.clip(dec2, -90, 90)
    dec[:4], dec2[:4] = [90, -90, 90, 0], [90, 90, 90 - 1e-9, 0]
    return table_of(ra=ra, dec=dec, ra2=ra2, dec2=dec2)


TABLE = positions()
RA, DEC = TABLE["ra"].to_numpy(), TABLE["dec"].to_numpy()


def test_distances_are_those_of_the_kernels():
    columns = [TABLE[name].to_numpy() for name in TABLE.column_names]
    wanted = (separation_arcsec(*columns) / 3600).tolist()
    for text in ("DISTANCE(ra, dec, ra2, dec2)", "DISTANCE(POINT(ra, dec), POINT(ra2, dec2))"):
        assert calculated(text, TABLE) == wanted
    assert calculated("scisql_angSep(ra, dec, ra2, dec2)", TABLE) == wanted
    assert max(wanted) > 179.9


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("CIRCLE(10, 20, 70)", Cone(10, 20, 252_000)),
        ("CIRCLE('ICRS', POINT(10, 20), 70.0)", Cone(10, 20, 252_000)),
        ("POLYGON(0, 0, 60, 0, 30, 80)", Polygon([(0, 0), (60, 0), (30, 80)])),
        ("POLYGON(POINT(0, 0), POINT(60, 0), POINT(30, 80))", Polygon([(0, 0), (60, 0), (30, 80)])),
        ("REGION('Polygon ICRS GEOCENTER 0 0 60 0 30 80')", Polygon([(0, 0), (60, 0), (30, 80)])),
        ("MOC('0/3-5 1/17,18')", Moc.of("0/3-5 1/17 18")),
    ],
)
def test_points_in_constant_regions_are_decided_by_the_regions(text, region):
    inside = region.contains(RA, DEC)
    assert 0 < inside.sum() < len(RA)
    contains = f"CONTAINS(POINT(ra, dec), {text})"
    for condition in (f"{contains} = 1", f"0 <> {contains}", f"{contains} > 0.5"):
        assert (selected(condition, TABLE) == inside).all(), condition
    for condition in (f"{contains} = 0", f"NOT {contains} = 1"):
        assert (selected(condition, TABLE) == ~inside).all(), condition
    assert calculated(f"INTERSECTS({text}, POINT(ra, dec))", TABLE) == inside.astype(int).tolist()


OPERATORS = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
             "=": np.equal, "<>": np.not_equal}  # fmt: skip


@examples(0.3)
@given(
    ra=st.floats(0, 360), dec=st.floats(-89, 89), radius=st.floats(0, 100), step=st.integers(-2, 2)
)
def test_contains_and_distance_agree_to_the_last_bit(ra, dec, radius, step):
    """At distances that are the radius itself, or beside it."""
    (away,) = separation_arcsec([ra], [dec], 10.0, 20.0) / 3600
    for _ in range(abs(step)):
        away = np.nextafter(away, 200.0 * np.sign(step))
    table = table_of(ra=[ra, ra], dec=[dec, 0.0], r=[away, radius])
    distances = np.array(calculated("DISTANCE(ra, dec, 10, 20)", table))
    for operator, test in OPERATORS.items():
        text = f"DISTANCE(POINT(10, 20), POINT(ra, dec)) {operator} {float(away)!r}"
        assert (selected(text, table) == test(distances, away)).all(), text
    near = distances <= away
    inside = selected(f"CONTAINS(POINT(ra, dec), CIRCLE(10, 20, {float(away)!r})) = 1", table)
    assert (near == inside).all()
    of_columns = selected("CONTAINS(POINT(10, 20), CIRCLE(ra, dec, r)) = 1", table)
    assert (of_columns == selected("DISTANCE(10, 20, ra, dec) <= r", table)).all()


@given(degrees=st.floats(0, 180))
def test_the_largest_arcsec(degrees):
    found = largest_arcsec(degrees)
    assert found / 3600 <= degrees < np.nextafter(found, np.inf) / 3600


def test_a_position_that_is_missing_is_neither_inside_nor_outside():
    holes = table_of(ra=[1.0, None, float("nan"), 1.0], dec=[1.0, 1.0, 1.0, 91.0])
    for region in ("CIRCLE(1, 1, 5)", "BOX(1, 1, 5, 5)", "CIRCLE(ra, dec, 5)", "MOC('0/0-11')"):
        text = f"CONTAINS(POINT(ra, dec), {region})"
        assert selected(f"{text} = 1", holes).tolist() == [True, False, False, False]
        assert selected(f"{text} = 0", holes).tolist() == [False] * 4
        assert calculated(text, holes) == [1, None, None, None]


def test_a_constant_geometry_of_no_rows_is_an_empty_column():
    empty = table_of(ra=[1.0]).slice(0, 0)
    for text in ("POINT(1, 2)", "CIRCLE(1, 2, 3)", "BOX(1, 2, 3, 4)", "MOC('3/1')"):
        assert calculated(text, empty) == []


def test_geometries_are_columns():
    table = table_of(ra=[10.0, 20.0, None], dec=[1.0, -2.0, 3.0], r=[0.5, -1.0, 1.0])
    scope = Scope.from_schema(table.schema)
    for text, kind, wanted in (
        ("POINT(ra, dec)", Type.POINT, [[10, 1], [20, -2], None]),
        ("POINT(1, 2)", Type.POINT, [[1, 2]] * 3),
        ("CIRCLE(ra, dec, r)", Type.CIRCLE, [[10, 1, 0.5], None, None]),
        ("REGION('CIRCLE 1 2 3')", Type.CIRCLE, [[1, 2, 3]] * 3),
        (
            "POLYGON(ra, dec, ra + 1, dec, ra, 5)",
            Type.POLYGON,
            [[10, 1, 11, 1, 10, 5], [20, -2, 21, -2, 20, 5], None],
        ),
        ("CENTROID(CIRCLE(ra, dec, 1))", Type.POINT, [[10, 1], [20, -2], None]),
        ("MOC('3/1')", Type.MOC, ["3/1"] * 3),
    ):
        expression = resolve_value(text, scope)
        (found,) = Values([expression])(table)
        assert expression.type is kind
        assert found.to_pylist() == wanted, text
        assert found.type == expression.arrow_type
    assert [xtype(t) for t in (Type.POINT, Type.CIRCLE, Type.POLYGON, Type.MOC, Type.DOUBLE)] == [
        "point", "circle", "polygon", "moc", "",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [pa.list_(pa.float64(), 3), pa.list_(pa.float32()),
                                  pa.large_list(pa.float64())])  # fmt: skip
def test_columns_that_say_their_xtype_are_geometries(kind):
    values = pa.array([[1, 2, 3], None, [10, -20, 0.5]], kind)
    field = pa.field("footprint", kind, metadata={"xtype": "circle"})
    table = pa.table([values, [1.0, 1.0, 50.0]], schema=pa.schema([field, ("ra", pa.float64())]))
    table = table.slice(0, 3)
    assert calculated("CONTAINS(POINT(ra, 2), footprint)", table) == [1, None, 0]
    assert calculated("COORD1(CENTROID(footprint))", table) == [1, None, 10]
    assert calculated("AREA(footprint) > 1", table) == [True, None, False]
    assert selected("footprint IS NULL", table).tolist() == [False, True, False]
    assert calculated("footprint", table)[0] == [1, 2, 3]
    assert calculated("CONTAINS(POINT(ra, 2), footprint)", table.slice(2)) == 0
    wrong = pa.table([pa.array([[1.0, 2.0]])], schema=pa.schema([
        pa.field("footprint", pa.list_(pa.float64()), metadata={"xtype": "circle"})]))  # fmt: skip
    with pytest.raises(QueryError, match="a circle has 3 numbers, not 2"):
        calculated("AREA(footprint)", wrong)


def test_coordinates_of_a_point():
    assert calculated("COORD1(POINT(ra, dec))", TABLE) == RA.tolist()
    assert calculated("COORD2(POINT(ra, dec))", TABLE) == DEC.tolist()
    assert calculated("COORD1(POINT(25.0, -19.5))") == 25
    assert calculated("COORDSYS(POINT('ICRS', 1, 2))") == "ICRS"


def test_areas():
    assert calculated("AREA(POINT(1, 2))") == 0
    assert calculated("AREA(CIRCLE(1, 2, 180))") == pytest.approx(41252.96125, abs=1e-5)
    assert calculated("AREA(CIRCLE(1, 2, 0.1))") == pytest.approx(np.pi * 0.01, rel=1e-6)
    octant = "POLYGON(0, 0, 90, 0, 0, 90)"
    assert calculated(f"AREA({octant})") == pytest.approx(41252.96125 / 8, abs=1e-5)
    assert calculated("AREA(MOC('0/1'))") == pytest.approx(41252.96125 / 12, abs=1e-5)
    small = "POLYGON(ra, dec, ra + 0.01, dec, ra + 0.01, dec + 0.01)"
    table = table_of(ra=[0.0, 359.995], dec=[0.0, 60.0])
    wanted = [Polygon([(r, d), (r + 0.01, d), (r + 0.01, d + 0.01)]).area_deg2
              for r, d in ((0.0, 0.0), (359.995, 60.0))]  # fmt: skip
    assert calculated(f"AREA({small})", table) == pytest.approx(wanted, rel=1e-8)


@examples(0.2)
@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3)), min_size=3, max_size=6),
       st.floats(0, 360), st.floats(-90, 90))  # fmt: skip
def test_the_middle_of_a_polygon_is_that_of_many_points(corners, ra, dec):
    frame = SkyCoord(ra, dec, unit="deg").skyoffset_frame()
    x, y = np.array(corners).T
    sky = SkyCoord(x * u.deg, y * u.deg, frame=frame).icrs
    try:
        polygon = Polygon(list(zip(sky.ra.deg, sky.dec.deg, strict=True)))
    except InputError:
        return
    grid = np.linspace(-3.0071, 3.0113, 301)  # no edge of a simple polygon lies along it
    gx, gy = (part.ravel() for part in np.meshgrid(grid, grid))
    points = SkyCoord(gx * u.deg, gy * u.deg, frame=frame).icrs
    inside = polygon.contains(points.ra.deg, points.dec.deg)
    assume(inside.sum() > 4500)
    numbers = ", ".join(repr(float(v)) for pair in polygon.vertices for v in pair)
    middle = SkyCoord(*calculated(f"CENTROID(POLYGON({numbers}))"), unit="deg")
    weight = np.cos(np.radians(gy[inside]))
    vector = (points[inside].cartesian * weight).mean()
    mean = SkyCoord(vector, representation_type="cartesian", frame="icrs")
    assert middle.separation(mean).deg < 0.05


@pytest.mark.parametrize(
    ("ra", "dec", "width", "height"),
    [(25.4, -20, 10, 10), (0, 0, 2, 1), (359.5, 60, 4, 3), (10, 89, 6, 6), (77, -90, 3, 3),
     (0.2, 89.9, 100, 60)],
)  # fmt: skip
def test_a_box_is_a_rectangle_on_the_plane_that_touches_its_centre(ra, dec, width, height):
    """Its arms are great circles; across 0, and over a pole."""
    frame = SkyCoord(ra, dec, unit="deg").skyoffset_frame()
    wide, high = min(2 * width, 179.0), min(2 * height, 179.0)
    east = np.array([width / 2, -width / 2, 0, 0])
    north = np.array([0, 0, height / 2, -height / 2])
    for part, inside in ((1 - 1e-6, 1), (1 + 1e-6, 0)):
        ends = SkyCoord(east * part * u.deg, north * part * u.deg, frame=frame).icrs
        table = table_of(ra=ends.ra.deg, dec=ends.dec.deg)
        text = f"CONTAINS(POINT(ra, dec), BOX({ra}, {dec}, {width}, {height}))"
        assert calculated(text, table) == [inside] * 4
        of_columns = f"CONTAINS(POINT({ra}, {dec}), BOX(ra, dec, {wide}, {high}))"
        assert calculated(of_columns, table) == [1] * 4
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-1.5, 1.5, (2, 500)) * np.tan(np.radians([[width / 2], [height / 2]]))
    depth = 1 / np.sqrt(1 + x * x + y * y)
    sky = SkyCoord(x=depth, y=x * depth, z=y * depth, frame=frame,
                   representation_type="cartesian").icrs.spherical  # fmt: skip
    within = (np.abs(x) <= np.tan(np.radians(width / 2))) & (
        np.abs(y) <= np.tan(np.radians(height / 2))
    )
    table = table_of(ra=sky.lon.deg, dec=sky.lat.deg)
    assert calculated(text, table) == within.astype(int).tolist()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("POINT(1, 91)", "a point must be a position"),
        ("CIRCLE(1, 2, -0.5)", "0 degrees or more"),
        ("BOX(1, 2, 0, 1)", "above 0 and below 180"),
        ("BOX(1, 2, 1, 180)", "above 0 and below 180"),
        ("POLYGON(0, 0, 10, 10, 10, 0, 0, 10)", "cross or touch"),
        ("POLYGON(1, 2, 3, 4)", "POLYGON does not take"),
        ("POLYGON(1, 2, 3, 4, 5, 6, 7)", "POLYGON does not take"),
        ("POINT('GALACTIC', 1, 2)", "positions are in ICRS here"),
        ("CIRCLE('FK5', 1, 2, 3)", "ivo_geom_transform"),
        ("REGION('CIRCLE FK5 1 2 3')", "positions are in ICRS here"),
        ("REGION('ELLIPSE ICRS 1 2 3 4 5')", "understands POSITION, CIRCLE, BOX and POLYGON"),
        ("REGION('')", "empty text"),
        ("REGION('CIRCLE ICRS 1 2')", "a CIRCLE has 3 numbers, not 2"),
        ("REGION('CIRCLE ICRS 1 2 x')", "'x' in .* is no number"),
        ("REGION('POLYGON ICRS 1 2 3 4')", "three pairs"),
        ("REGION(name)", "REGION does not take"),
        ("MOC('/etc/passwd')", "a coverage map is written as"),
        ("MOC('1/48')", "the cells of order 1 are 0 to 47"),
        ("MOC('1//2')", "cannot be understood"),
        ("CONTAINS(CIRCLE(1, 2, 3), POINT(1, 2))", "CONTAINS does not take"),
        ("CONTAINS(CIRCLE(1, 2, 3), MOC('1/2'))", "CONTAINS does not take"),
        ("DISTANCE(CIRCLE(1, 2, 3), POINT(1, 2))", "DISTANCE does not take"),
        ("POINT(1, 2) = POINT(1, 2)", "a point cannot be compared"),
        ("ivo_geom_transform('ICRS', 'icrs', POINT(1, 2))", "no frame 'icrs'"),
        ("scisql_s2PtInCircle(1, 2, 3, 4, -1)", "0 degrees or more"),
    ],
)
def test_what_is_no_geometry(text, words):
    with pytest.raises(QueryError, match=words) as caught:
        calculated(text, name=["a"])
    assert "line 1, column" in str(caught.value)


def test_a_coverage_map_that_is_long_and_wrong_is_refused_at_once():
    with pytest.raises(QueryError, match="coverage map"):
        calculated(f"MOC('{'1/22' * 5000}//')")


def test_texts_of_regions():
    assert parse_stcs("Circle ICRS 1.5 -2 3e-1") == ("CIRCLE", (1.5, -2.0, 0.3))
    assert parse_stcs("box icrs barycenter spherical2 1 2 3 4 unit deg") == ("BOX", (1, 2, 3, 4))
    assert parse_stcs(" POSITION UNKNOWNFRAME 10 20 ") == ("POSITION", (10, 20))
    assert calculated("REGION('POSITION ICRS 10 20')") == [10, 20]
    assert calculated("REGION('BOX ICRS 1 2 3 4')") == calculated("BOX(1, 2, 3, 4)")


def test_distances_of_distances():
    inner = separation_arcsec(1, 2, 3, RA.clip(-90, 90)) / 3600
    outer = (separation_arcsec(inner, 2, 3, 4) / 3600).tolist()
    table = table_of(dec=RA.clip(-90, 90))
    assert calculated("DISTANCE(DISTANCE(1, 2, 3, dec), 2, 3, 4)", table) == outer


def test_distances_from_a_missing_position_or_below_zero():
    table = table_of(ra=[10.0, None], dec=[20.0, 20.0])
    for operator, wanted in (("<", False), (">", True), ("<=", False), (">=", True)):
        for limit in ("-1", "-0.5"):
            found = selected(f"DISTANCE(ra, dec, 10, 20) {operator} {limit}", table)
            assert found.tolist() == [wanted, False]
        assert not selected(f"DISTANCE(ra, dec, NULL, 20) {operator} 5", table).any()
    assert selected("DISTANCE(ra, dec, 10, 20) < 1e300", table).tolist() == [True, False]
    assert selected("DISTANCE(ra, dec, 10, 20) < 0", table).tolist() == [False, False]
    assert selected("DISTANCE(ra, dec, 10, 20) <= 0", table).tolist() == [True, False]


def test_what_is_ready_can_be_sent_to_another_process():
    scope = Scope.from_schema(TABLE.schema)
    texts = ("CENTROID(BOX(ra, dec, 1, 2))", "DISTANCE(ra, dec, 1, 2)", "MOC('1/2')")
    ready = Values([resolve_value(text, scope) for text in texts])
    sent = pickle.loads(pickle.dumps(ready))  # noqa: S301
    assert [a.equals(b) for a, b in zip(sent(TABLE), ready(TABLE), strict=True)] == [True] * 3
    mask = Mask(resolve_condition("CONTAINS(POINT(ra, dec), CIRCLE(1, 2, 80)) = 1", scope))
    sent = pickle.loads(pickle.dumps(mask))  # noqa: S301
    assert sent(TABLE).equals(mask(TABLE))


def test_constants_are_calculated():
    table = table_of(ra=[10.0], dec=[20.0])
    assert selected("CONTAINS(POINT(ra, dec), CIRCLE(10, 20 + 2/60.0, 3/60.0)) = 1", table).all()
    assert calculated("CIRCLE(1, 2, 3 / 4.0)") == [1, 2, 0.75]
    assert calculated("POINT(NULL, 2)") is None
    assert calculated("CONTAINS(POINT(1, 2), CIRCLE(1, 2, NULL))") is None
