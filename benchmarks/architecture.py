"""The house, counted: what should be there once, how rooms hang together, how far a query travels.

``architecture.py --base CHECKOUT`` counts this checkout and an earlier one, prints the places and
saves the numbers. What is counted, and by which sign in the source, is said in ``count_code.py``
(ladders, ordered streams, runs without a job), ``count_writes.py`` (transactions, resume systems,
fingerprints, owners of collection.properties), ``count_rooms.py`` (rooms of ``catalog/``, circles,
imports from the plan up), ``count_growth.py`` (statements) and ``count_trips.py`` (files that work
on a query, modules that opening a catalog imports).
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

from count_code import Source
from count_growth import Growth, growth
from count_rooms import rooms
from count_trips import opening, trips
from count_writes import writes
from results import Row, Target, save

HERE = Path(__file__).resolve().parents[1]
GOALS = {
    "ladders": 1, "ordered streams": 1, "runs without a job": 0,
    "rooms of catalog/": 12, "circles in catalog/": 0, "imports from the plan up to the run": 0,
    "files of query": 32, "modules after open_catalog": 399,
    "files of write_catalog": 50, "files of import_catalog": 38,
    "transactions": 1, "resume systems": 1, "fingerprints": 1,
    "owners of collection.properties": 1,
}  # fmt: skip
FEWER = 1000
"""Since before there was one plan, one run (600 of them) and one write."""

Places = dict[str, list[str]]


def places(checkout: Path) -> Places:
    """Return what is found in the source of a checkout, and where."""
    source, found = Source(checkout), rooms(checkout)
    circles = [" <-> ".join(circle) for circle in found.circles]
    annotated = [" <-> ".join(c) + " (for annotations)" for c in found.annotation_circles]
    return writes(source) | {
        "ladders": source.ladders(),
        "ordered streams": source.ordered_streams(),
        "runs without a job": source.runs_without_job(),
        "rooms of catalog/": list(found.rooms),
        "circles in catalog/": circles + annotated,
        "imports from the plan up to the run": list(found.upward),
        "the same inside of functions": list(found.upward_inside),
    }


def travelled(checkout: Path) -> Places:
    """Return the files that work on what is asked for."""
    return {f"files of {what}": files for what, files in trips(checkout).items()}


def row(task: str, number: int, before: int | None, figures: dict[str, str]) -> Row:
    """Make one line of the table."""
    goal = GOALS.get(task)
    target = () if goal is None else (Target(f"<= {goal}", number, number <= goal),)
    numbers: dict[str, int | str] = {"now": number}
    if before is not None:
        numbers["then"] = before
    return Row(
        task=task, size="source", system="skyseries", jit_cache="-",
        figures=numbers | figures, targets=target,
    )  # fmt: skip


def rows_of_places(now: Places, then: Places) -> list[Row]:
    """Print the places, and make a line for each kind; a few places are named in the table."""
    made = []
    for task, found in now.items():
        print(f"{task}: {len(found)}", *found, sep="\n    ", flush=True)
        before = len(then[task]) if then else None
        named = {"which": "; ".join(found)} if 0 < len(found) <= 4 else {}
        made.append(row(task, len(found), before, named))
    return made


def rows_of_opening(checkout: Path, base: Path | None) -> list[Row]:
    """Count the modules after a catalog was opened."""
    modules, seconds = opening(checkout)
    before = opening(base) if base else None
    figures = {"CPU, s": f"{seconds:.2f}"}
    if before is not None:
        figures["CPU then, s"] = f"{before[1]:.2f}"
    return [row("modules after open_catalog", modules, before and before[0], figures)]


def row_of_growth(found: Growth) -> Row:
    """Print what has become more or less, and make a line."""
    then, kept = sum(found.base.values()), sum(found.kept.values())
    definitions, files = sum(found.new.values()), sum(found.files.values())
    print("statements, by file that existed before:", *found.lines, sep="\n    ")
    parts = (
        ("new definitions in these:", found.new),
        ("new files:", found.files),
        ("taken for another name of what has gone:", found.renamed),
    )
    for title, by_name in parts:
        print(title, *(f"{name}: {value}" for name, value in by_name.items()), sep="\n    ")
    difference = kept - then
    print(
        f"in what existed before: {then:,} -> {kept:,} ({difference:+,}), new definitions there: "
        f"{definitions:,}, new files: {files:,}", flush=True,
    )  # fmt: skip
    return Row(
        task="statements in what existed before", size="source", system="skyseries", jit_cache="-",
        figures={
            "now": kept, "then": then, "new definitions in files that were there": definitions,
            "new files": files,
        },
        targets=(
            Target(f"{FEWER} fewer: difference <= {-FEWER}", difference, difference <= -FEWER),
        ),
    )  # fmt: skip


def main() -> None:
    """Count and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, help="the checkout to compare with")
    parser.add_argument("--no-trips", action="store_true", help="the source only; runs nothing")
    options = parser.parse_args()
    base = options.base.resolve() if options.base else None
    made = rows_of_places(places(HERE), places(base) if base else {})
    notes = "Where there is no number of then, no earlier commit was counted. "
    if base is not None:
        command = ["git", "-C", str(base), "rev-parse", "--short", "HEAD"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        notes = f"`then` is commit {done.stdout.strip()}. "
        made.append(row_of_growth(growth(HERE, base)))
    if not options.no_trips:
        made += rows_of_places(travelled(HERE), travelled(base) if base else {})
        made += rows_of_opening(HERE, base)
    notes += (
        "By which signs in the source things are counted is said in `benchmarks/count_*.py`, and "
        "where they are is printed. Statements: of the syntax tree, without documentation; files "
        "followed when renamed, what is new counted apart. Files: of which a function "
        "is called, in all threads, the second time."
    )
    save("architecture", "The source, counted", made, notes, full=not options.no_trips)


if __name__ == "__main__":
    main()
