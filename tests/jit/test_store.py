"""Files of machine code: whole or not there, in the first folder that can be written to."""

import os
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.jit import store
from skyseries.jit.native import Compiled

ONE = Compiled(b"code" * 100, "skyseries.one.entry", (("skyseries.one.environment0", b"[]"),))
NAME = "processor/some.module.kernel-0123"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the folder that is written to, the only one."""
    monkeypatch.setattr(store, "folders", lambda: (tmp_path / "kernels", tmp_path / "last"))
    return tmp_path / "kernels"


def test_what_is_kept_is_found(folder):
    assert not store.is_kept(NAME)
    assert store.kept(NAME) is None
    store.keep(NAME, ONE)
    assert store.is_kept(NAME)
    assert store.kept(NAME) == ONE
    assert [path.name for path in (folder / "processor").iterdir()] == [NAME.split("/")[1]]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("cut", [0, 1, 31, 32, 33, 200, -1])
def test_what_is_cut_short_is_not_there(folder, cut):
    store.keep(NAME, ONE)
    path = folder / NAME
    path.write_bytes(path.read_bytes()[:cut])
    assert store.kept(NAME) is None
    assert not path.exists()


def test_a_changed_bit_is_noticed(folder):
    store.keep(NAME, ONE)
    whole = (folder / NAME).read_bytes()

    @given(st.integers(0, len(whole) * 8 - 1))
    def check(bit):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        (folder / NAME).write_bytes(changed)
        assert store.kept(NAME) is None

    check()


def test_a_damaged_file_does_not_hide_a_whole_one(folder):
    store.keep(NAME, ONE)
    last = folder.parent / "last" / NAME
    last.parent.mkdir(parents=True)
    last.write_bytes((folder / NAME).read_bytes())
    (folder / NAME).write_bytes(b"")
    assert store.kept(NAME) == ONE


def test_the_next_folder_is_written_to_where_the_first_cannot_be(folder):
    folder.write_bytes(b"a file")
    store.keep(NAME, ONE)
    assert (folder.parent / "last" / NAME).exists()
    assert store.kept(NAME) == ONE


def test_without_any_folder_it_is_said(folder):
    folder.write_bytes(b"")
    (folder.parent / "last").write_bytes(b"")
    with pytest.raises(OSError, match="kernels"):
        store.keep(NAME, ONE)


def test_writers_at_once_leave_one_whole_file(folder):
    threads = [threading.Thread(target=store.keep, args=(NAME, ONE)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.kept(NAME) == ONE
    assert len(list((folder / "processor").iterdir())) == 1


CLAIM = "from skyseries.jit import store; print(store.claim({name!r}) is None)"


def test_what_is_claimed_is_claimed_for_other_processes(tmp_path, monkeypatch):
    monkeypatch.setenv("SKYSERIES_KERNELS", str(tmp_path))

    def others_may(name):
        program = CLAIM.format(name=name)
        done = subprocess.run(
            [sys.executable, "-c", program], env=os.environ, capture_output=True, check=True
        )
        return done.stdout.strip() == b"False"

    claim = store.claim(NAME)
    with claim:
        assert not others_may(NAME)
        assert others_may("another")
    assert others_may(NAME)


def test_the_order_of_folders(monkeypatch):
    for name in ("SKYSERIES_KERNELS", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, f"/{name}")
    first, second, last = map(str, store.folders())
    assert (first, second) == ("/SKYSERIES_KERNELS", "/XDG_CACHE_HOME/skyseries/kernels")
    assert "skyseries-kernels-" in last
    monkeypatch.delenv("SKYSERIES_KERNELS")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert list(map(str, store.folders())) == ["/HOME/.cache/skyseries/kernels", last]
