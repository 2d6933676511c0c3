"""Rows of results, kept as one small JSON file per benchmark in ``results/``."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from machine import describe
from measure import Measurement

__all__ = ["RESULTS", "WORK", "Row", "Target", "measured_row", "save"]

RESULTS = Path(__file__).resolve().parent / "results"
WORK = Path(__file__).resolve().parent / "work"
"""Inputs and outputs of the runs; ignored by git."""


@dataclass(frozen=True)
class Target:
    """What a measured value must reach."""

    text: str
    value: float
    reached: bool


@dataclass(frozen=True)
class Row:
    """One line of a table: one task, on one input, by one system."""

    task: str
    size: str
    system: str
    jit_cache: str = "warm"
    """warm, cold, or - where nothing is compiled."""
    process: str = "fresh"
    """fresh (start-up is in the time) or warm (measured inside a running process)."""
    wall_s: float | None = None
    cpu_s: float | None = None
    peak_pss_mb: float | None = None
    ratio: float | None = None
    """Time of the peer (without its start-up, where it says it) divided by this one's wall time."""
    figures: dict[str, float | int | str] = field(default_factory=dict)
    """Other numbers of the run, by name with unit."""
    targets: tuple[Target, ...] = ()


def measured_row(
    measurement: Measurement, task: str, size: str, system: str, **more: object
) -> Row:
    """Make a row from a measured process."""
    return Row(
        task=task, size=size, system=system, wall_s=measurement.wall_s,
        cpu_s=measurement.cpu_s, peak_pss_mb=measurement.peak_pss_mb, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def save(
    benchmark: str, title: str, rows: list[Row], notes: str = "", *, full: bool = True
) -> Path:
    """Write the rows of one benchmark, with date and machine, and print them.

    Runs on smaller inputs than the page is about (`full` false) go to ``work/results/``.
    """
    folder = RESULTS if full else WORK / "results"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{benchmark}.json"
    document = {
        "benchmark": benchmark,
        "title": title,
        "date": dt.datetime.now(tz=dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": describe(),
        "notes": notes,
        "rows": [asdict(row) for row in rows],
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
    for row in rows:
        print(json.dumps({k: v for k, v in asdict(row).items() if v not in (None, {}, ())}))
    return path
