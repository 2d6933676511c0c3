"""Parquet with a VOTable in its metadata."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Table

from skyseries.formats.streams import OVERFLOW, Document, Info
from skyseries.formats.streams.parquet import Parquet
from skyseries.schema import ColumnMeta, with_column_meta
from tests.formats.streams.contract import Rows, document_of
from tests.formats.streams.test_arrow import AsItIs
from tests.formats.streams.votables import parsed


class TestParquet(AsItIs):
    encoder = Parquet

    def read(self, document: bytes) -> Rows:
        return pq.read_table(io.BytesIO(document)).to_pylist()

    def test_small_tables_make_no_small_row_groups(self) -> None:
        table = pa.table({"x": np.zeros(5_000_000)})
        document = document_of(Parquet, table, [1_000] * 50)
        assert pq.ParquetFile(io.BytesIO(document)).num_row_groups == 3

    def test_votable_in_metadata(self, tmp_path) -> None:
        field = with_column_meta(pa.field("ra", pa.float64()), ColumnMeta("deg", "pos.eq.ra"))
        curve = pa.field("lc", pa.struct([("mjd", pa.list_(pa.float64()))]))
        table = pa.table([[1.5], [{"mjd": [1.0]}]], schema=pa.schema([field, curve]))
        told = Document((Info("query", "SELECT 1"),), "about")
        document = document_of(Parquet, table, document=told, ending=OVERFLOW)
        metadata = pq.read_metadata(io.BytesIO(document)).metadata
        assert metadata[b"IVOA.VOTable-Parquet.version"] == b"1.0"
        assert metadata[b"QUERY_STATUS"] == b"OVERFLOW"
        (resource,) = parsed(metadata[b"IVOA.VOTable-Parquet.content"]).resources
        assert [(i.name, i.value) for i in resource.infos] == [
            ("query", "SELECT 1"), ("QUERY_STATUS", "OVERFLOW"),
        ]  # fmt: skip
        (told_field,) = resource.tables[0].fields
        assert (told_field.name, str(told_field.unit)) == ("ra", "deg")

    def test_read_by_astropy(self, tmp_path) -> None:
        field = with_column_meta(pa.field("ra", pa.float64()), ColumnMeta("deg", "pos.eq.ra"))
        table = pa.table([[1.5, 2.5]], schema=pa.schema([field]))
        path = tmp_path / "t.parquet"
        path.write_bytes(document_of(Parquet, table))
        read = Table.read(path, format="parquet.votable")
        assert list(read["ra"]) == [1.5, 2.5]
        assert str(read["ra"].unit) == "deg"
