"""Extensions: more columns for the rows of a catalog, in a catalog of their own.

A file ``<name>.properties`` says which columns of both have the ids, and where the columns are.
A collection lists those that it has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from skyseries.errors import CatalogError, CatalogNotFoundError, InputError
from skyseries.hats.collection import COLLECTION_FILE, read_collection
from skyseries.hats.layout import version_number
from skyseries.hats.properties import parse_properties, read_properties, split_list
from skyseries.store.files import Location, locate

__all__ = [
    "EXTENSION_NAME",
    "EXTENSION_VERSION",
    "PRIMARY_VERSION",
    "Extension",
    "check_name",
    "is_data_of",
    "listed_extensions",
    "read_extension",
]

EXTENSION_NAME = "skyseries_extension"
"""What hats.properties of the columns' catalog says: which extension it was written for."""
EXTENSION_VERSION = "skyseries_extension_version"
PRIMARY_VERSION = "skyseries_primary_version"
"""The version of the catalog that the columns were computed from: in both files."""


@dataclass(frozen=True)
class Extension:
    """What ``<name>.properties`` says."""

    name: str
    primary: str
    """The collection that it extends: its name, or an absolute path."""
    primary_key: str
    """Column of the ids there."""
    data: str
    """Path of the catalog of the columns, relative to the file or absolute."""
    key: str
    """Column of the ids in it."""
    columns: tuple[str, ...] = ()
    """Those that it adds; none given: all."""
    how: str = "left"
    shares_position: bool = False
    """Whether it repeats the positions of the catalog."""
    version: int | None = None
    """Of the columns' catalog; None: the current one. So this file alone says what is loaded."""


def listed_extensions(root: Location) -> dict[str, Location]:
    """Return the extensions that a collection lists: the file of each."""
    text = root.join(COLLECTION_FILE).read_text_if_there()
    if text is None:
        return {}
    pairs = split_list(
        parse_properties(text, str(root.join(COLLECTION_FILE))).get("all_extensions")
    )
    return {
        name: _resolved(root, path) for name, path in zip(pairs[::2], pairs[1::2], strict=False)
    }


def read_extension(file: Location) -> tuple[Extension, Location]:
    """Read ``<name>.properties``.

    Returns
    -------
    extension : Extension
    data : Location
        Where its catalog or collection is.

    Raises
    ------
    CatalogNotFoundError, CatalogError
        If there is no such file, or it is of something else.
    """
    text = file.read_text_if_there()
    if text is None:
        raise CatalogNotFoundError(f"there is no extension at {file}")
    said = parse_properties(text, str(file))
    needed = ("hats_col_assn_primary", "hats_assn_join_table_url", "hats_col_assn_join")
    if missing := [key for key in needed if not said.get(key)]:
        raise CatalogError(f"{file} is no extension: it lacks {missing[0]}")
    how = said.get("hats_ext_join_style", "left")
    if how not in ("left", "inner"):
        raise CatalogError(f"{file}: hats_ext_join_style is {how!r}, neither left nor inner")
    extension = Extension(
        said.get("obs_collection", file.name.removesuffix(".properties")),
        said.get("hats_primary_table_url", ""),
        said["hats_col_assn_primary"],
        said["hats_assn_join_table_url"],
        said["hats_col_assn_join"],
        tuple(split_list(said.get("hats_ext_cols"))),
        how,
        said.get("hats_ext_shares_primary_coords", "").lower() == "true",
        int(said[EXTENSION_VERSION]) if said.get(EXTENSION_VERSION, "").isdecimal() else None,
    )
    return extension, _resolved(file.parent(), extension.data)


def is_data_of(data: Location, name: str) -> bool:
    """Whether a folder holds a catalog that was written as the columns of this extension."""
    collection = read_collection(data)
    if collection is None:
        return False
    said = read_properties(data.join(collection.primary), ["hats.properties"])
    return said is not None and said.get(EXTENSION_NAME) == name


def check_name(name: str, columns: list[str]) -> None:
    """Raise InputError if an extension cannot have this name, or list these columns."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        raise InputError(f"the name of an extension has letters, digits, _, . and -, not {name!r}")
    if version_number(name) is not None or name in ("hats", "collection"):
        raise InputError(f"an extension cannot have the name {name!r}")
    if bad := [column for column in columns if split_list(column) != [column]]:
        raise InputError(f"the column {bad[0]!r} cannot be listed by an extension: rename it")


def _resolved(folder: Location, path: str) -> Location:
    if "://" in path:
        return locate(path, **dict(folder.options))
    if path.startswith("/"):
        return Location(path, folder.protocol, folder.options)
    return folder.join(path)
