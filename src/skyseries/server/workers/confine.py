"""What a worker may not do: write elsewhere, outlive the server, signal others, keep the memory.

It is asked for before any thread is started, so that it holds for all of them, and for what the
worker starts. Only the standard library is imported here.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

__all__ = ["confine"]

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_CHILD_SUBREAPER = 1, 38, 36
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1

_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
_CHANGES = _WRITE_FILE | sum(1 << bit for bit in range(4, 13))
"""To write files, to remove and to make entries of folders."""
_REFER = 1 << 13
_TCP = 0b11
_SCOPES = 0b11
"""No signals, and no abstract sockets, to what is not confined so."""

_FIRST_VICTIM = "900"
"""Of 1000: where memory runs out the system kills workers, and not the server."""


def confine(server: int, folders: Iterable[str], *, network: bool) -> list[str]:
    """Take from this process what a worker does not need.

    Parameters
    ----------
    server : int
        Number of the process that this one must not outlive.
    folders : iterable of str
        What may be written to, beside ``/dev/null``.
    network : bool
        Whether connections may be made.

    Returns
    -------
    list of str
        What this system does not offer.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return ["a worker may write wherever the server may: only Linux can forbid it"]
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_VICTIM)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != server:  # it ended before this was asked for
        os._exit(1)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # what it starts stays below it
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    if version < 1:
        return ["a worker may write wherever the server may: this kernel has no landlock"]
    _landlock(libc, version, folders, network)
    return []


def _landlock(libc: ctypes.CDLL, version: int, folders: Iterable[str], network: bool) -> None:
    changes = _CHANGES
    changes |= _REFER if version >= 2 else 0
    changes |= _TRUNCATE if version >= 3 else 0
    asked = [changes, _TCP if version >= 4 and not network else 0, _SCOPES if version >= 6 else 0]
    asked = asked[: 1 + (version >= 4) + (version >= 6)]
    attribute = (ctypes.c_uint64 * len(asked))(*asked)
    size = ctypes.c_size_t(ctypes.sizeof(attribute))
    rules = _checked(libc.syscall(_CREATE_RULESET, ctypes.byref(attribute), size, 0))
    try:
        for path in (*folders, os.devnull):
            _allow(libc, rules, path, changes)
        _checked(libc.syscall(_RESTRICT_SELF, rules, 0))
    finally:
        os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: str, changes: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            changes &= _WRITE_FILE | _TRUNCATE
        rule = changes.to_bytes(8, sys.byteorder) + place.to_bytes(4, sys.byteorder)
        _checked(libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, rule, 0))
    finally:
        os.close(place)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"landlock: {os.strerror(number)}")
    return result
