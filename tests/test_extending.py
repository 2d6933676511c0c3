"""The changes of docs/extending.md work, and what is forgotten of them is noticed."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from tests import programs
from tests.extending import ROOT, make_copy

RUN = """
    tests/timeseries/test_declarations.py::{} tests/timeseries/test_features.py::
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return how tests end in a copy with all of the changes, by their names."""
    folder = tmp_path_factory.mktemp("extending")
    make_copy(folder)
    chosen = (
        "MidRange or every_feature_has_a_twin or page_is_up_to_date or schuster or test_arrow "
        "or more_than_the_sky or test_every_parameter_is_known or engine_and_option_is_there and "
        "futures or TestFutures and (lambda or order or nested or our_own or tuning or cancel_fro)"
    )
    files = """
        timeseries/test_declarations.py timeseries/test_features.py timeseries/test_document.py
        timeseries/test_methods.py timeseries/test_methods_page.py formats/test_round_trips.py
        executors/test_futures.py executors/test_engines_page.py hats/test_validate.py
    """.split()
    done = programs.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-k", chosen]
        + [f"tests/{file}" for file in files],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT / "src")])},
    )
    found = dict(
        reversed(line.split(" ", 2)[:2])
        for line in done.stdout.splitlines()
        if re.match("(PASSED|FAILED|ERROR) ", line)
    )
    assert found, done.stdout + done.stderr
    return found
