"""`annotate`: what a catalog says of itself is said anew, beside its files.

It is kept as ``metadata.toml`` in the folder of the catalog, for all its versions, and holds above
what the files say. Its format is that of `schema.metadata`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from skyseries.errors import CatalogError, InputError
from skyseries.hats.dataset import Dataset, open_primary
from skyseries.schema.metadata import (
    Metadata,
    line_of,
    metadata_of,
    metadata_of_table,
    parse_metadata,
    to_toml,
)
from skyseries.store import Store, store_at
from skyseries.store.files import Location, locate
from skyseries.store.rewriting import rewrite
from skyseries.tables import to_table
from skyseries.warn import warn_user

__all__ = [
    "METADATA_FILE",
    "annotate",
    "described",
    "given_metadata",
    "metadata_text",
    "read_metadata",
    "write_metadata",
]

METADATA_FILE = "metadata.toml"


def annotate(
    path: str | os.PathLike[str],
    metadata: Any,
    *,
    durability: str = "power",
    **storage_options: Any,
) -> None:
    """Say anew what a catalog, its columns and its tables are; its rows are not touched.

    Parameters
    ----------
    path : path or URL
        The folder of a catalog.
    metadata : path of a TOML file, mapping, Metadata, or table with a row for each column
        Title, description, licence, citation; units, UCDs, descriptions, utypes of columns; keys
        of tables: see `skyseries.schema.metadata`. It takes the place of all that was said so
        before. An empty mapping: what the files themselves say holds again.
    durability : {"power", "process"}
        Whether it outlives a power cut, or only the end of the process.
    **storage_options
        Of a bucket, for fsspec.

    Raises
    ------
    InputError
        If an entry is wrong, or of a column that the catalog does not have; names its line, and
        the nearest name.
    """
    root = locate(path, **storage_options)
    text = metadata_text(metadata, open_primary(root).schema)
    write_metadata(store_at(root, durability), text)


def write_metadata(store: Store, text: str) -> None:
    """Put the file of a catalog in its place, at once."""
    rewrite(store, METADATA_FILE, lambda _: text.encode())


def metadata_text(metadata: Any, schema: pa.Schema) -> str:
    """Return as TOML what is to be said of a catalog, after a check against its columns.

    Raises
    ------
    InputError
        If an entry is wrong, or of a column that is not there.
    """
    return _checked(metadata, schema)[1]


def given_metadata(metadata: Any, schema: pa.Schema) -> Metadata:
    """Return what is to be said of a catalog; the same check."""
    return _checked(metadata, schema)[0]


def _checked(metadata: Any, schema: pa.Schema) -> tuple[Metadata, str]:
    if isinstance(metadata, str | os.PathLike):
        source, text = str(metadata), _text_of(Path(metadata))
        said = parse_metadata(text, source)
    else:
        source, said = "metadata=", _said(metadata)
        text = to_toml(said)
    for wrong in said.wrong(schema):
        line = line_of(text, wrong.path) if source != "metadata=" else ""
        raise InputError(f"{source}{line}: {wrong}")
    return said, text


def _said(metadata: Any) -> Metadata:
    if isinstance(metadata, Metadata):
        return metadata
    if isinstance(metadata, Mapping) and "name" not in metadata:
        return metadata_of(metadata)
    return metadata_of_table(to_table(metadata))


def _text_of(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read as a file of TOML: {error}") from error


def read_metadata(root: Location) -> Metadata:
    """Return what is said of a catalog beside its files.

    Raises
    ------
    CatalogError
        If its file is not in the format; names the line.
    """
    text = root.join(METADATA_FILE).read_text_if_there()
    if text is None:
        return Metadata()
    try:
        return parse_metadata(text, str(root.join(METADATA_FILE)))
    except InputError as error:
        raise CatalogError(f"{error}; mend it, or say it anew with skyseries.annotate") from error


def described(dataset: Dataset, root: Location) -> Dataset:
    """Return a catalog whose columns are what is said of them beside its files.

    What is said of columns that it does not have (any more) is warned of.
    """
    said = read_metadata(root)
    for wrong in said.wrong(dataset.schema):
        warn_user(f"{root.join(METADATA_FILE)}: {wrong}; it is ignored")
    return dataset.with_metadata(said)
