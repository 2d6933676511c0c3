"""The README's programs print what the README says, after the demo, as a newcomer runs both."""

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def blocks() -> list[tuple[str, str]]:
    """Return language and text of the README's code blocks."""
    return re.findall(r"```(\w+)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_there_are_two_commands_of_one_line(blocks):
    commands = [text.strip() for language, text in blocks if language == "sh"][:2]
    assert commands[0].endswith("skyseries demo")
    assert commands[1].endswith("pytest -n2")
    assert not any("\n" in command for command in commands)


def comparable(text: str) -> list[str]:
    """Return the lines without the size on disk, which depends on the version of zstd."""
    return [re.sub(r"[\d.]+ MB", "n MB", line.rstrip()) for line in text.strip().splitlines()]


@pytest.mark.slow
def test_the_programs_print_what_the_readme_says(blocks, tmp_path):
    pairs = [
        (program, output)
        for (language, program), (kind, output) in pairwise(blocks)
        if (language, kind) == ("python", "text")
    ]
    assert len(pairs) == 4
    skyseries = [sys.executable, "-m", "skyseries"]
    subprocess.run([*skyseries, "demo"], cwd=tmp_path, check=True, capture_output=True)
    script = tmp_path / "program.py"
    for program, output in pairs:
        script.write_text(program)
        done = subprocess.run(
            [sys.executable, script.name], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        assert comparable(done.stdout) == comparable(output)
    assert (tmp_path / "skyseries-demo" / "demo.png").stat().st_size > 10_000


def test_the_pages_it_names_are_there():
    links = re.findall(r"\]\(((?:docs/)?[\w/-]+\.(?:md|png))\)", (ROOT / "README.md").read_text())
    assert links
    missing = [link for link in links if not (ROOT / link).is_file()]
    assert not missing
