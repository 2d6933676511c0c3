"""The pages on the architecture say what is so: floors, paths, links, the list of pages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
TEXTS = [*PAGES, *(ROOT / name for name in ("README.md", "AGENTS.md", "CONTRIBUTING.md"))]


def test_the_floors_are_those_of_the_import_linter() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(c["layers"] for c in contracts["contracts"] if c["type"] == "layers")
    text = (ROOT / "docs/architecture.md").read_text()
    lines = re.findall(r"```text\n(.*?)```", text, re.DOTALL)[0].splitlines()
    for line, layer in zip(lines, layers, strict=True):
        assert re.match(rf"{re.escape(layer)}(\s|$)", line), (line, layer)


@pytest.mark.parametrize("page", ["architecture.md", "engine.md", "extending.md"])
def test_the_paths_are_there(page: str) -> None:
    named = re.findall(r"`([\w/.]+(?:\.py|/))`", (ROOT / "docs" / page).read_text())
    assert named
    for path in named:
        assert (ROOT / "src/skyseries" / path).exists() or (ROOT / path).exists(), path


def test_every_page_is_in_the_list_of_pages() -> None:
    linked = re.findall(r"\]\((\S+?\.md)\)", (ROOT / "docs/README.md").read_text())
    assert {page.name for page in PAGES} - {"README.md"} <= set(linked)


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text()):
        assert (page.parent / target).exists(), target
