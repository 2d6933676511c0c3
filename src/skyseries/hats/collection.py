"""Versions of a catalog: folders ``v000001``, ..., and the one file that names the current one.

``collection.properties`` is replaced in one step. A reader opens the version that it finds named
there and sees that version until it closes; older versions stay until they are removed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from skyseries.errors import CatalogError, CatalogNotFoundError
from skyseries.hats.layout import version_name, version_number
from skyseries.hats.properties import parse_properties, read_properties, split_list
from skyseries.store.files import Location

__all__ = [
    "COLLECTION_FILE",
    "ORPHANS",
    "PRIMARY",
    "Collection",
    "at_version",
    "read_collection",
    "version_in",
]

COLLECTION_FILE = "collection.properties"
ORPHANS = "orphans"
"""Folder in a version of the sources that belong to no object."""
PRIMARY = "hats_primary_table_url"
"""What names the catalog in collection.properties."""
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
        return version_in(self.primary)

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
    parts = _parts(root.join(name), collection)
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
    names = [path.partition("/")[2] for path in paths if version_in(path)]
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
    numbers = [number for name in names if (number := version_number(name)) is not None]
    if not numbers:
        return ": this catalog has no versions"
    return f"; there {'is' if len(numbers) == 1 else 'are'} {', '.join(map(str, numbers))}"


def version_in(primary: str) -> str | None:
    """Return the folder of the version that a path of a catalog begins with, if it does."""
    match = re.match(r"(v\d{6})/", primary)
    return match[1] if match else None
