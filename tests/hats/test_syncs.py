"""All that a version consists of is on the disk before the version is named.

The whole of it (each way to write, on processes too) is in ``benchmarks/prove_syncs.py``.
"""

from __future__ import annotations

import importlib
import re
import shutil
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_an_import_is_on_the_disk_before_it_is_named(tmp_path, monkeypatch):
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    prove, order = (importlib.import_module(name) for name in ("prove_syncs", "sync_order"))
    prove.write_inputs(tmp_path / "inputs", 30)
    top = tmp_path / "new" / "folders"
    top.parent.mkdir()
    calls = prove.traced(prove.CASES[0], tmp_path / "inputs", "power", top)
    found = order.check(calls, top)
    there = [path for path in top.rglob("*") if path.is_file()]
    assert found.faults == ()
    assert found.named == 2
    assert found.files == len(there) > 20
    assert found.syncs >= found.files + found.folders
    check_that_each_sync_counts(order, calls, top, {path.name for path in there})


def check_that_each_sync_counts(order, calls, top, names):
    """Assert that it is seen if one sync of a file, or the last ones of folders, are left out."""
    lines = calls.read_text().splitlines()
    found = {n: re.search(rf"fsync\(\d+<({top}[^>]*)>", line) for n, line in enumerate(lines)}
    synced = {n: Path(match[1]) for n, match in found.items() if match}
    folders = sorted({path for path in synced.values() if "=" in path.name and not path.suffix})
    left_out = [[n] for n, path in synced.items() if path.name in names]
    left_out += [[n for n, path in synced.items() if path == folder] for folder in folders]
    left_out.append([n for n, path in synced.items() if path == top / "new" / "survey"][-1:])
    assert len(left_out) > 20
    for numbers in left_out:
        less = [
            line.replace(str(top), "") if n in numbers else line for n, line in enumerate(lines)
        ]
        calls.write_text("\n".join(less))
        assert order.check(calls, top).faults, [lines[n] for n in numbers]
