"""Asynchronous queries over HTTP: the whole life of a job, and what cannot be done with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from skyseries.server.jobs.job import from_text
from tests.server.web.test_sync import QUERY, status, votable

UWS = "{http://www.ivoa.net/xml/UWS/v1.0}"
HREF = "{http://www.w3.org/1999/xlink}href"
TABLES = "abcde"
SLOW = "SELECT COUNT(*) FROM {} WHERE {} < 0".format(
    ", ".join(f"plain.Object AS {t}" for t in TABLES),
    " + ".join(f"SIN({a}.x * {b}.x)" for a in TABLES for b in TABLES),
)
"""Looks at a hundred million combinations, 25 sines each."""


def create(archive, **parameters):
    """Make a job, and return its path."""
    answer = archive.http.post("/tap/async", data={"QUERY": QUERY, **parameters})
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"{archive.tap}/async/")
    return answer.headers["location"].removeprefix(archive.service.url)


def get(archive, path):
    answer = archive.http.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/xml;charset=UTF-8"
    return etree.fromstring(answer.content)


def text(archive, path):
    answer = archive.http.get(path)
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text.strip()


def finished(archive, path):
    """Wait for the end of a job, and return its document."""
    phase = "QUEUED"
    while phase in ("QUEUED", "EXECUTING"):
        document = get(archive, f"{path}?WAIT=-1&PHASE={phase}")
        phase = document.findtext(f"{UWS}phase")
    return document


def test_the_life_of_a_job(archive):
    path = create(archive, RUNID="mine", RESPONSEFORMAT="csv")
    assert text(archive, path + "/phase") == "PENDING"
    pending = get(archive, path)
    assert pending.findtext(f"{UWS}runId") == "mine"
    assert pending.find(f"{UWS}results").findall(f"{UWS}result") == []
    more = archive.http.post(path + "/parameters", data={"query": QUERY.replace("3", "2")})
    assert more.status_code == 303
    assert archive.http.get(path + "/results/result").status_code == 404
    assert archive.http.get(path + "/error").status_code == 404
    answer = archive.http.post(path + "/phase", data={"phase": "run"})
    assert answer.status_code == 303
    assert answer.headers["location"] == archive.service.url + path
    done = finished(archive, path)
    assert done.findtext(f"{UWS}phase") == "COMPLETED"
    given = {p.get("id"): p.text for p in get(archive, path + "/parameters")}
    assert given == {"QUERY": QUERY.replace("3", "2"), "RESPONSEFORMAT": "csv"}
    (result,) = get(archive, path + "/results")
    assert result.get("id") == "result"
    assert result.get(HREF) == f"{archive.service.url}{path}/results/result"
    rows = archive.http.get(result.get(HREF)).text.splitlines()
    assert len(rows) == 3
    assert result.get("size") == str(sum(len(row) + 1 for row in rows))
    told = {e.tag for e in done.find(f"{UWS}jobInfo")}
    assert {"rows", "bytes", "statementSha256", "skyseriesVersion", "version"} <= told
    assert archive.http.post(path + "/parameters", data={"MAXREC": "1"}).status_code == 403
    assert archive.http.post(path + "/phase", data={"PHASE": "RUN"}).status_code == 403
    assert archive.http.delete(path).headers["location"] == f"{archive.tap}/async"
    for part in ("", "/phase", "/results", "/results/result", "/parameters"):
        gone = archive.http.get(path + part)
        assert gone.status_code == 404
        assert "no job" in gone.text


def test_a_result_in_parts_and_if_it_is_another(archive):
    path = create(archive, PHASE="RUN", RESPONSEFORMAT="tsv") + "/results/result"
    finished(archive, path.removesuffix("/results/result"))
    whole = archive.http.get(path)
    assert whole.headers["content-type"].startswith("text/tab-separated-values")
    assert whole.headers["content-length"] == str(len(whole.content))
    head = archive.http.head(path)
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert head.headers["etag"] == whole.headers["etag"]
    part = archive.http.get(path, headers={"range": "bytes=3-10"})
    assert (part.status_code, part.content) == (206, whole.content[3:11])
    rest = archive.http.get(path, headers={"range": "bytes=-4", "if-range": head.headers["etag"]})
    assert rest.content == whole.content[-4:]
    for tags in (head.headers["etag"], f'"x", W/{head.headers["etag"]}'):
        known = archive.http.get(path, headers={"if-none-match": tags})
        assert (known.status_code, known.content) == (304, b"")
    assert archive.http.get(path, headers={"if-none-match": '"x"'}).status_code == 200


def test_a_job_with_an_upload(archive):
    data = {"QUERY": "SELECT id, n FROM TAP_UPLOAD.mine AS m JOIN plain.Object USING (id)",
            "UPLOAD": "mine,param:t", "PHASE": "RUN", "RESPONSEFORMAT": "csv"}  # fmt: skip
    sent = {"t": ("t.csv", "id,n\n9007199254740993,été\n1,b\n".encode())}
    made = archive.http.post("/tap/async", data=data, files=sent)
    path = made.headers["location"].removeprefix(archive.service.url)
    assert finished(archive, path).findtext(f"{UWS}phase") == "COMPLETED"
    answer = archive.http.get(path + "/results/result")
    assert answer.text.splitlines()[1:] == ['9007199254740993,"été"']


def test_an_upload_that_comes_later(archive):
    path = create(archive, QUERY="SELECT n FROM TAP_UPLOAD.mine", RESPONSEFORMAT="csv")
    archive.http.post(
        path + "/parameters",
        data={"UPLOAD": "mine,param:t"},
        files={"t": ("t", b"n,m\n7,8\n")},
    )
    archive.http.post(path, data={"PHASE": "RUN"})
    assert finished(archive, path).findtext(f"{UWS}phase") == "COMPLETED"
    assert archive.http.get(path + "/results/result").text.split() == ['"n"', "7"]


@pytest.mark.parametrize(("changed", "said"), [
    ({"QUERY": "SELECT nope FROM plain.Object"}, "no column nope"),
    ({"QUERY": ""}, "QUERY is missing"),
    ({"LANG": "SQL"}, "LANG is one of"),
    ({"RESPONSEFORMAT": "docx"}, "no format"),
    ({"MAXREC": "-1"}, "MAXREC"),
    ({"UPLOAD": "a,param:nope"}, "no such part"),
])  # fmt: skip
def test_a_job_that_fails_says_why(archive, changed, said):
    path = create(archive, PHASE="RUN", **changed)
    document = finished(archive, path)
    assert document.findtext(f"{UWS}phase") == "ERROR"
    assert said in document.findtext(f"{UWS}errorSummary/{UWS}message")
    error = archive.http.get(path + "/error")
    assert error.headers["content-type"] == "application/x-votable+xml"
    assert status(error.content)[0] == "ERROR"
    assert said in status(error.content)[1]
    assert archive.http.get(path + "/results/result").status_code == 404


def test_maxrec_zero_gives_a_result_without_rows(archive):
    path = create(archive, PHASE="RUN", MAXREC="0")
    finished(archive, path)
    content = archive.http.get(path + "/results/result").content
    assert status(content)[0] == "OVERFLOW"
    assert len(votable(content).get_first_table().array) == 0


def test_abort(archive):
    path = create(archive, QUERY=SLOW, PHASE="RUN")
    get(archive, f"{path}?WAIT=-1&PHASE=QUEUED")
    assert archive.http.post(path + "/phase", data={"PHASE": "ABORT"}).status_code == 303
    assert text(archive, path + "/phase") == "ABORTED"
    waited = get(archive, f"{path}?WAIT=-1")  # of a job that is over nothing is waited for
    assert waited.findtext(f"{UWS}phase") == "ABORTED"
    pending = create(archive)
    archive.http.post(pending, data={"PHASE": "ABORT"})
    assert text(archive, pending + "/phase") == "ABORTED"


def test_a_job_has_so_much_time_as_it_was_given(archive):
    path = create(archive, QUERY=SLOW)
    archive.http.post(path + "/executionduration", data={"EXECUTIONDURATION": "1"})
    assert text(archive, path + "/executionduration") == "1"
    archive.http.post(path, data={"PHASE": "RUN"})
    document = finished(archive, path)
    assert document.findtext(f"{UWS}phase") in ("ABORTED", "ERROR")
    assert "1 s" in document.findtext(f"{UWS}errorSummary/{UWS}message")


def test_destruction_is_set_as_far_as_limits_allow(archive):
    path = create(archive)
    soon = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    archive.http.post(path + "/destruction", data={"DESTRUCTION": soon.isoformat()})
    assert from_text(text(archive, path + "/destruction")) == soon
    archive.http.post(path + "/destruction", data={"DESTRUCTION": "2999-01-01T00:00:00Z"})
    left = from_text(text(archive, path + "/destruction")) - datetime.now(UTC)
    assert timedelta(days=6) < left <= timedelta(days=7)
    wrong = archive.http.post(path + "/destruction", data={"DESTRUCTION": "soon"})
    assert wrong.status_code == 400
    assert "2026-12-01T12:00:00Z" in wrong.text
    archive.http.post(path, data={"ACTION": "DELETE"})
    assert archive.http.get(path).status_code == 404


def test_the_list_of_jobs(archive):
    first = create(archive, RUNID="first")
    made = from_text(get(archive, first).findtext(f"{UWS}creationTime"))
    others = [create(archive, RUNID=f"r{i}") for i in range(12)]
    done = create(archive, PHASE="RUN")
    finished(archive, done)

    def listed(query=""):
        return [ref.get(HREF).removeprefix(archive.service.url)
                for ref in get(archive, "/tap/async" + query)]  # fmt: skip

    assert {first, *others, done} <= set(listed())
    assert listed("?LAST=3") == listed()[:3]
    assert done in listed("?PHASE=COMPLETED&phase=ERROR")
    assert first not in listed("?PHASE=COMPLETED&PHASE=ERROR")
    assert set(listed("?PHASE=PENDING")) >= {first, *others}
    later = listed(f"?AFTER={made.isoformat().replace('+00:00', 'Z')}")
    assert first not in later
    assert {*others, done} <= set(later)
    (ref,) = [r for r in get(archive, "/tap/async") if r.get(HREF).endswith(first)]
    assert ref.findtext(f"{UWS}runId") == "first"
    for wrong in ("?PHASE=NONSENSE", "?LAST=0", "?LAST=x", "?AFTER=soon"):
        answer = archive.http.get("/tap/async" + wrong)
        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("data", [{"PHASE": "NONSENSE"}, {"ACTION": "NONSENSE"},
                                  {"EXECUTIONDURATION": "-1"}])  # fmt: skip
def test_what_cannot_be_set(archive, data):
    path = create(archive)
    assert archive.http.post(path, data=data).status_code == 400
    assert text(archive, path + "/phase") == "PENDING"


def test_a_job_is_not_made_in_another_phase(archive):
    answer = archive.http.post("/tap/async", data={"QUERY": QUERY, "PHASE": "ABORT"})
    assert answer.status_code == 400


@pytest.mark.parametrize("id", ["nope", "0" * 32, "..%2f..%2fetc", "%00", "a" * 5000])
def test_unknown_jobs(archive, id):
    for part in ("", "/phase", "/error", "/results/result"):
        for method in ("GET", "HEAD", "POST", "DELETE"):
            answer = archive.http.request(method, f"/tap/async/{id}{part}")
            assert answer.status_code in (404, 405)
            assert answer.headers["content-type"].startswith("text/plain")
