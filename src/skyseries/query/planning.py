"""From a typed statement to its steps.

Conditions on the objects are applied before their epochs are taken apart; what is sorted and
selected is calculated of the rows that are left, and no column is read that nothing uses.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from skyseries import adql
from skyseries.adql.relations import Query, Select, Sort, TableUse
from skyseries.adql.shown import shown
from skyseries.catalog import plan
from skyseries.catalog.plan.names import nested_columns
from skyseries.catalog.plan.node import Node
from skyseries.query.binding import Binding
from skyseries.query.bindings import Bindings
from skyseries.query.compiler import compiled
from skyseries.query.curvevalues import curve_values, of_one_table
from skyseries.query.derived import is_alone
from skyseries.query.scans import Conditions, local, scanned
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


def planned(query: Query, bindings: Bindings) -> Step:
    """Return the steps that give the rows of a statement.

    Parameters
    ----------
    query : Query
        Of `resolve`.
    bindings : Bindings
    """
    return (
        _of_one_table(query, bindings)
        if is_alone(query)
        else compiled(query, bindings, _of_one_table)
    )


def _of_one_table(query: Query, bindings: Bindings) -> Step:
    select = query.body
    assert isinstance(select, Select)  # noqa: S101 - `is_alone` has looked
    assert isinstance(select.source, TableUse)  # noqa: S101
    binding = bindings[select.source.table]
    node = _where(binding, select, query.order_by)
    node, query = of_one_table(node, binding.catalog, select.source.id, query, local)
    select = query.body
    assert isinstance(select, Select)  # noqa: S101
    names = _names(select, node)
    if select.grouped or select.distinct:
        step = _groups(node, select, query.order_by, names)
    else:
        step = _rows(node, select, query, names)
    offset, top = query.offset, select.top
    if offset or (top is not None and not isinstance(step, First | Top)):
        step = Slice(step, offset, top)
    return Named(step, names, select.schema)


def _where(binding: Binding, select: Select, sorts: Sequence[Sort]) -> Node:
    """Return the plan of the rows of which the condition is true."""
    conditions = Conditions()
    if select.where is not None:
        every = adql.conjuncts(local(select.where))
        parts = [part for part in every if not any(curve_values(part))]
        written = select.written.where
        text = " AND ".join(map(shown, parts)) if written is None else str(written)
        if len(parts) < len(every):
            text += " (what is not of light curves)"
        conditions = Conditions(tuple(parts), text)
    return scanned(binding, conditions, _used(select, sorts))


def _used(select: Select, sorts: Sequence[Sort]) -> set[str]:
    """Return the columns that a statement looks at."""
    values = [*(output.value for output in select.outputs), *(sort.value for sort in sorts)]
    values += [*select.keys, *(v for v in (select.where, select.having) if v is not None)]
    return {path[1] for value in values for path in adql.columns(value)}


def _names(select: Select, node: Node) -> tuple[str, ...]:
    """Return what the columns of the result are called until the end.

    That is as in the result, where no other column is called so.
    """
    taken = {name.lower() for name in (*node.schema.names, *select.schema.names)}
    before = {name.lower() for name in node.schema.names}
    names = []
    for output in select.outputs:
        name = output.column.name
        itself = isinstance(output.value, adql.Column) and output.value.path[1:] == (name,)
        other = not itself and name.lower() in before
        names.append(_free(f"{name} (selected)", taken) if other else name)
    return tuple(names)


def _free(name: str, taken: set[str]) -> str:
    """Return a name that no other column has, and take it."""
    while name.lower() in taken:
        name += "_"
    taken.add(name.lower())
    return name


def _rows(node: Node, select: Select, query: Query, names: tuple[str, ...]) -> Step:
    """Return the selected columns of all rows, in their order."""
    values = {
        name: (local(output.value), str(output.written))
        for name, output in zip(names, select.outputs, strict=True)
    }
    order: list[tuple[str, bool]] = []
    taken = {name.lower() for name in (*node.schema.names, *names)}
    for sort in query.order_by:
        value = local(sort.value)
        same = (name for name, (made, _) in values.items() if made == value)
        name = next(same, None)
        if name is None and isinstance(value, adql.Column) and len(value.path) == 1:
            (name,) = value.path
        name = name or _free(f"order {len(order) + 1}", taken)
        values.setdefault(name, (value, str(sort.written)))
        order.append((name, not sort.descending))
    made = {
        name: pair
        for name, pair in values.items()
        if not (isinstance(pair[0], adql.Column) and pair[0].path == (name,))
    }
    if made:
        expressions, texts = zip(*made.values(), strict=True)
        said = {name: o.column for name, o in zip(names, select.outputs, strict=True)}
        fields = (
            said.get(name, pa.field("", value.arrow_type)).with_name(name)
            for name, (value, _) in made.items()
        )
        node = plan.Assign(node, tuple(fields), expressions, texts)
    node = plan.Select(node, tuple(values))
    count = None if select.top is None else select.top + query.offset
    if not order:
        return Scan(node) if count is None else First(node, count)
    return Ordered(node, tuple(order)) if count is None else Top(node, tuple(order), count)


def _groups(node: Node, select: Select, sorts: Sequence[Sort], names: tuple[str, ...]) -> Step:
    """Return a row for each group: by keys, all together, or (DISTINCT) all that are equal."""
    outputs = [local(output.value) for output in select.outputs]
    taken = {name.lower() for name in names}
    order = tuple(
        (_free(f"order {i}", taken), not sort.descending) for i, sort in enumerate(sorts, 1)
    )
    values = dict(zip(names, outputs, strict=True))
    values |= {name: local(sort.value) for (name, _), sort in zip(order, sorts, strict=True)}
    having = None if select.having is None else _free("having", taken)
    if having is not None and select.having is not None:
        values[having] = local(select.having)
    keys = tuple(dict.fromkeys(map(local, select.keys) if select.grouped else outputs))
    twice = select.grouped and select.distinct
    step: Step = Groups(
        _with_columns_of((*keys, *values.values()), node),
        keys,
        tuple(values.values()),
        tuple(values),
        having,
        () if twice else order,
        _said(select, sorts),
    )
    return Distinct(step, order) if twice else step


def _with_columns_of(expressions: Sequence[adql.Expr], node: Node) -> Node:
    """Return the plan without the columns that the expressions do not need."""
    curves = nested_columns(node.schema)
    paths = {path for value in expressions for path in adql.columns(value)}
    names = sorted({".".join(path) if path[0] in curves else path[0] for path in paths})
    return plan.Select(node, tuple(names) or tuple(node.schema.names[:1]))


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
