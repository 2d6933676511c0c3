"""How many statements the source has, beside those of an earlier commit.

A statement is an ``ast.stmt`` that is no documentation (a text that stands alone). Files are
followed when they were renamed (``git diff -M``). What existed before and what is new are counted
apart, so that a function is new only if nothing tells of it before:

- a definition (function, method, class) of a file that is new, or of one that was there, counts as
  before if one of its qualified name was in any file;
- or if it looks like one that has gone: three fifths of its lines are the same.

Everything else of a file that was there counts as before; everything else of a new file as new.
"""

from __future__ import annotations

import ast
import difflib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Growth", "growth", "statements"]

_ALIKE = 0.6
_SHORT = 3
"""Definitions of fewer statements look all alike."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def statements(tree: ast.AST) -> int:
    """Count the statements in a tree, itself among them."""
    return sum(isinstance(node, ast.stmt) and not _is_text(node) for node in ast.walk(tree))


def definitions(tree: ast.AST, before: str = "") -> Iterator[tuple[str, Definition]]:
    """Yield the functions, classes and methods with their qualified names; outer ones first."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Definition):
            yield before + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from definitions(node, f"{before}{node.name}.")
        elif isinstance(node, ast.If | ast.Try | ast.With):
            yield from definitions(node, before)


@dataclass
class Growth:
    """Statements by where they are; a file that was renamed is named as now."""

    base: dict[str, int] = field(default_factory=dict)
    """By file, then."""
    kept: dict[str, int] = field(default_factory=dict)
    """By file, now, of what existed before."""
    new: dict[str, int] = field(default_factory=dict)
    """New definitions, by ``file name``, in files that were there."""
    files: dict[str, int] = field(default_factory=dict)
    """Of files that are new: what is new in them."""
    renamed: dict[str, str] = field(default_factory=dict)
    """Definitions that look like one that has gone, and which."""

    @property
    def lines(self) -> list[str]:
        """Each file whose statements are not as many as before, by the difference."""
        changed = {f: self.kept.get(f, 0) - self.base.get(f, 0) for f in {*self.base, *self.kept}}
        return [
            f"{difference:+5d} {file}: {self.base.get(file, 0)} -> {self.kept.get(file, 0)}"
            for file, difference in sorted(changed.items(), key=lambda item: (item[1], item[0]))
            if difference
        ]


def growth(checkout: Path, base: Path) -> Growth:
    """Compare the source of a checkout with that of another one of the same repository."""
    origin = _origins(checkout, base)
    now, then = _trees(checkout), _trees(base)
    found = Growth()
    names = {f: dict(definitions(tree)) for f, tree in then.items()}
    known = {name for of_file in names.values() for name in of_file}
    there = {name for tree in now.values() for name, _ in definitions(tree)}
    gone = {
        f"{file} {name}": _text(node)
        for file, of_file in names.items()
        for name, node in of_file.items()
        if name not in there and statements(node) >= _SHORT
    }
    renames = {origin[file]: file for file in now if file in origin}
    for file, tree in then.items():
        found.base[renames.get(file, file)] = statements(tree)
    for file, tree in now.items():
        _count(file, tree, origin, known, gone, found)
    return found


def _count(
    file: str,
    tree: ast.Module,
    origin: dict[str, str],
    known: set[str],
    gone: dict[str, list[str]],
    found: Growth,
) -> None:
    """Enter the statements of a file."""
    was_there = file in origin
    apart = 0  # statements of the other kind than the file
    counted, called = "?", {}
    for name, node in definitions(tree):
        if name.startswith(f"{counted}."):
            continue
        outer, _, last = name.rpartition(".")
        is_known = name in known or f"{called.get(outer, '?')}.{last}" in known
        old = None if is_known else _gone_twin(node, gone)
        if old is not None:
            called[name] = old.partition(" ")[2]
            found.renamed[f"{file} {name}"] = old
            del gone[old]
        if (is_known or old is not None) == was_there:
            continue
        counted = name
        apart += statements(node)
        if was_there:
            found.new[f"{file} {name}"] = statements(node)
    rest = statements(tree) - apart
    if was_there:
        found.kept[file] = rest
    else:
        found.files[file] = rest
        if apart:
            found.kept[file] = apart


def _gone_twin(node: Definition, gone: dict[str, list[str]]) -> str | None:
    """Return the definition of the base that has gone and looks most like this one."""
    if statements(node) < _SHORT:
        return None
    text, best, likest = _text(node), _ALIKE, None
    for name, other in gone.items():
        matcher = difflib.SequenceMatcher(None, text, other, autojunk=False)
        if matcher.real_quick_ratio() >= best and matcher.quick_ratio() >= best:
            alike = matcher.ratio()
            if alike >= best:
                best, likest = alike, name
    return likest


def _text(node: Definition) -> list[str]:
    """Return the lines of a definition without its name and documentation."""
    body = [part for part in node.body if not _is_text(part)]
    return [line.strip() for part in body for line in ast.unparse(part).splitlines()]


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _trees(checkout: Path) -> dict[str, ast.Module]:
    folder = checkout / "src"
    return {
        str(path.relative_to(folder)): ast.parse(path.read_text())
        for path in sorted(folder.glob("skyseries/**/*.py"))
    }


def _origins(checkout: Path, base: Path) -> dict[str, str]:
    """Return for each file that was there what it was called."""
    commit = _git(base, "rev-parse", "HEAD").strip()
    changed = _git(checkout, "diff", "-M", "--name-status", "--relative=src", commit, "--", "src")
    then = {str(p.relative_to(base / "src")) for p in (base / "src").glob("skyseries/**/*.py")}
    found = {file: file for file in then}
    for line in changed.splitlines():
        status, *paths = line.split("\t")
        if status.startswith("R"):
            found.pop(paths[0], None)
            found[paths[1]] = paths[0]
        elif status == "D":
            found.pop(paths[0], None)
    return found


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
