"""The Hypothesis profile in force says how many examples every property test tries."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import settings

from tests.examples import examples

TESTS = Path(__file__).resolve().parent
_LITERAL = re.compile(r"max_examples\s*[=:]|settings\.(register|load)_profile")
_MAY = {TESTS / "conftest.py", TESTS / "examples.py", Path(__file__).resolve()}


def test_no_test_says_by_itself_how_many_examples_it_tries():
    files = [path for path in TESTS.rglob("*.py") if path not in _MAY]
    literal = [str(path.relative_to(TESTS)) for path in files if _LITERAL.search(path.read_text())]
    assert not literal, f"write @examples(share) (tests/examples.py) in {', '.join(literal)}"
    assert len(files) > 100  # all were looked at


@pytest.mark.parametrize(("profile", "tried"), [("quick", 10), ("default", 50), ("full", 1000)])
def test_the_profile_scales_every_share(profile, tried):
    settings.load_profile(profile)
    try:
        found = [examples(share).max_examples for share in (1, 0.5, 4, 1e-6)]
        assert examples().deadline is None
    finally:
        settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
    assert found == [tried, tried // 2, 4 * tried, 1]
