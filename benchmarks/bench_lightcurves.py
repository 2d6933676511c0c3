"""Building light curves out of core from globally shuffled sources, and resuming after kills.

1,000,000 objects x 100 epochs with ``memory="1GB"`` on two workers: wall time, sources per
second, peak PSS of the whole tree. Then the same import on a smaller input is killed (SIGKILL to
the whole process group) at random moments and started again until it ends; the content of every
leaf must be that of an uninterrupted run.
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
from pathlib import Path

import generate
import verify
from results import WORK, Row, Target, measured_row, save
from systems import skyseries

PSS_LIMIT_MB = 1300.0
SOURCES_PER_S = 1e6

PROGRAM = """
import skyseries as sky
sky.import_catalog(
    {objects!r}, {output!r}, name="survey", id="objectId", lightcurves={sources!r},
    time="midpointMjdTai", band="band", flux="psfFlux", flux_err="psfFluxErr",
    time_format="mjd", time_scale="tai", flux_unit="nJy",
    memory={memory!r}, workers={workers}, progress=False)
"""


def build(n_objects: int, n_epochs: int, files: int, memory: str, workers: int) -> Row:
    """Measure one build; leave the catalog for `bench_lookup.py`."""
    source = WORK / f"lightcurves_{n_objects}x{n_epochs}"
    generate.lightcurves(source, n_objects, n_epochs, files=files)
    output = catalog_path(n_objects, n_epochs)
    shutil.rmtree(output, ignore_errors=True)
    measured = skyseries(import_program(source, output, memory, workers), rate_hz=10)
    checks = _check(output / "v000001" / "survey", n_objects, n_epochs)
    total = n_objects * n_epochs
    rate, pss = total / measured.wall_s, measured.peak_pss_mb
    targets = (
        Target("peak PSS <= 1.3 GB", pss, pss <= PSS_LIMIT_MB),
        Target(">= 1e6 sources/s", round(rate), rate >= SOURCES_PER_S),
    )
    size = f"{n_objects:,} objects x {n_epochs} epochs, {files} files, memory={memory}"
    return measured_row(
        measured, "build light curves", size, "skyseries",
        figures={"sources/s": round(rate)} | checks,
        targets=targets if total >= 100_000_000 else (),
    )  # fmt: skip


def kills(
    n_objects: int, n_epochs: int, files: int, memory: str, workers: int, count: int, seed: int
) -> Row:
    """Kill an import `count` times at random moments, resume it, and compare the content."""
    source = WORK / f"lightcurves_{n_objects}x{n_epochs}"
    generate.lightcurves(source, n_objects, n_epochs, files=files)
    whole, broken = WORK / "kills_whole", WORK / "kills_broken"
    for path in (whole, broken):
        shutil.rmtree(path, ignore_errors=True)
    undisturbed = skyseries(import_program(source, whole, memory, workers))
    rng = random.Random(seed)
    program = import_program(source, broken, memory, workers)
    died = 0
    started = time.perf_counter()
    while died < count:
        # an import that goes on has less to do: the moments are spread over the whole of a run
        delay = rng.uniform(0.05, 0.95) * undisturbed.wall_s
        if _run_and_kill(program, delay) and not _is_complete(broken):
            died += 1
        else:  # it came to its end: begin again
            _require(verify.leaf_digests(broken) == verify.leaf_digests(whole), "content differs")
            shutil.rmtree(broken)
    final = skyseries(program)
    spent = time.perf_counter() - started
    a, b = verify.leaf_digests(whole), verify.leaf_digests(broken)
    identical = a == b
    left = [p.name for p in broken.iterdir() if p.name not in {q.name for q in whole.iterdir()}]
    _require(not left, f"left over after the last run: {left}")
    size = f"{n_objects:,} objects x {n_epochs} epochs, killed {count} times"
    row = measured_row(
        final, "resume after SIGKILL (last run)", size, "skyseries",
        figures={
            "leaves compared": len(a), "undisturbed_s": undisturbed.wall_s,
            "all runs together_s": round(spent, 1),
        },
        targets=(Target("content identical", float(identical), identical),),
    )  # fmt: skip
    for path in (whole, broken):
        shutil.rmtree(path)
    return row


def catalog_path(n_objects: int, n_epochs: int, *, text: bool = False) -> Path:
    """Return where a built catalog lies."""
    return WORK / f"survey_{n_objects}x{n_epochs}{'_text' if text else ''}"


def import_program(source: Path, output: Path, memory: str, workers: int) -> str:
    """Return the import of objects and sources as a Python program."""
    return PROGRAM.format(
        objects=str(source / "objects" / "*.parquet"),
        sources=str(source / "sources" / "*.parquet"),
        output=str(output), memory=memory, workers=workers,
    )  # fmt: skip


def _is_complete(catalog: Path) -> bool:
    """Tell whether an import had ended when its process was killed."""
    unfinished = any(catalog.glob(".build-*"))
    return (catalog / "collection.properties").exists() and not unfinished


def _run_and_kill(program: str, delay: float) -> bool:
    """Start the program, kill its process group after `delay`; False if it had ended before."""
    process = subprocess.Popen(
        [sys.executable, "-c", program], start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        _, said = process.communicate(timeout=delay)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    _require(process.returncode == 0, f"the import failed: {said[-2000:]}")
    return False


def _check(catalog: Path, n_objects: int, n_epochs: int) -> dict[str, float | int | str]:
    """Compare every epoch of a sample of leaves with the generator, and count all rows."""
    import numpy as np
    import pyarrow.parquet as pq

    files = verify.leaves(catalog)
    rows = sum(pq.ParquetFile(path).metadata.num_rows for path in files)
    _require(rows == n_objects, f"{rows} objects of {n_objects}")
    first = int(generate.object_ids(np.zeros(1, np.int64))[0]) // 64
    for path in files[:: max(len(files) // 8, 1)]:
        table = pq.ParquetFile(path).read_row_group(0)
        index = table["objectId"].to_numpy() // 64 - first
        column = table["lightcurve"].combine_chunks()
        times = column.field("midpointMjdTai")
        source = (index[:, None] * n_epochs + np.arange(n_epochs)).ravel()
        want, _, flux, _ = generate.source_values(source, n_epochs)
        order = np.lexsort((want, np.repeat(np.arange(len(index)), n_epochs)))
        _require(
            np.array_equal(times.flatten().to_numpy(), want[order])
            and np.array_equal(column.field("psfFlux").flatten().to_numpy(), flux[order]),
            f"light curves differ in {path.name}",
        )
    largest = max(path.stat().st_size for path in files)
    return {"partitions": len(files), "largest leaf MB": round(largest / 1e6, 1)}


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise SystemExit(f"wrong output: {message}")


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=float, default=1e6)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--memory", default="1GB")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kill-objects", type=float, default=1e5)
    parser.add_argument("--kill-memory", default="300MB")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    small = build(20_000, 20, 4, a.memory, a.workers)  # fills the cache of compiled kernels
    rows = [build(int(a.objects), a.epochs, a.files, a.memory, a.workers)]
    rows.append(kills(int(a.kill_objects), a.epochs, 20, a.kill_memory, a.workers, a.kills, a.seed))
    full = a.objects * a.epochs >= 1e8
    save("lightcurves", "Building light curves out of core", [small, *rows], full=full)


if __name__ == "__main__":
    main()
