"""Associations written from the pairs of a plan."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import pyarrow as pa

from skyseries.arraytypes import Ints
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.lineage import Home, home_of
from skyseries.catalog.plan.node import Area, Hints, Node
from skyseries.catalog.plan.pairs import Rename, Renamed
from skyseries.catalog.plan.steps import Select
from skyseries.catalog.run.run import prepare
from skyseries.catalog.write.writing import LeafTask, leaf_tasks, writing_tasks
from skyseries.errors import InputError
from skyseries.executors import Job
from skyseries.hats.association import (
    DISTANCE,
    Link,
    association_properties,
    check_replaced,
    column_of,
)
from skyseries.hats.build.assemble import assemble
from skyseries.hats.build.blueprint import Blueprint
from skyseries.hats.build.edition import new_folder
from skyseries.hats.collection import version_in
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.names import check_catalog_name
from skyseries.lazy import pc
from skyseries.spatial.order import argsort
from skyseries.store.files import Location

__all__ = ["AssociationWritten", "write_association"]


class AssociationWritten(NamedTuple):
    """What was written."""

    path: str
    rows: int
    partitions: int
    primary: Link
    join: Link


def write_association(
    held: CatalogBase,
    ids: tuple[str, str],
    path: str | os.PathLike[str],
    name: str,
    overwrite: bool,
    durability: str = "power",
) -> AssociationWritten:
    """Write the pairs of a plan as an association.

    Parameters
    ----------
    held : CatalogBase
    ids : pair of str
        Columns of the result: the ids of the first catalog, and of the other.
    path : path
    name : str
    overwrite : bool
    durability : {"power", "process"}
    """
    check_catalog_name(name)
    left, right = _home(held._node, ids[0], True), _home(held._node, ids[1], False)
    left_key, right_key = left.column, right.column
    primary = Link(
        str(held._root),
        left_key,
        column_of(left.scan.dataset.name, left_key),
        _version_of(left),
    )
    column = column_of(right.scan.dataset.name, right_key)
    column = f"{column}_2" if column == primary.column else column
    join = Link(_collection_of(right.scan.dataset.root), right_key, column, _version_of(right))
    names = [(ids[0], primary.column), (ids[1], join.column)]
    if DISTANCE in held.columns:
        names.append((DISTANCE, DISTANCE))
    node = Rename(Select(held._node, tuple(old for old, _ in names)), Renamed(tuple(names)))
    schema = node.schema.append(pa.field(HPX_COLUMN, pa.int64()))
    check_replaced(path, overwrite)
    with (
        Job("write_association"),
        new_folder(path, name, overwrite=overwrite, durability=durability) as edition,
    ):
        below = edition.content.parent
        blueprint = Blueprint(below, edition.scratch, name, schema, "", "", "association")
        prepare(node)
        tasks = writing_tasks(node, leaf_tasks(node), blueprint, _tables)
        leaves = edition.journal.run("writing pairs", tasks)
        said = partial(association_properties, primary=primary, join=join)
        built = assemble(blueprint, edition.journal, leaves, said)
        edition.place(path, {k.partition("/")[2]: facts for k, facts in built.files.items()})
    return AssociationWritten(str(path), built.rows, built.partitions, primary, join)


def _home(node: Node, column: str, first: bool) -> Home:
    """Return the catalog on disk that the ids of a side are of."""
    home = home_of(node, column)
    if home is None or home.first is not first:
        raise InputError(f"{column!r} is no column of a catalog on disk that the plan joins")
    return home


def _version_of(home: Home) -> str | None:
    """Return the version that a catalog is of, if it has versions."""
    folder = home.scan.dataset.root.parent().name
    return version_in(f"{folder}/")


def _collection_of(root: Location) -> str:
    """Return the collection that a catalog is the current version of, or the catalog."""
    from skyseries.hats.collection import read_collection

    for folder in (root.parent(), root.parent().parent()):
        collection = read_collection(folder)
        if collection is not None and folder.join(collection.primary) == root:
            return str(folder)
    return str(root)


def _tables(node: Node, leaf: LeafTask, _: Blueprint) -> Iterator[pa.Table]:
    """Yield the pairs of a leaf along the sky."""
    for start, stop in leaf.units:
        rows = node.rows(Area.of(start, stop), Hints())
        hpx: Ints = rows.hpx()
        order = argsort(hpx)
        table = node.table(rows.take(order)).append_column(HPX_COLUMN, pa.array(hpx[order]))
        if len(hpx) and hpx[order[0]] < 0:
            raise InputError("rows without a position cannot be filed in an association")
        yield table.filter(pc.and_(*(table.column(i).is_valid() for i in (0, 1))))
