"""How many files of the source work on one question, and what opening a catalog imports.

Each is done in a fresh process, on the engine that a user gets who says nothing. The files are
those of which a function is called, by ``sys.setprofile`` in all threads, when the same is done
the second time: what is imported then is imported before.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import generate
from results import WORK

__all__ = ["TRIPS", "opening", "trips"]

TRIPS = ("query", "open_and_query", "write_catalog", "import_catalog")
"""What is done: a filter on a catalog that is open, and so on."""

_ROWS = 30_000
_OPENINGS = 5

_TRIP = """
import sys, threading
from pathlib import Path
import skyseries as sky

folder, what, output = Path({folder!r}), {what!r}, Path({output!r})

catalog = sky.open_catalog(folder / "survey")

def query():
    catalog.query("mag < 20").to_arrow()

def open_and_query():
    sky.open_catalog(folder / "survey").query("mag < 20").to_arrow()

def write_catalog():
    catalog.query("mag < 20").write_catalog(output / "bright", overwrite=True)

def import_catalog():
    sky.import_catalog(
        folder / "objects", output / "again", id="id", overwrite=True, progress=False
    )

do = globals()[what]
home, seen = str(Path(sky.__file__).parent), set()

def look(frame, event, argument):
    if event == "call" and frame.f_code.co_filename.startswith(home):
        seen.add(frame.f_code.co_filename)

do()
threading.setprofile(look)
sys.setprofile(look)
do()
sys.setprofile(None)
threading.setprofile(None)
print(__import__("json").dumps(sorted(file.removeprefix(home + "/") for file in seen)))
"""

_OPENING = """
import sys, time
import skyseries as sky
sky.open_catalog({path!r})
spent = time.process_time()
print(__import__("json").dumps([len(sys.modules), spent]))
"""


def trips(checkout: Path) -> dict[str, list[str]]:
    """Return the files that work on each of `TRIPS`."""
    folder = _prepared(checkout)
    named = {"folder": str(folder), "output": str(folder / "written")}
    return {what: _run(_TRIP.format(what=what, **named), checkout) for what in TRIPS}


def opening(checkout: Path) -> tuple[int, float]:
    """Return how many modules there are after ``open_catalog(path)``, and its CPU seconds.

    The interpreter and ``import skyseries`` are in both; the seconds are the median of five.
    """
    program = _OPENING.format(path=str(_prepared(checkout) / "survey"))
    found = [_run(program, checkout) for _ in range(_OPENINGS)]
    return max(modules for modules, _ in found), statistics.median(spent for _, spent in found)


def _prepared(checkout: Path) -> Path:
    """Return the folder of a small catalog; made by the checkout if it is not there."""
    folder = WORK / "architecture"
    if not (folder / "done").exists():
        generate.objects(folder / "objects", _ROWS)
        program = (
            "import skyseries as sky\n"
            f"sky.import_catalog({str(folder / 'objects')!r}, {str(folder / 'survey')!r}, "
            "id='id', max_rows=20_000, overwrite=True, progress=False)\nprint('null')"
        )
        _run(program, checkout)
        (folder / "done").touch()
    return folder


def _run(program: str, checkout: Path) -> Any:
    """Run a program with the source of a checkout; return what its last line says."""
    environment = os.environ | {"PYTHONPATH": str(checkout / "src"), "SKYSERIES_PROGRESS": "0"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"with {checkout}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])
