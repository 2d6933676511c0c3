"""Whatever is done to a store, also across restarts: it holds what a dict would."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from skyseries.server.jobs.job import TRANSITIONS, Job, Phase, UnknownJob, new_id
from skyseries.server.jobs.store import JobStore
from tests.examples import examples

START = datetime(2026, 5, 19, tzinfo=UTC)
MOST = 8
PHASES = st.sampled_from(sorted(TRANSITIONS))
MOMENTS = st.integers(0, 20).map(lambda seconds: START + timedelta(seconds=seconds))


class StoreMachine(RuleBasedStateMachine):
    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = JobStore(self.folder)
        self.jobs: dict[str, Job] = {}
        self.queue: list[str] = []

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    @rule(target=ids, created=MOMENTS, destruction=MOMENTS, runs=st.booleans())
    def add(self, created: datetime, destruction: datetime, runs: bool) -> str:
        phase = Phase.QUEUED if runs else Phase.PENDING
        job = Job(new_id(), created, destruction, 60, phase)
        is_added = self.store.add(job, MOST)
        assert is_added == (len(self.jobs) < MOST)
        if is_added:
            self._set(job)
        return job.id

    @rule(id=ids, sources=st.sets(PHASES), goal=PHASES)
    def move(self, id: str, sources: set[Phase], goal: Phase) -> None:
        edit = partial(replace, phase=goal)
        job = self.jobs.get(id)
        if job is None:
            self._raises(UnknownJob, partial(self.store.change, id, sources, edit))
        elif job.phase not in sources:
            assert self.store.change(id, sources, edit) is None
        elif goal not in {job.phase, *TRANSITIONS[job.phase]}:
            self._raises(ValueError, partial(self.store.change, id, sources, edit))
        else:
            self._set(replace(job, phase=goal))
            assert self.store.change(id, sources, edit) == self.jobs[id]

    @rule(id=ids, moment=MOMENTS)
    def postpone(self, id: str, moment: datetime) -> None:
        if id in self.jobs:
            self._set(replace(self.jobs[id], destruction=moment))
            self.store.change(id, frozenset(Phase), partial(replace, destruction=moment))

    @rule(id=consumes(ids))
    def delete(self, id: str) -> None:
        if id not in self.jobs:
            self._raises(UnknownJob, partial(self.store.delete, id))
            return
        assert self.store.delete(id) == self.jobs.pop(id)
        if id in self.queue:
            self.queue.remove(id)

    @rule()
    def open_again(self) -> None:
        self.store.close()
        self.store = JobStore(self.folder)

    @rule(phases=st.sets(PHASES), after=st.none() | MOMENTS, last=st.none() | st.integers(1, MOST))
    def show(self, phases: set[Phase], after: datetime | None, last: int | None) -> None:
        newest_first = list(self.jobs.values())[::-1]
        newest_first.sort(key=lambda job: job.created, reverse=True)
        right = [
            job
            for job in newest_first
            if (not phases or job.phase in phases) and (after is None or job.created > after)
        ]
        assert self.store.list(phases, after, last) == right[:last]

    @rule(moment=MOMENTS)
    def expire(self, moment: datetime) -> None:
        right = {job.id for job in self.jobs.values() if job.destruction <= moment}
        assert set(self.store.expired(moment)) == right

    @invariant()
    def the_queue_is_in_order(self) -> None:
        waiting = [id for id in self.queue if self.jobs[id].phase is Phase.QUEUED]
        assert [job.id for job in self.store.queued()] == waiting

    @invariant()
    def every_job_is_there(self) -> None:
        for id, job in self.jobs.items():
            assert self.store.get(id) == job

    def _set(self, job: Job) -> None:
        self.jobs[job.id] = job
        if job.phase is Phase.QUEUED and job.id not in self.queue:
            self.queue.append(job.id)

    @staticmethod
    def _raises(kind: type[Exception], call: partial) -> None:
        try:
            call()
        except kind:
            return
        raise AssertionError(f"no {kind.__name__}")


TestStore = StoreMachine.TestCase
TestStore.settings = settings(examples(0.2), stateful_step_count=30)
