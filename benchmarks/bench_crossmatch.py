"""Cross-match within 1 arcsec of two catalogs written by hats-import, three columns of each.

Each system runs in a fresh process with two workers; the whole process is timed, start-up,
import, opening and planning included. Results go to Arrow (LSDB: a DataFrame) or to HATS.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import systems
from measure import Measurement
from results import WORK, Row, Target, measured_row, save

HERE = Path(__file__).resolve().parent
FOLDER = WORK / "xmatch" / "hats"
FASTER = 5.0

PROGRAM = """
import json, time
started = time.perf_counter()
import numpy as np
import skyseries as sky
from dataclasses import replace
from skyseries.store.files import locate
columns = ["id", "ra", "dec"]
left = sky.open_catalog({folder!r} + "/A_{n}").select(columns)
right = sky.open_catalog({folder!r} + "/B_{n}")
# hats-import writes no collection: the margin stands beside the catalog
right = right._with(replace(right._node, margins=(locate({folder!r} + "/{margin}"),)))
matched = left.crossmatch(right.select(columns), 1.0, suffixes=("_a", "_b"))
with sky.executor("threads", workers={workers}):
    if {output!r}:
        written = matched.write_catalog({output!r}, margin_arcsec=None, id_index=False)
        found = {{"rows": written.rows}}
    else:
        table = matched.to_arrow()
        keys = np.asarray(table["id_a"]) * 31 + np.asarray(table["id_b"])
        found = {{"rows": table.num_rows, "check": int(keys.sum())}}
print(json.dumps(found | {{"inside_s": round(time.perf_counter() - started, 2)}}))
"""


def ours(n: int, *, output: str = "", workers: int = 2, cold: bool = False) -> Measurement:
    """Run Skyseries."""
    program = PROGRAM.format(
        folder=str(FOLDER), n=n, margin=f"Bm_{n}", output=output, workers=workers
    )
    if output:
        shutil.rmtree(output, ignore_errors=True)
    return systems.skyseries(program, cold=cold)


def found(measured: Measurement) -> dict[str, int | float]:
    """Return what a process printed last."""
    if measured.returncode:
        raise SystemExit(measured.stderr[-2000:])
    return json.loads(measured.stdout.strip().splitlines()[-1])


def median(runs: list[Measurement]) -> Measurement:
    """Return the run of median wall time."""
    middle = statistics.median_low([run.wall_s for run in runs])
    return next(run for run in runs if run.wall_s == middle)


def compare(n: int, pyacid_python: str | None, repeats: int, schedulers: list[str]) -> list[Row]:
    """Run all systems; check that they find the same pairs."""
    size = f"{n:,} x {n:,} rows"
    task, hats = "cross-match, to Arrow", "cross-match, to HATS"
    output = str(WORK / "xmatch" / "out")
    arguments = ["crossmatch", str(FOLDER), "--rows", str(n)]
    lsdb = {
        f"LSDB ({scheduler})": systems.peer("peer_lsdb.py", [*arguments, "--scheduler", scheduler])
        for scheduler in schedulers
    }
    ours(n)  # compiles, where nothing is compiled yet
    warm = median([ours(n) for _ in range(repeats)])
    one = median([ours(n, workers=1) for _ in range(repeats)])
    cold = ours(n, cold=True)
    peers = dict(lsdb)
    if pyacid_python:
        peers["pyacid (2 workers)"] = systems.peer(
            "peer_pyacid.py", [str(FOLDER), "--rows", str(n)], python=pyacid_python
        )
    expected = found(warm)["check"]
    for name, run in peers.items():
        assert found(run)["check"] == expected, f"{name} finds other pairs"
    best = min(peers.values(), key=lambda run: run.wall_s)
    ratio = best.wall_s / warm.wall_s
    rows = [
        measured_row(run, task, size, name, jit_cache="-", figures=found(run))
        for name, run in peers.items()
    ]
    rows.append(
        measured_row(
            warm, task, size, "skyseries (2 workers)", ratio=ratio, figures=found(warm),
            targets=(Target("5x the best peer", round(ratio, 2), ratio >= FASTER),),
        )
    )  # fmt: skip
    rows.append(
        measured_row(cold, task, size, "skyseries (2 workers)", jit_cache="cold",
                     ratio=best.wall_s / cold.wall_s)
    )  # fmt: skip
    scaling = (found(one)["inside_s"]) / (2 * found(warm)["inside_s"])
    rows.append(
        measured_row(one, task, size, "skyseries (1 worker)", figures=found(one)
                     | {"strong scaling 1 -> 2": round(scaling, 2)})
    )  # fmt: skip
    ours(n, output=output)  # compiles
    written = ours(n, output=output)
    assert found(written)["rows"] == found(warm)["rows"]
    shutil.rmtree(output, ignore_errors=True)
    peer = systems.peer("peer_lsdb.py", [*arguments, "--scheduler", "client", "--output", output])
    rows.append(measured_row(peer, hats, size, "LSDB (client)", jit_cache="-"))
    rows.append(
        measured_row(written, hats, size, "skyseries (2 workers)",
                     ratio=peer.wall_s / written.wall_s)
    )  # fmt: skip
    return rows


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, default=1e7)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer-python", default=sys.executable)
    default = HERE.parent / ".venv-pyacid" / "bin" / "python"
    parser.add_argument(
        "--pyacid-python",
        default=str(default) if default.exists() else None,
        help="interpreter of an environment with pyacid",
    )
    parser.add_argument(
        "--schedulers", nargs="+", default=["synchronous", "threads", "client"], help="of LSDB"
    )
    a = parser.parse_args()
    systems.PEER_PYTHON = a.peer_python
    n = int(a.rows)
    if not (FOLDER / f"Bm_{n}").exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [a.peer_python, str(HERE / "generate_pairs.py"), str(FOLDER), str(n)], check=True
        )
    rows = compare(n, a.pyacid_python, a.repeats, a.schedulers)
    notes = (
        "Whole fresh processes, two workers each (LSDB: the threaded scheduler is its fastest "
        "of the synchronous one, threads, and a client with two processes; pyacid returns all "
        "columns of both sides). The pairs are the same in all (row count and a sum "
        "over both ids). ratio: the fastest peer's wall time divided by ours; to HATS, LSDB's."
    )
    save("crossmatch", "Cross-match of two catalogs", rows, notes, full=n >= 1e7)


if __name__ == "__main__":
    main()
