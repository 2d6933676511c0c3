"""What a notebook serves: catalogs on disk as they are, all else written to files before."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skyseries.catalog import Catalog, from_table, open_catalog
from skyseries.catalog.plan.scan import Scan
from skyseries.errors import InputError
from skyseries.server.served import Served, check_apart, legal_name, served_as
from skyseries.store.scratch import make_scratch
from skyseries.tables import to_table

__all__ = ["kept"]


def kept(catalogs: Mapping[str, Any]) -> tuple[Served, ...]:
    """Return where the catalogs are, under their names.

    Workers are other processes: they open what is on disk. A catalog with verbs on it is computed
    and written, a table in memory too, into scratch folders that go with this process.

    Raises
    ------
    InputError
        If something is no catalog, a name is none, or there is nothing to serve.
    """
    if not catalogs:
        raise InputError("there is nothing to serve: give a catalog, or names and catalogs")
    found: list[Served] = []
    for name, given in catalogs.items():
        path = _path(given)
        if path is None:
            folder = Path(make_scratch("kept"))
            path = str(folder / legal_name(name or _name_of(given)))
            _write(name, given, path)
        found.append(served_as(name or legal_name(_name_of(given) or Path(path).name), path))
    check_apart(found)
    return tuple(found)


def _path(given: Any) -> str | None:
    if isinstance(given, str | os.PathLike):
        return os.fspath(given)
    if isinstance(given, Catalog) and isinstance(given._node, Scan):
        current = open_catalog(str(given._root))
        return str(given._root) if current.dataset.root == given.dataset.root else None
    return None


def _name_of(given: Any) -> str:
    return given.name if isinstance(given, Catalog) else "table"


def _write(name: str, given: Any, path: str) -> None:
    if not isinstance(given, Catalog):
        given = from_table(to_table(given, f"the table {name}".strip()))
    given.write_catalog(path)
