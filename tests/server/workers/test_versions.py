"""New versions appear without a restart; a statement that runs keeps its own."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

import skyseries as sky
from skyseries.server.workers.catalogs import Served


@pytest.fixture
def copy(world, tmp_path):
    """Return a catalog that a test may change."""
    return shutil.copytree(world.path, tmp_path / "survey")


def count(served):
    from skyseries.query.statements import ask

    result = ask("SELECT COUNT(*) AS n FROM survey", served.tables())
    return result.to_arrow().to_pylist()[0]["n"], served.versions(result.catalogs)


def changed(copy):
    """Write another version, of fewer rows."""
    sky.open_catalog(copy).query("gMag < 20").write_catalog(copy, overwrite=True)
    return len(sky.open_catalog(copy))


def test_a_new_version_is_seen(setup, copy):
    served = Served(replace(setup, catalogs=(("s.survey", str(copy)),)))
    before = served.tables()
    assert count(served) == (100, (("s.survey", "v000001"),))
    assert served.tables()._by_name == before._by_name  # nothing is opened again for nothing
    n = changed(copy)
    assert 0 < n < 100
    assert count(served) == (n, (("s.survey", "v000002"),))


def test_what_is_said_of_it_is_seen(setup, copy):
    served = Served(replace(setup, catalogs=(("s.survey", str(copy)),)))
    sky.annotate(copy, {"columns": {"gMag": {"description": "said anew"}}})
    (table,) = (b.table for b in served.tables() if b.table.name == ("s", "survey"))
    assert table.schema.field("gMag").metadata[b"description"] == b"said anew"


def test_what_cannot_be_opened_again_stays(setup, copy, caplog):
    served = Served(replace(setup, catalogs=(("s.survey", str(copy)),)))
    file = copy / "collection.properties"
    whole = file.read_text()
    file.write_text("nonsense")
    assert count(served)[0] == 100
    assert count(served)[0] == 100
    assert caplog.text.count("stays as it was") == 1
    file.write_text(whole)
    assert count(served)[0] == 100


def test_folders_and_files_are_schemas(setup, copy, tmp_path):
    folder = tmp_path / "all"
    folder.mkdir()
    copy.rename(folder / "Object")
    served = Served(replace(setup, catalogs=(("dp1", str(folder)),)))
    assert ("dp1", "Object") in served.tables()._by_name
    (folder / "more.csv").write_text("a,b\n1,2\n")
    assert ("dp1", "more") in served.tables()._by_name
    changed(folder / "Object")
    assert served.versions([("dp1", "Object")]) == (("dp1.Object", "v000001"),)
    served.tables()
    assert served.versions([("dp1", "Object")]) == (("dp1.Object", "v000002"),)


def test_metadata_that_cannot_be_written_beside_a_catalog(setup, copy, tmp_path):
    file = tmp_path / "said.toml"
    file.write_text('[columns.gMag]\ndescription = "elsewhere"\n')
    given = replace(setup, catalogs=(("s.survey", str(copy)),), metadata=(("s.survey", str(file)),))
    served = Served(given)
    (table,) = (b.table for b in served.tables() if b.table.name == ("s", "survey"))
    assert table.schema.field("gMag").metadata[b"description"] == b"elsewhere"
    file.write_text('[columns.gMag]\ndescription = "again"\n')
    (table,) = (b.table for b in served.tables() if b.table.name == ("s", "survey"))
    assert table.schema.field("gMag").metadata[b"description"] == b"again"
    file.write_text('[columns.nothing]\ndescription = "again"\n')
    with pytest.raises(sky.InputError, match="nothing"):
        Served(given)


def test_a_worker_sees_them(asked, world):
    assert asked.rows("SELECT COUNT(*) AS n FROM other") == [{"n": 100}]
    n = changed(world.path.parent / "other")
    running = asked.start("SELECT COUNT(*) AS n FROM other")
    asked.document(running)
    assert asked.ended(running.outcome()).versions == (("s.other", "v000002"),)
    assert asked.rows("SELECT COUNT(*) AS n FROM other") == [{"n": n}]
