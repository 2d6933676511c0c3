"""Run independent tasks on an engine: one seam for local threads, processes and clusters."""

from typing import TYPE_CHECKING

from skyseries.lazy import names_on_use

if TYPE_CHECKING:
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
    from skyseries.executors.context import (
        check_cancelled,
        count_bytes,
        current_job,
        report_progress,
    )
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

__getattr__, __dir__ = names_on_use(
    __name__,
    {
        "base": "Event Executor Listener Result Results Task TaskEnd TaskError TaskProgress "
        "TaskStart",
        "context": "check_cancelled count_bytes current_job report_progress",
        "create": "create_executor current_executor executor",
        "job": "Job JobEvent StageEnd StageStart run_tasks",
    },
)
