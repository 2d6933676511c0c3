"""Indexes from keys to where rows are filed: that of a collection, or one made for a plan."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pyarrow as pa

from skyseries.catalog.division import Unit
from skyseries.catalog.ids import index_of
from skyseries.catalog.node import Hints, Node
from skyseries.catalog.nodes.epochs import EpochStep
from skyseries.catalog.nodes.expressions import Assign, Filter
from skyseries.catalog.nodes.ids import IdSearch
from skyseries.catalog.nodes.pairs import Rename, Renamed
from skyseries.catalog.nodes.scan import Scan
from skyseries.catalog.nodes.steps import Append, Search, Select
from skyseries.catalog.running import run_units
from skyseries.errors import CatalogError
from skyseries.executors import Task, current_executor
from skyseries.hats.collection import Collection
from skyseries.hats.dataset import open_dataset
from skyseries.hats.files import Location
from skyseries.hats.idindex import open_index
from skyseries.hats.index_build import index_entries, index_ranges, write_index_part
from skyseries.hats.keys import plain
from skyseries.hats.partitions import Cell
from skyseries.hats.publish import write_index_folder
from skyseries.hats.runs import Run, write_run
from skyseries.hats.statistics import recorded_rows
from skyseries.spatial.healpix import HPX_ORDER

__all__ = ["INDEX_KEY", "build_key_index", "known_index", "origin"]

INDEX_KEY = "key"
"""What the key is called in an index that is made for a plan."""

_SAME_COLUMNS = (Select, Search, Filter, IdSearch, EpochStep)


def origin(node: Node, column: str) -> tuple[Scan, str] | None:
    """Return the catalog on disk that gives a column and the positions, and its name there.

    None if the column is computed, or comes from elsewhere.
    """
    while not isinstance(node, Scan):
        if isinstance(node, Rename):
            old = node.names.source(column)
        elif isinstance(names := getattr(node, "left_names", None), Renamed):  # a match or a join
            old = names.source(column)
        elif isinstance(node, Append):
            old = None if column in node.columns.names else column
        elif isinstance(node, Assign):
            old = None if column in [made.name for made in node.columns] else column
        else:
            old = column if isinstance(node, _SAME_COLUMNS) else None
        if old is None:
            return None
        node, column = node.children[0], old
    return (node, column) if column in node.schema.names else None


def known_index(
    node: Node, column: str, root: Location, collection: Collection, *, cells: bool = False
) -> tuple[Location, str] | None:
    """Return the index of a column in its collection, if all rows are in it.

    Parameters
    ----------
    node : Node
    column : str
        Of the result of the node.
    root : Location
    collection : Collection
        Those of the first catalog of the node.
    cells : bool
        Whether the index must hold the cell under which each row is filed.

    Returns
    -------
    index, column : Location and str
        The column as the index has it. None: there is no index, or it may lack rows.
    """
    found = origin(node, column)
    if found is None:
        return None
    scan, name = found
    index = index_of(root, collection, name)
    if index is None:
        return None
    try:
        whole = open_dataset(index).rows == recorded_rows(scan.dataset) is not None
        opened = open_index(index, name)
    except CatalogError:
        return None  # a broken index costs time, not rows
    filed = scan.dataset.healpix_column is not None and scan.dataset.healpix_order == HPX_ORDER
    if not whole or (cells and not (filed and opened.has_cells)):
        return None
    return index, name


def build_key_index(node: Node, column: str, folder: Path) -> Location:
    """Write an index of a column of the result of a plan, on the engine that holds."""
    root, runs_folder = folder / "index", folder / "runs"
    part = partial(_run_of_unit, column=column, folder=runs_folder)
    found = sorted((place, run) for place, run in run_units(node, part) if run.rows)
    runs = [run for _, run in found]
    ranges = index_ranges(runs, INDEX_KEY)
    share = sum(run.rows for run in runs) / len(ranges)
    tasks = [
        Task(write_index_part, (runs, INDEX_KEY, pair, n, root), share, f"index part {n}")
        for n, pair in enumerate(ranges)
    ]
    parts = [part for _, part in current_executor().run(tasks)]
    written = [part for part in parts if part.rows]
    field = pa.field(INDEX_KEY, _plain_type(node.schema.field(column).type))
    rows = sum(part.rows for part in written)
    write_index_folder(root, field, len(parts) if rows else 0, rows, primary="plan")
    return Location(str(root))


def _run_of_unit(node: Node, unit: Unit, *, column: str, folder: Path) -> Run:
    rows = node.rows(unit.area, Hints())
    keys = plain(rows.fetch([column]).column(0))
    entries = index_entries(pa.chunked_array([keys]), rows.hpx(), INDEX_KEY, Cell(0, 0))
    return write_run(folder / f"{unit.start}.arrow", entries)


def _plain_type(type_: pa.DataType) -> pa.DataType:
    return type_.value_type if pa.types.is_dictionary(type_) else type_
