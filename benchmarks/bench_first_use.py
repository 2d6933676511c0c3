"""What the first use after an installation costs: the kernels are compiled then, once.

Whole processes with an empty folder for kernels, with all that they start; the same again with
what the first has compiled; how soon the bar is seen; the demo; and a worker on a machine that has
never compiled, which shares a folder. The CPU seconds asked for are those of a machine on which
``import numpy, pyarrow.parquet`` takes 0.15 s, so they are scaled by what it takes here.
"""

from __future__ import annotations

import argparse
import os
import pty
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import generate
from results import WORK, Row, Target, save

UNIT = [sys.executable, "-c", "import numpy, pyarrow.parquet"]
UNIT_CPU_S = 0.15
STARS = 300
ASKED = {"features": 5.0, "periods": 5.0}
DEMO_WALL_S = 25.0
WORKER_CPU_S = 1.0
BAR_S = 1.0
MARK = b"compiling"

WORKER = """
import time
from skyseries.executors.worker import answer
import numpy as np
began = time.process_time()
from skyseries.timeseries.kernels.networks import sort_segments
sort_segments(np.arange(100.0)[::-1].copy(), np.array([0, 50, 100]))
print(time.process_time() - began)
"""


def command(*arguments: str) -> list[str]:
    """Return the command line of Skyseries."""
    return [sys.executable, "-m", "skyseries", *arguments]


class Spent(NamedTuple):
    """What a command cost, with all that it has started."""

    wall_s: float
    cpu_s: float
    stdout: str


def best(line: list[str], environment: dict[str, str], rounds: int) -> Spent:
    """Measure a command some times; the least CPU counts."""
    found = []
    for _ in range(rounds):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(
            line, env=os.environ | environment, capture_output=True, text=True, check=True
        )
        wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found.append(Spent(round(wall, 3), round(spent, 3), done.stdout))
    return min(found, key=lambda each: each.cpu_s)


def cold(line: list[str], kernels: Path, rounds: int) -> Spent:
    """Measure a command with nothing compiled; the least CPU counts."""
    found = []
    for _ in range(rounds):
        shutil.rmtree(kernels, ignore_errors=True)
        found.append(best(line, {"SKYSERIES_KERNELS": str(kernels)}, 1))
    return min(found, key=lambda each: each.cpu_s)


def seconds_to_bar(line: list[str], kernels: Path) -> float:
    """Return when a command says on a terminal that it compiles."""
    shutil.rmtree(kernels, ignore_errors=True)
    began = time.monotonic()
    process, terminal = pty.fork()
    if process == 0:
        os.environ["SKYSERIES_KERNELS"] = str(kernels)
        os.execv(line[0], line)  # noqa: S606 - our own command
    seen, text = float("nan"), b""
    while True:
        ready, _, _ = select.select([terminal], [], [], 0.05)
        try:
            more = os.read(terminal, 65536) if ready else b""
        except OSError:  # the terminal is closed
            break
        text += more
        if seen != seen and MARK in text:
            seen = time.monotonic() - began
    os.waitpid(process, 0)
    return seen


def rows(folder: Path, rounds: int) -> list[Row]:
    """Measure all."""
    kernels, stars = folder / "kernels", str(folder / "stars")
    generate.lightcurves(folder / "curves", STARS, 100)
    best(command("import", str(folder / "curves" / "objects"), stars, "--id", "objectId",
                    "--lightcurves", str(folder / "curves" / "sources")), {}, 1)  # fmt: skip
    unit = best(UNIT, {}, 5).cpu_s
    scale = unit / UNIT_CPU_S
    found = [Row("import of numpy and pyarrow.parquet", "-", "the unit", "-", cpu_s=unit)]
    for verb, asked in ASKED.items():
        line = command(verb, stars, "-o", str(folder / "out.parquet"))
        first = cold(line, kernels, rounds)
        shown = seconds_to_bar(line, kernels)
        again = best(line, {"SKYSERIES_KERNELS": str(kernels)}, 5)
        limit = round(asked * scale, 2)
        found += [
            Row(
                f"first {verb}", f"{STARS} stars", "skyseries", jit_cache="cold",
                wall_s=first.wall_s, cpu_s=first.cpu_s,
                figures={"seconds to the bar": round(shown, 2)},
                targets=(
                    Target(f"CPU <= {limit} s", round(first.cpu_s, 2), first.cpu_s <= limit),
                    Target(f"bar within {BAR_S} s", round(shown, 2), shown <= BAR_S),
                ),
            ),
            Row(
                f"{verb} again", f"{STARS} stars", "skyseries",
                wall_s=again.wall_s, cpu_s=again.cpu_s,
            ),
        ]  # fmt: skip
    worker = best([sys.executable, "-c", WORKER], {
        "SKYSERIES_KERNELS": str(kernels), "HOME": str(folder / "home"), "XDG_CACHE_HOME": "",
    }, 5)  # fmt: skip
    spent = float(worker.stdout)
    found.append(
        Row(
            "a kernel on a worker that has never compiled, shared folder", "-", "skyseries",
            wall_s=worker.wall_s, cpu_s=worker.cpu_s,
            figures={"CPU of the kernel, s": round(spent, 3)},
            targets=(Target(f"CPU <= {WORKER_CPU_S} s", round(spent, 3), spent <= WORKER_CPU_S),),
        )
    )  # fmt: skip
    demo = cold(command("demo", str(folder / "demo")), kernels, 1)
    found.append(
        Row(
            "demo after installation", "-", "skyseries", jit_cache="cold",
            wall_s=demo.wall_s, cpu_s=demo.cpu_s,
            targets=(Target(f"wall <= {DEMO_WALL_S} s", demo.wall_s, demo.wall_s <= DEMO_WALL_S),),
        )
    )  # fmt: skip
    return found


def main() -> None:
    """Measure and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of what is measured cold")
    options = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        found = rows(Path(folder), options.rounds)
    notes = "The best of five whole processes, their children included; the demo once."
    save("first_use", "First use after an installation", found, notes, full=options.rounds >= 5)


if __name__ == "__main__":
    main()
