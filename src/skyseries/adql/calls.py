"""Calls of functions: which signature fits, and the arguments in its types."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping

from skyseries.adql.constants import convert, whole
from skyseries.adql.expressions import Column, Constant, Expr, Operation
from skyseries.adql.functions import Function, Signature
from skyseries.adql.lexer import Position, error_at
from skyseries.adql.types import Type
from skyseries.adql.units import check_one_unit, in_needed_unit, unit_of_power, words_for
from skyseries.errors import InputError
from skyseries.units import conversion_factor

__all__ = ["call"]

_NOT_YET = {
    "AREA", "BOX", "CENTROID", "COORDSYS", "POLYGON", "REGION",
}  # fmt: skip
_ANGLES = ("DISTANCE", "CONTAINS", "INTERSECTS")
_TAKES = {"RADIANS": "deg"} | dict.fromkeys(("SIN", "COS", "TAN", "COT", "DEGREES"), "rad")
_EXACT = {
    "ubigint": Type.UBIGINT,
    "real": Type.REAL,
    "text": Type.TEXT,
    "timestamp": Type.TIMESTAMP,
    "boolean": Type.BOOLEAN,
    "point": Type.POINT,
    "circle": Type.CIRCLE,
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
        if len(signature.arguments) == len(arguments) and all(
            _accepts(kind, argument)
            for kind, argument in zip(signature.arguments, arguments, strict=True)
        ):
            _check_nesting(function, arguments, position)
            _check_angle(function.name, arguments, position)
            if function.name in ("ATAN2", "MOD"):
                check_one_unit(arguments, position)
            try:
                return _operation(function, signature, arguments)
            except InputError as error:
                raise error_at(str(error), position) from None
    given = ", ".join(argument.type.value for argument in arguments)
    raise error_at(f"{function.name} does not take ({given}); write {function.usage()}", position)


def _accepts(kind: str, argument: Expr) -> bool:
    if kind == "double":
        return argument.type.is_number or argument.type is Type.NULL
    if kind == "integer":
        return argument.type.is_integer
    if kind == "unsigned":
        return argument.type is Type.UBIGINT or (whole(argument) or -1) >= 0
    if kind == "digits":
        number = whole(argument)
        return argument.type.is_integer and number is not None and abs(number) <= 300
    if kind == "coosys":
        return isinstance(argument, Constant) and argument.type is Type.TEXT
    if kind == "text" and argument.type is Type.NULL:
        return True
    return argument.type is _EXACT[kind]


def _check_nesting(function: Function, arguments: list[Expr], position: Position) -> None:
    """Refuse distances of distances: each would be written out many times in the next."""
    if function.name not in _ANGLES:
        return
    stack = list(arguments)
    while stack:
        current = stack.pop()
        if isinstance(current, Operation) and current.name in _ANGLES:
            raise error_at(f"{current.name} cannot stand inside of {function.name}", position)
        stack.extend(current.children)


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


def _operation(function: Function, signature: Signature, arguments: list[Expr]) -> Expr:
    flat: list[Expr] = []
    name = function.name
    needs = signature.needs or ("",) * len(arguments)
    arguments = [
        in_needed_unit(argument, unit, f"{words_for(argument, 'a value')} in {name}", strict=False)
        if unit
        else argument
        for argument, unit in zip(arguments, needs, strict=True)
    ]
    for kind, argument in zip(signature.arguments, arguments, strict=True):
        if kind in ("point", "circle"):
            flat.extend(argument.children)
        elif kind == "double":
            flat.append(convert(argument, Type.DOUBLE))
        elif kind == "digits":
            flat.append(convert(argument, Type.INTEGER))
        elif kind == "unsigned":
            flat.append(convert(argument, Type.UBIGINT))
        elif kind == "text":
            flat.append(convert(argument, Type.TEXT))
        elif kind != "coosys":
            flat.append(argument)
    result = arguments[0].type if signature.result is None else signature.result
    unit = signature.unit
    if unit == "same":
        unit = arguments[0].unit
    elif unit == "power":
        unit = unit_of_power(arguments[0], (*arguments, Constant(0.5, Type.DOUBLE))[1])
    return Operation(function.name, tuple(flat), result, signature.sql, signature.compute, unit)


def _unknown(name: str, known: list[str], position: Position) -> Exception:
    if name.upper() in _NOT_YET:
        return error_at(f"{name.upper()} is not supported here yet", position)
    near = difflib.get_close_matches(name.upper(), [n.upper() for n in known], n=2, cutoff=0.6)
    advice = f"; did you mean {' or '.join(near)}?" if near else ""
    return error_at(f"no function {name}{advice}", position)
