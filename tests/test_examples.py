"""The examples run, and say what they should."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord

import skyseries as sky

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(name: str, *arguments: str, folder: Path | None = None) -> str:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments],
        cwd=folder, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_survey_to_periods():
    lines = run("survey_to_periods.py").splitlines()
    assert lines[0].startswith("220 objects, ")
    found, right = (int(word) for word in lines[1].split() if word.isdigit())
    assert 18 <= found <= 22
    assert right >= 18


def test_dippers():  # what it finds: test_dippers.py
    *rows, count, cost = run("dippers.py", "--stars", "300", "--engine", "serial").splitlines()[1:]
    assert count == f"{len(rows)} candidates in 300 light curves"
    assert len(rows) > 12
    assert all(int(row.split()[0]) < 25 for row in rows)
    assert cost.endswith(" core-hours for 2e9")


# --- two surveys together -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def joint(tmp_path_factory) -> tuple[Path, str]:
    """Return a folder where the example has made catalogs and results, and what it printed."""
    folder = tmp_path_factory.mktemp("joint")
    return folder, run("joint_analysis.py", "threads", "--folder", ".", folder=folder)


def test_joint_analysis_is_right(joint):
    folder, printed = joint
    left, right, pairs = (
        sky.open_catalog(folder / name).to_pandas() for name in ("first", "second", "pairs")
    )
    there = SkyCoord(*right[["ra", "dec"]].to_numpy(float).T, unit="deg")
    here = SkyCoord(*left[["ra", "dec"]].to_numpy(float).T, unit="deg")
    nearest, distance, _ = here.match_to_catalog_sky(there)
    near = distance <= 1 * units.arcsec
    partners = dict(zip(left["id"][near], right["id"].to_numpy()[nearest[near]], strict=True))
    assert len(partners) > 8000
    assert dict(zip(pairs["id"], pairs["id_second"], strict=True)) == partners
    *rows, last = printed.splitlines()[1:]
    assert last.startswith(f"wrote pairs: {len(partners):,} rows in ")
    counts = np.histogram(pairs["_dist_arcsec"], np.arange(11) / 10)[0]
    assert [int(row.split()[1].replace(",", "")) for row in rows] == counts[counts > 0].tolist()


@pytest.mark.parametrize("engine", ["processes", "dask", "spark"])
def test_joint_analysis_on_every_engine(joint, tmp_path, engine):
    need = {"dask": "distributed", "spark": "pyspark"}.get(engine)
    if need and importlib.util.find_spec(need) is None:
        pytest.skip(f"{need} is not installed")
    if engine == "spark" and not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("Java is not installed")
    folder, printed = joint
    catalogs = [str(folder / name) for name in ("first", "second")]
    options = ("--workers", "2", "--folder", ".")
    assert run("joint_analysis.py", engine, *catalogs, *options, folder=tmp_path) == printed
    expected = sky.open_catalog(folder / "pairs").to_arrow()
    assert sky.open_catalog(tmp_path / "pairs").to_arrow().equals(expected)


# --- the page about matching, which makes its own catalogs --------------------------------------


def comparable(plan: str) -> str:
    """Return a plan without the sizes on disk, which depend on the version of zstd."""
    return re.sub(r"about [\d.]+ \w+", "about n", plan).strip()


def test_the_page_about_matching(tmp_path):
    page = (EXAMPLES.parent / "docs" / "matching.md").read_text()
    program = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    (said,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert program.count("assert ") > 20
    script = tmp_path / "page.py"
    script.write_text(program)
    done = subprocess.run(
        [sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert comparable(done.stdout) == comparable(said)


def test_every_example_has_a_test():
    tested = Path(__file__).read_text()
    assert all(f'"{path.name}"' in tested for path in EXAMPLES.glob("*.py"))
