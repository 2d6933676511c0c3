"""Ctrl-C ends every verb on every engine within two seconds, and leaves no process behind.

Each verb computes in a process of its own, over rows that a function of the user's makes slow, or
over kernels that take long by themselves. Once a task of it has begun, and a random time later,
the process and those of its group get what a terminal sends on Ctrl-C. What is measured is the
time until it and all that it had started are gone. The script fails if any takes longer, or is
done before.

``prove_cancel.py --engines threads dask --verbs features to_arrow`` does some; the verbs are those
of ``tests/catalog/test_jobs.py``, where a test says that all are there.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil

from results import WORK

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

from tests.catalog.test_jobs import COMPUTE, PLAN  # noqa: E402

import skyseries as sky  # noqa: E402
from skyseries.executors import TaskStart  # noqa: E402
from skyseries.spatial.regions import Cone  # noqa: E402

ENGINES = ("serial", "threads", "processes", "dask", "spark")
MOST_SECONDS = 2.0
PATIENCE = 60.0
LATEST = 1.5
"""Seconds after the first task has begun when Ctrl-C comes at the latest."""
ROWS = 20_000
ROW_SECONDS = 0.004
WITHOUT_FILTER = {"write_extension"}
"""Verbs that want all rows."""

HEAVY: dict[str, Callable[[sky.Catalog, Path], object]] = {
    "all features": lambda c, _: c.features().to_arrow(),
    "periods": lambda c, _: c.periods().to_arrow(),
    "import_catalog": lambda c, out: imported(Path(c._root.path).parent, out / "again"),
    "validate": lambda c, _: [sky.validate_catalog(c._root.path) for _ in range(100)],
}
"""What takes long by itself."""


ANEW: dict[str, Callable[[sky.Catalog], sky.Catalog]] = {
    "cone_search": lambda c: c.cone_search(10, 10, 300_000),
    "id_search": lambda c: c.id_search(range(2**53, 2**53 + 3 * ROWS)),
    "moc_search": lambda c: c.moc_search("0/3-5"),
    "pixel_search": lambda c: c.pixel_search((0, 3)),
    "polygon_search": lambda c: c.polygon_search([(0, 0), (80, 0), (0, 80)]),
    "search": lambda c: c.search(Cone(10, 10, 300_000)),
}
"""What finds few rows as the tests do it."""


def slow(mag: float) -> float:
    """Take some time for a row."""
    time.sleep(ROW_SECONDS)
    return 1.0


def over_slow_rows(verb: str) -> Callable[[sky.Catalog, Path], object]:
    """Return how a verb is done over slow rows."""

    def compute(catalog: sky.Catalog, out: Path) -> object:
        rows = catalog.map_rows(slow, "mag", schema={"slowed": float})
        if verb not in WITHOUT_FILTER:
            rows = rows.query("slowed > 0")
        if verb in COMPUTE:
            return COMPUTE[verb](rows, out)
        return (PLAN | ANEW)[verb](rows).to_arrow()

    return compute


VERBS = {verb: over_slow_rows(verb) for verb in (*COMPUTE, *PLAN)} | {
    f"{verb} (not slowed)": compute for verb, compute in HEAVY.items()
}


class End(NamedTuple):
    """How a verb ended."""

    seconds: float
    fault: str = ""


def imported(folder: Path, catalog: Path) -> None:
    """Import the survey."""
    sky.import_catalog(
        folder / "objects", catalog, id="id", lightcurves=folder / "sources", time_format="mjd",
        time_scale="tai", refposition="topocenter", max_rows=2_000, progress=False,
    )  # fmt: skip


def prepared(rows: int) -> Path:
    """Return the folder of the survey; made if it is not there."""
    from tests.pipelines.survey import random_survey, write_parts

    folder = WORK / f"cancel_{rows}"
    if not (folder / "survey").exists():
        objects, sources = random_survey(rows, 3)
        write_parts(folder / "objects", objects)
        write_parts(folder / "sources", sources)
        imported(folder, folder / "survey")
    return folder


def compute(verb: str, engine: str, folder: Path, out: Path) -> None:
    """Do a verb; say when a task has begun. The process that gets Ctrl-C."""
    said = False

    def listen(event: object) -> None:
        nonlocal said
        if isinstance(event, TaskStart) and not said:
            said = True
            print("computing", flush=True)

    with sky.executor(engine, workers=2), sky.Job(verb, on_event=listen):
        VERBS[verb](sky.open_catalog(folder / "survey"), out)
    print("done", flush=True)


def interrupted(verb: str, engine: str, folder: Path, after: float) -> End:
    """Do a verb in a process, and press Ctrl-C so long after it began to compute."""
    out = WORK / "cancel_out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    command = [sys.executable, __file__, "--compute", verb, engine, str(folder), str(out)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        if process.stdout.readline() != "computing\n":
            return End(0.0, process.stderr.read().strip().rsplit("\n", 1)[-1] or "not begun")
        time.sleep(after)
        started = psutil.Process(process.pid).children(recursive=True)
        if process.poll() is not None:
            return End(0.0, "it was done before")
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        return _ended(process, started, began)


def _ended(process: subprocess.Popen[str], started: list[psutil.Process], began: float) -> End:
    """Wait until a process and all that it had started are gone."""
    try:
        said, error = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        return End(PATIENCE, "it did not end")
    finally:
        while (left := list(filter(_lives, started))) and time.monotonic() < began + PATIENCE:
            time.sleep(0.01)
        seconds = time.monotonic() - began
        for child in left:
            child.kill()
    if left:
        return End(seconds, f"left {len(left)} processes")
    if "done" in said:
        return End(seconds, "it was done before")
    if not error.rstrip().endswith("KeyboardInterrupt"):
        return End(seconds, error.strip().rsplit("\n", 1)[-1] or "no KeyboardInterrupt")
    return End(seconds, "" if seconds <= MOST_SECONDS else "too late")


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE  # only not yet asked for
    except psutil.NoSuchProcess:
        return False


def main(arguments: list[str] | None = None) -> int:
    """Press Ctrl-C on all; return 1 if any did not end in time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--verbs", nargs="+", choices=VERBS, default=VERBS)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compute", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.compute:
        verb, engine, folder, out = options.compute
        compute(verb, engine, Path(folder), Path(out))
        return 0
    folder = prepared(options.rows)
    moments = random.Random(options.seed)
    faults = 0
    for verb in options.verbs:
        ends = {
            engine: interrupted(verb, engine, folder, moments.uniform(0, LATEST))
            for engine in options.engines
        }
        print(
            f"{verb:32}" + "".join(f"{e.seconds:7.2f} {n:9}" for n, e in ends.items()), flush=True
        )
        for engine, end in ends.items():
            faults += bool(end.fault)
            if end.fault:
                print(f"    {engine}: {end.fault}", flush=True)
    print(f"{faults} faults" if faults else "all ended in time")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
