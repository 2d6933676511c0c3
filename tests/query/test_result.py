"""What the result of a statement over several tables can do."""

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.config import settings
from skyseries.query.database import Database


@pytest.fixture(scope="module")
def tables(world):
    ids = pa.array(world.ids[:60:2], pa.uint64())
    return {"survey": world.catalog, "TAP_UPLOAD.mine": pa.table({"id": ids, "n": range(len(ids))})}


JOINED = (
    "SELECT s.objectId, s.ra, s.dec, u.n, s.gMag FROM TAP_UPLOAD.mine AS u "
    "JOIN survey AS s ON s.objectId = u.id WHERE u.n < 20"
)


def test_columns_are_left_out_and_not_read(tables):
    result = sky.sql(JOINED, tables)
    less = result.drop(["gMag", "n"])
    assert less.columns == ["objectId", "ra", "dec"]
    assert (
        less.to_arrow()
        .sort_by("ra")
        .equals(result.to_arrow().sort_by("ra").select(["objectId", "ra", "dec"]))
    )
    assert "gMag" in str(result.explain())
    assert "gMag" not in str(less.explain())
    with pytest.raises(sky.InputError, match="no column would be left"):
        less.drop(less.columns)
    both = sky.sql("SELECT ra, dec FROM survey UNION SELECT ra, dec FROM survey", tables)
    with pytest.raises(sky.InputError, match="in several queries"):
        both.drop("ra")


def test_rows_are_counted_and_shown(tables):
    result = sky.sql(JOINED.replace("FROM", "\n FROM"), tables)
    assert len(result) == 20
    assert repr(result) == f"Result(objectId, ra, dec, n, gMag) of: {JOINED}"
    assert result.schema.field("objectId").type == pa.uint64()
    assert result.to_pandas().shape == result.to_polars().shape == (20, 5)
    assert str(result.to_astropy()["ra"].unit) == "deg"


def test_rows_are_written_as_a_catalog_where_they_are(tables, tmp_path):
    result = sky.sql(JOINED, tables)
    done = result.write_catalog(tmp_path / "joined", id="objectId", durability="process")
    assert done.provenance["plan"] == [f"20 rows in memory ({JOINED})"]
    written = sky.open_catalog(tmp_path / "joined")
    wanted = result.to_arrow().sort_by("objectId")
    found = written.to_arrow().select(wanted.column_names).sort_by("objectId")
    assert repr(found.to_pylist()) == repr(wanted.to_pylist())
    far = written.query("DISTANCE(ra, dec, 0, 90) < 0.1").to_arrow()["objectId"].to_pylist()
    rows = wanted.to_pylist()
    assert sorted(far) == [row["objectId"] for row in rows if 90 - row["dec"] < 0.1]
    assert far


def test_rows_without_positions_are_no_catalog(tables, tmp_path):
    with pytest.raises(sky.InputError):
        sky.sql(JOINED, tables).drop(["ra", "dec"]).write_catalog(tmp_path / "x", id="objectId")
    assert not (tmp_path / "x").exists()


def test_nothing_is_left_of_a_result_that_is_closed_half_way(monkeypatch, tmp_path):
    opened = []
    init, close = Database.__init__, Database.close

    def remembered(self, *args):
        init(self, *args)
        opened.append(self)

    def closed(self):
        close(self)
        opened.remove(self)

    monkeypatch.setattr(Database, "__init__", remembered)
    monkeypatch.setattr(Database, "close", closed)
    here = replace(settings(), tmp_dir=tmp_path)
    monkeypatch.setattr("skyseries.store.scratch.settings", lambda: here)
    many = {"a": pa.table({"i": np.arange(300_000)}), "b": pa.table({"j": np.arange(300_000)})}
    rows = sky.sql("SELECT a.i FROM a JOIN b ON a.i = b.j", many).iter_tables()
    assert 0 < next(rows).num_rows < 300_000
    assert len(opened) == len(list(tmp_path.iterdir())) == 1
    rows.close()
    assert opened == list(tmp_path.iterdir()) == []
    failing = {"a": pa.table({"i": [1, 2]}), "b": pa.table({"j": [2, 2]})}
    with pytest.raises(sky.QueryError):
        sky.sql("SELECT a.i FROM a WHERE i = (SELECT j FROM b)", failing).to_arrow()
    assert opened == list(tmp_path.iterdir()) == []


EXPLAINED = """\
in a database of its own
  t0: all rows
    select n, id
      where n < 20
        30 rows in memory (TAP_UPLOAD.mine)
    in 1 tasks
  t3: all rows, with objectId in t0 where few are there
    select objectId, ra, dec, gMag
      scan survey
    read survey: 12 of 12 partitions, about _ kB; 4 columns: objectId, ra, dec, gMag
    in 1 tasks"""


def test_a_statement_over_several_tables_is_explained(tables):
    text = str(sky.sql(JOINED, tables).explain())
    assert re.sub(r"about [\d.]+ kB", "about _ kB", text) == EXPLAINED


@pytest.mark.parametrize("name", ["threads", "processes"])
def test_engines_give_the_same(tables, engines, name):
    text = (
        "SELECT s.kind, COUNT(*) AS n, SUM(e.mjd) AS t FROM survey AS s JOIN survey.lc AS e "
        "ON e.objectId = s.objectId LEFT JOIN TAP_UPLOAD.mine AS u ON u.id = s.objectId "
        "WHERE s.dec < 80 AND (u.n IS NULL OR u.n > 3) GROUP BY s.kind ORDER BY s.kind"
    )
    plain = sky.sql(text, tables).to_arrow()
    assert plain.num_rows > 3
    with sky.executor(engines(name)):
        assert sky.sql(text, tables).to_arrow().equals(plain)


def test_planned_bytes_of_the_first_rows_are_fewer(world, tune):
    tune(group_rows=10, unit_rows=20)

    def share(text):
        result = sky.sql(text, {"survey": world.path})
        return result.planned_bytes() / result.explain().bytes

    assert share("SELECT gMag FROM survey") == 1
    assert 0 < share("SELECT TOP 10 gMag FROM survey") < 0.5
    assert share("SELECT TOP 95 gMag FROM survey") == 1
    assert share("SELECT TOP 10 gMag FROM survey WHERE gMag < 20") == 1
    assert share("SELECT TOP 10 gMag FROM survey ORDER BY gMag") == 1
