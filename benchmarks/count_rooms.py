"""How the rooms of a folder of the source hang together, by the graph of imports.

A room is a module or package directly in ``catalog/``; a circle, rooms that import each other,
directly or by others. The plan (the nodes) may not import what runs it: at the top of a module
never, and what is imported inside of a function is named. Imports for annotations only do not
count; circles by them are counted apart.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grimp

__all__ = ["Rooms", "rooms"]

_FOLDER = "skyseries.catalog"
_PLAN = ("plan", "node", "nodes", "rows", "stage")
_RUN = ("run", "running", "summaries", "division")


@dataclass(frozen=True)
class Rooms:
    """What there is in ``catalog/``."""

    rooms: tuple[str, ...]
    circles: tuple[tuple[str, ...], ...]
    annotation_circles: tuple[tuple[str, ...], ...]
    """Those that are there with imports for annotations only."""
    upward: tuple[str, ...]
    """Imports of what runs, by the plan, at the top of modules."""
    upward_inside: tuple[str, ...]
    """The same inside of functions."""


def rooms(checkout: Path) -> Rooms:
    """Look at a checkout."""
    sys.path.insert(0, str(checkout / "src"))
    importlib.invalidate_caches()
    try:
        graph, annotated = (
            grimp.build_graph("skyseries", exclude_type_checking_imports=real, cache_dir=None)
            for real in (True, False)
        )
    finally:
        sys.path.pop(0)
    found = tuple(sorted(child.rpartition(".")[2] for child in graph.find_children(_FOLDER)))
    real = _circles(graph, found)
    also = tuple(circle for circle in _circles(annotated, found) if circle not in real)
    top, inside = [], []
    for importer, imported, line, within in _upward(graph, checkout):
        (inside if within else top).append(f"{importer}:{line} -> {imported}")
    return Rooms(found, real, also, tuple(sorted(top)), tuple(sorted(inside)))


def _circles(graph: grimp.ImportGraph, found: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the sets of rooms that reach each other."""
    arrows = {room: set() for room in found}
    for importer, imported in _imports(graph):
        a, b = _room(importer), _room(imported)
        if a != b and a in arrows and b in arrows:
            arrows[a].add(b)
    reached = {room: _reached(room, arrows) for room in found}
    circles = {
        tuple(other for other in found if other in reached[room] and room in reached[other])
        for room in found
    }
    return tuple(sorted(circle for circle in circles if circle))


def _reached(room: str, arrows: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [room]
    while waiting:
        more = arrows[waiting.pop()] - found
        found |= more
        waiting += more
    return found


def _upward(graph: grimp.ImportGraph, checkout: Path) -> Iterator[tuple[str, str, int, bool]]:
    """Yield the imports of what runs by the plan, and whether each is inside of a function."""
    for importer, imported in _imports(graph):
        if _room(importer) not in _PLAN or _room(imported) not in _RUN:
            continue
        lines = _lines_of_functions(checkout, importer)
        for detail in graph.get_import_details(importer=importer, imported=imported):
            line = detail["line_number"]
            yield importer, imported, line, any(line in part for part in lines)


def _imports(graph: grimp.ImportGraph) -> Iterator[tuple[str, str]]:
    for importer in graph.modules:
        if importer.startswith(f"{_FOLDER}."):
            for imported in graph.find_modules_directly_imported_by(importer):
                yield importer, imported


def _room(module: str) -> str:
    """Return the room that a module is in; empty for another folder's."""
    return module.removeprefix(f"{_FOLDER}.").split(".")[0] if module.startswith(_FOLDER) else ""


def _lines_of_functions(checkout: Path, module: str) -> list[range]:
    path = checkout / "src" / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return [
        range(node.lineno, node.end_lineno + 1)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None
    ]
