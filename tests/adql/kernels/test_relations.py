"""CONTAINS and INTERSECTS of regions against many points of their borders, seen one by one."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skyseries.adql.kernels import relations
from skyseries.adql.kernels.operands import Operand, shape_numbers
from skyseries.adql.kernels.polygons import Polygons
from skyseries.adql.types import Type
from skyseries.errors import QueryError
from skyseries.spatial.regions import Polygon
from skyseries.spatial.regions.cells import unit_vectors
from tests.adql.columns import calculated, selected, table_of
from tests.examples import examples

centres = st.tuples(st.floats(0, 360), st.floats(-90, 90))
_TURN = np.radians(np.linspace(0, 360, 9)[:8])


def place(centre, x, y):
    """Return the position at (x, y) degrees on the plane that touches the sphere at a centre."""
    ra, dec = np.radians(centre)
    radial = np.cos(dec) - np.radians(y) * np.sin(dec)
    return (
        float(np.degrees(ra + np.arctan2(np.radians(x), radial)) % 360),
        float(
            np.degrees(
                np.arctan2(
                    np.sin(dec) + np.radians(y) * np.cos(dec), np.hypot(np.radians(x), radial)
                )
            )
        ),
    )


@st.composite
def figures(draw, centre):
    """Return a circle or polygon near a centre, the polygon a star that need not be convex."""
    middle = place(centre, draw(st.floats(-4, 4)), draw(st.floats(-4, 4)))
    if draw(st.booleans()):
        return (*middle, draw(st.floats(0.05, 5)))
    corners = draw(st.lists(st.floats(0.1, 4), min_size=3, max_size=8))
    turns = np.linspace(0, 2 * np.pi, len(corners) + 1)[:-1]
    return tuple(
        number
        for r, t in zip(corners, turns, strict=True)
        for number in place(middle, r * np.cos(t), r * np.sin(t))
    )


def operand(figure):
    return Operand(Type.CIRCLE if len(figure) == 3 else Type.POLYGON, figure)


def border(figure):
    """Return unit vectors along the border."""
    if len(figure) == 3:
        ra, dec, radius = figure
        (centre,) = unit_vectors([ra], [dec])
        east = np.cross([0, 0, 1], centre) if abs(dec) < 89 else np.cross([1, 0, 0], centre)
        east /= np.linalg.norm(east)
        north = np.cross(centre, east)
        t = np.linspace(0, 2 * np.pi, 3000)[:, None]
        ring = np.cos(t) * east + np.sin(t) * north
        return np.cos(np.radians(radius)) * centre + np.sin(np.radians(radius)) * ring
    vertex = unit_vectors(figure[::2], figure[1::2])
    share = np.linspace(0, 1, 600)[:, None]
    edges = [
        (1 - share) * a + share * b for a, b in zip(vertex, np.roll(vertex, -1, 0), strict=True)
    ]
    points = np.concatenate(edges)
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def inside(figure, points):
    x, y, z = points.T
    ra, dec = np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))
    if len(figure) == 3:
        return np.degrees(np.arccos(np.clip(points @ unit_vectors(*np.transpose([figure[:2]]))[0],
                                            -1, 1))) <= figure[2]  # fmt: skip
    return Polygon(list(zip(figure[::2], figure[1::2], strict=True))).contains(ra, dec)


def is_clear(one, other):
    """Return whether borders keep away from each other, or one goes deep in and far out."""
    a, b = border(one), border(other)
    away = np.degrees(np.sqrt(np.clip(2 - 2 * (a[::5] @ b[::5].T), 0, None)))
    for points, figure, axis in ((a, other, 1), (b, one, 0)):
        deep = away.min(axis=axis) > 0.05
        within = inside(figure, points[::5])
        if (deep & within).any() and (deep & ~within).any():
            return True
    return away.min() > 0.1


@examples(0.5)
@given(st.data())
def test_relations_are_those_of_points_of_the_borders(data):
    centre = data.draw(centres)
    one, other = data.draw(figures(centre)), data.draw(figures(centre))
    assume(is_clear(one, other))
    inner, outer = inside(other, border(one)), inside(one, border(other))
    meets = inner.any() or outer.any()
    within = inner.all() and not outer.any()
    assert bool(relations.intersects(operand(one), operand(other))) == meets
    assert bool(relations.contains(operand(one), operand(other))) == within


def test_rows_are_independent_of_each_other():
    """Whole columns give what single rows give, in blocks and with missing rows between."""
    rng = np.random.default_rng(5)
    n = 150
    table = table_of(
        ra=[None if i % 7 == 3 else x for i, x in enumerate(rng.uniform(-3, 3, n))],
        dec=rng.uniform(-3, 3, n),
        size=rng.uniform(0.1, 3, n),
    )
    shapes = {
        "circle": "CIRCLE(ra, dec, size)",
        "box": "BOX(ra, dec, size, 1)",
        "triangle": "POLYGON(ra, dec, ra + size, dec, ra, dec + size)",
        "fixed": "POLYGON(0, -1, 2, 0, 0, 1)",
        "round": "CIRCLE(1, 0, 1.5)",
    }
    for first in shapes.values():
        for second in shapes.values():
            for test in ("CONTAINS", "INTERSECTS"):
                text = f"{test}({first}, {second})"
                whole = calculated(text, table)
                some = [0, 3, 57, n - 1]
                assert [whole[i] for i in some] == [calculated(text, table.slice(i, 1))
                                                    for i in some], text  # fmt: skip
                if "ra" in text:
                    assert whole[3] is None
                if test == "INTERSECTS":
                    assert whole == calculated(f"INTERSECTS({second}, {first})", table)


def test_blocks_change_nothing(monkeypatch):
    table = table_of(ra=np.linspace(0, 5, 100), dec=np.linspace(-2, 2, 100))
    text = "INTERSECTS(BOX(ra, dec, 1, 1), POLYGON(0, -1, 2, 0, 0, 1))"
    whole = calculated(text, table)
    monkeypatch.setattr(relations, "_BLOCK", 40)
    assert calculated(text, table) == whole
    assert 0 < sum(whole) < 100


def test_points_in_polygons_of_columns_are_those_of_constant_ones():
    rng = np.random.default_rng(2)
    ra, dec = rng.uniform(0, 360, 60), rng.uniform(-90, 90, 60)
    for i in range(60):
        corners = [place((ra[i], dec[i]), 3 * np.cos(t), 2 * np.sin(t)) for t in _TURN[::2]]
        px, py = place((ra[i], dec[i]), *rng.uniform(-3, 3, 2))
        table = table_of(**{f"{axis}{j}": [corner[k]] for j, corner in enumerate(corners)
                            for k, axis in enumerate("ab")})  # fmt: skip
        columns = ", ".join(f"a{j}, b{j}" for j in range(len(corners)))
        text = f"CONTAINS(POINT({px!r}, {py!r}), POLYGON({columns})) = 1"
        assert selected(text, table) == Polygon(corners).contains(px, py)


def test_borders_touch():
    for text in (
        "INTERSECTS(CIRCLE(0, 0, 1), CIRCLE(3, 0, 2))",
        "INTERSECTS(POLYGON(0, 0, 1, 0, 0, 1), POLYGON(0, 0, -1, 0, 0, -1))",
        "INTERSECTS(CIRCLE(0, 0, 1), POLYGON(1, 0, 2, 1, 2, -1))",
        "CONTAINS(CIRCLE(0, 0, 1), CIRCLE(1, 0, 2))",
        "CONTAINS(BOX(0, 0, 1, 1), BOX(0, 0, 1, 1))",
        "CONTAINS(POLYGON(0, 0, 1, 0, 0, 1), POLYGON(0, 0, 2, 0, 0, 2))",
        "CONTAINS(POLYGON(0, 1, 1, 0, 0, -1), CIRCLE(0, 0, 1))",
        "CONTAINS(CIRCLE(0, 0, 1), BOX(0, 0, 2, 2))",
        "CONTAINS(POLYGON(0, 0, 10, 0, 0, 10), CIRCLE(180, -70, 179))",
        "CONTAINS(CIRCLE(5, 5, 10), CIRCLE(180, 0, 180))",
    ):
        assert calculated(text) == 1, text
    for text in (
        "INTERSECTS(CIRCLE(0, 0, 1), CIRCLE(3, 0, 1.999999))",
        "INTERSECTS(CIRCLE(0, 0, 1), CIRCLE(180, 0, 170))",
        "CONTAINS(CIRCLE(0, 0, 1), CIRCLE(1, 0, 1.999999))",
        "CONTAINS(POLYGON(0, 0, 10, 0, 0, 10), CIRCLE(180, -70, 100))",
        "CONTAINS(CIRCLE(0, 0, 1.000001), BOX(0, 0, 2, 2))",
    ):
        assert calculated(text) == 0, text


def test_polygons_larger_than_half_of_the_sky_are_refused():
    with pytest.raises(QueryError, match="row 1 does not fit in half of the sky"):
        calculated("INTERSECTS(CIRCLE(0, 0, 1), POLYGON(0, -50, 90, 60, 180, -50, 270, 60))")
    table = table_of(x=[55.0, -50.0])
    with pytest.raises(QueryError, match="row 2 does not fit"):
        calculated("CONTAINS(POINT(0, 0), POLYGON(0, x, 90, 60, 180, x, 270, 60))", table)
    assert calculated("CONTAINS(POINT(0, 89), POLYGON(0, -50, 90, 60, 180, -50, 270, 60))") == 1


def test_polygons_of_lists_leave_out_what_is_none():
    import pyarrow as pa

    lists = [[0, 0, 1, 0, 0, 1], None, [0, 0, 1, 0], [0, 0, 1, 0, 0, float("nan")],
             [0, 0, 0, 0, 1, 0, 0, 1, 0, 0], [1, 2, 3]]  # fmt: skip
    polygons = Polygons.of(Operand(Type.POLYGON, pa.array(lists, pa.list_(pa.float64()))))
    assert polygons.known.tolist() == [True, False, False, False, True, False]
    assert np.diff(polygons.offsets).tolist() == [3, 0, 0, 0, 3, 0]
    areas = polygons.areas()
    assert areas[0] == areas[4]
    assert np.isnan(areas[1])


def test_points_and_circles_of_lists_that_are_none_are_missing():
    import pyarrow as pa

    points = [[10, 20], None, [10, 90.001], [float("inf"), 0], [float("nan"), 0], [-10, -90]]
    found = shape_numbers(Operand(Type.POINT, pa.array(points, pa.list_(pa.float64()))))
    assert np.isnan(found).any(axis=1).tolist() == [False, True, True, True, True, False]
    circles = [[10, 20, 0], [10, 20, -1], [10, 91, 1], [10, 20, float("nan")], [10, 20, 200]]
    found = shape_numbers(Operand(Type.CIRCLE, pa.array(circles, pa.list_(pa.float64(), 3))))
    assert np.isnan(found).all(axis=1).tolist() == [False, True, True, True, False]
