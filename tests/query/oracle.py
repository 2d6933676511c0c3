"""A slow interpreter of statements over one table, straight from the tree as it is written.

Rows are dictionaries of plain Python values: whole numbers are int, single precision is
`numpy.float32`, double precision float. It knows nothing of the resolver, the planner and Arrow.
NULL and NaN are missing values: comparisons with them are unknown, aggregates pass them over.
"""

from __future__ import annotations

import functools
import math
import re
from decimal import Decimal

import numpy as np

from skyseries.adql import tree

AGGREGATES = {"COUNT", "SUM", "AVG", "MIN", "MAX"}


def answer(query, rows):
    """Return the rows of a statement as tuples: in its order, or of equal rows in any."""
    select = query.body
    found = [row for row in rows if select.where is None or value(select.where, row) is True]
    names = [_alias(item) for item in select.items]
    if select.group_by or select.having or any(map(_aggregates, _parts(select, query))):
        groups = {}
        for row in found:
            key = tuple(_key(value(term, row, names=_selected(select))) for term in select.group_by)
            groups.setdefault(key, []).append(row)
        if not select.group_by:
            groups = {(): found}
        made = [(group[0] if group else {}, group) for group in groups.values()]
        made = [
            pair for pair in made
            if select.having is None or value(select.having, *pair) is True
        ]  # fmt: skip
    else:
        made = [(row, None) for row in found]
    if query.order_by:
        for term in reversed(query.order_by):
            node = _sorted_by(term.value, select, names)
            made.sort(
                key=functools.cmp_to_key(
                    lambda a, b, n=node, d=term.descending: _order(value(n, *a), value(n, *b), d)
                )
            )
    result = [tuple(value(item.value, *pair) for item in select.items) for pair in made]
    if select.distinct:
        result = list({tuple(map(_key, row)): row for row in result}.values())
    last = None if select.top is None else (query.offset or 0) + select.top
    return result[query.offset or 0 : last]


def _parts(select, query):
    yield from (item.value for item in select.items)
    yield from (term.value for term in query.order_by)


def _alias(item):
    return item.alias.text.lower() if item.alias is not None else None


def _selected(select):
    return {_alias(item): item.value for item in select.items if item.alias is not None}


def _sorted_by(node, select, names):
    if isinstance(node, tree.Literal) and isinstance(node.value, int):
        return select.items[node.value - 1].value
    if isinstance(node, tree.ColumnRef) and node.parts[-1].text.lower() in names:
        return select.items[names.index(node.parts[-1].text.lower())].value
    return node


def missing(x):
    return x is None or (isinstance(x, float | np.floating) and math.isnan(x))


def _order(a, b, descending):
    """NaN comes after all numbers, NULL after that, in both directions."""
    ranks = [2 if x is None else 1 if missing(x) else 0 for x in (a, b)]
    if ranks[0] != ranks[1] or ranks[0]:
        return ranks[0] - ranks[1]
    sign = -1 if descending else 1
    return sign * (int(a > b) - int(a < b))


def _key(x):
    return None if missing(x) else x


def _aggregates(node):
    if isinstance(node, tree.Call) and node.name.upper() in AGGREGATES:
        return True
    return any(map(_aggregates, tree.children(node)))


def value(node, row, group=None, names=None):
    """Return the value of an expression, or of a condition: True, False or None."""
    at = functools.partial(value, row=row, group=group, names=names)
    match node:
        case tree.Literal():
            return float(node.value) if isinstance(node.value, Decimal) else node.value
        case tree.ColumnRef():
            name = node.parts[-1].text.lower()
            return at(names[name]) if name not in row and names else row[name]
        case tree.Unary():
            x = at(node.operand)
            return x if x is None or node.operator == "+" else -x
        case tree.Binary():
            return _binary(node.operator, at(node.left), at(node.right))
        case tree.Call() if node.name.upper() in AGGREGATES:
            return _aggregate(node, group)
        case tree.Call():
            return _function(node.name.upper(), [at(a) for a in node.arguments])
        case tree.Cast():
            return _cast(at(node.operand), node.target)
        case tree.Case():
            return _case(node, at)
        case tree.Comparison():
            return _compare(node.operator, _side(node.left, at), _side(node.right, at))
        case tree.Between():
            x = _side(node.operand, at)
            low = _compare(">=", x, _side(node.low, at))
            high = _compare("<=", x, _side(node.high, at))
            return _negated(_and([low, high]), node.negated)
        case tree.In():
            x = _side(node.operand, at)
            return _negated(
                _or([_compare("=", x, _side(v, at)) for v in node.values]), node.negated
            )
        case tree.Like():
            return _negated(_like(at(node.operand), at(node.pattern), node), node.negated)
        case tree.IsNull():
            return _negated(missing(at(node.operand)), node.negated)
        case tree.Not():
            return _negated(at(node.operand), True)
        case tree.And():
            return _and([at(x) for x in node.operands])
        case tree.Or():
            return _or([at(x) for x in node.operands])
    raise NotImplementedError(type(node))


def _and(values):
    return False if False in values else None if None in values else True


def _or(values):
    return True if True in values else None if None in values else False


def _negated(x, negated):
    return x if x is None or not negated else not x


def _side(node, at):
    """A number with a point stays one: beside single precision it is rounded to that."""
    sign, inner = 1, node
    while isinstance(inner, tree.Unary):
        sign, inner = (-sign if inner.operator == "-" else sign), inner.operand
    if isinstance(inner, tree.Literal) and isinstance(inner.value, Decimal):
        return sign * inner.value
    return at(node)


def _compare(operator, a, b):
    if missing(a) or missing(b):
        return None
    if isinstance(a, np.float32) and isinstance(b, Decimal):
        b = np.float32(float(b))
    elif isinstance(b, np.float32) and isinstance(a, Decimal):
        a = np.float32(float(a))
    a, b = (_plain(x) for x in (a, b))
    return bool(
        {"=": a == b, "<>": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator]
    )


def _plain(x):
    return float(x) if isinstance(x, np.floating | Decimal) and not _whole(x) else x


def _whole(x):
    return isinstance(x, Decimal) and x == x.to_integral_value()


def _binary(operator, a, b):
    if a is None or b is None:
        return None
    if operator == "||":
        return a + b
    if isinstance(a, int) and isinstance(b, int):
        if operator == "/":
            return None if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return {"+": a + b, "-": a - b, "*": a * b}[operator]
    kind = np.float32 if isinstance(a, np.float32) and isinstance(b, np.float32) else np.float64
    with np.errstate(all="ignore"):
        a, b = kind(a), kind(b)
        found = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}[operator](a, b)
    return found if kind is np.float32 else float(found)


def _function(name, values):
    if name == "COALESCE":
        return next((x for x in values[:-1] if not missing(x)), values[-1])
    if name == "NULLIF":
        return None if _compare("=", *values) is True else values[0]
    if any(x is None for x in values):
        return None
    with np.errstate(all="ignore"):
        return _FUNCTIONS[name](*values)


def _double(function):
    return lambda *values: float(function(*map(np.float64, values)))


def _rounded(x, digits=0):
    if isinstance(x, int):
        x = float(x)
    if not math.isfinite(x):
        return float(x)
    scaled = Decimal(repr(float(x))).scaleb(digits)
    return float(scaled.quantize(Decimal(1), rounding="ROUND_HALF_UP").scaleb(-digits))


def _separation(ra1, dec1, ra2, dec2):
    """Return the angle in degrees: Vincenty's formula on a sphere."""
    a, b, c = (math.radians(x) for x in (ra2 - ra1, dec1, dec2))
    x = math.cos(c) * math.sin(a)
    y = math.cos(b) * math.sin(c) - math.sin(b) * math.cos(c) * math.cos(a)
    z = math.sin(b) * math.sin(c) + math.cos(b) * math.cos(c) * math.cos(a)
    return math.degrees(math.atan2(math.hypot(x, y), z))


_FUNCTIONS = {
    "POINT": lambda *place: place[-2:],
    "CIRCLE": lambda *circle: circle[-3:],
    "CONTAINS": lambda point, circle: int(_separation(*point, *circle[:2]) <= circle[2]),
    "DISTANCE": lambda *places: _separation(*places),
    "ABS": lambda x: abs(x),
    "SQRT": _double(np.sqrt),
    "EXP": _double(np.exp),
    "LOG": _double(np.log),
    "LOG10": _double(np.log10),
    "POWER": _double(np.power),
    "FLOOR": lambda x: x if isinstance(x, int) else float(np.floor(np.float64(x))),
    "CEILING": lambda x: x if isinstance(x, int) else float(np.ceil(np.float64(x))),
    "DEGREES": _double(np.degrees),
    "RADIANS": _double(np.radians),
    "SIN": _double(np.sin),
    "COS": _double(np.cos),
    "ATAN2": _double(np.arctan2),
    "MOD": lambda a, b: (
        None if isinstance(b, int) and b == 0 else int(math.fmod(a, b)) if isinstance(a, int)
        else float(np.fmod(a, b))
    ),
    "LOWER": str.lower,
    "UPPER": str.upper,
    "ROUND": _rounded,
}  # fmt: skip


def _aggregate(node, group):
    name = node.name.upper()
    if isinstance(node.arguments[0], tree.Star):
        return len(group)
    values = [value(node.arguments[0], row) for row in group]
    values = [x for x in values if not missing(x)]
    if node.distinct:
        values = list(dict.fromkeys(values))
    if name == "COUNT":
        return len(values)
    if not values:
        return None
    if name in ("MIN", "MAX"):
        return {"MIN": min, "MAX": max}[name](values)
    if name == "SUM":
        return sum(values) if isinstance(values[0], int) else math.fsum(map(float, values))
    return math.fsum(map(float, values)) / len(values)


def _cast(x, target):
    if x is None:
        return None
    if target in ("SMALLINT", "INTEGER", "BIGINT"):
        return None if missing(x) else x if isinstance(x, int) else int(np.rint(x))
    if target == "REAL":
        return np.float32(x)
    if target == "DOUBLE PRECISION":
        return float(x)
    return x


def _case(node, at):
    for when in node.whens:
        test = (
            at(when.test)
            if node.operand is None
            else _compare("=", _side(node.operand, at), _side(when.test, at))
        )
        if test is True:
            return at(when.value)
    return None if node.otherwise is None else at(node.otherwise)


def _like(text, pattern, node):
    if text is None or pattern is None:
        return None
    parts = {"%": ".*", "_": "."}
    regex = "".join(parts.get(c, re.escape(c)) for c in pattern)
    flags = re.DOTALL | (re.IGNORECASE if node.insensitive else 0)
    return re.fullmatch(regex, text, flags) is not None
