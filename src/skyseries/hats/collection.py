"""Versions of a catalog: folders ``v000001``, ..., and the one file that names the current one.

``collection.properties`` is replaced in one step. A reader opens the version that it finds named
there and sees that version until it closes; older versions stay until they are removed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from skyseries.errors import CatalogError, CatalogNotFoundError, InputError
from skyseries.hats.properties import format_properties, now, parse_properties, split_list
from skyseries.store import Store, rewrite
from skyseries.store.files import Location

__all__ = [
    "COLLECTION_FILE",
    "Collection",
    "at_version",
    "change_collection",
    "named_version",
    "next_version",
    "promote",
    "read_collection",
]

COLLECTION_FILE = "collection.properties"
_PRIMARY = "hats_primary_table_url"


@dataclass(frozen=True)
class Collection:
    """What collection.properties says; paths are relative to the collection."""

    name: str
    primary: str
    margins: tuple[str, ...] = ()
    default_margin: str | None = None
    indexes: tuple[tuple[str, str], ...] = ()
    """Pairs of field and path."""

    @property
    def version(self) -> str | None:
        """The version folder, if the catalog has versions."""
        return _version_of(self.primary)

    def below(self, folder: str) -> Collection:
        """Return the same with its parts in a folder."""
        margin = self.default_margin
        return replace(
            self,
            primary=f"{folder}/{self.primary}",
            margins=tuple(f"{folder}/{name}" for name in self.margins),
            default_margin=None if margin is None else f"{folder}/{margin}",
            indexes=tuple((field, f"{folder}/{name}") for field, name in self.indexes),
        )


def read_collection(root: Location) -> Collection | None:
    """Read collection.properties; None if the folder is not a collection.

    Raises
    ------
    CatalogError
        If it cannot be understood, or does not name a catalog.
    """
    text = root.join(COLLECTION_FILE).read_text_if_there()
    if text is None:
        return None
    properties = parse_properties(text, str(root.join(COLLECTION_FILE)))
    if not properties.get("hats_primary_table_url"):
        raise CatalogError(
            f"{root.join(COLLECTION_FILE)} does not name a catalog (hats_primary_table_url)"
        )
    margins = tuple(split_list(properties.get("all_margins")))
    pairs = split_list(properties.get("all_indexes"))
    return Collection(
        name=properties.get("obs_collection", root.name),
        primary=properties["hats_primary_table_url"],
        margins=margins,
        default_margin=properties.get("default_margin") or (margins[0] if margins else None),
        indexes=tuple(zip(pairs[::2], pairs[1::2], strict=False)),
    )


def at_version(root: Location, collection: Collection, number: int) -> Collection:
    """Return what a collection was at an earlier version, which has the same parts.

    Raises
    ------
    CatalogNotFoundError
        If there is no such version.
    """
    there, name = collection.version, f"v{number:06d}"
    primary = name if there is None else collection.primary.replace(there, name, 1)
    file = root.join(primary).join("hats.properties")
    if there is None or file.read_text_if_there() is None:
        raise CatalogNotFoundError(
            f"{root} has no version {number}"
            + ("" if there is None else f"; the current one is {int(there[1:])}")
        )

    def kept(path: str) -> str | None:
        path = path.replace(there, name, 1)
        folder = root.join(path).join("hats.properties")
        return path if folder.read_text_if_there() is not None else None

    margins = tuple(path for old in collection.margins if (path := kept(old)))
    indexes = tuple((field, path) for field, old in collection.indexes if (path := kept(old)))
    return Collection(collection.name, primary, margins, margins[0] if margins else None, indexes)


def next_version(store: Store) -> str:
    """Return the name of the next version: a number that no other one has, or was named with."""
    names = [named_version(store) or "", *(entry.name for entry in store.list())]
    numbers = [int(name[1:]) for name in names if re.fullmatch(r"v\d{6}", name)]
    return f"v{max(numbers, default=0) + 1:06d}"


def named_version(store: Store) -> str | None:
    """Return the version that is the current one; None if there is none."""
    found = store.read(COLLECTION_FILE)
    return None if found is None else _version_of(_parsed(store, found.content).get(_PRIMARY, ""))


def promote(store: Store, collection: Collection, overwrite: bool) -> None:
    """Make a version the current one, in one step; what else the collection says stays.

    A later version that was named meanwhile by another writer stays the current one.

    Raises
    ------
    InputError
        If another version is there, and not `overwrite`.
    """
    indexes = " ".join(f"{field} {path}" for field, path in collection.indexes)
    ours = {
        "obs_collection": collection.name,
        _PRIMARY: collection.primary,
        "all_margins": " ".join(collection.margins) or None,
        "default_margin": collection.default_margin,
        "all_indexes": indexes or None,
        "default_index": collection.indexes[0][0] if collection.indexes else None,
        "hats_creation_date": now(),
    }

    def change(said: Mapping[str, Any]) -> Mapping[str, Any] | None:
        there = _version_of(said.get(_PRIMARY, ""))
        if said and there != collection.version and not overwrite:
            raise InputError(
                f"{store.path} holds a catalog that another writer has made meanwhile; "
                "overwrite=True makes a new version of it"
            )
        later = there is not None and there >= (collection.version or "")
        return None if later else {**said, **ours}

    change_collection(store, change)


def change_collection(
    store: Store, change: Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
) -> None:
    """Write collection.properties: all that does comes by here.

    Parameters
    ----------
    store : Store
    change : callable
        Given what it says, nothing if there is none, returns what it shall say; None: it stays.
        Called again if another writer has changed it meanwhile.

    Raises
    ------
    StorageError
        If others change it each time.
    """

    def changed(content: bytes | None) -> bytes | None:
        wanted = change({} if content is None else _parsed(store, content))
        return None if wanted is None else format_properties(wanted, "HATS collection").encode()

    rewrite(store, COLLECTION_FILE, changed)


def _parsed(store: Store, content: bytes) -> dict[str, str]:
    source = f"{store.path}/{COLLECTION_FILE}"
    try:
        return parse_properties(content.decode("utf-8"), source)
    except UnicodeDecodeError as error:
        raise CatalogError(f"{source} is no text: {error}") from error


def _version_of(primary: str) -> str | None:
    match = re.match(r"(v\d{6})/", primary)
    return match[1] if match else None
