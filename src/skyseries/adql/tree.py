"""The tree of a statement as it is written: names not looked up, types not known.

Every node keeps the place of its operator or first word, for messages; two nodes are equal if
they say the same, wherever they stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias, get_args

from skyseries.adql.lexer import Position
from skyseries.lazy import module_on_use

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
    "Placed",
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


_printing = module_on_use("skyseries.adql.printing")  # which imports this module


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What stands in the text; `str` of it is its text in ADQL."""

    position: Position = field(compare=False)

    def __str__(self) -> str:
        return str(_printing.text(self))


@dataclass(frozen=True, slots=True)
class Name(Placed):
    """One part of a dotted name."""

    text: str
    delimited: bool
    """Whether it stands in double quotes: then its case counts."""


@dataclass(frozen=True, slots=True)
class Literal(Placed):
    """A constant: int, Decimal, str, bool or None (NULL)."""

    value: int | Decimal | str | bool | None


@dataclass(frozen=True, slots=True)
class ColumnRef(Placed):
    """A column: ``ra``, ``t.ra``, ``lc.mjd``."""

    parts: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Star(Placed):
    """The asterisk in ``COUNT(*)``."""


@dataclass(frozen=True, slots=True)
class Unary(Placed):
    """``-x`` or ``+x``."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Placed):
    """``+ - * / ||`` between two values."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Call(Placed):
    """A function; `name` as it is written."""

    name: str
    arguments: tuple[Node, ...]
    distinct: bool


@dataclass(frozen=True, slots=True)
class Cast(Placed):
    """``CAST(x AS type)``; `target` in upper case with single spaces, `length` of CHAR(n)."""

    operand: Node
    target: str
    length: int | None
    attempt: bool = False
    """TRY_CAST: NULL for a value that the type cannot hold."""


@dataclass(frozen=True, slots=True)
class Comparison(Placed):
    """``= <> < <= > >=`` between two values."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Between(Placed):
    """``x [NOT] BETWEEN low AND high``."""

    operand: Node
    low: Node
    high: Node
    negated: bool


@dataclass(frozen=True, slots=True)
class In(Placed):
    """``x [NOT] IN (a, b, ...)``."""

    operand: Node
    values: tuple[Node, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Like(Placed):
    """``x [NOT] LIKE pattern``, or ILIKE, which ignores case."""

    operand: Node
    pattern: Node
    insensitive: bool
    negated: bool


@dataclass(frozen=True, slots=True)
class IsNull(Placed):
    """``x IS [NOT] NULL``."""

    operand: Node
    negated: bool


@dataclass(frozen=True, slots=True)
class Not(Placed):
    """``NOT condition``."""

    operand: Node


@dataclass(frozen=True, slots=True)
class And(Placed):
    """Two or more conditions, all true."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or(Placed):
    """Two or more conditions, one of them true."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Case(Placed):
    """``CASE [operand] WHEN ... THEN ... [ELSE otherwise] END``."""

    operand: Node | None
    """None: each `When.test` is a condition; else a value that the operand is compared with."""
    whens: tuple[When, ...]
    otherwise: Node | None


@dataclass(frozen=True, slots=True)
class When(Placed):
    """``WHEN test THEN value``."""

    test: Node
    value: Node


@dataclass(frozen=True, slots=True)
class Scalar(Placed):
    """A query in parentheses that stands for its one value."""

    query: Query


@dataclass(frozen=True, slots=True)
class Exists(Placed):
    """``EXISTS (query)``."""

    query: Query


@dataclass(frozen=True, slots=True)
class InQuery(Placed):
    """``x [NOT] IN (query)``."""

    operand: Node
    query: Query
    negated: bool


@dataclass(frozen=True, slots=True)
class Quantified(Placed):
    """``x < ALL (query)``."""

    operator: str
    left: Node
    quantifier: str
    """ALL or ANY (which SOME is as well)."""
    query: Query


@dataclass(frozen=True, slots=True)
class Table(Placed):
    """A table by its name, ``schema.table [AS alias]``."""

    parts: tuple[Name, ...]
    alias: Name | None


@dataclass(frozen=True, slots=True)
class Derived(Placed):
    """A query that is used as a table: ``(query) AS alias``."""

    query: Query
    alias: Name


@dataclass(frozen=True, slots=True)
class Join(Placed):
    """Two tables side by side, by a condition, by columns that both have, or by all of these."""

    kind: str
    """INNER, LEFT, RIGHT or FULL."""
    left: From
    right: From
    on: Node | None
    using: tuple[Name, ...]
    natural: bool


@dataclass(frozen=True, slots=True)
class Item(Placed):
    """What a query selects: a value, with or without a name."""

    value: Node
    alias: Name | None


@dataclass(frozen=True, slots=True)
class Everything(Placed):
    """``*`` or ``t.*`` among the selected."""

    qualifier: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Order(Placed):
    """A term of ORDER BY; a whole number that stands alone is the place of a selected value."""

    value: Node
    descending: bool


@dataclass(frozen=True, slots=True)
class Select(Placed):
    """``SELECT [DISTINCT] [TOP n] ... FROM ... [WHERE] [GROUP BY] [HAVING]``."""

    items: tuple[Item | Everything, ...]
    sources: tuple[From, ...]
    where: Node | None
    group_by: tuple[Node, ...]
    having: Node | None
    distinct: bool
    top: int | None


@dataclass(frozen=True, slots=True)
class Combination(Placed):
    """UNION, INTERSECT or EXCEPT of two sets of rows."""

    operator: str
    every: bool
    """ALL: rows that are equal stay as often as they are."""
    left: Rows
    right: Rows


@dataclass(frozen=True, slots=True)
class Named(Placed):
    """One query of WITH: ``name AS (query)``."""

    name: Name
    query: Query


@dataclass(frozen=True, slots=True)
class Query(Placed):
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


def children(node: Placed) -> tuple[Placed, ...]:
    """Return the nodes directly below a node, of an expression or of a statement."""
    found: list[Placed] = []
    fields: tuple[str, ...] = type(node).__match_args__
    for name in fields:
        value = getattr(node, name)
        found += [v for v in (value if isinstance(value, tuple) else (value,)) if _is_node(v)]
    return tuple(found)


def height(node: Placed) -> int:
    """Return how many levels a tree has (without recursion: it may be deep)."""
    levels, level = 0, [node]
    while level:
        levels += 1
        level = [child for parent in level for child in children(parent)]
    return levels


def _is_node(value: object) -> bool:
    return isinstance(value, Placed) and not isinstance(value, Name)
