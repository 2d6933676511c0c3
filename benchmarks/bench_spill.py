"""Sorting, joining and grouping more epochs than fit into memory: they wait in scratch files.

Statements over all epochs of a catalog with ``SKYSERIES_MEMORY=2GB``, each in a fresh process:
wall time, memory of the process tree, and the most that lies in the folder for scratch files, which
has to be empty afterwards. The results are compared with sums that the generator gives.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa

import generate
from measure import measure
from results import WORK, Row, Target, measured_row, save

MEMORY = "2GB"
LIMIT_MB = 2000.0
N_EPOCHS = 200
N_VISITS = 100_000
N_FLUXES = 1_000
N_SEEINGS = 7
_SPREAD = 2_654_435_761
"""A prime, so that each visit and each flux is there equally often."""

STATEMENTS = {
    "sort": "SELECT objectId, visit, mjd, flux FROM survey.lc ORDER BY mjd, objectId",
    "join": (
        "SELECT e.objectId, e.flux, v.seeing FROM survey.lc AS e"
        " JOIN visits AS v ON e.visit = v.visit"
    ),
    "join and group": (
        "SELECT v.seeing AS s, COUNT(*) AS n, SUM(e.flux) AS total FROM survey.lc AS e"
        " JOIN visits AS v ON e.visit = v.visit GROUP BY v.seeing"
    ),
    "group, few rows each": (
        "SELECT objectId, visit, COUNT(*) AS n, SUM(flux) AS total FROM survey.lc"
        " GROUP BY objectId, visit"
    ),
}

MEANS = {
    "visit": (N_VISITS - 1) / 2,
    "flux": (N_FLUXES - 1) / 2,
    "total": (N_FLUXES - 1) / 2,
    "n": 1,
    "seeing": float(np.mean(np.arange(N_VISITS) % N_SEEINGS)),
}

NOTES = (
    "Every row is read by the program, and counted; sums over the columns are those of the"
    " generator, and the order of the sort is checked. Nothing is left in the folder for scratch"
    " files. What is mapped of files counts in the PSS, though the system can take it back."
)


def epochs(rows: pa.Table) -> pa.Table:
    """Return objects with light curves; what they hold follows from their ids."""
    row = (rows["id"].to_numpy()[:, None] * N_EPOCHS + np.arange(N_EPOCHS)).ravel()
    columns = {
        "visit": ((row * _SPREAD) % N_VISITS).astype(np.int32),
        "mjd": generate.source_values(row, N_EPOCHS)[0],
        "flux": ((row * _SPREAD) % N_FLUXES).astype(np.float32),
    }
    offsets = pa.array(np.arange(rows.num_rows + 1) * N_EPOCHS, pa.int32())
    lists = [pa.ListArray.from_arrays(offsets, pa.array(values)) for values in columns.values()]
    curves = pa.StructArray.from_arrays(lists, list(columns))
    return pa.table({"objectId": rows["id"], "ra": rows["ra"], "dec": rows["dec"], "lc": curves})


def catalog(n_epochs: int) -> Path:
    """Return a catalog of so many epochs; made first if it is not there."""
    import skyseries as sky

    output = WORK / f"spill_{n_epochs}"
    if not (output / "collection.properties").exists():
        shutil.rmtree(output, ignore_errors=True)
        n = n_epochs // N_EPOCHS
        generate.objects(WORK / f"objects_{n}", n)
        objects = WORK / f"spill_objects_{n}"
        sky.import_catalog(
            WORK / f"objects_{n}", objects, name="objects", id="id", margin_arcsec=None,
            id_index=None, progress=False, overwrite=True, max_rows=100_000,
        )  # fmt: skip
        sky.open_catalog(objects).map_partitions(epochs).write_catalog(output)
    return output


def run(path: str, statement: str) -> None:
    """Run a statement in this process, and print sums of what it gives."""
    import skyseries as sky

    visits = pa.table(
        {"visit": np.arange(N_VISITS, dtype=np.int32), "seeing": np.arange(N_VISITS) % N_SEEINGS}
    )
    started, rows, last = time.perf_counter(), 0, -np.inf
    sums: dict[str, float] = {}
    result = sky.sql(STATEMENTS[statement], {"survey": path, "visits": visits})
    for table in result.iter_tables():
        if not rows:
            first_s = time.perf_counter() - started
        rows += table.num_rows
        for name in set(table.column_names) & MEANS.keys():
            sums[name] = sums.get(name, 0) + float(table[name].to_numpy().sum(dtype="f8"))
        if statement == "sort" and table.num_rows:
            mjd = table["mjd"].to_numpy()
            assert mjd[0] >= last
            assert (np.diff(mjd) >= 0).all()
            last = mjd[-1]
    print(json.dumps({"rows": rows, "first_s": first_s, "sums": sums}))


class _Disk(threading.Thread):
    """Watches how much lies in a folder until it is stopped."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._folder, self._done = folder, threading.Event()
        self.peak_bytes = 0

    def run(self) -> None:
        """Look four times a second."""
        while not self._done.wait(0.25):
            total = 0
            for path in self._folder.rglob("*"):
                with suppress(OSError):
                    total += path.stat().st_blocks * 512
            self.peak_bytes = max(self.peak_bytes, total)

    def stop(self) -> None:
        """End it."""
        self._done.set()
        self.join()


def spilled(statement: str, n_epochs: int, memory: str) -> Row:
    """Measure a statement in a fresh process, and check what it gives and what it leaves."""
    path = catalog(n_epochs)
    scratch = WORK / "spill_scratch"
    scratch.mkdir(exist_ok=True)
    disk = _Disk(scratch)
    disk.start()
    measured = measure(
        [sys.executable, __file__, "--run", str(path), statement],
        env={"SKYSERIES_MEMORY": memory, "SKYSERIES_TMPDIR": str(scratch)}, rate_hz=4,
    )  # fmt: skip
    disk.stop()
    left = [file.name for file in scratch.iterdir()]
    assert not left, left
    found = json.loads(measured.stdout.strip().splitlines()[-1])
    assert found["sums"].get("n", found["rows"]) == n_epochs, found
    for name, total in found["sums"].items():
        assert total == n_epochs * MEANS[name], (name, total)
    pss = measured.peak_pss_mb
    return measured_row(
        measured, statement, f"{n_epochs:,} epochs, SKYSERIES_MEMORY={memory}", "skyseries",
        figures={
            "rows of the result": found["rows"],
            "first rows_s": round(found["first_s"], 1),
            "scratch files at most_GB": round(disk.peak_bytes / 1e9, 1),
        },
        targets=(Target("peak PSS <= 2 GB", pss, pss <= LIMIT_MB),),
    )  # fmt: skip


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=float, default=2e8)
    parser.add_argument("--memory", default=MEMORY)
    parser.add_argument("--only", choices=STATEMENTS, action="append")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        return run(*options.run)
    n = int(options.epochs)
    rows = [spilled(name, n, options.memory) for name in options.only or STATEMENTS]
    full = n >= 2e8 and not options.only and options.memory == MEMORY
    save("spill", "Statements over more than fits into memory", rows, NOTES, full=full)
    return None


if __name__ == "__main__":
    main()
