"""The table of functions: what they take, what they give, and their text in DuckDB.

The functions of ADQL 2.1 (sections 2.3 and 4) and those that Rubin's services know. A caller
hands in a larger table with functions of its own; no Python code runs per row.

Kinds of arguments: ``double`` (any number, calculated in double precision), ``integer``,
``ubigint``, ``unsigned`` (or a constant that is not negative), ``real``, ``text``, ``timestamp``,
``boolean``, ``point``, ``digits`` (a whole number as a constant), ``coosys`` (a text constant that
is not looked at).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from skyseries.adql.types import Type

__all__ = ["FUNCTIONS", "Function", "Signature", "function_table"]


@dataclass(frozen=True)
class Signature:
    """One way to call a function.

    Parameters
    ----------
    arguments : tuple of str
        The kind of each.
    result : Type or None
        None: as the first argument.
    sql : str
        DuckDB's text with ``{0}``, ``{1}`` for the arguments.
    compute : str, optional
        The function of `pyarrow.compute` that gives the same values.
    unit : str, optional
        ``same``: as the first argument; ``power``: as the first one to the power of the second
        (0.5 if there is none); else the unit itself (empty: a plain number).
    needs : tuple of str, optional
        The unit that each argument is needed in; empty: any.
    """

    arguments: tuple[str, ...]
    result: Type | None
    sql: str
    compute: str | None = None
    unit: str | None = None
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Function:
    """A function by its name, which ignores case."""

    name: str
    signatures: tuple[Signature, ...]
    doc: str
    standard: bool = True
    """Whether ADQL 2.1 itself has it."""

    def usage(self) -> str:
        """Return the ways to call it, for messages."""
        names = {"double": "number", "digits": "whole number", "coosys": "text"}
        return " or ".join(
            f"{self.name}({', '.join(names.get(kind, kind) for kind in signature.arguments)})"
            for signature in self.signatures
        )


_RADIANS_PER_DEGREE = "0.017453292519943295e0"
_DEGREES_PER_RADIAN = "57.29577951308232e0"
# with an exponent, else DuckDB reads a DECIMAL, which rounds otherwise


def _of_double(
    name: str, sql: str, doc: str, *, compute: str | None = None, unit: str | None = ""
) -> Function:
    return Function(name, (Signature(("double",), Type.DOUBLE, sql, compute, unit),), doc)


_TRUNCATE = (
    "CASE WHEN abs(round({0}, {1})) > abs({0})"
    " THEN round({0} - sign({0}) * 0.5e0 * pow(1e1, -({1})), {1})"
    " ELSE round({0}, {1}) END"
)
_AB_MAGNITUDE = (
    "CASE WHEN {0} > 0 AND {0} <= 'Infinity'::DOUBLE THEN 31.4e0 - 2.5e0 * log10({0})"
    " WHEN {0} IS NOT NULL THEN 'NaN'::DOUBLE END"
)
_AB_MAGNITUDE_ERROR = (
    "CASE WHEN {0} > 0 THEN 1.0857362047581294e0 * {1} / {0}"
    " WHEN {0} IS NOT NULL THEN 'NaN'::DOUBLE END"
)

_MATHEMATICS = (
    Function(
        "ABS",
        (
            Signature(("ubigint",), None, "{0}", unit="same"),
            Signature(("integer",), Type.BIGINT, "abs({0}::BIGINT)", unit="same"),
            Signature(("real",), None, "abs({0})", "abs", "same"),
            Signature(("double",), Type.DOUBLE, "abs({0})", "abs", "same"),
        ),
        "the absolute value",
    ),
    Function(
        "CEILING",
        (
            Signature(("integer",), None, "{0}", unit="same"),
            Signature(("double",), Type.DOUBLE, "ceil({0})", "ceil", "same"),
        ),
        "the smallest whole number that is not below x",
    ),
    Function(
        "FLOOR",
        (
            Signature(("integer",), None, "{0}", unit="same"),
            Signature(("double",), Type.DOUBLE, "floor({0})", "floor", "same"),
        ),
        "the largest whole number that is not above x",
    ),
    _of_double("DEGREES", f"({{0}} * {_DEGREES_PER_RADIAN})", "radians to degrees", unit="deg"),
    _of_double("RADIANS", f"({{0}} * {_RADIANS_PER_DEGREE})", "degrees to radians", unit="rad"),
    _of_double("EXP", "exp({0})", "e to the power of x", compute="exp"),
    _of_double("LOG", "ln({0})", "the natural logarithm", compute="ln"),
    _of_double("LOG10", "log10({0})", "the logarithm to base 10", compute="log10"),
    _of_double(
        "SQRT", "sqrt({0})", "the square root; NaN below zero", compute="sqrt", unit="power"
    ),
    Function(
        "MOD",
        (
            Signature(
                ("ubigint", "integer"),
                Type.UBIGINT,
                "CAST({0}::HUGEINT % nullif({1}::HUGEINT, 0) AS UBIGINT)",
                unit="same",
            ),
            Signature(
                ("integer", "integer"),
                Type.BIGINT,
                "CAST({0}::HUGEINT % nullif({1}::HUGEINT, 0) AS BIGINT)",
                unit="same",
            ),
            Signature(("double", "double"), Type.DOUBLE, "({0} % {1})", unit="same"),
        ),
        "the remainder of x / y, with the sign of x",
    ),
    Function("PI", (Signature((), Type.DOUBLE, "pi()", unit=""),), "the number π"),
    Function(
        "POWER",
        (Signature(("double", "double"), Type.DOUBLE, "pow({0}, {1})", "power", "power"),),
        "x to the power of y",
    ),
    Function(
        "RAND",
        (
            Signature((), Type.DOUBLE, "random()", unit=""),
            Signature(("digits",), Type.DOUBLE, "random()", unit=""),
        ),
        "a random number from 0 to 1; the seed is ignored, as ADQL 2.1 allows",
    ),
    Function(
        "ROUND",
        (
            Signature(("double",), Type.DOUBLE, "round({0})", unit="same"),
            Signature(("double", "digits"), Type.DOUBLE, "round({0}, {1})", unit="same"),
        ),
        "x rounded to n decimals, halves away from zero",
    ),
    Function(
        "TRUNCATE",
        (
            Signature(("double",), Type.DOUBLE, "trunc({0})", "trunc", "same"),
            Signature(("double", "digits"), Type.DOUBLE, _TRUNCATE, unit="same"),
        ),
        "x cut to n decimals, towards zero",
    ),
)

_TRIGONOMETRY = (
    _of_double("ACOS", "acos({0})", "the arc cosine, radians", compute="acos", unit="rad"),
    _of_double("ASIN", "asin({0})", "the arc sine, radians", compute="asin", unit="rad"),
    _of_double("ATAN", "atan({0})", "the arc tangent, radians", compute="atan", unit="rad"),
    Function(
        "ATAN2",
        (Signature(("double", "double"), Type.DOUBLE, "atan2({0}, {1})", "atan2", "rad"),),
        "the angle of the point (y, x), radians",
    ),
    _of_double("COS", "cos({0})", "the cosine of radians", compute="cos"),
    _of_double("COT", "(1e0 / tan({0}))", "the cotangent of radians"),
    _of_double("SIN", "sin({0})", "the sine of radians", compute="sin"),
    _of_double("TAN", "tan({0})", "the tangent of radians", compute="tan"),
)

_TEXT = (
    Function("LOWER", (Signature(("text",), Type.TEXT, "lower({0})"),), "in lower case"),
    Function("UPPER", (Signature(("text",), Type.TEXT, "upper({0})"),), "in upper case"),
)

# what is left without text here is written by `geometry`
_GEOMETRY = (
    Function(
        "POINT",
        (
            Signature(("double", "double"), Type.POINT, "", needs=("deg", "deg")),
            Signature(("coosys", "double", "double"), Type.POINT, "", needs=("", "deg", "deg")),
        ),
        "a position: right ascension and declination, degrees",
    ),
    Function(
        "CIRCLE",
        (
            Signature(("double",) * 3, Type.CIRCLE, "", needs=("deg",) * 3),
            Signature(("point", "double"), Type.CIRCLE, "", needs=("", "deg")),
            Signature(("coosys", *("double",) * 3), Type.CIRCLE, "", needs=("", *("deg",) * 3)),
            Signature(("coosys", "point", "double"), Type.CIRCLE, "", needs=("", "", "deg")),
        ),
        "the positions within a radius (degrees) of a centre",
    ),
    Function(
        "DISTANCE",
        (
            Signature(("double",) * 4, Type.DOUBLE, "", unit="deg", needs=("deg",) * 4),
            Signature(("point", "point"), Type.DOUBLE, "", unit="deg"),
        ),
        "the angle between two positions, degrees",
    ),
    Function(
        "CONTAINS",
        (Signature(("point", "circle"), Type.INTEGER, "", unit=""),),
        "1 where the position lies in the region, else 0",
    ),
    Function(
        "INTERSECTS",
        (Signature(("circle", "circle"), Type.INTEGER, "", unit=""),),
        "1 where two regions have a position in common, else 0",
    ),
    Function("COORD1", (Signature(("point",), Type.DOUBLE, "{0}", unit="deg"),), "its longitude"),
    Function("COORD2", (Signature(("point",), Type.DOUBLE, "{1}", unit="deg"),), "its latitude"),
)

_RUBIN = (
    Function(
        "scisql_nanojanskyToAbMag",
        (Signature(("double",), Type.DOUBLE, _AB_MAGNITUDE, unit="mag", needs=("nJy",)),),
        "the AB magnitude of a flux in nJy; NaN where the flux is not above zero",
        standard=False,
    ),
    Function(
        "scisql_nanojanskyToAbMagSigma",
        (
            Signature(
                ("double", "double"),
                Type.DOUBLE,
                _AB_MAGNITUDE_ERROR,
                unit="mag",
                needs=("nJy", "nJy"),
            ),
        ),
        "the error of the AB magnitude of a flux with its error, both in nJy",
        standard=False,
    ),
    Function(
        "BITAND",
        (
            Signature(("ubigint", "unsigned"), Type.UBIGINT, "({0} & {1})", unit=""),
            Signature(("unsigned", "ubigint"), Type.UBIGINT, "({0} & {1})", unit=""),
            Signature(("integer", "integer"), Type.BIGINT, "({0}::BIGINT & {1}::BIGINT)", unit=""),
        ),
        "the bits that are set in both numbers",
        standard=False,
    ),
)


def function_table(functions: Iterable[Function]) -> Mapping[str, Function]:
    """Return a table of functions by their names in upper case, later ones first."""
    return {function.name.upper(): function for function in functions}


FUNCTIONS = function_table((*_MATHEMATICS, *_TRIGONOMETRY, *_TEXT, *_GEOMETRY, *_RUBIN))
"""ADQL 2.1's functions of values, and Rubin's."""
