"""What a worker may not do, on systems that can forbid it."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import pytest


def has_landlock() -> bool:
    return sys.platform == "linux" and ctypes.CDLL(None).syscall(444, None, 0, 1) >= 1


@pytest.mark.skipif(not has_landlock(), reason="this kernel has no landlock")
def test_a_plugin_cannot_write_outside_of_its_folder(asked):
    assert asked.rows("SELECT MAX(LC_WRITES(lc)) AS x FROM survey") == [{"x": 0.0}]


def test_what_is_missing_is_told(asked):
    (missing,) = {tuple(worker.missing) for worker in asked.pool._idle}
    assert bool(missing) != has_landlock()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_workers_are_killed_before_the_server_and_dump_no_memory(asked):
    worker = asked.pool._idle[0]
    folder = Path(f"/proc/{worker.pid}")
    assert int((folder / "oom_score_adj").read_text()) == 900
    lines = (folder / "limits").read_text().splitlines()
    assert [line.split()[4:6] for line in lines if line.startswith("Max core")] == [["0", "0"]]
    assert "NoNewPrivs:\t1" in (folder / "status").read_text()
