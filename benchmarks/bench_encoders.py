"""Rows per second that each encoder writes, on one core, against astropy's writers.

Tables of 65,536 rows, as a scan gives them, are encoded again and again; what is counted is the
CPU time of the process. The peer writes few rows, and is asked for the same format.
"""

from __future__ import annotations

import argparse
import io
import time
import warnings
from collections.abc import Callable

import numpy as np
import pyarrow as pa
from astropy.table import Table

from results import Row, Target, save
from skyseries.formats.streams import ENCODERS

ROWS = 65_536
TARGETS = {
    ("votable", "5 plain columns"): 4e6,
    ("votable", "12 columns"): 1.5e6,
    ("votable/td", "5 plain columns"): 5e5,
    ("csv", "5 plain columns"): 1e6,
    ("json", "5 plain columns"): 3e5,
}
PEERS: dict[str, dict[str, object]] = {
    "votable": {"format": "votable", "tabledata_format": "binary2"},
    "votable/td": {"format": "votable", "tabledata_format": "tabledata"},
    "csv": {"format": "ascii.csv"},
    "fits": {"format": "fits"},
}


def plain(rng: np.random.Generator) -> pa.Table:
    """Return five columns of numbers."""
    return pa.table({
        "id": pa.array(rng.integers(0, 2**62, ROWS)),
        "ra": pa.array(rng.uniform(0, 360, ROWS)),
        "dec": pa.array(rng.uniform(-90, 90, ROWS)),
        "flux": pa.array(rng.normal(1000, 100, ROWS).astype(np.float32)),
        "n": pa.array(rng.integers(0, 1000, ROWS).astype(np.int32)),
    })  # fmt: skip


def varied(rng: np.random.Generator) -> pa.Table:
    """Return twelve columns, with text, nulls and a small array."""
    table, missing = plain(rng), rng.random(ROWS) < 0.1
    more = {
        "name": pa.array([None if x < 0.1 else f"star {x:.6f}" for x in rng.random(ROWS)]),
        "e": pa.array(rng.normal(0, 1, ROWS), mask=missing),
        "f": pa.array(rng.normal(0, 1, ROWS).astype(np.float32), mask=missing),
        "k": pa.array(rng.integers(0, 9, ROWS), mask=missing),
        "b": pa.array(rng.random(ROWS) < 0.5),
        "s": pa.array(rng.integers(0, 9, ROWS).astype(np.int16)),
        "a": pa.FixedSizeListArray.from_arrays(
            pa.array(rng.normal(0, 1, 4 * ROWS).astype(np.float32)), 4
        ),
    }
    for name, column in more.items():
        table = table.append_column(name, column)
    return table


def curves(rng: np.random.Generator) -> pa.Table:
    """Return an id and light curves of 100 epochs in three fields, in fewer rows."""
    rows, epochs = ROWS // 64, 100
    offsets = pa.array(np.arange(0, rows * epochs + 1, epochs, dtype=np.int32))
    fields = {
        "mjd": rng.uniform(60_000, 63_000, rows * epochs),
        "flux": rng.normal(100, 10, rows * epochs).astype(np.float32),
        "visit": rng.integers(0, 2**40, rows * epochs),
    }
    lists = [pa.ListArray.from_arrays(offsets, pa.array(values)) for values in fields.values()]
    return pa.table({"id": np.arange(rows), "lc": pa.StructArray.from_arrays(lists, list(fields))})


def cpu(work: Callable[[], object], repeats: int) -> float:
    """Return the least CPU time of several runs, s."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def encoded(name: str, table: pa.Table, times: int) -> int:
    """Encode a table some times as one document; return its bytes."""
    return sum(map(len, ENCODERS[name](table.schema).encode([table] * times)))


def astropy_writes(table: Table, options: dict[str, object]) -> None:
    """Write by astropy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table.write(io.BytesIO() if options["format"] != "ascii.csv" else io.StringIO(), **options)


def main() -> None:
    """Measure, and keep the figures."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--times", type=int, default=16, help="tables in a document")
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--peer-rows", type=int, default=20_000)
    chosen = options.parse_args()
    rng = np.random.default_rng(1)
    tables = {"5 plain columns": plain(rng), "12 columns": varied(rng), "light curves": curves(rng)}
    rows = []
    for name in ENCODERS:
        for task, table in tables.items():
            encoded(name, table, 1)
            size = encoded(name, table, chosen.times)
            seconds = cpu(lambda n=name, t=table: encoded(n, t, chosen.times), chosen.repeats)
            speed = chosen.times * table.num_rows / seconds
            wanted = TARGETS.get((name, task))
            targets = () if wanted is None else (
                Target(f">= {wanted / 1e6:g}e6 rows/s", round(speed / 1e6, 2), speed >= wanted),
            )  # fmt: skip
            figures = {"1e6 rows/s": round(speed / 1e6, 3), "MB/s": round(size / seconds / 1e6)}
            rows.append(
                Row(f"{name}, {task}", f"{chosen.times * table.num_rows:,} rows", "skyseries",
                    process="warm", figures=figures, targets=targets)
            )  # fmt: skip
    first = tables["5 plain columns"].slice(0, chosen.peer_rows)
    few = Table({name: first[name].to_numpy() for name in first.column_names})
    for name, how in PEERS.items():
        seconds = cpu(lambda how=how: astropy_writes(few, how), 2)
        figures = {"1e6 rows/s": round(len(few) / seconds / 1e6, 3)}
        rows.append(
            Row(f"{name}, 5 plain columns", f"{len(few):,} rows", "astropy", "-", "warm",
                figures=figures)
        )  # fmt: skip
    notes = (
        "CPU of one process, the least of the runs; light curves have 100 epochs in three fields. "
        "FITS writes a scratch file first; Parquet compresses."
    )
    save("encoders", "Tables as streams of bytes", rows, notes,
         full=chosen.times >= 16 and chosen.peer_rows >= 20_000)  # fmt: skip


if __name__ == "__main__":
    main()
