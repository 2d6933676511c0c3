"""VOTable with BINARY2 data."""

from __future__ import annotations

import pyarrow as pa

from skyseries.formats.streams.binary2 import Binary2
from tests.formats.streams.contract import document_of
from tests.formats.streams.votables import VOTableContract


class TestBinary2(VOTableContract):
    encoder = Binary2

    def test_lines_of_base64(self) -> None:
        document = document_of(Binary2, pa.table({"n": list(range(1_000))}), [3, 100, 1])
        stream = document.split(b'<STREAM encoding="base64">\n')[1].split(b"</STREAM>")[0]
        lines = stream.splitlines()
        assert {len(line) for line in lines[:-1]} == {64}

    def test_control_characters_are_kept(self) -> None:
        table = pa.table({"t": ["a\x01b\ufffe", "\r"]})
        assert [row["t"] for row in self.read(document_of(Binary2, table))] == [
            "a\x01b\ufffe",
            "\r",
        ]
