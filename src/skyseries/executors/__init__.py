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
from skyseries.executors.context import report_progress
from skyseries.executors.create import create_executor, current_executor, executor

__all__ = [
    "Event",
    "Executor",
    "Listener",
    "Result",
    "Results",
    "Task",
    "TaskEnd",
    "TaskError",
    "TaskProgress",
    "TaskStart",
    "create_executor",
    "current_executor",
    "executor",
    "report_progress",
]
