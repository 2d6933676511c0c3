"""Versions of a catalog: folders ``v000001``, ..., and the one file that names the current one.

``collection.properties`` is replaced by a rename. A reader opens the version that it finds named
there and sees that version until it closes; older versions stay until they are removed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from skyseries.errors import CatalogError, CatalogNotFoundError
from skyseries.hats.properties import format_properties, now, parse_properties, split_list
from skyseries.store.files import Location, write_text

__all__ = ["Collection", "at_version", "next_version", "promote", "read_collection"]

COLLECTION_FILE = "collection.properties"


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
        match = re.match(r"(v\d{6})/", self.primary)
        return match[1] if match else None


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


def next_version(root: Path) -> str:
    """Return the name of the version after the newest folder that is there."""
    numbers = [int(path.name[1:]) for path in root.glob("v[0-9][0-9][0-9][0-9][0-9][0-9]")]
    return f"v{max(numbers, default=0) + 1:06d}"


def promote(root: Path, collection: Collection) -> None:
    """Make a version the current one, in one step."""
    indexes = " ".join(f"{field} {path}" for field, path in collection.indexes)
    properties = {
        "obs_collection": collection.name,
        "hats_primary_table_url": collection.primary,
        "all_margins": " ".join(collection.margins) or None,
        "default_margin": collection.default_margin,
        "all_indexes": indexes or None,
        "default_index": collection.indexes[0][0] if collection.indexes else None,
        "hats_creation_date": now(),
    }
    write_text(root / COLLECTION_FILE, format_properties(properties, "HATS collection"))
