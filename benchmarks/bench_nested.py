"""Sorting, filtering, splitting and summing inside light curves, against nested-pandas.

Each system runs in a fresh process of its own, reads the same Parquet file, does each task once
and then three times more; the fastest of the three counts. From column in memory to column (or
sums) in memory. A hash of each result is compared. To be split by band, light curves are in the
order of time already, as in a catalog.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
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
LEAST_RATIO = 20
BANDS = tuple("ugrizy")
REPEATS = 3
TASKS = {
    "sort": "sort by time inside light curves",
    "filter": "keep the epochs with flux > 0",
    "band": "keep the epochs of one band",
    "split": "split by band: runs of epochs with offsets",
    "columns": "split by band: six nested columns",
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
    from skyseries.nested import Nested
    from skyseries.schema import LightCurveFields
    from skyseries.timeseries.epochs import iter_epochs
    from skyseries.timeseries.measured import measured_field
    from skyseries.timeseries.segments import Segments, split_by_band

    column = pq.read_table(path).column("lc").combine_chunks()

    def keep_positive() -> pa.StructArray:
        nested = Nested.from_arrow(column)
        return nested.filter(pc.greater(nested.values("flux"), 0)).to_arrow()

    def one_band(band: str = "r", of: pa.StructArray = column) -> pa.StructArray:
        nested = Nested.from_arrow(of)
        return nested.filter(pc.equal(nested.values("band"), band)).to_arrow()

    def hash_column(result: pa.StructArray) -> str:
        nested = Nested.from_arrow(result)
        return digest(nested.parents(), nested.flat_table())

    in_order = Nested.from_arrow(column).sort("mjd").to_arrow()
    fields = LightCurveFields(time="mjd", band="band", flux="flux", flux_err="err")
    measured = measured_field(fields)

    def split() -> Segments:
        (epochs,) = iter_epochs(in_order, fields, measured, BANDS)
        return split_by_band(epochs)

    def hash_segments(result: Segments) -> str:
        segment = np.repeat(np.arange(result.size), result.count)
        parents, code = np.divmod(segment, len(BANDS))
        epochs = {"mjd": result.time, "flux": result.value, "err": result.error}
        table = pa.table({**epochs, "band": np.array(BANDS)[code]})
        return digest_bands(
            (parents[code == k], table.filter(code == k)) for k in range(len(BANDS))
        )

    def hash_columns(result: list[pa.StructArray]) -> str:
        each = (Nested.from_arrow(part) for part in result)
        return digest_bands((nested.parents(), nested.flat_table()) for nested in each)

    return {
        "sort": (lambda: Nested.from_arrow(column).sort("mjd").to_arrow(), hash_column),
        "filter": (keep_positive, hash_column),
        "band": (one_band, hash_column),
        "split": (split, hash_segments),
        "columns": (lambda: [one_band(b, in_order) for b in BANDS], hash_columns),
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

    in_order = frame.sort_values("lc.mjd")

    def flat_of(result: Any) -> tuple[np.ndarray, pa.Table]:
        flat = result["lc"].nest.to_flat()
        return flat.index.to_numpy(), pa.Table.from_pandas(flat, preserve_index=False)

    def hash_frame(result: Any) -> str:
        return digest(*flat_of(result))

    def columns() -> list[Any]:
        return [in_order.query(f"lc.band == '{band}'") for band in BANDS]

    def hash_frames(result: list[Any]) -> str:
        return digest_bands(flat_of(part) for part in result)

    return {
        "sort": (lambda: frame.sort_values("lc.mjd"), hash_frame),
        "filter": (lambda: frame.query("lc.flux > 0"), hash_frame),
        "band": (lambda: frame.query("lc.band == 'r'"), hash_frame),
        "split": (columns, hash_frames),
        "sum": (sums, lambda result: rounded(result.to_numpy())),
    }


def digest(parents: np.ndarray, epochs: pa.Table) -> str:
    """Return a hash of the rows and all values in order."""
    state = hashlib.sha256(np.asarray(parents, np.int64).tobytes())
    for name in ("mjd", "flux", "err"):
        state.update(epochs[name].to_numpy().astype(np.float64).tobytes())
    state.update("".join(epochs["band"].to_pylist()).encode())
    return state.hexdigest()


def digest_bands(bands: Iterable[tuple[np.ndarray, pa.Table]]) -> str:
    """Return a hash of the epochs of one band after the other."""
    return "".join(digest(*band)[:16] for band in bands)


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
        measured = measure(command, env={"SKYSERIES_KERNELS": cache} if cold else None)
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
    peer["columns"] = peer["split"]  # it has one way for both
    rows = []
    for task, title in TASKS.items():
        assert ours[task]["hash"] == peer[task]["hash"], f"{task}: the results differ"
        us = {s: r[task]["best_s"] / n_objects * 1e6 for s, r in (("a", ours), ("b", peer))}
        own = {
            "us_per_object": round(us["a"], 2),
            "first_call_ms": round(1e3 * ours[task]["first_s"]),
            "first_call_cold_jit_ms": round(1e3 * cold[task]["first_s"]),
        }
        rows += [
            Row(
                title, size, "skyseries", process="warm", ratio=round(us["b"] / us["a"], 1),
                figures=own, targets=targets_of(task, us["a"], us["b"] / us["a"]),
            ),
            Row(
                title, size, "nested-pandas 0.7.2", jit_cache="-", process="warm",
                figures={"us_per_object": round(us["b"], 2)},
            ),
        ]  # fmt: skip
    return rows


def targets_of(task: str, us: float, ratio: float) -> tuple[Target, ...]:
    """Return what a task must reach."""
    faster = Target(">= 20x nested-pandas", round(ratio, 1), ratio >= LEAST_RATIO)
    quick = Target("sort <= 5 us per object", round(us, 2), us <= LIMIT_US)
    known = {"sort": (quick, faster), "filter": (faster,), "band": (faster,), "split": (faster,)}
    return known.get(task, ())


def main() -> None:
    """Compare and save, or (--run) be one of the two processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=float, default=1e5)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--run", choices=sorted(SYSTEMS), help=argparse.SUPPRESS)
    parser.add_argument("--input", type=Path, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.run:
        run(a.run, a.input)
        return
    notes = (
        "Column in memory to column in memory, in one thread; fastest of three after one. Results "
        "are the same, values and order; a split is into the runs of each light curve and band, as "
        "features take them, or into six columns, which is what nested-pandas makes (a query for "
        "each band). The sum of nested-pandas is the quickest of its ways "
        "(flat column, groupby)."
    )
    rows = compare(int(a.objects), a.epochs)
    save("nested", "Inside light curves", rows, notes, full=a.objects * a.epochs >= 1e7)


if __name__ == "__main__":
    main()
