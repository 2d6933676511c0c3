"""The changes of docs/extending.md work, and what is forgotten of them is noticed."""

from __future__ import annotations

import os
import re
import sys

import pytest

from tests import programs
from tests.extending import ROOT, make_copy

PASS = {
    "timeseries/test_declarations.py": "MidRange",
    "timeseries/test_features.py": "every_feature_has_a_twin",
    "timeseries/test_methods.py": "schuster",
    "formats/test_round_trips.py": "test_arrow",
    "formats/streams/test_ipc.py": "read or test",
    "executors/test_futures.py": "in_order or nested or lambda or CatalogError or after_close",
    "hats/test_validate.py": "more_than_the_sky or test_a_good_catalog",
    "meaning/test_entries.py": "every_parameter_is_known",
}
"""What is run of the tests of the copy."""

NOTICED = {
    "timeseries/test_document.py": "page_is_up_to_date",
    "timeseries/test_methods_page.py": "page_is_up_to_date",
    "executors/test_engines_page.py": "every_engine_and_option_is_there and futures",
}
"""What fails there, because the pages are not written anew."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return how the chosen tests of each file end, in a copy with all of the changes."""
    folder = tmp_path_factory.mktemp("extending")
    make_copy(folder)
    chosen = PASS | NOTICED
    words = " or ".join(f"({file.split('/')[1]} and ({what}))" for file, what in chosen.items())
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-k", words]
    done = programs.run(
        [*command, *(f"tests/{file}" for file in chosen)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT / "src")])},
    )
    found: dict[str, set[str]] = {file: set() for file in chosen}
    for outcome, file in re.findall(
        r"^(PASSED|FAILED|ERROR) tests/(.*?)::", done.stdout, re.MULTILINE
    ):
        found[file].add(outcome)
    assert "short test summary" in done.stdout, done.stdout + done.stderr
    return found


@pytest.mark.parametrize("file", PASS)
def test_the_change_works(outcomes: dict[str, set[str]], file: str) -> None:
    assert outcomes[file] == {"PASSED"}


@pytest.mark.parametrize("file", NOTICED)
def test_a_page_that_was_forgotten_is_noticed(outcomes: dict[str, set[str]], file: str) -> None:
    assert outcomes[file] == {"FAILED"}
