"""What a user writes reaches DuckDB as escaped constants only, or not at all."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.adql import (
    PYTHON,
    STRICT,
    Mask,
    Scope,
    Values,
    compute,
    resolve_condition,
    resolve_value,
)
from skyseries.adql.connections import run_sql
from skyseries.errors import QueryError

ATTACKS = [
    "1 = 1; DROP TABLE t", "1 = 1); DROP TABLE t; --", "x = 1 UNION SELECT * FROM t",
    "x IN (SELECT x FROM t)", "read_csv('/etc/passwd') = 1", "x = getenv('HOME')",
    "x = (SELECT 1)", "x = current_setting('threads')", "x::VARCHAR = '1'", "x = $1",
    "x = 1 /* */ OR 1 = 1", "COPY t TO 'f'", "ATTACH 'f'", "PRAGMA version", "x = [1][1]",
    "glob('*') = 1", "x = 0x", "EXISTS (SELECT * FROM read_text('/etc/passwd'))", "x = ?",
    "x = E'\\\\x'", "x = U&'a'", "x = $$a$$", "list_transform(x, lambda) = 1", "x.y.z.w = 1",
]  # fmt: skip


@pytest.mark.parametrize("text", ATTACKS)
@pytest.mark.parametrize("dialect", [STRICT, PYTHON], ids=["strict", "python"])
def test_attacks_end_in_a_query_error(text, dialect):
    with pytest.raises(QueryError):
        resolve_condition(text, Scope.from_schema(pa.schema([("x", pa.int64())])), dialect)


@given(text=st.text(max_size=30).filter(lambda s: "\0" not in s))
def test_any_text_is_a_constant(text):
    try:
        array = pa.array([text, None, "x"])
    except UnicodeEncodeError:
        return  # a lone surrogate is no text
    scope = Scope.from_schema(pa.schema([("x", pa.string())]))
    quoted = "'" + text.replace("'", "''") + "'"
    condition = resolve_condition(f"x || '' = {quoted}", scope)
    assert Mask(condition)(pa.table({"x": array})).to_pylist() == [True, False, text == "x"]
    (found,) = Values([resolve_value(f"{quoted} || x", scope)])(pa.table({"x": ["!"]}))
    assert found.to_pylist() == [text + "!"]


@given(name=st.text(min_size=1, max_size=12).filter(lambda s: "\0" not in s))
def test_any_name_is_a_column(name):
    try:
        table = pa.table({name: [1, 2, None]})
        scope = Scope.from_schema(table.schema)
    except UnicodeEncodeError:
        return
    quoted = '"' + name.replace('"', '""') + '"'
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compute, "supported", lambda expression: False)
        mask = Mask(resolve_condition(f"{quoted} > 1", scope))
        assert mask(table).to_pylist() == [False, True, False]
        assert name not in mask._sql or name in "SELECT AS r FROM t c0 > (1)::BIGINT"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY t TO '/tmp/x.csv'",
        "ATTACH '/tmp/x.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SELECT * FROM secret_of_the_caller",
    ],
)
def test_the_engine_itself_reaches_nothing(sql):
    secret_of_the_caller = pa.table({"a": [1]})
    with pytest.raises(
        Exception, match=r"(?i)permission|disabled|locked|does not exist|not allowed"
    ):
        run_sql(pa.table({"c": [1]}), sql)
    assert secret_of_the_caller.num_rows == 1
