"""`vacuum`: old versions of a catalog are removed, and what stopped writers have left.

All is listed first; then, right before each removal, it is read again what the catalog names. A
version of a disk is taken away from its name before its files are removed, so that a reader finds
all of it or none.
"""

from __future__ import annotations

import os
import posixpath
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from skyseries.arrays.numbers import number, true_or_false, whole
from skyseries.errors import CatalogError, InputError
from skyseries.hats.collection import COLLECTION_FILE, PRIMARY, read_collection
from skyseries.hats.layout import version_name, version_number
from skyseries.hats.listing import list_folder
from skyseries.hats.locks import held_by_us
from skyseries.hats.properties import parse_properties, split_list
from skyseries.hats.versions import (
    NEVER_NAMED,
    CatalogVersions,
    Leftover,
    list_versions,
    look_at_leftover,
)
from skyseries.store import store_at
from skyseries.store.files import Location, locate
from skyseries.units import factor_to, size_text

__all__ = ["Looked", "Vacuumed", "vacuum"]

_DAY = 86_400.0
"""Seconds; so long a writer may be silent without being taken for stopped."""
_NONE_IS_CURRENT = "none of its versions is the current one"


@dataclass(frozen=True)
class Looked:
    """A folder or file that was looked at."""

    path: str
    """Below the catalog's folder."""
    what: str
    nbytes: int
    why: str
    """Why it is removed, or kept."""


@dataclass(frozen=True, repr=False)
class Vacuumed:
    """What `vacuum` has removed, or would remove; `text` (and the repr) is for people."""

    path: str
    removed: tuple[Looked, ...]
    kept: tuple[Looked, ...]
    dry_run: bool
    """Whether nothing was removed yet."""

    @property
    def nbytes(self) -> int:
        """Bytes of what is removed."""
        return sum(item.nbytes for item in self.removed)

    def __repr__(self) -> str:
        return self.text()

    def text(self) -> str:
        """Return a line for each, and the sum."""
        verb = "would remove" if self.dry_run else "removed"
        lines = [
            f"{word} {item.path} ({item.what}, {size_text(item.nbytes)}): {item.why}"
            for word, items in (("kept", self.kept), (verb, self.removed))
            for item in items
        ]
        return "\n".join([*lines, f"{verb} {size_text(self.nbytes)} of {self.path}"])


def vacuum(
    path: str | os.PathLike[str],
    *,
    older_than: Any = 7.0,
    keep: int = 1,
    dry_run: bool = True,
    **storage_options: Any,
) -> Vacuumed:
    """Remove old versions of a catalog and of its extensions, and what stopped writers have left.

    Never removed are the current version, one that an extension or another part of the catalog
    names, what a process of this machine is writing, what was written to within a day, and what
    is not of Skyseries.

    Parameters
    ----------
    path : path or URL
        The folder of the catalog, on a disk or on S3.
    older_than : number, Quantity, timedelta or str
        How long ago the next version was made, or a leftover was last written to: days, or with
        a unit such as ``"12 h"``. So long has a reader who opened an old version to end.
    keep : int
        So many of the newest versions stay however old they are, the current one among them.
    dry_run : bool
        Only say what would be removed.
    **storage_options
        Handed to fsspec.

    Returns
    -------
    Vacuumed

    Raises
    ------
    CatalogNotFoundError, CatalogError
        If there is no catalog, or it cannot be read what it names, or it has versions and names
        none of them.
    StorageError
        If something cannot be removed.
    """
    rule = _Rule(_seconds(older_than), whole(keep, "keep", least=1), time.time())
    dry_run = true_or_false(dry_run, "dry_run")
    root = locate(path, **storage_options)
    removed: list[Looked] = []
    kept: list[Looked] = []
    catalog = list_versions(root)
    _check_current(catalog)
    for folder, listed, loaded in _collections("", catalog, None):
        at = root.join(folder) if folder else root
        for found in _judged(listed, rule):
            why = found.kept
            if why is None and loaded is not None and version_name(loaded) == found.name:
                why = "the extension names it"
            if why is None:
                why = _why_needed(root, at, found.name)
            if why is None and not dry_run:
                why = _remove(at, found, rule)
            item = Looked(
                f"{folder}/{found.name}" if folder else found.name,
                found.what, found.nbytes, why or found.removed,
            )  # fmt: skip
            (kept if why else removed).append(item)
    return Vacuumed(str(root), tuple(removed), tuple(kept), dry_run)


def _check_current(listed: CatalogVersions) -> None:
    """Raise CatalogError where no version is the current one: then any may be all that there is."""
    left = [found.name for found in listed.leftovers if found.what == NEVER_NAMED and found.ours]
    there = [version.name for version in listed.versions] + left
    if there and listed.current is None:
        raise CatalogError(
            f"{listed.path} has no current version: {COLLECTION_FILE} names none of {there}, so "
            f"that none is known to be old, and nothing is removed; let {PRIMARY} in it name "
            "one, or write the catalog again"
        )


@dataclass(frozen=True)
class _Rule:
    """What is old."""

    age: float
    """Seconds."""
    keep: int
    now: float

    def since(self, then: datetime | None) -> float | None:
        return None if then is None else self.now - then.timestamp()


@dataclass(frozen=True)
class _Found:
    """A version or leftover, and what is to be done with it."""

    name: str
    what: str
    nbytes: int
    kept: str | None
    """Why it is kept; None: it is to be removed."""
    removed: str = ""
    left: bool = False
    """Whether it is a leftover."""


def _collections(
    folder: str, listed: CatalogVersions, loaded: int | None
) -> Iterator[tuple[str, CatalogVersions, int | None]]:
    """Yield the catalog, and those of extensions in its folder, each with a version in use."""
    yield folder, listed, loaded
    seen = set()
    for state in listed.extensions:
        if state.versions is not None and state.folder not in seen:
            seen.add(state.folder)
            below = f"{folder}/{state.folder}" if folder else f"{state.folder}"
            yield from _collections(below, state.versions, state.own_version)


def _judged(listed: CatalogVersions, rule: _Rule) -> Iterator[_Found]:
    newest = len(listed.versions) - rule.keep
    for place, version in enumerate(listed.versions):
        if version.current:
            continue
        made = next((later.made for later in listed.versions[place + 1 :] if later.made), None)
        since, kept = rule.since(made), None
        touched = rule.since(version.touched)
        if listed.current is None:
            kept = _NONE_IS_CURRENT
        elif version.newer:
            kept = "made by a newer Skyseries, which is to remove it"
        elif place >= newest:
            kept = f"one of the {rule.keep} newest"
        elif not version.whole and touched is not None and touched < _DAY:
            kept = f"not known to be whole, and written to {_span(touched)} ago"
        elif since is None:
            kept = "when it was replaced is not known"
        elif since < rule.age:
            kept = f"replaced only {_span(since)} ago"
        removed = f"replaced {_span(since)} ago"
        yield _Found(version.name, "old version", version.nbytes, kept, removed)
    for left in listed.leftovers:
        since, kept = rule.since(left.touched), _why_young(left, rule)
        if left.what == NEVER_NAMED and listed.current is None:
            kept = kept or _NONE_IS_CURRENT
        removed = f"last written to {_span(since)} ago"
        yield _Found(left.name, left.what, left.nbytes, kept, removed, left=True)


def _why_young(left: Leftover, rule: _Rule) -> str | None:
    since = rule.since(left.touched)
    if not left.ours:
        return "not of Skyseries"
    if left.in_use:
        return "a process is writing it"
    if since is None:
        return "its age is not known"
    return f"written to {_span(since)} ago" if since < max(rule.age, _DAY) else None


def _remove(at: Location, found: _Found, rule: _Rule) -> str | None:
    """Remove a version or leftover; say why it is kept after all."""
    with held_by_us(at, found.name) as free:
        if not free:
            return "a process is writing it"
        if not found.name.startswith("."):  # another may have removed what names one meanwhile
            collection = read_collection(at)
            if collection is None or collection.version is None:
                return _NONE_IS_CURRENT
        if found.left:  # its writer may have gone on meanwhile
            now = next((e for e in list_folder(at) if e.name == found.name), None)
            young = now and _why_young(look_at_leftover(at, now, found.what, in_use=False), rule)
            if young:
                return young
        store_at(at).delete(found.name)
    return None


def _why_needed(root: Location, at: Location, name: str) -> str | None:
    """Say which file of the catalog names a folder of it; None if none does."""
    folder = at.join(name).path
    for base in dict.fromkeys((root, at)):
        for file in _property_files(base):
            text = file.read_text_if_there()
            for path in () if text is None else _paths_in(file, text):
                if path == folder or path.startswith(f"{folder}/"):
                    return f"{file} names it"
    return None


def _property_files(base: Location) -> Iterator[Location]:
    for entry in list_folder(base):
        if entry.nbytes is not None:
            if entry.name.endswith("properties"):
                yield base.join(entry.name)
        elif version_number(entry.name) is None and not entry.name.startswith("."):
            yield base.join(entry.name, COLLECTION_FILE)
            yield base.join(entry.name, "hats.properties")


def _paths_in(file: Location, text: str) -> Iterator[str]:
    """Yield what the entries of a file may mean as paths."""
    folder = file.parent().path
    for key, value in parse_properties(text, str(file)).items():
        if key.startswith("skyseries_"):  # from what it was made; that need not stay
            continue
        for part in (value, *split_list(value)):
            yield posixpath.normpath(posixpath.join(folder, part.rpartition("://")[2]))


def _seconds(value: Any) -> float:
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([a-zA-Z]*)\s*", value)
        if match is None:
            raise InputError(f"older_than must be a time such as '7 d' or '12 h', not {value!r}")
        seconds = float(match[1]) * factor_to(match[2] or "d", "d", "older_than") * _DAY
    else:
        seconds = number(value, "d", "older_than") * _DAY
    if not seconds >= 0:
        raise InputError(f"older_than must be 0 or more, not {value!r}")
    return seconds


def _span(seconds: float | None) -> str:
    for unit, length in (("days", _DAY), ("hours", 3600.0), ("minutes", 60.0)):
        if (seconds or 0) >= 2 * length:
            return f"{int((seconds or 0) // length)} {unit}"
    return f"{int(seconds or 0)} seconds"
