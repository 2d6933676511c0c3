"""What statements answer: rows, files, plans, errors; as `skyseries.sql` does."""

from __future__ import annotations

import hashlib
import io
import json

import pytest
from astropy.io.votable import parse

import skyseries as sky
from skyseries.formats.streams import ENCODERS
from skyseries.server.work import Upload

COUNT = "SELECT COUNT(*) AS n FROM survey"


def test_rows_are_those_of_sql(asked, world):
    text = "SELECT objectId, ra, name FROM survey WHERE gMag < 20 ORDER BY objectId"
    assert asked.rows(text) == sky.sql(text, {"survey": world.path}).to_arrow().to_pylist()
    assert asked.rows(COUNT) == [{"n": len(world.objects)}]


@pytest.mark.parametrize("name", ENCODERS)
def test_each_format(asked, name, results):
    running = asked.start("SELECT objectId, ra FROM survey", format=name)
    document, outcome = asked.document(running), asked.ended(running.outcome())
    began = asked.ended(running.began())
    assert (began.media_type, began.suffix) == (ENCODERS[name].media_type, ENCODERS[name].suffix)
    assert (outcome.bytes, outcome.rows, outcome.overflow) == (len(document), 100, False)
    assert outcome.versions == (("s.survey", "v000001"),)
    assert running.progress.bytes == len(document)
    path = results / "each"
    running = asked.start(
        "SELECT objectId, ra FROM survey", format=name, result=str(path), waits=True
    )
    outcome = asked.ended(running.outcome())
    assert asked.document(running) == b""
    written = path.read_bytes()
    assert (outcome.bytes, outcome.rows) == (len(written), 100)
    assert outcome.sha256 == hashlib.sha256(written).hexdigest()
    assert list(results.iterdir()) == [path]
    path.unlink()


def test_infos_say_what_it_came_from(asked):
    document = asked.document(asked.start(COUNT, format="votable", info=(("RUNID", "mine"),)))
    infos = {one.name: one.value for one in parse(io.BytesIO(document)).resources[0].infos}
    assert infos["QUERY_STATUS"] == "OK"
    assert infos["RUNID"] == "mine"
    assert infos["query"] == COUNT
    assert infos["version.s.survey"] == "v000001"
    assert infos["software"] == f"skyseries {sky.__version__}"


@pytest.mark.parametrize("order", ["", " ORDER BY objectId"])
@pytest.mark.parametrize(
    ("maxrec", "rows", "overflow"), [(0, 0, True), (7, 7, True), (99, 99, True), (100, 100, False)]
)
def test_overflow_exactly_when_due(asked, order, maxrec, rows, overflow):
    text = f"SELECT objectId FROM survey{order}"
    running = asked.start(text, maxrec=maxrec, format="json")
    said = json.loads(asked.document(running))
    outcome = asked.ended(running.outcome())
    assert (outcome.rows, outcome.overflow, len(said["data"])) == (rows, overflow, rows)
    assert said["query_status"] == ("OVERFLOW" if overflow else "OK")


def test_overflow_of_what_is_no_single_select(asked):
    text = "SELECT objectId FROM survey UNION ALL SELECT objectId FROM survey"
    running = asked.start(text, maxrec=150)
    asked.document(running)
    assert asked.ended(running.outcome()).overflow


def test_explain_runs_nothing(asked):
    running = asked.start("SELECT LC_NAPS(lc) AS x FROM survey", kind="explain")
    said = json.loads(asked.document(running))
    assert said["bytes"] > 0
    assert said["columns"] == ["x"]
    assert said["scans"][0]["catalog"] == "survey"
    assert asked.ended(running.outcome()).media_type == "application/json"


def test_uploads(asked, tmp_path):
    ids = [row["objectId"] for row in asked.rows("SELECT TOP 3 objectId FROM survey")]
    path = tmp_path / "mine"
    path.write_text("id\n" + "\n".join(map(str, ids)))
    text = "SELECT s.objectId FROM survey s JOIN tap_upload.mine m ON s.objectId = m.id"
    upload = Upload("mine", str(path))
    assert {row["objectId"] for row in asked.rows(text, uploads=(upload,))} == set(ids)
    assert "mine" in asked.failed(asked.start(text)).message  # it is of one request only
    path.write_text("id\n" + "1\n" * 1_001)
    failed = asked.failed(asked.start(text, uploads=(upload,)))
    assert (failed.kind, "1,000 rows" in failed.message) == ("limit", True)
    path.write_bytes(b"PAR1 and no more")
    failed = asked.failed(asked.start(text, uploads=(Upload("mine", str(path)),)))
    assert failed.kind == "usage"
    assert str(tmp_path) not in failed.message
    assert "mine" in failed.message


def test_mistakes_are_told_as_they_are(asked, world):
    with pytest.raises(sky.QueryError) as raised:
        sky.sql("SELECT nothing FROM survey", {"survey": world.path})
    failed = asked.failed(asked.start("SELECT nothing FROM survey"))
    assert (failed.message, failed.kind) == (str(raised.value), "usage")
    failed = asked.failed(asked.start(COUNT, format="word"))
    assert failed.kind == "usage"
    assert "votable" in failed.message
    failed = asked.failed(
        asked.start("SELECT nObs / 0 AS x, 9223372036854775807 + visit AS y FROM survey")
    )
    assert failed.kind == "usage"


def test_our_faults_are_in_the_log_only(asked, caplog):
    failed = asked.failed(asked.start("SELECT LC_BREAKS(lc) AS x FROM survey"))
    assert failed.kind == "internal"
    assert "secret" not in failed.message
    assert "secret" in caplog.text


def test_damaged_files_are_called_by_their_catalog(asked, world):
    (leaf, *_) = world.path.parent.glob("slow/**/Npix=*.parquet")
    whole = leaf.read_bytes()
    leaf.write_bytes(whole[:-100])
    try:
        failed = asked.failed(asked.start("SELECT gMag FROM slow"))
    finally:
        leaf.write_bytes(whole)
    assert failed.kind == "internal"
    assert leaf.name in failed.message
    assert "slow" in failed.message
    assert str(world.path.parent) not in failed.message
