"""``skyseries query "SELECT ..."``: statements over named catalogs."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.csv
import pytest

import skyseries as sky
from skyseries.cli.app import _run
from skyseries.formats import read_table, write_table
from tests.query.world import build


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    build(folder)
    return folder


@pytest.fixture
def call(folder, capfdbinary):
    """Return a function that runs a statement, and gives the exit code and what is written."""

    def run(statement: str, *more: str):
        code = _run(["query", statement, "--catalog", f"s={folder / 'survey'}", *more])
        said = capfdbinary.readouterr()
        return code, said.out, said.err.decode()

    return run


def test_rows_go_to_standard_output(call):
    code, out, _ = call("SELECT TOP 3 objectId, ra FROM s ORDER BY objectId DESC")
    table = pa.csv.read_csv(pa.BufferReader(out))
    assert code == 0
    assert table.column_names == ["objectId", "ra"]
    assert table.num_rows == 3


@pytest.mark.parametrize("suffix", ["parquet", "vot", "fits", "csv"])
def test_rows_go_to_files(call, tmp_path, suffix):
    path = tmp_path / f"rows.{suffix}"
    code, out, err = call("select max(objectId) as m from s.lc", "-o", str(path))
    assert (code, out) == (0, b"")
    assert "1 rows, 1 columns" in err
    assert int(str(read_table(str(path))["m"][0].as_py())) > 2**63


def test_what_would_be_done_is_told(call):
    code, out, _ = call("SELECT ra FROM s WHERE DISTANCE(ra, dec, 45, 0) < 1", "--explain")
    assert code == 0
    assert b"where DISTANCE(ra, dec, 45, 0) < 1" in out
    assert b"partitions" in out


def test_mistakes_are_shown_where_they_are(call):
    code, out, err = call("SELECT objectId\nFROM s WHERE rmga > 3")
    assert (code, out) == (1, b"")
    assert err.splitlines()[1:] == ["FROM s WHERE rmga > 3", "             ^"]
    code, _, err = call("SELECT a, b FROM s")
    assert "2 mistakes" in err


def test_wrong_uses(call, folder, tmp_path):
    assert call("SELECT 1 FROM s", "--limit", "3")[0] == 2
    assert call("SELECT 1 FROM s", "--select", "ra")[0] == 2
    assert call("SELECT 1 FROM s", "ra > 3")[0] == 2
    assert call("SELECT 1 FROM s", "--catalog", "nothing")[0] == 2
    assert call("SELECT 1 FROM s", "--catalog", f"s={tmp_path}")[0] == 2
    assert call("SELECT 1 FROM t")[0] == 1
    assert _run(["query", str(folder / "survey"), "--catalog", "a=b"]) == 1


def test_a_file_is_a_table(tmp_path, capfdbinary):
    table = pa.table({"id": [1, 2], "x": [0.5, 1.5]})
    write_table(table.to_batches(), tmp_path / "t.parquet", schema=table.schema)
    code = _run(
        ["query", "\n-- the larger\nSELECT id FROM t WHERE x > 1", "--catalog",
         f"t={tmp_path / 't.parquet'}"]
    )  # fmt: skip
    assert code == 0
    assert capfdbinary.readouterr().out.split() == [b'"id"', b"2"]


@pytest.mark.parametrize(
    "text",
    ["SELECT*FROM s", "(SELECT 1 FROM s)", "((SELECT 1 FROM s))"],
)
def test_however_a_statement_begins_it_is_no_path(call, text):
    assert call(text)[0] == 0


@pytest.mark.parametrize("path", ["select", "SELECT.parquet", "with/survey", "selected one"])
def test_a_path_may_begin_as_a_statement_does(path, capfd):
    assert _run(["query", path]) == 1
    assert "there is no" in capfd.readouterr().err


def test_light_curves_are_left_out_where_they_cannot_be_kept(call, tmp_path):
    code, out, err = call("SELECT TOP 2 * FROM s")
    assert code == 0
    assert b"lc" not in out.splitlines()[0]
    assert "without the light curves (lc)" in err
    code, _, err = call("SELECT TOP 2 * FROM s", "-o", str(tmp_path / "a.parquet"))
    assert (code, "without" in err) == (0, False)
    assert "lc" in read_table(str(tmp_path / "a.parquet")).column_names
    assert call("SELECT * FROM s", "-o", str(tmp_path / "a.fits"))[0] == 0


def test_rows_become_a_catalog(call, folder, tmp_path):
    path = tmp_path / "near"
    asked = "SELECT * FROM s WHERE DISTANCE(ra, dec, 45, 0) < 1"
    code, out, err = call(asked, "--write-catalog", str(path))
    wanted = sky.sql(asked, {"s": folder / "survey"})
    assert (code, out) == (0, b"")
    assert f"{len(wanted)} rows in" in err
    assert sky.open_catalog(path).lightcurve_columns == ["lc"]
    assert call(asked, "--write-catalog", str(path))[0] == 1
    assert call(asked, "--write-catalog", str(path), "--overwrite")[0] == 0
    assert len(sky.open_catalog(path)) == len(wanted)
    plain = ["query", str(folder / "survey"), "DISTANCE(ra, dec, 45, 0) < 1"]
    assert _run([*plain, "--write-catalog", str(tmp_path / "again"), "--select", "ra,dec"]) == 0
    again = sky.open_catalog(tmp_path / "again")
    assert (len(again), again.lightcurve_columns) == (len(wanted), [])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--write-catalog", "c", "-o", "t.csv"], "give one of them"),
        (["--overwrite"], "--overwrite is for --write-catalog"),
        (["--write-catalog", "c", "--limit", "3"], "--limit is for tables"),
        (["--limit", "3"], "write SELECT TOP n"),
    ],
)
def test_options_that_do_not_go_together(call, more, words):
    code, _, err = call("SELECT ra, dec FROM s", *more)
    assert (code, words in err) == (2, True)


def test_a_statement_is_read_from_standard_input(call, monkeypatch):
    text = "-- Größe\nSELECT TOP 2 ra FROM s"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode()), "ascii"))
    code, out, _ = call("-")
    assert (code, len(out.split())) == (0, 3)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"SELECT '\xe9' FROM s")))
    code, _, err = call("-")
    assert (code, "no UTF-8" in err) == (2, True)


def test_a_statement_needs_catalogs(capfd):
    assert _run(["query", "SELECT 1 FROM s"]) == 2
    assert "--catalog NAME=PATH" in capfd.readouterr().err
