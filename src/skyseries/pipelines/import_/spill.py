"""First pass: read the input once, and write it as sorted runs.

Objects are sorted along the sky. Sources are sorted by the rank of their object, which
`pipelines.route` has worked out in between; sources without an object go aside as orphans.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arrow import floats
from skyseries.config import tuning
from skyseries.errors import InputError
from skyseries.formats import Chunk
from skyseries.hats.build.index import check_id_lengths
from skyseries.hats.build.journal import Outcome
from skyseries.hats.build.runs import Run, write_run
from skyseries.hats.curves import in_time_order
from skyseries.hats.leaf import HPX_COLUMN, row_epochs
from skyseries.hats.sizes import divided, row_sizes, take
from skyseries.pipelines.import_.ids import IdTable, id_keys
from skyseries.pipelines.import_.intake import Intake, Watcher
from skyseries.pipelines.import_.oddities import Oddities
from skyseries.pipelines.import_.plan import ImportPlan, row_bytes
from skyseries.spatial.healpix import radec_to_hpx
from skyseries.spatial.order import argsort

__all__ = [
    "RANK_COLUMN", "check_declinations", "degrees", "place", "runs_of", "spill_objects",
    "spill_sources", "tables", "write_placed",
]  # fmt: skip

RANK_COLUMN = "_rank"


def spill_objects(plan: ImportPlan, chunk: Chunk, folder: Path) -> Outcome:
    """Write the objects of one piece of the input as runs sorted along the sky."""
    outcome: Outcome = {"rows": 0, "runs": [], "unplaced": [], "bad_positions": 0, "repeated": 0}
    for number, table in enumerate(tables(plan, chunk, plan.objects_in)):
        outcome["rows"] += table.num_rows
        table, repeated = _first_of_each_id(plan, table)
        outcome["repeated"] += repeated
        placed, unplaced = place(plan, _in_time_order(plan, table, chunk), chunk.file.path)
        _refuse_nulls(plan, placed, chunk.file.path)
        if plan.id is not None and plan.id_index:
            check_id_lengths(placed.column(plan.id), plan.id)
        outcome["bad_positions"] += unplaced.num_rows
        if unplaced.num_rows and plan.on_nan_position == "keep":
            path = folder / f"unplaced-{number:04d}.arrow"
            outcome["unplaced"].append(vars(write_run(path, unplaced)))
        path = folder / f"run-{number:04d}.arrow"
        outcome["runs"].append(vars(write_placed(plan, path, placed)))
    return outcome


def _in_time_order(plan: ImportPlan, table: pa.Table, chunk: Chunk) -> pa.Table:
    """Sort the light curves that objects have in a column already."""
    try:
        return in_time_order(table, plan.curves)
    except InputError as error:
        raise InputError(f"{chunk.file.path}: {error}") from None


def write_placed(plan: ImportPlan, path: Path, placed: pa.Table) -> Run:
    """Write rows that are sorted along the sky, with bytes and epochs that they add to a leaf."""
    sizes = row_sizes(placed.drop_columns([HPX_COLUMN])) + plan.frame_bytes
    epochs = row_epochs(placed, lists=False)
    measures = sizes, 0.0 if epochs is None else epochs.astype(np.float64)
    return write_run(path, placed, HPX_COLUMN, measures)


def spill_sources(plan: ImportPlan, chunk: Chunk, folder: Path, route: Path) -> Outcome:
    """Write the sources of one piece of the input as runs sorted by their object's rank."""
    assert plan.source_schema is not None  # noqa: S101 - only called with light curves
    ids = IdTable(route)
    like = plan.object_schema.field(plan.id).type
    outcome: Outcome = {"rows": 0, "runs": [], "orphans": [], "n_orphans": 0}
    odd = Oddities.of(plan)
    for number, table in enumerate(tables(plan, chunk, plan.sources_in, odd)):
        outcome["rows"] += table.num_rows
        key, check, valid = id_keys(table.column(plan.source_id).combine_chunks(), like)
        rank = np.where(valid, ids.find(key, check), -1)
        known = rank >= 0
        if not known.all():
            orphans = table.filter(pa.array(~known))
            outcome["n_orphans"] += orphans.num_rows
            _refuse_orphans(plan, orphans, chunk.file.path)
            if plan.orphans == "keep":
                path = folder / f"orphans-{number:04d}.arrow"
                outcome["orphans"].append(vars(write_run(path, orphans)))
            table, rank = table.filter(pa.array(known)), rank[known]
        order = argsort(rank)
        table = table.drop_columns([plan.source_id])
        sizes = row_sizes(table)
        sizes = sizes if isinstance(sizes, float) else sizes[order]
        table = _encode_text(table).take(order)
        table = table.append_column(RANK_COLUMN, pa.array(rank[order]))
        path = folder / f"run-{number:04d}.arrow"
        outcome["runs"].append(vars(write_run(path, table, RANK_COLUMN, (sizes, 1.0))))
    outcome["odd"] = odd.counts
    return outcome


def tables(
    plan: ImportPlan, chunk: Chunk, intake: Intake | None, watcher: Watcher | None = None
) -> Iterator[pa.Table]:
    """Yield the rows of a piece of the input in tables of about `Budget.run_bytes`."""
    assert intake is not None  # noqa: S101 - callers read a table that there is
    schema = intake.after
    limit = plan.budget.run_bytes
    held: list[pa.RecordBatch] = []
    nbytes = 0
    rows = min(max(limit // row_bytes(schema), 1024), 131_072)
    batches = intake.scan(chunk, null_values=plan.null_values, batch_rows=rows, watcher=watcher)
    for batch in itertools.chain.from_iterable(divided(batch, limit) for batch in batches):
        held.append(batch)
        nbytes += batch.nbytes
        if nbytes >= limit:
            yield pa.Table.from_batches(held, schema)
            held, nbytes = [], 0
    if held:
        yield pa.Table.from_batches(held, schema)


def place(plan: ImportPlan, table: pa.Table, source: str) -> tuple[pa.Table, pa.Table]:
    """Return the rows with a position, sorted along the sky, and those without one."""
    ra, dec = (degrees(table, name) for name in (plan.ra, plan.dec))
    hpx = radec_to_hpx(ra, dec)
    bad = hpx < 0
    unplaced = table.slice(0, 0)
    if bad.any():
        _refuse_positions(plan, ra, dec, bad, source)
        unplaced = table.filter(pa.array(bad))
        table, hpx = table.filter(pa.array(~bad)), hpx[~bad]
    order = argsort(hpx)
    sorted_table = take(table, order)
    return sorted_table.add_column(0, HPX_COLUMN, pa.array(hpx[order])), unplaced


def degrees(table: pa.Table, name: str) -> NDArray[np.float64]:
    """Return a coordinate, NaN where it is null."""
    return floats(table.column(name))


def check_declinations(dec: NDArray[np.float64], name: str, source: str) -> None:
    """Raise InputError if a declination is outside [-90, 90]; NaN is not."""
    outside = np.flatnonzero(np.abs(dec) > 90)
    if len(outside):
        raise InputError(
            f"{source}: {name} = {_digits(dec[outside[0]])} is not a declination in degrees "
            f"({len(outside)} such rows)"
        )


def _digits(value: float) -> str:
    """Return all digits of a number: 90.00000000000001 is not 90."""
    return repr(float(value)).removesuffix(".0")


def _refuse_positions(
    plan: ImportPlan,
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    bad: NDArray[np.bool_],
    source: str,
) -> None:
    check_declinations(dec, plan.dec, source)
    if plan.on_nan_position == "error":
        i = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"{source}: {int(bad.sum())} rows have no position, the first with "
            f"{plan.ra} = {_digits(ra[i])}, {plan.dec} = {_digits(dec[i])}; "
            "drop them with on_nan_position='drop', or keep them aside with 'keep'"
        )


def _refuse_nulls(plan: ImportPlan, table: pa.Table, source: str) -> None:
    if plan.id is not None and plan.kind == "object" and table.column(plan.id).null_count:
        raise InputError(
            f"{source}: {table.column(plan.id).null_count} rows have no {plan.id} (null), "
            "which is the id; leave these rows out, or import without id="
        )


def _refuse_orphans(plan: ImportPlan, orphans: pa.Table, source: str) -> None:
    if plan.orphans == "error":
        first = orphans.column(plan.source_id)[0].as_py()
        raise InputError(
            f"{source}: {orphans.num_rows} sources have no object, the first with "
            f"{plan.source_id} = {first!r}; keep them aside with orphans='keep', or 'drop' them"
        )


def _first_of_each_id(plan: ImportPlan, table: pa.Table) -> tuple[pa.Table, int]:
    """Leave out rows whose id came earlier in this table, where that was asked for.

    Rows without a position do not count: they never meet those of other tables either.
    """
    if plan.id is None or plan.on_repeated_id != "drop":
        return table, 0
    placed = np.isfinite(degrees(table, plan.ra)) & np.isfinite(degrees(table, plan.dec))
    ids = table.column(plan.id).filter(pa.array(placed))
    numbered = pa.table({"id": ids, "row": np.flatnonzero(placed)})
    first = numbered.group_by("id", use_threads=False).aggregate([("row", "min")])
    kept = ~placed
    kept[first.column("row_min").to_numpy()] = True
    return table.filter(pa.array(kept)), int((~kept).sum())


def _encode_text(table: pa.Table) -> pa.Table:
    """Replace text columns of few different values (bands) by small codes while shuffling."""
    for i, field in enumerate(table.schema):
        if not (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
            continue
        codes = table.column(i).combine_chunks().dictionary_encode()
        if len(codes.dictionary) <= tuning().dictionary_words:
            small = pa.DictionaryArray.from_arrays(codes.indices.cast(pa.int16()), codes.dictionary)
            table = table.set_column(i, field.with_type(small.type), small)
    return table


def runs_of(outcomes: list[Outcome], key: str = "runs") -> list[Run]:
    """Return the runs that tasks reported."""
    return [Run(**run) for outcome in outcomes for run in outcome[key]]
