"""Requests that are not as they should be, a killed server and a killed worker, in small.

The whole (bombs, aborts, cut results, full disks) is in ``benchmarks/prove_service.py``.
"""

from __future__ import annotations

import importlib
import random
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def prove():
    """Return the script, as a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
        yield importlib.import_module("prove_service")


class Asked:
    """A service as the script has it, of this process."""

    log = ""

    def __init__(self, archive) -> None:
        self.http = archive.http

    def sync(self, query, form="csv", **more):
        fields = {"QUERY": query, "FORMAT": form, **more}
        return self.http.post("/tap/sync", files={n: (None, str(v)) for n, v in fields.items()})


def test_lies(prove, archive, caplog):
    assert list(prove.lies(Asked(archive), random.Random(3), 2)) == []
    assert "a fault of the service" not in caplog.text


def test_kills(prove, tmp_path):
    service = sys.modules["service"]
    folder = service.catalogs(300_000)
    program = service.Program(folder, tmp_path / "state", workers=1, short_workers=0)
    try:
        assert list(prove.kills(program, random.Random(2), 3)) == []
    finally:
        program.kill()
