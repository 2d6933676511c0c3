"""A table that statements can name, with the plan behind it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skyseries.adql import Path
from skyseries.adql.relations import Table
from skyseries.catalog.plan.node import Node

if TYPE_CHECKING:
    from skyseries.catalog import Catalog

__all__ = ["Binding", "Keep", "Key", "Objects"]

Keep = Callable[[Node], Node]
"""What leaves out rows of a plan."""


@dataclass(frozen=True)
class Key:
    """Columns whose values are ids of the rows of another table."""

    columns: tuple[str, ...]
    table: Path
    to: tuple[str, ...]
    description: str = ""


@dataclass(frozen=True, eq=False)
class Objects:
    """The objects whose rows, or whose epochs, a table has.

    Parameters
    ----------
    catalog : object
        The same one for all tables of the objects.
    id : str
        The column of their ids.
    names : mapping of str to str, optional
        From columns of the table to those of the objects; None: they are the same.
    """

    catalog: object = field(repr=False)
    id: str
    names: Mapping[str, str] | None = None

    def of_object(self, column: str) -> str | None:
        """Return the column of the objects behind one of the table."""
        return column if self.names is None else self.names.get(column)


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
    objects : Objects, optional
        What has its epochs in other tables too, or its epochs here.
    catalog : Catalog, optional
        Of a table of objects: what says which field of its light curves is what.
    home : tuple of str
        The name under which what it belongs to was given.
    """

    table: Table
    make: Callable[[Keep, Collection[str], Keep], Node] = field(repr=False)
    of_object: frozenset[str] = frozenset()
    indexed: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    is_view: bool = False
    utype: str = ""
    objects: Objects | None = None
    catalog: Catalog | None = field(default=None, repr=False)
    home: Path = ()

    def node(
        self, used: Collection[str], keep: Keep = lambda node: node, first: Keep = lambda node: node
    ) -> Node:
        """Return the plan of the rows.

        Parameters
        ----------
        used : collection of str
            The columns that are looked at.
        keep : callable
            For conditions on `of_object`.
        first : callable
            For conditions on the columns of `objects`.
        """
        return self.make(keep, used, first)
