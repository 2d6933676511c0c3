"""Worker processes: each runs one statement at a time, and may be killed at any moment.

Of the server's side are `pool` (which statement runs when), `process` (a worker, and our end of its
socket), `statement` (what a request holds of its statement) and `watch` (limits). Of the worker's
side are `worker` (its loop), `task` (one statement), `catalogs` (what is served, opened) and
`confine` (what it may not do). `frames` and `setup` are what they say to each other.
"""

from typing import TYPE_CHECKING

from skyseries.lazy import names_on_use

if TYPE_CHECKING:
    from skyseries.server.workers.pool import WorkerPool
    from skyseries.server.workers.setup import Setup

__all__ = ["Setup", "WorkerPool"]

__getattr__, __dir__ = names_on_use(__name__, {"pool": "WorkerPool", "setup": "Setup"})
