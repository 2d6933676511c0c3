"""Jobs come back from their records as they were."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from skyseries.server.jobs.job import Info, Job, JobError, JobResult, Phase, from_text, to_text
from skyseries.server.jobs.records import job_of, record_of
from skyseries.server.work import Progress

TEXT = st.text(st.characters(), max_size=20)  # lone surrogates, too
NUMBER = st.integers(0, 2**63)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple)
TIMES = st.datetimes(datetime(1900, 1, 1), timezones=st.just(UTC)).map(to_text).map(from_text)
INFO = st.builds(
    Info, st.builds(Progress, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER), PAIRS, TEXT, TEXT
)
JOBS = st.builds(
    Job,
    id=st.uuids().map(lambda uuid: uuid.hex),
    created=TIMES,
    destruction=TIMES,
    execution_duration=NUMBER,
    phase=st.sampled_from(Phase),
    run_id=TEXT,
    parameters=PAIRS,
    started=st.none() | TIMES,
    ended=st.none() | TIMES,
    quote=st.none() | TIMES,
    error=st.none() | st.builds(JobError, TEXT, TEXT),
    result=st.none() | st.builds(JobResult, TEXT, NUMBER, TEXT, NUMBER, st.booleans()),
    info=INFO,
    attempts=NUMBER,
)


@given(JOBS)
def test_round_trip(job: Job) -> None:
    again = job_of(record_of(job))
    assert again == job
    assert isinstance(again.phase, Phase)
