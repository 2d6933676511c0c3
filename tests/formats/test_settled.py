"""What a look at all values tells of the columns of a file."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from skyseries.errors import InputError
from skyseries.formats.flat import Source
from skyseries.formats.settled import settled
from skyseries.formats.votable_types import form_of


def forms(table: pa.Table, folder: Path) -> dict[str, str]:
    """Return the datatypes of a VOTable."""
    rows = settled(Source(table, None, folder), "votable")
    assert pa.concat_tables(rows.tables()).select(table.column_names).to_pydict() == (
        table.to_pydict()
    )
    return {field.name: form_of(field).datatype for field in rows.schema}


def test_datatypes(tmp_path: Path) -> None:
    table = pa.table({
        "ascii": ["a", None], "text": ["a", "\N{SUN}"],
        "small": pa.array([1, None], pa.uint64()), "large": pa.array([1, 2**63], pa.uint64()),
        "bytes": pa.array([[1], None], pa.list_(pa.uint8())),
        "texts": [["a"], ["\N{SUN}"]], "words": [["a"], None],
        "lists": pa.array([[[1, None]], [None]], pa.list_(pa.list_(pa.int8()))),
    })  # fmt: skip
    found = forms(pa.concat_tables([table[:1], table[1:]]), tmp_path)
    assert found == {
        "ascii": "char", "text": "unicodeChar", "small": "long", "large": "char",
        "bytes": "unsignedByte", "texts": "unicodeChar", "words": "char", "lists": "char",
    }  # fmt: skip


@pytest.mark.parametrize("format", ["votable", "fits"])
def test_null_in_a_light_curve_is_refused(tmp_path: Path, format: str) -> None:
    curve = pa.array([{"n": [1]}, {"n": [None]}], pa.struct({"n": pa.list_(pa.int8())}))
    with pytest.raises(InputError, match=r"'lc.n' has nulls inside its lists"):
        settled(Source(pa.table({"lc": curve}), None, tmp_path), format)


def test_other_formats_are_as_they_are(tmp_path: Path) -> None:
    table = pa.table({"lc": pa.array([{"n": [None]}], pa.struct({"n": pa.list_(pa.int8())}))})
    for format in ("csv", "parquet"):
        rows = settled(Source(table, None, tmp_path), format)
        assert pa.concat_tables(rows.tables()).equals(table)
