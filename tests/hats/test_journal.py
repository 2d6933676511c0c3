"""Marks of finished tasks: believed only as long as the files are as they say."""

from __future__ import annotations

import json
from functools import partial

import pyarrow as pa
import pytest

from skyseries.errors import SkyseriesError
from skyseries.executors import Task, executor
from skyseries.hats.build.journal import Journal, gathered, total
from skyseries.hats.build.leaf_writer import write_leaf
from skyseries.hats.build.leaves import leaf_facts, write_leaves
from skyseries.hats.manifest import digest_of
from tests.hats.results import blueprint, curves, partition, pieces, sky


def write(path, text):
    """Write a file, and a line for each time that this is done."""
    path.write_text(text)
    with path.with_suffix(".log").open("a") as log:
        log.write("x")
    return {"rows": len(text), "files": [{"path": str(path)}, {"path": f"{path}"}]}


def fail(path):
    raise ValueError(path.name)


def tasks(folder, texts="ab"):
    return [Task(write, (folder / text, text * 3), 1.0, text) for text in texts]


def times(folder):
    return {p.stem: len(p.read_text()) for p in sorted(folder.glob("*.log"))}


@pytest.mark.parametrize("engine", ["serial", "threads", "processes"])
def test_finished_tasks_are_not_done_again(tmp_path, engine, engines):
    with executor(engines(engine)):
        first = Journal(tmp_path / "marks").run("s", tasks(tmp_path))
        again = Journal(tmp_path / "marks").run("s", tasks(tmp_path))
    assert first == again
    assert [outcome["rows"] for outcome in first] == [3, 3]
    assert total(first, "rows") == 6
    assert [said["path"] for said in gathered(first, "files")][::2] == [
        str(tmp_path / "a"), str(tmp_path / "b"),
    ]  # fmt: skip
    assert times(tmp_path) == {"a": 1, "b": 1}


CHANGES = {
    "cut short": lambda p: p.write_text("bb"),
    "gone": lambda p: p.unlink(),
    "zeros": lambda p: p.write_bytes(b"\0" * 3),
}


@pytest.mark.parametrize("digests", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_files_that_are_not_as_the_mark_says(tmp_path, change, digests):
    journal = Journal(tmp_path / "marks", digests)
    journal.run("s", tasks(tmp_path))
    CHANGES[change](tmp_path / "b")
    journal.run("s", tasks(tmp_path))
    believed = change == "zeros" and not digests  # sizes alone are looked at
    assert times(tmp_path) == {"a": 1, "b": 1 if believed else 2}
    assert believed or (tmp_path / "b").read_text() == "bbb"


@pytest.mark.parametrize("digests", [False, True])
def test_a_digest_that_the_task_has_told_is_not_made_again(tmp_path, monkeypatch, digests):
    path = tmp_path / "a"
    path.write_text("abc")
    said = {"path": str(path), "digest": digest_of(path)}
    journal = Journal(tmp_path / "marks", digests)
    task = [Task(partial(dict, said), (), 1.0, "a")]
    with monkeypatch.context() as patch:
        patch.setattr("skyseries.hats.build.journal.digest_of", lambda _: 1 / 0)
        with executor("serial"):
            journal.run("s", task)
    path.write_text("abd")
    assert journal._known("s", 0) is None  # what is known is looked at, whoever asked for it


@pytest.mark.parametrize("text", ["", "{", "[1]", "\0\0\0"])
def test_a_mark_that_was_cut_short(tmp_path, text):
    journal = Journal(tmp_path / "marks")
    journal.run("s", tasks(tmp_path))
    (tmp_path / "marks" / "s" / "000000.json").write_text(text)
    journal.run("s", tasks(tmp_path))
    assert times(tmp_path) == {"a": 2, "b": 1}
    journal.keep("note", {"n": 1})
    assert journal.note("note") == {"n": 1}
    (tmp_path / "marks" / "note.json").write_text(text)
    assert journal.note("note") is None


def test_a_task_that_fails_has_no_mark(tmp_path):
    journal = Journal(tmp_path / "marks")
    failing = [*tasks(tmp_path, "a"), Task(fail, (tmp_path / "b",), 1.0, "b")]
    with executor("serial"), pytest.raises(SkyseriesError, match="b"):
        journal.run("s", failing)
    assert [p.name for p in (tmp_path / "marks").rglob("*.json")] == ["000000.json"]
    journal.run("s", tasks(tmp_path))
    assert times(tmp_path) == {"a": 1, "b": 1}


def test_parts_of_a_run_and_its_end(tmp_path):
    journal = Journal(tmp_path / "marks")
    journal.run("s", tasks(tmp_path, "a"))
    journal.below("more").run("s", tasks(tmp_path, "b"))
    journal.run("s", tasks(tmp_path, "a"))
    assert times(tmp_path) == {"a": 1, "b": 1}
    journal.forget("nothing")
    journal.keep("note", {})
    journal.forget("note")
    assert journal.note("note") is None
    assert journal.is_kept
    journal.clear()
    assert not journal.is_kept
    assert not (tmp_path / "marks").exists()


def test_a_journal_that_is_not_kept(tmp_path):
    journal = Journal(None)
    journal.keep("note", {"n": 1})
    assert journal.note("note") is None
    for _ in range(2):
        assert total(journal.below("more").run("s", tasks(tmp_path)), "rows") == 6
    assert times(tmp_path) == {"a": 2, "b": 2}


@pytest.mark.parametrize("nested", [False, True])
def test_facts_of_leaves_come_back_from_marks(tmp_path, nested, tune):
    tune(group_rows=9)
    table = curves(sky(90)) if nested else sky(90)
    parts = partition(table, 1)
    empty = table.slice(0, 0)
    parts.insert(1, (parts[1][0]._replace(order=3, npix=parts[1][0].npix << 4), empty))
    plan = blueprint(tmp_path / "v", table)
    given = [(cell, pieces(rows, 7)) for cell, rows in parts]
    said = json.loads(json.dumps(write_leaves(plan, given, tmp_path / "task")))
    found = list(leaf_facts(said))
    assert len(found) == len(parts)
    for one, (cell, tables) in zip(found, given, strict=True):
        wanted = write_leaf(tmp_path / "w", cell, table.schema, tables, plan.lightcurves)
        assert (one.cell, one.rows, one.nbytes) == (cell, wanted.rows, wanted.nbytes)
        assert dict(one.curves) == dict(wanted.curves)
        for name in ("pixels", "counts"):
            assert getattr(one, name).tolist() == getattr(wanted, name).tolist()
        for name in ("statistics", "first"):
            a, b = getattr(one, name), getattr(wanted, name)
            assert (a is None and b is None) or a.equals(b)
    assert isinstance(found[0].first, pa.Table)
