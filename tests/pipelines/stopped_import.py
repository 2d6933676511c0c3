"""Imports that die at some rename, each in a process of its own, and are then run again.

A script for `test_import_faults`: ``python stopped_import.py FOLDER EXECUTOR SEED COUNT`` prints
one JSON line for the import that was left alone and one for each that was stopped. All outputs
of an import get their names by a rename, so dying at each of them covers every step.

The process that forks has used neither Arrow nor threads.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import skyseries as sky
from skyseries.hats import margin
from skyseries.hats.build import journal
from skyseries.hats.partitions import Cell, Partitions
from skyseries.pipelines.import_ import ids
from skyseries.spatial import order
from skyseries.spatial.healpix import radec_to_hpx
from tests.pipelines.survey import small_parts

_KILLED = 9


def main(folder: Path, executor: str, seed: int, count: int) -> None:
    """Run the reference, then `count` imports that are stopped at a random rename."""
    load()
    whole = in_child(partial(run, folder, folder / "whole", executor))
    print(json.dumps(whole), flush=True)  # noqa: T201
    draw = random.Random(seed)
    last = whole["renames"] - 1  # with the very last one the build folder goes: all is done
    points = [last - k for k in range(4)] + draw.sample(range(1, last - 3), count)
    for point in points:
        path = folder / f"stopped-{point}"
        died = in_child(partial(run, folder, path, executor, point, draw.random() < 0.5))
        marks = len(list(path.glob(".build-*/marks/*/**/*.json")))
        again = in_child(partial(run, folder, path, executor))
        said = {"point": point, "died": died, "marks": marks, **again}
        print(json.dumps(said), flush=True)  # noqa: T201


def load() -> None:
    """Load once what every import loads: kernels and large modules."""
    import astropy.io.fits  # noqa: F401
    import cdshealpix.nested  # noqa: F401
    import pandas  # noqa: F401, ICN001 - pyarrow loads it
    import pyarrow.parquet  # noqa: F401

    hpx = np.sort(radec_to_hpx([1.0, 2.0], [2.0, 3.0]))
    order.argsort(hpx)
    order.count_between(hpx, hpx)
    order.group_order(np.array([0, 0]), 1, np.array([2.0, 1.0]))
    margin.margin_targets(hpx, Cell(0, 4), Partitions.of([Cell(0, k) for k in range(12)]), 12)
    with tempfile.TemporaryDirectory() as folder:
        table = ids.IdTable.create(Path(folder), 2)
        table.insert(hpx.view(np.uint64), hpx.view(np.uint64), 0)
        table.find(hpx.view(np.uint64), hpx.view(np.uint64))


def run(
    folder: Path, path: Path, executor: str, die_at: int = 0, after: bool = False
) -> dict[str, Any]:
    """Import, and tell how many tasks and renames it took."""
    seen = {"renames": 0, "tasks": 0}

    def counted(rename: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def call(self: Path, target: Path) -> Path:
            seen["renames"] += 1
            if seen["renames"] != die_at:
                return rename(self, target)
            if after:
                rename(self, target)
            os._exit(_KILLED)

        return call

    def task(*args: Any) -> Any:
        seen["tasks"] += 1
        return marked(*args)

    marked = journal._marked
    journal._marked = task
    Path.rename, Path.replace = counted(Path.rename), counted(Path.replace)  # type: ignore[method-assign]
    with small_parts():
        report = sky.import_catalog(
            str(folder / "o/*.parquet"),
            path,
            name="survey",
            id="id",
            lightcurves=str(folder / "s/*.parquet"),
            max_rows=20,
            executor=executor,
            workers=2,
            progress=False,
        )
    return {"resumed": report.resumed, "version": report.version, "rows": report.rows, **seen}


def in_child(work: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """Do something in a forked process; return what it says, None if it has died."""
    reader, writer = os.pipe()
    if (pid := os.fork()) == 0:
        os.close(reader)
        with os.fdopen(writer, "w") as pipe:
            json.dump(work(), pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, _KILLED):
        raise SystemExit(f"the import ended with exit code {code}")
    return json.loads(said) if code == 0 else None


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
