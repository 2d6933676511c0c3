"""A table that statements can name, with the plan behind it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from skyseries.adql import Path
from skyseries.adql.relations import Table
from skyseries.catalog.plan.node import Node

__all__ = ["Binding", "Keep", "Key"]

Keep = Callable[[Node], Node]
"""What leaves out rows of a plan."""


@dataclass(frozen=True)
class Key:
    """Columns whose values are ids of the rows of another table."""

    columns: tuple[str, ...]
    table: Path
    to: tuple[str, ...]
    description: str = ""


@dataclass(frozen=True)
class Binding:
    """A table and the plan that gives its rows.

    Parameters
    ----------
    table : Table
    make : callable
        Returns the plan of the rows. Of a table of epochs: of those of the objects that are kept.
    of_object : frozenset of str
        For a table of epochs: the columns that all epochs of an object have in common.
    indexed : tuple of str
        Columns by which rows are found without reading all.
    keys : tuple of Key
    is_view : bool
        Whether the rows are not kept as they are, but made.
    utype : str
    """

    table: Table
    make: Callable[[Keep, Collection[str]], Node] = field(repr=False)
    of_object: frozenset[str] = frozenset()
    indexed: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    is_view: bool = False
    utype: str = ""

    def node(self, used: Collection[str], keep: Keep = lambda node: node) -> Node:
        """Return the plan of the rows.

        Parameters
        ----------
        used : collection of str
            The columns that are looked at.
        keep : callable
            For conditions on `of_object`.
        """
        return self.make(keep, used)
