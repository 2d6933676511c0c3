"""Calls of functions: which signature fits, and the arguments in its types."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from decimal import Decimal

from skyseries.adql.constants import convert, parse_timestamp, whole
from skyseries.adql.expressions import Column, Constant, Expr, Operation
from skyseries.adql.functions import Function, Signature
from skyseries.adql.geometry import figure, folded_number, literal_shape, made_shape, point
from skyseries.adql.lexer import Position, error_at
from skyseries.adql.stcs import check_frame
from skyseries.adql.types import Type
from skyseries.adql.units import check_one_unit, in_needed_unit, unit_of_power, words_for
from skyseries.errors import InputError
from skyseries.units import conversion_factor

__all__ = ["call"]

_TAKES = {"RADIANS": "deg"} | dict.fromkeys(("SIN", "COS", "TAN", "COT", "DEGREES"), "rad")
_RUBINS = {"scisql_s2PtInCircle": "CIRCLE", "scisql_s2PtInCPoly": "POLYGON"}
_NUMBERS = frozenset(["double", "lon", "lat"])
_EXACT = {
    "ubigint": Type.UBIGINT,
    "real": Type.REAL,
    "text": Type.TEXT,
    "timestamp": Type.TIMESTAMP,
    "boolean": Type.BOOLEAN,
    "point": Type.POINT,
    "circle": Type.CIRCLE,
    "polygon": Type.POLYGON,
}
_FIGURES = frozenset([Type.CIRCLE, Type.POLYGON])
_ONE_OF = {
    "figure": _FIGURES,
    "region": _FIGURES | {Type.MOC},
    "shape": _FIGURES | {Type.MOC, Type.POINT},
}


def call(
    name: str,
    arguments: list[Expr],
    functions: Mapping[str, Function],
    aggregates: Collection[str],
    position: Position,
) -> Expr:
    """Return the call of a function.

    Parameters
    ----------
    name : str
        As it is written.
    arguments : list of Expr
    functions : mapping
        The table of functions.
    aggregates : collection of str
        The names of aggregates, for suggestions.
    position : Position
        For messages.

    Raises
    ------
    QueryError
        If there is no such function, or it does not take these arguments.
    """
    function = functions.get(name.upper())
    if function is None:
        raise _unknown(name, [*functions, *aggregates, "COALESCE", "IN_UNIT"], position)
    for signature in function.signatures:
        kinds = signature.kinds(len(arguments))
        if kinds is not None and all(map(_accepts, kinds, arguments)):
            _check_angle(function.name, arguments, position)
            if function.name in ("ATAN2", "MOD"):
                check_one_unit(arguments, position)
            try:
                if function.make is not None:
                    return function.make(arguments)
                return _made(function, signature, arguments, position)
            except InputError as error:
                raise error_at(str(error), position) from None
    given = ", ".join(argument.type.value for argument in arguments)
    raise error_at(f"{function.name} does not take ({given}); write {function.usage()}", position)


def _accepts(kind: str, argument: Expr) -> bool:
    if kind in _NUMBERS:
        return argument.type.is_number or argument.type is Type.NULL
    if kind == "integer":
        return argument.type.is_integer
    if kind == "unsigned":
        number = whole(argument)
        return argument.type is Type.UBIGINT or (number is not None and number >= 0)
    if kind == "digits":
        number = whole(argument)
        return argument.type.is_integer and number is not None and abs(number) <= 300
    if kind in ("coosys", "literal"):
        return isinstance(argument, Constant) and argument.type is Type.TEXT
    if kind == "curve":
        return isinstance(argument, Column) and argument.type is Type.NESTED
    if kind in ("band", "days"):
        text_or_whole = argument.type is Type.TEXT or argument.type.is_integer
        fits = argument.type.is_number if kind == "days" else text_or_whole
        return isinstance(argument, Constant) and fits
    if kind in _ONE_OF:
        return argument.type in _ONE_OF[kind]
    if kind in ("text", "timestamp") and argument.type is Type.NULL:
        return True
    if kind == "timestamp" and argument.type is Type.TEXT:
        return True
    return argument.type is _EXACT[kind]


def _check_angle(name: str, arguments: list[Expr], position: Position) -> None:
    """Refuse a column that says that it is in degrees where radians are taken, and the reverse."""
    needed = _TAKES.get(name)
    for argument in arguments if needed else ():
        said = argument.unit if isinstance(argument, Column) else None
        try:
            factor = conversion_factor(said, needed) if said and needed else 1.0
        except ValueError:
            continue
        if factor != 1.0:
            column = words_for(argument, "x")
            raise error_at(
                f"{name} takes {needed}, and {column} is in {said}: write IN_UNIT({column}, "
                f"'{needed}')",
                position,
            )


def _made(
    function: Function, signature: Signature, arguments: list[Expr], position: Position
) -> Expr:
    """Return the call with arguments that its signature accepts.

    Raises
    ------
    InputError
        If a unit, a frame or a constant geometry is wrong.
    """
    name, number = function.name, len(arguments)
    kinds = signature.kinds(number) or ()
    needed = [
        in_needed_unit(argument, unit, f"{words_for(argument, 'a value')} in {name}", strict=False)
        if unit
        else argument
        for argument, unit in zip(arguments, signature.units(number), strict=True)
    ]
    if kinds == ("literal",):
        return literal_shape(name, str(arguments[0].value))  # type: ignore[attr-defined]
    if name == "COORDSYS":
        return Constant("ICRS", Type.TEXT)
    if signature.kernel or "lon" in kinds:
        needed = [folded_number(argument) for argument in needed]
    parts = _joined([_converted(k, a, position) for k, a in zip(kinds, needed, strict=True)], kinds)
    if name == "POINT":
        return parts[0]
    if signature.kernel == "rubin.within":
        parts = [parts[0], figure(_RUBINS[name], parts[1:])]
    if signature.kernel == "sky.transformed":
        _check_frames(parts)
    result = signature.result
    if result is None:
        result = arguments[signature.model].type
    unit = signature.unit
    if unit == "same":
        unit = needed[0].unit
    elif unit == "power":
        unit = unit_of_power(needed[0], (*needed, Constant(0.5, Type.DOUBLE))[1])
    operation = Operation(
        name, tuple(parts), result, signature.sql, signature.compute, unit,
        signature.kernel, signature.ucd,
    )  # fmt: skip
    return made_shape(operation) if result.is_geometry else operation


def _converted(kind: str, argument: Expr, position: Position) -> Expr:
    """Return an argument in the type of its kind."""
    if kind in _NUMBERS:
        number = argument.value if isinstance(argument, Constant) else None
        if isinstance(number, int | float | Decimal):
            return Constant(float(number), Type.DOUBLE)  # of a Decimal too
        return convert(argument, Type.DOUBLE)
    if kind == "digits":
        return convert(argument, Type.INTEGER)
    if kind == "unsigned":
        return convert(argument, Type.UBIGINT)
    if kind == "text":
        return convert(argument, Type.TEXT)
    if kind == "timestamp" and isinstance(argument, Constant) and argument.type is Type.TEXT:
        return Constant(parse_timestamp(str(argument.value), position), Type.TIMESTAMP)
    if kind == "timestamp":
        return convert(argument, Type.TIMESTAMP)
    return argument


def _joined(arguments: list[Expr], kinds: tuple[str, ...]) -> list[Expr]:
    """Return arguments with a point for each pair of coordinates, and without frames."""
    parts: list[Expr] = []
    for kind, argument in zip(kinds, arguments, strict=True):
        if kind == "coosys":
            check_frame(str(argument.value))  # type: ignore[attr-defined]
        elif kind == "lat":
            parts.append(point(parts.pop(), argument))
        else:
            parts.append(argument)
    return parts


def _check_frames(arguments: list[Expr]) -> None:
    from skyseries.adql.kernels.sky import rotation

    rotation(*(str(argument.value) for argument in arguments[:2]))  # type: ignore[attr-defined]


_ELSEWHERE = {
    "LN": "LOG(x)", "CEIL": "CEILING(x)", "POW": "POWER(x, y)", "TRUNC": "TRUNCATE(x)",
    "MEAN": "AVG(x)", "AVERAGE": "AVG(x)", "MEDIAN": "scisql_median(x)",
    "PERCENTILE": "scisql_percentile(x, 90)", "CONCAT": "a || b", "IFNULL": "COALESCE(x, y)",
    "NVL": "COALESCE(x, y)", "ISNULL": "COALESCE(x, y), or x IS NULL as a condition",
    "IF": "CASE WHEN ... THEN ... ELSE ... END", "IIF": "CASE WHEN ... THEN ... ELSE ... END",
    "LCASE": "LOWER(x)", "UCASE": "UPPER(x)", "RANDOM": "RAND()", "GREATEST": "CASE WHEN ... END",
    "LEAST": "CASE WHEN ... END", "Q3C_RADIAL_QUERY": "DISTANCE(ra, dec, 10.1, 2.2) < 0.1",
}  # fmt: skip
"""What functions of other databases are here."""

_OF_PYTHON = frozenset(["FIRST", "LAST", "NULLIF", "STDDEV", "VARIANCE"])
"""What Python's dialect knows beside ADQL."""


def _unknown(name: str, known: list[str], position: Position) -> Exception:
    if here := _ELSEWHERE.get(name.upper()):
        return error_at(f"no function {name}: write {here}", position)
    if name.upper() in _OF_PYTHON and name.upper() not in known:
        said = f'ADQL has no {name}: dialect="python" knows it'
        return error_at(said, position)
    spelt = {n.upper(): n for n in known}
    if name.upper().startswith("LC_") and not any(n.startswith("LC_") for n in spelt):
        said = "functions of light curves are of statements: here Catalog.features() makes columns"
        return error_at(f"no function {name}: {said}", position)
    near = difflib.get_close_matches(name.upper(), spelt, n=2, cutoff=0.6)
    advice = f"; did you mean {' or '.join(spelt[n] for n in near)}?" if near else ""
    return error_at(f"no function {name}{advice}", position)
