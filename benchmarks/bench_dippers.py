"""The dipper search of ``examples/dippers.py`` over a catalog, against a function of each row.

One worker, from the files on disk to the list of candidates. The same filter in plain NumPy is
called in the same way for a sample of the same stars; the lists are compared before a ratio is
printed. Also shown: the filter as a feature, called from a compiled loop; and the parts of the
time: reading alone, and the filter alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pyarrow as pa

import peer_dippers
import skyseries as sky
from results import WORK, Row, Target, save
from skyseries.timeseries import features_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
import dippers

REPEATS = 3
ALL = 2e9
POINTS = 100


@numba.njit(nogil=True, error_model="numpy")
def as_feature(time, mag, err, band):
    """Return the numbers of the dip as features are: all floating-point, NaN for none."""
    best, at = dippers.best_dip(time, mag, err, band)
    there = 1.0 if at >= 0 else np.nan
    return (
        best[0] * there, best[1] * there, best[2] * there, best[3] * there, best[4] * there,
        best[5] * there, float(at), best[6] * there, best[7] * there, best[8] * there,
        best[9] * there,
    )  # fmt: skip


def catalog_of(n: int) -> sky.Catalog:
    """Return the survey, made if it is not there yet."""
    folder = WORK / f"dippers-{n}"
    if not (folder / "survey").exists():
        folder.mkdir(parents=True, exist_ok=True)
        dippers.make_survey(folder, n, n // 1000, POINTS)
    return sky.open_catalog(folder / "survey")


def read_only(catalog: sky.Catalog) -> Any:
    """Read and filter the light curves, with nothing to find."""
    good = catalog.query("lightcurve.catflags = 0 AND lightcurve.magerr >= 0")
    return good.query("COUNT(lightcurve.mag) + COUNT(lightcurve.fid) < 0").to_arrow()


def feature_search(catalog: sky.Catalog) -> pa.Table:
    """Search with the filter as a feature."""
    features = features_of(as_feature, name=dippers.NAMES)
    return catalog.features([*features]).query(dippers.CUTS).to_arrow()


def slow_search(catalog: sky.Catalog, n: int) -> pa.Table:
    """Search among the first stars with the function in NumPy."""
    good = catalog.query(f"id < {n}").query("lightcurve.catflags = 0")
    types = dippers.types_of_columns(good)
    return good.map_lightcurves(peer_dippers.dip, schema=types).query(dippers.CUTS).to_arrow()


def filter_alone(n: int) -> tuple[float, float]:
    """Return the seconds of one call from Python, for light curves in memory."""
    fields, _ = dippers.make_lightcurves(n, n // 1000, POINTS)
    rows = list(zip(*(fields[k] for k in ("mjd", "mag", "magerr", "fid")), strict=True))
    dippers.dip(*rows[0])
    return tuple(s / n for s in timed(lambda: [dippers.dip(*row) for row in rows])[1:])  # type: ignore[return-value]


def timed(call: Callable[[], Any], repeats: int = REPEATS) -> tuple[Any, float, float]:
    """Return the result, and the least wall and CPU seconds of several calls."""
    wall, cpu = [], []
    for _ in range(repeats):
        started = time.perf_counter(), time.process_time()
        result = call()
        wall.append(time.perf_counter() - started[0])
        cpu.append(time.process_time() - started[1])
    return result, min(wall), min(cpu)


def ids(table: pa.Table, below: float = np.inf) -> list[int]:
    """Return the stars of a list."""
    return sorted(id for id in table["id"].to_pylist() if id < below)


def run(n: int, n_sample: int) -> list[Row]:
    """Measure, and return the rows."""
    catalog = catalog_of(n)
    with sky.executor("serial"):
        started = time.perf_counter()
        dippers.search(catalog).head(1)
        first = time.perf_counter() - started
        calls = {
            "map_lightcurves": lambda: dippers.search(catalog).query(dippers.CUTS).to_arrow(),
            "feature": lambda: feature_search(catalog),
            "reading": lambda: read_only(catalog),
        }
        calls["feature"]()  # compiles
        found = {name: timed(call) for name, call in calls.items()}
        slow, slow_wall, slow_cpu = timed(lambda: slow_search(catalog, n_sample), 1)
    if ids(found["map_lightcurves"][0], n_sample) != ids(slow):
        raise SystemExit("the lists of candidates differ")
    return rows_of(found, n, n_sample, first, slow_wall, slow_cpu)


def rows_of(
    found: dict[str, Any], n: int, n_sample: int, first: float, slow_wall: float, slow_cpu: float
) -> list[Row]:
    """Return the rows of the page."""
    table, wall, cpu = found["map_lightcurves"]
    rate = n / cpu
    ratio = slow_cpu / n_sample * rate
    _, alone = filter_alone(min(n, 20_000))
    task, size = "dipper search", f"{n:,} light curves x {POINTS} points"
    return [
        Row(
            task, size, "skyseries, map_lightcurves", process="warm", wall_s=round(wall, 2),
            cpu_s=round(cpu, 2), ratio=round(ratio, 1),
            figures={
                "light curves per second, wall": round(n / wall),
                "light curves per second and core (CPU)": round(rate),
                "core-hours for 2e9, extrapolated": round(ALL / rate / 3600, 1),
                "reading and flags alone, us": round(1e6 * found["reading"][2] / n, 2),
                "one call of the filter, in memory, us": round(1e6 * alone, 2),
                "compiling and first rows, s": round(first, 1),
                "candidates": table.num_rows,
            },
            targets=(
                Target(">= 50,000 light curves/s/core", round(rate), rate >= 50_000),
                Target(">= 100x a function in NumPy for each row", round(ratio, 1), ratio >= 100),
            ),
        ),
        Row(
            task, size, "skyseries, as a feature", process="warm",
            wall_s=round(found["feature"][1], 2), cpu_s=round(found["feature"][2], 2),
            figures={"light curves per second and core (CPU)": round(n / found["feature"][2]),
                     "candidates": found["feature"][0].num_rows},
        ),
        Row(
            task, f"{n_sample:,} of them", "NumPy and astropy, row by row", jit_cache="-",
            process="warm", wall_s=round(slow_wall, 2), cpu_s=round(slow_cpu, 2),
            figures={"light curves per second and core (CPU)": round(n_sample / slow_cpu),
                     "core-hours for 2e9, extrapolated": round(ALL * slow_cpu / n_sample / 3600)},
        ),
    ]  # fmt: skip


def main() -> None:
    """Measure and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=float, default=2e5)
    parser.add_argument("--sample", type=float, default=1e4)
    a = parser.parse_args()
    notes = (
        "One worker (the engine `serial`), fastest of "
        f"{REPEATS}, after the filter has been compiled; synthetic light curves like those of ZTF "
        "in three bands, as a HATS catalog. Rates per core are of the CPU time of the whole call, "
        "with reading and decompression, which Arrow does in threads of its own; ratio: CPU time "
        "per light curve of the function in NumPy, which reads in the same way, divided by ours. "
        "Published: about 1,000 light curves per second and core (22.5 hours on 20 threads for "
        "1.35e9; Stetzler et al. 2022, AJ 164, 68, and its notebooks)."
    )
    rows = run(int(a.objects), int(a.sample))
    save("dippers", "Dipper search", rows, notes, full=a.objects >= 2e5)


if __name__ == "__main__":
    main()
