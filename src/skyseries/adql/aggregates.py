"""Functions of many values: of the epochs of an object, or of the objects of a group.

NULL and NaN are missing values: they are skipped, and an aggregate of no value is NULL (COUNT: 0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skyseries.adql.constants import convert, whole
from skyseries.adql.expressions import Aggregate, Constant, ConstantValue, Expr
from skyseries.adql.functions import Origin
from skyseries.adql.functions.signature import sql_type
from skyseries.adql.geometry import folded_number
from skyseries.adql.lexer import Position, error_at
from skyseries.adql.types import Type
from skyseries.units import unit_product

__all__ = ["AGGREGATES", "AGGREGATE_TABLE", "KIND_AGGREGATES", "AggregateFunction", "aggregate"]

_MOST_BINS = 10_000
_TYPES = {"numbers": Type.DOUBLE, "texts": Type.TEXT}
_FORM_TYPES = {"numbers": "DOUBLE PRECISION", "texts": "VARCHAR", "values": "ANY"}
_PARAMETER_TYPES = {
    "delimiter": "VARCHAR", "lower": "DOUBLE PRECISION", "upper": "DOUBLE PRECISION",
    "nbins": "INTEGER", "percent": "DOUBLE PRECISION",
}  # fmt: skip


@dataclass(frozen=True)
class AggregateFunction:
    """An aggregate.

    Parameters
    ----------
    name : str
    takes : str
        ``numbers``, ``texts`` or ``values`` (of any type that can be compared).
    doc : str
    result : Type, optional
        None: as the argument; SUM of whole numbers is one of 64 bits.
    unit : str, optional
        ``same`` as the argument, ``square`` of it, or the unit itself.
    parameters : tuple of str, optional
        The constants that it takes after the values.
    origin : Origin, optional
    means : str, optional
        The name of the aggregate that it is another name of.
    """

    name: str
    takes: str
    doc: str
    result: Type | None = None
    unit: str = "same"
    parameters: tuple[str, ...] = ()
    origin: Origin = Origin.ADQL
    means: str = ""

    def usage(self) -> str:
        """Return how it is called."""
        return f"{self.name}({', '.join(('x', *self.parameters))})"

    def form(self) -> str:
        """Return how it is called with types, as TAPRegExt writes it (section 2.3)."""
        of = _FORM_TYPES[self.takes]
        parts = [f"x {of}", *(f"{name} {_PARAMETER_TYPES[name]}" for name in self.parameters)]
        return f"{self.name}({', '.join(parts)}) -> {sql_type(self.result) if self.result else of}"


_D = Type.DOUBLE
_PERCENTILE = (
    "the value below which so many percent of the values are, between two of them in proportion;"
    " NULL for a percent that is not from 0 to 100"
)
_MEDIAN = "the value in the middle, or the mean of two"

AGGREGATE_TABLE = {
    function.name.upper(): function
    for function in (
        AggregateFunction("AVG", "numbers", "the mean", _D),
        AggregateFunction("COUNT", "values", "how many there are; COUNT(*): rows", Type.BIGINT, ""),
        AggregateFunction("MAX", "values", "the largest"),
        AggregateFunction("MIN", "values", "the smallest"),
        AggregateFunction("SUM", "numbers", "the sum"),
        AggregateFunction(
            "ivo_string_agg", "texts", "all in alphabetical order, with a text between them",
            Type.TEXT, "", ("delimiter",), Origin.IVOA, "STRING_AGG",
        ),
        AggregateFunction(
            "ivo_histogram", "numbers",
            "how many are below lower or missing, then in each of nbins equal bins, then from upper"
            " on", Type.LIST, "", ("lower", "upper", "nbins"), Origin.IVOA, "HISTOGRAM",
        ),
        AggregateFunction("scisql_median", "numbers", _MEDIAN, _D, origin=Origin.RUBIN,
                          means="MEDIAN"),
        AggregateFunction("scisql_percentile", "numbers", _PERCENTILE, _D,
                          parameters=("percent",), origin=Origin.RUBIN, means="PERCENTILE"),
        AggregateFunction("FIRST", "values", "of the first epoch that is stored",
                          origin=Origin.OURS),
        AggregateFunction("LAST", "values", "of the last epoch that is stored",
                          origin=Origin.OURS),
        AggregateFunction("MEDIAN", "numbers", _MEDIAN, _D, origin=Origin.OURS),
        AggregateFunction("PERCENTILE", "numbers", _PERCENTILE, _D, parameters=("percent",),
                          origin=Origin.OURS),
        AggregateFunction("STDDEV", "numbers", "the standard deviation, divided by n - 1", _D,
                          origin=Origin.OURS),
        AggregateFunction("VARIANCE", "numbers", "the variance, divided by n - 1", _D, "square",
                          origin=Origin.OURS),
    )
}  # fmt: skip
"""By their names in upper case."""

KIND_AGGREGATES = frozenset(AGGREGATE_TABLE)
"""Those of the Python API."""

AGGREGATES = frozenset(n for n, f in AGGREGATE_TABLE.items() if f.origin is not Origin.OURS)
"""Those of ADQL, of the IVOA's catalogue and of Rubin."""


def aggregate(
    name: str,
    argument: Expr | None,
    distinct: bool,
    position: Position,
    *,
    over: str | None,
    parameters: Sequence[Expr] = (),
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
    parameters : sequence of Expr
        What stands after the argument.

    Raises
    ------
    QueryError
        If there is no such aggregate of this type.
    """
    function = AGGREGATE_TABLE[name]
    if len(parameters) != len(function.parameters):
        number = len(function.parameters) + 1
        raise error_at(
            f"{function.name} takes {'one value' if number == 1 else f'{number} values'}, not "
            f"{len(parameters) + 1}; write {function.usage()}",
            position,
        )
    if argument is None:
        if name != "COUNT" or distinct:
            raise error_at(f"{name} needs a column: only COUNT(*) takes an asterisk", position)
        return Aggregate("COUNT", None, Type.BIGINT)
    if distinct and (name in ("FIRST", "LAST") or function.parameters):
        raise error_at(f"DISTINCT has no meaning in {function.name}", position)
    if argument.type is Type.NULL and function.takes in _TYPES:  # a column without any value
        argument = convert(argument, _TYPES[function.takes])
    kind = argument.type
    if function.takes == "numbers" and not kind.is_number:
        raise error_at(f"{function.name} takes numbers, not a {kind.value}", position)
    if not kind.is_scalar or (function.takes == "texts" and kind is not Type.TEXT):
        raise error_at(f"{function.name} cannot take a {kind.value}", position)
    if function.result in (Type.DOUBLE, Type.LIST):
        argument = convert(argument, Type.DOUBLE)
    return Aggregate(
        function.means or name,
        argument,
        function.result or _result(name, kind),
        distinct and name not in ("MAX", "MIN"),
        over,
        _unit(function, argument.unit),
        _constants(function, parameters, position),
    )


def _unit(function: AggregateFunction, unit: str | None) -> str | None:
    if function.unit == "square":
        return unit_product(unit, unit) if unit else unit
    return unit if function.unit == "same" else function.unit


def _result(name: str, kind: Type) -> Type:
    if name == "SUM":
        if kind.is_floating:
            return Type.DOUBLE
        return Type.UBIGINT if kind is Type.UBIGINT else Type.BIGINT
    return kind


def _constants(
    function: AggregateFunction, parameters: Sequence[Expr], position: Position
) -> tuple[ConstantValue, ...]:
    """Return the values of the constants beside the argument.

    Raises
    ------
    QueryError
        If one is no constant, or of another type.
    """
    found: list[ConstantValue] = []
    for name, given in zip(function.parameters, parameters, strict=True):
        constant = folded_number(given)
        if not isinstance(constant, Constant):
            raise error_at(f"{name} in {function.name} must be a constant", position)
        value = constant.value
        right = constant.type is Type.TEXT if name == "delimiter" else constant.type.is_number
        if value is None or not right:
            wanted = "text" if name == "delimiter" else "number"
            raise error_at(f"{name} in {function.name} must be a {wanted}", position)
        found.append(str(value) if name == "delimiter" else float(value))  # type: ignore[arg-type]
    if function.means == "HISTOGRAM":
        bins = whole(parameters[2])
        if bins is None or not 1 <= bins <= _MOST_BINS or not found[0] < found[1]:  # type: ignore[operator]
            raise error_at(
                f"{function.name} takes a lower limit, a larger upper one, and 1 to {_MOST_BINS}"
                " bins",
                position,
            )
        found[2] = bins
    return tuple(found)
