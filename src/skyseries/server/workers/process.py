"""A worker process as the server has it: started, spoken to, watched, killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

from skyseries.errors import ExecutionError
from skyseries.executors.limits import worker_environment
from skyseries.server.workers.frames import (
    FAILED,
    HEADER,
    LOG,
    MOST_JSON,
    READY,
    SETUP,
    packed,
)
from skyseries.server.workers.setup import Setup
from skyseries.server.workers.usage import descendants

__all__ = ["BadFrame", "WorkerProcess"]

_log = logging.getLogger(__name__)

_START_SECONDS = 120.0
_DEATH_SECONDS = 5.0
_CHUNK = 1 << 18
_BUFFER = 4 << 20
"""Bytes of the socket: the system may allow less."""
_OF_MEMORY = 2
"""Of what a worker may take the engine plans with one part in so many; the rest is for libraries,
and for what is encoded."""
_LEAST_BYTES = 256 << 20


class BadFrame(Exception):
    """A worker said what none says."""


class WorkerProcess:
    """A worker, and our end of its socket.

    Parameters
    ----------
    process : asyncio.subprocess.Process
    sock : socket
    scratch : Path
        The folder of its files.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, sock: socket.socket, scratch: Path
    ) -> None:
        self.pid, self.scratch = process.pid, scratch
        self.missing: list[str] = []
        """What this system cannot keep it from."""
        self._process, self._socket = process, sock
        self._is_killed = False
        self._loop = asyncio.get_running_loop()
        self._buffer, self._at = b"", 0
        self._death = asyncio.create_task(self._wait())

    @classmethod
    async def start(cls, setup: Setup, scratch: Path) -> Self:
        """Start one, and return it when it is ready.

        Raises
        ------
        ExecutionError
            If it does not come so far.
        """
        scratch.mkdir(mode=0o700)
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        ours.setblocking(False)
        with theirs:
            process = await _started(theirs.fileno(), _environment(setup, scratch))
        worker = cls(process, ours, scratch)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await worker._prepare(replace(setup, scratch=str(scratch)))
        except BaseException as error:
            await worker.end()
            await worker.close()
            if isinstance(error, TimeoutError):
                text = f"a worker was not ready in {_START_SECONDS:.0f} s"
                raise ExecutionError(text) from None
            raise
        return worker

    async def _prepare(self, setup: Setup) -> None:
        try:
            await self.send(SETUP, asdict(setup))
            kind, size = await self.frame()
            value = await self.json(size)
        except EOFError:
            raise ExecutionError(f"a worker {await self.end()}") from None
        if kind == FAILED:
            raise ExecutionError(f"a worker cannot be started: {value['message']}")
        if kind != READY:
            raise BadFrame(f"{kind!r} in place of ready")
        self.missing = [str(text) for text in value["missing"]]

    # --- frames -----------------------------------------------------------------------------

    async def send(self, kind: bytes, value: Any = None) -> None:
        """Send a frame of JSON.

        Raises
        ------
        EOFError
            If the worker has gone.
        """
        try:
            await self._loop.sock_sendall(self._socket, packed(kind, value))
        except OSError as error:
            raise EOFError from error

    async def frame(self) -> tuple[bytes, int]:
        """Return the kind and the size of the next frame, whose body is to be read next.

        Raises
        ------
        EOFError
            If the worker has gone.
        BadFrame
        """
        while True:
            kind, size = HEADER.unpack(await self._exactly(HEADER.size))
            if kind != LOG:
                return kind, size
            self._put_in_log(await self.json(size))

    async def json(self, size: int) -> Any:
        """Return the body of a frame of JSON."""
        if size > MOST_JSON:
            raise BadFrame(f"a message of {size:,} bytes")
        try:
            return json.loads(await self._exactly(size))
        except ValueError as error:
            raise BadFrame(str(error)) from error

    async def some(self, size: int) -> bytes:
        """Return at most so many bytes of a piece, as they come."""
        if self._at == len(self._buffer):
            self._buffer, self._at = await self._receive(), 0
        part = self._buffer[self._at : self._at + size]
        self._at += len(part)
        return part

    async def _exactly(self, size: int) -> bytes:
        while len(self._buffer) - self._at < size:
            more = await self._receive()
            self._buffer, self._at = self._buffer[self._at :] + more, 0
        part = self._buffer[self._at : self._at + size]
        self._at += size
        return part

    async def _receive(self) -> bytes:
        try:
            data = await self._loop.sock_recv(self._socket, _CHUNK)
        except OSError as error:
            raise EOFError from error
        if not data:
            raise EOFError
        return data

    def _put_in_log(self, said: Any) -> None:
        try:
            level, message, trace = int(said["level"]), str(said["message"]), str(said["trace"])
        except (TypeError, KeyError, ValueError) as error:
            raise BadFrame("a line for the log") from error
        _log.log(level, "worker %d: %s%s", self.pid, message, f"\n{trace}" if trace else "")

    # --- its end ----------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return not self._death.done()

    def kill(self) -> None:
        """End it at once, whatever it does, and all that it has started."""
        if self._process.returncode is not None:
            return
        self._is_killed = True
        below = descendants(self.pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for pid in below:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    async def end(self) -> str:
        """Kill it if need be, and return how it has ended."""
        self.kill()
        try:
            async with asyncio.timeout(_DEATH_SECONDS):
                return await self.ended()
        except TimeoutError:
            return "does not end, though it was killed"

    async def ended(self) -> str:
        """Return how it has ended, once it has."""
        return await asyncio.shield(self._death)

    async def _wait(self) -> str:
        code = await self._process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)  # what it has left
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes who waits, also if a child has it open
        how = _obituary(code)
        level = logging.DEBUG if self._is_killed else logging.ERROR
        _log.log(level, "worker %d %s", self.pid, how)
        return how

    async def close(self) -> None:
        """Remove what is left of one that has ended; what it has sent is lost."""
        self._socket.close()
        await asyncio.to_thread(shutil.rmtree, self.scratch, ignore_errors=True)


async def _started(number: int, environment: dict[str, str]) -> asyncio.subprocess.Process:
    arguments = ["-P", "-m", "skyseries.server.workers.worker", number, os.getpid()]
    return await asyncio.create_subprocess_exec(
        sys.executable, *map(str, arguments), pass_fds=[number], env=environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=2, start_new_session=True,
    )  # fmt: skip


def _obituary(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    name = signal.Signals(-code).name
    hint = " (the system kills when memory runs out)" if code == -signal.SIGKILL else ""
    return f"was ended by signal {name}{hint}"


def _environment(setup: Setup, scratch: Path) -> dict[str, str]:
    memory = max(setup.limits.memory // _OF_MEMORY, _LEAST_BYTES)
    return {
        **os.environ,
        **worker_environment(memory, setup.threads),
        "PYTHONPATH": os.pathsep.join(_python_path(sys.path)),
        "SKYSERIES_TMPDIR": str(scratch),
        "SKYSERIES_PROGRESS": "0",
        "TMPDIR": str(scratch),
    }


def _python_path(entries: Sequence[str]) -> list[str]:
    return [entry or str(Path.cwd()) for entry in entries]
