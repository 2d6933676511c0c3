"""A very crowded table: the OGLE-III variables, most of them within a few square degrees.

Imported with the default limits and with small ones: partitions per order, the largest leaf
against the limit, and how even the work is when each leaf is split by its row groups.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

import verify
from results import WORK, Row, Target, measured_row, save
from systems import skyseries

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
ROWS = 399_679
EVEN = 1.3

PROGRAM = """
import skyseries as sky
sky.import_catalog({source!r}, {output!r}, name="ogle", id="ogle_id", workers={workers},
                   progress=False{limits})
"""


def run(label: str, max_rows: int, limits: str, workers: int) -> Row:
    """Import with some limits and describe the leaves."""
    output = WORK / "ogle"
    shutil.rmtree(output, ignore_errors=True)
    source = DATA / "ogle3_variables.parquet"
    measured = skyseries(
        PROGRAM.format(source=str(source), output=str(output), workers=workers, limits=limits)
    )
    leaves = verify.leaves(output / "v000001" / "ogle")
    footers = [pq.ParquetFile(path).metadata for path in leaves]
    rows = [footer.num_rows for footer in footers]
    if sum(rows) != ROWS:
        raise SystemExit(f"wrong output: {sum(rows)} rows of {ROWS}")
    orders = Counter(path.parents[1].name.removeprefix("Norder=") for path in leaves)
    groups = [f.row_group(i).num_rows for f in footers for i in range(f.num_row_groups)]
    even = max(groups) / statistics.median(groups)
    return measured_row(
        measured, f"import, {label}", f"{ROWS:,} stars", "skyseries",
        figures={
            "partitions per order": ", ".join(
                f"{order}: {orders[order]}" for order in sorted(orders, key=int)
            ),
            "largest leaf rows": max(rows), "limit rows": max_rows,
            "row groups": len(groups),
            "row groups, max/median": round(even, 3),
        } | {f"work of {n} workers, max/median": shared(groups, n) for n in (2, 4, 8)},
        targets=(
            Target("no leaf above the limit", max(rows), max(rows) <= max_rows),
            Target("work after row-group split, max/median <= 1.3", round(even, 3), even <= EVEN),
        ),
    )  # fmt: skip


def shared(weights: list[int], slots: int) -> float:
    """Return max/median of the work of workers that share the row groups, heaviest first."""
    work = [0] * slots
    for weight in sorted(weights, reverse=True):
        work[work.index(min(work))] += weight
    return round(max(work) / statistics.median(work), 3)


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    a = parser.parse_args()
    if not DATA.is_dir():
        raise SystemExit("the real data (../shared/data) is not beside the project")
    WORK.mkdir(exist_ok=True)
    rows = [
        run("default limits", 1_000_000, "", a.workers),
        run("max_rows=20,000", 20_000, ", max_rows=20_000", a.workers),
    ]
    notes = (
        "The target compares row groups with each other; a leaf below the size of a row group "
        "stays whole, so small limits leave uneven pieces, and few large ones do not divide by "
        "every number of workers. The figures say both."
    )
    save("ogle", "Crowded fields: OGLE-III variables", rows, notes)


if __name__ == "__main__":
    main()
