"""Associations in plans: used to join, and written from the pairs of a plan."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyseries.arraytypes import Ints
from skyseries.catalog.held import Held
from skyseries.catalog.joining import Other, found_by_key
from skyseries.catalog.names import check_columns
from skyseries.catalog.node import Area, Hints, Node
from skyseries.catalog.nodes.join import Join
from skyseries.catalog.nodes.lineage import Home, home_of
from skyseries.catalog.nodes.memory import Memory
from skyseries.catalog.nodes.pairs import Rename, Renamed, no_clash, renamed
from skyseries.catalog.nodes.scan import Scan
from skyseries.catalog.nodes.steps import Select
from skyseries.catalog.running import prepare
from skyseries.catalog.writing import LeafTask, leaf_tasks, shared_out
from skyseries.errors import InputError, SchemaError
from skyseries.executors import Task, run_tasks
from skyseries.hats.association import (
    DISTANCE,
    Association,
    Link,
    column_of,
    new_folder,
    open_association,
    write_association_folder,
)
from skyseries.hats.collection import Collection
from skyseries.hats.facts import LeafFacts
from skyseries.hats.files import Location, locate
from skyseries.hats.keys import check_keys
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.leaf_stream import write_leaf
from skyseries.hats.names import check_catalog_name
from skyseries.spatial.healpix import HPX_ORDER
from skyseries.spatial.order import argsort

__all__ = ["AssociationWritten", "associated", "write_association"]


class AssociationWritten(NamedTuple):
    """What was written."""

    path: str
    rows: int
    partitions: int
    primary: Link
    join: Link


def associated(
    left: Held, right: Other, through: str | os.PathLike[str], suffix: str
) -> tuple[Other, tuple[str, str]]:
    """Return the other side of a join, each row under the ids of the left rows it belongs to.

    Parameters
    ----------
    left : Held
    right : Held or Table
    through : path
        The association.
    suffix : str
        Of right columns that an association column has the name of.

    Returns
    -------
    right : Held or Table
    keys : pair of str
        Left column of the ids, and the column of the other side that holds them.
    """
    association = open_association(locate(through))
    first, second = association.primary, association.join
    check_columns([first.key], left.schema)
    check_columns([second.key], right.schema)
    if not association.has_pairs:
        return right, (first.key, second.key)
    pairs = _pairs(association, first.key, second.column)
    check_keys(left.schema.field(first.key), pairs.schema.field(first.key))
    check_keys(pairs.schema.field(_JOIN_KEY), right.schema.field(second.key))
    hidden = [HPX_COLUMN]
    right_names = renamed(right.schema, suffix, pairs.schema.names, hidden)
    left_names = Renamed(tuple((n, n) for n in pairs.schema.names if n not in (_JOIN_KEY, *hidden)))
    no_clash(left_names, right_names)
    node = Join(pairs, found_by_key(right, second.key), _JOIN_KEY, "inner", left_names, right_names)
    name = right.name if isinstance(right, Held) else "other"
    fields = {}
    if isinstance(right, Held):
        known = right._known_fields()
        fields = {new: known[old] for old, new in right_names.pairs if old in known}
    root = association.dataset.root
    return type(left)(node, root, Collection(name, ""), fields), (first.key, first.key)


_JOIN_KEY = "#join"


def _pairs(association: Association, key: str, join_column: str) -> Node:
    """Return the rows of an association; the ids of the left side as the left side calls them."""
    dataset = association.dataset
    placed = dataset.healpix_column is not None and dataset.healpix_order == HPX_ORDER
    node: Node = Scan(dataset) if placed else _in_memory(association)
    names = {association.primary.column: key, join_column: _JOIN_KEY}
    if join_column == association.primary.column:
        raise SchemaError(f"the association {dataset.root} has one column for both ids")
    others = [n for n in dataset.schema.names if n not in names and n != key]
    kept = [*names, *others]
    pairs = tuple((name, names.get(name, name)) for name in kept)
    return Rename(Select(node, tuple(kept)), Renamed(pairs))


def _in_memory(association: Association) -> Node:
    """Return the rows of an association that does not say where they are."""
    dataset = association.dataset
    tables = [dataset.read(cell) for cell in dataset.partitions]
    table = pa.concat_tables([dataset.schema.empty_table(), *tables]).combine_chunks()
    return unplaced(table, dataset.name)


def unplaced(table: pa.Table, name: str) -> Memory:
    """Return a table without positions as a node."""
    nowhere = np.full(table.num_rows, np.nan)
    return Memory(name, table, ("", ""), nowhere, nowhere, np.full(table.num_rows, -1, np.int64))


def write_association(
    held: Held, ids: tuple[str, str], path: str | os.PathLike[str], name: str, overwrite: bool
) -> AssociationWritten:
    """Write the pairs of a plan as an association.

    Parameters
    ----------
    held : Held
    ids : pair of str
        Columns of the result: the ids of the first catalog, and of the other.
    path : path
    name : str
    overwrite : bool
    """
    check_catalog_name(name)
    left, right = _home(held._node, ids[0], True), _home(held._node, ids[1], False)
    left_key, right_key = left.column, right.column
    primary = Link(str(held._root), left_key, column_of(left.scan.dataset.name, left_key))
    column = column_of(right.scan.dataset.name, right_key)
    column = f"{column}_2" if column == primary.column else column
    join = Link(_collection_of(right.scan.dataset.root), right_key, column)
    names = [(ids[0], primary.column), (ids[1], join.column)]
    if DISTANCE in held.columns:
        names.append((DISTANCE, DISTANCE))
    node = Rename(Select(held._node, tuple(old for old, _ in names)), Renamed(tuple(names)))
    schema = node.schema.append(pa.field(HPX_COLUMN, pa.int64()))
    with new_folder(path, overwrite) as root:
        write = partial(_write_leaves, schema=schema, root=root)
        facts = write_association_folder(
            root, schema, _run(node, write), name=name, primary=primary, join=join
        )
    return AssociationWritten(str(path), facts.rows, len(facts.partitions), primary, join)


def _home(node: Node, column: str, first: bool) -> Home:
    """Return the catalog on disk that the ids of a side are of."""
    home = home_of(node, column)
    if home is None or home.first is not first:
        raise InputError(f"{column!r} is no column of a catalog on disk that the plan joins")
    return home


def _collection_of(root: Location) -> str:
    """Return the collection that a catalog is the current version of, or the catalog."""
    from skyseries.hats.collection import read_collection

    for folder in (root.parent(), root.parent().parent()):
        collection = read_collection(folder)
        if collection is not None and folder.join(collection.primary) == root:
            return str(folder)
    return str(root)


def _run(node: Node, write: partial[list[LeafFacts]]) -> Iterator[LeafFacts]:
    prepare(node)
    tasks = []
    for leaves in shared_out(leaf_tasks(node)):
        area = Area.of(leaves[0].units[0][0], leaves[-1].units[-1][1])
        weight = sum(leaf.weight for leaf in leaves)
        tasks.append(
            Task(write, (node.narrow(area), tuple(leaves)), weight, f"leaf {leaves[0].cell}")
        )
    for _, facts in run_tasks("writing pairs", tasks):
        yield from facts


def _write_leaves(
    node: Node, leaves: Sequence[LeafTask], *, schema: pa.Schema, root: Path
) -> list[LeafFacts]:
    return [write_leaf(root, leaf.cell, schema, _tables(node, leaf)) for leaf in leaves]


def _tables(node: Node, leaf: LeafTask) -> Iterator[pa.Table]:
    """Yield the pairs of a leaf along the sky."""
    for start, stop in leaf.units:
        rows = node.rows(Area.of(start, stop), Hints())
        hpx: Ints = rows.hpx()
        order = argsort(hpx)
        table = node.table(rows.take(order)).append_column(HPX_COLUMN, pa.array(hpx[order]))
        if len(hpx) and hpx[order[0]] < 0:
            raise InputError("rows without a position cannot be filed in an association")
        yield table.filter(pc.and_(*(table.column(i).is_valid() for i in (0, 1))))
