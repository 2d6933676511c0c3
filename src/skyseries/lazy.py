"""Packages whose names are imported on first use, and modules that are slow to import."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow.compute as pc

__all__ = ["module_on_use", "names_on_use", "pc"]


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


class _OnUse:
    """Stands for a module that is imported when one of its names is asked for."""

    def __init__(self, module: str) -> None:
        self.__dict__["__name__"] = module

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # copy and pickle ask for these, also before there is a name
            raise AttributeError(name)
        value = getattr(importlib.import_module(self.__name__), name)
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return dir(importlib.import_module(self.__name__))

    def __reduce__(self) -> tuple[Any, ...]:
        return module_on_use, (self.__name__,)


def module_on_use(module: str) -> Any:
    """Return what stands for a module and imports it when one of its names is asked for."""
    return _OnUse(module)


if not TYPE_CHECKING:
    pc = module_on_use("pyarrow.compute")  # which writes the docs of 286 functions: 40 ms
