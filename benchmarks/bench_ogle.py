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

import skyseries as sky
import verify
from results import WORK, Row, Target, measured_row, save
from skyseries.catalog.plan.node import Hints
from skyseries.catalog.run.units import divide
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
    pieces = sky.open_catalog(output)._node.pieces(Hints())
    even = {n: uneven([u.weight for u in divide(pieces, n)]) for n in (2, 4, 8)}
    return measured_row(
        measured, f"import, {label}", f"{ROWS:,} stars", "skyseries",
        figures={
            "partitions per order": ", ".join(
                f"{order}: {orders[order]}" for order in sorted(orders, key=int)
            ),
            "largest leaf rows": max(rows), "limit rows": max_rows,
            "row groups": len(groups),
            "row groups, max/median": uneven(groups),
        } | {f"units of work for {n} workers, max/median": even[n] for n in even},
        targets=(
            Target("no leaf above the limit", max(rows), max(rows) <= max_rows),
            Target("work after row-group split, max/median <= 1.3", even[2], even[2] <= EVEN),
        ),
    )  # fmt: skip


def uneven(weights: list[float]) -> float:
    """Return max/median."""
    return round(max(weights) / statistics.median(weights), 3)


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
        "Work is what one task scans: neighbouring row groups, put together by the catalog's "
        "planner into units of about equal rows. The target is set for two workers."
    )
    save("ogle", "Crowded fields: OGLE-III variables", rows, notes)


if __name__ == "__main__":
    main()
