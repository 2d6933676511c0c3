"""Where on the sky the rows of a condition can lie: to leave out partitions and row groups.

From a condition a region is derived, for each pair of columns that holds positions, that contains
every row for which the condition can be true. AND makes intersections, OR unions; what says
nothing of positions, and NOT of a region, is no region.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np

from skyseries.adql.expressions import (
    And,
    Column,
    Compare,
    Constant,
    Convert,
    Expr,
    Not,
    OneOf,
    Operation,
    Or,
    Path,
)
from skyseries.adql.geometry import folded_number
from skyseries.adql.nearness import COMPARE, FLIPPED
from skyseries.adql.sql import NEGATED
from skyseries.adql.types import Type
from skyseries.spatial.regions import Box, Cone, Intersection, Pixels, Polygon, Region, Union

__all__ = ["Positions", "regions"]

Positions: TypeAlias = tuple[Path, Path]
"""The columns of right ascension and declination."""

_Found: TypeAlias = "dict[Positions, Region]"


def regions(condition: Expr) -> Mapping[Positions, Region]:
    """Return the regions that hold all rows of a condition.

    Parameters
    ----------
    condition : Expr
        From `resolve_condition`.

    Returns
    -------
    mapping of (ra, dec) to Region
        By the columns of the positions: a row whose position is outside does not fulfil the
        condition. Columns that are not limited are missing.
    """
    return _regions(condition, False)


def _regions(condition: Expr, negated: bool) -> _Found:
    match condition:
        case Not():
            return _regions(condition.argument, not negated)
        case And() | Or():
            parts = [_regions(argument, negated) for argument in condition.arguments]
            return _both(parts) if isinstance(condition, And) is not negated else _either(parts)
        case Compare():
            operator = NEGATED[condition.operator] if negated else condition.operator
            left, right = folded_number(condition.left), folded_number(condition.right)
            if isinstance(left, Constant):
                left, right, operator = right, left, FLIPPED[operator]
            if isinstance(left, Operation) and isinstance(right, Constant):
                return _of_comparison(left, operator, right)
            return {}
        case OneOf(argument=Operation() as operation) if not negated:
            return _of_values(operation, condition.values)
        case _:
            return {}


def _both(parts: list[_Found]) -> _Found:
    """Return where all of some demands can hold."""
    found: dict[Positions, list[Region]] = {}
    for part in parts:
        for columns, region in part.items():
            found.setdefault(columns, []).append(region)
    return {k: r[0] if len(r) == 1 else Intersection(r) for k, r in found.items()}


def _either(parts: list[_Found]) -> _Found:
    """Return where one of some demands can hold: only what each of them limits is limited."""
    common = set(parts[0]).intersection(*parts[1:])
    return {columns: Union([part[columns] for part in parts]) for columns in common}


def _of_comparison(operation: Operation, operator: str, limit: Constant) -> _Found:
    if limit.value is None or not limit.type.is_number:
        return {}
    number = float(limit.value)  # type: ignore[arg-type]
    if operation.name in _TESTS:
        true, false = (COMPARE[operator](value, number) for value in (1, 0))
        return {} if false else _TESTS[operation.name](operation) if true else {}
    if operation.name == "ivo_healpix_index" and operator == "=":
        return _of_cells(operation, (limit.value,))
    if operator not in ("<", "<=", "="):
        return {}
    distance, factor = _distance(operation)
    if distance is None:
        return {}
    one, other = distance.arguments
    return _around(one, other, number * factor)


def _distance(operation: Operation) -> tuple[Operation | None, float]:
    """Return a distance that may be multiplied by a constant, and by what its limit is."""
    if operation.kernel == "shapes.distance":
        return operation, 1.0
    if operation.name in ("*", "/", "IN_UNIT"):
        inner, factor = operation.arguments
        if isinstance(inner, Constant) and operation.name != "/":
            inner, factor = factor, inner
        if isinstance(inner, Operation) and inner.kernel == "shapes.distance":
            number = factor.value if isinstance(factor, Constant) else None
            if isinstance(number, int | float | Decimal) and number > 0:
                size = float(number)
                return inner, (size if operation.name == "/" else 1.0 / size) * (1.0 + 1e-12)
    return None, 1.0


def _of_values(operation: Operation, values: tuple[Any, ...]) -> _Found:
    """Look at an operation that has one of some values."""
    if operation.name in _TESTS:
        return {} if 0 in values else _TESTS[operation.name](operation)
    return _of_cells(operation, values) if operation.name == "ivo_healpix_index" else {}


def _of_cells(operation: Operation, values: tuple[Any, ...]) -> _Found:
    """Return the HEALPix cells that ``ivo_healpix_index(order, point)`` names."""
    order, point = operation.arguments
    columns = _positions(point)
    if columns is None or not isinstance(order, Constant):
        return {}
    k: Any = order.value
    if k is None or not 0 <= k <= 29:
        return {columns: Union(())}
    cells = [int(value) for value in values if 0 <= int(value) < 12 << 2 * k]
    return {columns: Pixels([k] * len(cells), cells)}


def _around(one: Expr, other: Expr, degrees: float) -> _Found:
    """Return the circle that a distance from a constant position leaves."""
    centre = other if isinstance(other, Constant) else one
    columns = _positions(one if centre is other else other)
    if columns is None or not isinstance(centre, Constant):
        return {}
    return {columns: _cone(centre.value, degrees)}


def _cone(centre: Any, degrees: float) -> Region:
    from skyseries.adql.kernels.shapes import largest_arcsec

    if centre is None or not degrees >= 0.0:
        return Union(())
    ra, dec = centre
    return Cone(ra, dec, largest_arcsec(degrees))


def _positions(expression: Expr) -> Positions | None:
    """Return the columns of a point, if it is made of two."""
    if not isinstance(expression, Operation) or expression.name != "POINT":
        return None
    paths = [_column(argument) for argument in expression.arguments]
    return None if None in paths else (paths[0], paths[1])  # type: ignore[return-value]


def _column(expression: Expr) -> Path | None:
    while isinstance(expression, Convert):
        expression = expression.argument
    return expression.path if isinstance(expression, Column) else None


def _of_test(operation: Operation) -> _Found:
    """Return where CONTAINS or INTERSECTS can be true."""
    one, other = operation.arguments
    meet = operation.name == "INTERSECTS"
    return _of_shape(one, other, grown=meet) or _of_shape(other, one, grown=True)


def _of_shape(moving: Expr, fixed: Expr, *, grown: bool) -> _Found:
    """Return where a point, or the centre of a circle, is beside a constant shape.

    With `grown` the circle has to reach the shape, else to lie in it.
    """
    columns, reach = _positions(moving), 0.0
    if isinstance(moving, Operation) and moving.name == "CIRCLE":
        columns, radius = _positions(moving.arguments[0]), moving.arguments[1]
        if not isinstance(radius, Constant):
            return {}
        reach = np.nan if radius.value is None else float(radius.value)  # type: ignore[arg-type]
    if columns is None or not isinstance(fixed, Constant):
        return {}
    if fixed.value is None or not reach >= 0.0:
        return {columns: Union(())}
    region = _grown(fixed, reach if grown else 0.0)
    return {} if region is None else {columns: region}


def _grown(shape: Constant, degrees: float) -> Region | None:
    """Return a region that holds what is so near to a constant shape; None if none is known."""
    from skyseries.adql.kernels.shapes import region_of

    if shape.type is Type.POINT:
        return _cone(shape.value, degrees)
    region: Region = region_of(shape.type, shape.value)
    if degrees == 0.0:
        return region
    if isinstance(region, Cone):
        return Cone(region.ra, region.dec, region.radius_arcsec + degrees * 3600.0 + _PAD_ARCSEC)
    return _circle_of(region, degrees) if isinstance(region, Polygon) else None


_PAD_ARCSEC = 1e-3


def _circle_of(polygon: Polygon, degrees: float) -> Region | None:
    """Return a circle around a polygon, so much larger: its farthest position is a vertex."""
    from skyseries.spatial.regions.cells import unit_vectors
    from skyseries.spatial.sphere import separation_arcsec

    ra, dec = np.array(polygon.vertices).T
    x, y, z = unit_vectors(ra, dec).sum(axis=0)
    centre = np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))
    radius = separation_arcsec(ra, dec, *centre).max()
    if radius >= 89.0 * 3600.0:
        return None
    return Cone(centre[0], centre[1], radius + degrees * 3600.0 + _PAD_ARCSEC)


def _of_rubins_box(operation: Operation) -> _Found:
    ra, dec = map(_column, operation.arguments[:2])
    limits = [a.value if isinstance(a, Constant) else None for a in operation.arguments[2:]]
    if ra is None or dec is None or None in limits:
        return {}
    west, south, east, north = map(float, limits)  # type: ignore[arg-type]
    turned = west > east and not (east >= 0.0 and west <= 360.0)
    if turned or not -90.0 <= south <= north <= 90.0:
        return {(ra, dec): Union(())}
    return {(ra, dec): Box(west, east, south, north)}


_TESTS: dict[str, Callable[[Operation], _Found]] = {
    "CONTAINS": _of_test,
    "INTERSECTS": _of_test,
    "scisql_s2PtInBox": _of_rubins_box,
    "scisql_s2PtInCPoly": _of_test,
    "scisql_s2PtInCircle": _of_test,
}
