"""Objects made from their sources, where the survey gives light curves only.

Each distinct id becomes an object at the mean direction of its epochs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyseries.executors import Task
from skyseries.formats import Chunk, InputFile
from skyseries.hats.build.journal import Journal, Outcome
from skyseries.hats.build.runs import Run, Runs, write_run
from skyseries.pipelines.import_.ids import id_keys
from skyseries.pipelines.import_.pieces import split
from skyseries.pipelines.import_.plan import ImportPlan
from skyseries.pipelines.import_.spill import check_declinations, degrees, runs_of
from skyseries.spatial.order import argsort
from skyseries.store.files import atomic_path

__all__ = ["derive_objects", "object_schema"]

_KEY = "_key"
_KEY_BITS = 62
"""Leading bits of an id's key that are sorted by: bounds and keys fit into signed words."""


def object_schema(sources: pa.Schema, id_column: str, ra: str, dec: str) -> pa.Schema:
    """Return the schema of derived objects: id, ra, dec."""
    degrees = {b"unit": b"deg"}
    return pa.schema(
        [
            sources.field(id_column),
            pa.field(ra, pa.float64(), metadata=degrees),
            pa.field(dec, pa.float64(), metadata=degrees),
        ]
    )


def derive_objects(plan: ImportPlan, journal: Journal, chunks: list[Chunk]) -> list[InputFile]:
    """Write the derived objects as Parquet files, and return these."""
    folder = plan.work / "derived"
    done = journal.run(
        "positions",
        [
            Task(_spill_positions, (plan, c, folder / f"{n:06d}"), float(c.rows or 1), c.file.path)
            for n, c in enumerate(chunks)
        ],
    )
    runs = runs_of(done)
    keys = Runs(runs, _KEY)
    weigh = lambda bounds: keys.count(bounds).astype(float)  # noqa: E731
    limit = max(plan.budget.run_bytes // 64, 1024)
    ranges = split(0, 1 << _KEY_BITS, weigh, limit) if keys.rows else []
    files = [folder / f"objects-{n:06d}.parquet" for n in range(len(ranges))]
    journal.run(
        "derived",
        [
            Task(_group, (plan, runs, pair, path), 1.0, path.name)
            for pair, path in zip(ranges, files, strict=True)
        ],
    )
    return [InputFile(str(path), "parquet", path.stat().st_size) for path in files]


def _spill_positions(plan: ImportPlan, chunk: Chunk, folder: Path) -> Outcome:
    assert plan.sources_in is not None  # noqa: S101 - only called with light curves
    assert plan.source_id is not None  # noqa: S101 - only called with light curves
    place = [plan.ra, plan.dec] if plan.position is None else []
    columns = [plan.source_id, *place]
    runs = []
    batches = plan.sources_in.scan(chunk, null_values=plan.null_values, columns=columns)
    for number, batch in enumerate(batches):
        ids = batch.column(0)
        key, _, valid = id_keys(ids, ids.type)
        short = (key >> np.uint64(64 - _KEY_BITS)).astype(np.int64)
        table = pa.Table.from_batches([batch])
        for name, degree in zip((plan.ra, plan.dec), plan.position or (), strict=False):
            table = table.append_column(name, pa.array(np.full(len(ids), degree)))
        table = table.append_column(_KEY, pa.array(short))
        check_declinations(degrees(table, plan.dec), plan.dec, chunk.file.path)
        rows = np.flatnonzero(valid)
        table = table.take(rows[argsort(short[rows])])
        runs.append(vars(write_run(folder / f"run-{number:06d}.arrow", table, _KEY)))
    return {"runs": runs}


def _group(plan: ImportPlan, runs: list[Run], pair: tuple[int, int], path: Path) -> Outcome:
    assert plan.source_schema is not None  # noqa: S101 - only called with light curves
    assert plan.source_id is not None  # noqa: S101 - only called with light curves
    found = Runs(runs, _KEY).take(*pair)
    schema = object_schema(plan.source_schema, plan.source_id, plan.ra, plan.dec)
    table = schema.empty_table() if found is None else _mean_positions(plan, found, schema)
    with atomic_path(path) as beside:
        pq.write_table(table, beside)
    return {"rows": table.num_rows, "path": str(path)}


def _mean_positions(plan: ImportPlan, found: pa.Table, schema: pa.Schema) -> pa.Table:
    ra, dec = (np.radians(degrees(found, name)) for name in (plan.ra, plan.dec))
    place = np.isfinite(ra) & np.isfinite(dec)
    vectors = {
        "x": np.where(place, np.cos(dec) * np.cos(ra), 0.0),
        "y": np.where(place, np.cos(dec) * np.sin(ra), 0.0),
        "z": np.where(place, np.sin(dec), 0.0),
    }
    table = pa.table({"id": found.column(plan.source_id), **vectors, "n": place.astype(np.int64)})
    grouped = table.group_by("id", use_threads=False).aggregate(
        [("x", "sum"), ("y", "sum"), ("z", "sum"), ("n", "sum")]
    )
    x, y, z, n = (grouped.column(f"{name}_sum").to_numpy() for name in "xyzn")
    turn = np.degrees(np.arctan2(y, x)) % 360
    turn[turn == 360] = 0  # what the remainder of a tiny negative angle is rounded to
    ra = np.where(n > 0, turn, np.nan)
    dec = np.where(n > 0, np.degrees(np.arctan2(z, np.hypot(x, y))), np.nan)
    return pa.table([grouped.column("id"), pa.array(ra), pa.array(dec)], schema=schema)
