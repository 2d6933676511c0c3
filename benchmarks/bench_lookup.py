"""One object's light curve by its id, from a catalog of 1,000,000 objects, warm.

A fresh process opens the catalog, looks up 20 ids to warm up, then 500 random ones one by one;
each answer is compared with the generator. Integer ids above 2**53, and text ids.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import generate
from bench_lightcurves import catalog_path, import_program
from results import WORK, Row, Target, measured_row, save
from systems import skyseries

P50_LIMIT_MS = 20.0
HERE = Path(__file__).resolve().parent

PROGRAM = """
import json, sys, time
import numpy as np
sys.path.insert(0, {here!r})
import generate
import skyseries as sky

started = time.perf_counter()
catalog = sky.open_catalog({catalog!r})
opened = time.perf_counter() - started
rng = np.random.default_rng(7)
index = rng.integers(0, {n_objects}, 520)
ids = (generate.string_ids if {text} else generate.object_ids)(index).tolist()
seconds = []
for i, key in zip(index, ids):
    started = time.perf_counter()
    curve = catalog.lightcurve(key)
    seconds.append(time.perf_counter() - started)
    row = i * {n_epochs} + np.arange({n_epochs})
    times, _, flux, _ = generate.source_values(row, {n_epochs})
    order = np.argsort(times)
    assert np.array_equal(np.asarray(curve.time), times[order]), key
    assert np.array_equal(np.asarray(curve.value, np.float32), flux[order]), key
ms = np.array(seconds[20:]) * 1e3
p50, p95, p99 = np.percentile(ms, [50, 95, 99]).round(2).tolist()
print(json.dumps({{"p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "max_ms": round(ms.max(), 2),
                   "open_s": round(opened, 3), "first_ms": round(seconds[0] * 1e3, 1)}}))
"""


def lookup(n_objects: int, n_epochs: int, files: int, *, text: bool) -> Row:
    """Look up 500 random ids; build the catalog first if it is not there."""
    output = catalog_path(n_objects, n_epochs, text=text)
    if not (output / "collection.properties").exists():
        shutil.rmtree(output, ignore_errors=True)
        source = output.with_name(f"{output.name}_input")
        generate.lightcurves(source, n_objects, n_epochs, files=files, string_id=text)
        skyseries(import_program(source, output, "2GB", 2))
        shutil.rmtree(source)
    program = PROGRAM.format(
        here=str(HERE), catalog=str(output), n_objects=n_objects, n_epochs=n_epochs, text=text
    )
    measured = skyseries(program)
    figures = json.loads(measured.stdout.strip().splitlines()[-1])
    p50 = figures["p50_ms"]
    row = measured_row(
        measured, f"light curve by id, {'text' if text else 'integer'} ids",
        f"{n_objects:,} objects x {n_epochs} epochs", "skyseries", figures=figures,
        process="warm",
        targets=(Target("p50 < 20 ms", p50, p50 < P50_LIMIT_MS),) if n_objects >= 1e6 else (),
    )  # fmt: skip
    return Row(**{**vars(row), "wall_s": None, "cpu_s": None})


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=float, default=1e6)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--text-epochs", type=int, default=20)
    a = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    rows = [
        lookup(int(a.objects), a.epochs, 100, text=False),
        lookup(int(a.objects), a.text_epochs, 20, text=True),
    ]
    notes = "500 random ids after 20 to warm up; the files are in the page cache."
    save("lookup", "One light curve by id", rows, notes, full=a.objects >= 1e6)


if __name__ == "__main__":
    main()
