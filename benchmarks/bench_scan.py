"""Filter + aggregate over all rows, against the speed at which pyarrow reads the same columns.

``query("mag < 20").aggregate(n="COUNT(*)", m="AVG(mag)")``, and the same with the mean of another
column. pyarrow reads the columns of the same files with as many threads, a file after the other,
and does nothing with them. Both alternate in one warm process, from the page cache; the best of
some rounds counts. With ``--lightcurves``, how many light curves a second `iter_batches` gives.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import generate
from measure import measure
from results import WORK, Row, Target, save

LIMIT = 0.7
BATCHES_LIMIT = 50_000
ROUNDS = 5
TASKS = {
    "COUNT(*), AVG(mag) where mag < 20": (["mag"], "AVG(mag)"),
    "COUNT(*), AVG(ra) where mag < 20": (["mag", "ra"], "AVG(ra)"),
}


def catalog(n: int) -> Path:
    """Return a catalog of n objects; imported first if it is not there."""
    import skyseries as sky

    output = WORK / f"scan_{n}"
    if not (output / "collection.properties").exists():
        shutil.rmtree(output, ignore_errors=True)
        source = WORK / f"objects_{n}"
        generate.objects(source, n)
        sky.import_catalog(
            source, output, name="objects", id="id", margin_arcsec=None, id_index=None,
            progress=False,
        )  # fmt: skip
    return output


def best(functions: list[Callable[[], object]], rounds: int = ROUNDS) -> list[float]:
    """Return the least time of each; they take turns, so that noise meets all alike."""
    seconds = [float("inf")] * len(functions)
    for _ in range(rounds):
        for i, function in enumerate(functions):
            started = time.perf_counter()
            function()
            seconds[i] = min(seconds[i], time.perf_counter() - started)
    return seconds


def run(path: str, n: int) -> None:
    """Measure in this process, and print JSON."""
    import pyarrow.parquet as pq

    import skyseries as sky

    files = sorted(str(file) for file in Path(path).glob("v*/**/Npix=*.parquet"))
    assert sum(pq.read_metadata(file).num_rows for file in files) == n
    bright = sky.open_catalog(path).query("mag < 20")
    found: list[dict[str, object]] = []
    for workers in (1, 2):
        for task, (columns, mean) in TASKS.items():

            def read(file: str, columns: list[str] = columns) -> int:
                return int(pq.ParquetFile(file).read(columns, use_threads=False).num_rows)

            def plain(workers: int = workers, read: Callable[[str], int] = read) -> None:
                with ThreadPoolExecutor(workers) as pool:
                    assert sum(pool.map(read, files)) == n

            with sky.executor("threads", workers=workers):

                def ours(mean: str = mean) -> object:
                    return bright.aggregate(n="COUNT(*)", m=mean)

                ours()
                reading, aggregating = best([plain, ours])
            found.append({"task": task, "workers": workers, "read": reading, "ours": aggregating})
    print(json.dumps(found))


def light_curves(path: str) -> None:
    """Measure `iter_batches` with one worker, and print JSON."""
    import skyseries as sky

    cat = sky.open_catalog(path)
    column = cat.lightcurve_columns[0]
    found = {}
    with sky.executor("threads", workers=1):
        for name, options in {"along the sky": {}, "shuffled": {"shuffle": True}}.items():
            rates = []
            for _ in range(3):
                started, rows = time.process_time(), 0
                for batch in cat.iter_batches(500, [column], **options):
                    rows += len(batch[f"{column}.offsets"]) - 1
                rates.append(rows / (time.process_time() - started))
            found[name] = {"rows": rows, "per_cpu_s": max(rates)}
    print(json.dumps(found))


def measured(mode: str, path: Path, n: int) -> list[Row]:
    """Run one measurement in a fresh process and return its rows."""
    output = measure([sys.executable, __file__, mode, str(path), str(n)]).stdout
    result = json.loads(output.strip().splitlines()[-1])
    if mode == "--run-batches":
        return [
            Row(
                f"batches of 500 light curves, {name}", f"{found['rows']:,} light curves",
                "skyseries", process="warm",
                figures={"light curves per CPU second": round(found["per_cpu_s"])},
                targets=(
                    Target(">= 50,000 light curves/s", found["per_cpu_s"],
                           found["per_cpu_s"] >= BATCHES_LIMIT),
                ),
            )
            for name, found in result.items()
        ]  # fmt: skip
    rows = []
    for found in result:
        fraction = found["read"] / found["ours"]
        rows.append(
            Row(
                found["task"], f"{n:,} rows, {found['workers']} workers", "skyseries",
                process="warm", wall_s=round(found["ours"], 3),
                figures={
                    "pyarrow read_s": round(found["read"], 3),
                    "fraction of read speed": round(fraction, 2),
                    "million rows/s": round(n / found["ours"] / 1e6, 1),
                },
                targets=(Target(">= 0.7 of read speed", fraction, fraction >= LIMIT),),
            )
        )  # fmt: skip
    return rows


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, default=1e8)
    parser.add_argument("--lightcurves", type=Path, help="a catalog of light curves")
    parser.add_argument("--run-scan", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--run-batches", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run_scan:
        return run(options.run_scan[0], int(options.run_scan[1]))
    if options.run_batches:
        return light_curves(options.run_batches[0])
    n = int(options.rows)
    rows = measured("--run-scan", catalog(n), n)
    if options.lightcurves:
        rows += measured("--run-batches", options.lightcurves, 0)
    save("scan", "Filter and aggregate over all rows", rows, full=n >= 1e8)
    return None


if __name__ == "__main__":
    main()
