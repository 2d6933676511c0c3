"""Pages of a result that was kept."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.errors import InputError
from skyseries.formats.streams import ENCODERS
from skyseries.server.workers.paging import page_of


def kept(path: Path, sizes: list[int]) -> int:
    """Write rows 0, 1, ... in tables of these sizes, and return how many there are."""
    schema = pa.schema({"id": pa.int64()})
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    tables = (
        pa.table({"id": list(range(start, start + size))}, schema)
        for start, size in zip(starts, sizes, strict=True)
    )
    path.write_bytes(b"".join(ENCODERS["arrow"](schema).encode(tables)))
    return sum(sizes)


@given(st.lists(st.integers(0, 5), max_size=5), st.integers(0, 20), st.integers(1, 20))
def test_a_page_has_the_rows_from_the_first_on(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], first: int, most: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "result"
    count = kept(path, sizes)
    pieces, rows = page_of(str(path), first, most)
    found = json.loads(b"".join(pieces))
    wanted = range(count)[first : first + most]
    assert [int(row[0]) for row in found["data"]] == list(wanted)
    assert rows == len(wanted)


def test_another_file_has_no_pages(tmp_path: Path) -> None:
    path = tmp_path / "result"
    path.write_bytes(b"<VOTABLE/>" * 10)
    with pytest.raises(InputError, match="not kept as an Arrow stream"):
        page_of(str(path), 0, 5)
