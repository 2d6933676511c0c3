"""An index from keys to where rows are filed, made for a plan."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pyarrow as pa

from skyseries.catalog.plan.node import Hints, Node, Unit
from skyseries.catalog.plan.stage import Runner, Stage
from skyseries.catalog.plan.steps import Select
from skyseries.executors import Task, run_tasks
from skyseries.hats.build.folder import write_index_folder
from skyseries.hats.build.index import index_entries, index_ranges, write_index_part
from skyseries.hats.build.runs import Run, write_run
from skyseries.hats.keys import plain
from skyseries.hats.partitions import Cell
from skyseries.store.files import Location

__all__ = ["INDEX_KEY", "build_key_index", "index_stage"]

INDEX_KEY = "key"
"""What the key is called in an index that is made for a plan."""


def index_stage(node: Node, column: str, name: str) -> Stage[Location]:
    """Return the stage that makes an index of a column of the result of a plan."""
    make = partial(build_key_index, node, column)
    return Stage(f"an index of {column} in {name}", make, Select(node, (column,)))


def build_key_index(node: Node, column: str, folder: Path, run: Runner) -> Location:
    """Write an index of a column of the result of a plan, on the engine that holds."""
    root, runs_folder = folder / "index", folder / "runs"
    part = partial(_run_of_unit, column=column, folder=runs_folder)
    found = sorted(run(node, part, stage=f"keys in {column}"))
    runs = [keys for _, keys in found if keys.rows]
    ranges = index_ranges(runs, INDEX_KEY)
    share = sum(keys.rows for keys in runs) / len(ranges)
    tasks = [
        Task(write_index_part, (runs, INDEX_KEY, pair, n, root), share, f"index part {n}")
        for n, pair in enumerate(ranges)
    ]
    parts = [part for _, part in run_tasks("writing the index", tasks)]
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
