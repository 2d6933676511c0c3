"""Which tables a statement can name, and the plan behind each.

A catalog given as ``survey`` is the table ``survey`` of its objects, light curves nested, and a
table ``survey.lc`` of the epochs of each light-curve column ``lc``; one given as ``dp1.Object`` is
the table ``Object`` of the schema ``dp1``, and its epochs are ``dp1.Object_lc``, if the catalog
does not say how they are called. So it is with extensions. An association is the table of its
pairs. A folder of catalogs and files is a schema.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Self, TypeAlias

import pyarrow as pa

from skyseries.adql import Path
from skyseries.adql.relations import Table, Tables
from skyseries.catalog import Catalog, from_table, open_catalog, plan
from skyseries.errors import CatalogNotFoundError, InputError, SkyseriesError
from skyseries.hats.association import Association, open_association
from skyseries.hats.collection import Collection
from skyseries.hats.dataset import open_primary
from skyseries.query.binding import Binding
from skyseries.query.catalogtables import tables_of_catalog, tables_of_pairs
from skyseries.query.files import File, is_file, stem, tables_of_file
from skyseries.query.tapschema import described
from skyseries.store.files import Location, locate
from skyseries.tables import to_table

__all__ = ["Bindings", "Opened", "bind", "opened"]

Opened: TypeAlias = Catalog | Association | pa.Table | File
"""What a name stands for, once its paths are followed."""


class Bindings:
    """The tables of a statement.

    Parameters
    ----------
    bindings : list of Binding
    """

    def __init__(self, bindings: list[Binding]) -> None:
        self._hold([*bindings, *described(bindings)])

    def _hold(self, bindings: list[Binding]) -> None:
        self._by_name = {binding.table.name: binding for binding in bindings}
        self.tables = Tables(binding.table for binding in bindings)

    def copy(self) -> Self:
        """Return the same for another statement, which may `add` its own tables."""
        copied = type(self).__new__(type(self))
        copied._by_name, copied.tables = dict(self._by_name), self.tables
        return copied

    def extended(self, more: Mapping[str, Any]) -> Self:
        """Return these tables and more, as `bind` takes them, which TAP_SCHEMA does not describe.

        Raises
        ------
        InputError
            If a name is none, is there already, or what it names is no table.
        """
        copied = self.copy()
        found = _found(more)
        there = {_folded(name) for name in copied._by_name}
        for binding in found:
            if _folded(binding.table.name) in there:
                raise InputError(f"there are two tables {binding.table}: rename one")
        copied._hold([*copied._by_name.values(), *found])
        return copied

    def add(self, binding: Binding) -> None:
        """Add a table that a statement cannot name, but that stands for a part of it."""
        self._by_name[binding.table.name] = binding

    def __iter__(self) -> Iterator[Binding]:
        return iter(self._by_name.values())

    def __getitem__(self, table: Table) -> Binding:
        return self._by_name[table.name]

    def catalog_of(self, name: Path) -> Catalog | None:
        """Return the catalog that is a table of objects; None for another table, or none."""
        return self._by_name[name].catalog if name in self._by_name else None


def bind(catalogs: Mapping[str, Any]) -> Bindings:
    """Return the tables of some catalogs.

    Parameters
    ----------
    catalogs : mapping
        From a name, ``survey`` or ``schema.table`` (as ``TAP_UPLOAD.mine``), to a `Catalog`; to a
        table in memory; or to the path of a catalog, of an association, of a file with a table, or
        of a folder of such.

    Raises
    ------
    InputError
        If a name is none, is there twice, or what it names is no table.
    """
    if not isinstance(catalogs, Mapping):
        raise InputError(
            f"catalogs= takes names and catalogs, {{'survey': catalog}}, not {catalogs!r:.60}"
        )
    return Bindings(_found(catalogs))


def _found(catalogs: Mapping[str, Any]) -> list[Binding]:
    """Return the tables of some catalogs; each name is there once, whatever its case."""
    every = dict(pair for key, given in catalogs.items() for pair in opened(key, given))
    homes = {str(c._root): name for name, c in every.items() if isinstance(c, Catalog)}
    found: dict[Path, Binding] = {}
    for name, one in every.items():
        for binding in _bindings(name, one, homes):
            folded = _folded(binding.table.name)
            if folded[0] == "tap_schema":
                raise InputError("tap_schema describes all tables: give yours another name")
            if folded in found:
                raise InputError(f"there are two tables {binding.table}: rename one in catalogs=")
            found[folded] = replace(binding, home=name)
    return list(found.values())


def _folded(name: Path) -> Path:
    return tuple(part.lower() for part in name)


def _parts(key: Any) -> Path:
    parts = tuple(key.split(".")) if isinstance(key, str) else ()
    if not 1 <= len(parts) <= 2 or not all(parts):
        raise InputError(f"a table is called 'name' or 'schema.name', not {key!r}")
    return parts


def opened(key: str, given: Any) -> Iterator[tuple[Path, Opened]]:
    """Yield what a user gives, under the name of its table; of a folder, each table in it.

    Parameters
    ----------
    key : str
        ``survey`` or ``schema.table``.
    given
        As a value of `bind`; what is opened already is yielded as it is.
    """
    name = _parts(key)
    if isinstance(given, Catalog | Association | File):
        yield name, given
    elif isinstance(given, str | os.PathLike):
        yield from _at(name, os.fspath(given))
    else:
        yield name, to_table(given, ".".join(name))


def _at(name: Path, path: str) -> Iterator[tuple[Path, Opened]]:
    if is_file(path):
        yield name, File(path)
        return
    root = locate(path)
    try:
        dataset = open_primary(root)
    except CatalogNotFoundError:
        inside = list(_inside(name, path))
        if not inside:
            raise
        yield from inside
        return
    yield name, open_association(root) if dataset.kind == "association" else open_catalog(path)


def _inside(name: Path, path: str) -> Iterator[tuple[Path, Opened]]:
    """Yield the tables of a folder of them; none where it is something else."""
    folder = pathlib.Path(path)
    if len(name) > 1 or not folder.is_dir():
        return
    for each in sorted(folder.iterdir()):
        if each.is_dir() and not each.name.startswith((".", "_")):
            try:
                yield from _at((name[0], each.name), str(each))
            except CatalogNotFoundError:
                continue
        elif (own := stem(each.name)) and not each.name.startswith((".", "_")):
            yield (name[0], own), File(str(each))


def _bindings(name: Path, given: Opened, homes: Mapping[str, Path]) -> Iterable[Binding]:
    if isinstance(given, Catalog):
        return tables_of_catalog(name, given)
    if isinstance(given, Association):
        return tables_of_pairs(name, given, homes)
    if isinstance(given, File):
        return tables_of_file(given, lambda rows: tables_of_catalog(name, _in_memory(name, rows)))
    return tables_of_catalog(name, _in_memory(name, given))


def _in_memory(name: Path, table: pa.Table) -> Catalog:
    said = ".".join(name)
    try:
        return from_table(table, name=said)
    except SkyseriesError:  # no positions that can be found
        node = plan.Memory.unplaced(to_table(table, said), said)
        return Catalog(node, Location(said, "memory"), Collection(said, ""))
