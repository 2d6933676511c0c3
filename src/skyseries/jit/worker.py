"""The process that compiles: it reads what to compile, and keeps it where all find it.

Each line of its input is a kernel and the folders to keep it in, as JSON; it answers each with a
line, empty where all is well. It ends with its input, or when nothing is asked for a while.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
from queue import Empty, SimpleQueue
from typing import Any

__all__ = ["main"]

_PATIENCE = 20.0


def main() -> None:
    """Compile what is asked for until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # nothing else may be written between answers
    asked: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(asked,), daemon=True).start()
    from skyseries.jit import kernels
    from skyseries.jit.builders import IDLE_STATUS
    from skyseries.jit.compiling import drafting

    kernels.callee_options.update(no_cpython_wrapper=True, no_cfunc_wrapper=True)
    with drafting():
        while True:
            try:
                _compile(*json.loads(asked.get(timeout=_PATIENCE)))
                answers.write("\n")
            except Empty:
                os._exit(IDLE_STATUS)
            except Exception as error:
                answers.write(f"{type(error).__name__}: {error}".replace("\n", " ") + "\n")


def _read(asked: SimpleQueue[bytes]) -> None:
    """Hand on what is read; with the end of the input nobody waits for what is being compiled."""
    for line in sys.stdin.buffer:
        asked.put(line)
    os._exit(0)


def _compile(asked: list[Any], folders: list[str]) -> None:
    from skyseries.jit import store
    from skyseries.jit.compiling import compiled_kernel
    from skyseries.jit.signatures import portable
    from skyseries.jit.wanted import Wanted

    store.use(folders)
    wanted = Wanted(*portable(asked))
    kernel: Any = importlib.import_module(wanted.module)
    for part in wanted.qualname.split("."):
        kernel = getattr(kernel, part)
    if kernel.wanted(wanted.key) != wanted:
        raise ValueError(f"{wanted.qualname} is not what its source says, or was")
    if not store.is_kept(wanted.name):
        store.keep(
            wanted.name,
            compiled_kernel(kernel.py_func, kernel.options, wanted.key, wanted.symbol),
        )
