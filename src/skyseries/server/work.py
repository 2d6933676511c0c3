"""What is asked of a worker, and what it answers: plain values that travel as JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

__all__ = ["Began", "Busy", "Failed", "Outcome", "Pool", "Progress", "Running", "Upload", "Work"]


@dataclass(frozen=True)
class Upload:
    """A table that came with a request, as a file that the worker may read."""

    name: str
    """That of ``TAP_UPLOAD.name``."""
    path: str
    """A file whose format its content says."""


@dataclass(frozen=True)
class Work:
    """A statement, and what is to become of its rows."""

    id: str
    """Of the job, or of the request: for logs, and the names of scratch folders."""
    query: str
    format: str = "votable"
    """Short name of an encoder (`skyseries.formats.streams`)."""
    media_type: str = ""
    """What the result is to be called, where the client has said it; else as the encoder does."""
    maxrec: int = 1_000_000
    """Rows at most; one more is an overflow."""
    uploads: tuple[Upload, ...] = ()
    result: str | None = None
    """The file to write, in the folder of results; None: the pieces are sent."""
    seconds: float = 60.0
    """Time that it may take once it runs."""
    votable_version: str = "1.4"
    """1.4 or 1.5."""
    info: tuple[tuple[str, str], ...] = ()
    """INFO elements, metadata of files: of the request, beside what the worker adds itself."""
    kind: Literal["rows", "explain", "samples", "page"] = "rows"
    """``explain``: only what would be read and done, as JSON; ``samples``: a row of each table;
    ``page``: rows of the result in the file ``query``, which is an Arrow stream."""
    first: int = 0
    """The first row of a page."""


@dataclass(frozen=True)
class Progress:
    """How far a statement is."""

    rows: int = 0
    """Rows that were sent or written."""
    bytes: int = 0
    """Bytes that were sent or written."""
    read: int = 0
    """Bytes that were read of catalogs."""
    done: int = 0
    total: int = 0
    """Parts of the sky, if they are known."""


@dataclass(frozen=True)
class Began:
    """The statement is understood, and its result has begun."""

    media_type: str
    suffix: str
    """Of a file with the result: ``.vot``."""


@dataclass(frozen=True)
class Outcome:
    """How a statement ended that gave a whole result."""

    rows: int
    bytes: int
    overflow: bool
    sha256: str
    """Of the file that was written; of what is sent it would take as long as half the encoding, and
    comes too late for its header: empty."""
    media_type: str
    versions: tuple[tuple[str, str], ...] = ()
    """Each catalog's name, and the version of it that was read."""
    times: dict[str, float] = field(default_factory=dict)
    """Seconds of each phase: ``plan``, ``run``, ..."""
    read: int = 0


class Failed(Exception):
    """A statement gave no whole result.

    Parameters
    ----------
    message : str
        What was wrong, for the user: nothing of this machine in it.
    kind : {"usage", "limit", "aborted", "died", "internal"}
        The statement or an upload is wrong; it took more than a limit; somebody ended it; its
        worker died; a fault of ours.
    """

    def __init__(self, message: str, kind: str = "usage") -> None:
        super().__init__(message)
        self.message, self.kind = message, kind


class Busy(Exception):
    """There is no room for one more statement; `seconds`: when to try again."""

    def __init__(self, seconds: float) -> None:
        super().__init__("the service is busy")
        self.seconds = seconds


class Running(Protocol):
    """A statement that a worker has."""

    @property
    def progress(self) -> Progress:
        """How far it is now."""
        ...

    async def began(self) -> Began:
        """Return once its result has begun; raise `Failed` if it will have none."""
        ...

    def pieces(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the result; nothing where a file is written.

        It ends when all is sent, and raises `Failed` if the rest is missing. To close it early ends
        the statement.
        """
        ...

    async def outcome(self) -> Outcome:
        """Return how it ended; raise `Failed`."""
        ...

    def abort(self, message: str = "the statement was aborted") -> None:
        """End it at once, whatever it does; then `outcome` raises `Failed` of kind "aborted"."""
        ...


class Pool(Protocol):
    """Worker processes, and the queue before them."""

    async def run(self, work: Work, *, waits: bool) -> Running:
        """Give a statement to a worker, as soon as it may run: it is planned before.

        Where it cannot be planned, what is returned has failed. To cancel this ends the statement.

        Parameters
        ----------
        work : Work
        waits : bool
            Wait however long it takes (jobs); else raise `Busy` after `Limits.queue_seconds`, or at
            once if the queue is full.
        """
        ...

    def state(self) -> dict[str, Any]:
        """Return how many workers there are, are free, and how many statements wait."""
        ...
