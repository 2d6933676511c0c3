"""Import of objects: Skyseries against hats-import 0.11.1, two workers each, the same files.

Every run is a fresh process, start-up included; the ratio is of the calls.
Skyseries runs with a warm cache of compiled kernels; the cold figure stands beside it. Outputs
are checked against the input: the same rows (hash over all columns), and a margin that holds all
rows of the ring of cells round each partition.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path

import generate
import verify
from measure import Measurement
from results import WORK, Row, Target, measured_row, save
from systems import PEER_PYTHON, peer, skyseries

COLUMNS = ["id", "ra", "dec", "mag"]
MARGIN_ARCSEC = 5.0
MARGIN_ORDER = 14
"""The order whose cells are the ring of a 5-arcsec margin."""
SPEED_UP = 10.0
REPEATS = 3
"""Runs of ours with a warm cache, of which the median counts; one run of the peer is long."""
PSS_LIMIT_MB = 2000.0

PROGRAM = """
import json
import skyseries as sky
report = sky.import_catalog({source!r}, {output!r}, name="objects", id="id", margin_arcsec={margin},
                   id_index=None, workers={workers}, progress=False)
print(json.dumps({{"call_s": round(report.seconds, 2)}}))
"""


def run(sizes: list[int], workers: int, peer_python: str, *, with_peer: bool = True) -> list[Row]:
    """Run all sizes and return the rows of the table."""
    rows = []
    _fill_kernel_cache(workers)
    for n in sizes:
        source = WORK / f"objects_{n}"
        files = generate.objects(source, n)
        wanted = verify.row_set(files, COLUMNS)
        for margin in (None, MARGIN_ARCSEC):
            task = "import, no margin" if margin is None else "import and 5-arcsec margin"
            theirs = None
            if with_peer:
                theirs = _hats_import(source, margin, workers, peer_python, wanted)
                rows.append(_row(theirs, task, n, "hats-import 0.11.1", "-"))
            for cold in (True, False):
                ours, checks = _ours(source, margin, workers, wanted, cold=cold)
                rows.append(
                    _row(ours, task, n, "skyseries", "cold" if cold else "warm", theirs, checks)
                )
    return rows


def _fill_kernel_cache(workers: int) -> None:
    source = WORK / "objects_10000"
    wanted = verify.row_set(generate.objects(source, 10_000), COLUMNS)
    _ours(source, MARGIN_ARCSEC, workers, wanted, cold=False)


def _ours(
    source: Path, margin: float | None, workers: int, wanted: verify.RowSet, *, cold: bool
) -> tuple[Measurement, dict[str, int]]:
    output = WORK / "import_ours"
    shutil.rmtree(output, ignore_errors=True)
    program = PROGRAM.format(
        source=str(source / "*.parquet"), output=str(output), margin=margin, workers=workers
    )
    measured = skyseries(program, cold=cold)
    if not cold:
        runs = [measured]
        for _ in range(REPEATS - 1):
            shutil.rmtree(output)
            runs.append(skyseries(program))
        measured = sorted(runs, key=lambda run: run.wall_s)[REPEATS // 2]
        # the peak of memory in a run of its own: taking it slows a process down
        shutil.rmtree(output)
        peak = skyseries(program, rate_hz=25).peak_pss_mb
        measured = replace(measured, peak_pss_mb=max(measured.peak_pss_mb, peak))
    version = output / "v000001"
    files = verify.leaves(version / "objects")
    _require(verify.row_set(files, COLUMNS) == wanted, "rows differ from the input")
    checks = {"partitions": len(files)}
    if margin is not None and not cold:
        checks = verify.margin_faults(
            files, version / "objects", version / "objects_5arcs", MARGIN_ORDER
        )
        _require(checks["margin rows missing"] == 0, f"margin is not complete: {checks}")
    shutil.rmtree(output)
    return measured, checks


def _hats_import(
    source: Path, margin: float | None, workers: int, python: str, wanted: verify.RowSet
) -> Measurement:
    output = WORK / "import_peer"
    shutil.rmtree(output, ignore_errors=True)
    arguments = [str(source), str(output), "--workers", str(workers)]
    if margin is not None:
        arguments += ["--margin-arcsec", str(margin)]
    measured = peer("peer_hats_import.py", arguments, python=python, cwd=WORK)
    found = verify.row_set(verify.leaves(output / "objects"), COLUMNS)
    _require(found == wanted, "hats-import's rows differ from the input")
    shutil.rmtree(output)
    return measured


def _row(
    measured: Measurement,
    task: str,
    n: int,
    system: str,
    jit: str,
    theirs: Measurement | None = None,
    checks: dict[str, int] | None = None,
) -> Row:
    figures: dict[str, float | int | str] = {"rows/s": round(n / measured.wall_s)}
    figures |= _calls(measured)
    ratio = None
    if theirs is not None:
        ratio = round(sum(_calls(theirs).values()) / sum(_calls(measured).values()), 2)
        figures["ratio of whole processes"] = round(theirs.wall_s / measured.wall_s, 2)
    targets: list[Target] = []
    if jit == "warm" and n >= 10_000_000:
        if ratio is not None:
            targets.append(Target(f">= {SPEED_UP:g}x faster", ratio, ratio >= SPEED_UP))
        pss = measured.peak_pss_mb
        targets.append(Target("peak PSS <= 2 GB", pss, pss <= PSS_LIMIT_MB))
    return measured_row(
        measured, task, f"{n:.0e} rows".replace("e+0", "e"), system, jit_cache=jit, ratio=ratio,
        figures=figures | (checks or {}), targets=tuple(targets),
    )  # fmt: skip


def _calls(measured: Measurement) -> dict[str, float]:
    """Return what the calls took, without the start of Python, of imports and of workers."""
    return dict(json.loads(measured.stdout.strip().splitlines()[-1]))


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise SystemExit(f"wrong output: {message}")


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=float, nargs="+", default=[1e6, 1e7])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--peer-python", default=PEER_PYTHON)
    parser.add_argument("--no-peer", action="store_true")
    a = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    rows = run([int(n) for n in a.sizes], a.workers, a.peer_python, with_peer=not a.no_peer)
    save(
        "import",
        "Import of objects (4 columns, 10 Parquet files)",
        rows,
        f"{a.workers} workers each. The ratio is of the calls alone (hats-import's pipelines; "
        "import_catalog), without the start of Python and of workers on either side, as its 77 s "
        "were measured; the ratio of whole fresh processes stands below. With margin, both its "
        "pipelines run in one process, so that start-up is counted once. Output rows are compared "
        "with the input by a hash. Ours with a warm cache is the median of three runs; its peak "
        "of memory is of a further one, sampled 25 times a second.",
        full=not a.no_peer and max(a.sizes) >= 1e7,
    )


if __name__ == "__main__":
    main()
