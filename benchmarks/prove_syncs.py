"""Whether all that a version consists of is on the disk before it is named, as strace sees it.

An import, a written catalog, an extension and an association are each made twice in a process of
their own: with ``durability="power"``, whose order of calls must hold (`sync_order`), and with
``"process"``, which syncs nothing, so that the same check must complain.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import sync_order
from results import Row, Target, save

__all__ = ["CASES", "Case", "seen", "traced", "write_begin", "write_inputs"]

ROOT = Path(__file__).resolve().parents[1]
ROWS = 2_000

_HEAD = """
import skyseries as sky
from pathlib import Path
top, inputs, how, engine = Path({top!r}), Path({inputs!r}), {how!r}, {engine!r}

def survey():
    return sky.open_catalog(top / "survey").assign({{"twice": "mag * 2"}})

with sky.executor(engine, 2):
    {program}
"""
_IMPORT = (
    "sky.import_catalog(inputs / 'objects.parquet', top / 'new/survey', id='id', "
    "lightcurves=inputs / 'sources.parquet', max_rows=300, executor=engine, workers=2, "
    "progress=False, durability=how, overwrite=True)"
)


@dataclass(frozen=True)
class Case:
    """Something that is written."""

    name: str
    program: str
    engine: str = "threads"


CASES = (
    Case("import", _IMPORT),
    Case("import", _IMPORT, "processes"),
    Case("import over a version", _IMPORT.replace("new/survey", "survey")),
    Case("write_catalog", "survey().write_catalog(top / 'new/w', durability=how)"),
    Case(
        "write_catalog over a version",
        "survey().write_catalog(top / 'survey', durability=how, overwrite=True)",
    ),
    Case("write_extension", "survey().write_extension('twice', durability=how)"),
    Case(
        "write_extension over a version",
        "survey().assign({'more': 'mag'}).write_extension('there', durability=how, overwrite=True)",
    ),
    Case(
        "write_association",
        "survey().crossmatch(survey(), 10).write_association(top / 'new/a', durability=how)",
    ),
    Case(
        "write_association over one",
        "survey().crossmatch(survey(), 10)"
        ".write_association(top / 'pairs', durability=how, overwrite=True)",
    ),
)


def write_inputs(folder: Path, rows: int = ROWS) -> None:
    """Write what is imported."""
    draw = np.random.default_rng(1)
    ids = draw.permutation(rows)
    objects = {
        "id": ids, "ra": draw.uniform(0, 40, rows), "dec": draw.uniform(-20, 20, rows),
        "mag": draw.normal(20, 1, rows),
    }  # fmt: skip
    again = np.repeat(ids, 3)
    sources = {
        "id": again, "mjd": draw.uniform(60_000, 61_000, len(again)),
        "flux": draw.normal(100, 3, len(again)),
    }  # fmt: skip
    folder.mkdir(parents=True)
    pq.write_table(pa.table(objects), folder / "objects.parquet")
    pq.write_table(pa.table(sources), folder / "sources.parquet")


def write_begin(inputs: Path) -> None:
    """Write a survey with an extension and an association, which all cases begin with."""
    programs = [
        _IMPORT.replace("new/survey", "survey"),
        "survey().write_extension('there', durability=how)",
        "survey().crossmatch(survey(), 10).write_association(top / 'pairs', durability=how)",
    ]
    for program in programs:
        command = _command(Case("", program), inputs / "begin", inputs, "process")
        subprocess.run(command, check=True, env=_environment())


def traced(case: Case, inputs: Path, durability: str, top: Path) -> Path:
    """Make something below a folder in a process of its own; return the file of its calls."""
    output = top.with_suffix(".calls")
    sync_order.trace(_command(case, top, inputs, durability), output, _environment())
    return output


def seen(case: Case, inputs: Path, durability: str) -> sync_order.Found:
    """Make something beside what all begin with, and say in which order."""
    with tempfile.TemporaryDirectory(dir=inputs) as folder:
        top = Path(folder) / "top"
        shutil.copytree(inputs / "begin", top)
        return sync_order.check(traced(case, inputs, durability, top), top)


def _command(case: Case, top: Path, inputs: Path, how: str) -> list[str]:
    text = _HEAD.format(
        top=str(top), inputs=str(inputs), how=how, engine=case.engine, program=case.program
    )
    return [sys.executable, "-c", text]


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT / "src"), "SKYSERIES_PROGRESS": "0"}


def _row(case: Case, inputs: Path) -> Row:
    """Look at a case twice, and print what was seen."""
    kept, lost = (seen(case, inputs, how) for how in ("power", "process"))
    for how, found in (("power", kept), ("process", lost)):
        counts = (found.files, found.folders, found.syncs, found.named, len(found.faults))
        print(_line(case.name, case.engine, how, *counts), flush=True)
    print("".join(f"    {fault}\n" for fault in kept.faults), end="")
    wrong, told = len(kept.faults), len(lost.faults)
    return Row(
        task=case.name, size=f"{ROWS:,} objects", system=f"skyseries, {case.engine}", jit_cache="-",
        figures={"files": kept.files, "folders": kept.folders, "syncs": kept.syncs},
        targets=(
            Target("named too early = 0", wrong, not wrong),
            Target("the same with durability='process' > 0", told, told > 0 == lost.syncs),
        ),
    )  # fmt: skip


def _line(*cells: object) -> str:
    widths = (32, 11, 11, 6, 8, 6, 6, 11)
    return "".join(
        f"{cell:<{width}}" if place < 3 else f"{cell:>{width}}"
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )


NOTES = (
    "The calls of each way to write, as strace shows them, are played again on a twin of the "
    "folders. A version and the file that names it are *named too early* for each file or name "
    "that is not on the disk by then. With `durability='process'` nothing is synced, and the same "
    "check must find that."
)


def main() -> int:
    """Look at all cases, and save what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", help="only those with this in their name")
    options = parser.parse_args()
    if shutil.which("strace") is None:
        print("skipped: strace is not installed")
        return 0
    print(_line("case", "engine", "durability", "files", "folders", "syncs", "named", "violations"))
    with tempfile.TemporaryDirectory() as folder:
        inputs = Path(folder) / "inputs"
        write_inputs(inputs)
        write_begin(inputs)
        chosen = [case for case in CASES if options.case is None or options.case in case.name]
        rows = [_row(case, inputs) for case in chosen]
    save("syncs", "Synced before it is named", rows, NOTES, full=options.case is None)
    return 0 if all(target.reached for row in rows for target in row.targets) else 1


if __name__ == "__main__":
    sys.exit(main())
