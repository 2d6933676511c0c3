"""The tree of an expression as it is written: names not looked up, types not known.

Every node keeps the place of its operator or first word, for messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from skyseries.adql.lexer import Position

__all__ = [
    "And",
    "Between",
    "Binary",
    "Call",
    "Cast",
    "ColumnRef",
    "Comparison",
    "In",
    "IsNull",
    "Like",
    "Literal",
    "Name",
    "Node",
    "Not",
    "Or",
    "Star",
    "Unary",
    "children",
    "height",
    "is_condition",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """What stands in the text."""

    position: Position


@dataclass(frozen=True, slots=True)
class Name(_Placed):
    """One part of a dotted name."""

    text: str
    delimited: bool
    """Whether it stands in double quotes: then its case counts."""


@dataclass(frozen=True, slots=True)
class Literal(_Placed):
    """A constant: int, Decimal, str, bool or None (NULL)."""

    value: int | Decimal | str | bool | None


@dataclass(frozen=True, slots=True)
class ColumnRef(_Placed):
    """A column: ``ra``, ``t.ra``, ``lc.mjd``."""

    parts: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Star(_Placed):
    """The asterisk in ``COUNT(*)``."""


@dataclass(frozen=True, slots=True)
class Unary(_Placed):
    """``-x`` or ``+x``."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(_Placed):
    """``+ - * / ||`` between two values."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Call(_Placed):
    """A function; `name` as it is written."""

    name: str
    arguments: tuple[Node, ...]
    distinct: bool


@dataclass(frozen=True, slots=True)
class Cast(_Placed):
    """``CAST(x AS type)``; `target` in upper case with single spaces, `length` of CHAR(n)."""

    operand: Node
    target: str
    length: int | None


@dataclass(frozen=True, slots=True)
class Comparison(_Placed):
    """``= <> < <= > >=`` between two values."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Between(_Placed):
    """``x [NOT] BETWEEN low AND high``."""

    operand: Node
    low: Node
    high: Node
    negated: bool


@dataclass(frozen=True, slots=True)
class In(_Placed):
    """``x [NOT] IN (a, b, ...)``."""

    operand: Node
    values: tuple[Node, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Like(_Placed):
    """``x [NOT] LIKE pattern``, or ILIKE, which ignores case."""

    operand: Node
    pattern: Node
    insensitive: bool
    negated: bool


@dataclass(frozen=True, slots=True)
class IsNull(_Placed):
    """``x IS [NOT] NULL``."""

    operand: Node
    negated: bool


@dataclass(frozen=True, slots=True)
class Not(_Placed):
    """``NOT condition``."""

    operand: Node


@dataclass(frozen=True, slots=True)
class And(_Placed):
    """Two or more conditions, all true."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or(_Placed):
    """Two or more conditions, one of them true."""

    operands: tuple[Node, ...]


Value: TypeAlias = Literal | ColumnRef | Star | Unary | Binary | Call | Cast
Condition: TypeAlias = Comparison | Between | In | Like | IsNull | Not | And | Or
Node: TypeAlias = Value | Condition


def is_condition(node: Node) -> bool:
    """Return whether a node is true or false by its form."""
    return isinstance(node, Comparison | Between | In | Like | IsNull | Not | And | Or)


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below a node."""
    match node:
        case Unary() | Not() | IsNull() | Cast():
            return (node.operand,)
        case Binary() | Comparison():
            return (node.left, node.right)
        case Between():
            return (node.operand, node.low, node.high)
        case In():
            return (node.operand, *node.values)
        case Like():
            return (node.operand, node.pattern)
        case And() | Or():
            return node.operands
        case Call():
            return node.arguments
        case _:
            return ()


def height(node: Node) -> int:
    """Return how many levels a tree has (without recursion: it may be deep)."""
    levels, level = 0, [node]
    while level:
        levels += 1
        level = [child for parent in level for child in children(parent)]
    return levels
