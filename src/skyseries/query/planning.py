"""From a typed statement to its steps.

Conditions on the objects are applied before their epochs are taken apart; what is sorted and
selected is calculated of the rows that are left, and no column is read that nothing uses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pyarrow as pa

from skyseries import adql
from skyseries.adql import tree
from skyseries.adql.lexer import error_at
from skyseries.adql.relations import Query, Select, Sort, TableUse
from skyseries.catalog import plan
from skyseries.catalog.plan.node import Node
from skyseries.query.binding import Binding
from skyseries.query.bindings import Bindings
from skyseries.query.steps import (
    Distinct,
    First,
    Groups,
    Named,
    Ordered,
    Scan,
    Slice,
    Step,
    Top,
)

__all__ = ["planned"]


def planned(query: Query, written: tree.Query, bindings: Bindings) -> Step:
    """Return the steps that give the rows of a statement.

    Parameters
    ----------
    query : Query
        Of `resolve`.
    written : tree.Query
        The same as it is written, for messages.
    bindings : Bindings

    Raises
    ------
    QueryError
        If it asks more than one table.
    """
    _check_one_table(written)
    select = query.body
    assert isinstance(select, Select)  # noqa: S101 - all else is refused above
    assert isinstance(select.source, TableUse)  # noqa: S101
    binding = bindings[select.source.table]
    node = _where(binding, select)
    names = _names(select, node)
    if select.grouped or select.distinct:
        step = _groups(node, select, query.order_by, names)
    else:
        step = _rows(node, select, query, names)
    offset, top = query.offset, select.top
    if offset or (top is not None and not isinstance(step, First | Top)):
        step = Slice(step, offset, top)
    return Named(step, names, select.schema)


def _check_one_table(written: tree.Query) -> None:
    """Raise QueryError at the first thing that asks another table."""
    stack: list[object] = [written]
    while stack:
        node = stack.pop()
        said = _MORE.get(type(node))
        if said is not None:
            raise error_at(f"{said} cannot be asked yet", node.position)  # type: ignore[attr-defined]
        if isinstance(node, tree.Select) and len(node.sources) > 1:
            raise error_at("several tables cannot be asked yet", node.sources[1].position)
        if isinstance(node, tree.Query) and node.named:
            raise error_at("WITH cannot be asked yet", node.named[0].position)
        stack.extend(reversed(tree.children(node)))  # type: ignore[arg-type]


_MORE: dict[type, str] = {
    tree.Join: "a join",
    tree.Derived: "a query in FROM",
    tree.Combination: "several queries at once",
    tree.Scalar: "a query inside of a query",
    tree.Exists: "a query inside of a query",
    tree.InQuery: "a query inside of a query",
    tree.Quantified: "a query inside of a query",
}


def _where(binding: Binding, select: Select) -> Node:
    """Return the plan of the rows of which the condition is true."""
    if select.where is None:
        return binding.node()
    text = str(select.written.where)
    parts = adql.conjuncts(_local(select.where))
    objects = [p for p in parts if {path[0] for path in adql.columns(p)} <= binding.of_object]
    if not binding.of_object or not objects:
        return plan.Filter(binding.node(), adql.conjunction(parts), text)
    said = [f"{text} (what is of {what})" for what in ("objects", "epochs")]
    of_objects = adql.conjunction(objects)
    rest = [part for part in parts if part not in objects]
    node = binding.node(lambda node: plan.Filter(node, of_objects, said[0] if rest else text))
    return plan.Filter(node, adql.conjunction(rest), said[1]) if rest else node


def _names(select: Select, node: Node) -> tuple[str, ...]:
    """Return what the columns of the result are called until the end.

    That is as in the result, where no other column is called so.
    """
    there = {name.lower() for name in node.schema.names}
    names = []
    for output in select.outputs:
        name = output.column.name
        itself = isinstance(output.value, adql.Column) and output.value.path[1:] == (name,)
        names.append(name if itself or name.lower() not in there else f"{name} (selected)")
    return tuple(names)


def _rows(node: Node, select: Select, query: Query, names: tuple[str, ...]) -> Step:
    """Return the selected columns of all rows, in their order."""
    values = {
        name: (_local(output.value), str(output.written))
        for name, output in zip(names, select.outputs, strict=True)
    }
    order: list[tuple[str, bool]] = []
    for sort in query.order_by:
        value = _local(sort.value)
        same = (name for name, (made, _) in values.items() if made == value)
        name = next(same, None) or f"order {len(order) + 1}"
        values.setdefault(name, (value, str(sort.written)))
        order.append((name, not sort.descending))
    made = {
        name: pair
        for name, pair in values.items()
        if not (isinstance(pair[0], adql.Column) and pair[0].path == (name,))
    }
    if made:
        expressions, texts = zip(*made.values(), strict=True)
        fields = (pa.field(name, value.arrow_type) for name, (value, _) in made.items())
        node = plan.Assign(node, tuple(fields), expressions, texts)
    node = plan.Select(node, tuple(values))
    count = None if select.top is None else select.top + query.offset
    if not order:
        return Scan(node) if count is None else First(node, count)
    return Ordered(node, tuple(order)) if count is None else Top(node, tuple(order), count)


def _groups(node: Node, select: Select, sorts: Sequence[Sort], names: tuple[str, ...]) -> Step:
    """Return a row for each group: by keys, all together, or (DISTINCT) all that are equal."""
    outputs = [_local(output.value) for output in select.outputs]
    order = tuple((f"order {i + 1}", not sort.descending) for i, sort in enumerate(sorts))
    values = dict(zip(names, outputs, strict=True))
    values |= {name: _local(sort.value) for (name, _), sort in zip(order, sorts, strict=True)}
    if select.having is not None:
        values[_HAVING] = _local(select.having)
    keys = tuple(dict.fromkeys(map(_local, select.keys) if select.grouped else outputs))
    twice = select.grouped and select.distinct
    step: Step = Groups(
        _with_columns_of((*keys, *values.values()), node),
        keys,
        tuple(values.values()),
        tuple(values),
        None if select.having is None else _HAVING,
        () if twice else order,
        _said(select, sorts),
    )
    return Distinct(step, order) if twice else step


def _with_columns_of(expressions: Sequence[adql.Expr], node: Node) -> Node:
    """Return the plan without the columns that the expressions do not need."""
    paths = sorted({".".join(path) for value in expressions for path in adql.columns(value)})
    return plan.Select(node, tuple(paths) or (node.schema.names[0],))


_HAVING = "having"


def _said(select: Select, sorts: Sequence[Sort]) -> str:
    written = select.written
    if not select.grouped:
        text = "each different row once"
    elif written.group_by:
        text = f"a row for each {', '.join(map(str, written.group_by))}"
    else:
        text = "all rows together"
    if written.having is not None:
        text += f", where {written.having}"
    return text + (f", by {_order(sorts)}" if sorts else "")


def _order(sorts: Sequence[Sort]) -> str:
    return ", ".join(f"{sort.written}{' DESC' if sort.descending else ''}" for sort in sorts)


def _local(expression: adql.Expr) -> adql.Expr:
    """Return an expression over the columns of its one table, without the table's id."""
    return _replaced(expression, _without_id)


def _without_id(column: adql.Column) -> adql.Column:
    nested = None if column.nested is None else column.nested.partition(".")[2]
    return replace(column, path=column.path[1:], nested=nested)


def _replaced(expression: adql.Expr, change: Callable[[adql.Column], adql.Column]) -> adql.Expr:
    if isinstance(expression, adql.Column):
        return change(expression)
    if isinstance(expression, adql.Aggregate) and expression.over is not None:
        expression = replace(expression, over=expression.over.partition(".")[2])
    children = expression.children
    changed = tuple(_replaced(child, change) for child in children)
    return expression if changed == children else expression.with_children(changed)
