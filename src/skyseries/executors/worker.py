"""What runs in a worker process, and how calls and outcomes travel to it and back.

A message is bytes made by cloudpickle: functions and classes of a script or a notebook travel by
value, everything else by reference.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle

from skyseries.config import Tuning, with_tuning
from skyseries.executors.context import Cost, task_context
from skyseries.executors.local import Serial
from skyseries.executors.retrying import RemoteTraceback, is_transient

__all__ = ["answer", "end_with", "pack_call", "serve", "unpack_reply"]

_IDLE_SECONDS = 0.2
"""A worker without work for this long gives its free memory back to the system. Between tasks it
keeps it: the next one needs it again."""
_PARENT_INTERVAL = 0.5
"""Seconds between two looks at whether the parent still lives."""


def pack_call(function: Callable[..., Any], args: tuple[Any, ...], held: Tuning) -> bytes:
    """Return the message that asks a worker for ``function(*args)`` with the tuning of its run."""
    try:
        return cloudpickle.dumps((function, args, held))  # type: ignore[no-any-return]
    except Exception as error:
        error.add_note(
            "The function of a task and its arguments must be picklable to run in a process; "
            "the engine 'threads' has no such limit."
        )
        raise


def unpack_reply(data: bytes) -> tuple[Any, Cost]:
    """Return the value of a reply and what it took, or raise the task's error.

    The traceback from the worker is the cause of that error.
    """
    value, cost, failure = pickle.loads(data)  # noqa: S301 - from our own worker
    if failure is None:
        return value, cost
    packed, text, transient = failure
    error: BaseException = _unpack_error(packed, text)
    raise error from RemoteTraceback(text, transient)


def serve(connection: Connection, parent: int) -> None:
    """Answer calls until the other end is closed: the life of a worker process."""
    # Ctrl-C reaches the whole process group; what becomes of the run is the parent's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    end_with(parent)
    while True:
        if not connection.poll(_IDLE_SECONDS):
            _free_memory()
        try:
            connection.send_bytes(answer(connection.recv_bytes()))
        except (EOFError, OSError):
            return


def answer(message: bytes) -> bytes:
    """Run the call of a message; return the reply, whatever happens in it."""
    try:
        with task_context(Serial()) as scope:
            function, args, held = pickle.loads(message)  # noqa: S301 - from our own parent
            with with_tuning(held):
                value, cost = scope.measured(function, args)
            return cloudpickle.dumps((value, cost, None))  # type: ignore[no-any-return]
    except BaseException as error:
        text = "".join(traceback.format_exception(error))
        return pickle.dumps((None, Cost(), (_pack_error(error), text, is_transient(error))))


def _pack_error(error: BaseException) -> bytes | None:
    """Pickle an error so that it certainly can be read again, or return None.

    The usual way fails for a class whose constructor wants other arguments than `args`, so the
    second way builds it without its constructor, from those attributes that can be pickled.
    """
    with contextlib.suppress(Exception):
        data: bytes = cloudpickle.dumps(error)
        if type(pickle.loads(data)) is type(error):  # noqa: S301 - written just before
            return data
    with contextlib.suppress(Exception):
        state = {key: value for key, value in vars(error).items() if _survives(value)}
        args = tuple(value if _survives(value) else repr(value) for value in error.args)
        data = cloudpickle.dumps((type(error), args, state))
        _rebuild(*pickle.loads(data))  # noqa: S301 - written just before
        return data
    return None


def _unpack_error(packed: bytes | None, text: str) -> BaseException:
    if packed is None:
        return RuntimeError(text.strip().rsplit("\n", 1)[-1])
    content = pickle.loads(packed)  # noqa: S301 - from our own worker
    return content if isinstance(content, BaseException) else _rebuild(*content)


def _rebuild(
    kind: type[BaseException], args: tuple[Any, ...], state: dict[str, Any]
) -> BaseException:
    error = kind.__new__(kind)
    error.args = args
    vars(error).update(state)
    return error


def _survives(value: Any) -> bool:
    try:
        pickle.loads(cloudpickle.dumps(value))  # noqa: S301 - written just before
    except Exception:
        return False
    return True


def end_with(parent: int) -> None:
    """End this process when its parent is gone, however that went: nobody wants the result."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_INTERVAL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _free_memory() -> None:
    gc.collect()
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None:
        pyarrow.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):  # glibc only
        ctypes.CDLL(None).malloc_trim(0)
