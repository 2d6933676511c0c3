"""An index from keys to where rows are filed, made for a plan."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pyarrow as pa

from skyseries.catalog.plan.node import Hints, Node, Unit
from skyseries.catalog.plan.stage import Runner, Stage
from skyseries.catalog.plan.steps import Select
from skyseries.hats.build.index import index_entries, sorted_entries, write_index
from skyseries.hats.build.journal import Journal
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
    field = pa.field(INDEX_KEY, _plain_type(node.schema.field(column).type))
    write_index(root, runs, field, "plan", Journal(None))
    return Location(str(root))


def _run_of_unit(node: Node, unit: Unit, *, column: str, folder: Path) -> Run:
    rows = node.rows(unit.area, Hints())
    keys = plain(rows.fetch([column]).column(0))
    hpx = pa.chunked_array([pa.array(rows.hpx())])
    entries = index_entries(pa.chunked_array([keys]), hpx, INDEX_KEY, Cell(0, 0))
    return write_run(folder / f"{unit.start}.arrow", sorted_entries([entries], INDEX_KEY))


def _plain_type(type_: pa.DataType) -> pa.DataType:
    return type_.value_type if pa.types.is_dictionary(type_) else type_
