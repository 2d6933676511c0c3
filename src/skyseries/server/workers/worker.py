"""The process of a worker: ``python -m skyseries.server.workers.worker FD SERVER``.

It is told what it serves, gives away what it does not need, opens the catalogs, and takes one
statement after the other, until the server has gone.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import queue
import shutil
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyseries.errors import SkyseriesError
from skyseries.nopandas import deny_pandas
from skyseries.server.workers.confine import confine
from skyseries.server.workers.frames import FAILED, GO, LOG, READY, WORK, Channel
from skyseries.server.workers.setup import Setup, setup_of, work_of

if TYPE_CHECKING:
    from skyseries.server.workers.task import Tasks

__all__ = ["main"]

_KERNELS = "skyseries-kernels-"
"""Where `skyseries.jit` keeps them if it can write nowhere else."""


def main() -> None:
    """Run a worker."""
    faulthandler.enable()
    number, server = map(int, sys.argv[1:3])
    os.set_inheritable(number, False)
    channel = Channel(socket.socket(fileno=number))
    with contextlib.suppress(ConnectionError, EOFError):
        _, said = channel.receive()
        setup = setup_of(said)
        logging.getLogger().addHandler(_Handler(channel))
        try:
            missing = _confine(server, setup)  # before there are threads
            commands = _Commands(channel)
            tasks = _prepare(channel, setup)
        except Exception as error:
            channel.tell(
                FAILED, {"message": f"{type(error).__name__}: {error}", "kind": "internal"}
            )
            if isinstance(error, SkyseriesError):  # which says all that there is to say
                sys.exit(1)
            raise
        channel.tell(READY, {"missing": missing})
        while True:
            work = work_of(commands.next(WORK))
            tasks.run(work, commands.may_run)
            _clean(Path(setup.scratch))


def _confine(server: int, setup: Setup) -> list[str]:
    folders = [setup.scratch, *([setup.results] if setup.results else [])]
    network = any("://" in path for _, path in setup.catalogs)
    return confine(server, folders, network=network)


def _prepare(channel: Channel, setup: Setup) -> Tasks:
    """Load what statements need: plug-ins, catalogs, and by a few statements all the rest."""
    from skyseries.executors import create_executor
    from skyseries.server.workers.catalogs import Served
    from skyseries.server.workers.plugins import function_of
    from skyseries.server.workers.task import Tasks
    from skyseries.server.workers.warming import warm

    if not setup.plugins:
        deny_pandas()
    for name in setup.plugins:
        function_of(name)()
    served = Served(setup)
    engine = create_executor("serial" if setup.threads == 1 else "threads", setup.threads)
    warm(served, engine)
    return Tasks(channel, served, setup, engine)


class _Commands:
    """What the server says, read by a thread: so that the end of the server is seen at once."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._heard: queue.SimpleQueue[tuple[bytes, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def next(self, kind: bytes) -> Any:
        """Return what comes with the next command, which is of this kind."""
        while True:
            heard, value = self._heard.get()
            if heard == kind:
                return value

    def may_run(self) -> bool:
        """Return whether the server lets a statement run now."""
        return self._heard.get()[0] == GO

    def _listen(self) -> None:
        try:
            while True:
                self._heard.put(self._channel.receive())
        except BaseException:
            os.killpg(0, signal.SIGKILL)  # with all that a statement has started


class _Handler(logging.Handler):
    """Hands what is logged to the server."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        trace = ""
        if record.exc_info:
            trace = "".join(traceback.format_exception(*record.exc_info))
        said = {"level": record.levelno, "message": record.getMessage(), "trace": trace}
        with contextlib.suppress(OSError):
            self._channel.tell(LOG, said)


def _clean(folder: Path) -> None:
    """Remove what a statement has left, but for kernels that it had to compile."""
    for left in folder.iterdir():
        if left.name.startswith(_KERNELS):
            continue
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
