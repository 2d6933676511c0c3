"""Whether this checkout writes and computes the same as an earlier one, to the last bit.

``bench_same.py --base CHECKOUT`` imports a small survey with light curves in processes of their
own, on every engine by both checkouts; each writes a filtered and a matched catalog, an association
and an extension of features, and computes sums, groups, quantiles, orders, samples and matches.
What is compared is in ``same_digests.py``. Everything must be alike on all engines and with the
base; what differs is named, and the script fails.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import generate
from results import WORK, Row, Target, save

HERE = Path(__file__).resolve().parents[1]
ENGINES = ("serial", "threads", "processes", "dask", "spark")
OBJECTS = 20_000
EPOCHS = 20

Digests = dict[str, str]


def prepared(objects: int, epochs: int) -> Path:
    """Return the folder of the inputs; made if they are not there."""
    folder = WORK / f"same_{objects}x{epochs}"
    generate.lightcurves(folder, objects, epochs, files=8)
    if not (folder / "other.parquet").exists():
        pq.write_table(others(folder / "objects"), folder / "other.parquet")
    return folder


def others(objects: Path) -> pa.Table:
    """Return the rows of another catalog: most objects moved a little, the ids of all that."""
    there = pa.concat_tables(
        pq.ParquetFile(path).read() for path in sorted(objects.glob("*.parquet"))
    )
    rng = np.random.default_rng(3)
    chosen = rng.permutation(len(there))[: int(0.7 * len(there))]
    some = there.take(pa.array(chosen))
    n = len(some)
    return pa.table(
        {
            "id": np.arange(n) + (1 << 55),
            "ra": pc.add(some["ra"], pa.array(rng.normal(0, 5e-5, n))),
            "dec": pc.max_element_wise(
                pc.min_element_wise(pc.add(some["dec"], pa.array(rng.normal(0, 5e-5, n))), 90.0),
                -90.0,
            ),
            "ref": some["objectId"],
            "word": pa.array([f"w{i % 37}" if i % 11 else None for i in range(n)]),
        }
    )


def digests(engine: str, inputs: Path, checkout: Path) -> Digests:
    """Run a checkout on an engine."""
    output = WORK / f"same-{os.getpid()}"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    script = Path(__file__).with_name("same_digests.py")
    command = [sys.executable, str(script), "--engine", engine]
    command += ["--inputs", str(inputs), "--output", str(output)]
    environment = os.environ | {"PYTHONPATH": str(checkout / "src"), "SKYSERIES_PROGRESS": "0"}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{engine} with {checkout}: {done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])
    finally:
        shutil.rmtree(output, ignore_errors=True)


def differences(found: Digests, expected: Digests) -> list[str]:
    """Return the names of what is not the same, or on one side only."""
    names = sorted({*found, *expected})
    return [name for name in names if found.get(name) != expected.get(name)]


def row(engine: str, checkout: str, size: str, number: int, other: list[str]) -> Row:
    """Make the line of one engine and checkout."""
    named = {"other ones": "; ".join(other)} if other else {}
    return Row(
        task=f"digests by {checkout}", size=size, system=f"skyseries, {engine}", jit_cache="-",
        figures={"files and results": number} | named,
        targets=(Target("differences = 0", len(other), not other),),
    )  # fmt: skip


def main() -> None:
    """Compare and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="the checkout to compare with")
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=ENGINES)
    parser.add_argument("--objects", type=float, default=OBJECTS)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = parser.parse_args()
    objects, base = int(options.objects), options.base.resolve()
    inputs = prepared(objects, options.epochs)
    size = f"{objects:,} objects x {options.epochs} epochs"
    engines = [e for e in options.engines if e != "spark" or shutil.which("java")]
    expected: Digests | None = None
    rows = []
    for engine in engines:
        for name, checkout in (("the base", base), ("this checkout", HERE)):
            found = digests(engine, inputs, checkout)
            expected = found if expected is None else expected
            other = differences(found, expected)
            print(f"{engine}, {name}: {len(found)} digests, {len(other)} differ", flush=True)
            for line in other:
                print("   ", line, flush=True)
            rows.append(row(engine, name, size, len(found), other))
    commit = subprocess.run(
        ["git", "-C", str(base), "rev-parse", "--short", "HEAD"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    notes = (
        f"The base is commit {commit}. All digests are compared with those of the base on the "
        f"{engines[0]} engine: leaves byte by byte, of margins and indexes the sorted rows, of "
        "results all bits of the values."
    )
    full = engines == list(ENGINES) and objects >= OBJECTS
    save("same", "The same files and results", rows, notes, full=full)
    if not all(target.reached for row in rows for target in row.targets):
        sys.exit(1)


if __name__ == "__main__":
    main()
