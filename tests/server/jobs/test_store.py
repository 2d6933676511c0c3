"""Where jobs are kept: who may have it, and what is wrong with it."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from skyseries.errors import StorageError
from skyseries.server.jobs.database import UPGRADES
from skyseries.server.jobs.job import TRANSITIONS, Job, Phase, UnknownJob, new_id, now
from skyseries.server.jobs.recovery import recover
from skyseries.server.jobs.store import JobStore
from tests.server.jobs.fakes import files_in

NEXT = timedelta(hours=1)
_HOLD = """
import sys
from skyseries.server.jobs.store import JobStore
store = JobStore(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def a_job(phase: Phase = Phase.PENDING, **more: object) -> Job:
    return replace(Job(new_id(), now(), now() + NEXT, 60, phase), **more)


def fill(folder: Path, *jobs: Job) -> None:
    store = JobStore(folder)
    for job in jobs:
        assert store.add(job, 1000)
    store.close()


@pytest.mark.parametrize("target", Phase)
@pytest.mark.parametrize("source", TRANSITIONS)
def test_transitions(tmp_path: Path, source: Phase, target: Phase) -> None:
    store = JobStore(tmp_path)
    job = a_job(source)
    store.add(job, 10)
    change = partial(store.change, job.id, {source}, partial(replace, phase=target))
    if target == source or target in TRANSITIONS[source]:
        assert change() == replace(job, phase=target) == store.get(job.id)
    else:
        with pytest.raises(ValueError, match=f"from {source} to {target}"):
            change()
        assert store.get(job.id) == job
    store.close()


def test_a_folder_is_made_and_private(tmp_path: Path) -> None:
    fill(tmp_path / "a/b")
    modes = [path.stat().st_mode for path in (tmp_path / "a/b", tmp_path / "a/b/results")]
    assert [stat.S_IMODE(mode) for mode in modes] == [0o700, 0o700]


def test_a_folder_becomes_private(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    fill(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StorageError, match=r"holds other files than jobs \(thesis.tex\)"):
        JobStore(tmp_path)
    assert os.listdir(tmp_path) == ["thesis.tex"]  # noqa: PTH208 - names are asked
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_second_server_is_refused(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    with pytest.raises(StorageError, match=rf"another server \(process {os.getpid()}\)"):
        JobStore(tmp_path)
    store.close()
    fill(tmp_path)


def test_a_server_of_another_process_is_named_and_leaves_the_folder_when_killed(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", _HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StorageError, match=rf"process {holder.pid}\)"):
            JobStore(tmp_path)
        holder.kill()
    fill(tmp_path)


def test_what_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file"):
        JobStore(tmp_path / "file")


@pytest.mark.parametrize("damage", ["header", "pages", "text"])
def test_a_damaged_file_is_told_and_can_be_moved_away(tmp_path: Path, damage: str) -> None:
    fill(tmp_path, *(a_job(run_id="x" * 500) for _ in range(50)))
    path = tmp_path / "jobs.sqlite"
    content = bytearray(path.read_bytes())
    if damage == "header":
        content[:100] = b"?" * 100
    elif damage == "pages":
        content[4096:] = os.urandom(len(content) - 4096)
    else:
        content[:] = b"not a database, but long enough for one" * 50
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"jobs.sqlite is damaged .*: move it away"):
        JobStore(tmp_path)
    path.unlink()
    store = JobStore(tmp_path)
    assert store.list() == []
    store.close()


def test_a_damaged_record_is_told(tmp_path: Path) -> None:
    job = a_job()
    fill(tmp_path, job)
    with sqlite3.connect(tmp_path / "jobs.sqlite") as connection:
        connection.execute("UPDATE jobs SET record = replace(record, 'PENDING', 'PENDINGS')")
    connection.close()
    store = JobStore(tmp_path)
    with pytest.raises(StorageError, match="damaged"):
        store.get(job.id)
    store.close()


def test_a_newer_schema_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    fill(tmp_path, a_job())
    newer = [*UPGRADES, lambda connection: connection.execute("DROP TABLE jobs")]
    JobStore(tmp_path, newer).close()
    before = (tmp_path / "jobs.sqlite").read_bytes()
    with pytest.raises(StorageError, match=r"written by a newer Skyseries .*version is 2.*up to 1"):
        JobStore(tmp_path)
    assert (tmp_path / "jobs.sqlite").read_bytes() == before


def test_an_older_schema_is_upgraded_and_keeps_its_jobs(tmp_path: Path) -> None:
    job = a_job(Phase.QUEUED, run_id="before")
    fill(tmp_path, job)
    done = []

    def second(connection: sqlite3.Connection) -> None:
        done.append(2)
        connection.execute("UPDATE jobs SET record = replace(record, 'before', 'after')")

    for _ in range(2):
        store = JobStore(tmp_path, [*UPGRADES, second])
        assert store.get(job.id) == replace(job, run_id="after")
        store.close()
    assert done == [2]


def test_an_upgrade_is_done_whole_or_not_at_all(tmp_path: Path) -> None:
    job = a_job()
    fill(tmp_path, job)

    def fails(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM jobs")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        JobStore(tmp_path, [*UPGRADES, fails])
    store = JobStore(tmp_path)
    assert store.list() == [job]
    store.close()


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    job = a_job()
    store.add(job, 10)

    def fails(_: Job) -> Job:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.change(job.id, {Phase.PENDING}, fails)
    assert store.get(job.id) == job
    store.close()


def test_a_job_that_is_queued_again_keeps_its_place(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    first, second = a_job(Phase.QUEUED), a_job(Phase.QUEUED)
    for job in (first, second):
        store.add(job, 10)
    for phase in (Phase.EXECUTING, Phase.QUEUED):
        store.change(first.id, frozenset(Phase), partial(replace, phase=phase))
    assert store.queued() == [first, second]
    store.close()


def test_ids_that_are_none(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    for id in ("../lock", "\udc00", "", new_id()):
        with pytest.raises(UnknownJob):
            store.get(id)
    with pytest.raises(UnknownJob):
        store.files.uploads("../lock")
    with pytest.raises(UnknownJob):
        store.tidy("../lock")
    store.close()


@pytest.mark.parametrize("phase", TRANSITIONS)
def test_a_job_has_only_the_files_that_it_needs(tmp_path: Path, phase: Phase) -> None:
    store = JobStore(tmp_path)
    job, other = a_job(phase), a_job(Phase.EXECUTING)
    for one in (job, other):
        store.add(one, 10)
        (store.files.uploads(one.id) / "table").touch()
        store.files.result(one.id).touch()
        (store.files.results / f".{one.id}.abc.part").touch()
    untouched = {path for path in files_in(tmp_path) if other.id in path}
    store.tidy(job.id)
    needed = {f"uploads/{job.id}"} if job.is_active else set()
    if phase is Phase.COMPLETED:
        needed = {f"results/{job.id}", f"results/.{job.id}.abc.part"}
    assert set(files_in(tmp_path)) == untouched | needed
    store.delete(job.id)
    store.tidy(job.id)
    assert set(files_in(tmp_path)) == untouched
    store.close()


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_is_told_without_what_is_in_it(tmp_path, seed):
    draw = random.Random(seed)
    fill(tmp_path, *(a_job(run_id=f"private{number}") for number in range(20)))
    file = tmp_path / "jobs.sqlite"
    data = bytearray(file.read_bytes())
    for _ in range(5):
        data[draw.randrange(len(data))] = draw.choice([draw.randrange(256), ord('"'), ord("a")])
    file.write_bytes(data)
    told = ""
    try:
        with closing(JobStore(tmp_path)) as store:
            recover(store, now())
            for job in store.list():
                assert store.get(job.id) == job
    except StorageError as error:
        told = str(error)
    assert "private" not in told
    assert not told or "damaged" in told or "newer" in told
