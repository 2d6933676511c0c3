"""The examples run, and say what they should."""

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(name: str) -> str:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name], check=True, capture_output=True, text=True
    )
    return done.stdout


def test_survey_to_periods():
    lines = run("survey_to_periods.py").splitlines()
    assert lines[0].startswith("220 objects, ")
    found, right = (int(word) for word in lines[1].split() if word.isdigit())
    assert 18 <= found <= 22
    assert right >= 18


def test_every_example_has_a_test():
    tested = Path(__file__).read_text()
    assert all(f'"{path.name}"' in tested for path in EXAMPLES.glob("*.py"))
