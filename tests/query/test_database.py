"""The database of a statement: what comes back is what went in, and nothing is left of it."""

from __future__ import annotations

import datetime as dt
import gc
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from skyseries.errors import Cancelled, ExecutionError, QueryError, StorageError
from skyseries.query.database import Database
from tests.programs import PATIENCE, started

MANY = "SELECT a.range * b.range AS x FROM range(10000000) a, range(10000000) b"
"""Rows for hours."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def database(folder: Path) -> Iterator[Database]:
    with Database() as made:
        yield made
    assert not list(folder.iterdir())


BITS = (8, 16, 32, 64)
TYPES = pa.table(
    {
        "boolean": pa.array([True, None, False]),
        **{f"i{n}": pa.array([-(2 ** (n - 1)), None, 2 ** (n - 1) - 1], f"int{n}") for n in BITS},
        **{f"u{n}": pa.array([0, None, 2**n - 1], f"uint{n}") for n in BITS},
        "float": pa.array([1.5, None, float("nan")], pa.float32()),
        "double": pa.array([0.1, None, float("-inf")]),
        "text": pa.array(["", None, "\N{GREEK SMALL LETTER ALPHA}'\"\x01"]),
        "bytes": pa.array([b"", None, b"\x00\xff"]),
        "time": pa.array([dt.datetime(2026, 1, 1), None, dt.datetime(1858, 11, 17)]),
        "list": pa.array([[1.0, None], None, []]),
        "struct": pa.array([{"a": 1, "b": [1]}, None, {"a": None, "b": []}]),
    }
)  # fmt: skip


def test_what_comes_back_is_what_went_in(database: Database) -> None:
    pieces = [TYPES.slice(0, 1), TYPES.slice(1, 0), TYPES.slice(1)]
    assert database.load('a "table"', TYPES.schema, pieces) == database.rows('a "table"') == 3
    (found,) = database.stream('FROM "a ""table"""')
    assert found.schema == TYPES.schema
    assert repr(found.to_pylist()) == repr(TYPES.to_pylist())  # in which NaN is NaN


def test_columns_come_by_their_names_and_dictionaries_may_differ(database: Database) -> None:
    bands = pa.dictionary(pa.int8(), pa.string())
    halves = pa.array(np.array([1.5], "f2"))
    schema = pa.schema({"band": bands, "half": pa.float16()})
    tables = [
        pa.table({"other": [1], "half": halves, "band": pa.array([band], bands)}) for band in "gr"
    ]
    database.load("t", schema, tables)
    (found,) = database.stream("FROM t")
    assert found.equals(pa.table({"band": ["g", "r"], "half": pa.array([1.5, 1.5], pa.float32())}))


def test_tables_are_asked_for_in_the_thread_that_loads_them(database: Database) -> None:
    threads = set()

    def tables() -> Iterator[pa.Table]:
        for start in range(0, 400_000, 1000):
            threads.add(threading.get_ident())
            yield pa.table({"x": np.arange(start, start + 1000)})

    assert database.load("t", pa.schema({"x": pa.int64()}), tables()) == 400_000
    assert threads == {threading.get_ident()}
    (found,) = database.stream("SELECT count(*), count(DISTINCT x), sum(x) FROM t")
    assert list(found.to_pylist()[0].values()) == [400_000, 400_000, 399_999 * 200_000]


def test_rows_come_in_batches_and_in_their_order(database: Database) -> None:
    values = np.random.default_rng(1).permutation(300_000)
    database.load("t", pa.schema({"x": pa.int64()}), [pa.table({"x": values})])
    tables = list(database.stream("FROM t ORDER BY x DESC"))
    assert max(map(len, tables)) <= 65_536
    assert np.array_equal(pa.concat_tables(tables)["x"], np.arange(300_000)[::-1])
    assert np.array_equal(pa.concat_tables(database.stream("FROM t"))["x"], values)


def test_of_no_rows_there_is_an_empty_table(database: Database) -> None:
    assert database.load("t", TYPES.schema, ()) == 0
    (found,) = database.stream("FROM t")
    assert found.equals(TYPES.slice(0, 0))


def test_queries_may_run_side_by_side_and_end_early(database: Database) -> None:
    first = database.stream(MANY)
    assert next(first)["x"][0].as_py() == 0
    database.execute("CREATE TABLE t AS SELECT 5 AS x")
    assert next(database.stream("FROM t"))["x"].to_pylist() == [5]
    assert next(first).num_rows
    del first
    gc.collect()
    database.execute("DROP TABLE t")


WRONG = {
    "SELECT (range + 1) * 92233720368547 FROM range(2000000)": (
        QueryError, "Overflow in multiplication of INT64 .*write 1.0 [*] x for more"
    ),
    "SELECT CAST(CASE range WHEN 1999999 THEN 'x' ELSE '1' END AS INT) FROM range(2000000)": (
        QueryError, "a value cannot be calculated: .*'x'"
    ),
    "SELECT (SELECT range FROM range(2)) FROM range(3)": (QueryError, "gives several rows"),
    "SELECT list(a.range + b.range) FROM range(100000) a, range(100000) b": (
        ExecutionError, "more than the 134,217,728 bytes that a statement may hold .*MEMORY"
    ),
}  # fmt: skip


@pytest.mark.parametrize("sql", WRONG)
def test_what_goes_wrong_is_said(sql: str, folder: Path) -> None:
    kind, said = WRONG[sql]
    with Database(1) as database:
        with pytest.raises(kind, match=said):
            database.execute(f"CREATE TABLE t AS {sql}")
        with pytest.raises(kind, match=said):
            for _ in database.stream(sql):
                pass
        assert database.load("t", pa.schema({"x": pa.int64()}), []) == 0  # it can go on
    assert not list(folder.iterdir())


def test_a_full_disk_is_said(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("IO Error: Could not write file: No space left on device")

    monkeypatch.setattr(database, "_connection", refuse)
    with pytest.raises(StorageError, match="No space left on device; SKYSERIES_TMPDIR names"):
        database._wait(None, refuse)
    monkeypatch.undo()


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t AS FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "ATTACH '/tmp/x.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "CREATE TABLE t AS FROM secret_of_the_caller",
    ],
)
def test_it_reaches_nothing(sql: str, database: Database) -> None:
    secret_of_the_caller = pa.table({"a": [1]})
    with pytest.raises(Exception, match=r"(?i)permission|disabled|locked|does not exist"):
        database.execute(sql)
    assert secret_of_the_caller.num_rows == 1


def test_what_does_not_fit_into_memory_waits_in_its_folder(folder: Path) -> None:
    values = np.random.default_rng(2).permutation(5_000_000)
    schema = pa.schema({"x": pa.int64(), "y": pa.int64()})
    pieces = (pa.table({"x": part, "y": part ^ 1}) for part in np.split(values, 50))
    with Database(1) as database:
        database.load("t", schema, pieces)
        rows = total = 0
        last = -1
        for table in database.stream("SELECT x, y FROM t ORDER BY x"):
            x, y = (column.to_numpy() for column in table.columns)
            assert x[0] > last
            assert (np.diff(x) == 1).all()
            rows, total, last = rows + len(x), total + y.sum(), x[-1]
        (own,) = folder.iterdir()
        assert sum(path.stat().st_size for path in own.rglob("*"))
    assert (rows, total) == (5_000_000, values.sum())
    assert not list(folder.iterdir())


def test_another_thread_can_end_it(folder: Path) -> None:
    database = Database()
    began = database.stream(MANY)
    next(began)
    threading.Timer(0.2, database.close).start()
    with pytest.raises(Cancelled, match="ended before it was done"):
        database.execute(f"CREATE TABLE t AS SELECT sum(x) FROM ({MANY})")  # noqa: S608
    began.close()
    database.close()
    assert not list(folder.iterdir())


PROGRAM = """
import os, sys
from pathlib import Path
import numpy as np
import pyarrow as pa
from skyseries.query.database import Database

database = Database(1)
schema = pa.schema({"x": pa.int64()})
draw = np.random.default_rng(3).permutation
rows = database.load("t", schema, (pa.table({"x": draw(1_000_000)}) for _ in range(4)))
assert next(database.stream("SELECT sum(x) s FROM t"))["s"][0].as_py() == rows * 999_999 // 2
ordered = database.stream("SELECT x, x + 1, x + 2, x + 3 FROM t ORDER BY x")
next(ordered)
(own,) = Path(os.environ["SKYSERIES_TMPDIR"]).iterdir()
assert any(own.rglob("*.tmp")), list(own.rglob("*"))
print(own, flush=True)
if sys.argv[1] == "error":
    raise ValueError("as it is said")
if sys.argv[1] != "success":
    many = "SELECT a.x * b.x AS x FROM t a, t b"
    if sys.argv[1] == "stream":
        list(database.stream(f"SELECT sum(x) FROM ({many})"))
    database.execute(f"CREATE TABLE many AS SELECT sum(x) FROM ({many})")
"""
"""It has spilled, and ends with an open stream and without closing anything."""


def ended(tmp_path: Path, how: str) -> tuple[str, set[str]]:
    """Return what a program says that ends in a way, and what is left of it."""
    environment = os.environ | {"SKYSERIES_TMPDIR": str(tmp_path)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with started([sys.executable, "-c", PROGRAM, how], env=environment, **pipes) as program:
        assert program.stdout.readline(), program.stderr.read()
        if how in ("stream", "execute"):
            program.send_signal(signal.SIGINT)
        if how == "kill":
            program.kill()
        said = program.communicate(timeout=PATIENCE)[1]
    return said, {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("success", r"\Z"),
        ("error", "ValueError: as it is said"),
        ("stream", "KeyboardInterrupt"),
        ("execute", "KeyboardInterrupt"),
    ],
)
def test_nothing_is_left_on_disk(how: str, says: str, tmp_path: Path) -> None:
    said, left = ended(tmp_path, how)
    assert re.search(says, said.strip()), said
    assert not left


def test_after_a_kill_a_fresh_start_removes_what_is_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, left = ended(folder, "kill")
    assert len(left) == 1
    monkeypatch.setattr("skyseries.store.scratch._SWEPT", {})
    with Database():
        assert len(list(folder.iterdir())) == 1
    assert not list(folder.iterdir())


def test_the_next_one_begins_empty_where_the_last_one_is_kept(folder: Path) -> None:
    names = set()
    for _ in range(3):
        with Database() as database:
            names.update(path.name for path in folder.iterdir())
            assert [table.num_rows for table in database.stream("FROM duckdb_tables()")] == [0]
            database.load("t", TYPES.schema, [TYPES])
            database.execute("CREATE TABLE other AS FROM t")
        assert not list(folder.iterdir())
    assert len(names) == 1


def test_what_has_failed_or_was_ended_is_not_kept(folder: Path) -> None:
    with Database() as database, pytest.raises(QueryError):
        database.execute("SELECT CAST('x' AS INTEGER)")
    with Database() as ended:
        assert ended._connection is not database._connection
        next(rows := ended.stream(MANY))
    with Database() as after:
        assert after._connection is not ended._connection
        rows.close()


def test_a_kept_one_can_spill_again(folder: Path) -> None:
    made = "CREATE TABLE s AS SELECT i, hash(i) AS h FROM range(4000000) t(i) ORDER BY h"
    seen = []
    for _ in range(2):
        with Database(memory=128 << 20) as database:
            seen.append(database._connection)
            database.execute(made)
            assert list(next(folder.iterdir()).iterdir())
            assert database.rows("s") == 4_000_000
        assert not list(folder.iterdir())
    assert seen[0] is seen[1]
