"""What is done for a statement over several tables, one thing after the other."""

import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.adql.expressions import Column, OneOf
from skyseries.adql.rewriting import changed
from skyseries.adql.types import Type
from skyseries.catalog import plan
from skyseries.query import operations
from skyseries.query.database import Database
from skyseries.query.operations import Compute, Counted, Load, LoadScan, Make, Statement
from skyseries.query.restrictions import SameValue
from tests.query.typed import condition

A = pa.table({"id": [1, 2, 3, 3, None], "x": [0.5, 1.5, None, 2.5, 3.5]})


@pytest.fixture
def database():
    with Database() as made:
        made.load("a", A.schema, [A])
        made.load("b", A.schema, [A.slice(0, 2)])
        yield made


def rows(database, sql):
    return pa.concat_tables(database.stream(sql)).to_pylist()


def test_what_is_needed_more_than_once_is_a_table(database):
    Make("kept", "SELECT id AS c0 FROM a WHERE x > 1 ORDER BY id").run(database)
    assert rows(database, "FROM kept") == [{"c0": 2}, {"c0": 3}, {"c0": None}]


def test_pairs_are_counted_before_they_are_looked_at(database, monkeypatch):
    counted = Counted(("a", "(SELECT * FROM a WHERE id > 1)", "b"))
    counted.run(database)
    monkeypatch.setattr(operations, "MOST_PAIRS", 30)
    counted.run(database)
    monkeypatch.setattr(operations, "MOST_PAIRS", 29)
    with pytest.raises(sky.QueryError) as caught:
        counted.run(database)
    assert "no condition that says which rows belong together" in str(caught.value)
    assert "5 times 3 times 2 rows are 30 pairs, and at most 29 are looked at" in str(caught.value)


def test_a_cross_join_that_is_too_large_is_refused_with_its_numbers(monkeypatch):
    monkeypatch.setattr(operations, "MOST_PAIRS", 24)
    tables = {"a": A, "b": A}
    for source in ("a, b", "a LEFT JOIN b ON 1 = 1", "a JOIN b ON a.x > 0 AND b.x > 0"):
        text = f"SELECT COUNT(*) AS n FROM {source}"  # noqa: S608
        if "x > 0" in source:  # four rows of each are left
            assert sky.sql(text, tables).to_arrow()["n"].to_pylist() == [16]
            continue
        with pytest.raises(sky.QueryError, match="5 times 5 rows are 25 pairs, and at most 24"):
            sky.sql(text, tables).to_arrow()
    joined = sky.sql("SELECT COUNT(*) AS n FROM a JOIN b ON a.id <= b.id", tables)
    assert joined.to_arrow()["n"].to_pylist() == [4 + 3 + 2 + 2]


def test_rows_are_loaded_under_other_names(database):
    node = sky.from_table(pa.table({"ra": [1.0, 2.0], "dec": [0.0, 0.0], "n": [7, 8]}))._node
    asked = []

    def make(more):
        asked.append(list(more))
        return plan.Select(node, ("n",))

    scan = LoadScan("t0", make, ("c5",), (SameValue(Column(("id",), Type.BIGINT), "a", "id"),))
    scan.run(database)
    assert sorted(r["c5"] for r in rows(database, "FROM t0")) == [7, 8]
    (known,) = asked[-1]
    assert isinstance(known, OneOf)
    assert sorted(known.values) == [1, 2, 3]
    assert scan.describe() == "t0: all rows, with id in a where few are there"


def test_values_and_conditions_are_calculated_from_arrays(database):
    def one(part):
        return Column(("x",), Type.DOUBLE) if isinstance(part, Column) else None

    test = changed(condition("DISTANCE(a.x, 0.0, 0.0, 0.0) > 1"), one)
    Compute("near", "SELECT * FROM a ORDER BY x", (("d", test.left),), test, ("id",)).run(database)
    found = rows(database, "FROM near ORDER BY d")
    assert [row["id"] for row in found] == [2, 3, None]
    assert [row["d"] for row in found] == pytest.approx([1.5, 2.5, 3.5])


def test_a_statement_gives_its_rows_in_the_types_that_it_declares():
    schema = pa.schema([("id", pa.int64()), ("s", pa.int32())])
    made = Make("t", "SELECT 1 AS r0, CAST(2 AS INTEGER) AS r1")
    statement = Statement((made,), "SELECT * FROM t", schema, "words")
    assert pa.concat_tables(statement.tables()) == pa.table(
        {"id": [1], "s": pa.array([2], pa.int32())}
    )
    assert (statement.below, statement.nodes, statement.describe()) == ((), (), "words")


def test_everything_says_what_it_does():
    assert Counted(("a", "b")).describe() == "all pairs, if they are not more than 1,000,000,000"
    assert Make("q1", "").describe() == "q1: kept"
    assert Compute("s1", "", (("c", condition("a.n = 1")),)).describe() == (
        "s1: values calculated from arrays"
    )
    assert issubclass(Load, operations.Operation)
