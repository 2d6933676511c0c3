"""Jobs as XML: as the schema of UWS 1.1 has it, and as pyvo reads it."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from pyvo.io.uws import parse_job, parse_job_list

from skyseries.server.jobs.job import Info, Job, JobError, JobResult, Phase
from skyseries.server.jobs.uwsxml import job_xml, jobs_xml, parameters_xml, results_xml
from skyseries.server.work import Progress
from tests.examples import examples
from tests.server.jobs.test_records import JOBS

URL = "https://sky.example/tap/async"
RULES = etree.RelaxNG(etree.parse(Path(__file__).with_name("uws.rng")))
TIME = datetime(2026, 5, 19, 17, 1, 44, 38000, UTC)
SIMPLE = Job("a" * 32, TIME, TIME.replace(month=6), 60)
WHOLE = replace(
    SIMPLE,
    phase=Phase.COMPLETED,
    run_id="mine",
    parameters=(("QUERY", "SELECT '\u03b1' <> \"b\" & 1\r\n\tFROM t"), ("upload", "t,param:file")),
    started=TIME.replace(second=50),
    ended=TIME.replace(second=59),
    quote=TIME.replace(minute=2),
    result=JobResult("application/x-votable+xml", 2**40, "beef", 3, True),
    info=Info(Progress(3, 2**40, 7, 4, 5), (("dp1", "2"), ("o'dd \u03b1", "7")), "cafe", "0.1"),
)


def checked(document: bytes) -> etree._Element:
    root = etree.fromstring(document)
    RULES.assertValid(root)
    return root


def test_a_whole_job_as_pyvo_reads_it() -> None:
    document = job_xml(WHOLE, URL)
    checked(document)
    job = parse_job(io.BytesIO(document), pedantic=True)
    assert (job.version, job.jobid, job.runid, job.phase) == ("1.1", WHOLE.id, "mine", "COMPLETED")
    assert job.ownerid is None
    assert job.executionduration.to_value("s") == 60
    for found, right in (
        (job.quote, WHOLE.quote),
        (job.creationtime, WHOLE.created),
        (job.starttime, WHOLE.started),
        (job.endtime, WHOLE.ended),
        (job.destruction, WHOLE.destruction),
    ):
        assert found.to_datetime(UTC) == right
    assert tuple((one.id_, one.content) for one in job.parameters) == WHOLE.parameters
    (result,) = job.results
    assert result.id_ == "result"
    assert result.href == f"{URL}/{WHOLE.id}/results/result"
    assert result.size == 2**40
    assert result.mimetype == "application/x-votable+xml"
    assert job.jobinfo["rows"].text == "3"
    assert job.jobinfo["statementSha256"].text == "cafe"


def test_versions_and_progress_are_told() -> None:
    info = checked(job_xml(WHOLE, URL)).find("{*}jobInfo")
    assert info is not None
    assert [(e.get("catalog"), e.text) for e in info.iter("version")] == list(WHOLE.info.versions)
    told = {e.tag: e.text for e in info if e.tag != "version"}
    assert told == {
        "rows": "3",
        "bytes": str(2**40),
        "bytesRead": "7",
        "partsDone": "4",
        "parts": "5",
        "statementSha256": "cafe",
        "skyseriesVersion": "0.1",
    }


def test_a_new_job_knows_little() -> None:
    root = checked(job_xml(SIMPLE, URL))
    nil = {
        etree.QName(e).localname for e in root.xpath("//*[@xsi:nil='true']", namespaces=root.nsmap)
    }
    assert nil == {"ownerId", "quote", "startTime", "endTime"}
    job = parse_job(io.BytesIO(job_xml(SIMPLE, URL)), pedantic=True)
    assert (job.quote, job.starttime, job.endtime, job.runid) == (None, None, None, None)
    assert not job.results
    assert not job.parameters


@pytest.mark.parametrize(
    ("kind", "type"),
    [("usage", "fatal"), ("limit", "fatal"), ("died", "transient"), ("internal", "transient")],
)
def test_errors(kind: str, type: str) -> None:
    job = replace(SIMPLE, phase=Phase.ERROR, error=JobError("no such <column>", kind))
    document = job_xml(job, URL)
    told = checked(document).find("{*}errorSummary")
    assert told is not None
    assert dict(told.attrib) == {"type": type, "hasDetail": "true"}
    summary = parse_job(io.BytesIO(document), pedantic=True).errorsummary
    assert summary.message.content == "no such <column>"


def test_lists_as_pyvo_reads_them() -> None:
    document = jobs_xml([WHOLE, SIMPLE], URL)
    root = checked(document)
    assert root.get("version") == "1.1"
    hrefs = [e.get("{http://www.w3.org/1999/xlink}href") for e in root]
    assert hrefs == [f"{URL}/{job.id}" for job in (WHOLE, SIMPLE)]
    jobs = parse_job_list(io.BytesIO(document), pedantic=True)
    assert [(job.jobid, job.runid, job.phase) for job in jobs] == [
        (WHOLE.id, "mine", "COMPLETED"),
        (SIMPLE.id, None, "PENDING"),
    ]
    assert jobs[0].creationtime.to_datetime(UTC) == TIME
    assert len(checked(jobs_xml([], URL))) == 0


def test_parts_are_as_in_the_job() -> None:
    whole = checked(job_xml(WHOLE, URL))
    for part in (parameters_xml(WHOLE), results_xml(WHOLE, URL)):
        root = checked(part)
        inside = whole.find(root.tag)
        assert inside is not None
        assert etree.tostring(inside, method="c14n") == etree.tostring(root, method="c14n")


@examples(2)
@given(JOBS)
def test_whatever_clients_write_the_documents_are_valid(job: Job) -> None:
    job = replace(job, execution_duration=job.execution_duration % 2**31)
    root = checked(job_xml(job, URL))
    checked(jobs_xml([job], URL))
    checked(parameters_xml(job))
    checked(results_xml(job, URL))
    found = [(e.get("id"), e.text or "") for e in root.iter("{*}parameter")]
    assert found == [(harmless(name), harmless(value)) for name, value in job.parameters]


def harmless(text: str) -> str:
    return "".join(c if is_xml(ord(c)) else "\ufffd" for c in text)


def is_xml(code: int) -> bool:
    """Whether XML 1.0 has the character (its production 2)."""
    ranges = ((9, 10), (13, 13), (0x20, 0xD7FF), (0xE000, 0xFFFD), (0x10000, 0x10FFFF))
    return any(low <= code <= high for low, high in ranges)


@given(st.integers(0, 0x1FFFF))
def test_each_character(code: int) -> None:
    job = replace(SIMPLE, run_id=chr(code) + ".")
    run_id = checked(job_xml(job, URL)).find("{*}runId")
    assert run_id is not None
    assert run_id.text == harmless(job.run_id)
