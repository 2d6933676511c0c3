"""Sorting, filtering and summing inside 20,000 light curves of 100 epochs, against nested-pandas.

Each system runs in a fresh process of its own, reads the same Parquet file, does each task once
and then five times more; the fastest of the five counts. From column in memory to column (or
sums) in memory. A hash of each result is compared.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from measure import measure
from results import WORK, Row, Target, save
from systems import PEER_PYTHON

LIMIT_US = 5.0
REPEATS = 5
TASKS = {
    "sort": "sort by time inside light curves",
    "filter": "keep the epochs with flux > 0",
    "sum": "sum of the fluxes of each light curve",
}
Systems = dict[str, tuple[Callable[[], Any], Callable[[Any], str]]]


def generate(path: Path, n_objects: int, n_epochs: int) -> None:
    """Write light curves whose epochs are in random order, over ten years."""
    rng = np.random.default_rng(3)
    m = n_objects * n_epochs
    offsets = pa.array(np.arange(0, m + 1, n_epochs), pa.int32())
    fields = {
        "mjd": rng.uniform(60000, 63650, m),
        "flux": rng.normal(0, 1, m).astype(np.float32),
        "err": rng.uniform(0.1, 0.2, m).astype(np.float32),
        "band": rng.choice(list("ugrizy"), m),
    }
    lists = [pa.ListArray.from_arrays(offsets, pa.array(values)) for values in fields.values()]
    column = pa.StructArray.from_arrays(lists, list(fields))
    pq.write_table(pa.table({"id": np.arange(n_objects), "lc": column}), path)


def skyseries_tasks(path: Path) -> Systems:
    """Return the tasks as functions and how their results are hashed."""
    from skyseries.timeseries.nested import Nested

    column = pq.read_table(path).column("lc").combine_chunks()

    def keep_positive() -> pa.StructArray:
        nested = Nested.from_arrow(column)
        return nested.filter(pc.greater(nested.values("flux"), 0)).to_arrow()

    def hash_column(result: pa.StructArray) -> str:
        nested = Nested.from_arrow(result)
        return digest(nested.parents(), nested.flat_table())

    return {
        "sort": (lambda: Nested.from_arrow(column).sort("mjd").to_arrow(), hash_column),
        "filter": (keep_positive, hash_column),
        "sum": (
            lambda: Nested.from_arrow(column).reduce("flux", "sum"),
            lambda sums: rounded(sums.to_numpy()),
        ),
    }


def nested_pandas_tasks(path: Path) -> Systems:
    """Return the same tasks for nested-pandas."""
    import nested_pandas

    warnings.simplefilter("ignore")
    frame = nested_pandas.read_parquet(path)

    def sums() -> Any:
        # the quickest way of several: `map_rows` calls a Python function for each row
        return frame["lc"].nest["flux"].astype("float64").groupby(level=0).sum()

    def hash_frame(result: Any) -> str:
        flat = result["lc"].nest.to_flat()
        table = pa.Table.from_pandas(flat, preserve_index=False)
        return digest(flat.index.to_numpy(), table)

    return {
        "sort": (lambda: frame.sort_values("lc.mjd"), hash_frame),
        "filter": (lambda: frame.query("lc.flux > 0"), hash_frame),
        "sum": (sums, lambda result: rounded(result.to_numpy())),
    }


def digest(parents: np.ndarray, epochs: pa.Table) -> str:
    """Return a hash of the rows and all values in order."""
    state = hashlib.sha256(np.asarray(parents, np.int64).tobytes())
    for name in ("mjd", "flux", "err"):
        state.update(epochs[name].to_numpy().astype(np.float64).tobytes())
    state.update("".join(epochs["band"].to_pylist()).encode())
    return state.hexdigest()


def rounded(sums: np.ndarray) -> str:
    """Return a hash of sums that does not depend on the order of the additions."""
    return hashlib.sha256(np.asarray(sums, np.float64).round(9).tobytes()).hexdigest()


SYSTEMS = {"skyseries": skyseries_tasks, "nested-pandas": nested_pandas_tasks}


def run(system: str, path: Path) -> None:
    """Do the tasks in this process and print seconds and hashes."""
    out = {}
    for task, (call, hash_of) in SYSTEMS[system](path).items():
        seconds = []
        for _ in range(REPEATS + 1):
            started = time.perf_counter()
            result = call()
            seconds.append(time.perf_counter() - started)
        out[task] = {"first_s": seconds[0], "best_s": min(seconds[1:]), "hash": hash_of(result)}
    print(json.dumps(out))


def start(system: str, path: Path, *, cold: bool = False) -> dict[str, dict[str, Any]]:
    """Do the tasks in a fresh process."""
    python = sys.executable if system == "skyseries" else PEER_PYTHON
    command = [python, str(Path(__file__).resolve()), "--run", system, "--input", str(path)]
    with tempfile.TemporaryDirectory(prefix="cold-jit-") as cache:
        measured = measure(command, env={"NUMBA_CACHE_DIR": cache} if cold else None)
    figures: dict[str, dict[str, Any]] = json.loads(measured.stdout.strip().splitlines()[-1])
    return figures


def compare(n_objects: int, n_epochs: int) -> list[Row]:
    """Run both systems and return their rows."""
    WORK.mkdir(exist_ok=True)
    path = WORK / f"nested_{n_objects}_{n_epochs}.parquet"
    if not path.exists():
        generate(path, n_objects, n_epochs)
    start("skyseries", path)  # fills the cache of compiled kernels
    ours, peer = start("skyseries", path), start("nested-pandas", path)
    cold = start("skyseries", path, cold=True)
    size = f"{n_objects:,} light curves x {n_epochs} epochs, 4 fields"
    rows = []
    for task, title in TASKS.items():
        assert ours[task]["hash"] == peer[task]["hash"], f"{task}: the results differ"
        us = {s: r[task]["best_s"] / n_objects * 1e6 for s, r in (("a", ours), ("b", peer))}
        targets = (Target("sort <= 5 us per object", round(us["a"], 2), us["a"] <= LIMIT_US),)
        own = {
            "us_per_object": round(us["a"], 2),
            "first_call_ms": round(1e3 * ours[task]["first_s"]),
            "first_call_cold_jit_ms": round(1e3 * cold[task]["first_s"]),
        }
        rows += [
            Row(
                title, size, "skyseries", process="warm", ratio=round(us["b"] / us["a"], 1),
                figures=own, targets=targets if task == "sort" else (),
            ),
            Row(
                title, size, "nested-pandas 0.7.2", jit_cache="-", process="warm",
                figures={"us_per_object": round(us["b"], 2)},
            ),
        ]  # fmt: skip
    return rows


def main() -> None:
    """Compare and save, or (--run) be one of the two processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=float, default=2e4)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--run", choices=sorted(SYSTEMS), help=argparse.SUPPRESS)
    parser.add_argument("--input", type=Path, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.run:
        run(a.run, a.input)
        return
    notes = (
        "Column in memory to column in memory, in one thread; fastest of five after one. Results "
        "are the same, values and order. The sum of nested-pandas is the quickest of its ways "
        "(flat column, groupby)."
    )
    rows = compare(int(a.objects), a.epochs)
    save("nested", "Inside light curves", rows, notes, full=a.objects >= 2e4)


if __name__ == "__main__":
    main()
