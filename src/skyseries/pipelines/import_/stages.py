"""The stages of an import, in order: spill, rank, cut, leaves, margin, index, finish."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from skyseries.executors import Task
from skyseries.formats import Chunk, chunks
from skyseries.hats.build.journal import Journal, Outcome, total
from skyseries.hats.build.margin import write_cells
from skyseries.hats.build.runs import Run, Runs
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.partitions import Cell, Partitions, cut
from skyseries.hats.sizes import Limits
from skyseries.pipelines.import_.leaves import write_leaf
from skyseries.pipelines.import_.pieces import PieceReader
from skyseries.pipelines.import_.plan import ImportPlan
from skyseries.pipelines.import_.ranks import rank_objects, settle_repeats
from skyseries.pipelines.import_.spill import runs_of, spill_objects, spill_sources
from skyseries.spatial.healpix import HPX_ORDER
from skyseries.spatial.order import run_lengths

__all__ = ["Shuffled", "build_leaves", "cut_partitions", "note_heavy", "shuffle"]

_HISTOGRAM_ORDER = 8
"""The sky is weighed in 786,432 cells; those above a limit are weighed again, finer."""


@dataclass
class Shuffled:
    """What the first pass has made."""

    objects: list[Run]
    sources: list[Run] = field(default_factory=list)
    orphans: list[Run] = field(default_factory=list)
    unplaced: list[Run] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    odd: list[Outcome] = field(default_factory=list)
    """What is odd in the sources, task by task."""


def object_chunks(plan: ImportPlan) -> list[Chunk]:
    """Return the pieces of the object files that are read by one task each."""
    rows = max(plan.budget.run_bytes // plan.object_bytes, 1024)
    return [chunk for file in plan.object_files for chunk in chunks(file, rows)]


def source_chunks(plan: ImportPlan) -> list[Chunk]:
    """Return the pieces of the source files."""
    rows = max(plan.budget.run_bytes // max(plan.epoch_bytes, 1), 1024)
    return [chunk for file in plan.source_files for chunk in chunks(file, rows)]


def shuffle(
    plan: ImportPlan, journal: Journal, pieces: list[Chunk], epochs: list[Chunk]
) -> Shuffled:
    """Read all input once and write it as sorted runs."""
    folder = plan.work / "objects"
    done = journal.run(
        "objects",
        [
            Task(spill_objects, (plan, chunk, folder / f"{n:06d}"), _weight(chunk), chunk.file.path)
            for n, chunk in enumerate(pieces)
        ],
    )
    runs = runs_of(done)
    counts = {key: total(done, key) for key in ("rows", "bad_positions", "repeated")}
    counted = plan.on_repeated_id == "keep" and plan.id_index  # on the way to the index
    if plan.id is not None and plan.kind == "object" and not counted:
        task = Task(settle_repeats, (plan, runs, plan.work / "repeats"), 0, "repeated ids")
        settled = journal.run("repeats", [task])
        runs = runs_of(settled)
        counts["repeated"] += total(settled, "repeated")
    result = Shuffled(runs, unplaced=runs_of(done, "unplaced"), counts=counts)
    if plan.has_lightcurves:
        _shuffle_sources(plan, journal, result, epochs)
    return result


def _shuffle_sources(
    plan: ImportPlan, journal: Journal, shuffled: Shuffled, epochs: list[Chunk]
) -> None:
    route, folder = plan.work / "route", plan.work / "sources"
    journal.run("route", [Task(rank_objects, (plan, shuffled.objects, route), 0, "ranks of ids")])
    done = journal.run(
        "sources",
        [
            Task(spill_sources, (plan, c, folder / f"{n:06d}", route), _weight(c), c.file.path)
            for n, c in enumerate(epochs)
        ],
    )
    shuffled.sources = runs_of(done)
    shuffled.orphans = runs_of(done, "orphans")
    shuffled.odd = [outcome["odd"] for outcome in done]
    shuffled.counts |= {"sources": total(done, "rows"), "orphans": total(done, "n_orphans")}


def _weight(chunk: Chunk) -> float:
    return float(chunk.rows if chunk.rows is not None else max(chunk.file.size // 60, 1))


def cut_partitions(plan: ImportPlan, shuffled: Shuffled) -> tuple[Partitions, np.ndarray]:
    """Choose the partitions; return them with rows, bytes and epochs of each."""
    reader = PieceReader(plan, shuffled.objects, shuffled.sources, plan.work / "route")
    order = min(_HISTOGRAM_ORDER, plan.limits.max_order)
    cells = _occupied(shuffled.objects, order)
    found, heavy = cut(cells, _loads(plan, reader, cells, order), order)
    too_heavy = {Cell(order, npix) for npix in heavy.tolist()}
    parts = [cell for cell in found if cell not in too_heavy]
    if too_heavy:
        deepest = plan.limits.max_order
        levels = 2 * (deepest - order)
        finer = ((heavy[:, None] << levels) + np.arange(1 << levels)).ravel()
        load = _loads(plan, reader, finer, deepest)
        used = load.any(axis=1)
        parts += cut(finer[used], load[used], deepest, min(order + 1, deepest))[0]
    partitions = Partitions.of(parts)
    return partitions, _between(reader, *partitions.ranges())


def _occupied(runs: list[Run], order: int) -> np.ndarray:
    shift = 2 * (HPX_ORDER - order)
    occupied = np.zeros(12 << 2 * order, np.bool_)
    for keys in Runs(runs, HPX_COLUMN).each_key():
        occupied[keys >> shift] = True
    return np.flatnonzero(occupied)


def _loads(plan: ImportPlan, reader: PieceReader, cells: np.ndarray, order: int) -> np.ndarray:
    """Return rows, bytes and epochs of each cell, in units of their limits."""
    shift = 2 * (HPX_ORDER - order)
    loads = _between(reader, cells << shift, (cells + 1) << shift)
    return np.asarray(loads / [most for _, most in _most(plan)])


def _between(reader: PieceReader, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Return rows, bytes and epochs of ranges that do not overlap."""
    bounds, _ = run_lengths(np.sort(np.concatenate([start, stop])))
    return reader.loads(bounds)[np.searchsorted(bounds, start)]


def _most(plan: ImportPlan) -> list[tuple[str, int]]:
    """Return of what a leaf holds how much at most."""
    limits = plan.limits
    most = [limits.max_rows, limits.max_bytes, limits.max_epochs]
    return list(zip(["rows", "bytes", "epochs"], most, strict=True))


def build_leaves(
    plan: ImportPlan,
    journal: Journal,
    shuffled: Shuffled,
    partitions: Partitions,
    loads: np.ndarray,
) -> list[Outcome]:
    """Write all leaves."""
    if plan.margin_arcsec is not None:
        write_cells(plan.blueprint.receivers, partitions)
    folder = plan.work / "leaves"
    return journal.run(
        "leaves",
        [
            Task(
                write_leaf,
                (plan, cell, shuffled.objects, shuffled.sources, folder / f"{n:06d}"),
                float(loads[n, 0] + loads[n, 2]),
                f"leaf {cell}",
            )
            for n, cell in enumerate(partitions)
        ],
    )


def note_heavy(plan: ImportPlan, partitions: Partitions, loads: np.ndarray) -> str | None:
    """Return what is to be said of leaves above a limit, which cannot be cut any finer."""
    heavy = np.flatnonzero((loads > [most for _, most in _most(plan)]).any(axis=1))
    if not len(heavy):
        return None
    first = loads[heavy[0]].tolist()
    above = [
        f"{int(found):,} {what} where {most:,} are the limit"
        for found, (what, most) in zip(first, _most(plan), strict=True)
        if found > most
    ]
    order = plan.limits.max_order
    why = "" if order == Limits.max_order else ", coarser than the cells of the margin"
    return (
        f"{len(heavy):,} leaves above the limit, the first {partitions[int(heavy[0])]} with "
        f"{' and '.join(above)}: partitions are cut down to order {order}{why}"
    )
