"""`versions`: which versions of a catalog there are, and what stopped writers have left."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from skyseries.errors import CatalogError, CatalogNotFoundError, SkyseriesError
from skyseries.hats.collection import (
    COLLECTION_FILE,
    Collection,
    at_version,
    read_collection,
)
from skyseries.hats.dataset import PROPERTY_FILES, Dataset, open_dataset
from skyseries.hats.extension import EXTENSION_VERSION, PRIMARY_VERSION, listed_extensions
from skyseries.hats.layout import BUILD, version_name, version_number
from skyseries.hats.listing import list_files, list_folder
from skyseries.hats.locks import is_held
from skyseries.hats.manifest import MANIFEST_FILE, Manifest, NewerManifest, read_manifest
from skyseries.hats.properties import parse_properties
from skyseries.store import Entry
from skyseries.store.base import CLAIM
from skyseries.store.files import Location, locate
from skyseries.units import size_text

__all__ = [
    "NEVER_NAMED",
    "CatalogVersions",
    "ExtensionState",
    "Leftover",
    "Version",
    "extension_state",
    "list_versions",
    "look_at_leftover",
    "versions",
]

_LEFTOVERS = {
    "part": re.compile(r"\..+\.[0-9a-f]{8}\.(part|old)"),
    "build": re.compile(rf"{re.escape(BUILD)}.+"),
    "build of an earlier Skyseries": re.compile(r"\.import[.-].+"),
}
"""What stopped writers leave, by the names that it has."""
_NONE = "no versions: only import_catalog, write_catalog and write_extension make them"
_BEGUN = "no version yet: its first writer was stopped, or is at work; the same command goes on"
_NAMED_BY_US = (_LEFTOVERS["part"], re.compile(r"\.import(\.lock|-(.+-)?[0-9a-f]{8,})"))
"""Names that nobody else gives; the others may be somebody's."""
_IN_BUILDS = {"lock", "marks", "content"}
NEVER_NAMED = "version that was never named"


@dataclass(frozen=True)
class Version:
    """A version of a catalog."""

    number: int
    current: bool
    """Whether it is the one that is opened."""
    made: datetime | None
    run: str | None
    """Fingerprint of the run that made it; None: it has no manifest that tells."""
    newer: bool
    """Whether a newer Skyseries made it, whose kind of manifest is not known here."""
    rows: int | None
    """Of the catalog, without margins."""
    partitions: int | None
    nbytes: int
    whole: bool | None
    """Whether all its files are there, with their sizes; None: it has no manifest that tells."""
    touched: datetime | None
    """When the newest file in it was written; None: the place does not say."""
    made_for: int | None = None
    """Of an extension: the version of the catalog that its columns were computed from."""

    @property
    def name(self) -> str:
        """Name of its folder."""
        return version_name(self.number)


@dataclass(frozen=True)
class Leftover:
    """What a writer was stopped at, or is writing now."""

    name: str
    what: str
    nbytes: int
    touched: datetime | None
    """When the newest file in it was written; None: the place does not say."""
    in_use: bool
    """Whether a process of this machine is at it."""
    ours: bool = True
    """Whether it is of Skyseries: not only by its name."""


@dataclass(frozen=True)
class ExtensionState:
    """How an extension stands to its catalog."""

    name: str
    made_for: int | None
    """The version of the catalog whose columns it was computed from; None: it is not known."""
    stale: bool
    """Whether that is another one than the current one."""
    own_version: int | None
    """The version of its own columns that it names; None: the current one."""
    folder: str | None
    """Name of the folder of its columns, if it lies in that of the catalog."""
    versions: CatalogVersions | None = None
    """Those of the catalog of its columns, where they were looked for."""


@dataclass(frozen=True, repr=False)
class CatalogVersions:
    """All versions of a catalog; `text` (and the repr) is for people."""

    path: str
    versions: tuple[Version, ...]
    """From the oldest on; empty: the catalog has no versions."""
    leftovers: tuple[Leftover, ...]
    extensions: tuple[ExtensionState, ...] = ()
    """Those that the catalog lists, and those in its folder whose first writer was stopped."""
    begun: bool = False
    """Whether there is no catalog yet, only what a writer has left."""
    missing: str | None = None
    """The version that ``collection.properties`` names, if it is not there."""

    @property
    def current(self) -> Version | None:
        """The version that is opened."""
        return next((version for version in self.versions if version.current), None)

    def __repr__(self) -> str:
        return self.text()

    def text(self) -> str:
        """Return all of it as a table."""
        return "\n".join([self.path, *self._lines("  ")])

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values, times as ISO 8601."""
        return {
            "path": self.path,
            "versions": [_plain(version) for version in self.versions],
            "leftovers": [_plain(left) for left in self.leftovers],
            "extensions": [_plain(state) for state in self.extensions],
            "missing": self.missing,
        }

    def _lines(self, indent: str) -> Iterator[str]:
        rows: list[tuple[str, ...]] = [
            (
                version.name,
                "current" if version.current else "",
                _when(version.made),
                "" if version.rows is None else f"{version.rows:,} rows",
                "" if version.partitions is None else f"{version.partitions:,} partitions",
                size_text(version.nbytes),
                _state(version),
                (version.run or "")[:12],
                "" if version.made_for is None else f"for version {version.made_for}",
            )
            for version in self.versions
        ]
        yield from _table(rows, indent)
        if self.missing:
            yield f"{indent}{self.missing}  named by {COLLECTION_FILE}, and not there"
        elif not rows:
            yield indent + (_BEGUN if self.begun else _NONE)
        if self.leftovers:
            yield f"{indent}left by writers (`skyseries vacuum` removes what is old):"
            yield from _table(
                [
                    (
                        left.name,
                        left.what,
                        _when(left.touched),
                        size_text(left.nbytes),
                        "in use" if left.in_use else "" if left.ours else "not of Skyseries",
                    )
                    for left in self.leftovers
                ],
                indent + "  ",
            )
        for state in self.extensions:
            yield f"{indent}extension {state.name}{_made_for(state)}"
            if state.versions is not None:
                yield from state.versions._lines(indent + "  ")


def versions(path: str | os.PathLike[str], **storage_options: Any) -> CatalogVersions:
    """Say which versions of a catalog there are, and what stopped writers have left.

    Parameters
    ----------
    path : path or URL
        The folder of the catalog.
    **storage_options
        Handed to fsspec.

    Returns
    -------
    CatalogVersions
        `open_catalog(path, version=...)` opens one of them, `vacuum` removes old ones.

    Raises
    ------
    CatalogNotFoundError
        If there is no catalog, nor anything that a stopped writer has left.
    CatalogError
        If ``collection.properties`` is broken.
    """
    return list_versions(locate(path, **storage_options))


def list_versions(root: Location) -> CatalogVersions:
    """Say which versions of the catalog at a location there are; as `versions`."""
    there = list_folder(root)
    names = {entry.name for entry in there}
    collection = read_collection(root)
    current = None if collection is None else collection.version
    numbers = [entry.name for entry in there if version_number(entry.name) is not None]
    last = current if current or collection is None else max(numbers, default=None)  # overwritten
    found = [n for n in numbers if last is not None and n <= last and _is_ours(root, n)]
    leftovers = [_leftover(root, entry, what) for entry in there if (what := _left_as(entry.name))]
    leftovers += [
        _leftover(root, entry, NEVER_NAMED)
        for entry in there
        if entry.name in numbers and entry.name not in found
    ]
    ours = any(left.ours for left in leftovers)
    if collection is None and not ours and not names & set(PROPERTY_FILES):
        why = "nothing in it is one" if there else "no such folder, or an empty one"
        if root.is_local and root.local.is_file():
            why = "that is a file"
        raise CatalogNotFoundError(f"there is no catalog at {root}: {why}")
    listed = [
        _with_versions(root, extension_state(root, current, name, file))
        for name, file in listed_extensions(root).items()
    ]
    known = {state.folder for state in listed}
    begun = [entry.name for entry in there if entry.name not in known and _is_begun(root, entry)]
    return CatalogVersions(
        str(root),
        tuple(_version(root, collection, name) for name in found if collection is not None),
        tuple(leftovers),
        (*listed, *(_begun(root, name) for name in begun)),
        begun=collection is None and not names & set(PROPERTY_FILES),
        missing=None if current in names else current,
    )


def extension_state(
    root: Location, current: str | None, name: str, file: Location
) -> ExtensionState:
    """Say whether an extension was made for the version of the catalog that is current.

    Parameters
    ----------
    root : Location
        The catalog.
    current : str, optional
        Its version; None: it has none, so that nothing is stale.
    name : str
    file : Location
        The ``.properties`` file of the extension.
    """
    try:
        said = parse_properties(file.read_text_if_there() or "", str(file))
    except CatalogError:  # it is told by whoever loads the extension
        said = {}
    made_for, now = version_number(said.get(PRIMARY_VERSION)), version_number(current)
    own = said.get(EXTENSION_VERSION, "")
    return ExtensionState(
        name,
        made_for,
        None not in (made_for, now) and made_for != now,
        int(own) if own.isdecimal() else None,
        _folder_in(root, file, said.get("hats_assn_join_table_url", "")),
    )


def _with_versions(root: Location, state: ExtensionState) -> ExtensionState:
    folder = None if state.folder is None else root.join(state.folder)
    if folder is None or read_collection(folder) is None:
        return state
    return replace(state, versions=list_versions(folder))


def _is_begun(root: Location, entry: Entry) -> bool:
    """Whether this holds nothing but what the first writer of an extension has left."""
    hidden_or_version = entry.name.startswith(".") or version_number(entry.name) is not None
    if not root.is_local or entry.nbytes is not None or hidden_or_version:
        return False
    names = [below.name for below in list_folder(root.join(entry.name))]
    whats = [_left_as(name) or version_number(name) is not None for name in names]
    return "build" in whats and all(whats)


def _begun(root: Location, name: str) -> ExtensionState:
    """Return what there is of an extension that no catalog lists yet."""
    return ExtensionState(name, None, False, None, name, list_versions(root.join(name)))


def _folder_in(root: Location, file: Location, data: str) -> str | None:
    """Return the name of the folder in a catalog that a file names; None if it is elsewhere."""
    if not data or "://" in data or data.startswith("/"):
        return None
    below = file.parent().join(data).path.removeprefix(root.path.rstrip("/") + "/")
    return below if "/" not in below else None


def _version(root: Location, collection: Collection, name: str) -> Version:
    folder, number = root.join(name), int(name[1:])
    there, dataset = list_files(folder), _dataset(root, collection, number)
    whole = None if dataset is not None else False
    manifest, newer = None, False
    try:
        manifest = read_manifest(folder)
        whole = whole if manifest is None else _is_whole(manifest, there)
    except NewerManifest:
        whole, newer = None, True
    except CatalogError:
        whole = False
    said = {} if dataset is None else dataset.properties
    nbytes, touched = _size_and_time(there.values())
    return Version(
        number,
        name == collection.version,
        _time(said.get("hats_creation_date", "")) if manifest is None else manifest.made,
        None if manifest is None else manifest.run,
        newer,
        None if dataset is None else dataset.rows,
        None if dataset is None else len(dataset.partitions),
        nbytes,
        whole,
        touched,
        version_number(said.get(PRIMARY_VERSION)),
    )


def _dataset(root: Location, collection: Collection, number: int) -> Dataset | None:
    try:
        return open_dataset(root.join(at_version(root, collection, number).primary))
    except (SkyseriesError, OSError, ValueError, LookupError):
        return None


def _is_whole(manifest: Manifest, there: Mapping[str, Entry]) -> bool:
    return all(
        path in there and there[path].nbytes == facts.nbytes
        for path, facts in manifest.files.items()
    )


def look_at_leftover(root: Location, entry: Entry, what: str, *, in_use: bool) -> Leftover:
    """Say how large what lies under a name in a catalog is, and when it was last written to."""
    below = list_files(root.join(entry.name)) or {entry.name: entry}
    nbytes, touched = _size_and_time(below.values())
    return Leftover(entry.name, what, nbytes, touched, in_use, _is_ours(root, entry.name))


def _is_ours(root: Location, name: str) -> bool:
    """Tell whether what has the name of a version or build is one: it may be somebody's."""
    if any(names.fullmatch(name) for names in _NAMED_BY_US):
        return True
    folder = root.join(name)
    below = list_folder(folder)
    names = {entry.name for entry in below}
    if version_number(name) is None:
        return not names or bool(names & _IN_BUILDS)
    return bool(names & {MANIFEST_FILE, CLAIM}) or any(
        folder.join(entry.name, PROPERTY_FILES[0]).exists()
        for entry in below
        if entry.nbytes is None
    )


def _size_and_time(files: Iterable[Entry]) -> tuple[int, datetime | None]:
    nbytes, newest = 0, 0.0
    for file in files:
        nbytes, newest = nbytes + (file.nbytes or 0), max(newest, file.modified)
    return nbytes, datetime.fromtimestamp(newest, UTC) if newest else None


def _leftover(root: Location, entry: Entry, what: str) -> Leftover:
    return look_at_leftover(root, entry, what, in_use=is_held(root, entry.name))


def _left_as(name: str) -> str | None:
    return next((what for what, names in _LEFTOVERS.items() if names.fullmatch(name)), None)


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%MUTC").replace(tzinfo=UTC)
    except ValueError:
        return None


def _when(time: datetime | None) -> str:
    return "" if time is None else time.strftime("%Y-%m-%d %H:%M UTC")


def _state(version: Version) -> str:
    if version.newer:
        return "made by a newer Skyseries"
    return {True: "whole", False: "NOT WHOLE", None: "no manifest"}[version.whole]


def _made_for(state: ExtensionState) -> str:
    if state.made_for is None:
        return ""
    stale = ": STALE, the current version is another" if state.stale else ""
    return f", made for version {state.made_for}{stale}"


def _plain(record: Any) -> dict[str, Any]:
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    for name, value in values.items():
        if isinstance(value, datetime):
            values[name] = value.isoformat()
        elif isinstance(value, CatalogVersions):
            values[name] = value.to_dict()
    return values


def _table(rows: list[tuple[str, ...]], indent: str) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{text:{width}}" for text, width in zip(row, widths, strict=True) if width)
        yield (indent + "  ".join(cells)).rstrip()
