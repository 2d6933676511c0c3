"""An import goes on after a power cut, whatever file of it the cut has emptied.

Nothing is synced before a version is published: of a file that was written there may be nothing
but zeros, and of its mark all.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.pipelines.import_ import stages
from skyseries.store.local import Disk, LocalStore

pytestmark = pytest.mark.slow

ROWS = 40


class PowerCut(BaseException):
    """The power is gone here."""


def cut(*_: object, **__: object) -> None:
    raise PowerCut


def write_inputs(folder: Path) -> None:
    ids = np.arange(ROWS)
    at = np.linspace(0.0, 80.0, ROWS)
    pq.write_table(pa.table({"id": ids, "ra": at, "dec": at}), folder / "objects.parquet")
    again = ids.repeat(3)
    epochs = {"id": again, "mjd": 60_000.0 + np.arange(len(again)), "flux": again * 1.0}
    pq.write_table(pa.table(epochs), folder / "sources.parquet")


def import_(folder: Path) -> bool:
    report = sky.import_catalog(
        folder / "objects.parquet",
        folder / "survey",
        id="id",
        lightcurves=folder / "sources.parquet",
        max_rows=15,
        executor="serial",
        progress=False,
    )
    return report.resumed


def kinds_of_files(folder: Path) -> list[Path]:
    """Return one file of each kind that an import has made until now."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found[path.relative_to(folder).parts[1:3], path.suffix] = path
    return list(found.values())


def rows(folder: Path) -> list[dict]:
    assert sky.validate_catalog(folder / "survey", deep=True).faults == ()
    return sky.open_catalog(folder / "survey").to_arrow().to_pylist()


@pytest.mark.parametrize(
    ("where", "what", "read"),
    [(stages, "build_leaves", {"marks", "scratch"}), (LocalStore, "adopt", {"marks", "content"})],
    ids=["leaves", "end"],
)
def test_a_file_is_lost(where, what, read, tmp_path, monkeypatch):
    monkeypatch.setattr(Disk, "sync", lambda *_: None)  # there is no real cut, and it takes time
    write_inputs(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(where, what, cut)
        with pytest.raises(PowerCut):
            import_(tmp_path)
    shutil.copytree(tmp_path / "survey", tmp_path / "stopped")
    assert import_(tmp_path)
    expected = rows(tmp_path)
    assert [row["lightcurve"]["flux"] for row in expected] == [[row["id"]] * 3 for row in expected]
    files = [file for file in kinds_of_files(tmp_path / "stopped") if read & {*file.parts}]
    assert len(files) >= 7
    for file in files:
        shutil.rmtree(tmp_path / "survey")
        shutil.copytree(tmp_path / "stopped", tmp_path / "survey")
        lost = tmp_path / "survey" / file.relative_to(tmp_path / "stopped")
        lost.write_bytes(bytes(lost.stat().st_size))
        assert import_(tmp_path)
        assert rows(tmp_path) == expected, lost
        assert [path.name for path in (tmp_path / "survey").glob(".*")] == []
