"""Kernels are compiled in processes of their own: side by side, and ended within a moment.

Numba holds the interpreter and does not hear Ctrl-C while LLVM works; a process that compiles can
be ended, and what was made before is kept. Of several processes that want a kernel one compiles it.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import selectors
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, cast

from skyseries.config import settings
from skyseries.jit import store
from skyseries.jit.wanted import Wanted
from skyseries.jit.watching import Watch, watch_here

__all__ = ["IDLE_STATUS", "build"]

_EACH = 6
"""So many kernels are worth the start of another process."""
_MEMORY = 800_000_000
"""Bytes that a process takes which compiles the largest kernels."""
_POLL = 0.05
IDLE_STATUS = 75
"""How such a process ends where nothing was asked for a while: it holds much memory."""
_IDLE = "it was idle"


def build(wanted: Iterable[Wanted]) -> dict[Wanted, str]:
    """Compile kernels, and keep them.

    Returns
    -------
    troubles : dict of Wanted to str
        What went wrong with those that could not be compiled.

    Raises
    ------
    OSError
        If no process can be started.
    """
    left = [each for each in dict.fromkeys(wanted) if not store.is_kept(each.name)]
    if not left:
        return {}
    if not hasattr(os, "register_at_fork"):
        raise OSError("pipes cannot be waited for here")
    if not sys.executable:
        raise OSError("there is no interpreter to start")
    with ExitStack() as stack:
        watch = stack.enter_context(_watching())
        while not _building.acquire(timeout=_POLL):  # another thread builds
            watch(0, len(left))
        stack.callback(_building.release)
        stack.enter_context(_ended_on_failure())
        troubles = _Work(deque(left), len(left), watch).do(stack)
        for builder in _builders[1:]:
            builder.end()
        return troubles


@dataclass
class _Work:
    """Kernels to compile."""

    left: deque[Wanted]
    total: int
    watch: Watch
    troubles: dict[Wanted, str] = field(default_factory=dict)
    doing: dict[_Builder, tuple[Wanted, ExitStack]] = field(default_factory=dict)
    done: int = 0

    def do(self, stack: ExitStack) -> dict[Wanted, str]:
        """Compile all."""
        stack.callback(self._let_go)
        with selectors.DefaultSelector() as selector:
            while self.left or self.doing:
                self._share(selector)
                self.watch(self.done, self.total)
                for key, _ in selector.select(_POLL):
                    selector.unregister(key.fileobj)
                    self._take(key.data)
        self.watch(self.done, self.total)
        return self.troubles

    def _share(self, selector: selectors.BaseSelector) -> None:
        """Give kernels to idle processes; those that another program compiles are waited for."""
        for _ in range(len(self.left)):
            if not self._has_idle():
                return
            wanted = self.left.popleft()
            if store.is_kept(wanted.name):
                self.done += 1
                continue
            claim = store.claim(wanted.name)
            if claim is None:
                self.left.append(wanted)
                continue
            claimed = ExitStack()
            claimed.enter_context(claim)
            builder = self._idle()
            self.doing[builder] = wanted, claimed
            builder.ask(wanted)
            selector.register(builder.output, selectors.EVENT_READ, builder)

    def _has_idle(self) -> bool:
        n = len(_builders)
        return len(self.doing) < n or self._has_place(n)

    def _has_place(self, n: int) -> bool:
        most = min(settings().workers, settings().memory // _MEMORY)
        return n == 0 or (n < most and self.total > n * _EACH)

    def _idle(self) -> _Builder:
        for builder in [each for each in _builders if each not in self.doing]:
            if builder.lives():
                return builder
            builder.end()
        _builders.append(_Builder())
        return _builders[-1]

    def _take(self, builder: _Builder) -> None:
        wanted, claimed = self.doing.pop(builder)
        with claimed:
            trouble = builder.answer()
        if trouble == _IDLE:
            self.left.append(wanted)
            return
        self.done += 1
        if trouble:
            self.troubles[wanted] = trouble

    def _let_go(self) -> None:
        for _, claimed in self.doing.values():
            claimed.close()


class _Builder:
    """A process that compiles."""

    def __init__(self) -> None:
        path = [os.path.abspath(each) for each in map(str, sys.path)]  # noqa: PTH100 - "" is here
        start = f"import sys; sys.path[:] = {path!r}; from skyseries.jit.worker import main"
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"{start}; main()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
            start_new_session=True,  # Ctrl-C of a terminal is for who asked
        )  # fmt: skip
        self._input = cast(IO[bytes], self._process.stdin)
        self.output = cast(IO[bytes], self._process.stdout)

    def ask(self, wanted: Wanted) -> None:
        """Let it compile a kernel."""
        with contextlib.suppress(BrokenPipeError):  # its answer says so
            asked = [wanted, list(map(str, store.folders()))]
            self._input.write(json.dumps(asked).encode() + b"\n")

    def answer(self) -> str:
        """Return what went wrong; empty if nothing."""
        line = self.output.readline()
        if line:
            return line.decode(errors="replace").strip()
        self.end()
        if self._process.returncode == IDLE_STATUS:
            return _IDLE
        return f"the process that compiles has ended with status {self._process.returncode}"

    def lives(self) -> bool:
        """Return whether it can be asked."""
        return self._process.poll() is None

    def end(self) -> None:
        """End it at once."""
        with contextlib.suppress(ValueError):
            _builders.remove(self)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._input.close()
        self.output.close()


_builders: list[_Builder] = []
_building = threading.Lock()


@contextlib.contextmanager
def _ended_on_failure() -> Iterator[None]:
    try:
        yield
    except BaseException:
        _end_all()
        raise


@atexit.register
def _end_all() -> None:
    while _builders:
        _builders[-1].end()


def _forget_all() -> None:
    """After a fork: the processes are those of the parent."""
    global _building
    _builders.clear()
    _building = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


@contextlib.contextmanager
def _watching() -> Iterator[Watch]:
    watch = watch_here.get()
    if watch is not None:
        yield watch
    elif not settings().progress or sys.stderr is None or not sys.stderr.isatty():
        yield lambda done, total: None
    else:
        from skyseries.jit.bar import bar

        with bar() as show:
            yield show
