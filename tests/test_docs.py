"""The code in the README and the docs runs, in the order in which a reader meets it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import skyseries as sky
from skyseries.formats import write_table
from skyseries.schema.metadata import parse_metadata
from skyseries.server.limits import Limits
from skyseries.timeseries.simulate import simulate_survey

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return a folder with the tables of a small survey."""
    root = tmp_path_factory.mktemp("docs")
    counts = dict.fromkeys(
        ["n_rr_lyrae_c", "n_detached_binary", "n_contact_binary", "n_long_period",
         "n_microlensing", "n_supernova_ia"], 0,
    )  # fmt: skip
    objects, sources, _ = simulate_survey(n_constant=30, n_rr_lyrae_ab=3, years=1, seed=1, **counts)
    for name, table in (("objects", objects), ("sources", sources)):
        (root / name).mkdir()
        half = table.num_rows // 2
        write_table(table.slice(0, half), root / name / "1.parquet")
        write_table(table.slice(half), root / name / "2.parquet")
    return root


def run(command: list[str], folder: Path) -> str:
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": search, "MPLBACKEND": "agg"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_commands_of_the_readme(folder):
    commands = next(text for text in blocks("README.md", "sh") if "skyseries import" in text)
    output = run(["bash", "-e", "-c", commands], folder)
    assert "33" in output
    assert "survey is a valid catalog" in output
    assert (folder / "periods.parquet").is_file()


def test_the_import_of_the_readme_and_the_catalog_page(folder):
    programs = [
        next(text for text in blocks("README.md", "python") if "import_catalog" in text),
        *blocks("docs/catalogs.md", "python"),
    ]
    assert len(programs) >= 2
    run(["rm", "-rf", "survey"], folder)
    output = run([sys.executable, "-c", "\n".join(programs)], folder)
    assert "33 rows" in output


def test_the_page_of_light_curves(folder):
    programs = "\n".join(blocks("docs/lightcurves.md", "python"))
    asked = """
print(round(star.periods(min_period=0.2, max_period=5)["period"], 3))
print(round(periodogram(series, min_period=0.2, max_period=5).period_at_max_power, 3))
print(compute_periods(column, fields, min_period=0.2, max_period=5).num_rows)
"""
    assert run([sys.executable, "-c", programs + asked], folder).split() == ["0.6", "0.6", "2"]


def test_the_page_of_statements(folder):
    statements = [text for block in blocks("docs/adql.md", "sql") for text in block.split("\n\n")]
    asked = f"for text in {statements!r}: print(len(sky.sql(text, catalogs).to_arrow()))"
    program = "\n".join([*blocks("docs/adql.md", "python"), "print('---')", asked])
    output, _, counts = run([sys.executable, "-c", program], folder).partition("---")
    assert "variable stars" in output
    assert "a row for each band" in output
    said = [re.match(r"-- .*: ([\d,]+) row", text)[1].replace(",", "") for text in statements]
    assert counts.split() == said
    assert len(said) >= 30


def test_the_page_of_rubin(folder):
    output = run([sys.executable, "-c", "\n".join(blocks("docs/rubin.md", "python"))], folder)
    for text in ("float nJy Flux of a point source", "['diaSource', 'forcedSource']", " epochs",
                 "Visits of a simulated survey", "obs.airMass"):  # fmt: skip
        assert text in output
    (said,) = blocks("docs/rubin.md", "toml")
    assert parse_metadata(said).tables["epochs"].nested == "lightcurve"


@pytest.fixture
def survey(folder):
    """Return the folder with the catalog of the README in it, which other tests may have made."""
    if not (folder / "survey").exists():
        imports = [text for text in blocks("README.md", "python") if "import_catalog" in text]
        run([sys.executable, "-c", imports[0]], folder)
    return folder


def test_the_page_of_the_service(survey):
    folder = survey
    programs = "\n".join(blocks("docs/service.md", "python"))
    asked = "\nservice.stop()\nprint(len(table), table.colnames)\n"
    output = run([sys.executable, "-c", programs + asked], folder)
    for line in ("5 OVERFLOW 5", "True", "5 ['objectId', 'ra', 'dec']"):
        assert line in output
    looked, asked = blocks("docs/service.md", "sh")
    output = run(["bash", "-e", "-c", looked], folder)
    assert "survey.Object" in output
    assert 'name = "archive.Star"' in output
    (folder / "settings.toml").write_text(*blocks("docs/service.md", "toml"))
    printed = run(["skyseries", "serve", "--config", "settings.toml", "--print-config"], folder)
    assert 'title = "Archive of variable stars"' in printed


@pytest.mark.skipif(shutil.which("stilts") is None, reason="stilts is not installed")
def test_the_lines_for_clients(survey):
    folder = survey
    _, lines = blocks("docs/service.md", "sh")
    (folder / "mine.csv").write_text("ra,dec\n150.1,2.2\n0,-80\n")
    with sky.serve({"survey": folder / "survey"}, workers=1, warm=False) as service:
        lines = lines.replace("http://127.0.0.1:8080", service.url)
        output = run(["bash", "-e", "-c", lines], folder)
    assert output.count("objectId") == 3
    assert len(output.splitlines()) >= 8


def test_the_limits_of_the_service_are_all_told():
    page = (ROOT / "docs" / "service.md").read_text()
    assert [name for name in vars(Limits()) if f"`{name}`" not in page] == []
