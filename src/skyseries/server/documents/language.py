"""What the query language has beyond its mandatory part, as TAPRegExt says it (section 2.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from skyseries.adql.aggregates import AGGREGATE_TABLE, AGGREGATES
from skyseries.adql.functions import FUNCTIONS, Function, Origin
from skyseries.adql.functions.geometry import GEOMETRY
from skyseries.query.curvefunctions import curve_functions

__all__ = ["MANDATORY", "Feature", "feature_lists", "served_functions"]


class Feature(NamedTuple):
    """A feature of the language."""

    form: str
    description: str = ""


_TYPE = "ivo://ivoa.net/std/TAPRegExt#features-"
_GEOMETRIES = frozenset(f.name for f in GEOMETRY if f.origin is Origin.ADQL)
_OPTIONAL = {
    "adql-string": ("LOWER", "UPPER", "ILIKE"),
    "adql-common-table": ("WITH",),
    "adql-sets": ("UNION", "EXCEPT", "INTERSECT"),
    "adql-type": ("CAST",),
    "adql-unit": ("IN_UNIT",),
    "adql-offset": ("OFFSET",),
}
"""The optional parts of ADQL 2.1 beside geometry, each with what it consists of."""

_UNDECLARED = frozenset(["COALESCE"])
"""Optional too (``adql-conditional``); taplint before 3.5 calls it an error to say so."""

_DECLARED = frozenset(name for names in _OPTIONAL.values() for name in names)
MANDATORY = frozenset(
    name
    for name, function in FUNCTIONS.items()
    if function.origin is Origin.ADQL and name not in _GEOMETRIES | _DECLARED | _UNDECLARED
)
"""The functions that each service has, which are not declared."""


def served_functions() -> list[Function]:
    """Return all functions that statements know: of values, and of light curves."""
    return [*FUNCTIONS.values(), *curve_functions(lambda _: None)]


def feature_lists(functions: Iterable[Function]) -> dict[str, list[Feature]]:
    """Return the features by their type.

    Parameters
    ----------
    functions : iterable of Function
        The table of functions, those of light curves and of the operator too.
    """
    given = {function.name.upper(): function for function in functions}
    found = {
        _TYPE + "udf": list(_user_defined(given.values())),
        _TYPE + "adqlgeo": [_plain(name, given) for name in given if name in _GEOMETRIES],
    }
    for kind, names in _OPTIONAL.items():
        found[_TYPE + kind] = [_plain(name, given) for name in names]
    return found


def _plain(name: str, functions: dict[str, Function]) -> Feature:
    return Feature(name, functions[name].doc if name in functions else "")


def _user_defined(functions: Iterable[Function]) -> Iterator[Feature]:
    for function in functions:
        if function.origin is not Origin.ADQL:
            yield from (Feature(form, function.doc) for form in function.forms())
    for name, aggregate in AGGREGATE_TABLE.items():
        if name in AGGREGATES and aggregate.origin is not Origin.ADQL:
            yield Feature(aggregate.form(), f"{aggregate.doc} (an aggregate)")
