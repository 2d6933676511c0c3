"""What a summary reads of a unit: the values of expressions, for the rows that remain.

Conditions directly below a summary are evaluated here as masks over whole arrays: row numbers,
which the steps of a plan hand on, cost several times as much as a sum.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.arrow import to_numpy
from skyseries.catalog.plan.expressions import Assign, paths_of
from skyseries.catalog.plan.node import Hints, Node, Unit
from skyseries.catalog.plan.rows import Rows
from skyseries.lazy import pc

__all__ = ["input_columns", "lifted", "masked_columns", "values_from", "values_of"]

_SPARSE = 0.05
"""With fewer rows left than this, columns are read for these rows only."""


def lifted(node: Node, expressions: Sequence[adql.Expr]) -> tuple[Node, list[adql.Expr]]:
    """Make each aggregate of light curves a column of the node, and use that in expressions."""
    made: dict[adql.Aggregate, adql.Column] = {}
    outer = [_without_aggregates(expression, made, node.schema) for expression in expressions]
    if not made:
        return node, outer
    fields = tuple(pa.field(column.path[0], column.arrow_type) for column in made.values())
    return Assign(
        node, fields, tuple(made), tuple(column.path[0] for column in made.values())
    ), outer


def values_of(node: Node, unit: Unit, expressions: Sequence[adql.Expr]) -> list[pa.Array]:
    """Return the values of expressions over the rows of a unit; see `lifted` for aggregates."""
    paths = list(dict.fromkeys(p for e in expressions for p in paths_of(e)))
    table, n = input_columns(node, unit, paths)
    return adql.Values(expressions)(table if paths else {}, n)


def values_from(rows: Rows, expressions: Sequence[adql.Expr]) -> list[pa.Array]:
    """Return the values of expressions over rows; see `lifted` for aggregates."""
    paths = list(dict.fromkeys(p for e in expressions for p in paths_of(e)))
    return adql.Values(expressions)(rows.fetch(paths) if paths else {}, len(rows))


def input_columns(node: Node, unit: Unit, paths: Sequence[str]) -> tuple[pa.Table, int]:
    """Return columns of the rows of a unit, and how many rows there are."""
    kept = _kept(node, unit)
    return kept.table(paths), kept.count


def masked_columns(
    node: Node, unit: Unit, paths: Sequence[str]
) -> tuple[pa.Table, pa.BooleanArray | None]:
    """Return columns of a unit, and which rows remain; None: all."""
    kept = _kept(node, unit)
    if kept.mask is None or kept.is_sparse:
        return kept.table(paths), None
    return kept.rows.fetch(paths), kept.mask


def _kept(node: Node, unit: Unit) -> _Kept:
    base, filters, hints = _below_conditions(node)
    kept = _Kept(base.rows(unit.area, hints))
    for condition in filters:
        kept.keep(condition)
    return kept


def _below_conditions(node: Node) -> tuple[Node, list[adql.Expr], Hints]:
    """Return the node below the conditions on plain columns, these from below, and their hints."""
    conditions: list[adql.Expr] = []
    hints = Hints()
    while (mine := node.conditions()) is not None:
        conditions += mine
        hints = node.child_hints(0, hints)
        node = node.children[0]
    return node, conditions[::-1], hints


class _Kept:
    """The rows of a unit that conditions have left, as a mask."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.mask: pa.BooleanArray | None = None
        self.count = len(rows)

    @property
    def is_sparse(self) -> bool:
        """Whether so few are left that reading columns of these alone is less work."""
        return self.count < _SPARSE * len(self.rows)

    def keep(self, condition: adql.Expr) -> None:
        """Keep the rows of which a condition is true."""
        if not self.count:
            return
        paths = paths_of(condition)
        mask = adql.Mask(condition)(self.table(paths) if paths else {}, self.count)
        count = int(mask.true_count)
        if count == self.count:
            return
        self.count = count
        if self.mask is None:
            self.mask = mask
            return
        whole = np.zeros(len(self.rows), np.bool_)
        places = np.flatnonzero(to_numpy(self.mask))
        whole[places[to_numpy(mask)]] = True
        self.mask = pa.array(whole)

    def table(self, paths: Sequence[str]) -> pa.Table:
        """Return columns of the rows that are left."""
        if self.mask is None:
            return self.rows.fetch(paths)
        if self.is_sparse:
            left = np.flatnonzero(to_numpy(self.mask))
            return self.rows.fetch(paths, left)
        table = self.rows.fetch(paths)
        columns = [pc.filter(column.combine_chunks(), self.mask) for column in table.columns]
        return pa.table(columns, list(paths))


def _without_aggregates(
    expression: adql.Expr, made: dict[adql.Aggregate, adql.Column], schema: pa.Schema
) -> adql.Expr:
    if isinstance(expression, adql.Aggregate) and expression.over is not None:
        if expression not in made:
            name = f"_of_epochs_{len(made)}"
            while name in schema.names:
                name += "_"
            made[expression] = adql.Column((name,), expression.type, expression.unit)
        return made[expression]
    children = expression.children
    replaced = tuple(_without_aggregates(child, made, schema) for child in children)
    return expression if replaced == children else expression.with_children(replaced)
