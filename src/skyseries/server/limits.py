"""What one statement may take of the machine, and how many run at once."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """The limits of a service; sizes in bytes, times in seconds.

    Each is a setting of `skyseries serve` (``--workers``, ``--memory``, ...), a key of its TOML
    file, and is said in the capabilities where the standards have a place for it.
    """

    workers: int = 4
    """Statements that run at once, each in a process of its own."""
    short_workers: int = 1
    """Of these, how many take short statements only."""
    short_bytes: int = 64 << 20
    """A statement that reads no more is short."""
    memory: int = 2 << 30
    """Resident memory of one worker."""
    scratch: int = 20 << 30
    """Files that one statement may spill."""
    sync_seconds: float = 60.0
    """Time that a synchronous statement may take, from its start."""
    async_seconds: float = 4 * 3600.0
    """The same of a job; a client may ask for less."""
    plan_seconds: float = 20.0
    """Time until it is known what a statement reads."""
    write_seconds: float = 60.0
    """A client that takes nothing for so long has gone."""
    connections: int = 1_000
    """Connections at once; more take the place of those that have been idle for the longest."""
    head_seconds: float = 20.0
    """Time until all headers of a request are there; so long a connection may be idle, too."""
    head_bytes: int = 1 << 20
    """Bytes of the headers of a request, with its address."""
    queue: int = 64
    """Synchronous statements that may wait for a worker; more are answered 503."""
    queue_seconds: float = 20.0
    """How long one may wait."""
    jobs: int = 10_000
    """Jobs that are kept; more are answered 503."""
    maxrec: int = 1_000_000
    """Rows of a result, if the client does not say."""
    maxrec_hard: int = 100_000_000
    """Rows of a result at most."""
    result_bytes: int = 100 << 30
    """Bytes of a result at most."""
    body_bytes: int = 32 << 20
    """Bytes of the body of a request, uploads included."""
    upload_rows: int = 1_000_000
    """Rows of one uploaded table."""
    upload_bytes: int = 256 << 20
    """Bytes of the uploaded tables of one request, unpacked."""
    destruction_seconds: float = 7 * 86_400.0
    """A job and its result are kept for so long."""
