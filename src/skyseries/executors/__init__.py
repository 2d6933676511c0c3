"""Run independent tasks on an engine: one seam for local threads, processes and clusters."""

from skyseries.executors.base import (
    Event,
    Executor,
    Listener,
    Result,
    Results,
    Task,
    TaskEnd,
    TaskError,
    TaskProgress,
    TaskStart,
)
from skyseries.executors.context import check_cancelled, count_bytes, current_job, report_progress
from skyseries.executors.create import create_executor, current_executor, executor
from skyseries.executors.job import Job, JobEvent, StageEnd, StageStart, run_tasks

__all__ = [
    "Event",
    "Executor",
    "Job",
    "JobEvent",
    "Listener",
    "Result",
    "Results",
    "StageEnd",
    "StageStart",
    "Task",
    "TaskEnd",
    "TaskError",
    "TaskProgress",
    "TaskStart",
    "check_cancelled",
    "count_bytes",
    "create_executor",
    "current_executor",
    "current_job",
    "executor",
    "report_progress",
    "run_tasks",
]
