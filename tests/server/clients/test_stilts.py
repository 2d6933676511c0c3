"""STILTS asks the service, and checks it: what TOPCAT does, and whether it is TAP at all."""

from __future__ import annotations

import re
import shutil

import pytest

from tests.programs import run
from tests.server.world import IDS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("stilts") is None, reason="stilts is not installed"),
]

STAGES = "TMV TME TMS TMC CPV CAP AVV QGE QPO QAS UWS MDQ OBS UPL EXA"
"""All but LOC, which fails on each service that has no table ``ivoa.obsplan``."""
KNOWN = {
    "TME-FTYP": "Rubin's own keys join an int with a long",
    "TMS-FTYP": "the same in TAP_SCHEMA",
    "EXA-EXVL": "STILTS does not know that light curves are arguments of functions",
}
"""The warnings, by section and code, and why they are there."""


def stilts(*words, text=None):
    done = run(["stilts", *words])
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_taplint_finds_no_error(archive):
    out = stilts("taplint", f"tapurl={archive.tap}", f"stages={STAGES}")
    found = re.findall(r"^([EWF])-(\w+-\w+)-\d+ (.*)", out, re.MULTILINE)
    assert [line for line in found if line[0] in "EF"] == []
    assert {code for _, code, _ in found} <= set(KNOWN)
    assert "Totals: Errors: 0;" in out
    assert set(re.findall(r"^Section (\w+)", out, re.MULTILINE)) == set(STAGES.split())


@pytest.mark.parametrize("sync", ["true", "false"])
def test_tapquery(archive, sync):
    adql = "SELECT id, ra FROM plain.Object ORDER BY id"
    out = stilts("tapquery", f"tapurl={archive.tap}", f"adql={adql}", f"sync={sync}", "ofmt=csv")
    rows = [line.split(",")[0] for line in out.split()]
    assert rows == ["id", *map(str, sorted(IDS))]


def test_tapquery_with_an_upload(archive, tmp_path):
    mine = tmp_path / "mine.csv"
    mine.write_text("id,n\n9007199254740993,1\n9007199254740995,2\n5,3\n")
    adql = "SELECT m.id, n FROM TAP_UPLOAD.mine AS m JOIN plain.Object AS o ON o.id = m.id"
    words = [f"tapurl={archive.tap}", "nupload=1", f"upload1={mine}", "ufmt1=csv",
             "upname1=mine", f"adql={adql}", "ofmt=csv"]  # fmt: skip
    for sync in ("true", "false"):
        out = stilts("tapquery", *words, f"sync={sync}")
        assert sorted(out.split()) == ["5,3", "9007199254740993,1", "9007199254740995,2", "id,n"]


def test_tapskymatch_finds_each_row_at_its_place(archive, tmp_path):
    mine = tmp_path / "mine.csv"
    query = "SELECT id AS mine, ra, dec FROM plain.Object"
    mine.write_text(archive.sync(query, "csv").text)
    out = stilts(
        "tapskymatch", f"tapurl={archive.tap}", "taptable=plain.Object", "taplon=ra", "taplat=dec",
        "tapcols=id", f"in={mine}", "ifmt=csv", "inlon=ra", "inlat=dec", "sr=0.001", "find=all",
        "blocksize=15", "ofmt=csv",
    )  # fmt: skip
    head, *rows = (line.split(",") for line in out.split())
    assert head == ["mine", "ra", "dec", "id", "SEP_ARCSEC"]
    assert sorted(int(row[3]) for row in rows) == sorted(IDS)
    assert all(row[0] == row[3] for row in rows)


FORMS = ["votable", "votable/td"]
QUERIES = [
    "SELECT * FROM nested.Object",
    "SELECT * FROM nested.ForcedSource",
    "SELECT * FROM odd.Object",
    "SELECT * FROM unsigned.Object",
    "SELECT TOP 20 * FROM dp02_dc2_catalogs.Object",
    "SELECT POINT(ra, dec) AS p, CIRCLE(ra, dec, 1) AS c FROM plain.Object",
    "SELECT * FROM plain.Object WHERE id = -7",
]


@pytest.mark.parametrize("form", FORMS)
def test_votlint_finds_nothing(archive, tmp_path, form):
    documents = [archive.sync(query, form) for query in QUERIES]
    documents += [archive.sync("SELECT nope", form), archive.sync(QUERIES[0], form, MAXREC="3")]
    for number, answer in enumerate(documents):
        path = tmp_path / f"{number}.vot"
        path.write_bytes(answer.content)
        assert stilts("votlint", f"votable={path}") == "", path
