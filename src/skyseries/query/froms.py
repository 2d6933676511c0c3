"""FROM as a tree, with each condition as far down as it may go: to the table that it is about.

RIGHT JOIN is LEFT JOIN the other way round; conditions of inner joins and of WHERE are one pool.
What is known of one side of an equality is known of the other.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from skyseries import adql
from skyseries.adql.expressions import (
    Column,
    Compare,
    Constant,
    Convert,
    Expr,
    Matches,
    Not,
    OneOf,
    Path,
    Subquery,
    Truth,
)
from skyseries.adql.nearness import nearness
from skyseries.adql.relations import Join, QueryUse, Relation, Select, TableUse, uses
from skyseries.adql.rewriting import Change, changed, free_columns, has_subqueries
from skyseries.adql.types import Type

__all__ = [
    "From",
    "Joined",
    "Leaf",
    "NearColumns",
    "StageUse",
    "all_conditions",
    "change_conditions",
    "distributed",
    "from_tree",
    "leaves",
    "missing_ids",
    "near_inside",
    "nearnesses",
    "open_queries",
    "restrictions",
    "semijoins",
]


@dataclass(frozen=True)
class StageUse:
    """Rows that are in the database already: the name of the table, and of its columns."""

    id: str
    table: str
    columns: tuple[str, ...]


@dataclass
class Leaf:
    """A table or query, and the conditions that its rows have to fulfil."""

    use: TableUse | QueryUse | StageUse
    conditions: list[Expr] = field(default_factory=list)
    of_objects: list[Expr] = field(default_factory=list)
    """Conditions over the columns of the objects that the rows belong to, as these are called."""

    @property
    def ids(self) -> frozenset[str]:
        """The ids of its columns."""
        return frozenset([self.use.id])


@dataclass
class Joined:
    """Two parts of FROM; the kind is INNER, LEFT or FULL."""

    kind: str
    left: From
    right: From
    on: list[Expr]

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the columns of both."""
        return self.left.ids | self.right.ids


From: TypeAlias = Leaf | Joined


def from_tree(relation: Relation | StageUse) -> From:
    """Return a relation as a tree, with nothing moved.

    Parameters
    ----------
    relation : Relation or StageUse
    """
    if not isinstance(relation, Join):
        return Leaf(relation)
    left, right = from_tree(relation.left), from_tree(relation.right)
    on = [] if relation.on is None else adql.conjuncts(relation.on)
    if relation.kind == "RIGHT":
        return Joined("LEFT", right, left, on)
    return Joined("INNER" if relation.kind == "CROSS" else relation.kind, left, right, on)


def open_queries(relation: Relation) -> Iterator[tuple[str, Column]]:
    """Yield the ids of the queries in FROM that take columns from outside, and one of these each.

    Parameters
    ----------
    relation : Relation
    """
    for use in uses(relation):
        if isinstance(use, QueryUse):
            columns = free_columns(Subquery("exists", use.query))
            yield from ((use.id, column) for column in itertools.islice(columns, 1))


def missing_ids(tree: From) -> frozenset[str]:
    """Return the ids of what may have no row in a row of the tree: NULL in all columns."""
    if isinstance(tree, Leaf):
        return frozenset()
    left = tree.left.ids if tree.kind == "FULL" else missing_ids(tree.left)
    right = missing_ids(tree.right) if tree.kind == "INNER" else tree.right.ids
    return left | right


def leaves(tree: From) -> Iterator[Leaf]:
    """Yield the tables and queries of a tree."""
    if isinstance(tree, Leaf):
        yield tree
    else:
        yield from leaves(tree.left)
        yield from leaves(tree.right)


def distributed(tree: From, conditions: Sequence[Expr]) -> list[Expr]:
    """Bring conditions to where they belong in a tree, those of its joins too.

    Parameters
    ----------
    tree : From
        Is changed.
    conditions : sequence of Expr
        All have to be true.

    Returns
    -------
    list of Expr
        Those that cannot be brought below: of several tables of which some may be missing, with
        queries, of outer queries.
    """
    rest = [one for one in conditions if not _is_of(one, tree.ids)]
    own = [one for one in conditions if _is_of(one, tree.ids)]
    if isinstance(tree, Leaf):
        tree.conditions += own
        return rest
    if tree.kind == "LEFT" and any(_needs_values(one, tree.right.ids) for one in own):
        tree.kind = "INNER"
    if tree.kind == "INNER":
        _into_inner(tree, own)
        return rest
    if tree.kind == "FULL":
        distributed(tree.left, [])
        distributed(tree.right, [])
        return [*rest, *own]
    left = [one for one in own if _is_of(one, tree.left.ids)]
    rest += [one for one in own if not _is_of(one, tree.left.ids)]
    right = [one for one in tree.on if _is_of(one, tree.right.ids)]
    tree.on = [one for one in tree.on if not _is_of(one, tree.right.ids)]
    known = _implied([*left, *tree.on])
    right += [one for one in known if _is_of(one, tree.right.ids)]
    return [*rest, *distributed(tree.left, left), *_kept(tree, distributed(tree.right, right))]


def _kept(tree: Joined, conditions: list[Expr]) -> list[Expr]:
    """Keep in ON what cannot go below it on the right side."""
    tree.on += conditions
    return []


def _into_inner(tree: Joined, conditions: Sequence[Expr]) -> None:
    pool = list(
        dict.fromkeys([*tree.on, *_of_inner(tree.left), *_of_inner(tree.right), *conditions])
    )
    while more := [one for one in dict.fromkeys(_implied(pool)) if one not in pool]:
        pool += more
    left = [one for one in pool if _is_of(one, tree.left.ids)]
    right = [one for one in pool if _is_of(one, tree.right.ids)]
    tree.on = [one for one in pool if one not in left and one not in right]
    tree.on += distributed(tree.left, left)
    tree.on += distributed(tree.right, right)


def _of_inner(tree: From) -> Iterator[Expr]:
    """Yield the conditions of inner joins, which its rows fulfil."""
    if isinstance(tree, Joined) and tree.kind == "INNER":
        yield from (one for one in tree.on if _is_of(one, tree.ids))
        yield from (*_of_inner(tree.left), *_of_inner(tree.right))


def _is_of(condition: Expr, ids: Collection[str]) -> bool:
    """Return whether a condition is of some tables, and of nothing else."""
    found = {path[0] for path in adql.columns(condition)}
    return bool(found) and found <= set(ids) and not has_subqueries(condition)


def _implied(conditions: Sequence[Expr]) -> Iterator[Expr]:
    """Yield what follows from comparisons with constants and from equalities of columns."""
    same = [pair for one in conditions for pair in _equal(one)]
    for condition in conditions:
        column = _compared(condition)
        for here, there in same:
            if column is not None and here.path == column.path:
                yield changed(condition, partial(_other, here, there))


def _other(here: Column, there: Column, part: Expr) -> Expr | None:
    return there if part == here else None


def _compared(condition: Expr) -> Column | None:
    """Return the column that is compared with constants."""
    if isinstance(condition, Compare) and isinstance(condition.right, Constant):
        found: Expr = condition.left
    elif isinstance(condition, OneOf):
        found = condition.argument
    else:
        return None
    return found if isinstance(found, Column) else None


def restrictions(tree: From, rest: Sequence[Expr]) -> Iterator[tuple[Column, Column]]:
    """Yield columns whose rows do not matter where another column has not the same value.

    Parameters
    ----------
    tree : From
    rest : sequence of Expr
        Conditions on all its rows.

    Yields
    ------
    here, there : Column
        Rows with a value of ``here`` that ``there`` has not can be left out.
    """
    yield from (pair for one in rest for pair in _equal(one) if pair[0].path[0] in tree.ids)
    if isinstance(tree, Leaf):
        return
    for here, there in (pair for one in tree.on for pair in _equal(one)):
        if tree.kind == "INNER" or (tree.kind == "LEFT" and here.path[0] in tree.right.ids):
            yield here, there
    yield from restrictions(tree.left, ())
    yield from restrictions(tree.right, ())


@dataclass(frozen=True)
class NearColumns:
    """Rows of a table that matter only near the positions of another one."""

    here: str
    position: tuple[Column, Column]
    there: str
    others: tuple[Expr, Expr, Expr]
    """Right ascension, declination and radius, degrees."""

    @property
    def paths(self) -> list[Path]:
        """The columns of the other table."""
        return sorted({path for value in self.others for path in adql.columns(value)})


def nearnesses(tree: From) -> Iterator[NearColumns]:
    """Yield what conditions of joins say of positions, as `restrictions` of values."""
    if isinstance(tree, Leaf):
        return
    for condition in tree.on:
        yield from _of_pair(tree.kind, tree.left.ids, tree.right.ids, condition)
    yield from nearnesses(tree.left)
    yield from nearnesses(tree.right)


def _of_pair(
    kind: str, left: Collection[str], right: Collection[str], condition: Expr
) -> Iterator[NearColumns]:
    rule = nearness(condition, left, right)
    if rule is not None and kind in ("INNER", "LEFT"):
        if rule.radius_of != "right":
            yield from _near(rule.right, (*rule.left, rule.radius))
        if rule.radius_of != "left" and kind == "INNER":
            yield from _near(rule.left, (*rule.right, rule.radius))


def _near(here: tuple[Expr, Expr], there: tuple[Expr, Expr, Expr]) -> Iterator[NearColumns]:
    ra, dec = (_plain(value) for value in here)
    ids = {path[0] for value in there for path in adql.columns(value)}
    if isinstance(ra, Column) and isinstance(dec, Column) and len(ids) == 1:
        yield NearColumns(ra.path[0], (ra, dec), ids.pop(), there)


def _plain(value: Expr) -> Expr:
    """Return a value without its change to double precision."""
    while isinstance(value, Convert) and value.target is Type.DOUBLE:
        value = value.argument
    return value


def semijoins(condition: Expr) -> Iterator[tuple[tuple[Column, Column], Leaf]]:
    """Yield what IN and EXISTS say of columns: as `restrictions`, and the table of the other one.

    Parameters
    ----------
    condition : Expr
        Of rows that matter only where it is true.
    """
    found = _inside(condition)
    if found is None:
        return
    leaf, value, outside = found
    argument = condition.argument  # type: ignore[attr-defined]
    if isinstance(argument, Column) and isinstance(value, Column) and argument.type is value.type:
        yield (argument, value), leaf
    for one, two in (pair for part in outside for pair in _equal(part)):
        if two.path[0] == leaf.use.id:
            yield (one, two), leaf


def near_inside(condition: Expr, ids: Collection[str]) -> Iterator[tuple[NearColumns, Leaf]]:
    """Yield what IN and EXISTS say of positions, as `nearnesses`, and the table of the others.

    Parameters
    ----------
    condition : Expr
        Of rows that matter only where it is true.
    ids : collection of str
        Of the tables of these rows.
    """
    found = _inside(condition)
    if found is not None:
        leaf, _, outside = found
        for near in (n for one in outside for n in _of_pair("LEFT", leaf.ids, ids, one)):
            yield near, leaf


def _inside(condition: Expr) -> tuple[Leaf, Expr, list[Expr]] | None:
    """Return the one table of a query after IN or EXISTS, its column, and its other conditions."""
    if not isinstance(condition, Subquery) or condition.form not in ("in", "exists"):
        return None
    select = condition.query.body
    if not (isinstance(select, Select) and isinstance(select.source, TableUse)):
        return None
    if select.grouped or select.top is not None or condition.query.offset:
        return None
    leaf = Leaf(select.source)
    where = [] if select.where is None else adql.conjuncts(select.where)
    return leaf, select.outputs[0].value, distributed(leaf, where)


def _equal(condition: Expr) -> Iterator[tuple[Column, Column]]:
    if not (isinstance(condition, Compare) and condition.operator == "="):
        return
    one, two = condition.left, condition.right
    if isinstance(one, Column) and isinstance(two, Column) and one.type is two.type:
        yield from itertools.permutations((one, two))


def _needs_values(condition: Expr, ids: Iterable[str]) -> bool:
    """Return whether a condition is not true where the columns of some tables are NULL."""
    while isinstance(condition, Not):
        condition = condition.argument
    if isinstance(condition, Compare):
        sides: tuple[Expr, ...] = (condition.left, condition.right)
    elif isinstance(condition, OneOf | Matches | Truth):
        sides = (condition.argument,)
    else:
        return False
    plain = (side.argument if isinstance(side, Convert) else side for side in sides)
    return any(isinstance(side, Column) and side.path[0] in ids for side in plain)


def all_conditions(tree: From) -> Iterator[Expr]:
    """Yield the conditions of the joins of a tree."""
    if isinstance(tree, Leaf):
        return
    yield from tree.on
    yield from all_conditions(tree.left)
    yield from all_conditions(tree.right)


def change_conditions(tree: From, change: Change) -> None:
    """Replace parts of the conditions of the joins of a tree."""
    if isinstance(tree, Joined):
        tree.on = [changed(one, change) for one in tree.on]
        change_conditions(tree.left, change)
        change_conditions(tree.right, change)
