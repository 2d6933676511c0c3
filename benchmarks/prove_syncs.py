"""Whether all that a version consists of is on the disk before it is named, as strace sees it.

An import, a written catalog, an extension and an association are each made twice in a process of
their own: with ``durability="power"``, whose order of calls must hold (`sync_order`), and with
``"process"``, which syncs nothing, so that the same check must complain.
"""

from __future__ import annotations

import argparse
import itertools
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


def _fails(case: Case, inputs: Path, how: str) -> bool:
    found = seen(case, inputs, how)
    counts = (found.files, found.folders, found.syncs, found.named, len(found.faults))
    print(_line(case.name, case.engine, how, *counts), flush=True)
    if how == "process":
        return not found.faults or found.syncs > 0
    print("".join(f"    {fault}\n" for fault in found.faults), end="")
    return bool(found.faults)


def _line(*cells: object) -> str:
    widths = (32, 11, 11, 6, 8, 6, 6, 11)
    return "".join(
        f"{cell:<{width}}" if place < 3 else f"{cell:>{width}}"
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )


def main() -> int:
    """Look at all cases, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", help="only those with this in their name")
    options = parser.parse_args()
    if shutil.which("strace") is None:
        print("skipped: strace is not installed")
        return 0
    print(_line("case", "engine", "durability", "files", "folders", "syncs", "named", "violations"))
    wrong = False
    with tempfile.TemporaryDirectory() as folder:
        inputs = Path(folder) / "inputs"
        write_inputs(inputs)
        write_begin(inputs)
        chosen = [case for case in CASES if options.case is None or options.case in case.name]
        for case, how in itertools.product(chosen, ("power", "process")):
            wrong |= _fails(case, inputs, how)
    print("something is named too early" if wrong else "all is on the disk before it is named")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
