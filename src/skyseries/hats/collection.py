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
from skyseries.hats.properties import (
    format_properties,
    now,
    parse_properties,
    read_properties,
    split_list,
)
from skyseries.store import Store, rewrite
from skyseries.store.files import Location

__all__ = [
    "COLLECTION_FILE",
    "ORPHANS",
    "Collection",
    "at_version",
    "change_collection",
    "named_version",
    "next_version",
    "promote",
    "read_collection",
    "version_name",
]

COLLECTION_FILE = "collection.properties"
ORPHANS = "orphans"
"""Folder in a version of the sources that belong to no object."""
_PRIMARY = "hats_primary_table_url"
_PROPERTIES = "hats.properties"


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
    """Return what a collection is at one of its versions, with the margins and indexes of that.

    Raises
    ------
    CatalogNotFoundError
        If there is no such version.
    """
    name = version_name(number)
    if collection.version == name:
        return collection
    parts = {} if collection.version is None else _parts(root.join(name), collection)
    kinds = {part: said.get("dataproduct_type", "object") for part, said in parts.items()}
    primary = next((p for p, kind in kinds.items() if kind not in ("margin", "index")), None)
    if primary is None:
        raise CatalogNotFoundError(f"{root} has no version {number}{_versions_there(root)}")
    margins = tuple(part for part, kind in kinds.items() if kind == "margin")
    indexes = tuple(
        (parts[part].get("hats_index_column", ""), part)
        for part, kind in kinds.items()
        if kind == "index"
    )
    found = Collection(collection.name, primary, margins, next(iter(margins), None), indexes)
    return found.below(name)


def _parts(version: Location, collection: Collection) -> dict[str, Mapping[str, str]]:
    """Return what the folders of a version say, by name; the names of the current one first."""
    from skyseries.hats.manifest import read_manifest  # who opens the current one does without

    paths = [collection.primary, *collection.margins, *(path for _, path in collection.indexes)]
    names = [path.partition("/")[2] for path in paths]
    manifest = read_manifest(version)
    if manifest is not None:
        files = (path.partition("/") for path in sorted(manifest.files))
        names += [part for part, _, file in files if file == _PROPERTIES and part != ORPHANS]
    said = {part: read_properties(version.join(part), [_PROPERTIES]) for part in names}
    return {part: properties for part, properties in said.items() if properties is not None}


def _versions_there(root: Location) -> str:
    """Say which versions there are, where the place tells."""
    from skyseries.hats.listing import list_folder

    try:
        names = [entry.name for entry in list_folder(root)]
    except OSError:
        return ""
    numbers = [int(name[1:]) for name in names if re.fullmatch(r"v\d{6}", name)]
    if not numbers:
        return ": this catalog has no versions"
    return f"; there {'is' if len(numbers) == 1 else 'are'} {', '.join(map(str, numbers))}"


def version_name(number: int) -> str:
    """Return the name of the folder of a version."""
    return f"v{number:06d}"


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
