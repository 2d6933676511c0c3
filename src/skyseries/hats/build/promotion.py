"""A version becomes the current one: the only place that writes ``collection.properties``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from skyseries.errors import CatalogError, InputError
from skyseries.hats.collection import COLLECTION_FILE, PRIMARY, Collection, version_in
from skyseries.hats.layout import version_name, version_number
from skyseries.hats.properties import format_properties, now, parse_properties
from skyseries.store import Store, rewrite

__all__ = ["change_collection", "named_version", "next_version", "promote"]

_LAST = 999_999


def next_version(store: Store) -> str:
    """Return the name of the next version: a number that no other one has, or was named with.

    Raises
    ------
    InputError
        If there is no further number.
    """
    names = [named_version(store) or "", *(entry.name for entry in store.list())]
    last = max((version_number(name) or 0 for name in names), default=0)
    if last >= _LAST:
        raise InputError(
            f"{store.path} holds v{last:06d}, and the number of a version has six digits; write to "
            "another folder, or move that one away if it is no version of this catalog"
        )
    return version_name(last + 1)


def named_version(store: Store) -> str | None:
    """Return the version that is the current one; None if there is none."""
    found = store.read(COLLECTION_FILE)
    return None if found is None else version_in(_parsed(store, found.content).get(PRIMARY, ""))


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
        PRIMARY: collection.primary,
        "all_margins": " ".join(collection.margins) or None,
        "default_margin": collection.default_margin,
        "all_indexes": indexes or None,
        "default_index": collection.indexes[0][0] if collection.indexes else None,
        "hats_creation_date": now(),
    }

    def change(said: Mapping[str, Any]) -> Mapping[str, Any] | None:
        there = version_in(said.get(PRIMARY, ""))
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
