"""Names that could be taken for the planner's own, and columns of every type."""

from __future__ import annotations

import pyarrow as pa
import pytest

import skyseries as sky
from skyseries import adql
from skyseries.adql.query_resolver import resolve
from skyseries.adql.relations import Table, Tables

TABLE = pa.table(
    {
        "i": pa.array([7, -7, None, 2**62], pa.int64()),
        "x": [1.5, float("nan"), None, -2.0],
        "s": ["a", "A", None, "ä"],
        "u32": pa.array([2**32 - 1, 0, None, 1], pa.uint32()),
        "list": pa.array([[1], [2, 3], None, []]),
        "record": pa.array([{"a": 1, "b": "x"}, None, {"a": 2, "b": None}, {"a": 1, "b": "x"}]),
    }
)


def rows(text, table=TABLE):
    found = sky.sql(text, {"t": table}).to_arrow()
    return [tuple(row.values()) for row in found.to_pylist()]


NAMES = {
    'SELECT -i AS i, x AS "i (selected)" FROM t WHERE s = \'a\'': [(-7, 1.5)],
    'SELECT i AS "i (selected)", -i AS i FROM t WHERE s = \'a\'': [(7, -7)],
    'SELECT s AS "order 1", COUNT(*) AS "having" FROM t GROUP BY s HAVING COUNT(*) = 1 '
    "ORDER BY MAX(x), s": [("ä", 1), ("a", 1), ("A", 1), (None, 1)],
    'SELECT s AS "order 1" FROM t WHERE s IS NOT NULL ORDER BY i': [("A",), ("a",), ("ä",)],
    'SELECT s AS "order 2", i AS "#key0" FROM t WHERE i > 0 ORDER BY x, i': [
        ("ä", 2**62), ("a", 7),
    ],
    'SELECT -i AS "#key0", COUNT(*) AS "#group0" FROM t WHERE i = 7 GROUP BY i': [(-7, 1)],
    'SELECT TOP 1 i AS "k0", x AS "#unit", s AS "#row" FROM t ORDER BY -x': [(7, 1.5, "a")],
}  # fmt: skip


@pytest.mark.parametrize("text", NAMES)
def test_no_name_of_a_result_is_taken_for_a_column_of_the_planner(text):
    assert rows(text) == NAMES[text]


def test_numbers_of_32_bits_without_sign_are_calculated_in_64():
    big = 2**32 - 1
    text = "SELECT -u32, u32 + u32, 0 - u32, u32 - u32 - u32, ABS(-u32) FROM t WHERE s = 'a'"
    assert rows(text) == [(-big, 2 * big, -big, -big, big)]
    assert rows("SELECT SUM(u32 + u32) FROM t") == [(2 * big + 2,)]
    kept = sky.sql("SELECT u32, COUNT(*) FROM t GROUP BY u32", {"t": TABLE}).to_arrow()
    assert kept.schema.field("u32").type == pa.uint32()


def test_parts_of_a_record_are_values_like_others():
    grouped = rows("SELECT record.a, COUNT(*) FROM t GROUP BY record.a ORDER BY 2, 1")
    assert grouped == [(2, 1), (None, 1), (1, 2)]
    assert rows("SELECT DISTINCT record.b FROM t ORDER BY record.b") == [("x",), (None,)]
    assert rows("SELECT MAX(record.a), MIN(i) FROM t") == [(2, -7)]


def test_names_that_differ_by_case_are_told_as_they_are_written():
    both = pa.table({"Mag": [1.0], "mag": [2.0]})
    assert rows('SELECT "Mag", mag FROM t', both) == [(1.0, 2.0)]
    with pytest.raises(sky.QueryError, match='MAG can be several columns: "Mag", "mag"; write'):
        rows("SELECT MAG FROM t", both)


def test_a_column_without_any_value_is_aggregated_as_others():
    table = pa.table({"none": pa.nulls(3), "i": [1, 2, 2]})
    text = (
        "SELECT COUNT(none), MIN(none), MAX(DISTINCT none), SUM(none), AVG(DISTINCT none), "
        "COUNT(DISTINCT none), ivo_string_agg(none, ','), MAX(DISTINCT i), SUM(DISTINCT i) FROM t"
    )
    assert rows(text, table) == [(0, None, None, None, None, 0, None, 2, 3)]
    assert rows("SELECT i FROM t WHERE NULL IN (1, 2, 3, 4, 5, 6, 7, 8, 'a')", table) == []
    assert rows("SELECT i FROM t WHERE NULL NOT IN (1, 2, 3, 4, 5, 6, 7, 8)", table) == []
    assert rows("SELECT i FROM t WHERE none IN (1, 2, 3, 4, 5, 6, 7, 8)", table) == []


@pytest.mark.parametrize(
    "text",
    [
        "SELECT list FROM t ORDER BY list",
        "SELECT list FROM t ORDER BY 1",
        "SELECT record FROM t ORDER BY record",
    ],
)
def test_what_has_no_order_is_told_with_its_place(text):
    with pytest.raises(sky.QueryError, match=r"which has no order \(line 1, column"):
        rows(text)


def test_what_has_no_order_is_told_after_a_union_too():
    statement = adql.parse("SELECT list FROM t UNION SELECT list FROM t ORDER BY 1")
    with pytest.raises(sky.QueryError, match="1 is a list, which has no order"):
        resolve(statement, Tables([Table(("t",), TABLE.schema)]))
