"""What a job is: its phases, and all that is known of it."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from skyseries.server.work import Progress

__all__ = [
    "ACTIVE",
    "TRANSITIONS",
    "Info",
    "Job",
    "JobError",
    "JobResult",
    "Parameters",
    "Phase",
    "UnknownJob",
    "WrongPhase",
    "check_id",
    "from_text",
    "new_id",
    "now",
    "to_text",
]

_ID = re.compile(r"[0-9a-f]{32}")

Parameters = tuple[tuple[str, str], ...]
"""Names and values as the client gave them, in order."""


class Phase(StrEnum):
    """The phases of UWS 1.1; jobs of this service take only those in `TRANSITIONS`."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    EXECUTING = "EXECUTING"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    ABORTED = "ABORTED"
    UNKNOWN = "UNKNOWN"
    HELD = "HELD"
    SUSPENDED = "SUSPENDED"
    ARCHIVED = "ARCHIVED"


TRANSITIONS: dict[Phase, frozenset[Phase]] = {
    Phase.PENDING: frozenset({Phase.QUEUED, Phase.ABORTED}),
    Phase.QUEUED: frozenset({Phase.EXECUTING, Phase.ABORTED, Phase.ERROR}),
    # back to the queue when the server ends, or was killed
    Phase.EXECUTING: frozenset({Phase.COMPLETED, Phase.ERROR, Phase.ABORTED, Phase.QUEUED}),
    # a result that has vanished
    Phase.COMPLETED: frozenset({Phase.ERROR}),
    Phase.ERROR: frozenset(),
    Phase.ABORTED: frozenset(),
}
"""Into which phases a job may go from each."""

ACTIVE = frozenset({Phase.PENDING, Phase.QUEUED, Phase.EXECUTING})
"""The phases that will be followed by another one."""


class UnknownJob(LookupError):
    """There is no job of this id, or no longer."""

    def __init__(self, id: str) -> None:
        super().__init__(f"there is no job {id!r}; it may have been destroyed")
        self.id = id


class WrongPhase(Exception):
    """A job's phase does not allow what was asked."""

    def __init__(self, job: Job, wish: str) -> None:
        super().__init__(f"job {job.id} is {job.phase}: {wish}")
        self.phase = job.phase


@dataclass(frozen=True)
class JobError:
    """Why a job gave no result."""

    message: str
    kind: str
    """As `skyseries.server.work.Failed` has it."""


@dataclass(frozen=True)
class JobResult:
    """The file that a job gave."""

    media_type: str
    size: int
    """Bytes."""
    sha256: str
    rows: int
    overflow: bool


@dataclass(frozen=True)
class Info:
    """What is told beside the elements of UWS."""

    progress: Progress = field(default_factory=Progress)
    versions: tuple[tuple[str, str], ...] = ()
    """Each catalog's name, and the version of it that was read."""
    statement: str = ""
    """SHA-256 of the statement, once the job has begun."""
    code: str = ""
    """The version of Skyseries that ran it."""


@dataclass(frozen=True)
class Job:
    """All that is known of a job; times are UTC, to the millisecond, as clients see them."""

    id: str
    created: datetime
    destruction: datetime
    execution_duration: int
    """Seconds that it may run."""
    phase: Phase = Phase.PENDING
    run_id: str = ""
    parameters: Parameters = ()
    started: datetime | None = None
    ended: datetime | None = None
    quote: datetime | None = None
    error: JobError | None = None
    result: JobResult | None = None
    info: Info = field(default_factory=Info)
    attempts: int = 0
    """How often a worker has begun with it."""

    @property
    def is_active(self) -> bool:
        """Whether its phase will change yet."""
        return self.phase in ACTIVE


def new_id() -> str:
    """Return an id that nobody guesses."""
    return secrets.token_hex(16)


def check_id(id: str) -> str:
    """Return an id of a client that may be one, and a part of a path.

    Raises
    ------
    UnknownJob
        If it cannot be one.
    """
    if not _ID.fullmatch(id):
        raise UnknownJob(id)
    return id


def now() -> datetime:
    """Return the time, to the millisecond.

    What clients are told is then all there is: a job is not created AFTER its own creation time.
    """
    return _rounded(datetime.now(UTC))


def to_text(moment: datetime | None) -> str:
    """Return a time as UWS has it, ``2026-05-19T17:01:44.038Z``; nothing for None."""
    if moment is None:
        return ""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """Return the time that a client means; what has no time zone is UTC.

    Raises
    ------
    ValueError
        If it is no time of ISO 8601.
    """
    moment = datetime.fromisoformat(text.strip())
    try:
        return _rounded(moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC))
    except OverflowError as error:
        raise ValueError(f"{text!r} is out of range") from error


def _rounded(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
