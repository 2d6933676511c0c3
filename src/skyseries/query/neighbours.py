"""Joins of neighbours on the sky as tables: their rows are those of a plan, on any engine.

Two tables of a join whose condition is that the positions which they are filed by are near each
other become one, whose columns are ``#0:ra`` for the column ``ra`` of the use ``#0``; all else of a
statement goes on as if it were a table of a catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import pyarrow as pa

from skyseries import adql
from skyseries.adql.expressions import Aggregate, Column, Expr
from skyseries.adql.nearness import Nearness, nearness
from skyseries.adql.relations import Join, Query, Relation, Select, Table, TableUse
from skyseries.adql.rewriting import (
    changed,
    changed_rows,
    expressions,
    free_columns,
    has_subqueries,
)
from skyseries.catalog import plan
from skyseries.catalog.plan.node import Node
from skyseries.catalog.plan.scan import first_scan
from skyseries.query.binding import Binding, Keep
from skyseries.query.bindings import Bindings
from skyseries.query.curvevalues import curve_values
from skyseries.query.scans import table_scan
from skyseries.query.skymatches import match_node

__all__ = ["with_neighbours"]


def with_neighbours(query: Query, bindings: Bindings, new: Callable[[str], str]) -> Query:
    """Return a query in whose FROM joins of neighbours are tables.

    Parameters
    ----------
    query : Query
    bindings : Bindings
        Gets the new tables.
    new : callable
        Returns a name that nothing else in the statement has.
    """
    select = query.body
    if not isinstance(select, Select):
        return query
    join = _found(select.source)
    if join is None:
        return query
    where = [] if select.where is None else adql.conjuncts(select.where)
    sides = _Sides.of(join, where)
    if sides is None:
        return query
    calls = (v for one in expressions(query) for v in curve_values(one))
    if any(value.argument.path[0] in sides.ids for value in calls):
        return query
    columns = (c.path[:2] for one in expressions(query) for c in free_columns(one))
    used = {path for path in columns if path[0] in sides.ids}  # none of an outer query
    binding = sides.binding(bindings, used, new("m"))
    if binding is None:
        return query
    bindings.add(binding)
    rest = [one for one in where if one not in sides.taken]
    use = TableUse(f"#{binding.table.name[0]}", binding.table)
    body = replace(
        select,
        source=_replaced(select.source, join, use),
        where=adql.conjunction(rest) if rest else None,
    )
    made = changed_rows(replace(query, body=body), _of_pairs(use.id, sides.ids))
    assert isinstance(made, Query)  # noqa: S101 - of a query comes one
    return with_neighbours(made, bindings, new)


def _found(relation: Relation) -> Join | None:
    """Return a join of two tables of which conditions in WHERE are true."""
    if not isinstance(relation, Join):
        return None
    if isinstance(relation.left, TableUse) and isinstance(relation.right, TableUse):
        return relation if relation.kind in ("INNER", "CROSS", "LEFT") else None
    if relation.kind in ("INNER", "CROSS", "LEFT") and (found := _found(relation.left)):
        return found
    return _found(relation.right) if relation.kind in ("INNER", "CROSS", "RIGHT") else None


def _replaced(relation: Relation, join: Join, use: TableUse) -> Relation:
    if relation is join:
        return use
    if not isinstance(relation, Join):
        return relation
    left, right = (_replaced(side, join, use) for side in (relation.left, relation.right))
    return replace(relation, left=left, right=right)


def _of_pairs(id_: str, ids: Collection[str]) -> Callable[[Expr], Expr | None]:
    """Return what makes columns of two tables columns of their pairs."""

    def one(part: Expr) -> Expr | None:
        if isinstance(part, Column) and part.path[0] in ids:
            name = f"{part.path[0]}:{part.path[1]}"
            nested = None if part.nested is None else f"{id_}.{name}"
            return replace(part, path=(id_, name, *part.path[2:]), nested=nested)
        if isinstance(part, Aggregate) and part.over is not None:
            use, _, name = part.over.partition(".")
            if use in ids:
                argument = None if part.argument is None else changed(part.argument, one)
                return replace(part, over=f"{id_}.{use}:{name}", argument=argument)
        return None

    return one


@dataclass(frozen=True)
class _Sides:
    """Two tables, what rows of each have to fulfil, and what pairs have to."""

    left: TableUse
    right: TableUse
    outer: bool
    rule: Nearness
    of_left: Sequence[Expr] = field(default=())
    of_right: Sequence[Expr] = field(default=())
    of_pairs: Sequence[Expr] = field(default=())
    taken: Sequence[Expr] = field(default=())
    """The conditions of WHERE among them."""

    @property
    def ids(self) -> tuple[str, str]:
        return self.left.id, self.right.id

    @classmethod
    def of(cls, join: Join, where: Sequence[Expr]) -> _Sides | None:
        left, right = join.left, join.right
        assert isinstance(left, TableUse)  # noqa: S101 - `_found` has looked
        assert isinstance(right, TableUse)  # noqa: S101
        on = [] if join.on is None else adql.conjuncts(join.on)
        outer = join.kind == "LEFT"
        one, two = frozenset([left.id]), frozenset([right.id])
        taken = [c for c in where if _is_of(c, one if outer else one | two)]
        if any(not _is_of(condition, one | two) for condition in on):
            return None
        pool = [*on, *taken]
        rules = (nearness(condition, one, two) for condition in (on if outer else pool))
        rule = next((near for near in rules if near is not None), None)
        if rule is None:
            return None
        of_left = [c for c in (taken if outer else pool) if _is_of(c, one)]
        of_right = [c for c in (on if outer else pool) if _is_of(c, two)]
        rest = [c for c in pool if c not in of_left and c not in of_right]
        return cls(left, right, outer, rule, of_left, of_right, rest, taken)

    def binding(
        self, bindings: Bindings, used: Collection[tuple[str, ...]], name: str
    ) -> Binding | None:
        """Return the table of the pairs; None if they are not found by a plan."""
        wanted = {*used, *(p for c in self.of_pairs for p in adql.columns(c))}
        if self._node(bindings, wanted, wanted) is None:
            return None
        fields = [
            one.with_name(f"{use.id}:{one.name}")
            for use in (self.left, self.right)
            for one in use.table.schema
        ]

        def make(keep: Keep, names: Collection[str], first: Keep) -> Node:
            paths = {path for path in wanted if f"{path[0]}:{path[1]}" in names}
            node = self._node(bindings, paths or {min(wanted)}, wanted)  # that tells how many rows
            assert node is not None  # noqa: S101 - it was one before
            return keep(first(node))

        return Binding(Table((name,), pa.schema(fields)), make)

    def _node(
        self,
        bindings: Bindings,
        paths: Collection[tuple[str, ...]],
        wanted: Collection[tuple[str, ...]],
    ) -> Node | None:
        nodes: list[Node] = []
        names: list[plan.Renamed] = []
        for use, own in ((self.left, self.of_left), (self.right, self.of_right)):
            binding = bindings[use.table]
            columns = [n for n in use.table.schema.names if (use.id, n) in wanted]
            nodes.append(table_scan(binding, own, columns, ()))
            kept = [n for n in columns if (use.id, n) in paths]
            names.append(plan.Renamed(tuple((n, f"{use.id}:{n}") for n in kept)))
        (left, right), (one, two) = nodes, names
        how: Literal["left", "inner"] = "left" if self.outer else "inner"
        rule = self.rule
        if first_scan(right) is None and not self.outer and rule.radius_of != "left":
            of: Literal["left"] | None = "left" if rule.radius_of else None
            # few rows: where they are is what is read
            rule = Nearness(rule.right, rule.left, rule.radius, of)
            return match_node(rule, right, left, two, one, self.of_pairs, how)
        return match_node(rule, left, right, one, two, self.of_pairs, how)


def _is_of(condition: Expr, ids: Collection[str]) -> bool:
    found = {path[0] for path in adql.columns(condition)}
    return bool(found) and found <= set(ids) and not has_subqueries(condition)
