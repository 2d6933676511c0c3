"""The archive that the documents are of: a catalog with light curves, and tables with odd names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.query.bindings import bind
from skyseries.server.documents.descriptions import TableSample
from skyseries.server.sampling import sample_tables
from tests.query.world import World, build

ODD = "<&\"'>é\x01"


@dataclass(frozen=True)
class Archive:
    """Catalogs, TAP_SCHEMA, and a sample of each table."""

    world: World
    catalogs: dict[str, Any]
    schema: dict[str, pa.Table]
    samples: list[TableSample]


def schema_of(catalogs: dict[str, Any]) -> dict[str, pa.Table]:
    names = ("schemas", "tables", "columns", "keys", "key_columns")
    texts = {name: f"SELECT * FROM tap_schema.{name}" for name in names}
    return {name: sky.sql(text, catalogs).to_arrow() for name, text in texts.items()}


@pytest.fixture(scope="session")
def archive(tmp_path_factory) -> Archive:
    """Return the archive; nobody changes it."""
    world = build(tmp_path_factory.mktemp("served"))
    fixed = pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float64(), 2))
    about = {"description": f"about {ODD}", "unit": "mag", "ucd": "phot.mag"}
    odd = pa.table(
        [pa.array([10.0, 200.0]), pa.array([-5.0, 60.0]), *[pa.array([1.5, 2.5])] * 3, fixed],
        pa.schema(
            [
                pa.field("ra", pa.float64()),
                pa.field("dec", pa.float64()),
                pa.field(ODD, pa.float64(), metadata=about),
                pa.field("flux", pa.float64()),
                pa.field("Flux", pa.float64()),
                pa.field("2first", fixed.type),
            ]
        ),
    )
    catalogs = {
        "survey.Object": world.path,
        f"odd.{ODD}": odd,
        "odd.plain": pa.table({"n": [1], "select": ["a"]}),
        "odd.empty": pa.table({"n": pa.array([], pa.int64())}),
    }
    return Archive(world, catalogs, schema_of(catalogs), sample_tables(bind(catalogs)))
