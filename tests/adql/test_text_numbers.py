"""Numbers stored as text: never compared as text by advice, and null where they are none."""

import pyarrow as pa
import pytest

from skyseries.adql import Mask, Scope, Values, resolve_condition, resolve_value
from skyseries.errors import QueryError

TABLE = pa.table(
    {
        "peakabs": ["-19.34", "-", "-21", None, " -22 ", "nan"],
        "flags": pa.array([2**63 + 4, 4, 1, 0, None, 2**64 - 1], pa.uint64()),
        "i": [1, 2, 3, 4, 5, 6],
        "select": [1.0, 20.0, 3.0, 4.0, 5.0, 6.0],
    }
)
SCOPE = Scope.from_schema(TABLE.schema)


def where(text):
    return Mask(resolve_condition(text, SCOPE))(TABLE).to_pylist()


def test_what_is_no_number_is_null():
    (values,) = Values([resolve_value("CAST(peakabs AS DOUBLE PRECISION)", SCOPE)])(TABLE)
    assert values.to_pylist()[:5] == [-19.34, None, -21.0, None, -22.0]
    for target in ("DOUBLE PRECISION", "REAL", "BIGINT", "SMALLINT"):
        assert where(f"CAST(peakabs AS {target}) < -20") == [False, False, True, False, True, False]
        missing = [False, True, False, True, False, True]
        assert where(f"CAST(peakabs AS {target}) IS NULL") == missing
    assert where("CAST(peakabs AS TIMESTAMP) IS NULL") == [True] * 6


def test_a_number_that_does_not_fit_is_an_error_with_the_column():
    table = pa.table({"my n": ["1", "99999999999999999999", "x"]})
    cast = resolve_value('CAST("my n" AS BIGINT)', Scope.from_schema(table.schema))
    with pytest.raises(QueryError, match=r'"my n" cannot be calculated: .*99999999999999999999'):
        Values([cast])(table)
    large = pa.table({"n": [2**62]})
    product = resolve_value("n * 4", Scope.from_schema(large.schema))
    with pytest.raises(QueryError, match="a value of n cannot be calculated: overflow"):
        Values([product])(large)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("peakabs < -20", r"write CAST\(peakabs AS DOUBLE PRECISION\), which is NULL where"),
        ("-20 >= peakabs", r"write CAST\(peakabs AS DOUBLE PRECISION\)"),
        ("peakabs BETWEEN -22 AND -20", r"write CAST\(peakabs AS DOUBLE PRECISION\)"),
        ("peakabs > i", r"write CAST\(peakabs AS DOUBLE PRECISION\)"),
        ("peakabs = 5", r"write '5' in quotes for the text, or CAST\(peakabs"),
        ("i = 'x'", "i holds numbers, and 'x' is none"),
        ("i < '5'", "write 5 without quotes"),
        ('peakabs == "ab"', "no column ab; for the text write 'ab'"),
        ("peakabs = ab", "no column ab; for the text write 'ab'"),
        ("peakabs IN (ab, 'c')", "for the text write 'ab'"),
        ("peakabs LIKE ab", "for the text write 'ab'"),
        ('peakabs = "it\'s"', "for the text write 'it''s'"),
    ],
)
def test_advice_gives_right_answers(text, words):
    with pytest.raises(QueryError, match=words) as caught:
        resolve_condition(text, SCOPE)
    if "<" in text and "peakabs" in text:
        assert "quotes" not in str(caught.value)


def test_the_advice_for_texts_is_for_what_is_compared():
    with pytest.raises(QueryError) as caught:
        resolve_condition("ab + 1 > i", SCOPE)
    assert "for the text" not in str(caught.value)


def test_a_column_called_select():
    assert where("select > 15") == where('"select" > 15') == [False, True] + [False] * 4
    assert where("(select > 15) OR select IN (select, 1)") == [True] * 6
    other = Scope.from_schema(pa.schema([("a", pa.int64())]))
    with pytest.raises(QueryError, match='a column of this name is written "select"'):
        resolve_condition("select > 15", other)


def test_unsigned_integers_equal_constant_texts_that_are_their_digits():
    """Clients of TAP have no such integers: ids that they read and send back are texts to them."""
    assert where("flags = '9223372036854775812'") == [True] + [False] * 5
    assert where("' +04 ' = flags") == [False, True] + [False] * 4
    assert where("flags <> '18446744073709551615'") == [True] * 4 + [False] * 2
    assert where("flags IN ('18446744073709551615', '1', 0)") == [False] * 2 + [True] * 2 + [
        False,
        True,
    ]
    assert where("flags = '-1'") == where(f"flags = '{2**64}'") == [False] * 6
    for text, words in {
        "flags < '4'": "write 4 without quotes",
        "flags = '4.0'": "write 4.0 without quotes",
        "flags = 'x'": "flags holds numbers, and 'x' is none",
        "i = '4'": "write 4 without quotes",
    }.items():
        with pytest.raises(QueryError, match=words):
            resolve_condition(text, SCOPE)


def test_bits_of_unsigned_integers():
    assert where("BITAND(flags, 4) = 4") == [True, True, False, False, False, True]
    assert where("BITAND(9223372036854775808, flags) > 0") == [True] + [False] * 4 + [True]
    assert where("BITAND(9223372036854775808, 0) = 0") == [True] * 6
    assert where("BITAND(flags, flags) = flags") == [True] * 4 + [False, True]
    assert where("BITAND(i, 1) = 1") == [True, False] * 3
