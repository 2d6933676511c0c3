"""A job as the text that the store keeps of it, and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from skyseries.server.jobs.job import Info, Job, JobError, JobResult, Phase, from_text, to_text
from skyseries.server.work import Progress

__all__ = ["job_of", "record_of"]

_TIMES = ("created", "destruction", "started", "ended", "quote")


def record_of(job: Job) -> str:
    """Return a job as JSON."""
    return json.dumps(asdict(job), default=_text_of, separators=(",", ":"))


def job_of(record: str) -> Job:
    """Return the job that `record_of` wrote."""
    values: dict[str, Any] = json.loads(record)
    for name in _TIMES:
        values[name] = values[name] and from_text(values[name])
    info = values["info"]
    return Job(
        **values
        | {
            "phase": Phase(values["phase"]),
            "parameters": _pairs(values["parameters"]),
            "error": values["error"] and JobError(**values["error"]),
            "result": values["result"] and JobResult(**values["result"]),
            "info": Info(
                Progress(**info["progress"]),
                _pairs(info["versions"]),
                info["statement"],
                info["code"],
            ),
        }
    )


def _text_of(value: object) -> str:
    if isinstance(value, datetime):
        return to_text(value)
    raise TypeError(f"{value!r} is nothing of a job")


def _pairs(lists: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in lists)
