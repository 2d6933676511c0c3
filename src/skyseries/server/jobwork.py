"""The statement of a job, made of its parameters when its turn has come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from skyseries.errors import InputError
from skyseries.server.tap import Asked, asked
from skyseries.server.uploads import keep_uploads, kept_parts
from skyseries.server.work import Failed, Upload, Work

if TYPE_CHECKING:
    from skyseries.server.jobs.files import JobFiles
    from skyseries.server.jobs.job import Job
    from skyseries.server.settings import Settings

__all__ = ["job_work"]


def job_work(settings: Settings, files: JobFiles) -> Callable[[Job], Awaitable[Work]]:
    """Return the function that makes the statement of a job.

    Parameters are read now, not when the job was made: DALI wants what is wrong with them to be the
    error of the job.
    """

    async def make(job: Job) -> Work:
        try:
            wanted = asked((*job.parameters, *_run_id(job)), settings.limits)
            uploads = await asyncio.to_thread(_uploads, job, wanted, settings, files)
        except InputError as error:
            raise Failed(str(error)) from error
        result = str(files.result(job.id))
        return wanted.work(job.id, uploads, job.execution_duration, result)

    return make


def _run_id(job: Job) -> tuple[tuple[str, str], ...]:
    return (("RUNID", job.run_id),) if job.run_id else ()


def _uploads(job: Job, wanted: Asked, settings: Settings, files: JobFiles) -> tuple[Upload, ...]:
    if not wanted.uploads:
        return ()
    folder = files.uploads(job.id)
    with kept_parts(folder) as parts:
        return keep_uploads(wanted.uploads, parts, folder, settings.limits, settings.upload_from)
