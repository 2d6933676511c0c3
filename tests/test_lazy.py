"""What is imported when: names on first use, and how little a catalog needs to be opened."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

import skyseries as sky

PACKAGES = ["skyseries.adql", "skyseries.store", "skyseries.timeseries"]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_is_found_and_listed(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None
    assert set(module.__all__) <= set(dir(module))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = module.nonsense


@pytest.mark.parametrize("package", PACKAGES)
def test_no_name_is_that_of_a_module(package: str) -> None:
    """Importing the module would put it in the place of the name."""
    module = importlib.import_module(package)
    assert not {found.name for found in pkgutil.iter_modules(module.__path__)} & set(module.__all__)


UNASKED = {
    "astropy", "distributed", "duckdb", "fsspec", "loky", "matplotlib", "mocpy", "numba", "pandas",
    "scipy", "yaml",
}  # fmt: skip
"""What nothing imports that does not say so here."""

AFTER = """
import atexit, sys
def tell():
    print("modules", len(sys.modules), *sorted(UNASKED & set(sys.modules)), file=sys.stderr)
UNASKED = set(sys.argv.pop(1).split(","))
"""

OPEN = """
import skyseries as sky
catalog = sky.open_catalog(sys.argv[1])
assert set(catalog.columns) >= {"id", "ra", "dec"}, catalog.columns
tell()
assert len(catalog) == 3  # by what is recorded
assert str(catalog.info())
tell()
"""

COMMAND = """
atexit.register(tell)
from skyseries.cli.app import main
main()
"""


@pytest.fixture(scope="module")
def stars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog of three stars with light curves; beside it, objects as CSV."""
    folder = tmp_path_factory.mktemp("lazy")
    curves = [[{"mjd": 60000.0 + k, "mag": 18.0 + k % 3, "band": "r"} for k in range(20)]] * 3
    columns = {"id": [1, 2, 3], "ra": [10.0, 20.0, 30.0], "dec": [0.0, 1.0, 2.0]}
    sky.from_table(pa.table(columns | {"lc": curves})).write_catalog(folder / "stars")
    pa.csv.write_csv(pa.table(columns), folder / "objects.csv")
    return folder


def imported_by(code: str, *args: str) -> list[tuple[int, set[str]]]:
    """Return how many modules there are, and those of `UNASKED`, where a process tells."""
    command = [sys.executable, "-c", AFTER + code, ",".join(UNASKED), *args]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = [line.split() for line in done.stderr.splitlines() if line.startswith("modules ")]
    return [(int(number), set(names)) for _, number, *names in told]


def test_opening_a_catalog_imports_little(stars: Path) -> None:
    (opened, too_much), (_, more) = imported_by(OPEN, str(stars / "stars"))
    assert opened < 375
    assert not too_much | more


@pytest.mark.parametrize(
    "command",
    [
        "info {}/stars",
        "versions {}/stars",
        "query {}/stars",
        "query {}/stars --limit 2 --select id,ra,lc.mag",
        "query {}/stars ra>15",
        "query {}/stars -o {}/found.parquet",
        "features {}/stars --features Mean,Amplitude",
        "periods {}/stars --min-period 0.5",
        "import {}/objects.csv {}/imported",
    ],
)
def test_a_command_imports_nothing_that_it_does_not_use(stars: Path, command: str) -> None:
    ((_, too_much),) = imported_by(COMMAND, *command.replace("{}", str(stars)).split())
    assert not too_much


OWN = """
import pandas as pd
from skyseries.timeseries import feature

@feature
def middle(t, flux, flux_err, band):
    return float(pd.Series(flux).median())
"""


def test_code_of_users_may_use_pandas(stars: Path) -> None:
    (stars / "own.py").write_text(OWN)
    args = ["--features", "middle", "--code", str(stars / "own.py")]
    ((_, there),) = imported_by(COMMAND, "features", str(stars / "stars"), *args)
    assert "pandas" in there
