"""Settings that hold for a whole process: memory, workers, where scratch files go.

They are read once from the environment (``SKYSERIES_MEMORY``, ``SKYSERIES_WORKERS``,
``SKYSERIES_TMPDIR``) and can be given to each call instead; ``SKYSERIES_PROGRESS=0`` switches off
what is shown of the progress of long calls.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache
from numbers import Integral
from pathlib import Path
from typing import Any

from skyseries.errors import InputError

__all__ = ["Settings", "available_memory", "cpu_count", "parse_bytes", "settings"]

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS_BINARY = {"KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


@dataclass(frozen=True)
class Settings:
    """What a process may use."""

    memory: int
    """Bytes that all workers together may hold."""
    workers: int
    """Threads or processes that work side by side."""
    tmp_dir: Path | None
    """Where scratch files go; None: beside the catalog that is written."""
    progress: bool = True
    """Whether long calls show how far they are."""


@cache
def settings() -> Settings:
    """Return the settings of this process, read from the environment on first use."""
    env = os.environ
    memory = env.get("SKYSERIES_MEMORY")
    workers = env.get("SKYSERIES_WORKERS")
    tmp_dir = env.get("SKYSERIES_TMPDIR")
    return Settings(
        memory=parse_bytes(memory) if memory else available_memory() // 2,
        workers=_parse_workers(workers) if workers else cpu_count(),
        tmp_dir=Path(tmp_dir) if tmp_dir else None,
        progress=_parse_switch(env.get("SKYSERIES_PROGRESS", "1")),
    )


def parse_bytes(text: Any) -> int:
    """Read a size such as ``"1GB"``, ``"512 MiB"`` or ``2000000``.

    Raises
    ------
    InputError
        If the text is not a positive size.
    """
    match = None
    if type(text) is not bool and isinstance(text, str | Integral):
        pattern = r"\s*([0-9]*\.?[0-9]+(?:[eE][0-9]+)?)\s*([A-Za-z]*)\s*"
        match = re.fullmatch(pattern, str(text))
    if match is None:
        raise InputError(f"not a size in bytes: {text!r}; write for instance 1GB or 512MiB")
    number, unit = float(match[1]), match[2].upper().removesuffix("B")
    scale = _UNITS.get(unit, _UNITS_BINARY.get(unit))
    if scale is None or number <= 0:
        raise InputError(f"not a size in bytes: {text!r}; write for instance 1GB or 512MiB")
    return int(number * scale)


def cpu_count() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def available_memory() -> int:
    """Return the bytes of memory that this machine (or its control group) gives us."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit_file in (
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ):
        try:
            text = Path(limit_file).read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            total = min(total, int(text))
    return total


def _parse_workers(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise InputError(f"SKYSERIES_WORKERS must be a whole number from 1 on, not {text!r}")
    return int(text)


def _parse_switch(text: str) -> bool:
    if text not in ("0", "1"):
        raise InputError(f"SKYSERIES_PROGRESS must be 0 or 1, not {text!r}")
    return text == "1"
