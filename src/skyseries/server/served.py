"""What is served, and under which names.

``skyseries serve [NAME=]CATALOG``: a NAME is a schema, or a schema and a table.

- ``dp1=PATH`` of a catalog: its rows are ``dp1.Object``, or ``dp1.Source`` where the catalog says
  that they are single measurements; the epochs of its light curves are ``dp1.ForcedSource``, or are
  called as the column (``diaSource``: ``dp1.diaSource``) where there are several.
- ``dp1.Star=PATH``: its rows are ``dp1.Star``, the epochs ``dp1.Star_ForcedSource``: other catalogs
  of the schema have theirs. (With ``dp1.Object=PATH`` they are as before.)
- What a catalog says of its tables itself (`annotate`, ``--metadata``) holds above this.
- ``dp1=PATH`` of a folder of catalogs and files: each of them is a table, called as it is there.
- Without a name, the folder's is taken: each character but letters, digits and underscores becomes
  an underscore, and one that is no name then (``2mass``, a reserved word) gets ``cat_`` before it.

Names are told apart without regard to case; two tables of one name are an error that names both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from skyseries.adql.words import RESERVED
from skyseries.catalog import Catalog, open_catalog
from skyseries.catalog.plan.scan import Scan
from skyseries.errors import CatalogError, CatalogNotFoundError, InputError
from skyseries.hats.dataset import open_primary
from skyseries.query.files import is_file, stem
from skyseries.schema.metadata import Metadata
from skyseries.schema.tables import TableInfo
from skyseries.store.files import locate

__all__ = [
    "Served",
    "check_apart",
    "legal_name",
    "open_one",
    "open_served",
    "parse_served",
    "served_as",
]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_GIVEN = re.compile(r"([A-Za-z0-9_.]+)=(.+)", re.DOTALL)
_OWN = ("tap_schema", "tap_upload", "information_schema")
"""Schemas that are the service's own."""
_USUAL = ("Object", "Source")
"""The rows of a catalog whose name is that of a schema."""
_SINGLE = "ForcedSource"
"""The epochs of the only light curve of a catalog, as Rubin calls them."""


@dataclass(frozen=True)
class Served:
    """A catalog, or what else has tables, under its name."""

    name: str
    """``schema``, or ``schema.table``."""
    path: str
    metadata: str | None = None
    """A TOML file that describes it in place of its own."""


def parse_served(given: Sequence[str], metadata: Mapping[str, str] | None = None) -> list[Served]:
    """Return what ``[NAME=]CATALOG`` and ``--metadata NAME=FILE`` mean.

    Raises
    ------
    InputError
        If a name is none, is there twice, or a description is of nothing that is served.
    """
    found = [_one(text) for text in given]
    check_apart(found)
    described = dict(metadata or {})
    named = [replace(one, metadata=described.pop(one.name, None)) for one in found]
    for name in described:
        raise InputError(
            f"metadata is given of {name!r}, which is not served; there are "
            f"{', '.join(one.name for one in found)}"
        )
    return named


def check_apart(served: Sequence[Served]) -> None:
    """Raise `InputError` if two have the same name."""
    for place, one in enumerate(served):
        for other in served[:place]:
            if other.name.lower() == one.name.lower():
                raise InputError(
                    f"{other.path} and {one.path} would both be served as {one.name}: write "
                    f"another name before one of them, NAME={one.path}"
                )


def _one(text: str) -> Served:
    match = _GIVEN.fullmatch(text)
    if match is None or Path(text).exists():
        return Served(legal_name(_last(text)), text)
    return served_as(*match.groups())


def served_as(name: str, path: str) -> Served:
    """Return what is served under a name.

    Raises
    ------
    InputError
        If that is no name.
    """
    parts = name.split(".")
    if len(parts) > 2 or not all(_is_name(part) for part in parts):
        raise InputError(
            f"{name!r} is no name to serve {path} under: write SCHEMA or SCHEMA.TABLE, of letters, "
            f"digits and underscores, and no reserved word; {legal_name(name)!r} would do"
        )
    if parts[0].lower() in _OWN:
        raise InputError(f"the schema {parts[0]} is the service's own: give {path} another name")
    return Served(name, path)


def _last(path: str) -> str:
    name = PurePosixPath(path.rstrip("/")).name or Path(path).resolve().name
    return stem(name) or name


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and text.upper() not in RESERVED


def legal_name(text: str) -> str:
    """Return the name that is most like a text, and can be written in statements as it is."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)
    return name if _is_name(name) and name.lower() not in _OWN else f"cat_{name}"


def open_served(served: Sequence[Served]) -> dict[str, Any]:
    """Return the catalogs, for `skyseries.sql`, under the names of their tables.

    Raises
    ------
    InputError
        If two tables have the same name.
    """
    found: dict[str, Any] = {}
    for one in served:
        for name, given in open_one(one):
            if name.lower() in {other.lower() for other in found}:
                raise InputError(f"there are two tables {name}: serve {one.path} as another schema")
            found[name] = given
    return found


def open_one(one: Served) -> Iterator[tuple[str, Any]]:
    """Yield what one name stands for: catalogs and files, under the names of their tables."""
    schema, _, table = one.name.partition(".")
    if is_file(one.path):
        yield f"{schema}.{table or legal_name(_last(one.path))}", one.path
        return
    try:
        catalog = open_catalog(one.path, metadata=one.metadata)
    except CatalogNotFoundError:
        if table:
            raise
        yield schema, one.path  # a folder of catalogs and files
        return
    except CatalogError:
        if not _is_association(one.path):
            raise
        yield f"{schema}.{table or 'Association'}", one.path
        return
    said = _named(catalog, table)
    rows = next(info.name for info in said.tables.values() if not info.nested)
    yield f"{schema}.{rows}", _described(catalog, said)


def _is_association(path: str) -> bool:
    return open_primary(locate(path)).kind == "association"


def _described(catalog: Catalog, said: Metadata) -> Catalog:
    """Return a catalog that was just opened, of which something else is said."""
    scan = catalog._node
    assert isinstance(scan, Scan)  # noqa: S101 - nothing was done with it
    scan = replace(scan, dataset=scan.dataset.with_metadata(said))
    return Catalog(scan, catalog._root, catalog._collection)


def _named(catalog: Catalog, table: str) -> Metadata:
    """Return what is said of a catalog, where each of its tables has a name."""
    said = catalog.metadata
    tables = dict(said.tables)
    rows = next((info for info in tables.values() if not info.nested), None)
    if rows is None:
        rows = TableInfo(table or _kind_name(catalog))
    elif table and rows.name != table:
        tables.pop(rows.name)
        rows = replace(rows, name=table)
    tables[rows.name] = rows
    told = {info.nested for info in tables.values()}
    columns = [name for name in catalog.lightcurve_columns if name not in told]
    for column in columns:
        name = _SINGLE if len(catalog.lightcurve_columns) == 1 else legal_name(column)
        if rows.name not in _USUAL or name.lower() in {other.lower() for other in tables}:
            name = f"{rows.name}_{name}"
        tables[name] = TableInfo(name, nested=column)
    return replace(said, tables=tables)


def _kind_name(catalog: Catalog) -> str:
    return _USUAL[catalog.dataset.kind == "source"]
