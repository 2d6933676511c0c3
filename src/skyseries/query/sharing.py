"""What is known of a table because of another one that it is joined with.

Epochs and their objects are rows of one catalog: what a condition leaves out of the objects is left
out of their epochs, and the other way round, partitions and all. An id names one object.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from skyseries import adql
from skyseries.adql.expressions import Aggregate, Column, Expr
from skyseries.adql.relations import TableUse
from skyseries.adql.rewriting import changed
from skyseries.query.binding import Binding, Objects
from skyseries.query.bindings import Bindings
from skyseries.query.curvevalues import curve_values
from skyseries.query.froms import Leaf
from skyseries.query.scans import local

__all__ = ["share_conditions"]


def share_conditions(
    ids: Collection[str],
    same: Iterable[tuple[Column, Column]],
    known: Mapping[str, Leaf],
    bindings: Bindings,
) -> None:
    """Let the tables of one catalog have the conditions of each other on its objects.

    Parameters
    ----------
    ids : collection of str
        Of the tables that get conditions.
    same : iterable of (Column, Column)
        Of `froms.restrictions` and `froms.semijoins`.
    known : mapping of str to Leaf
        All tables so far.
    bindings : Bindings
    """
    tables = {
        id_: (leaf, bindings[leaf.use.table])
        for id_, leaf in known.items()
        if isinstance(leaf.use, TableUse)
    }
    pairs = [
        (tables[here.path[0]], tables[there.path[0]])
        for here, there in same
        if here.path[0] in ids
        and here.path[0] in tables
        and there.path[0] in tables
        and _one_object(here, there, tables[here.path[0]][1], tables[there.path[0]][1])
    ]
    for _ in pairs:  # what one knows reaches the last one of a chain in as many rounds
        for (leaf, mine), (other, binding) in pairs:
            known_here = _of_objects(leaf, mine)
            leaf.of_objects += [c for c in _of_objects(other, binding) if c not in known_here]


def _one_object(here: Column, there: Column, one: Binding, two: Binding) -> bool:
    """Return whether equal values are the ids of one object."""
    first, second = one.objects, two.objects
    if first is None or second is None or first.catalog is not second.catalog:
        return False
    return here.path[1:] == (first.id,) and there.path[1:] == (second.id,)


def _of_objects(leaf: Leaf, binding: Binding) -> list[Expr]:
    """Return the conditions of a table on its objects, over the columns of these."""
    assert binding.objects is not None  # noqa: S101 - `_one_object` has looked
    found = list(leaf.of_objects)
    for condition in leaf.conditions:
        if any(curve_values(condition)):
            continue
        moved = _moved(local(condition), binding.objects)
        if moved is not None:
            found.append(moved)
    return found


def _moved(condition: Expr, objects: Objects) -> Expr | None:
    names = {path[0]: objects.of_object(path[0]) for path in adql.columns(condition)}
    if None in names.values() or (objects.names is not None and _of_epochs(condition)):
        return None

    def one(part: Expr) -> Expr | None:
        if not isinstance(part, Column):
            return None
        return replace(part, path=(str(names[part.path[0]]), *part.path[1:]))

    return changed(condition, one)


def _of_epochs(condition: Expr) -> bool:
    if isinstance(condition, Aggregate):
        return True
    return any(map(_of_epochs, condition.children))
