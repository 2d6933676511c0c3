"""Unit, UCD and description of a column, carried as metadata of its Arrow field.

Keys of the Arrow field: those of `ColumnMeta`. Readers in `formats` fill them from FITS, VOTable
and ECSV; `hats` keeps them in the catalog's schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import pyarrow as pa

__all__ = [
    "KEYS",
    "ColumnMeta",
    "column_meta",
    "declare",
    "declared",
    "frame_of",
    "with_column_meta",
    "with_frame",
]


@dataclass(frozen=True)
class ColumnMeta:
    """What is known of a column besides its type; an unknown is an empty string."""

    unit: str = ""
    """As VOUnit has it, ``deg`` for instance."""
    ucd: str = ""
    description: str = ""
    utype: str = ""
    xtype: str = ""
    """What a list of numbers, or a text, stands for (DALI): ``point``, ``circle``, ..."""


KEYS = tuple(key.name for key in fields(ColumnMeta))
"""Of the metadata of an Arrow field."""


def column_meta(field: pa.Field) -> ColumnMeta:
    """Return what an Arrow field says of its column."""
    metadata: Mapping[bytes, bytes] = field.metadata or {}
    return ColumnMeta(**{key: metadata.get(key.encode(), b"").decode() for key in KEYS})


def with_column_meta(field: pa.Field, meta: ColumnMeta) -> pa.Field:
    """Return the field with this metadata added; empty entries are left as they were."""
    metadata = dict(field.metadata or {})
    for key in KEYS:
        if value := getattr(meta, key):
            metadata[key.encode()] = value.encode()
    return field.with_metadata(metadata or None)


def frame_of(field: pa.Field) -> str:
    """Return the frame of positions that a column says, where it is another than ICRS."""
    metadata: Mapping[bytes, bytes] = field.metadata or {}
    return metadata.get(b"frame", b"").decode()


def with_frame(field: pa.Field, frame: str) -> pa.Field:
    """Return the field of a part of positions in a frame such as ``fk5``."""
    return field.with_metadata({**(field.metadata or {}), b"frame": frame.encode()})


def declare(field: pa.Field, datatype: str) -> pa.Field:
    """Return the field with a datatype of VOTable: what it is by nature.

    ``char``: text of ASCII only; ``long``: unsigned integers that do not need the last bit; of
    arrays of integers their datatype: none of the values is null.
    """
    return field.with_metadata({**(field.metadata or {}), b"datatype": datatype.encode()})


def declared(field: pa.Field) -> str:
    """Return the datatype that a field says itself; empty if it says none."""
    metadata: Mapping[bytes, bytes] = field.metadata or {}
    return metadata.get(b"datatype", b"").decode()
