"""The plan of one table: conditions applied where they are cheapest, and what is calculated.

Conditions on the objects are applied before their epochs are taken apart.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from skyseries import adql
from skyseries.adql import Aggregate, Column, Expr
from skyseries.adql.shown import shown
from skyseries.catalog import plan
from skyseries.catalog.plan.node import Node
from skyseries.query.binding import Binding
from skyseries.query.curvevalues import computed, curve_values, with_columns
from skyseries.query.ownplaces import own_places

__all__ = ["Conditions", "local", "scanned", "table_scan"]

_LEVELS = ("objects", "epochs")


@dataclass(frozen=True)
class Conditions:
    """What rows of a table have to fulfil, over its columns, and how it is written."""

    parts: tuple[Expr, ...] = ()
    text: str = ""


def scanned(
    binding: Binding,
    conditions: Conditions,
    used: Collection[str],
    of_objects: Conditions = Conditions(),
) -> Node:
    """Return the plan of the rows of a table of which all conditions are true.

    Parameters
    ----------
    binding : Binding
    conditions : Conditions
        Of `local` expressions.
    used : collection of str
        The columns that are looked at.
    of_objects : Conditions
        Over the columns of the objects (`Binding.objects`).
    """
    parts, text = conditions.parts, conditions.text

    def first(node: Node) -> Node:
        return _filtered(node, of_objects.parts, of_objects.text)

    if not parts or not binding.of_object:
        return _filtered(binding.node(used, first=first), parts, text)
    objects = [part for part in parts if _only_of(part, binding.of_object)]
    rest = [part for part in parts if part not in objects]
    said = [f"{text} (what is of {what})" if objects and rest else text for what in _LEVELS]
    node = binding.node(used, lambda node: _filtered(node, objects, said[0]), first)
    if rest:
        places = own_places(adql.conjunction(rest), node.schema)
        node = plan.Filter(node, adql.conjunction([*rest, *places]), said[1])
    return node


def _filtered(node: Node, conditions: Sequence[Expr], text: str) -> Node:
    return plan.Filter(node, adql.conjunction(conditions), text) if conditions else node


def _only_of(condition: Expr, names: frozenset[str]) -> bool:
    """Return whether a condition depends on some columns, and on no others."""
    found = {path[0] for path in adql.columns(condition)}
    return bool(found) and found <= names


def local(expression: Expr) -> Expr:
    """Return an expression over the columns of its one table, without the table's id."""
    return _replaced(expression, _without_id)


def _without_id(column: Column) -> Column:
    nested = None if column.nested is None else column.nested.partition(".")[2]
    return replace(column, path=column.path[1:], nested=nested)


def _replaced(expression: Expr, change: Callable[[Column], Column]) -> Expr:
    if isinstance(expression, Column):
        return change(expression)
    if isinstance(expression, Aggregate) and expression.over is not None:
        expression = replace(expression, over=expression.over.partition(".")[2])
    children = expression.children
    made = tuple(_replaced(child, change) for child in children)
    return expression if made == children else expression.with_children(made)


def table_scan(
    binding: Binding,
    conditions: Sequence[Expr],
    columns: Sequence[str],
    made: Sequence[tuple[str, Expr]],
    of_objects: Sequence[Expr] = (),
) -> Node:
    """Return the plan of some columns of the rows of a table that fulfil conditions.

    Parameters
    ----------
    binding : Binding
    conditions : sequence of Expr
        Over the columns of this use of the table, as all here.
    columns : sequence of str
    made : sequence of (str, Expr)
        Columns that are calculated.
    of_objects : sequence of Expr
        Conditions over the columns of the objects, as they are called there.
    """
    values = [local(value) for _, value in made]
    parts = tuple(local(condition) for condition in conditions)
    used = {path[0] for value in (*values, *parts) for path in adql.columns(value)}
    of_curves = [part for part in parts if any(curve_values(part))]
    parts = tuple(part for part in parts if part not in of_curves)
    both = Conditions(parts, _text(parts)), Conditions(tuple(of_objects), _text(of_objects))
    node = scanned(binding, both[0], used | set(columns), both[1])
    if binding.catalog is not None:
        node, calls = computed(node, binding.catalog, of_curves, values, _text(of_curves))
        values = [with_columns(value, calls) for value in values]
    if made:
        fields = [pa.field(n, v.arrow_type) for (n, _), v in zip(made, values, strict=True)]
        node = plan.Assign(node, tuple(fields), tuple(values), tuple(map(shown, values)))
    wanted = (*columns, *(name for name, _ in made)) or node.schema.names[:1]
    return plan.Select(node, tuple(wanted))


def _text(conditions: Sequence[Expr]) -> str:
    return " AND ".join(map(shown, conditions))
