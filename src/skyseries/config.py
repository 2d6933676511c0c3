"""What a process may use, and how work is cut.

Settings hold for a whole process: memory, workers, where scratch files go. They are read once from
the environment (``SKYSERIES_MEMORY``, ``SKYSERIES_WORKERS``, ``SKYSERIES_TMPDIR``) and can be given
to each call instead; ``SKYSERIES_PROGRESS=0`` switches off what long calls show of their progress.

Tuning holds for a block of code: sizes of the parts that work is cut into, and of what is held. No
result depends on it, but where the description of a field says so.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from functools import cache
from numbers import Integral
from pathlib import Path
from typing import Any

from skyseries.errors import InputError

__all__ = [
    "Settings",
    "Tuning",
    "available_memory",
    "cpu_count",
    "parse_bytes",
    "settings",
    "tuned",
    "tuning",
    "with_tuning",
]

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


@dataclass(frozen=True)
class Tuning:
    """Sizes of the parts that work is cut into, and of what is held."""

    unit_rows: int = 1_000_000
    """Rows or epochs of a unit of the sky at most, about: what a task holds in memory."""
    least_unit_rows: int = 50_000
    """Below this, starting a task costs more than it shares out."""
    shuffled_unit_rows: int = 250_000
    """Rows or epochs of a unit that is shuffled, about; the order of the rows depends on it."""
    table_piece_rows: int = 1_000
    """Rows of a table in memory between two places where it may be cut."""
    task_rows: int = 200_000
    """Leaves to write that are lighter than this, in rows or epochs, share a task."""
    near_rows: int = 50_000
    """Rows of the left side of a match from which on it is not asked where each of them is."""
    small_side_bytes: int = 64_000_000
    """A side of a join of no more than so many bytes is given to every task."""
    sent_bytes: int = 1_000_000
    """A table of up to so many bytes is sent with each task, a larger one is written to a file."""
    sorted_values: int = 1_000_000
    """So many values of a quantile are collected and sorted; more are counted first."""
    distinct_texts: int = 1_000
    """So many values of a text column are told apart in a description; the result depends on it."""

    group_rows: int = 100_000
    """Rows of a row group of plain rows: small enough to prune, large enough to decode fast. Files
    depend on it."""
    group_epochs: int = 50_000
    """Epochs of a row group of light curves: one is read and decoded in milliseconds. Files depend
    on it."""
    index_part_rows: int = 5_000_000
    """Rows of a file of an id index. Files depend on it."""
    index_group_rows: int = 8_192
    """Rows of a row group of an id index: one is read for a look-up, about 1 ms. Files depend on
    it."""
    index_groups_at_once: int = 64
    """Row groups of an id index that are read together."""
    margin_task_rows: int = 200_000
    """Rows of a margin that one task writes."""
    margin_held_bytes: int = 64 << 20
    """Border rows that a task holds before it writes a run."""
    metadata_row_groups: int = 100_000
    """Above this ``_metadata`` is left out: its readers parse all of it before anything else."""
    joined_tables: int = 512
    """Small tables of statistics that are joined at once, as they come."""
    run_bytes: int = 128 << 20
    """Bytes of a sorted run of an import at most."""
    piece_bytes: int = 128 << 20
    """Bytes of the part of a leaf that an import assembles at once, at most."""
    cache_bytes: int = 256 << 20
    """What a process keeps of files that it has read: footers, statistics, rows near borders."""
    dictionary_words: int = 1_024
    """Text of up to so many different values is kept as a dictionary in scratch files."""


_DEFAULT = Tuning()
_tuning: ContextVar[Tuning] = ContextVar("skyseries_tuning", default=_DEFAULT)


def tuning() -> Tuning:
    """Return how work is cut here; tasks see what holds where their run was started."""
    return _tuning.get()


@contextlib.contextmanager
def tuned(**sizes: Any) -> Iterator[Tuning]:
    """Cut work in other sizes within a ``with`` block, in this thread and in its tasks.

    Parameters
    ----------
    **sizes : int
        Fields of `Tuning`: bytes from 0 on, all others from 1 on.

    Raises
    ------
    InputError
        For a name that is none of a field's, or a value that is no such number.
    """
    known = {field.name for field in fields(Tuning)}
    for name, value in sizes.items():
        if name not in known:
            raise InputError(f"there is no tuning {name!r}; there are {', '.join(sorted(known))}")
        least = 0 if name.endswith("_bytes") else 1
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise InputError(f"{name} must be a whole number from {least} on, not {value!r}")
    with with_tuning(replace(_tuning.get(), **sizes)) as held:
        yield held


@contextlib.contextmanager
def with_tuning(held: Tuning) -> Iterator[Tuning]:
    """Let a tuning hold within a ``with`` block: that of a run, for its tasks elsewhere."""
    token = _tuning.set(held)
    try:
        yield held
    finally:
        _tuning.reset(token)


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
