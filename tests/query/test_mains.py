"""Exactly one column is the main id of a table, and one the main of each angle."""

from __future__ import annotations

import pyarrow as pa
import pytest

from skyseries.query.mains import with_mains
from skyseries.schema import ColumnMeta, column_meta, with_column_meta

ID, RA, DEC = "meta.id;meta.main", "pos.eq.ra;meta.main", "pos.eq.dec;meta.main"


def schema(**ucds: str) -> pa.Schema:
    fields = (pa.field(name, pa.int64()) for name in ucds)
    return pa.schema([with_column_meta(f, ColumnMeta(ucd=ucds[f.name])) for f in fields])


def ucds(found: pa.Schema) -> dict[str, str]:
    return {field.name: column_meta(field).ucd for field in found}


def test_columns_that_say_nothing_become_the_main_ones() -> None:
    found = with_mains(schema(id="", ra="", dec="", x=""), "id", ("ra", "dec"))
    assert ucds(found) == {"id": ID, "ra": RA, "dec": DEC, "x": ""}


@pytest.mark.parametrize("id", [None, "id"])
def test_what_is_said_holds(id: str | None) -> None:
    said = {"id": "meta.record", "name": ID, "ra": RA, "dec": "pos.eq.dec"}
    assert ucds(with_mains(schema(**said), id, ("ra", "dec"))) == said | {"dec": DEC}


def test_of_several_main_ones_one_is_left() -> None:
    said = {"name": ID, "id": ID, "ra": RA, "ra2": RA, "dec": DEC}
    wanted = {"name": "meta.id", "id": ID, "ra": RA, "ra2": "pos.eq.ra", "dec": DEC}
    assert ucds(with_mains(schema(**said), "id", ("ra", "dec"))) == wanted
    assert ucds(with_mains(schema(a=ID, b=ID), None, ())) == {"a": ID, "b": "meta.id"}


def test_a_table_without_them_has_none() -> None:
    assert ucds(with_mains(schema(x="", y="phot.mag"), None, ())) == {"x": "", "y": "phot.mag"}
