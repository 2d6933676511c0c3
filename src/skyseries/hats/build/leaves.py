"""Leaves written by a task, and what their rows add to the margin and to the id index.

The rows pass by once: those that belong into other partitions' margins and the entries of the id
index are set aside, as runs that are merged when all leaves are there.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Ints
from skyseries.config import tuning
from skyseries.hats.build.blueprint import Blueprint
from skyseries.hats.build.facts import CurveFacts, LeafFacts
from skyseries.hats.build.index import index_entries, sorted_entries
from skyseries.hats.build.journal import Outcome
from skyseries.hats.build.leaf_writer import write_leaf
from skyseries.hats.build.margin import edge_rows, read_cells, write_edge_run
from skyseries.hats.build.runs import read_run, write_run
from skyseries.hats.layout import leaf_path
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.manifest import digest_of
from skyseries.hats.partitions import Cell
from skyseries.spatial.healpix import margin_order

__all__ = ["leaf_facts", "write_leaves"]

_TABLES = ("statistics", "first")


def write_leaves(
    blueprint: Blueprint, leaves: Iterable[tuple[Cell, Iterable[pa.Table]]], folder: Path
) -> Outcome:
    """Write some leaves, for a worker.

    Parameters
    ----------
    blueprint : Blueprint
    leaves : iterable of (Cell, iterable of pyarrow.Table)
        Along the sky; the rows of each as `write_leaf` takes them.
    folder : Path
        Where this task sets rows aside.

    Returns
    -------
    outcome : dict
        ``leaves``, and the runs ``margin``, ``index``, ``statistics`` and ``first``.
    """
    aside = _Aside(blueprint, folder)
    facts = [
        write_leaf(
            blueprint.primary, cell, blueprint.schema, aside.pass_on(cell, rows),
            blueprint.lightcurves,
        )
        for cell, rows in leaves
    ]  # fmt: skip
    outcome = aside.finish()
    outcome["leaves"] = [_to_json(blueprint.primary, leaf) for leaf in facts]
    for key in _TABLES:
        tables = [table for leaf in facts if (table := getattr(leaf, key)) is not None]
        if tables:
            outcome[key] = vars(write_run(folder / f"{key}.arrow", pa.concat_tables(tables)))
    return outcome


class _Aside:
    """What the rows of some leaves add to margins and index."""

    def __init__(self, blueprint: Blueprint, folder: Path) -> None:
        self._blueprint = blueprint
        self._folder = folder
        self._ring = None if blueprint.margin_arcsec is None else read_cells(blueprint.receivers)
        self._edges: list[pa.Table] = []
        self._edge_bytes = 0
        self._ids: list[pa.Table] = []
        self._id_rows = 0
        self._seen = 0
        self._outcome: Outcome = {"margin": [], "index": []}

    def pass_on(self, cell: Cell, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Yield the rows of a leaf."""
        for table in tables:
            if table.num_rows:
                self._add(cell, table)
            yield table

    def _add(self, cell: Cell, table: pa.Table) -> None:
        if self._ring is not None and self._blueprint.margin_arcsec is not None:
            hpx: Ints = table.column(HPX_COLUMN).to_numpy()
            order = margin_order(self._blueprint.margin_arcsec)
            edges = edge_rows(table, hpx, cell, self._ring, order, self._seen)
            self._seen += table.num_rows
            if edges is not None:
                self._edges.append(edges)
                self._edge_bytes += edges.nbytes
            if self._edge_bytes > tuning().margin_held_bytes:
                self._spill_edges()
        if (column := self._blueprint.id) is not None:
            ids, cells = table.column(column), table.column(HPX_COLUMN)
            self._ids.append(index_entries(ids, cells, column, cell))
            self._id_rows += len(ids)
            if self._id_rows >= tuning().index_part_rows:
                self._spill_ids()

    def _spill_edges(self) -> None:
        done = self._outcome["margin"]
        if self._edges:
            path = self._folder / f"margin-{len(done):04d}.arrow"
            done.append(write_edge_run(path, self._edges).to_json())
            self._edges, self._edge_bytes = [], 0

    def _spill_ids(self) -> None:
        done = self._outcome["index"]
        if self._ids and self._blueprint.id is not None:
            path = self._folder / f"index-{len(done):04d}.arrow"
            done.append(vars(write_run(path, sorted_entries(self._ids, self._blueprint.id))))
            self._ids, self._id_rows = [], 0

    def finish(self) -> Outcome:
        """Write what is held; return where all of it is."""
        self._spill_edges()
        self._spill_ids()
        return self._outcome


def _to_json(root: Path, facts: LeafFacts) -> Outcome:
    """Return the facts of a leaf but for its tables, of which it says how many rows they have."""
    said: Outcome = {
        "cell": list(facts.cell),
        "rows": facts.rows,
        "bytes": facts.nbytes,
        "curves": {column: vars(curves) for column, curves in facts.curves.items()},
        "pixels": _to_text(facts.pixels),
        "counts": _to_text(facts.counts),
    }
    for key in _TABLES:
        table = getattr(facts, key)
        said[key] = 0 if table is None else table.num_rows
    if facts.rows:
        path = root / leaf_path(facts.cell)
        said |= {"path": str(path), "digest": digest_of(path)}
    return said


def leaf_facts(outcome: Outcome) -> Iterator[LeafFacts]:
    """Yield the facts of the leaves that a task has written."""
    tables = {key: read_run(outcome[key]["path"]) for key in _TABLES if key in outcome}
    at = dict.fromkeys(_TABLES, 0)
    for said in outcome["leaves"]:
        parts: dict[str, Any] = {}
        for key in _TABLES:
            if said[key]:
                parts[key] = tables[key].slice(at[key], said[key])
                at[key] += said[key]
        yield LeafFacts(
            Cell(*said["cell"]),
            said["rows"],
            said["bytes"],
            {column: _curves(found) for column, found in said["curves"].items()},
            _from_text(said["pixels"]),
            _from_text(said["counts"]),
            **parts,
        )


def _curves(said: Outcome) -> CurveFacts:
    times = said["time_range"]
    return CurveFacts(
        said["epochs"], said["longest"], None if times is None else tuple(times),
        tuple(said["bands"]),
    )  # fmt: skip


def _to_text(numbers: Ints) -> str:
    return base64.b64encode(np.ascontiguousarray(numbers, "<i8").tobytes()).decode()


def _from_text(text: str) -> Ints:
    return np.frombuffer(base64.b64decode(text), "<i8").astype(np.int64)
