"""Whether this checkout has become slower than an earlier one: import, match, scan, look-up...

``bench_paired.py --base CHECKOUT`` runs each task in processes of their own with one worker, the
two checkouts in turn, the first of a pair drawn by lot, so that what else the machine does meets
both alike. What counts is the CPU time of the task inside of its process, the kernels compiled
and the inputs read before. Printed and saved is the median of the ratios of the pairs, with its
interval of 95 % (by the order statistics of the pairs: no distribution is assumed).
"""

from __future__ import annotations

import argparse
import inspect
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

import generate
import generate_pairs
from results import WORK, Row, Target, save

HERE = Path(__file__).resolve().parents[1]
LIMIT = 1.03
ROWS = 1_000_000
CURVES = 20_000
EPOCHS = 100
MANY_IDS = 10_000
ONE_BY_ONE = 300

Task = Callable[[Path], object]


def prepared() -> Path:
    """Return the folder of the inputs; made by this checkout if they are not there."""
    import skyseries as sky

    folder = WORK / "paired"
    if (folder / "done").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    generate.objects(folder / "objects", ROWS)
    generate.lightcurves(folder / "curves", CURVES, EPOCHS)
    for name, table in generate_pairs.tables(ROWS).items():
        pq.write_table(table, folder / f"{name}.parquet")
        sky.import_catalog(folder / f"{name}.parquet", folder / name, id="id", progress=False)
    survey(folder, folder / "survey")
    (folder / "done").touch()
    return folder


def survey(folder: Path, output: Path) -> object:
    """Import light curves."""
    import skyseries as sky

    return sky.import_catalog(
        str(folder / "curves" / "objects"), output, id="objectId",
        lightcurves=str(folder / "curves" / "sources"), progress=False, **fast(),
    )  # fmt: skip


def fast() -> dict[str, str]:
    """Return what leaves out the syncs of files, which earlier checkouts did not do."""
    import skyseries as sky

    known = "durability" in inspect.signature(sky.import_catalog).parameters
    return {"durability": "process"} if known else {}


def objects(folder: Path) -> object:
    """Import objects, with margin and index."""
    import skyseries as sky

    output = folder / f"out-{os.getpid()}"
    try:
        report = sky.import_catalog(
            str(folder / "objects"), output, id="id", progress=False, **fast()
        )
    finally:
        shutil.rmtree(output, ignore_errors=True)
    return report.rows


def curves(folder: Path) -> object:
    """Import light curves."""
    output = folder / f"out-{os.getpid()}"
    try:
        report = survey(folder, output)
    finally:
        shutil.rmtree(output, ignore_errors=True)
    return report.rows  # type: ignore[attr-defined]


def match(folder: Path) -> object:
    """Cross-match, to Arrow."""
    import skyseries as sky

    left, right = (sky.open_catalog(folder / name) for name in "AB")
    rows = 0
    for _ in range(4):
        rows = left.crossmatch(right, 1.0)["id", "id_B", "_dist_arcsec"].to_arrow().num_rows
    return rows


def scan(folder: Path) -> object:
    """Filter and aggregate."""
    import skyseries as sky

    bright = sky.open_catalog(folder / "A").query("mag < 20")
    for _ in range(25):
        found = bright.aggregate(n="COUNT(*)", m="AVG(ra)")
    return str(found)


def features(folder: Path) -> object:
    """Compute the features of light curves for a release that need no search for periods."""
    import skyseries as sky
    from skyseries.timeseries import select

    names = [f.name for f in select("rubin-drp", has_error=True) if f.cost in ("n", "n log n")]
    return sky.open_catalog(folder / "survey").features(names).to_arrow().num_rows


def lookup(folder: Path) -> object:
    """Find objects by their ids, many at once and one by one, and light curves one by one."""
    import skyseries as sky

    catalog = sky.open_catalog(folder / "survey")
    drawn = np.random.default_rng(5).integers(0, CURVES, MANY_IDS)
    ids = generate.object_ids(drawn).tolist()
    found = [catalog.id_search(ids).to_arrow().num_rows]
    for id_ in ids[:ONE_BY_ONE]:
        found.append(catalog.id_search(id_)["ra", "dec"].to_arrow()["ra"][0].as_py())
        found.append(len(catalog.lightcurve(id_).time))
    return found[0], sum(found)


def periods(folder: Path) -> object:
    """Search some light curves for periods."""
    import skyseries as sky

    some = sky.open_catalog(folder / "survey").sample(n=400, seed=1)
    return some.periods(min_period=1.0).to_arrow().num_rows


TASKS: dict[str, Task] = {
    f"import of {ROWS:,} objects": objects,
    f"import of {CURVES:,} light curves": curves,
    f"cross-match of {ROWS:,} x {ROWS:,}, 4 times": match,
    f"filter and aggregate {ROWS:,} rows, 25 times": scan,
    f"features of {CURVES:,} light curves": features,
    f"look-up of {MANY_IDS:,} ids, and of {ONE_BY_ONE} one by one": lookup,
    "periods of 400 light curves": periods,
}


def run(task: str, folder: Path) -> None:
    """Do one task in this process, and print the CPU seconds and the answer."""
    import skyseries as sky

    with sky.executor("serial"):
        TASKS[task](folder)  # what is compiled or opened once
        before = time.process_time()
        answer = TASKS[task](folder)
        print(json.dumps([time.process_time() - before, str(answer)]))


def cpu_of(task: str, folder: Path, checkout: Path) -> tuple[float, str]:
    """Run a task in a process that imports one checkout."""
    command = [sys.executable, __file__, "--run", task, "--folder", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{task} with {checkout}: {done.stderr}")
    seconds, answer = json.loads(done.stdout.splitlines()[-1])
    return float(seconds), str(answer)


def interval(values: list[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return an interval for the median by order statistics (the binomial of n and 1/2)."""
    ordered, n = sorted(values), len(values)
    tail, k = 0.0, 0
    while k < n // 2 and tail + math.comb(n, k) / 2**n <= (1 - confidence) / 2:
        tail += math.comb(n, k) / 2**n
        k += 1
    k = max(k - 1, 0)
    return ordered[k], ordered[n - 1 - k]


def compare(task: str, folder: Path, base: Path, pairs: int, draw: random.Random) -> Row:
    """Return the ratio of this checkout to the other."""
    seconds: dict[Path, list[float]] = {HERE: [], base: []}
    for _ in range(pairs):
        order = [HERE, base]
        draw.shuffle(order)
        found = {}
        for checkout in order:
            spent, answer = cpu_of(task, folder, checkout)
            seconds[checkout].append(spent)
            found[checkout] = answer
        if found[HERE] != found[base]:
            raise RuntimeError(f"{task}: {found[HERE]} is not {found[base]}")
    ratios = [a / b for a, b in zip(seconds[HERE], seconds[base], strict=True)]
    middle, (low, high) = statistics.median(ratios), interval(ratios)
    print(f"{task}: {middle:.3f} ({low:.3f} to {high:.3f})", flush=True)
    return Row(
        task=task, size=f"{pairs} pairs", system="skyseries", process="warm",
        cpu_s=statistics.median(seconds[HERE]),
        figures={
            "CPU of the base, s": round(statistics.median(seconds[base]), 3),
            "median ratio": round(middle, 3),
            "95 % interval": f"{low:.3f} to {high:.3f}",
        },
        targets=(Target("CPU / CPU of the base <= 1.03", round(middle, 3), middle <= LIMIT),),
    )  # fmt: skip


def main() -> None:
    """Compare, or run one task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, help="the checkout to compare with")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--only", help="tasks whose name has this word")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        run(options.run, options.folder)
        return
    if options.base is None:
        parser.error("give --base, the root of another checkout, such as a git worktree")
    folder, draw = prepared(), random.Random(options.seed)
    tasks = [task for task in TASKS if not options.only or options.only in task]
    base = options.base.resolve()
    rows = [compare(task, folder, base, options.pairs, draw) for task in tasks]
    commit = subprocess.run(
        ["git", "-C", str(base), "rev-parse", "--short", "HEAD"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    notes = (
        f"The base is commit {commit}. One worker; the CPU time of the task in a process where it "
        "ran once before; the two checkouts in turn, the first of each pair drawn by lot."
    )
    if options.only is None:
        save("paired", "Against an earlier commit", rows, notes)


if __name__ == "__main__":
    main()
