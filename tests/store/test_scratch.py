"""Scratch folders are private, and what a dead process left is removed: nobody else's."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from skyseries.errors import StorageError
from skyseries.store import scratch as module
from skyseries.store.scratch import make_scratch, remove_scratch, scratch
from tests.programs import run, started


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def swept(parent: Path) -> set[str]:
    """Return what is left after a fresh start, without its own folder."""
    module._SWEPT.clear()
    with scratch("test") as own:
        return {path.name for path in parent.iterdir()} - {own.name}


def renamed(folder: Path, place: int, part: str) -> Path:
    """Give a folder another owner: a part of its name is another one."""
    parts = folder.name.split("-")
    parts[place] = part
    return folder.rename(folder.with_name("-".join(parts)))


_MACHINE, _PID, _START = 2, 3, 4


def test_a_folder_is_private_and_goes_with_its_block(parent: Path) -> None:
    with suppress(KeyError), scratch("test") as folder:
        assert folder.parent == parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "rows").write_text("1")
        raise KeyError
    assert not list(parent.iterdir())


def test_those_of_living_processes_and_of_other_machines_stay(parent: Path) -> None:
    own = make_scratch("test")
    theirs = renamed(make_scratch("test"), _MACHINE, "0123abcd")
    theirs = renamed(theirs, _PID, "999999999")
    foreign = parent / "skyseries-kernels-somebody"
    foreign.mkdir()
    assert swept(parent) == {own.name, theirs.name, foreign.name}
    remove_scratch(own)


def test_those_of_dead_processes_go(parent: Path) -> None:
    renamed(make_scratch("test"), _PID, "999999999")
    renamed(make_scratch("test"), _START, "1")  # the number is another process's by now
    program = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)
    renamed(make_scratch("test"), _PID, str(program.pid))  # ended, but nobody has asked how
    assert not swept(parent)
    program.wait()


def test_a_link_is_not_followed(parent: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    name = make_scratch("test").name.split("-")
    remove_scratch(parent / "-".join(name))
    name[_PID] = "999999999"
    other = tmp_path_factory.mktemp("other")
    (other / "file").touch()
    (parent / "-".join(name)).symlink_to(other)
    swept(parent)
    assert (other / "file").exists()


def test_it_is_looked_for_remains_once_a_minute(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not swept(parent)
    left = renamed(make_scratch("test"), _PID, "999999999")
    with scratch("test"):
        assert left.exists()
    now = module.time.monotonic()
    monkeypatch.setattr(module.time, "monotonic", lambda: now + 61)
    with scratch("test"):
        assert not left.exists()


def test_a_place_that_cannot_be_written_to(parent: Path) -> None:
    (parent / "file").touch()
    tempfile.tempdir = str(parent / "file")
    with pytest.raises(StorageError, match=r"cannot be made in .*file: .*; SKYSERIES_TMPDIR"):
        make_scratch("test")


FORKED = """
import os, sys
from skyseries.store.scratch import make_scratch, remove_scratch

folder = make_scratch("test")
child = os.fork()
if not child:
    remove_scratch(folder)
    sys.exit()  # with all that is done at the end of a process
os.waitpid(child, 0)
assert folder.is_dir()
"""


def test_a_copy_of_the_process_removes_nothing_and_the_end_all(tmp_path: Path) -> None:
    done = run(
        [sys.executable, "-c", FORKED], env=os.environ | {"SKYSERIES_TMPDIR": str(tmp_path / "new")}
    )
    assert done.returncode == 0, done.stderr
    assert not list((tmp_path / "new").iterdir())


KILLED = """
import sys
from skyseries.store.scratch import make_scratch

print(make_scratch("test"), flush=True)
sys.stdin.read()
"""


def test_a_killed_process_leaves_what_the_next_removes(parent: Path) -> None:
    environment = os.environ | {"SKYSERIES_TMPDIR": str(parent)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with started([sys.executable, "-c", KILLED], env=environment, **pipes) as program:
        folder = Path(program.stdout.readline().strip())
        assert swept(parent) == {folder.name}
        program.kill()
        program.wait()
        assert folder.exists()
        assert not swept(parent)
