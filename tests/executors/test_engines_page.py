"""The code on the page about engines runs, and the page knows every engine."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

import pytest

from skyseries.executors import create
from tests import programs

PAGE = Path(__file__).resolve().parents[2] / "docs" / "engines.md"


def test_the_code_runs(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="dask is not installed")
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL))
    assert code.count("sky.executor") == 2
    assert code.count("sky.Job") == 1
    done = programs.run([sys.executable, "-c", code], cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", sorted(create._ENGINES))
def test_every_engine_and_option_is_there(name: str) -> None:
    if name in ("dask", "spark"):
        pytest.importorskip({"dask": "distributed", "spark": "pyspark"}[name])
    text = PAGE.read_text()
    assert f'`"{name}"`' in text
    for option in inspect.signature(create._engine(name)).parameters:
        assert re.search(rf"`{option}\b", text), option
