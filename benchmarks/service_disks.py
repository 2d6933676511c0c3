"""A service whose folder is full, cannot be written to, or is damaged."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx

from hostile import votable
from results import WORK
from service import ONE, Program, catalogs, waited

__all__ = ["disks"]

_BIG = "SELECT TOP 150000 * FROM big.object"
"""Some megabytes."""

Faults = Iterator[str]


def disks(_: Program, draw: random.Random, moments: int) -> Faults:
    """Fill the disk of the jobs, take it away, and damage what is on it."""
    if os.geteuid():
        print("  skipped: only root may mount")
        return
    with _disk(8) as folder:
        yield from _full(folder)
    with _disk(8) as folder:
        yield from _read_only(folder)
    yield from _damaged(WORK / "service_damaged", draw, moments)


@contextlib.contextmanager
def _disk(megabytes: int) -> Iterator[Path]:
    folder = WORK / "service_disk"
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    subprocess.run(command, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _full(folder: Path) -> Faults:
    program = Program(catalogs(), folder / "state")
    try:
        jobs = [program.create(_BIG, "votable/td", MAXREC=150_000) for _ in range(4)]
        yield from _ended(program, jobs, {"ERROR", "COMPLETED"})
        with contextlib.suppress(OSError), (folder / "filled").open("wb") as file:
            while True:
                file.write(bytes(1 << 16))
                file.flush()
        yield from _meanwhile(program)
        (folder / "filled").unlink()
        program.http.delete(jobs[0])
        program.http.delete(jobs[1])
        yield from _ended(program, [program.create(ONE)], {"COMPLETED"})
    finally:
        program.kill()


def _read_only(folder: Path) -> Faults:
    Program(catalogs(), folder / "state").kill()
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    yield from _not_started(folder / "state", "read-only")


def _ended(program: Program, jobs: list[str], wanted: set[str]) -> Faults:
    for job in jobs:
        waited(lambda job=job: program.phase(job) not in ("QUEUED", "EXECUTING"), 60)
    phases = Counter(program.phase(job) for job in jobs)
    print(f"  jobs: {dict(phases)}")
    if set(phases) - wanted:
        yield f"jobs are {dict(phases)}, not {wanted}"
    for job in jobs:
        answer = program.http.get(f"{job}/error")
        yield from _told(f"the error of {job}", answer)


def _meanwhile(program: Program) -> Faults:
    """Ask for what can be, and for what cannot."""
    if (status := program.sync(ONE).status_code) != 200:
        yield f"a row: {status}"
    data = {"QUERY": "SELECT * FROM tap_upload.t", "UPLOAD": "t,param:p", "PHASE": "RUN"}
    answers = {
        "create": program.http.post("/tap/async", data={"QUERY": ONE, "PHASE": "RUN"}),
        "upload": program.http.post("/tap/sync", data=data, files={"p": votable(rows=100_000)}),
        "upload to a job": program.http.post("/tap/async", data=data, files={"p": votable()}),
        "list": program.http.get("/tap/async"),
        "rows": program.http.post("/api/rows", data={"QUERY": ONE}),
    }
    print("  meanwhile: " + ", ".join(f"{n} {a.status_code}" for n, a in answers.items()))
    for name, answer in answers.items():
        yield from _told(name, answer)


def _told(name: str, answer: httpx.Response) -> Faults:
    if answer.status_code == 500 or str(WORK) in answer.text or "Traceback" in answer.text:
        yield f"{name}: {answer.status_code} {answer.text[-300:]}"


def _not_started(state: Path, what: str) -> Faults:
    try:
        Program(catalogs(), state).kill()
    except RuntimeError as error:
        said = str(error).strip().splitlines()[-1]
        print(f"  {what}: {said[:150]}")
        if "Traceback" in str(error) or not said.startswith("skyseries: "):
            yield f"{what}: {error}"
    else:
        yield f"{what}: it was started"


def _damaged(folder: Path, draw: random.Random, moments: int) -> Faults:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    program = Program(catalogs(), folder / "whole")
    jobs = [program.create(ONE, RUNID=f"r{i}") for i in range(20)]
    yield from _ended(program, jobs, {"COMPLETED"})
    program.stop()
    ends: Counter[str] = Counter()
    for number in range(moments):
        state = folder / f"damaged{number}"
        shutil.copytree(folder / "whole", state)
        data = bytearray((state / "jobs.sqlite").read_bytes())
        for _ in range(draw.choice([1, 20, 1_000])):
            data[draw.randrange(len(data))] = draw.randrange(256)
        (state / "jobs.sqlite").write_bytes(data[: draw.choice([len(data), len(data) // 2])])
        try:
            program = Program(catalogs(), state, workers=1, short_workers=0)
        except RuntimeError as error:
            said = str(error).strip().splitlines()[-1]
            ends["not started"] += 1
            if "is damaged" not in said and "newer Skyseries" not in said:
                yield f"it says {said}"
            continue
        ends["started"] += 1
        for path in ("/tap/async", *jobs[:5], *(f"{job}/results/result" for job in jobs)):
            answer = program.http.get(path)
            if answer.status_code == 500:
                yield f"{path}: 500, {number}"
        program.kill()
    print(f"  damaged: {dict(ends)}")
