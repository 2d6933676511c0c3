"""The UCDs of a table's id and position: exactly one column is the main one of each.

Clients find by them what to plot and what to match (Simple Cone Search 1.1, section 2.2; TAP 1.1,
section 4.3). Where nobody has said so, the columns that the catalog is filed by are the main ones.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from skyseries.schema import ColumnMeta, column_meta, with_column_meta

__all__ = ["with_mains"]

_MAIN = ";meta.main"
_ID, _RA, _DEC = "meta.id", "pos.eq.ra", "pos.eq.dec"


def with_mains(schema: pa.Schema, id: str | None, position: Iterable[str]) -> pa.Schema:
    """Return a table's columns, where one at most is the main id, and one the main of each angle.

    Parameters
    ----------
    schema : pyarrow.Schema
    id : str or None
        The column that tells its rows apart; None: there is none.
    position : iterable of str
        Right ascension and declination, or nothing.
    """
    ra, dec = tuple(position) or (None, None)
    fields = list(schema)
    for kind, wanted in ((_ID, id), (_RA, ra), (_DEC, dec)):
        said = [f.name for f in fields if column_meta(f).ucd.lower() == kind + _MAIN]
        main = wanted if wanted in said or (not said and wanted) else (said or [None])[0]
        fields = [_as_main(f, kind, main, said) for f in fields]
    return pa.schema(fields, schema.metadata)


def _as_main(field: pa.Field, kind: str, main: str | None, said: list[str]) -> pa.Field:
    ucd = column_meta(field).ucd
    if field.name == main and (not ucd or ucd.lower() == kind):
        return with_column_meta(field, ColumnMeta(ucd=kind + _MAIN))
    if field.name in said and field.name != main:
        return with_column_meta(field, ColumnMeta(ucd=kind))
    return field
