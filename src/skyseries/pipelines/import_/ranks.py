"""Between the passes: repeated ids are settled, and each object gets its rank along the sky."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skyseries.errors import InputError
from skyseries.hats.build.journal import Outcome
from skyseries.hats.build.runs import Run, Runs, read_run
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.pipelines.import_.ids import IdTable, create_array, id_keys
from skyseries.pipelines.import_.pieces import in_sky_order, split
from skyseries.pipelines.import_.plan import ImportPlan
from skyseries.pipelines.import_.spill import write_placed
from skyseries.spatial.healpix import HPX_ORDER

__all__ = ["WHOLE_SKY", "rank_objects", "settle_repeats"]

WHOLE_SKY = 12 << 2 * HPX_ORDER


def settle_repeats(plan: ImportPlan, runs: Sequence[Run], folder: Path) -> Outcome:
    """Count the rows whose id came in an earlier run, and refuse or leave them out.

    Returns
    -------
    outcome : dict
        ``runs`` to go on with, ``repeated`` rows.
    """
    if _all_different(plan, runs):
        return {"runs": [vars(run) for run in runs], "repeated": 0}
    table = IdTable.create(folder, sum(run.rows for run in runs))
    kept: list[Run] = []
    repeated = 0
    for number, run in enumerate(runs):
        rows = read_run(run.path)
        ids = rows.column(plan.id).combine_chunks()
        key, check, _ = id_keys(ids, ids.type)
        again = table.insert(key, check, 0)
        repeated += len(again)
        if len(again) and plan.on_repeated_id == "error":
            raise InputError(
                f"column {plan.id!r}: the id {ids[int(again[0])].as_py()!r} is repeated "
                f"({len(again)} such rows in this part of the input); keep one row of each with "
                "on_repeated_id='drop', or all with 'keep'"
            )
        if len(again) and plan.on_repeated_id == "drop":
            rows = rows.take(np.setdiff1d(np.arange(rows.num_rows), again))
            run = write_placed(plan, folder / f"run-{number:06d}.arrow", rows)
        kept.append(run)
    return {"runs": [vars(run) for run in kept], "repeated": repeated}


def _all_different(plan: ImportPlan, runs: Sequence[Run]) -> bool:
    """Tell whether surely no id occurs twice: ten times faster than the table that finds which.

    False also where two texts only share a hash, and where sorting would need too much memory.
    """
    rows = sum(run.rows for run in runs)
    if rows * 16 > plan.budget.memory:
        return False
    keys = np.empty(rows, np.uint64)
    filled = 0
    for run in runs:
        ids = read_run(run.path, [plan.id or ""]).column(0).combine_chunks()
        keys[filled : filled + run.rows] = id_keys(ids, ids.type)[0]
        filled += run.rows
    keys.sort()
    return not bool((keys[1:] == keys[:-1]).any())


def rank_objects(plan: ImportPlan, runs: Sequence[Run], folder: Path) -> Outcome:
    """Give each object its rank along the sky; write their cells and the table from id to rank.

    Where an id is repeated and kept, its light curve goes to the first object of that id.
    """
    assert plan.id is not None  # noqa: S101 - light curves are joined on ids
    objects = Runs(runs, HPX_COLUMN, [HPX_COLUMN, plan.id])
    table = IdTable.create(folder, objects.rows)
    sky = create_array(folder / "hpx.npy", np.int64, objects.rows)
    rank = 0
    limit = max(plan.budget.piece_bytes // 64, 1024)
    weigh = lambda bounds: objects.count(bounds).astype(float)  # noqa: E731
    for start, stop in split(0, WHOLE_SKY, weigh, limit):
        found = objects.take(start, stop)
        if found is None:
            continue
        part = in_sky_order(found, plan.id)
        key, check, _ = id_keys(part.column(plan.id).combine_chunks(), part.column(plan.id).type)
        table.insert(key, check, rank)
        sky[rank : rank + part.num_rows] = part.column(HPX_COLUMN).to_numpy()
        rank += part.num_rows
    sky.flush()
    arrays = sorted(folder.glob("*.npy"))
    return {"rows": rank, "arrays": [{"path": str(array)} for array in arrays]}
