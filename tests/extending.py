"""The changes of docs/extending.md: read from the page, and made in a copy."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

__all__ = ["PAGE", "ROOT", "changed_files", "make_copy"]

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/extending.md"

_FINDER = '''
"""Take the changed files of this copy for those that are installed."""
import importlib.util
import sys
from pathlib import Path

HERE, THERE = Path(__file__).parent / "src", Path({there!r})


class Changed:
    @staticmethod
    def find_spec(name, path=None, target=None):
        inner = Path(*name.split("."))
        for file, folders in (
            (inner / "__init__.py", [str(THERE / inner)]),
            (inner.with_suffix(".py"), None),
        ):
            if (HERE / file).exists():
                return importlib.util.spec_from_file_location(
                    name, HERE / file, submodule_search_locations=folders
                )


sys.meta_path.insert(0, Changed)
'''


def changed_files(section: str | None = None) -> dict[str, str]:
    """Return the text of each file after the changes of the page, or of one of its sections."""
    page = PAGE.read_text()
    if section is not None:
        page = page.partition(f"## {section}\n")[2].partition("\n## ")[0]
    files: dict[str, str] = {}
    for language, block in re.findall(r"```(python|diff)\n(.*?)```", page, re.DOTALL):
        if language == "python":
            name, _, text = block.partition("\n")
            files[name.removeprefix("# ")] = text
            continue
        for name, hunks in re.findall(
            r"^\+\+\+ (\S+)\n(.*?)(?=^\+\+\+|\Z)", block, re.MULTILINE | re.DOTALL
        ):
            text = files.get(name) or (ROOT / name).read_text()
            for hunk in re.split(r"^@@\n", hunks, flags=re.MULTILINE)[1:]:
                text = _changed(text, hunk.splitlines(), name)
            files[name] = text
    return files


def _changed(text: str, hunk: list[str], name: str) -> str:
    before, after = (
        "".join(f"{line[1:]}\n" for line in hunk if line[:1] in signs)
        for signs in ((" ", "-", ""), (" ", "+", ""))
    )
    assert text.count(before) == 1, f"not once in {name}:\n{before}"
    return text.replace(before, after)


def make_copy(folder: Path) -> None:
    """Make a copy of tests and docs with all changes of the page, and of `src` the changed files.

    With `folder` in PYTHONPATH Python takes these, and all else from where it is.
    """
    for part in ("tests", "docs"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, text in changed_files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "sitecustomize.py").write_text(_FINDER.format(there=str(ROOT / "src")))
