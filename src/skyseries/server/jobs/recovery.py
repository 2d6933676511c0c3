"""What a server finds that was ended, or killed, and what it makes of it when it starts."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from skyseries.server.jobs.job import Job, JobError, Phase
from skyseries.server.jobs.store import JobStore

__all__ = ["MOST_ATTEMPTS", "recover"]

MOST_ATTEMPTS = 2
"""A job with which the server died so often might be why it died."""

_LOG = logging.getLogger(__name__)


def recover(store: JobStore, moment: datetime) -> None:
    """Set right what a server left that may have been killed at any moment.

    Nobody has seen anything of a job that was running: what it has written is removed, and it is
    queued again, but for one with which the server died before. Results of completed jobs must be
    there, and uploads of those that are not over; all other files are removed.

    Parameters
    ----------
    store : JobStore
    moment : datetime
        When that is: the end of jobs that come to nothing.
    """
    for job in store.list():
        if job.phase is Phase.EXECUTING:
            _run_again(store, job, moment)
        elif job.phase is Phase.COMPLETED and not _has_result(store, job):
            message = "the file with the result was lost; please run the statement again"
            _fail(store, job, message, job.ended or moment)
    jobs = store.list()
    removed = store.files.remove_others(
        {job.id for job in jobs if job.phase is Phase.COMPLETED},
        {job.id for job in jobs if job.is_active},
    )
    for path in removed:
        _LOG.info("removed %s, which is of no job that needs it", path)


def _run_again(store: JobStore, job: Job, moment: datetime) -> None:
    if job.attempts >= MOST_ATTEMPTS:
        message = f"the service ended {job.attempts} times while this job was running"
        _fail(store, job, message, moment)
        return
    store.change(
        job.id, {Phase.EXECUTING}, lambda job: replace(job, phase=Phase.QUEUED, started=None)
    )
    _LOG.warning("job %s was running when the server ended; it is queued again", job.id)


def _fail(store: JobStore, job: Job, message: str, ended: datetime) -> None:
    error = JobError(message, "died")
    store.change(
        job.id,
        {job.phase},
        lambda job: replace(job, phase=Phase.ERROR, ended=ended, error=error, result=None),
    )
    _LOG.warning("job %s: %s", job.id, message)


def _has_result(store: JobStore, job: Job) -> bool:
    return job.result is not None and store.files.has_result(job.id, job.result.size)
