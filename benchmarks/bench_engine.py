"""The catalog engine: planning, what is read, positions against ten catalogs, scaling.

- open + plan of a cross-match, a filter and a map over 49,152 partitions a side;
- bytes read when two columns are selected after a cross-match of 23-column tables;
- 10,000 positions in one field (3.5 degrees across) against ten catalogs, warm;
- the same work for each worker: weak scaling from one to two.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

import systems
from generate_pairs import described
from results import WORK, Row, Target, measured_row, save

HERE = Path(__file__).resolve().parent

PLAN = """
import json, time
import skyseries as sky
import pyarrow as pa
from skyseries.catalog.run.run import units_of
started = time.perf_counter()
left, right = sky.open_catalog({folder!r} + "/a"), sky.open_catalog({folder!r} + "/b")
matched = left.crossmatch(right, 1.0, suffixes=("_a", "_b")).query("mag_a < 20")
schema = pa.schema([("id_a", pa.int64()), ("id_b", pa.int64())])
mapped = matched.map_partitions(lambda table: table.select(["id_a", "id_b"]), schema=schema)
units = units_of(mapped._node)
print(json.dumps({{"plan_s": round(time.perf_counter() - started, 3), "tasks": len(units)}}))
"""

READ = """
import json
import skyseries as sky
from skyseries.hats.dataset import Dataset
size = 0
real = Dataset.read_leaf

def spy(self, leaf, paths, row_groups=None):
    global size
    footer = self.footer(leaf)
    for g in range(footer.num_row_groups) if row_groups is None else row_groups:
        for c in range(footer.num_columns):
            if footer.schema.column(c).path.split(".")[0] in paths:
                size += footer.row_group(g).column(c).total_compressed_size
    return real(self, leaf, paths, row_groups)

Dataset.read_leaf = spy
left, right = sky.open_catalog({folder!r} + "/wide_a"), sky.open_catalog({folder!r} + "/wide_b")
found = {{}}
for name in ("after", "before", "all"):
    size = 0
    if name == "before":
        left_, right_ = left.select(["id", "c0", "ra", "dec"]), right.select(["id", "ra", "dec"])
        matched = left_.crossmatch(right_, 1.0, suffixes=("_a", "_b")).select(["c0", "id_b"])
    else:
        matched = left.crossmatch(right, 1.0, suffixes=("_a", "_b"))
        matched = matched.select(["c0_a", "id_b"]) if name == "after" else matched
    rows = matched.to_arrow().num_rows
    found[f"bytes selected {{name}}" if name != "all" else "bytes of all columns"] = size
found["rows"] = rows
print(json.dumps(found))
"""

FIELD = """
import json, sys, time
import numpy as np
sys.path.insert(0, {here!r})
import skyseries as sky
from generate_fields import field, scattered
paths = [{folder!r} + f"/{kind}_{{k}}" for k in range(10)]
catalogs = [sky.open_catalog(path).select(["id", "mag"]) for path in paths]
rng = np.random.default_rng(11)

def match(positions):
    started = time.perf_counter()
    table = sky.from_table(positions)
    found = 0
    for k, catalog in enumerate(catalogs):
        found += table.crossmatch(catalog, 1.0, suffixes=("", "_c")).to_arrow().num_rows
    return time.perf_counter() - started, found

def centre():
    return 150 + rng.uniform(-4, 4), 2 + rng.uniform(-4, 4)

match(field(rng, *centre()))
seconds, found = zip(*(match(field(rng, *centre())) for _ in range(20)))
p50, p95 = np.percentile(seconds, [50, 95]).round(3).tolist()
result = {{"p50_s": p50, "p95_s": p95, "pairs in 20 fields": sum(found)}}
few = [match(field(rng, *centre(), n=1000))[0] for _ in range(5)]
result["1,000 positions, p50_s"] = round(float(np.median(few)), 3)
if {everywhere}:
    sky_s = [match(scattered(rng))[0] for _ in range(3)]
    result["all-sky scatter of 10,000, p50_s"] = round(float(np.median(sky_s)), 3)
print(json.dumps(result))
"""

WEAK = """
import json, time
import skyseries as sky
catalog = sky.open_catalog({catalog!r})
halves = [catalog.box_search((0, 180), (-90, 90)), catalog]
best = []
for workers in (1, 2):
    with sky.executor("threads", workers=workers):
        work = halves[workers - 1].features()
        work = work.select(work.columns[-20:])
        work.to_arrow()
        seconds = []
        for _ in range(5):
            started = time.perf_counter()
            rows = work.to_arrow().num_rows
            seconds.append(time.perf_counter() - started)
        best.append((min(seconds), rows))
(one, rows_one), (two, rows_two) = best
per_row = (one / rows_one) / (two / (rows_two / 2))
print(json.dumps({{"one_worker_s": round(one, 3), "two_workers_s": round(two, 3),
                   "rows": [rows_one, rows_two], "efficiency": round(per_row, 3)}}))
"""


def last(measured: object) -> dict[str, float]:
    """Return what a process printed last."""
    if measured.returncode:  # type: ignore[attr-defined]
        raise SystemExit(measured.stderr[-3000:])  # type: ignore[attr-defined]
    return json.loads(measured.stdout.strip().splitlines()[-1])  # type: ignore[attr-defined]


def planning(peer_python: str) -> list[Row]:
    """Plan over 49,152 partitions a side."""
    folder = WORK / "described"
    for name in ("a", "b"):
        if not (folder / name / "hats.properties").exists():
            described(folder / name, name)
    size = "49,152 partitions a side"
    task = "open + plan: cross-match, filter, map"
    program = PLAN.format(folder=str(folder))
    systems.skyseries(program)
    ours = systems.skyseries(program)
    figures = last(ours)
    lsdb = systems.peer("peer_lsdb.py", ["plan", str(folder)], python=peer_python)
    theirs = last(lsdb)
    reached = figures["plan_s"] <= 1.0
    return [
        measured_row(lsdb, task, size, "LSDB", jit_cache="-", figures=theirs),
        measured_row(
            ours, task, size, "skyseries", figures=figures,
            ratio=theirs["plan_s"] / figures["plan_s"],
            targets=(Target("<= 1 s", figures["plan_s"], reached),),
        ),
    ]  # fmt: skip


def pushdown() -> list[Row]:
    """Select two columns after a cross-match of 23-column tables."""
    from generate_fields import wide

    folder = WORK / "wide"
    for name in ("a", "b"):
        if not (folder / f"wide_{name}" / "collection.properties").exists():
            wide(folder, name, 400_000)
    measured = systems.skyseries(READ.format(folder=str(folder)))
    figures = last(measured)
    same = figures["bytes selected after"] == figures["bytes selected before"]
    return [
        measured_row(
            measured, "two columns selected after a cross-match", "400,000 x 400,000 rows",
            "skyseries", figures=figures,
            targets=(Target("bytes as if selected before", figures["bytes selected after"], same),),
        )
    ]  # fmt: skip


def fields(rows: int) -> list[Row]:
    """Match positions in a field against ten catalogs."""
    from generate_fields import catalogs

    folder = WORK / f"fields_{rows}"
    catalogs(folder, rows)
    found = []
    for kind, size in (("sky", f"{rows:,} rows on the whole sky"),
                       ("dense", f"{rows:,} rows on 1 % of it (as {100 * rows:.0e})")):  # fmt: skip
        program = FIELD.format(
            folder=str(folder), kind=kind, here=str(HERE), everywhere=kind == "sky"
        )
        systems.skyseries(program)
        measured = systems.skyseries(program)
        figures = last(measured)
        p95 = figures["p95_s"]
        row = measured_row(
            measured, "10,000 positions in 9.6 deg2 against ten catalogs", size, "skyseries",
            process="warm", figures=figures, targets=(Target("p95 < 1 s", p95, p95 < 1.0),),
        )  # fmt: skip
        found.append(Row(**{**vars(row), "wall_s": None, "cpu_s": None}))
    return found


def scaling() -> list[Row]:
    """Give each worker the same work."""
    catalog = WORK / "survey_20000x100"
    if not (catalog / "collection.properties").exists():
        import generate
        from bench_lightcurves import import_program

        source = WORK / "lightcurves_20000x100"
        generate.lightcurves(source, 20_000, 100, files=4)
        shutil.rmtree(catalog, ignore_errors=True)
        systems.skyseries(import_program(source, catalog, "2GB", 2))
    program = WEAK.format(catalog=str(catalog))
    systems.skyseries(program)
    measured = systems.skyseries(program)
    figures = last(measured)
    efficiency = figures["efficiency"]
    row = measured_row(
        measured, "default features, weak scaling 1 -> 2 threads", "10,000 light curves a worker",
        "skyseries", process="warm", figures=figures,
        targets=(Target(">= 0.9", efficiency, efficiency >= 0.9),),
    )  # fmt: skip
    return [Row(**{**vars(row), "wall_s": None, "cpu_s": None})]


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--field-rows", type=float, default=1e7)
    parser.add_argument("--peer-python", default=sys.executable)
    a = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    rows = [*planning(a.peer_python), *pushdown(), *fields(int(a.field_rows)), *scaling()]
    notes = (
        "Planning: inside the process, from opening to the list of tasks (LSDB: to the Dask "
        "graph). Fields: one after the other, two threads, files in the page cache, 20 fields "
        "after one to warm up. Weak scaling: features of half the sky by one thread against "
        "those of the whole sky by two, per light curve."
    )
    save("engine", "The catalog engine", rows, notes, full=a.field_rows >= 1e7)


if __name__ == "__main__":
    main()
