from __future__ import annotations

import pyarrow as pa
import pytest

from skyseries.formats.text import infer_type, parse_text


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-2", "+3", ""], pa.int64()),
        ([str(2**53 + 1)], pa.int64()),
        ([str(2**63 - 1), str(-(2**63))], pa.int64()),
        ([str(2**63)], pa.uint64()),
        ([str(2**64 - 1), "0"], pa.uint64()),
        ([str(2**64)], pa.string()),
        ([str(2**63), "-1"], pa.string()),
        (["007", "123"], pa.string()),
        (["0", "10"], pa.int64()),
        (["1.5", "2"], pa.float64()),
        (["1e3"], pa.float64()),
        (["1.", ".5", "-.5E-3"], pa.float64()),
        (["-05.25", "+07.5"], pa.float64()),
        (["nan", "1"], pa.float64()),
        (["NaN", "-inf", "Infinity"], pa.float64()),
        ([str(2**60 + 1), "1.5"], pa.string()),
        (["true", "False", "null"], pa.bool_()),
        (["NA", "5", "--"], pa.int64()),
        (["2020-01-01T00:00:00"], pa.string()),
        (["RRab", "1"], pa.string()),
        (["0x1F"], pa.string()),
        (["1_000"], pa.string()),
        (["", "NA"], pa.null()),
        ([], pa.null()),
    ],
)
def test_infer(cells: list[str], expected: pa.DataType) -> None:
    assert infer_type(pa.array(cells, pa.string())) == expected


def test_infer_leaves_sentinels_out() -> None:
    assert infer_type(pa.array(["5", "missing"]), {"missing"}) == pa.int64()


def test_parse_forgives() -> None:
    text = pa.array([" 5", "+6", "NA", None, "7 "])
    assert parse_text(text, pa.int64()).to_pylist() == [5, 6, None, None, 7]
    assert parse_text(pa.array(["T", "no", "--"]), pa.bool_()).to_pylist() == [True, False, None]
    assert parse_text(pa.array(["[1, 2]", "null"]), pa.list_(pa.int8())).to_pylist() == [
        [1, 2],
        None,
    ]


def test_text_columns_keep_words() -> None:
    text = pa.array(["NA", "null", "", " x "])
    assert parse_text(text, pa.string()).to_pylist() == ["NA", "null", "", " x "]
    assert parse_text(text, pa.string(), {"NA"}).to_pylist() == [None, "null", "", " x "]


@pytest.mark.parametrize(
    ("cell", "kind"),
    [("x", pa.int64()), ("1.5", pa.int64()), ("0x1F", pa.int64()), ("2", pa.bool_()),
     ("-1", pa.uint8()), ("256", pa.uint8()), ("[1", pa.list_(pa.int8()))],
)  # fmt: skip
def test_parse_refuses(cell: str, kind: pa.DataType) -> None:
    with pytest.raises((pa.ArrowInvalid, ValueError)):
        parse_text(pa.array([cell]), kind)
