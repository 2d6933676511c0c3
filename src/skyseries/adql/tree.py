"""The tree of a statement as it is written: names not looked up, types not known.

Every node keeps the place of its operator or first word, for messages; two nodes are equal if
they say the same, wherever they stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias, get_args

from skyseries.adql.lexer import Position

__all__ = [
    "And",
    "Between",
    "Binary",
    "Call",
    "Case",
    "Cast",
    "ColumnRef",
    "Combination",
    "Comparison",
    "Derived",
    "Everything",
    "Exists",
    "From",
    "In",
    "InQuery",
    "IsNull",
    "Item",
    "Join",
    "Like",
    "Literal",
    "Name",
    "Named",
    "Node",
    "Not",
    "Or",
    "Order",
    "Quantified",
    "Query",
    "Rows",
    "Scalar",
    "Select",
    "Star",
    "Table",
    "Unary",
    "When",
    "children",
    "height",
    "is_condition",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """What stands in the text."""

    position: Position = field(compare=False)


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


@dataclass(frozen=True, slots=True)
class Case(_Placed):
    """``CASE [operand] WHEN ... THEN ... [ELSE otherwise] END``."""

    operand: Node | None
    """None: each `When.test` is a condition; else a value that the operand is compared with."""
    whens: tuple[When, ...]
    otherwise: Node | None


@dataclass(frozen=True, slots=True)
class When(_Placed):
    """``WHEN test THEN value``."""

    test: Node
    value: Node


@dataclass(frozen=True, slots=True)
class Scalar(_Placed):
    """A query in parentheses that stands for its one value."""

    query: Query


@dataclass(frozen=True, slots=True)
class Exists(_Placed):
    """``EXISTS (query)``."""

    query: Query


@dataclass(frozen=True, slots=True)
class InQuery(_Placed):
    """``x [NOT] IN (query)``."""

    operand: Node
    query: Query
    negated: bool


@dataclass(frozen=True, slots=True)
class Quantified(_Placed):
    """``x < ALL (query)``."""

    operator: str
    left: Node
    quantifier: str
    """ALL or ANY (which SOME is as well)."""
    query: Query


@dataclass(frozen=True, slots=True)
class Table(_Placed):
    """A table by its name, ``schema.table [AS alias]``."""

    parts: tuple[Name, ...]
    alias: Name | None


@dataclass(frozen=True, slots=True)
class Derived(_Placed):
    """A query that is used as a table: ``(query) AS alias``."""

    query: Query
    alias: Name


@dataclass(frozen=True, slots=True)
class Join(_Placed):
    """Two tables side by side, by a condition, by columns that both have, or by all of these."""

    kind: str
    """INNER, LEFT, RIGHT or FULL."""
    left: From
    right: From
    on: Node | None
    using: tuple[Name, ...]
    natural: bool


@dataclass(frozen=True, slots=True)
class Item(_Placed):
    """What a query selects: a value, with or without a name."""

    value: Node
    alias: Name | None


@dataclass(frozen=True, slots=True)
class Everything(_Placed):
    """``*`` or ``t.*`` among the selected."""

    qualifier: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Order(_Placed):
    """A term of ORDER BY; a whole number that stands alone is the place of a selected value."""

    value: Node
    descending: bool


@dataclass(frozen=True, slots=True)
class Select(_Placed):
    """``SELECT [DISTINCT] [TOP n] ... FROM ... [WHERE] [GROUP BY] [HAVING]``."""

    items: tuple[Item | Everything, ...]
    sources: tuple[From, ...]
    where: Node | None
    group_by: tuple[Node, ...]
    having: Node | None
    distinct: bool
    top: int | None


@dataclass(frozen=True, slots=True)
class Combination(_Placed):
    """UNION, INTERSECT or EXCEPT of two sets of rows."""

    operator: str
    every: bool
    """ALL: rows that are equal stay as often as they are."""
    left: Rows
    right: Rows


@dataclass(frozen=True, slots=True)
class Named(_Placed):
    """One query of WITH: ``name AS (query)``."""

    name: Name
    query: Query


@dataclass(frozen=True, slots=True)
class Query(_Placed):
    """A whole statement, or one in parentheses."""

    named: tuple[Named, ...]
    """The queries of WITH, of which each can use those before it."""
    body: Rows
    order_by: tuple[Order, ...]
    offset: int | None


Value: TypeAlias = Literal | ColumnRef | Star | Unary | Binary | Call | Cast | Case | Scalar
Condition: TypeAlias = (
    Comparison | Between | In | Like | IsNull | Not | And | Or | Exists | InQuery | Quantified
)
From: TypeAlias = Table | Derived | Join
Rows: TypeAlias = Select | Combination | Query
Node: TypeAlias = Value | Condition


_CONDITIONS = get_args(Condition)


def is_condition(node: Node) -> bool:
    """Return whether a node is true or false by its form."""
    return isinstance(node, _CONDITIONS)


def children(node: _Placed) -> tuple[_Placed, ...]:
    """Return the nodes directly below a node, of an expression or of a statement."""
    found: list[_Placed] = []
    for name in node.__dataclass_fields__:
        value = getattr(node, name)
        found += [v for v in (value if isinstance(value, tuple) else (value,)) if _is_node(v)]
    return tuple(found)


def height(node: _Placed) -> int:
    """Return how many levels a tree has (without recursion: it may be deep)."""
    levels, level = 0, [node]
    while level:
        levels += 1
        level = [child for parent in level for child in children(parent)]
    return levels


def _is_node(value: object) -> bool:
    return isinstance(value, _Placed) and not isinstance(value, Name)
