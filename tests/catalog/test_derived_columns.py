"""Features and periods kept beside a catalog: provenance, versions, runs that are stopped."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import skyseries as sky
import skyseries.timeseries.features.registry as registry
from skyseries.errors import CatalogNotFoundError
from skyseries.fingerprint import fingerprint
from skyseries.hats.build import extension, journal
from skyseries.timeseries import Feature, register
from tests.conftest import Engines, Tune


@pytest.fixture
def copy(survey: Any, tmp_path: Path) -> Path:
    return Path(shutil.copytree(survey.path, tmp_path / "survey"))


def rows(table: pa.Table) -> list[dict[str, Any]]:
    return sorted(table.to_pylist(), key=lambda row: row["id"])


# --- provenance and versions --------------------------------------------------------------------


def test_a_result_says_how_it_was_made(copy: Path) -> None:
    catalog = sky.open_catalog(copy)
    plan = catalog.features(["nObs", "Mean"], bands=["r"], min_period=0.3)
    written = plan.write_extension("statistics")
    again = sky.open_catalog(copy).load_extension("statistics")
    said = again.provenance["statistics"]
    assert said == dict(written.provenance)
    assert len(said["run"]) == 36
    age = datetime.now(UTC) - datetime.fromisoformat(said["date"])
    assert timedelta(0) <= age + timedelta(seconds=1) < timedelta(minutes=5)
    assert said["code"]["skyseries"] == sky.__version__
    assert said["catalogs"] == [{"name": "survey", "version": "v000001"}]
    assert said["parameters"] == [
        {
            "step": "features", "features": ["nObs", "Mean"], "space": None, "bands": ["r"],
            "min_period": 0.3, "max_period": 100.0,
        }
    ]  # fmt: skip
    properties = (copy / "statistics.properties").read_text()
    assert said["run"] in properties
    assert "skyseries_primary_version=v000001" in properties


def test_periods_say_their_parameters(copy: Path) -> None:
    written = sky.open_catalog(copy).periods(n_peaks=2, min_period=5.0).write_extension("periods")
    (said,) = written.provenance["parameters"]
    assert said["step"] == "periods"
    assert (said["n_peaks"], said["min_period"], said["nterms"]) == (2, 5.0, 1)


def test_an_old_version_stays(copy: Path) -> None:
    catalog = sky.open_catalog(copy)
    catalog.features(["nObs", "Mean"]).write_extension("statistics")
    first = sky.open_catalog(copy).load_extension("statistics")
    expected = rows(first.drop("lightcurve").to_arrow())
    written = catalog.features(["nObs", "timeSpan"]).write_extension("statistics", overwrite=True)
    assert written.version == "v000002"
    now = sky.open_catalog(copy)
    new = now.load_extension("statistics")
    assert [c for c in new.columns if c not in catalog.columns] == ["nObs", "timeSpan"]
    old = now.load_extension("statistics", version=1)
    assert rows(old.drop("lightcurve").to_arrow()) == expected
    runs = [c.provenance["statistics"]["run"] for c in (first, old, new)]
    assert runs[0] == runs[1] != runs[2]
    for number in (0, 3):
        with pytest.raises(CatalogNotFoundError, match=f"no version {number}; there are 1, 2"):
            now.load_extension("statistics", version=number)


# --- lists of fixed size ------------------------------------------------------------------------


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> str:
    """Register a list of three numbers for each band; return its name."""
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    parts = ("Mean", "StetsonJ", "Percentile50")
    register(Feature("List", "Three numbers", "three", parts=parts, scope="all"))
    return "List"


def test_lists_of_fixed_size_survive(copy: Path, lists: str, engines: Engines) -> None:
    catalog = sky.open_catalog(copy)
    plan = catalog.features([lists, "nObs"])
    (name,) = (f.name for f in plan.schema if pa.types.is_fixed_size_list(f.type))
    expected = plan.select(["id", name]).to_arrow()
    assert expected.schema.field(name).type.list_size % 3 == 0
    assert expected[name].combine_chunks().flatten().null_count > 0
    with sky.executor(engines("processes")):
        plan.write_extension("lists", margin_arcsec=3600.0)
    loaded = sky.open_catalog(copy).load_extension("lists")
    assert loaded.schema.field(name).type == expected.schema.field(name).type
    assert rows(loaded.select(["id", name]).to_arrow()) == rows(expected)
    report = sky.validate_catalog(copy / "lists")
    assert report.ok, report.text()
    assert list((copy / "lists").glob("v*/lists_3600arcs/dataset/Norder*"))
    some = loaded.query("nObs > 5").select(["id", name]).to_arrow()
    assert 0 < len(some) < len(expected)


@pytest.mark.interop
def test_lsdb_joins_the_extension_by_id(copy: Path, lists: str, lsdb: ModuleType) -> None:
    dask = pytest.importorskip("dask")
    plan = sky.open_catalog(copy).features([lists, "nObs", "timeSpan"])
    name = next(f.name for f in plan.schema if pa.types.is_fixed_size_list(f.type))
    plan.write_extension("derived")
    plan.write_extension("derived", overwrite=True)
    expected = {row["id"]: row for row in plan.drop("lightcurve").to_arrow().to_pylist()}
    with warnings.catch_warnings(), dask.config.set(scheduler="synchronous"):
        warnings.simplefilter("ignore")
        catalog = lsdb.open_catalog(copy)
        loaded = catalog.load_extension("derived").compute(progress_bar=False)
        alone = lsdb.open_catalog(copy / "derived").compute(progress_bar=False)
    for frame in (loaded, alone):
        assert len(frame) == len(expected)
        for id, n, span, numbers in zip(
            frame["id"], frame["nObs"], frame["timeSpan"], frame[name], strict=True
        ):
            row = expected[id]
            assert n == row["nObs"]
            assert (None if pd.isna(span) else span) == row["timeSpan"]
            want = np.array(row[name], float)
            np.testing.assert_array_equal(np.array(list(numbers), float), want)


# --- runs that are stopped ----------------------------------------------------------------------

PROGRAM = """
import os, sys
import skyseries as sky
from skyseries.config import tuned
from skyseries.hats.build import journal

stop, engine = int(sys.argv[2]), sys.argv[3]
marked, seen = journal._marked, []

def counted(mark, *args):
    outcome = marked(mark, *args)
    if mark.parent.name == "writing leaves":
        seen.append(mark)
    if stop and len(seen) == stop:
        os._exit(9)
    return outcome

journal._marked = counted
with sky.executor(engine, workers=2), tuned(task_rows=1):
    plan = sky.open_catalog(sys.argv[1]).periods(min_period=2.0)
    options = {"resume": True, "margin_arcsec": 3600.0, "overwrite": "overwrite" in sys.argv}
    written = plan.write_extension("periods", **options)
print(len(seen), written.rows, written.provenance["run"], written.version)
"""


def run(path: Path, stop: int, *words: str) -> subprocess.CompletedProcess[str]:
    code = textwrap.dedent(PROGRAM)
    command = [sys.executable, "-c", code, str(path), str(stop), *(words or ["threads"])]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def set_marks(folder: Path) -> list[Path]:
    """Return the marks of leaves that a run has left behind."""
    return list(folder.glob(".build-*/marks/writing leaves/*.json"))


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on(copy: Path, tmp_path: Path) -> None:
    whole = Path(shutil.copytree(copy, tmp_path / "whole"))
    done = run(whole, 0)
    assert done.returncode == 0, done.stderr
    leaves = int(done.stdout.split()[0])
    assert leaves > 3
    assert run(copy, 2).returncode == 9
    assert sky.open_catalog(copy).extensions == []
    assert 2 <= len(set_marks(copy / "periods")) < leaves
    (marks,) = (copy / "periods").glob(".build-*/marks")
    id = json.loads((marks / "run.json").read_text())["run"]
    assert run(copy, 1).returncode == 9
    before = len(set_marks(copy / "periods"))
    assert 3 <= before < leaves
    done = run(copy, 0)
    assert done.returncode == 0, done.stderr
    seen, n, run_id, version = done.stdout.split()
    assert int(seen) == leaves - before  # what was complete is not computed again
    assert (run_id, version, int(n)) == (id, "v000001", len(sky.open_catalog(copy)))
    assert content(copy / "periods") == content(whole / "periods")
    assert sky.validate_catalog(copy / "periods").ok
    assert not list((copy / "periods").glob(".build*"))


@pytest.mark.slow
def test_a_killed_overwrite_leaves_the_old_version(copy: Path) -> None:
    assert run(copy, 0).returncode == 0
    assert run(copy, 2, "serial", "overwrite").returncode == 9
    loaded = sky.open_catalog(copy).load_extension("periods")
    assert loaded.to_arrow()["period"].null_count < len(loaded)
    assert sky.validate_catalog(copy / "periods").ok
    assert sky.validate_catalog(copy).ok
    done = run(copy, 0, "threads", "overwrite")
    assert done.stdout.split()[-1] == "v000002", done.stderr


def test_workers_set_marks(copy: Path, engines: Engines) -> None:
    plan = sky.open_catalog(copy).features(["nObs", "Mean"])
    with sky.executor(engines("processes")):
        written = plan.write_catalog(copy.parent / "out", resume=True)
    assert written.rows == len(sky.open_catalog(copy))
    assert sky.open_catalog(copy.parent / "out").to_arrow().equals(plan.to_arrow())
    assert (
        sky.open_catalog(copy.parent / "out").provenance["out"]["run"] == written.provenance["run"]
    )


def content(folder: Path) -> dict[str, bytes]:
    """Return each file's bytes, but for the properties and the manifest, which hold the time."""
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and "properties" not in p.name and p.name != "manifest.json"
    }


@pytest.mark.slow
def test_another_plan_does_not_go_on(copy: Path) -> None:
    assert run(copy, 2).returncode == 9
    plan = sky.open_catalog(copy).periods(min_period=3.0)
    (stopped,) = (copy / "periods").glob(".build-*")
    before = content(stopped)
    written = plan.write_extension("periods", resume=True)
    assert written.version == "v000001"
    loaded = sky.open_catalog(copy).load_extension("periods")
    assert rows(loaded.to_arrow()) == rows(plan.to_arrow())
    assert list((copy / "periods").glob(".*")) == [stopped]  # and of the other one nothing is lost
    assert content(stopped) == before
    done = run(copy, 0, "serial", "overwrite")
    assert done.stdout.split()[-1] == "v000002", done.stderr
    assert not list((copy / "periods").glob(".*"))


def test_two_searches_are_one_extension(copy: Path) -> None:
    limits = {"min_period": 5.0, "max_period": 20.0}
    catalog = sky.open_catalog(copy)

    def both(prefix: str) -> Any:
        return catalog.periods(**limits).periods(method="pdm", prefix=prefix, **limits)

    assert fingerprint(both("a_")._node) == fingerprint(both("a_")._node)
    assert fingerprint(both("a_")._node) != fingerprint(both("b_")._node)
    plan = both("pdm_")
    written = plan.write_extension("periods", resume=True)
    said = written.provenance["parameters"]
    assert [(p["step"], p.get("prefix")) for p in said] == [("periods", "pdm_"), ("periods", None)]
    assert said[0]["method"] != said[1]["method"]
    loaded = sky.open_catalog(copy).load_extension("periods")
    new = plan.columns[len(catalog.columns) :]
    assert loaded.columns == plan.columns
    assert rows(loaded[["id", *new]].to_arrow()) == rows(plan[["id", *new]].to_arrow())
    again = loaded.periods(method="bls", suffix="_bls", **limits)
    again.write_extension("bls", columns=["period_bls"])
    both_loaded = sky.open_catalog(copy).load_extension("periods").load_extension("bls")
    assert both_loaded.columns == [*plan.columns, "period_bls"]


def test_a_failure_keeps_what_is_done(
    copy: Path, monkeypatch: pytest.MonkeyPatch, tune: Tune
) -> None:
    tune(least_unit_rows=100, task_rows=1)
    calls = []
    marked = journal._marked

    def fails(mark: Path, *args: Any) -> Any:
        outcome = marked(mark, *args)
        if mark.parent.name == "writing leaves":
            calls.append(mark.name)
        if len(calls) == 2:
            calls.append("")
            raise RuntimeError("the disk is gone")
        return outcome

    plan = sky.open_catalog(copy).features(["nObs"])
    monkeypatch.setattr(journal, "_marked", fails)
    with sky.executor("serial"):
        with pytest.raises(Exception, match="the disk is gone"):
            plan.write_extension("n", resume=True)
        assert len(set_marks(copy / "n")) == 2
        plan.write_extension("n", resume=True)
    assert len(set(calls)) == len(calls) > 3
    loaded = sky.open_catalog(copy).load_extension("n")
    assert rows(loaded.select(["id", "nObs"]).to_arrow()) == rows(
        plan.select(["id", "nObs"]).to_arrow()
    )


def test_an_extension_that_is_killed_between_its_parts(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of the extension names the version of its columns: all of it is the old one."""
    catalog = sky.open_catalog(copy)
    catalog.features(["nObs", "Mean"]).write_extension("n")
    expected = rows(sky.open_catalog(copy).load_extension("n").to_arrow())
    said = (copy / "n.properties").read_bytes()
    plan = catalog.features(["timeSpan"])

    def killed(*_args: Any, **_kwargs: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(extension, "publish_extension", killed)
        with pytest.raises(KeyboardInterrupt):
            plan.write_extension("n", overwrite=True)
    assert len(sky.open_catalog(copy / "n").to_arrow()) == len(catalog)  # there is a new version
    assert "timeSpan" in sky.open_catalog(copy / "n").columns
    assert (copy / "n.properties").read_bytes() == said
    assert rows(sky.open_catalog(copy).load_extension("n").to_arrow()) == expected
    written = plan.write_extension("n", overwrite=True)
    assert written.version == "v000003"
    assert "skyseries_extension_version=3" in (copy / "n.properties").read_text().split()
    loaded = sky.open_catalog(copy).load_extension("n")
    assert loaded.columns == plan.columns
    assert rows(loaded.to_arrow()) == rows(plan.to_arrow())


def test_a_first_extension_that_is_killed_between_its_parts(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = sky.open_catalog(copy).features(["nObs"])
    real = extension.publish_extension

    def killed(*_args: Any, **_kwargs: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(extension, "publish_extension", killed)
        for options in ({}, {"resume": True, "overwrite": True}):
            with pytest.raises(KeyboardInterrupt):
                plan.write_extension("n", **options)
        assert sky.open_catalog(copy).extensions == []
        patch.setattr(journal, "_marked", killed)  # nothing is computed again
        patch.setattr(extension, "publish_extension", real)
        assert plan.write_extension("n", resume=True).version == "v000002"
    assert sorted(p.name for p in (copy / "n").iterdir()) == [
        "collection.properties",
        "v000001",
        "v000002",
    ]
    assert rows(sky.open_catalog(copy).load_extension("n").to_arrow()) == rows(plan.to_arrow())


def test_fingerprints() -> None:
    def scaled(factor: float) -> Any:
        return lambda t: t * factor

    assert fingerprint(scaled(2.0)) == fingerprint(scaled(2.0)) != fingerprint(scaled(3.0))
    assert fingerprint(lambda t: t + 1) != fingerprint(lambda t: t + 2)

    def calls(factor: float) -> str:
        names = {"factor": factor}
        code = "def helper(t): return t * factor\ndef function(t): return [helper(x) for x in t]"
        exec(code, names)  # noqa: S102
        return fingerprint(names["function"])

    assert calls(2.0) == calls(2.0) != calls(3.0)
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
    assert fingerprint({"x", "y", "z"}) == fingerprint({"z", "y", "x"})
    assert fingerprint(np.arange(3)) != fingerprint(np.arange(4))
    assert fingerprint(pa.schema([("a", pa.int64())])) != fingerprint(pa.schema([("a", "int32")]))
