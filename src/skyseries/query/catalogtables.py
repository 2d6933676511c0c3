"""The tables that a catalog is: its objects, the epochs of its light curves, its extensions.

What the catalog says of itself (`Catalog.metadata`) names the tables, describes them, and says
which columns their epochs have of the object; else these are its id and its position.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import NamedTuple

import pyarrow as pa

from skyseries.adql import Path
from skyseries.adql.relations import Table
from skyseries.catalog import Catalog, plan
from skyseries.catalog.plan.node import Node
from skyseries.catalog.plan.scan import first_scan
from skyseries.catalog.verbs.associated import opened_pairs
from skyseries.catalog.verbs.extensions import opened_extension
from skyseries.errors import SkyseriesError
from skyseries.hats.association import Association
from skyseries.hats.extension import listed_extensions, read_extension
from skyseries.query.binding import Binding, Keep, Key, Objects
from skyseries.query.mains import with_mains
from skyseries.schema.recognition import find_id
from skyseries.schema.tables import TableInfo

__all__ = ["tables_of_catalog", "tables_of_pairs"]


class _Named(NamedTuple):
    """A catalog under its name in statements."""

    name: Path
    catalog: Catalog

    @property
    def id(self) -> str | None:
        """The column of the ids; None where there is none."""
        try:
            return self.catalog._id_name()
        except SkyseriesError:
            return None

    def beside(self, table: str, *, known: bool) -> Path:
        """Return the name of another table of the catalog, or of its schema."""
        schema, *own = self.name
        return (schema, table) if known or not own else (schema, f"{own[0]}_{table}")

    def keys_of(self, info: TableInfo) -> tuple[Key, ...]:
        """Return the keys of a table; a table without a schema is in that of the catalog."""
        return tuple(
            Key(key.columns, (self.name[0], *key.table.split("."))[-2:], key.to, key.description)
            for key in info.keys
        )


def tables_of_catalog(name: Path, catalog: Catalog) -> Iterator[Binding]:
    """Yield the tables of a catalog.

    Parameters
    ----------
    name : tuple of str
        That of the table of objects, ``("survey",)`` or ``("dp1", "Object")``.
    catalog : Catalog
    """
    held = _Named(name, catalog)
    infos = catalog.metadata.tables.values()
    yield _objects(held, next((info for info in infos if not info.nested), TableInfo("")))
    told = {info.nested: info for info in infos if info.nested}
    there = {name}
    for column in catalog.lightcurve_columns:
        binding = _epochs(held, column, told.get(column))
        there.add(binding.table.name)
        yield binding
    for extension in catalog.extensions:
        if held.beside(extension, known=False) not in there:
            yield _extension(held, extension)


def tables_of_pairs(
    name: Path, association: Association, homes: Mapping[str, Path]
) -> Iterator[Binding]:
    """Yield the table of an association.

    Parameters
    ----------
    name : tuple of str
    association : Association
    homes : mapping of str to tuple of str
        The tables of objects, by the folders of their catalogs.
    """
    catalog = opened_pairs(association, Catalog)
    links = (association.primary, association.join)
    keys = tuple(
        Key((link.column,), homes[link.catalog], (link.key,))
        for link in links
        if link.catalog in homes
    )
    text = f"pairs of {links[0].catalog} and {links[1].catalog}"
    table = Table(name, _without_cells(catalog), text)
    yield Binding(table, lambda keep, _, first: keep(first(catalog._node)), keys=keys)


def _objects(held: _Named, info: TableInfo) -> Binding:
    catalog = held.catalog
    text = info.description or info.title or catalog.metadata.description
    place = catalog._node.position or ()
    indexed = (*((held.id,) if held.id else ()), *place)
    id = held.id or find_id(catalog.columns)
    table = Table(held.name, with_mains(_without_cells(catalog), id, place), text)
    return Binding(
        table,
        lambda keep, _, first: keep(first(catalog._node)),
        indexed=indexed,
        keys=held.keys_of(info),
        utype=info.utype,
        objects=None if held.id is None else Objects(catalog, held.id),
        catalog=catalog,
    )


def _without_cells(catalog: Catalog) -> pa.Schema:
    """Return the columns but for the one that rows are filed by, which says nothing of them."""
    scan = first_scan(catalog._node)
    cells = None if scan is None else scan.dataset.healpix_column
    return pa.schema([f for f in catalog.schema if f.name != cells], catalog.schema.metadata)


def _epochs(held: _Named, column: str, told: TableInfo | None) -> Binding:
    info = told or TableInfo(column)
    name = held.beside(info.name, known=told is not None)
    catalog = held.catalog
    given = dict(info.from_object) or _of_object(held, column)
    kept = {new: old for new, old in given.items() if old in catalog.columns}

    def make(keep: Keep, used: Collection[str], first: Keep) -> Node:
        node = first(catalog._node)
        node = plan.Select(node, tuple(dict.fromkeys([*kept.values(), column])))
        if any(new != old for new, old in kept.items()):
            pairs = (*((old, new) for new, old in kept.items()), (column, column))
            node = plan.Rename(node, plan.Renamed(pairs))
        return plan.Unnest(keep(node), column, tuple(kept), used=tuple(used))

    keys = held.keys_of(info)
    own = [new for new, old in kept.items() if old == held.id]
    if own and not any(key.columns == (own[0],) for key in keys):
        keys = (*keys, Key((own[0],), held.name, (str(held.id),)))
    node = make(lambda node: node, (), lambda node: node)
    text = info.description or info.title or f"the epochs of {column}, a row each"
    return Binding(
        Table(name, with_mains(node.schema, None, node.position or ()), text),
        make,
        frozenset(kept),
        (*own, *(node.position or ())),
        keys,
        is_view=True,
        utype=info.utype,
        objects=Objects(catalog, own[0], kept) if own else None,
    )


def _of_object(held: _Named, column: str) -> dict[str, str]:
    """Return the columns of an object that each of its epochs gets: its id, its position.

    Where the catalog does not say what its ids are, they are a column that is called so usually.
    """
    fields = {child.name.lower() for child in held.catalog.schema.field(column).type}
    place = held.catalog._node.position or ()
    if any(name.lower() in fields for name in place):  # no half of a position of their own
        place = ()
    wanted = (held.id or find_id(held.catalog.columns), *place)
    return {name: name for name in wanted if name is not None and name.lower() not in fields}


def _extension(held: _Named, extension: str) -> Binding:
    info, _ = read_extension(listed_extensions(held.catalog._root)[extension])

    @cache
    def data() -> Catalog:
        return opened_extension(held.catalog, extension)[2]

    text = f"more columns of {'.'.join(held.name)}: the extension {extension}"
    name = held.beside(extension, known=False)
    return Binding(
        Table(name, lambda: _without_cells(data()), text),
        lambda keep, _, first: keep(first(data()._node)),
        indexed=(info.key,),
        keys=(Key((info.key,), held.name, (info.primary_key,)),),
    )
