"""Imports that are stopped, cut short, run twice at once, or have no space left."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.errors import InputError, StorageError
from skyseries.hats.build import edition, journal, leaves
from skyseries.pipelines.import_ import spill, stages
from skyseries.store.local import LocalStore
from tests import programs
from tests.pipelines.survey import (
    check_valid,
    collection,
    expected_rows,
    primary,
    random_survey,
    read_rows,
    same,
    small_parts,
    write_parts,
)

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def content(root: Path) -> dict[str, str]:
    """Return a digest of what each file of a catalog holds: rows of tables, else all but dates."""
    found = {}
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        if path.suffix == ".parquet":
            table = pq.ParquetFile(path).read()
            text = f"{table.schema.to_string()}{table.to_pylist()}"
        elif path.name.endswith("properties"):
            lines = path.read_text().splitlines()
            text = "\n".join(line for line in lines if not line.startswith("hats_creation_date"))
        elif path.name == "manifest.json":
            continue
        else:
            text = repr(path.read_bytes())
        found[str(path.relative_to(root))] = hashlib.sha256(text.encode()).hexdigest()
    return found


class Survey:
    """A survey on disk, and how it is imported."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.folder = folder
        self.objects, self.sources = random_survey(60, seed, orphans=9)
        write_parts(folder / "o", self.objects, [25])
        write_parts(folder / "s", self.sources, [100, 300])

    def run(self, path: Path, **options: Any) -> Any:
        options = {"executor": "serial", "progress": False, "max_rows": 20, **options}
        with small_parts():
            return sky.import_catalog(
                str(self.folder / "o/*.parquet"), path, id="id",
                lightcurves=str(self.folder / "s/*.parquet"), name="survey", **options,
            )  # fmt: skip

    def check(self, path: Path) -> None:
        sources = self.sources.filter(pa.compute.greater(self.sources["id"], 9))
        assert same(read_rows(primary(path)), expected_rows(self.objects, sources))
        left = [p.name for p in path.iterdir() if not p.name.startswith("v0")]
        assert left == ["collection.properties"]
        check_valid(path)


@pytest.fixture
def survey(tmp_path):
    return Survey(tmp_path)


@pytest.fixture
def tasks(monkeypatch):
    """Return the names of the tasks that are run, stage/number."""
    done: list[str] = []
    real = journal._marked

    def spy(mark, *args):
        outcome = real(mark, *args)
        done.append(f"{mark.parent.name}/{mark.stem}")
        return outcome

    monkeypatch.setattr(journal, "_marked", spy)
    return done


def stop_after(module, name: str, calls: int, run, *args, **options) -> None:
    """Run an import in which a function works for so many calls and then ends it like Ctrl-C."""
    real, count = getattr(module, name), 0

    def limited(*args):
        nonlocal count
        count += 1
        if count > calls:
            raise KeyboardInterrupt
        return real(*args)

    with mock.patch.object(module, name, limited), pytest.raises(KeyboardInterrupt):
        run(*args, **options)


# -- killed -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("executor", "seed", "count"), [("serial", 1, 6), ("threads", 2, 2)])
def test_killed_at_any_rename_and_run_again_is_as_if_nothing_had_been(
    survey, executor, seed, count
):
    script = Path(__file__).with_name("stopped_import.py")
    done = subprocess.run(
        [sys.executable, str(script), str(survey.folder), executor, str(seed), str(count)],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    whole, *stopped = map(json.loads, done.stdout.splitlines())
    survey.check(survey.folder / "whole")
    wanted = content(survey.folder / "whole")
    assert len(stopped) == count + 4
    for one in stopped:
        path = survey.folder / f"stopped-{one['point']}"
        if one["died"] is None:  # threads may rename a few times less
            assert one["resumed"] or one["marks"] == 0
            assert one["tasks"] == (
                whole["tasks"] - one["marks"] if one["resumed"] else whole["tasks"]
            )
        assert (one["rows"], one["version"]) == (60, "v000001")
        assert content(path) == wanted, one
        assert sorted(p.name for p in path.iterdir()) == ["collection.properties", "v000001"]
    assert sum(one["died"] is None for one in stopped) >= count


def test_ctrl_c_leaves_what_can_be_gone_on_with(survey):
    script = survey.folder / "slow.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys, time
            from skyseries.hats.build import journal
            real = journal._marked
            def slow(*args):
                sys.stdout.write("begin\\n")  # in one piece: tasks write side by side
                sys.stdout.flush()
                time.sleep(0.2)
                return real(*args)
            journal._marked = slow
            from skyseries.cli import main
            main(sys.argv[1:])
            """
        )
    )
    path = survey.folder / "c"
    command = [
        sys.executable, str(script), "import", str(survey.folder / "o"), str(path), "--id", "id",
        "--lightcurves", str(survey.folder / "s"), "--max-rows", "20", "--name", "survey",
    ]  # fmt: skip
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with programs.started(command, **pipes) as process:
        for _ in range(4):
            assert process.stdout.readline() == "begin\n"
        process.send_signal(signal.SIGINT)
        _, talk = process.communicate(timeout=programs.PATIENCE)
    assert process.returncode == 130, talk
    assert "interrupted" in talk
    assert "Traceback" not in talk
    marks = list(path.glob(".build-*/marks/**/*.json"))
    assert marks
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "went on with the unfinished import" in again.stderr
    assert 0 < again.stdout.count("begin") < 30
    survey.check(path)


def test_finished_stages_are_not_done_again(survey, monkeypatch, tasks):
    stop_after(leaves._Aside, "finish", 3, survey.run, survey.folder / "c")
    before = tasks.copy()
    assert sum(name.startswith("leaves") for name in before) == 3
    tasks.clear()
    report = survey.run(survey.folder / "c")
    assert report.resumed
    assert not set(before) & set(tasks)
    survey.check(survey.folder / "c")
    tasks.clear()
    assert not survey.run(survey.folder / "d").resumed
    assert len(tasks) > len(before)


def test_without_resume_it_starts_again(survey, monkeypatch, tasks):
    stop_after(leaves._Aside, "finish", 3, survey.run, survey.folder / "c")
    before = tasks.copy()
    tasks.clear()
    assert not survey.run(survey.folder / "c", resume=False).resumed
    assert set(before) < set(tasks)
    survey.check(survey.folder / "c")


@pytest.mark.parametrize("change", ["input", "option", "memory"])
def test_another_input_or_another_choice_starts_again(survey, monkeypatch, change):
    stop_after(leaves._Aside, "finish", 3, survey.run, survey.folder / "c")
    options: dict[str, Any] = {}
    if change == "input":
        survey.objects = survey.objects.set_column(3, "mag", pa.array(np.arange(60), pa.float32()))
        write_parts(survey.folder / "o", survey.objects, [25])
    elif change == "option":
        options = {"max_rows": 15}
    else:
        options = {"memory": "700MB"}
    (stopped,) = survey.folder.glob("c/.*")
    before = content(stopped)
    report = survey.run(survey.folder / "c", **options)
    assert not report.resumed
    assert list(survey.folder.glob("c/.*")) == [stopped]
    assert content(stopped) == before  # others may be at work: what they write is left alone
    shutil.rmtree(stopped)
    survey.check(survey.folder / "c")


def test_a_run_that_was_cut_short_is_not_trusted(survey, monkeypatch, tasks):
    """After a power cut: the mark is on the disk, and a part of the file it speaks of is not."""
    stop_after(leaves._Aside, "finish", 1, survey.run, survey.folder / "c")
    (cut, gone, *_) = sorted(survey.folder.glob("c/.build-*/scratch/sources/*/run-0000.arrow"))
    cut.write_bytes(cut.read_bytes()[:-100])
    gone.unlink()
    tasks.clear()
    survey.run(survey.folder / "c")
    again = sorted(name for name in tasks if name.startswith("sources"))
    assert again == ["sources/000000", "sources/000001"]
    survey.check(survey.folder / "c")


def test_a_mark_that_was_cut_short_is_not_trusted(survey, monkeypatch, tasks):
    stop_after(leaves._Aside, "finish", 1, survey.run, survey.folder / "c")
    (mark,) = survey.folder.glob("c/.build-*/marks/objects/000001.json")
    mark.write_text(mark.read_text()[:10])
    tasks.clear()
    survey.run(survey.folder / "c")
    assert [name for name in tasks if name.startswith("objects")] == ["objects/000001"]
    survey.check(survey.folder / "c")


@pytest.mark.parametrize("keep", [0.2, 0.9])
def test_a_run_that_is_cut_short_while_it_is_needed(survey, monkeypatch, keep):
    real = stages.cut_partitions

    def cut(*args):
        path = next(survey.folder.glob("c/.build-*/scratch/sources/000001/run-0000.arrow"))
        path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
        return real(*args)

    monkeypatch.setattr(stages, "cut_partitions", cut)
    with pytest.raises((sky.SkyseriesError, OSError, pa.ArrowInvalid)):
        survey.run(survey.folder / "c")
    assert not (survey.folder / "c/collection.properties").exists()
    monkeypatch.undo()
    survey.run(survey.folder / "c")
    survey.check(survey.folder / "c")


def test_a_failed_import_leaves_the_current_version(survey, monkeypatch):
    survey.run(survey.folder / "c")
    before = content(survey.folder / "c")
    monkeypatch.setattr(spill, "_encode_text", lambda table: 1 / 0)
    with pytest.raises(sky.ExecutionError, match="ZeroDivisionError"):
        survey.run(survey.folder / "c", overwrite=True)
    after = content(survey.folder / "c")
    assert {name: after[name] for name in before} == before
    assert all(name in before or name.startswith(".build") for name in after)
    monkeypatch.undo()
    assert survey.run(survey.folder / "c", overwrite=True).version == "v000002"
    survey.check(survey.folder / "c")


def test_a_version_that_another_import_has_taken_meanwhile(survey, monkeypatch):
    """Scratch files in another place are not seen by the import that comes in between."""
    tmp = survey.folder / "tmp"
    stop_after(leaves._Aside, "finish", 3, survey.run, survey.folder / "c", tmp_dir=tmp)
    few = write_parts(survey.folder / "few", survey.objects.slice(0, 5))
    with small_parts():
        sky.import_catalog(few, survey.folder / "c", id="id", name="survey")
    report = survey.run(survey.folder / "c", tmp_dir=tmp, overwrite=True)
    assert (report.resumed, report.version, report.rows) == (True, "v000002", 60)
    assert len(sky.open_catalog(survey.folder / "c")) == 60
    assert len(sky.open_catalog(survey.folder / "c/v000001/survey")) == 5
    survey.check(survey.folder / "c")


@pytest.mark.parametrize("step", ["adopt", "promote"])
def test_scratch_files_in_another_place(survey, step):
    tmp = survey.folder / "tmp"
    module = LocalStore if step == "adopt" else edition
    stop_after(module, step, 0, survey.run, survey.folder / "c", tmp_dir=tmp)
    assert not (survey.folder / "c/collection.properties").exists()
    assert survey.run(survey.folder / "c", tmp_dir=tmp).resumed
    survey.check(survey.folder / "c")
    assert list(tmp.iterdir()) == []


def test_two_catalogs_of_one_name_may_share_the_place_of_their_scratch_files(survey, monkeypatch):
    tmp = survey.folder / "tmp"
    stop_after(leaves._Aside, "finish", 3, survey.run, survey.folder / "c", tmp_dir=tmp)
    assert not survey.run(survey.folder / "d", tmp_dir=tmp).resumed
    assert survey.run(survey.folder / "c", tmp_dir=tmp).resumed
    for name in "cd":
        survey.check(survey.folder / name)


# -- two at once --------------------------------------------------------------------------------


def test_the_same_import_twice_at_once(survey, monkeypatch):
    real = stages.cut_partitions

    def cut(*args):
        monkeypatch.setattr(stages, "cut_partitions", real)
        with pytest.raises(StorageError, match="another process is writing the same to"):
            survey.run(survey.folder / "c")
        return real(*args)

    monkeypatch.setattr(stages, "cut_partitions", cut)
    survey.run(survey.folder / "c")
    survey.check(survey.folder / "c")


@pytest.mark.parametrize("overwrite", [False, True])
def test_two_imports_into_one_folder(survey, monkeypatch, overwrite):
    """Neither waits for the other one; without overwrite, the second one is told."""
    real, few = (
        stages.cut_partitions,
        write_parts(survey.folder / "few", survey.objects.slice(0, 5)),
    )

    def cut(*args):
        monkeypatch.setattr(stages, "cut_partitions", real)
        with small_parts():
            sky.import_catalog(few, survey.folder / "c", id="id", name="survey")
        return real(*args)

    monkeypatch.setattr(stages, "cut_partitions", cut)
    if overwrite:
        assert survey.run(survey.folder / "c", overwrite=True).version == "v000002"
        survey.check(survey.folder / "c")
    else:
        with pytest.raises(InputError, match="another writer has made meanwhile"):
            survey.run(survey.folder / "c")
        assert sorted(p.name for p in (survey.folder / "c").iterdir()) == [
            "collection.properties", "v000001",
        ]  # fmt: skip
    assert len(sky.open_catalog(survey.folder / "c/v000001/survey")) == 5


def test_what_earlier_versions_have_left(survey):
    (survey.folder / "c" / ".import-0123").mkdir(parents=True)
    with pytest.raises(InputError, match=r"\.import-0123.* resume=False starts from the beginning"):
        survey.run(survey.folder / "c")
    survey.run(survey.folder / "c", resume=False)
    (survey.folder / "c" / ".import-0123").rmdir()
    survey.check(survey.folder / "c")


def test_a_catalog_that_came_while_the_schemas_were_read(survey, monkeypatch):
    from skyseries.pipelines.import_ import prepare

    real = prepare.limits

    def slow(*args):
        monkeypatch.setattr(prepare, "limits", real)
        survey.run(survey.folder / "c")
        return real(*args)

    monkeypatch.setattr(prepare, "limits", slow)
    with pytest.raises(InputError, match="holds a catalog already"):
        survey.run(survey.folder / "c")
    assert collection(survey.folder / "c")["hats_primary_table_url"].startswith("v000001/")
    survey.check(survey.folder / "c")


# -- no space left ------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_a_full_disk_is_a_storage_error(survey, monkeypatch, executor):
    survey.run(survey.folder / "c")
    before = content(survey.folder / "c")

    def full(table):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(spill, "_encode_text", full)
    with pytest.raises(StorageError, match=r"no space left .* run the same again"):
        survey.run(survey.folder / "c", overwrite=True, executor=executor)
    after = content(survey.folder / "c")
    assert {name: after[name] for name in before} == before


@pytest.fixture
def small_disk(tmp_path):
    """Return a file system of its own and a function that changes its size."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o"]
    try:
        done = subprocess.run(
            [*mount, "size=64m", "tmpfs", place], capture_output=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip("a file system can only be mounted by root")

    def resize(kilobytes: int) -> None:
        options = f"remount,size={kilobytes}k"
        subprocess.run([*mount, options, "tmpfs", place], capture_output=True, check=True)

    yield place, resize
    subprocess.run(["umount", "-l", place], check=True)  # noqa: S607


@pytest.mark.parametrize("spare_kb", [8, 60, 120, 250, 400])
def test_a_small_disk_runs_full(survey, small_disk, spare_kb):
    place, resize = small_disk
    few = write_parts(survey.folder / "few", survey.objects.slice(0, 5))
    with small_parts():
        sky.import_catalog(few, place / "c", id="id", name="survey")
    before = content(place / "c")
    used = (os.statvfs(place).f_blocks - os.statvfs(place).f_bfree) * os.statvfs(place).f_frsize
    resize((used >> 10) + spare_kb)
    with pytest.raises(StorageError, match="no space left"):
        survey.run(place / "c", overwrite=True)
    after = content(place / "c")
    assert {name: after[name] for name in before} == before
    assert len(sky.open_catalog(place / "c").to_arrow()) == 5
    resize(64 << 10)
    assert survey.run(place / "c", overwrite=True).version == "v000002"
    survey.check(place / "c")
