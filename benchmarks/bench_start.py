"""What short commands cost from the start of the process to its end, with compiled kernels there.

CPU of whole processes on one core, best of five. Targets are for a machine on which a process
that imports NumPy and pyarrow.parquet takes 0.15 s; they are scaled by what it takes here, in the
same run.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.csv

import skyseries as sky
from results import WORK, Row, Target, save

UNIT = "import numpy, pyarrow.parquet"
UNIT_S = 0.15
"""CPU of the unit on the machine that the targets are for."""

COMMAND = "from skyseries.cli import main; main()"
BANDS = np.array(["g", "r", "i"])


def cpu_s(*args: str) -> float:
    """Return user and system time of one Python process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", *args], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def stars(n: int, n_epochs: int) -> pa.Table:
    """Return objects with light curves in three bands; none, without epochs."""
    rng = np.random.default_rng(1)
    columns = {
        "id": pa.array(np.arange(n)),
        "ra": pa.array(rng.uniform(0, 360, n)),
        "dec": pa.array(np.degrees(np.arcsin(rng.uniform(-1, 1, n)))),
        "mag": pa.array(rng.normal(20, 1, n)),
    }
    if n_epochs:
        size = n * n_epochs
        fields = {
            "mjd": np.sort(rng.uniform(60000, 63000, (n, n_epochs)), axis=1).ravel(),
            "mag": rng.normal(20, 0.1, size),
            "magerr": np.full(size, 0.02),
            "band": BANDS[rng.integers(0, len(BANDS), size)],
        }
        offsets = pa.array(np.arange(0, size + 1, n_epochs, dtype=np.int32))
        lists = [pa.ListArray.from_arrays(offsets, pa.array(v)) for v in fields.values()]
        columns["lc"] = pa.StructArray.from_arrays(lists, list(fields))
    return pa.table(columns)


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    work = WORK / "start"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    plain, curves = str(work / "plain"), str(work / "curves")
    sky.from_table(stars(1000, 0)).write_catalog(plain)
    sky.from_table(stars(300, 100)).write_catalog(curves)
    pa.csv.write_csv(stars(1000, 0), work / "objects.csv")
    imported = work / "imported"

    tasks = {
        ("`skyseries info`", "300 objects", 0.25): (COMMAND, "info", curves),
        ("`import skyseries; open_catalog`", "300 objects", 0.25): (
            f"import skyseries; skyseries.open_catalog({curves!r})",
        ),
        ("`skyseries query`", "1,000 rows", 0.5): (COMMAND, "query", plain),
        ("`skyseries features`", "300 stars x 100 epochs", 0.9): (COMMAND, "features", curves),
        ("`skyseries import`", "1,000 rows of CSV", 0.8): (
            COMMAND, "import", str(work / "objects.csv"), str(imported),
        ),
    }  # fmt: skip
    units: list[float] = []
    spent: dict[tuple[str, str, float], list[float]] = {task: [] for task in tasks}
    for k in range(runs + 1):  # the first compiles what is not compiled, and is not counted
        found = [cpu_s(UNIT)]
        for command in tasks.values():
            shutil.rmtree(imported, ignore_errors=True)
            found.append(cpu_s(*command))
        if k:
            units.append(found[0])
            for task, value in zip(tasks, found[1:], strict=True):
                spent[task].append(value)
    unit = min(units)
    rows = [Row("`import numpy, pyarrow.parquet`", "", "Python", "-", cpu_s=round(unit, 3))]
    for (task, size, limit), values in spent.items():
        best = round(min(values), 3)
        target = Target(
            f"{limit} s where the unit is {UNIT_S} s: {limit / UNIT_S:.2f} units",
            round(best / unit, 2), best <= limit * unit / UNIT_S,
        )  # fmt: skip
        rows.append(Row(task, size, "skyseries", cpu_s=best, targets=(target,)))
    notes = f"CPU of the whole process on one core, best of {runs}; the first row is the unit."
    save("start", "From the start of a command to its end", rows, notes)


if __name__ == "__main__":
    main()
