"""Phases and times of jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.server.jobs.job import (
    ACTIVE,
    TRANSITIONS,
    Phase,
    UnknownJob,
    check_id,
    from_text,
    new_id,
    now,
    to_text,
)


def test_the_active_phases_are_those_that_uws_lets_block() -> None:
    assert {"PENDING", "QUEUED", "EXECUTING"} == ACTIVE


def test_every_phase_that_a_job_comes_into_is_in_the_table() -> None:
    reached = {Phase.PENDING}.union(*TRANSITIONS.values())
    assert reached == set(TRANSITIONS)
    assert not any(TRANSITIONS[phase] & ACTIVE for phase in reached - ACTIVE)


def test_ids_have_128_bits_and_differ() -> None:
    ids = {new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(id) == 32 and int(id, 16) >= 0 for id in ids)


@pytest.mark.parametrize(
    "id", ["", "..", "a/b", "0" * 31, "0" * 33, "G" * 32, "0" * 32 + "\n", "\udc00"]
)
def test_what_is_no_id(id: str) -> None:
    with pytest.raises(UnknownJob):
        check_id(id)


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_are_told_to_the_millisecond(moment: datetime) -> None:
    again = from_text(to_text(moment))
    assert moment - timedelta(milliseconds=1) < again <= moment
    assert from_text(to_text(again)) == again


def test_times_of_clients() -> None:
    right = datetime(2014, 9, 10, 10, 1, 2, tzinfo=UTC)
    for text in (
        "2014-09-10T10:01:02.000Z",
        "2014-09-10T10:01:02",
        " 2014-09-10T10:01:02.0004Z",
        "2014-09-10T12:01:02+02:00",
    ):
        assert from_text(text) == right
    assert to_text(right.astimezone(timezone(timedelta(hours=-3)))) == "2014-09-10T10:01:02.000Z"
    assert to_text(None) == ""
    assert now().microsecond % 1000 == 0


@pytest.mark.parametrize("text", ["", "soon", "2014-13-01", "0001-01-01T00:00:00+05:00"])
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"Invalid isoformat|must be in|out of range"):
        from_text(text)
