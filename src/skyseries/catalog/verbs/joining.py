"""How the other side of a join is found: the cheapest way that loses no row."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from skyseries.catalog import plan
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.lineage import known_index
from skyseries.catalog.plan.node import Hints, Node
from skyseries.catalog.plan.scan import Scan, first_scan
from skyseries.config import tuning
from skyseries.hats.statistics import read_statistics
from skyseries.schema import honest
from skyseries.tables import to_table

__all__ = ["Other", "brought", "found_by_key"]

_UNKNOWN_ROW_BYTES = 16.0
"""Of a column whose size is not recorded."""

Other = Any
"""A catalog (`CatalogBase`) or an Arrow table; pyarrow has no types to say so."""


def other_side(other: Any) -> Other:
    """Return the other side of a join: a catalog, or any table as an Arrow one."""
    return other if isinstance(other, CatalogBase) else honest(to_table(other))


def found_by_key(other: Other, key: str) -> plan.Partners:
    """Return the rows of the other side by their keys.

    A small side is given to every task. Else its id index is used; and where it has none, one is
    made from its keys.
    """
    small = _small(other, key)
    if small is not None:
        return small
    assert isinstance(other, CatalogBase)  # noqa: S101 - a table is given to every task
    return _indexed(other, key) or plan.Indexed.temporary(other._node, key, other.name)


def brought(
    left: CatalogBase,
    left_key: str,
    other: Other,
    key: str,
    *,
    within_arcsec: float | None = None,
    orphans: plan.OnOrphans = "warn",
) -> plan.Partners:
    """Return the rows of the other side brought to those of the left one, where these are many.

    Parameters
    ----------
    left : CatalogBase
    left_key : str
    other : CatalogBase or Table
    key : str
    within_arcsec : float, optional
        Rows with one key are no farther apart than this; so they need not be brought.
    orphans : {"warn", "ignore", "raise"}
    """
    found_index = known_index(left._node, left_key, cells=True)
    index = None if found_index is None else (found_index.root, found_index.column)
    side = (left._node, left_key)
    if index is None and left._node.filters and orphans == "warn":
        orphans = "ignore"  # whose they are cannot be told: the left side has left out rows
    small = _small(other, key)
    found = small or _indexed(other, key)
    if within_arcsec is not None and small is None:
        found = plan.Nearby(other._node, key, other.name, within_arcsec)
    if found is None:
        return plan.Shuffled.of(
            other._node, key, other.name, left=side, index=index, orphans=orphans
        )
    if orphans == "raise" or (orphans == "warn" and small is not None and index is not None):
        rows = other._node if isinstance(other, CatalogBase) else other
        return plan.Watched.of(found, (rows, key, _name(other)), side, index, orphans)
    return found


def _name(other: Other) -> str:
    return other.name if isinstance(other, CatalogBase) else "the table"


def _small(other: Other, key: str) -> plan.Partners | None:
    if isinstance(other, pa.Table):
        return plan.Everything.of(other, key, _name(other))
    if first_scan(other._node) is None or _size(other._node) <= tuning().small_side_bytes:
        return plan.Broadcast.of(other._node, key, other.name)
    return None


def _indexed(other: CatalogBase, key: str) -> plan.Indexed | None:
    index = known_index(other._node, key)
    if index is None:
        return None
    return plan.Indexed(other._node, key, other.name, index.root, index.column)


def _size(node: Node) -> float:
    """Return about how many bytes the result of a plan has in memory, rather too many."""
    size = 0.0
    for scan, columns in node.demand(node.schema.names):
        size += _scan_bytes(scan, columns)
    first = first_scan(node)
    assert first is not None  # noqa: S101 - tables in memory are not measured
    all_rows = first.pieces(Hints())[0].weight.sum()
    wanted = node.pieces(Hints())[0].weight.sum()
    return size * min(float(wanted / all_rows), 1.0) if all_rows else size


def _scan_bytes(scan: Scan, columns: list[str]) -> float:
    statistics = read_statistics(scan.dataset)
    if statistics is not None:
        # what is recorded is still encoded; plain values are a few times that
        plain = sum(
            float(scan.dataset.field(name).type.bit_width) / 8
            for name in columns
            if pa.types.is_primitive(scan.dataset.field(name).type)
        )
        encoded = float(statistics.memory_bytes(columns).sum())
        return max(encoded, plain * float(statistics.rows.sum()))
    nested = any(pa.types.is_nested(scan.dataset.field(name).type) for name in columns)
    rows = scan.dataset.rows
    return float("inf") if rows is None or nested else rows * _UNKNOWN_ROW_BYTES * len(columns)
