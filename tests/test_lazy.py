"""What is imported when: names on first use, and how little a catalog needs to be opened."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
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


OPEN = """
import sys
import skyseries as sky
catalog = sky.open_catalog(sys.argv[1])
assert set(catalog.columns) >= {"id", "ra", "dec"}, catalog.columns
heavy = {"astropy", "duckdb", "fsspec", "loky", "mocpy", "numba", "pandas", "scipy", "yaml"}
print(len(sys.modules))
assert len(catalog) == 3  # by what is recorded
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


def test_opening_a_catalog_imports_little(tmp_path: Path) -> None:
    table = pa.table({"id": [1, 2, 3], "ra": [10.0, 20.0, 30.0], "dec": [0.0, 1.0, 2.0]})
    sky.from_table(table).write_catalog(tmp_path / "stars")
    command = [sys.executable, "-c", OPEN, str(tmp_path / "stars")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 400
