"""The functions that ADQL 2.1's grammar has itself, with the number of their arguments."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping

from skyseries.adql.aggregates import KIND_AGGREGATES
from skyseries.adql.functions import FUNCTIONS
from skyseries.adql.lexer import clipped, error_at
from skyseries.adql.tree import Call, ColumnRef, Literal, Node, Star
from skyseries.errors import QueryError

__all__ = ["check_calls"]

_MANY = 10**6
_OF_ONE = """
ABS CEILING DEGREES EXP FLOOR LOG LOG10 RADIANS SQRT ACOS ASIN ATAN COS COT SIN TAN LOWER UPPER
AVG COUNT MAX MIN SUM AREA CENTROID COORD1 COORD2 COORDSYS REGION
"""
_OF_TWO = "ATAN2 MOD POWER IN_UNIT CONTAINS INTERSECTS"
_ARGUMENTS = {
    **dict.fromkeys(_OF_ONE.split(), (1, 1)),
    **dict.fromkeys(_OF_TWO.split(), (2, 2)),
    "PI": (0, 0),
    "RAND": (0, 1),
    "ROUND": (1, 2),
    "TRUNCATE": (1, 2),
    "COALESCE": (1, _MANY),
    "DISTANCE": (2, 4),
    "POINT": (2, 2),
    "CIRCLE": (2, 3),
    "BOX": (3, 4),
    "POLYGON": (3, _MANY),
}
_USAGE = {
    "POINT": "POINT(longitude, latitude)",
    "CIRCLE": "CIRCLE(longitude, latitude, radius) or CIRCLE(point, radius)",
    "BOX": "BOX(longitude, latitude, width, height) or BOX(point, width, height)",
    "POLYGON": "POLYGON of the longitudes and latitudes of three points or more, or of points",
    "DISTANCE": "DISTANCE(point, point) or DISTANCE(longitude, latitude, longitude, latitude)",
}
_COORDINATES_OF_A_TRIANGLE = 6
_WITH_COORDINATE_SYSTEM = ("POINT", "CIRCLE", "BOX", "POLYGON")
_NAMES = frozenset({*(function.name for function in FUNCTIONS.values()), *KIND_AGGREGATES})
_INSTITUTES = ("IVO_", "ESO_", "GAVO_", "WFAU_", "LC_")
"""Before the names of functions of the IVOA and of services (ADQL 2.1, section 4.3), and ours."""


def check_calls(calls: Iterable[Call], functions: Collection[str] | None = None) -> None:
    """Check that functions exist and have as many arguments as the grammar says.

    Parameters
    ----------
    calls : iterable of Call
    functions : collection of str, optional
        As for `statements.parse`.

    Raises
    ------
    QueryError
        At the first call that is wrong; it names all functions that do not exist.
    """
    written = _NAMES if functions is None else functions
    known = dict.fromkeys(_ARGUMENTS, "") | {name.upper(): name for name in written}
    unknown = []
    for call in calls:
        name = call.name.upper()
        if name in _ARGUMENTS:
            _check_arguments(call, name)
        elif name not in known and not name.startswith(_INSTITUTES):
            unknown.append(call)
    if unknown:
        raise _no_function(unknown, known)


def _check_arguments(call: Call, name: str) -> None:
    arguments = call.arguments
    if any(isinstance(argument, Star) for argument in arguments) and name != "COUNT":
        raise error_at(f"only COUNT takes an asterisk, not {name}", call.position)
    if name in _WITH_COORDINATE_SYSTEM and arguments and _is_coordinate_system(arguments[0]):
        arguments = arguments[1:]
    least, most = _ARGUMENTS[name]
    fits = least <= len(arguments) <= most
    if not fits or (name in _USAGE and not _is_geometry(name, arguments)):
        raise error_at(f"{_usage(name)}, not with {len(call.arguments)}", call.position)


def _is_geometry(name: str, arguments: tuple[Node, ...]) -> bool:
    """Return whether there is a way to write it with so many numbers, or points for some."""
    count = len(arguments)
    if name == "DISTANCE":
        return count != 3
    if name == "POLYGON":
        pairs = count % 2 == 0 and count >= _COORDINATES_OF_A_TRIANGLE
        return pairs or all(_may_be_point(argument) for argument in arguments)
    return (name, count) not in (("CIRCLE", 2), ("BOX", 3)) or _may_be_point(arguments[0])


def _is_coordinate_system(node: Node) -> bool:
    return isinstance(node, Literal) and (node.value is None or isinstance(node.value, str))


def _may_be_point(node: Node) -> bool:
    return isinstance(node, ColumnRef | Call)


def _usage(name: str) -> str:
    if name in _USAGE:
        return f"write {_USAGE[name]}"
    least, most = _ARGUMENTS[name]
    numbers = {(1, 2): "1 or 2 values", (0, 1): "1 value or none", (1, _MANY): "1 value or more"}
    few = f"{most or 'no'} value{'' if most == 1 else 's'}"
    return f"{name} is called with {numbers.get((least, most), few)}"


def _no_function(calls: list[Call], known: Mapping[str, str]) -> QueryError:
    names = list(dict.fromkeys(clipped(call.name) for call in calls))
    near = difflib.get_close_matches(names[0].upper(), known, n=1)
    meant = known[near[0]] or near[0] if near else ""
    advice = f"; did you mean {meant}?" if meant and len(names) == 1 else ""
    plural = "s" if len(names) > 1 else ""
    return error_at(f"no function{plural} {', '.join(names)}{advice}", calls[0].position)
