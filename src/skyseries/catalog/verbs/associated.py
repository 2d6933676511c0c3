"""Associations used: the other side of a join, each row under the ids of the left rows."""

from __future__ import annotations

import os
from typing import TypeVar

import pyarrow as pa

from skyseries.catalog import plan
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.names import check_columns
from skyseries.catalog.plan.node import Node
from skyseries.catalog.plan.scan import Scan
from skyseries.catalog.verbs.joining import Other, found_by_key
from skyseries.errors import SchemaError
from skyseries.hats.association import Association, open_association
from skyseries.hats.collection import Collection
from skyseries.hats.keys import check_keys
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.spatial.healpix import HPX_ORDER
from skyseries.store.files import locate
from skyseries.warn import warn_user

__all__ = ["associated", "opened_pairs"]

C = TypeVar("C", bound=CatalogBase)


def associated(
    left: CatalogBase, right: Other, through: str | os.PathLike[str], suffix: str
) -> tuple[Other, tuple[str, str]]:
    """Return the other side of a join, each row under the ids of the left rows it belongs to.

    Parameters
    ----------
    left : CatalogBase
    right : CatalogBase or Table
    through : path
        The association.
    suffix : str
        Of right columns that an association column has the name of.

    Returns
    -------
    right : CatalogBase or Table
    keys : pair of str
        Left column of the ids, and the column of the other side that holds them.
    """
    association = open_association(locate(through))
    first, second = association.primary, association.join
    check_columns([first.key], left.schema)
    check_columns([second.key], right.schema)
    _warn_if_stale(association, (left, right))
    if not association.has_pairs:
        return right, (first.key, second.key)
    pairs = _pairs(association, first.key, second.column)
    check_keys(left.schema.field(first.key), pairs.schema.field(first.key))
    check_keys(pairs.schema.field(_JOIN_KEY), right.schema.field(second.key))
    hidden = [HPX_COLUMN]
    right_names = plan.renamed(right.schema, suffix, pairs.schema.names, hidden)
    left_names = plan.Renamed(
        tuple((n, n) for n in pairs.schema.names if n not in (_JOIN_KEY, *hidden))
    )
    plan.no_clash(left_names, right_names)
    node = plan.Join(
        pairs, found_by_key(right, second.key), _JOIN_KEY, "inner", left_names, right_names
    )
    name = right.name if isinstance(right, CatalogBase) else "other"
    fields = {}
    if isinstance(right, CatalogBase):
        known = right._known_fields()
        fields = {new: known[old] for old, new in right_names.pairs if old in known}
    root = association.dataset.root
    return type(left)(node, root, Collection(name, ""), fields), (first.key, first.key)


def _warn_if_stale(association: Association, sides: tuple[Other, Other]) -> None:
    """Warn if a catalog has another version than the one whose ids were paired."""
    for link, side in zip((association.primary, association.join), sides, strict=True):
        if not isinstance(side, CatalogBase):
            continue
        now, root = side._collection.version, str(side._root)
        same = link.catalog == root or link.catalog.startswith(f"{root}/")
        if same and None not in (now, link.version) and now != link.version:
            warn_user(
                f"the association {association.dataset.name!r} was made from {link.version} of "
                f"{side.name}, and this is {now}: rows that are new have no partners in it; "
                "write_association(..., overwrite=True) makes it anew"
            )


_JOIN_KEY = "#join"


def opened_pairs(association: Association, kind: type[C]) -> C:
    """Return the rows of an association as a catalog.

    Parameters
    ----------
    association : Association
    kind : type
        The class of catalogs.
    """
    dataset = association.dataset
    node = Scan(dataset) if _is_placed(association) else _in_memory(association)
    return kind(node, dataset.root, Collection(dataset.name, ""))


def _is_placed(association: Association) -> bool:
    dataset = association.dataset
    return dataset.healpix_column is not None and dataset.healpix_order == HPX_ORDER


def _pairs(association: Association, key: str, join_column: str) -> Node:
    """Return the rows of an association; the ids of the left side as the left side calls them."""
    dataset = association.dataset
    node: Node = Scan(dataset) if _is_placed(association) else _in_memory(association)
    names = {association.primary.column: key, join_column: _JOIN_KEY}
    if join_column == association.primary.column:
        raise SchemaError(f"the association {dataset.root} has one column for both ids")
    others = [n for n in dataset.schema.names if n not in names and n != key]
    kept = [*names, *others]
    pairs = tuple((name, names.get(name, name)) for name in kept)
    return plan.Rename(plan.Select(node, tuple(kept)), plan.Renamed(pairs))


def _in_memory(association: Association) -> Node:
    """Return the rows of an association that does not say where they are."""
    dataset = association.dataset
    tables = [dataset.read(cell) for cell in dataset.partitions]
    table = pa.concat_tables([dataset.schema.empty_table(), *tables]).combine_chunks()
    return plan.Memory.unplaced(table, dataset.name)
