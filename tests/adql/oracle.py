"""A slow interpreter of the typed tree: one row after the other, in plain Python.

A missing value (NULL or NaN) makes a condition unknown (None).
"""

from __future__ import annotations

import math
import re

import numpy as np

from skyseries.adql.expressions import (
    And,
    Column,
    Compare,
    Constant,
    Convert,
    IsNull,
    Matches,
    Not,
    OneOf,
    Operation,
    Or,
    Truth,
)
from skyseries.adql.types import Type


def missing(value):
    return value is None or (isinstance(value, float | np.floating) and math.isnan(value))


def evaluate(expr, row):
    """Return the value in a row: a mapping of path to value."""
    match expr:
        case Column():
            return _typed(row[expr.path], expr.type)
        case Constant():
            return _typed(expr.value, expr.type)
        case Convert():
            return _convert(evaluate(expr.argument, row), expr)
        case Operation():
            if expr.name == "COALESCE":
                values = [evaluate(a, row) for a in expr.arguments]
                return next((v for v in values[:-1] if not missing(v)), values[-1])
            values = [evaluate(a, row) for a in expr.arguments]
            return None if any(v is None for v in values) else _operate(expr, values)
        case And():
            values = [evaluate(a, row) for a in expr.arguments]
            return False if False in values else (None if None in values else True)
        case Or():
            values = [evaluate(a, row) for a in expr.arguments]
            return True if True in values else (None if None in values else False)
        case Not():
            value = evaluate(expr.argument, row)
            return None if value is None else not value
        case IsNull():
            return missing(evaluate(expr.argument, row))
        case Truth():
            return evaluate(expr.argument, row)
        case Compare():
            left, right = (_compared(side, row) for side in (expr.left, expr.right))
            if missing(left) or missing(right):
                return None
            return _COMPARE[expr.operator](_exact(left), _exact(right))
        case OneOf():
            value = evaluate(expr.argument, row)
            if missing(value):
                return None
            return any(_typed(v, expr.argument.type) == value for v in expr.values)
        case Matches():
            text, pattern = evaluate(expr.argument, row), evaluate(expr.pattern, row)
            if text is None or pattern is None:
                return None
            parts = {"%": ".*", "_": "."}
            regex = "".join(parts.get(c, re.escape(c)) for c in pattern)
            flags = re.DOTALL | (re.IGNORECASE if expr.insensitive else 0)
            return re.fullmatch(regex, text, flags) is not None
    raise NotImplementedError(type(expr))


_COMPARE = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _compared(side, row):
    """Return a value to be compared: what stands for it beside integers is left to Python."""
    if not (isinstance(side, Operation) and side.name == "WHOLE"):
        return evaluate(side, row)
    value = evaluate(side.arguments[0], row)
    return whole(value) if isinstance(value, str) else value


def whole(text):
    """Return the whole number that a text is; None if it is none."""
    return int(text) if re.fullmatch(r" *[+-]?[0-9]+ *", text, re.ASCII) else None


def _exact(value):
    return float(value) if isinstance(value, np.floating) else value


def _typed(value, kind):
    if value is None:
        return None
    if kind is Type.REAL:
        return np.float32(value)
    return np.float64(value) if kind is Type.DOUBLE else value


def _convert(value, expr):
    target = expr.target
    if value is None:
        return None
    if target in (Type.DOUBLE, Type.REAL):
        return _typed(float(value), target)
    if target.is_integer:
        return None if missing(value) else int(np.rint(value)) if _is_float(value) else int(value)
    if target is Type.TEXT and isinstance(value, str):
        return value[: expr.length]
    raise NotImplementedError(target)


def _is_float(value):
    return isinstance(value, float | np.floating)


def _operate(expr, values):
    with np.errstate(all="ignore"):
        if expr.result.is_integer and expr.name in _INTEGER:
            return _INTEGER[expr.name](*values)
        result = _FLOATING[expr.name](*values)
        return result if isinstance(result, str) else _typed(result, expr.result)


def _cut(a, b):
    if b == 0:
        return None
    size = abs(a) // abs(b)
    return size if (a < 0) == (b < 0) else -size


_INTEGER = {
    "+": lambda a, b: a + b,
    "-": lambda a, b=None: -a if b is None else a - b,
    "*": lambda a, b: a * b,
    "/": _cut,
    "MOD": lambda a, b: None if b == 0 else a - b * _cut(a, b),
    "ABS": abs,
    "FLOOR": lambda a: a,
    "CEILING": lambda a: a,
    "BITAND": lambda a, b: a & b,
}


def _round(x, digits=0):
    if not math.isfinite(x):
        return x
    scaled = abs(x) * 10.0**digits
    return math.copysign(math.floor(scaled + 0.5) / 10.0**digits, x)


_FLOATING = {
    "+": lambda a, b: a + b,
    "-": lambda a, b=None: -a if b is None else a - b,
    "*": lambda a, b: a * b,
    "/": np.divide,
    "||": lambda a, b: a + b,
    "LOWER": str.lower,
    "UPPER": str.upper,
    "ABS": abs,
    "FLOOR": np.floor,
    "CEILING": np.ceil,
    "SQRT": np.sqrt,
    "LOG10": np.log10,
    "LOG": np.log,
    "EXP": np.exp,
    "POWER": np.power,
    "MOD": np.fmod,
    "SIN": np.sin,
    "COS": np.cos,
    "TAN": np.tan,
    "ATAN": np.arctan,
    "ATAN2": np.arctan2,
    "ASIN": np.arcsin,
    "ACOS": np.arccos,
    "DEGREES": lambda x: x * 57.29577951308232,
    "RADIANS": lambda x: x * 0.017453292519943295,
    "COT": lambda x: 1 / np.tan(x),
    "ROUND": _round,
    "TRUNCATE": np.trunc,
    "PI": lambda: math.pi,
}
