"""The functions of numbers and texts of ADQL 2.1 (sections 2.3, 4.4, 4.8, 4.9)."""

from __future__ import annotations

from skyseries.adql.functions.signature import Function, Origin, Signature, plain, takes
from skyseries.adql.types import Type

__all__ = ["MATHEMATICS", "TEXT"]

_RADIANS_PER_DEGREE = "0.017453292519943295e0"
_DEGREES_PER_RADIAN = "57.29577951308232e0"
# with an exponent, else DuckDB reads a DECIMAL, which rounds otherwise

_TRUNCATE = (
    "CASE WHEN abs(round({0}, {1})) > abs({0})"
    " THEN round({0} - sign({0}) * 0.5e0 * pow(1e1, -({1})), {1})"
    " ELSE round({0}, {1}) END"
)


def _function(name: str, doc: str, *signatures: Signature) -> Function:
    return Function(name, signatures, doc, Origin.ADQL)


def _of_double(
    name: str, doc: str, sql: str = "", *, compute: str | None = None, unit: str = ""
) -> Function:
    sql = sql or plain(str(compute))
    return _function(name, doc, takes("x double", Type.DOUBLE, sql, compute=compute, unit=unit))


def _rounded_to_whole(name: str, doc: str, compute: str) -> Function:
    return _function(
        name, doc,
        takes("x integer", None, "{0}", unit="same"),
        takes("x double", Type.DOUBLE, plain(compute), compute=compute, unit="same"),
    )  # fmt: skip


MATHEMATICS = (
    _function(
        "ABS", "the absolute value",
        takes("x ubigint", None, "{0}", unit="same"),
        takes("x integer", Type.BIGINT, "abs({0}::BIGINT)", unit="same"),
        takes("x real", None, "abs({0})", compute="abs", unit="same"),
        takes("x double", Type.DOUBLE, "abs({0})", compute="abs", unit="same"),
    ),
    _rounded_to_whole("CEILING", "the smallest whole number that is not below x", "ceil"),
    _rounded_to_whole("FLOOR", "the largest whole number that is not above x", "floor"),
    _of_double("DEGREES", "radians to degrees", f"({{0}} * {_DEGREES_PER_RADIAN})", unit="deg"),
    _of_double("RADIANS", "degrees to radians", f"({{0}} * {_RADIANS_PER_DEGREE})", unit="rad"),
    _of_double("EXP", "e to the power of x", compute="exp"),
    _of_double("LOG", "the natural logarithm; NaN below zero", compute="ln"),
    _of_double("LOG10", "the logarithm to base 10; NaN below zero", compute="log10"),
    _of_double("SQRT", "the square root; NaN below zero", compute="sqrt", unit="power"),
    _function(
        "MOD", "the remainder of x / y, with the sign of x",
        takes("x ubigint, y ubigint", Type.UBIGINT,
              "CAST({0}::HUGEINT % nullif({1}::HUGEINT, 0) AS UBIGINT)", unit="same"),
        takes("x integer, y integer", Type.BIGINT,
              "CAST({0}::HUGEINT % nullif({1}::HUGEINT, 0) AS BIGINT)", unit="same"),
        takes("x double, y double", Type.DOUBLE, "({0} % {1})", unit="same"),
    ),
    _function("PI", "the number π", takes("", Type.DOUBLE, "pi()", unit="")),
    _function(
        "POWER", "x to the power of y",
        takes("x double, y double", Type.DOUBLE, "pow({0}, {1})", compute="power", unit="power"),
    ),
    _function(
        "RAND", "a random number from 0 to 1; the seed is ignored, as ADQL 2.1 allows",
        takes("", Type.DOUBLE, "random()", unit=""),
        takes("seed digits", Type.DOUBLE, "random()", unit=""),
    ),
    _function(
        "ROUND", "x rounded to n decimals (0 if not given, or negative), halves away from zero",
        takes("x double", Type.DOUBLE, "round({0})", unit="same"),
        takes("x double, n digits", Type.DOUBLE, "round({0}, {1})", unit="same"),
    ),
    _function(
        "TRUNCATE", "x cut to n decimals (0 if not given, or negative), towards zero",
        takes("x double", Type.DOUBLE, "trunc({0})", compute="trunc", unit="same"),
        takes("x double, n digits", Type.DOUBLE, _TRUNCATE, unit="same"),
    ),
    _of_double("ACOS", "the arc cosine, radians", compute="acos", unit="rad"),
    _of_double("ASIN", "the arc sine, radians", compute="asin", unit="rad"),
    _of_double("ATAN", "the arc tangent, radians", compute="atan", unit="rad"),
    _function(
        "ATAN2", "the angle of the point (x, y), radians",
        takes("y double, x double", Type.DOUBLE, "atan2({0}, {1})", compute="atan2", unit="rad"),
    ),
    _of_double("COS", "the cosine of radians", compute="cos"),
    _of_double("COT", "the cotangent of radians", "(1e0 / tan({0}))"),
    _of_double("SIN", "the sine of radians", compute="sin"),
    _of_double("TAN", "the tangent of radians", compute="tan"),
)  # fmt: skip

TEXT = (
    _function("LOWER", "in lower case", takes("s text", Type.TEXT, "lower({0})")),
    _function("UPPER", "in upper case", takes("s text", Type.TEXT, "upper({0})")),
    # these two are put together by `operators`
    _function("COALESCE", "the first value that is not missing",
              takes("x any", None, unit="same", repeated=1)),
    _function("IN_UNIT", "a value whose unit is known in another unit",
              takes("x double, unit literal", Type.DOUBLE)),
)  # fmt: skip
