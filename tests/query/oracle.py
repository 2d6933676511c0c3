"""A slow interpreter of statements over one table, straight from the tree as it is written.

Rows are dictionaries of plain Python values: whole numbers are int, single precision is
`numpy.float32`, double precision float. It knows nothing of the resolver, the planner and Arrow.
NULL and NaN are missing values: comparisons with them are unknown, aggregates pass them over.
"""

from __future__ import annotations

import functools
import math
from datetime import datetime
from decimal import Decimal

import numpy as np

from skyseries.adql import tree
from skyseries.adql.aggregates import AGGREGATE_TABLE
from tests.adql.oracle import whole
from tests.query.oracle_functions import FUNCTIONS, WITH_NULL, like, missing

AGGREGATES = set(AGGREGATE_TABLE)


def answer(query, rows):
    """Return the rows of a statement as tuples: in its order, or of equal rows in any."""
    select = query.body
    found = [row for row in rows if select.where is None or value(select.where, row) is True]
    names = [_alias(item) for item in select.items]
    if select.group_by or select.having or any(map(_aggregates, _parts(select, query))):
        groups = {}
        for row in found:
            terms = (value(term, row, names=_selected(select)) for term in select.group_by)
            groups.setdefault(tuple(map(key_of, terms)), []).append(row)
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
                    lambda a, b, n=node, d=term.descending: in_order(value(n, *a), value(n, *b), d)
                )
            )
    result = [tuple(value(item.value, *pair) for item in select.items) for pair in made]
    if select.distinct:
        result = list({tuple(map(key_of, row)): row for row in result}.values())
    result = [tuple(map(written, row)) for row in result]
    last = None if select.top is None else (query.offset or 0) + select.top
    return result[query.offset or 0 : last]


def written(x):
    """Return a geometry as a result has it."""
    if not isinstance(x, tuple):
        return x
    if x[0] == "moc":
        return f"{x[1]}/{' '.join(map(str, sorted(x[2])))}"
    return list(x[1:]) if x[0] != "polygon" else [number for corner in x[1:] for number in corner]


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


def in_order(a, b, descending):
    """NaN comes after all numbers, NULL after that, in both directions."""
    ranks = [2 if x is None else 1 if missing(x) else 0 for x in (a, b)]
    if ranks[0] != ranks[1] or ranks[0]:
        return ranks[0] - ranks[1]
    sign = -1 if descending else 1
    return sign * (int(a > b) - int(a < b))


def key_of(x):
    """Return what is equal for values that are one in GROUP BY, DISTINCT and sets."""
    return None if missing(x) else float(x) if isinstance(x, np.floating) else x


def _aggregates(node):
    if is_aggregate(node) and not _of_epochs(node):
        return True
    return any(map(_aggregates, tree.children(node)))


def _of_epochs(node):
    """Return whether an aggregate is one of the epochs: of what no other one has aggregated."""
    if isinstance(node, tree.ColumnRef):
        return node.parts[0].text.lower() == "lc" and len(node.parts) == 2
    inner = (n for n in tree.children(node) if not is_aggregate(n))
    return any(map(_of_epochs, inner))


def is_aggregate(node):
    return isinstance(node, tree.Call) and node.name.upper() in AGGREGATES


def value(node, row, group=None, names=None):
    """Return the value of an expression, or of a condition: True, False or None."""
    at = functools.partial(value, row=row, group=group, names=names)
    if isinstance(node, tree.ColumnRef):
        name = node.parts[-1].text.lower()
        return at(names[name]) if name not in row and names else row[name]
    if is_aggregate(node):
        rows = row["lc"] if _of_epochs(node) else group
        return aggregated(node, rows, value)
    return calculated(node, at)


def calculated(node, at):
    """Return the value of a node but for columns and aggregates; `at` gives those below it."""
    match node:
        case tree.Literal():
            return float(node.value) if isinstance(node.value, Decimal) else node.value
        case tree.Unary():
            x = at(node.operand)
            return x if x is None or node.operator == "+" else -x
        case tree.Binary():
            return _binary(node.operator, at(node.left), at(node.right))
        case tree.Call():
            return _function(node.name.upper(), [at(a) for a in node.arguments])
        case tree.Cast():
            return _cast(node, at(node.operand))
        case tree.Case():
            return _case(node, at)
        case tree.Comparison():
            return compared(node.operator, _side(node.left, at), _side(node.right, at))
        case tree.Between():
            x = _side(node.operand, at)
            low = compared(">=", x, _side(node.low, at))
            high = compared("<=", x, _side(node.high, at))
            return negated(all_of([low, high]), node.negated)
        case tree.In():
            x = _side(node.operand, at)
            return negated(
                any_of(compared("=", x, _side(v, at)) for v in node.values), node.negated
            )
        case tree.Like():
            return negated(_like(at(node.operand), at(node.pattern), node), node.negated)
        case tree.IsNull():
            return negated(missing(at(node.operand)), node.negated)
        case tree.Not():
            return negated(at(node.operand), True)
        case tree.And():
            return all_of(at(x) for x in node.operands)
        case tree.Or():
            return any_of(at(x) for x in node.operands)
    raise NotImplementedError(type(node))


def all_of(values):
    """Return AND of values, which are looked at as far as needed."""
    known = True
    for x in values:
        if x is False:
            return False
        known &= x is not None
    return True if known else None


def any_of(values):
    """Return OR of values."""
    return negated(all_of(negated(x, True) for x in values), True)


def negated(x, really):
    return x if x is None or not really else not x


def _side(node, at):
    """A number with a point stays one: beside single precision it is rounded to that."""
    sign, inner = 1, node
    while isinstance(inner, tree.Unary):
        sign, inner = (-sign if inner.operator == "-" else sign), inner.operand
    if isinstance(inner, tree.Literal) and isinstance(inner.value, Decimal):
        return sign * inner.value
    return at(node)


def compared(operator, a, b):
    if missing(a) or missing(b):
        return None
    if isinstance(a, np.float32) and isinstance(b, Decimal):
        b = np.float32(float(b))
    elif isinstance(b, np.float32) and isinstance(a, Decimal):
        a = np.float32(float(a))
    if isinstance(a, datetime) != isinstance(b, datetime):
        a, b = (datetime.fromisoformat(x) if isinstance(x, str) else x for x in (a, b))
    if isinstance(a, str) != isinstance(b, str):
        a, b = (whole(x) if isinstance(x, str) else x for x in (a, b))
        if a is None or b is None:
            return None
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
    if name == "NULLIF":
        return None if compared("=", *values) is True else values[0]
    if name in WITH_NULL:
        return WITH_NULL[name](*map(_double, values))
    if any(x is None for x in values):
        return None
    return FUNCTIONS[name](*values) if name == "ABS" else FUNCTIONS[name](*map(_double, values))


def aggregated(node, rows, of):
    """Return an aggregate over rows; `of` gives the value of a node in one of them."""
    name = node.name.upper().removeprefix("IVO_").removeprefix("SCISQL_")
    if isinstance(node.arguments[0], tree.Star):
        return len(rows)
    all_values = [of(node.arguments[0], row) for row in rows]
    values = [x for x in all_values if not missing(x)]
    if node.distinct:
        values = list(dict.fromkeys(values))
    more = [of(argument, {}) for argument in node.arguments[1:]]
    if name == "HISTOGRAM":
        return _histogram(all_values, *more)
    if name == "COUNT":
        return len(values)
    if not values or (name in ("STDDEV", "VARIANCE") and len(values) == 1):
        return None
    return _AGGREGATES[name](values, *more)


def _sum(values):
    return sum(values) if isinstance(values[0], int) else math.fsum(map(float, values))


def _percentile(values, percent):
    return float(np.percentile(_doubles(values), percent)) if 0 <= percent <= 100 else None


def _doubles(values):
    return np.array([float(x) for x in values])


def _histogram(values, low, high, count):
    found = [0] * (count + 2)
    for x in values:
        below = missing(x) or x < low
        place = 0 if below else math.floor((x - low) / (high - low) * count) + 1
        found[min(place, count + 1)] += 1
    return found


_AGGREGATES = {
    "MIN": min,
    "MAX": max,
    "SUM": _sum,
    "AVG": lambda values: math.fsum(map(float, values)) / len(values),
    "FIRST": lambda values: values[0],
    "LAST": lambda values: values[-1],
    "MEDIAN": lambda values: float(np.median(_doubles(values))),
    "PERCENTILE": _percentile,
    "STDDEV": lambda values: float(np.std(_doubles(values), ddof=1)),
    "VARIANCE": lambda values: float(np.var(_doubles(values), ddof=1)),
    "STRING_AGG": lambda values, between: between.join(sorted(values)),
}


def _cast(node, x):
    found = _converted(x, node.target, node.attempt)
    length = node.length or (1 if node.target == "CHAR" else None)
    return found[:length] if isinstance(found, str) else found


def _converted(x, target, attempt):
    if x is None:
        return None
    if target in _BITS:
        return _to_whole(x, _BITS[target], attempt)
    if target in ("REAL", "DOUBLE PRECISION"):
        kind = np.float32 if target == "REAL" else float
        return kind(_parsed(x)) if _parsed(x) is not None else None
    if target == "TIMESTAMP":
        return datetime.fromisoformat(x) if isinstance(x, str) else x
    if target in ("POINT", "CIRCLE", "POLYGON"):
        return FUNCTIONS[target](*map(float, x.split()))
    if target == "BOOLEAN":
        return bool(x)
    return x.isoformat() if isinstance(x, datetime) else str(x)


_BITS = {"SMALLINT": 15, "INTEGER": 31, "BIGINT": 63}


def _parsed(x):
    try:
        return float(x)
    except ValueError:
        return None


def _to_whole(x, bits, attempt):
    number = _parsed(x)
    if missing(number):
        return None
    number = x if isinstance(x, int) else int(np.rint(number))
    if -(2**bits) <= number < 2**bits:
        return int(number)
    assert attempt, "a number that does not fit"
    return None


def _double(x):
    """What goes into a function, or is chosen from several, is in double precision."""
    return float(x) if isinstance(x, np.float32) else x


def _case(node, at):
    for when in node.whens:
        test = (
            at(when.test)
            if node.operand is None
            else compared("=", _side(node.operand, at), _side(when.test, at))
        )
        if test is True:
            return _double(at(when.value))
    return None if node.otherwise is None else _double(at(node.otherwise))


def _like(text, pattern, node):
    if text is None or pattern is None:
        return None
    return like(text, pattern, insensitive=node.insensitive)
