"""A table that statements can name, with the plan behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from skyseries.adql.relations import Table
from skyseries.catalog.plan.node import Node

__all__ = ["Binding"]


@dataclass(frozen=True)
class Binding:
    """A table and the plan that gives its rows.

    Parameters
    ----------
    table : Table
    make : callable
        Returns the plan; called when the table is used.
    below : frozenset of str
        For a table of epochs: the columns of the object, by which objects are left out before
        their epochs are taken apart.
    keys : mapping of str to (Table name, str)
        Columns that are ids of the rows of other tables.
    """

    table: Table
    make: Callable[[], Node] = field(repr=False)
    ids: tuple[str, ...] = ()
    """Columns that have an index."""
    below: frozenset[str] = frozenset()
    keys: Mapping[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)

    @cached_property
    def node(self) -> Node:
        """The plan of all rows."""
        return self.make()

    def indexed(self) -> set[str]:
        """Return the columns by which rows are found without reading all: ids and positions."""
        if self.table.name[0] == "tap_schema":
            return set()
        return {*self.ids, *(self.node.position or ())}
