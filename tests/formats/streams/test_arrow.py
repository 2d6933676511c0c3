"""Arrow IPC streams."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from skyseries.formats.streams import OVERFLOW, Document, Info
from skyseries.formats.streams.arrow import Arrow
from tests.formats.strategies import same
from tests.formats.streams.contract import Contract, Rows, document_of


class AsItIs(Contract):
    """Encoders that keep columns as they are."""

    def shown(self, cell: Any, kind: pa.DataType) -> Any:
        return cell

    def parts(self, field: pa.Field, cells: list[Any]) -> list[tuple[str, pa.DataType, list[Any]]]:
        return [(field.name, field.type, cells)]

    def check_same(self, one: bytes, other: bytes) -> None:
        assert same(self.read(one), self.read(other))


class TestArrow(AsItIs):
    encoder = Arrow

    def read(self, document: bytes) -> Rows:
        return pa.ipc.open_stream(document).read_all().to_pylist()

    def test_what_is_told_in_metadata(self) -> None:
        table = pa.table({"a": [1]}).replace_schema_metadata({"kept": "yes"})
        told = Document((Info("query", "SELECT 1"),), "about")
        reader = pa.ipc.open_stream(document_of(Arrow, table, document=told, ending=OVERFLOW))
        assert reader.schema.metadata == {
            b"kept": b"yes", b"query": b"SELECT 1", b"description": b"about",
        }  # fmt: skip
        batches = list(reader.iter_batches_with_custom_metadata())
        assert [b.batch.num_rows for b in batches] == [1, 0]
        assert dict(batches[-1].custom_metadata) == {b"QUERY_STATUS": b"OVERFLOW"}
