"""A service that is killed, asked for too much, lied to, and left alone by its clients.

``prove_service.py --seed 1 --moments 20 --parts kills cuts ...``. Each part prints what it has
tried and what was wrong; the script fails if anything was. It takes some minutes, and a gigabyte of
memory for each worker; ``tests/server/test_hostile.py`` is a short form.
"""

from __future__ import annotations

import argparse
import functools
import io
import json
import random
import re
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import httpx
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

import hostile
from results import WORK
from service import Program, catalogs, row_of, waited
from service_disks import disks

__all__ = ["PARTS", "aborts", "cuts", "kills", "overflows"]

MOST_SECONDS = 1.0
"""So long after an abort, or the end of a client, something may still run."""
WHOLE_SECONDS = 5.0
_JOBS = "SELECT TOP {n} id, ra, name FROM big.object"

Faults = Iterator[str]


# --- killed ---------------------------------------------------------------------------------


class Load:
    """Statements that are asked for all the time, and what became of them."""

    def __init__(self, program: Program, seed: int) -> None:
        self._program, self._draw = program, random.Random(seed)
        self.faults: list[str] = []
        self.asked: dict[str, int] = {}
        """Run ids of jobs, and how many rows each is to have."""
        self.known: dict[str, str] = {}
        """Run ids of those whose path was told."""
        self.counts: Counter[str] = Counter()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(one,)) for one in ("job", "sync")]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Ask for no more."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, kind: str) -> None:
        while not self._over.wait(0.02):
            rows = self._draw.choice([1, 100, 10_000, 200_000])
            try:
                getattr(self, f"_{kind}")(rows)
            except (httpx.HTTPError, RuntimeError, KeyError):
                self.counts[f"{kind} without an answer"] += 1
                time.sleep(0.2)

    def _job(self, rows: int) -> None:
        name = f"r{len(self.asked)}"
        self.asked[name] = rows
        self.known[name] = self._program.create(_JOBS.format(n=rows), RUNID=name)
        self.counts["job told"] += 1
        time.sleep(rows / 500_000)

    def _sync(self, rows: int) -> None:
        answer = self._program.sync(_JOBS.format(n=rows))
        self.counts[f"sync {answer.status_code}"] += 1
        if answer.status_code == 200 and _lines(answer.content)[0] != rows:
            self.faults.append(f"{_lines(answer.content)[0]} rows of {rows}, as if whole")
        elif answer.status_code not in (200, 500, 503):
            self.faults.append(f"sync: {answer.status_code} {answer.text[:200]}")


def kills(program: Program, draw: random.Random, moments: int) -> Faults:
    """Kill the server, or a worker, at random moments of a load."""
    load = Load(program, draw.randrange(1 << 30))
    victims: Counter[str] = Counter()
    for _ in range(moments):
        time.sleep(draw.uniform(0.05, 2))
        workers = program.workers()
        if draw.random() < 0.5 and workers:
            draw.choice(workers).kill()
            victims["worker"] += 1
        else:
            program.kill()
            program.start()
            victims["server"] += 1
    load.end()
    phases = _all_over(program)
    yield from load.faults
    yield from _of_jobs(program, load, phases)
    waited(program.is_whole, WHOLE_SECONDS)
    print(
        f"  killed {dict(victims)}, load {dict(load.counts)}, jobs {dict(Counter(phases.values()))}"
    )


def _all_over(program: Program) -> dict[str, str]:
    """Return the phases of all jobs, by path, when none is active."""
    while True:
        text = program.http.get("/tap/async").text
        found = re.findall(r'href="([^"]*)".*?<uws:phase>(\w+)<', text, re.DOTALL)
        phases = {httpx.URL(url).path: phase for url, phase in found}
        if not set(phases.values()) & {"QUEUED", "EXECUTING", "PENDING"}:
            return phases
        time.sleep(0.2)


def _of_jobs(program: Program, load: Load, phases: dict[str, str]) -> Faults:
    named: Counter[str] = Counter()
    for path, phase in phases.items():
        said = program.http.get(path).text
        name = re.search(r"<uws:runId>(\w+)<", said)
        named[name[1] if name else ""] += 1
        rows = load.asked[name[1]] if name else -1
        answer = program.http.get(f"{path}/results/result")
        if phase == "COMPLETED" and _lines(answer.content)[0] != rows:
            yield f"{path} is COMPLETED with {_lines(answer.content)[0]} rows of {rows}"
        if phase != "COMPLETED" and answer.status_code == 200:
            yield f"{path} is {phase} and has a result"
        if phase == "ERROR" and not re.search("was ended by|service ended", said):
            yield f"{path} has another error: {said[-400:]}"
    yield from (f"{n} jobs {name}" for name, n in named.items() if n > 1)
    yield from (f"job {name} is lost" for name in load.known if not named[name])


def cuts(program: Program, draw: random.Random, moments: int) -> Faults:
    """Kill the worker whose result is being sent, in every format."""
    for form in READ:
        for _ in range(max(moments // len(READ), 1)):
            got, error = _cut(program, form, draw.randrange(1, 8_000_000))
            if error is None:
                yield f"{form}: no error of HTTP"
            whole = _is_read(form, got)
            print(f"  {form}: {len(got):,} bytes, {error or 'whole'}, {whole or 'refused'}")
            if whole and form not in ("csv", "tsv", "arrow"):  # ends of which HTTP alone tells
                yield f"{form}: what was cut is read"
    waited(program.is_whole, WHOLE_SECONDS)


def _cut(program: Program, form: str, at: int) -> tuple[bytes, str | None]:
    waited(program.is_whole, WHOLE_SECONDS)
    data = {"QUERY": "SELECT * FROM big.object", "FORMAT": form, "MAXREC": "1000000"}
    got = bytearray()
    try:
        with program.http.stream("POST", "/tap/sync", data=data) as answer:
            is_cut = form == "fits" and _kill_the_busy(program)
            for piece in answer.iter_raw(1 << 16):
                got += piece
                if len(got) > at and not is_cut:
                    is_cut = _kill_the_busy(program)
    except httpx.HTTPError as error:
        return bytes(got), type(error).__name__
    return bytes(got), None


def _kill_the_busy(program: Program) -> bool:
    """Kill the worker that has computed most."""
    workers = [one for one in program.workers() if one.is_running()]
    max(workers, key=_cpu).kill()
    return True


def _cpu(process: psutil.Process) -> float:
    try:
        return float(sum(process.cpu_times()[:2]))
    except psutil.NoSuchProcess:
        return 0.0


def _votable(content: bytes) -> tuple[int, bool]:
    from astropy.io.votable import parse

    table = parse(io.BytesIO(content))
    statuses = [info.value for info in table.resources[0].infos if info.name == "QUERY_STATUS"]
    if "ERROR" in statuses:
        raise ValueError("ERROR")
    return len(table.get_first_table().array), "OVERFLOW" in statuses


def _fits(content: bytes) -> tuple[int, bool]:
    from astropy.io import fits

    with fits.open(io.BytesIO(content), memmap=False) as file:
        return len(file[1].data), file[1].header.get("QSTATUS") == "OVERFLOW"


def _parquet(content: bytes) -> tuple[int, bool]:
    file = pq.ParquetFile(io.BytesIO(content))
    return file.read().num_rows, b"OVERFLOW" in (file.metadata.metadata or {}).values()


def _arrow(content: bytes) -> tuple[int, bool]:
    rows, overflow = 0, False
    with pa.ipc.open_stream(content) as reader:
        for batch, told in reader.iter_batches_with_custom_metadata():
            rows += batch.num_rows
            overflow |= told is not None and told.get(b"QUERY_STATUS") == b"OVERFLOW"
    return rows, overflow


def _json(content: bytes) -> tuple[int, bool]:
    said = json.loads(content)
    return len(said["data"]), said["query_status"] == "OVERFLOW"


def _lines(content: bytes) -> tuple[int, bool]:
    return content.count(b"\n") - 1, False


READ: dict[str, Callable[[bytes], tuple[int, bool]]] = {
    "votable": _votable, "votable/td": _votable, "fits": _fits, "parquet": _parquet,
    "arrow": _arrow, "json": _json, "csv": _lines, "tsv": _lines,
}  # fmt: skip
"""How the libraries of clients read each format: how many rows, and whether there are more."""


def _is_read(form: str, content: bytes) -> str:
    try:
        rows, _ = READ[form](content)
    except Exception:  # any error of any library will do
        return ""
    return f"read as {rows} rows"


def overflows(program: Program, draw: random.Random, moments: int) -> Faults:
    """Ask for as many rows as there are, for one less, and for one more."""
    for form, read in READ.items():
        for n in (1, 7, 60_000):
            for most in (n - 1, n, n + 1):
                content = program.sync(_JOBS.format(n=n), form, MAXREC=most).content
                wanted = min(n, most), most < n and form not in ("csv", "tsv")
                if (found := read(content)) != wanted:
                    yield f"{form}, {n} rows, MAXREC={most}: {found} in place of {wanted}"
    print(f"  {len(READ) * 9} results")


# --- ended ----------------------------------------------------------------------------------

WORK_OF = {
    "plug-in that sleeps": "SELECT LC_NAPS(lc) AS x FROM survey.object",
    "plug-in in native code": "SELECT LC_SPINS(lc) AS x FROM survey.object",
    "plug-in that ignores signals": "SELECT LC_STAYS(lc) AS x FROM survey.object",
    "slow read": "SELECT visit FROM slow.object",
    "DuckDB": "SELECT COUNT(*) AS n FROM big.object a JOIN big.object b ON a.id < b.id "
    "WHERE a.ra * b.dec > 1e9",
    "kernel": "SELECT COUNT(*) AS n FROM big.object a JOIN big.object b "
    "ON 1=CONTAINS(POINT(a.ra,a.dec), CIRCLE(b.ra,b.dec,20))",
}  # fmt: skip


def aborts(program: Program, draw: random.Random, moments: int) -> Faults:
    """Abort jobs, and hang up, whatever is done."""
    for name, query in WORK_OF.items():
        for way in (_abort_job, _delete_job, _hang_up):
            waited(program.is_whole, WHOLE_SECONDS)
            before = {one.pid for one in program.workers()}
            took = way(program, query, draw.uniform(0.3, 1.5))
            whole = waited(program.is_whole, 2 * WHOLE_SECONDS)
            yield from _of_ending(f"{name}, {way.__name__.strip('_')}", took, whole)
            if before == {one.pid for one in program.workers()}:
                yield f"{name}: no worker was ended"
    for at in (1, 1 << 20):
        took = _hang_up_at(program, at)
        yield from _of_ending(f"after {at} bytes", took, waited(program.is_whole, 10.0))


def _of_ending(what: str, took: float, whole: float) -> Faults:
    print(f"  {what}: ended after {took:.2f} s, whole after {whole:.2f} s")
    if took > MOST_SECONDS or whole > WHOLE_SECONDS:
        yield f"{what}: too late"


def _busy(program: Program) -> bool:
    return bool(program.http.get("/healthz").json()["running"])


def _idle(program: Program) -> bool:
    return not _busy(program)


def _abort_job(program: Program, query: str, after: float) -> float:
    job = program.create(query)
    waited(lambda: program.phase(job) == "EXECUTING", 20)
    time.sleep(after)
    program.http.post(f"{job}/phase", data={"PHASE": "ABORT"})
    return waited(lambda: _idle(program), 20)


def _delete_job(program: Program, query: str, after: float) -> float:
    job = program.create(query)
    waited(lambda: program.phase(job) == "EXECUTING", 20)
    time.sleep(after)
    program.http.delete(job)
    return waited(lambda: _idle(program), 20)


def _hang_up(program: Program, query: str, after: float) -> float:
    patience = httpx.Timeout(10, read=after + 1)
    with httpx.Client(base_url=program.url, timeout=patience) as http:
        try:
            http.post("/tap/sync", data={"QUERY": query})
        except httpx.ReadTimeout:
            return waited(lambda: _idle(program), 20)
    raise RuntimeError("it was answered")


def _hang_up_at(program: Program, at: int) -> float:
    data = {"QUERY": "SELECT * FROM big.object", "FORMAT": "csv", "MAXREC": "1000000"}
    got = 0
    with (
        httpx.Client(base_url=program.url) as http,
        http.stream("POST", "/tap/sync", data=data) as answer,
    ):
        for piece in answer.iter_raw():
            got += len(piece)
            if got >= at:
                break
    return waited(lambda: _idle(program), 20)


# --- too much -------------------------------------------------------------------------------


def bombs(program: Program, draw: random.Random, moments: int) -> Faults:
    """Ask for too much, and send tables that are more than they seem."""
    with row_of(program) as row:
        for name, query in hostile.statements().items():
            yield from _refused(name, _answer(lambda q=query: program.sync(q, MAXREC=1_000_000)))
        for name, table in hostile.tables():
            data = {"QUERY": "SELECT * FROM tap_upload.t", "UPLOAD": "t,param:p"}
            post = functools.partial(program.http.post, "/tap/sync", data=data)
            yield from _refused(name, _answer(lambda t=table, p=post: p(files={"p": t})))
    print(f"  {row.count} rows meanwhile, {row.longest:.2f} s at most")
    if row.refused or row.longest > WHOLE_SECONDS:
        yield f"of {row.count} rows {row.refused} were not given, and one took {row.longest:.1f} s"


def _answer(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Return an answer; one that was cut, as what takes too much is, as 413."""
    try:
        return ask()
    except httpx.RemoteProtocolError as error:
        return httpx.Response(413, text=f"ERROR>{error}")


def _refused(name: str, answer: httpx.Response) -> Faults:
    told = re.search("ERROR[^>]*>([^<]{0,70})", answer.text[:2_000])
    print(f"  {name}: {answer.status_code} {told[1] if told else ''}", flush=True)
    if answer.status_code not in (200, 400, 413):
        yield f"{name}: {answer.status_code} {answer.text[-300:]}"
    yield from _leaks(name, answer)


_SECRETS = re.compile(r"Traceback|root:x:|/usr/|/tmp/|site-packages|\.py\b")


def _leaks(name: str, answer: httpx.Response) -> Faults:
    if leak := _SECRETS.search(answer.text):
        told = answer.text[max(leak.start() - 80, 0) : leak.end() + 80]
        yield f"{name}: the answer tells {told!r}"


# --- lies -----------------------------------------------------------------------------------


def lies(program: Program, draw: random.Random, moments: int) -> Faults:
    """Send bodies, parameters, tables and addresses that are not as they should be."""
    statuses: Counter[int] = Counter()
    for _ in range(moments * 100):
        kind, body = hostile.bodies(draw)
        path = draw.choice(["/tap/sync", "/tap/async", "/api/rows", "/api/explain"])
        answer = program.http.post(path, content=body, headers={"content-type": kind.encode()})
        statuses[answer.status_code] += 1
        yield from _no_fault(f"{path} {kind[:60]} {body[:300]!r}", answer)
    for _ in range(moments * 20):
        path, parameters = hostile.parameters(draw)
        answer = program.http.request(draw.choice(["GET", "HEAD", "POST"]), path, params=parameters)
        statuses[answer.status_code] += 1
        yield from _no_fault(f"{path} {parameters}", answer)
    for _ in range(moments * 20):
        data = {"QUERY": "SELECT * FROM tap_upload.t", "UPLOAD": "t,param:p"}
        table = hostile.changed(hostile.votable(rows=draw.choice([0, 1, 30])), draw)
        answer = program.http.post("/tap/sync", data=data, files={"p": table})
        statuses[answer.status_code] += 1
        yield from _no_fault(f"{table!r}", answer)
    for address in hostile.addresses("localhost:9"):
        answer = program.sync("SELECT * FROM tap_upload.t", UPLOAD=f"t,{address}")
        statuses[answer.status_code] += 1
        if answer.status_code != 400:
            yield f"{address}: {answer.status_code}"
        yield from _leaks(address, answer)
    print(f"  answers: {dict(statuses)}")
    if "a fault of the service" in program.log:
        yield "the log tells of a fault of the service"


def _no_fault(what: str, answer: httpx.Response) -> Faults:
    if answer.status_code >= 500:
        yield f"{answer.status_code} to {what[:700]}: {answer.text[-200:]}"
    yield from _leaks(what[:200], answer)


PARTS = {one.__name__: one for one in (kills, cuts, overflows, aborts, bombs, lies, disks)}


def main(arguments: list[str] | None = None) -> int:
    """Do all of it; return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--moments", type=int, default=20)
    options = parser.parse_args(arguments)
    folder = catalogs()
    faults: list[str] = []
    for name in options.parts:
        state = WORK / f"service_{name}"
        shutil.rmtree(state, ignore_errors=True)
        (WORK / f"{state.name}.log").unlink(missing_ok=True)
        program = Program(folder, state, sync_seconds=20, short_bytes=1 << 20)
        began = time.monotonic()
        print(f"{name}:", flush=True)
        try:
            waited(program.is_whole, 60)
            found = list(PARTS[name](program, random.Random(options.seed), options.moments))
        finally:
            program.kill()
        faults += found
        print(f"{name}: {time.monotonic() - began:.0f} s, {len(found)} faults", flush=True)
        for fault in found[:20]:
            print(f"    {fault}", flush=True)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
