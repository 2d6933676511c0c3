"""The names of a result's columns: as written after AS, or made of what is selected."""

from __future__ import annotations

from collections.abc import Sequence

from skyseries.adql import tree

__all__ = ["output_names"]


def output_names(items: Sequence[tuple[tree.Item | None, str]]) -> list[str]:
    """Return unique names, which differ by more than case.

    Parameters
    ----------
    items : sequence of (Item or None, str)
        What is selected, and the name of its column; None: a column of an asterisk.

    Returns
    -------
    list of str
        What AS says stays as it is, unless two say the same: of two columns with one name
        the second gets ``_2``.
    """
    wanted = [_wanted(item, known, place) for place, (item, known) in enumerate(items, 1)]
    taken = {
        item.alias.text.lower() for item, _ in items if item is not None and item.alias is not None
    }
    found: list[str] = []
    used: set[str] = set()
    for (item, _), name in zip(items, wanted, strict=True):
        given = item is not None and item.alias is not None
        free, number = name, 1
        while free.lower() in used or (not given and free.lower() in taken):
            number += 1
            free = f"{name}_{number}"
        used.add(free.lower())
        found.append(free)
    return found


def _wanted(item: tree.Item | None, known: str, place: int) -> str:
    if item is None:
        return known
    if item.alias is not None:
        return item.alias.text
    return _name_of(item.value) or f"column_{place}"


def _name_of(node: tree.Node) -> str:
    """Return a name that says what is calculated; empty: there is none."""
    match node:
        case tree.ColumnRef():
            return node.parts[-1].text
        case tree.Cast() | tree.Unary():
            return _name_of(node.operand)
        case tree.Call() if len(node.arguments) == 1:
            inner = _name_of(node.arguments[0])
            return f"{node.name.lower()}_{inner}" if inner else node.name.lower()
        case tree.Call():
            return node.name.lower()
        case _:
            return ""
