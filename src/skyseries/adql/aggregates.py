"""Functions of many values: of the epochs of an object, or of the objects of a group.

NULL and NaN are missing values: they are skipped, and an aggregate of no value is NULL (COUNT: 0).
"""

from __future__ import annotations

from skyseries.adql.constants import convert
from skyseries.adql.expressions import Aggregate, Expr
from skyseries.adql.lexer import Position, error_at
from skyseries.adql.types import Type
from skyseries.units import unit_product

__all__ = ["AGGREGATES", "KIND_AGGREGATES", "aggregate"]

AGGREGATES = frozenset(["AVG", "COUNT", "MAX", "MIN", "SUM"])
"""Those of ADQL."""

KIND_AGGREGATES = AGGREGATES | {"FIRST", "LAST", "MEDIAN", "STDDEV", "VARIANCE"}
"""Those of the Python API; STDDEV and VARIANCE divide by n - 1, FIRST and LAST go by the order
in which epochs are stored."""

_SAME_UNIT = frozenset(["AVG", "FIRST", "LAST", "MAX", "MEDIAN", "MIN", "STDDEV", "SUM"])
_OF_NUMBERS = frozenset(["AVG", "MEDIAN", "STDDEV", "SUM", "VARIANCE"])


def aggregate(
    name: str, argument: Expr | None, distinct: bool, position: Position, *, over: str | None
) -> Aggregate:
    """Return an aggregate with the type of its result.

    Parameters
    ----------
    name : str
        In upper case, one of `KIND_AGGREGATES`.
    argument : Expr or None
        None: COUNT(*).
    distinct : bool
        Equal values count once.
    position : Position
        For messages.
    over : str or None
        The nested column whose epochs are aggregated.

    Raises
    ------
    QueryError
        If there is no such aggregate of this type.
    """
    if argument is None:
        if name != "COUNT" or distinct:
            raise error_at(f"{name} needs a column: only COUNT(*) takes an asterisk", position)
        return Aggregate("COUNT", None, Type.BIGINT)
    if distinct and name in ("FIRST", "LAST"):
        raise error_at(f"DISTINCT has no meaning in {name}", position)
    kind = argument.type
    if name in _OF_NUMBERS and not kind.is_number:
        raise error_at(f"{name} takes numbers, not a {kind.value}", position)
    if name not in _OF_NUMBERS and not kind.is_scalar:
        raise error_at(f"{name} cannot take a {kind.value}", position)
    if name in ("AVG", "MEDIAN", "STDDEV", "VARIANCE"):
        argument, result = convert(argument, Type.DOUBLE), Type.DOUBLE
    else:
        result = _result(name, kind)
    return Aggregate(name, argument, result, distinct, over, _unit(name, argument.unit))


def _unit(name: str, unit: str | None) -> str | None:
    if name == "VARIANCE":
        return unit_product(unit, unit) if unit else unit
    return unit if name in _SAME_UNIT else ""


def _result(name: str, kind: Type) -> Type:
    if name == "COUNT":
        return Type.BIGINT
    if name == "SUM":
        if kind.is_floating:
            return Type.DOUBLE
        return Type.UBIGINT if kind is Type.UBIGINT else Type.BIGINT
    return kind
