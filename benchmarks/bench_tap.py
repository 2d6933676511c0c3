"""The TAP service, end to end over loopback: latency, rates of each format, memory, aborts.

The load comes from `tap_load.py`, a process of its own. Rates are rows for each second of CPU of
the worker that runs the statement, and are compared with those of the encoder alone on tables in
memory (`bench_encoders.py`), measured in the same run.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil

import generate_tap
import peer_dachs
from bench_encoders import ROWS, TARGETS, cpu, encoded, varied
from results import WORK, Row, Target, save
from tap_load import Connection
from tap_service import Service, load, until

WORKERS = 2
PLAIN = ["id", "ra", "dec", "flux", "n"]
P50_MS, P99_MS = 25.0, 100.0
SHARE = 0.7
FIRST_S, MAXREC_S, ABORT_S, WHOLE_S = 0.5, 1.0, 1.0, 5.0
PARTS = ["start", "latency", "rates", "large", "aborts"]
_A_WHILE = 0.7
"""Seconds that a statement has run when it is ended."""
GROWTH = 1.25
"""What five times the rows may take of memory, against once: it is sampled, and so not even."""
CROSS = (
    "SELECT SUM(SIN(a.mag * b.mag + c.mag)) AS x FROM partitions.object AS a "
    "JOIN partitions.object AS b ON a.id <> b.id JOIN partitions.object AS c ON b.id <> c.id"
)
NAPS = "SELECT LC_NAPS(lightcurve) AS x FROM curves.object"
MOST = "100000000"
SCAN = "SELECT id, ra, dec, mag FROM large.object"
NOTES = (
    "One run over loopback; the client is a process of its own, whose CPU is said. Rates are rows "
    "for each second of CPU of the worker, reading of the catalog included; the share is of the "
    "encoder alone on tables in memory, in the same run. Times are medians of the runs, those of "
    "aborts the worst; files are in the page cache. A worker is kept ready beside those that may "
    "run, so that statements need not wait until the pool is whole. Where other programs run, wall "
    "times are upper bounds."
)


def latency(service: Service, each: int) -> Iterable[Row]:
    """One row by id, by one client and by eight."""
    for clients in (1, 8):
        some = ("look_up", "partitions.object", "--first", str(generate_tap.object_id(0)))
        some = (*some, "--number", str(generate_tap.OBJECTS), "--clients", str(clients), "--each")
        load(service.port, *some, "30")
        found, costs = service.costs(partial(load, service.port, *some, str(each)))
        requests = clients * each
        figures = {
            **found,
            "worker CPU, ms each": round(costs.workers / requests * 1e3, 2),
            "server CPU, ms each": round(costs.server / requests * 1e3, 2),
            "load CPU, ms each": round(found.pop("load_cpu_s") / requests * 1e3, 2),
        }
        figures.pop("load_cpu_s")
        targets = (
            Target(f"p50 < {P50_MS:g} ms", found["p50_ms"], found["p50_ms"] < P50_MS),
            Target(f"p99 < {P99_MS:g} ms", found["p99_ms"], found["p99_ms"] < P99_MS),
        )  # of one client: eight wait for each other, on few processors
        yield Row(
            f"one row by id, {clients} clients" if clients > 1 else "one row by id",
            f"{generate_tap.PARTITIONS:,} partitions, {requests:,} requests", "skyseries",
            process="warm", figures=figures, targets=targets if clients == 1 else (),
        )  # fmt: skip


def rates(service: Service, rows: int, repeats: int) -> Iterable[Row]:
    """Whole results in each format."""
    table = varied(np.random.default_rng(1))
    for name, columns in (("5 plain columns", PLAIN), ("12 columns", table.column_names)):
        query = f"SELECT {', '.join(columns)} FROM wide.object"  # noqa: S608
        for form in ("votable", "votable/td", "csv", "json", "parquet"):
            stream = ("stream", query, "--form", form, "--most", str(rows))
            runs = [service.costs(partial(load, service.port, *stream)) for _ in range(repeats)]
            found, costs = min(runs, key=lambda run: run[1].workers)
            alone = 16 * table.num_rows / _alone(form, table.select(columns))
            rate = rows / costs.workers
            figures = {
                "1e6 rows/s of a core": round(rate / 1e6, 2),
                "encoder alone": round(alone / 1e6, 2),
                "share": round(rate / alone, 2),
                "wall, 1e6 rows/s": round(rows / median(f["wall_s"] for f, _ in runs) / 1e6, 2),
                "MB": round(found["bytes"] / 1e6),
                "server CPU / worker CPU": round(costs.server / costs.workers, 2),
                "load CPU / worker CPU": round(found["load_cpu_s"] / costs.workers, 2),
            }
            yield Row(
                f"{form}, {name}", f"{rows:,} rows", "skyseries", process="warm",
                wall_s=median(f["wall_s"] for f, _ in runs), cpu_s=costs.workers + costs.server,
                figures=figures, targets=tuple(_targets(form, name, rate, alone)),
            )  # fmt: skip


def _targets(form: str, name: str, rate: float, alone: float) -> Iterable[Target]:
    wanted = TARGETS.get((form, name))
    if wanted is not None:
        least = SHARE * wanted
        yield Target(f">= {least / 1e6:.3g}e6 rows/s", round(rate / 1e6, 2), rate >= least)
    if form == "votable":
        share = round(rate / alone, 2)
        yield Target(f">= {SHARE} of the encoder alone", share, share >= SHARE)


def _alone(form: str, table: Any) -> float:
    encoded(form, table, 1)
    return cpu(lambda: encoded(form, table, 16), 3)


def large(service: Service, total: int, rows: int, repeats: int) -> Iterable[Row]:
    """First byte and memory of a long result; ten rows of a large table."""
    more, peaks = min(5 * rows, total), {}
    for most in (more, rows):
        stream = ("stream", SCAN, "--most", str(most))
        found, costs = service.costs(partial(load, service.port, *stream), memory=True)
        peaks[most] = costs.peak_pss_mb
    firsts = [load(service.port, *stream)["first_s"] for _ in range(repeats - 1)]
    first, growth = median([found["first_s"], *firsts]), peaks[more] / peaks[rows]
    yield Row(
        "first byte, and memory while it is sent", f"{rows:,} rows of {total:,}", "skyseries",
        process="warm", wall_s=found["wall_s"], cpu_s=costs.workers + costs.server,
        peak_pss_mb=peaks[rows],
        figures={
            "first_s": first, f"peak PSS of {more:,} rows, MB": round(peaks[more]),
            "load_cpu_s": found["load_cpu_s"],
        },
        targets=(
            Target(f"first byte < {FIRST_S} s", first, first < FIRST_S),
            Target(f"PSS of {more:,} rows < {GROWTH} of it", round(growth, 3), growth < GROWTH),
        ),
    )  # fmt: skip
    ten = ("stream", SCAN.replace("id, ra, dec, mag", "*"), "--most", "10")
    runs, costs = service.costs(
        lambda: [load(service.port, *ten)["wall_s"] for _ in range(repeats)]
    )
    yield Row(
        "MAXREC=10", f"of {total:,} rows", "skyseries", process="warm", wall_s=median(runs),
        cpu_s=(costs.workers + costs.server) / repeats,
        targets=(Target(f"< {MAXREC_S} s", round(median(runs), 4), median(runs) < MAXREC_S),),
    )  # fmt: skip


def aborts(service: Service, repeats: int) -> Iterable[Row]:
    """Seconds until the worker is gone, and until all are there again."""
    for name, query in (("scan", SCAN), ("join in DuckDB", CROSS), ("sleeping plug-in", NAPS)):
        for way, end in (("PHASE=ABORT", phase_abort), ("DELETE", delete), ("hang-up", hang_up)):
            pairs = [end(service, query) for _ in range(repeats)]
            gone, whole = (max(times) for times in zip(*pairs, strict=True))
            yield Row(
                f"abort in a {name}, {way}", f"{repeats} times", "skyseries", process="warm",
                figures={"gone_s": round(gone, 3), "whole_s": round(whole, 3)},
                targets=(
                    Target(f"gone < {ABORT_S} s", round(gone, 3), gone < ABORT_S),
                    Target(f"pool whole < {WHOLE_S} s", round(whole, 3), whole < WHOLE_S),
                ),
            )  # fmt: skip


def phase_abort(service: Service, query: str) -> tuple[float, float]:
    """Abort a job by its phase."""
    job = begun(service, query)
    return ended(service, lambda: service.post(f"{job}/phase", PHASE="ABORT"))


def delete(service: Service, query: str) -> tuple[float, float]:
    """Delete a job that runs."""
    job = begun(service, query)
    return ended(service, lambda: service.delete(job))


def begun(service: Service, query: str) -> str:
    """Return the path of a job that has worked for a while."""
    url = service.post("/tap/async", QUERY=query, LANG="ADQL", PHASE="RUN", MAXREC=MOST)
    path = urlsplit(url).path
    until(lambda: service.get(f"{path}/phase").strip() == b"EXECUTING")
    time.sleep(_A_WHILE)
    return path


def hang_up(service: Service, query: str) -> tuple[float, float]:
    """Close the connection of a synchronous query."""
    connection = Connection(service.port)
    connection.ask({"LANG": "ADQL", "QUERY": query, "MAXREC": MOST})
    time.sleep(_A_WHILE)
    return ended(service, connection.close)


def ended(service: Service, end: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds until a worker has gone, and until all are there again."""
    before = service.worker_pids()
    start = time.perf_counter()
    end()
    until(lambda: not all(map(psutil.pid_exists, before)))
    gone = time.perf_counter() - start
    service.wait_until_whole()
    return gone, time.perf_counter() - start


def start(catalogs: dict[str, Path], repeats: int) -> Row:
    """Seconds until a service answers, and until a statement is answered."""
    answers, statements = [], []
    for _ in range(repeats):
        with Service(catalogs, WORKERS) as service:
            answers.append(service.wait_until_answering())
            load(service.port, "stream", "SELECT TOP 1 * FROM partitions.object")
            statements.append(service.since_start())
    return Row(
        "start", f"{len(catalogs)} catalogs", "skyseries",
        figures={
            "until its first answer_s": round(median(answers), 2),
            "until its first rows_s": round(median(statements), 2),
        },
    )  # fmt: skip


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, default=1e8, help="of the large table")
    parser.add_argument("--tables", type=int, default=64, help="of 65,536 rows, of the wide one")
    parser.add_argument("--requests", type=int, default=1000, help="of each client")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dachs", type=int, help="port of a DaCHS, as peer_dachs.py says")
    parser.add_argument("--only", nargs="*", default=PARTS, choices=PARTS)
    a = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    total, rows = int(a.rows), a.tables * ROWS
    catalogs = {
        "partitions": generate_tap.many_partitions(),
        "wide": generate_tap.wide(a.tables),
        "large": generate_tap.large(total),
        "curves": generate_tap.curves(),
    }
    busy = f"Load average of the machine when the run began: {os.getloadavg()[0]:.1f}."
    found: list[Row] = []
    if "start" in a.only:
        found.append(start(catalogs, a.repeats))
    with Service(catalogs, WORKERS) as service:
        service.wait_until_answering()
        service.wait_until_whole()
        parts: dict[str, Callable[[], Iterable[Row]]] = {
            "latency": lambda: latency(service, a.requests),
            "rates": lambda: rates(service, rows, a.repeats),
            "large": lambda: large(service, total, total // 10, a.repeats),
            "aborts": lambda: aborts(service, a.repeats),
        }
        for name, part in parts.items():
            if name in a.only:
                found += part()
    if a.dachs:
        found += peer_dachs.rows(a.dachs, a.requests // 10)
    full = total >= 10**8 and a.tables >= 64 and a.only == PARTS
    save("tap", "The TAP service, end to end", found, f"{NOTES} {busy}", full=full)


if __name__ == "__main__":
    main()
