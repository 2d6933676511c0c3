"""An extension is published: the file that says what it is, and its entry in the collection."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from skyseries.hats.build.promotion import change_collection
from skyseries.hats.extension import EXTENSION_VERSION, Extension
from skyseries.hats.properties import format_properties, now, split_list
from skyseries.store import rewrite, store_at

__all__ = ["publish_extension"]


def publish_extension(
    folder: Path, extension: Extension, more: Mapping[str, Any], *, listed: bool, durability: str
) -> None:
    """Write ``<name>.properties``, and enter it into the collection that it lies in.

    Parameters
    ----------
    folder : Path
        Of the file.
    extension : Extension
    more : mapping
        More entries of the file.
    listed : bool
        Whether the folder is that of a collection, which then lists the extension.
    durability : {"power", "process"}
    """
    store = store_at(folder, durability)
    file = f"{extension.name}.properties"
    properties = {
        "obs_collection": extension.name,
        "dataproduct_type": "extension",
        "hats_primary_table_url": extension.primary,
        "hats_col_assn_primary": extension.primary_key,
        "hats_assn_join_table_url": extension.data,
        "hats_col_assn_join": extension.key,
        "hats_ext_cols": " ".join(extension.columns),
        "hats_ext_join_style": extension.how,
        "hats_ext_shares_primary_coords": str(extension.shares_position),
        EXTENSION_VERSION: extension.version,
        "hats_creation_date": now(),
        **more,
    }
    content = format_properties(properties, "HATS extension").encode()
    rewrite(store, file, lambda _: content)
    if listed:
        change_collection(store, partial(_listing, name=extension.name, file=file))


def _listing(said: Mapping[str, Any], name: str, file: str) -> Mapping[str, Any]:
    pairs = split_list(said.get("all_extensions"))
    known = dict(zip(pairs[::2], pairs[1::2], strict=False)) | {name: file}
    return {**said, "all_extensions": " ".join(f"{alias} {path}" for alias, path in known.items())}
