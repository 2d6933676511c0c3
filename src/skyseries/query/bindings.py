"""Which tables a statement can name, and the plan behind each.

A catalog given as ``survey`` is the table ``survey`` of its objects, light curves nested, and a
table ``survey.lc`` of the epochs of each light-curve column ``lc``; one given as ``dp1.Object`` is
the table ``Object`` of the schema ``dp1``, and its epochs are ``dp1.Object_lc``. So it is with
extensions. An association is the table of its pairs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import pyarrow as pa

from skyseries.adql import Path
from skyseries.adql.relations import Table, Tables
from skyseries.catalog import Catalog, open_catalog, plan
from skyseries.catalog.plan.scan import first_scan
from skyseries.catalog.verbs.associated import opened_pairs
from skyseries.catalog.verbs.extensions import opened_extension
from skyseries.errors import InputError, SkyseriesError
from skyseries.hats.association import Association, open_association
from skyseries.hats.collection import read_collection
from skyseries.hats.dataset import open_dataset
from skyseries.hats.extension import listed_extensions, read_extension
from skyseries.query.binding import Binding
from skyseries.query.tapschema import described
from skyseries.store.files import locate

__all__ = ["Bindings", "bind"]


class Bindings:
    """The tables of a statement.

    Parameters
    ----------
    bindings : sequence of Binding
    """

    def __init__(self, bindings: list[Binding]) -> None:
        named = [*bindings, *described(bindings)]
        self._by_name = {binding.table.name: binding for binding in named}
        self.tables = Tables(binding.table for binding in named)

    def __getitem__(self, table: Table) -> Binding:
        return self._by_name[table.name]


def bind(catalogs: Mapping[str, Any]) -> Bindings:
    """Return the tables of some catalogs.

    Parameters
    ----------
    catalogs : mapping
        From a name, ``survey`` or ``schema.table``, to a `Catalog`, or the path of one or of an
        association.

    Raises
    ------
    InputError
        If a name is none, is there twice, or what it names is no catalog.
    """
    if not isinstance(catalogs, Mapping):
        raise InputError(
            f"catalogs= takes names and catalogs, {{'survey': catalog}}, not {catalogs!r:.60}"
        )
    opened = {_parts(key): _opened(key, given) for key, given in catalogs.items()}
    homes = {
        str(catalog._root): name for name, catalog in opened.items() if isinstance(catalog, Catalog)
    }
    found: dict[Path, Binding] = {}
    for name, catalog in opened.items():
        made = (
            _of_catalog(name, catalog)
            if isinstance(catalog, Catalog)
            else [_of_pairs(name, catalog, homes)]
        )
        for binding in made:
            folded = tuple(part.lower() for part in binding.table.name)
            if folded in found or folded[0] == "tap_schema":
                raise InputError(f"there are two tables {binding.table}: rename one in catalogs=")
            found[folded] = binding
    return Bindings(list(found.values()))


def _parts(key: Any) -> Path:
    parts = tuple(key.split(".")) if isinstance(key, str) else ()
    if not 1 <= len(parts) <= 2 or not all(parts):
        raise InputError(f"a table is called 'name' or 'schema.name', not {key!r}")
    return parts


def _opened(key: str, given: Any) -> Catalog | Association:
    if isinstance(given, Catalog):
        return given
    if not isinstance(given, str | os.PathLike):
        raise InputError(f"{key!r} is no catalog, and no path of one: {given!r:.60}")
    root = locate(given)
    collection = read_collection(root)
    dataset = open_dataset(root if collection is None else root.join(collection.primary))
    return open_association(root) if dataset.kind == "association" else open_catalog(given)


def _of_catalog(name: Path, catalog: Catalog) -> list[Binding]:
    """Return the table of objects, those of their epochs, and those of extensions."""
    key = _id_of(catalog)
    found = [Binding(Table(name, _without_cells(catalog)), lambda: catalog._node, _some(key))]
    found += [
        _of_epochs(_beside(name, column), name, catalog, column)
        for column in catalog.lightcurve_columns
    ]
    there = {binding.table.name for binding in found}
    found += [
        _of_extension(_beside(name, extension), name, catalog, extension)
        for extension in catalog.extensions
        if _beside(name, extension) not in there
    ]
    return found


def _beside(name: Path, other: str) -> Path:
    """Return the name of a table that belongs to another one."""
    return (name[0], other) if len(name) == 1 else (name[0], f"{name[1]}_{other}")


def _without_cells(catalog: Catalog) -> pa.Schema:
    """Return the columns but for the one that rows are filed by, which says nothing of them."""
    scan = first_scan(catalog._node)
    cells = None if scan is None else scan.dataset.healpix_column
    return pa.schema([f for f in catalog.schema if f.name != cells], catalog.schema.metadata)


def _of_epochs(name: Path, objects: Path, catalog: Catalog, column: str) -> Binding:
    kept = _columns_of_objects(catalog, column)
    node = plan.Unnest(catalog._node, column, kept)
    text = f"the epochs of {column} of {'.'.join(objects)}, a row each"
    key = _id_of(catalog)
    keys = {key: (objects, key)} if key is not None and key in kept else {}
    return Binding(Table(name, node.schema, text), lambda: node, _some(key), frozenset(kept), keys)


def _columns_of_objects(catalog: Catalog, column: str) -> Path:
    """Return the columns of an object that each of its epochs gets: its id, its position."""
    fields = {child.name.lower() for child in catalog.schema.field(column).type}
    wanted = [_id_of(catalog), *(catalog._node.position or ())]
    return tuple(dict.fromkeys(n for n in wanted if n is not None and n.lower() not in fields))


def _of_extension(name: Path, objects: Path, catalog: Catalog, extension: str) -> Binding:
    said = listed_extensions(catalog._root)[extension]
    info, _ = read_extension(said)

    @cache
    def data() -> Catalog:
        return opened_extension(catalog, extension)[2]

    text = f"more columns of {'.'.join(objects)}: the extension {extension}"
    table = Table(name, lambda: _without_cells(data()), text)
    keys = {info.key: (objects, info.primary_key)}
    return Binding(table, lambda: data()._node, (info.key,), keys=keys)


def _of_pairs(name: Path, association: Association, homes: Mapping[str, Path]) -> Binding:
    catalog = opened_pairs(association, Catalog)
    keys = {
        link.column: (homes[link.catalog], link.key)
        for link in (association.primary, association.join)
        if link.catalog in homes
    }
    text = f"pairs of {association.primary.catalog} and {association.join.catalog}"
    return Binding(Table(name, _without_cells(catalog), text), lambda: catalog._node, keys=keys)


def _some(key: str | None) -> tuple[str, ...]:
    return () if key is None else (key,)


def _id_of(catalog: Catalog) -> str | None:
    try:
        return catalog._id_name()
    except SkyseriesError:
        return None
