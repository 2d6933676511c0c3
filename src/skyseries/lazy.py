"""Packages whose names are imported on first use."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["names_on_use"]


def names_on_use(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package that imports its modules when needed.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    homes : mapping of str to str
        The names of each module of the package, separated by blanks.
    """
    home = {name: module for module, names in homes.items() for name in names.split()}
    held = vars(sys.modules[package])

    def find(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        held[name] = getattr(importlib.import_module(f"{package}.{home[name]}"), name)
        return held[name]

    return find, lambda: sorted({*held, *home})
