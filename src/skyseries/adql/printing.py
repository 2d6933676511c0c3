"""Trees to text: ADQL on one line, with no more parentheses than the tree needs.

What is printed is read again as the same tree, in the dialect that the tree was written in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from decimal import Decimal
from typing import Any

from skyseries.adql import tree
from skyseries.adql.words import NEVER_NAMES, RESERVED

__all__ = ["identifier", "identifiers", "text"]

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# how tightly a node holds together; what is looser than its place stands in parentheses
_OR, _AND, _NOT, _PREDICATE, _CONCATENATION, _SUM, _PRODUCT, _SIGN, _PRIMARY = range(1, 10)
_OPERATORS = {"||": _CONCATENATION, "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT}
_POWERS: dict[type[tree.Placed], int] = {
    tree.Or: _OR,
    tree.And: _AND,
    tree.Not: _NOT,
    tree.Comparison: _PREDICATE,
    tree.Between: _PREDICATE,
    tree.In: _PREDICATE,
    tree.InQuery: _PREDICATE,
    tree.Like: _PREDICATE,
    tree.IsNull: _PREDICATE,
    tree.Quantified: _PREDICATE,
    tree.Unary: _SIGN,
}


def text(node: tree.Placed) -> str:
    """Return the text of a node of an expression or a statement.

    Parameters
    ----------
    node : tree.Placed

    Returns
    -------
    str
        One line, except where a text or a name holds a line break.
    """
    return _WRITERS[type(node)](node)


def _power(node: tree.Placed) -> int:
    if isinstance(node, tree.Binary):
        return _OPERATORS[node.operator]
    return _POWERS.get(type(node), _PRIMARY)


def _within(node: tree.Node, power: int) -> str:
    return text(node) if _power(node) >= power else f"({text(node)})"


def _joined(nodes: Iterable[tree.Placed], separator: str = ", ") -> str:
    return separator.join(text(node) for node in nodes)


def _not(negated: bool) -> str:
    return " NOT" if negated else ""


def _name(node: tree.Name) -> str:
    plain = _PLAIN_NAME.fullmatch(node.text) and node.text.upper() not in NEVER_NAMES
    if plain and not node.delimited:
        return node.text
    return _delimited(node.text)


def identifier(name: str) -> str:
    """Return a name as it is written in any statement: in double quotes, if it must be."""
    is_regular = _PLAIN_NAME.fullmatch(name) and name[0] != "_" and name.upper() not in RESERVED
    return name if is_regular else _delimited(name)


def identifiers(names: Collection[str]) -> dict[str, str]:
    """Return how the columns of a table are written: also those that differ by case only."""
    folded = Counter(name.lower() for name in names)
    return {
        name: identifier(name) if folded[name.lower()] == 1 else _delimited(name) for name in names
    }


def _delimited(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(node: tree.Literal) -> str:
    value = node.value
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    digits = str(value)
    whole = isinstance(value, Decimal) and digits.isdigit()
    return f"{digits}.0" if whole else digits


def _column(node: tree.ColumnRef) -> str:
    return _joined(node.parts, ".")


def _star(node: tree.Star) -> str:
    return "*"


def _unary(node: tree.Unary) -> str:
    return node.operator + _within(node.operand, _PRIMARY)


def _binary(node: tree.Binary) -> str:
    power = _OPERATORS[node.operator]
    return f"{_within(node.left, power)} {node.operator} {_within(node.right, power + 1)}"


def _call(node: tree.Call) -> str:
    distinct = "DISTINCT " if node.distinct else ""
    return f"{node.name}({distinct}{_joined(node.arguments)})"


def _cast(node: tree.Cast) -> str:
    length = "" if node.length is None else f"({node.length})"
    word = "TRY_CAST" if node.attempt else "CAST"
    return f"{word}({text(node.operand)} AS {node.target}{length})"


def _case(node: tree.Case) -> str:
    operand = "" if node.operand is None else f" {text(node.operand)}"
    otherwise = "" if node.otherwise is None else f" ELSE {text(node.otherwise)}"
    return f"CASE{operand} {_joined(node.whens, ' ')}{otherwise} END"


def _when(node: tree.When) -> str:
    return f"WHEN {text(node.test)} THEN {text(node.value)}"


def _value(node: tree.Node) -> str:
    return _within(node, _CONCATENATION)


def _comparison(node: tree.Comparison) -> str:
    return f"{_value(node.left)} {node.operator} {_value(node.right)}"


def _between(node: tree.Between) -> str:
    limits = f"{_value(node.low)} AND {_value(node.high)}"
    return f"{_value(node.operand)}{_not(node.negated)} BETWEEN {limits}"


def _in(node: tree.In) -> str:
    return f"{_value(node.operand)}{_not(node.negated)} IN ({_joined(node.values)})"


def _like(node: tree.Like) -> str:
    word = "ILIKE" if node.insensitive else "LIKE"
    return f"{_value(node.operand)}{_not(node.negated)} {word} {_value(node.pattern)}"


def _is_null(node: tree.IsNull) -> str:
    return f"{_value(node.operand)} IS{_not(node.negated)} NULL"


def _negation(node: tree.Not) -> str:
    return f"NOT {_within(node.operand, _PREDICATE)}"


def _and(node: tree.And) -> str:
    return " AND ".join(_within(operand, _NOT) for operand in node.operands)


def _or(node: tree.Or) -> str:
    return " OR ".join(_within(operand, _AND) for operand in node.operands)


def _scalar(node: tree.Scalar) -> str:
    return f"({text(node.query)})"


def _exists(node: tree.Exists) -> str:
    return f"EXISTS ({text(node.query)})"


def _in_query(node: tree.InQuery) -> str:
    return f"{_value(node.operand)}{_not(node.negated)} IN ({text(node.query)})"


def _quantified(node: tree.Quantified) -> str:
    return f"{_value(node.left)} {node.operator} {node.quantifier} ({text(node.query)})"


def _alias(name: tree.Name | None) -> str:
    return "" if name is None else f" AS {text(name)}"


def _table(node: tree.Table) -> str:
    return _joined(node.parts, ".") + _alias(node.alias)


def _derived(node: tree.Derived) -> str:
    return f"({text(node.query)}){_alias(node.alias)}"


def _join(node: tree.Join) -> str:
    words = ["NATURAL"] * node.natural + [node.kind] * (node.kind != "INNER") + ["JOIN"]
    right = f"({text(node.right)})" if isinstance(node.right, tree.Join) else text(node.right)
    condition = "" if node.on is None else f" ON {text(node.on)}"
    using = f" USING ({_joined(node.using)})" if node.using else ""
    return f"{text(node.left)} {' '.join(words)} {right}{condition}{using}"


def _item(node: tree.Item) -> str:
    return text(node.value) + _alias(node.alias)


def _everything(node: tree.Everything) -> str:
    return "".join(f"{text(part)}." for part in node.qualifier) + "*"


def _order(node: tree.Order) -> str:
    return text(node.value) + (" DESC" if node.descending else "")


def _select(node: tree.Select) -> str:
    parts = ["SELECT"]
    if node.distinct:
        parts.append("DISTINCT")
    if node.top is not None:
        parts.append(f"TOP {node.top}")
    parts += [_joined(node.items), "FROM", _joined(node.sources)]
    if node.where is not None:
        parts.append(f"WHERE {text(node.where)}")
    if node.group_by:
        parts.append(f"GROUP BY {_joined(node.group_by)}")
    if node.having is not None:
        parts.append(f"HAVING {text(node.having)}")
    return " ".join(parts)


def _combination(node: tree.Combination) -> str:
    power = _row_power(node)
    every = " ALL" if node.every else ""
    left = _rows(node.left, power)
    return f"{left} {node.operator}{every} {_rows(node.right, power + 1)}"


def _rows(node: tree.Rows, power: int) -> str:
    return text(node) if _row_power(node) >= power else f"({text(node)})"


def _row_power(node: tree.Rows) -> int:
    """Return how tightly a set of rows holds together: INTERSECT binds before UNION and EXCEPT."""
    if isinstance(node, tree.Query):
        return 0
    if isinstance(node, tree.Combination):
        return 2 if node.operator == "INTERSECT" else 1
    return 3


def _named(node: tree.Named) -> str:
    return f"{text(node.name)} AS ({text(node.query)})"


def _query(node: tree.Query) -> str:
    parts = [f"WITH {_joined(node.named)}"] if node.named else []
    parts.append(_rows(node.body, 1))
    if node.order_by:
        parts.append(f"ORDER BY {_joined(node.order_by)}")
    if node.offset is not None:
        parts.append(f"OFFSET {node.offset}")
    return " ".join(parts)


_WRITERS: dict[type[tree.Placed], Callable[[Any], str]] = {
    tree.And: _and,
    tree.Between: _between,
    tree.Binary: _binary,
    tree.Call: _call,
    tree.Case: _case,
    tree.Cast: _cast,
    tree.ColumnRef: _column,
    tree.Combination: _combination,
    tree.Comparison: _comparison,
    tree.Derived: _derived,
    tree.Everything: _everything,
    tree.Exists: _exists,
    tree.In: _in,
    tree.InQuery: _in_query,
    tree.IsNull: _is_null,
    tree.Item: _item,
    tree.Join: _join,
    tree.Like: _like,
    tree.Literal: _literal,
    tree.Name: _name,
    tree.Named: _named,
    tree.Not: _negation,
    tree.Or: _or,
    tree.Order: _order,
    tree.Quantified: _quantified,
    tree.Query: _query,
    tree.Scalar: _scalar,
    tree.Select: _select,
    tree.Star: _star,
    tree.Table: _table,
    tree.Unary: _unary,
    tree.When: _when,
}
