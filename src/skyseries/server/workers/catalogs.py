"""What is served, opened in a worker, and opened again when a new version is there."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from skyseries.adql import Path
from skyseries.catalog import Catalog
from skyseries.errors import SkyseriesError
from skyseries.formats import InputFile, read_schema, scan
from skyseries.formats.recognise import format_of
from skyseries.formats.times import time_meta
from skyseries.hats.association import Association
from skyseries.hats.collection import COLLECTION_FILE
from skyseries.hats.dataset import PROPERTY_FILES
from skyseries.hats.metadata import METADATA_FILE
from skyseries.lazy import pc
from skyseries.query.bindings import Bindings, Opened, bind, opened
from skyseries.schema import column_meta
from skyseries.schema.columns import declare
from skyseries.server import served as naming
from skyseries.server.limits import Limits
from skyseries.server.work import Failed, Upload
from skyseries.server.workers.setup import Setup
from skyseries.store.files import Location, locate
from skyseries.units import size_text

__all__ = ["Served", "uploaded"]

_log = logging.getLogger(__name__)

_NAMING = (COLLECTION_FILE, *PROPERTY_FILES, METADATA_FILE)
"""The files of a catalog, one of which is another one when its current version is."""
_REMOTE_SECONDS = 60.0
"""So often it is looked whether there is a new version in a bucket."""


@dataclass
class _Entry:
    """One name that is served."""

    path: str
    file: str | None
    """Of the metadata that are said of it."""
    stamp: object = None
    opened: tuple[tuple[Path, Opened], ...] = ()


class Served:
    """All catalogs that are served, as tables of statements."""

    def __init__(self, setup: Setup) -> None:
        said = dict(setup.metadata)
        self._entries = {name: _Entry(path, said.get(name)) for name, path in setup.catalogs}
        self._bindings = Bindings([])
        self._versions: dict[Path, str] = {}
        self._failed: set[tuple[str, object]] = set()
        for name, entry in self._entries.items():
            stamp = _stamp(entry)
            entry.opened, entry.stamp = _open(name, entry), stamp
        self._bind()

    def tables(self) -> Bindings:
        """Return the tables as they are now, for one statement.

        What cannot be opened again stays as it was.
        """
        changed = [self._reopened(name, entry) for name, entry in self._entries.items()]
        if any(changed):
            self._bind()
        return self._bindings.copy()

    def versions(self, names: Sequence[Path] | None = None) -> tuple[tuple[str, str], ...]:
        """Return the versions of some catalogs, or of all; nothing of those that have none."""
        wanted = self._versions if names is None else names
        return tuple((".".join(n), self._versions[n]) for n in wanted if n in self._versions)

    def places(self) -> dict[str, str]:
        """Return the paths of the catalogs, and what users call them."""
        return {
            place: name
            for name, entry in self._entries.items()
            for path in (entry.path, entry.file)
            if path
            for place in {path, str(locate(path)), os.path.realpath(path)}
        }

    def _reopened(self, name: str, entry: _Entry) -> bool:
        stamp = _stamp(entry)
        if stamp == entry.stamp:
            return False
        try:
            entry.opened, entry.stamp = _open(name, entry), stamp
        except (SkyseriesError, OSError) as error:
            if (name, stamp) not in self._failed:
                self._failed.add((name, stamp))
                _log.warning("%s cannot be opened again, and stays as it was: %s", name, error)
            return False
        return True

    def _bind(self) -> None:
        every = dict(pair for entry in self._entries.values() for pair in entry.opened)
        self._bindings = bind({".".join(name): one for name, one in every.items()})
        found = {name: _version(one) for name, one in every.items()}
        self._versions = {name: version for name, version in found.items() if version}


def _open(name: str, entry: _Entry) -> tuple[tuple[Path, Opened], ...]:
    one = naming.Served(name, entry.path, entry.file)
    named = naming.open_one(one)
    return tuple(pair for table, given in named for pair in opened(table, given))


def _version(one: Opened) -> str | None:
    """Return what tells a state of a catalog from others."""
    if isinstance(one, Catalog):
        return one._collection.version or _date(one.dataset.properties)
    return _date(one.dataset.properties) if isinstance(one, Association) else None


def _date(properties: Mapping[str, str]) -> str | None:
    return properties.get("hats_release_date") or properties.get("hats_creation_date")


# --- what names the current version ---------------------------------------------------------


def _stamp(entry: _Entry) -> object:
    """Return what is another one when there is something else at the path of an entry."""
    root = locate(entry.path)
    if not root.is_local:
        return int(time.monotonic() / _REMOTE_SECONDS)
    own = () if entry.file is None else Location(entry.file).stamp()
    of_catalog = _of_catalog(root.path)
    if of_catalog is not None:
        return own, of_catalog
    try:
        inside = sorted(os.scandir(root.path), key=lambda one: one.name)
    except NotADirectoryError:
        return own, root.stamp()
    except FileNotFoundError:
        return own, None
    return own, tuple(
        (one.name, _of_catalog(one.path) or Location(one.path).stamp()) for one in inside
    )


def _of_catalog(path: str) -> tuple[tuple[int, ...], ...] | None:
    """Return the stamps of what names the version of a catalog; None if there is no catalog."""
    stamps = tuple(Location(f"{path}/{name}").stamp() for name in _NAMING)
    return stamps if any(stamps[:-1]) else None


# --- uploads --------------------------------------------------------------------------------


def uploaded(uploads: Sequence[Upload], limits: Limits) -> dict[str, Any]:
    """Return the tables that came with a request, by their names in statements.

    Raises
    ------
    InputError
        If one cannot be read.
    Failed
        If one has more rows than it may have.
    """
    return {f"TAP_UPLOAD.{one.name}": _table(one, limits) for one in uploads}


def _table(upload: Upload, limits: Limits) -> pa.Table:
    format = format_of(upload.path, named=True)
    file = InputFile(upload.path, str(format), FilePath(upload.path).stat().st_size)
    schema = read_schema(file)
    batches, rows, held = [], 0, 0
    for batch in scan(file, schema):
        batches.append(batch)
        rows, held = rows + batch.num_rows, held + batch.nbytes
        if rows > limits.upload_rows:
            raise Failed(
                f"{upload.name} has more than the {limits.upload_rows:,} rows that an uploaded "
                "table may have: send fewer, in several requests",
                "limit",
            )
        if held > limits.upload_bytes:
            raise Failed(
                f"{upload.name} takes more than the {size_text(limits.upload_bytes)} that uploaded "
                "tables may have, unpacked: send fewer rows or columns",
                "limit",
            )
    return _with_natures(_with_shapes(_with_times(pa.Table.from_batches(batches, schema))))


_NUMBERS = {"point": 2, "circle": 3, "interval": 2, "range": 4}
"""How many numbers a value of an xtype has (DALI 1.1, section 3.3)."""


def _with_shapes(table: pa.Table) -> pa.Table:
    """Return a table whose points and the like are arrays of their fixed length, if all can be."""
    for place, field in enumerate(table.schema):
        size = _NUMBERS.get(column_meta(field).xtype)
        if size is None or not pt.is_list(field.type):
            continue
        with contextlib.suppress(pa.ArrowInvalid):
            kind = pa.list_(field.type.value_type, size)
            column = table.column(place).cast(kind)
            table = table.set_column(place, field.with_type(kind), column)
    return table


def _with_times(table: pa.Table) -> pa.Table:
    """Return a table whose texts of the xtype timestamp are times, if all of a column can be."""
    for place, field in enumerate(table.schema):
        if not (pt.is_string(field.type) and time_meta(field).format == "isot"):
            continue
        texts = pc.utf8_rtrim(table.column(place), "Z")
        texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, texts.type), texts)
        with contextlib.suppress(pa.ArrowInvalid):
            times = texts.cast(pa.timestamp("us"))
            table = table.set_column(place, field.with_type(times.type), times)
    return table


def _with_natures(table: pa.Table) -> pa.Table:
    """Return a table that declares which of its texts are ASCII, as all its values are known."""
    fields = [
        declare(field, "char")
        if pt.is_string(field.type) and pc.all(pc.string_is_ascii(column)).as_py() is not False
        else field
        for field, column in zip(table.schema, table.columns, strict=True)
    ]
    return table.cast(pa.schema(fields, table.schema.metadata))
