"""Races of two and of four processes that write to one catalog at once.

``prove_writers.py --races 100 --seed 1``. All begin at the same moment, in processes that are
forked from one that has everything loaded; in a third of the races one of them is killed at a
random moment. Then must hold: whoever was not killed has written what it should, or says in one
line of a `SkyseriesError` why not, where that may be; the numbers of all versions differ, and each
is whole; every extension that was written is listed and loads; nothing is left lying about but
what the killed one had; and that one, run again, ends well.
"""

from __future__ import annotations

import argparse
import itertools
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from results import Row, Target, save
from writers import Child, Said, in_child, load, look, write, write_begin

__all__ = ["KINDS", "Kind", "Race", "run"]


@dataclass(frozen=True)
class Kind:
    """Who races with whom, in a folder that holds a survey, or nothing."""

    name: str
    writers: tuple[str, ...]
    there: bool = True
    overwrite: bool = True
    refused: int = 0
    """So many may be told that another one has come first."""


KINDS = (
    Kind("import and write", ("import 2", "write 10")),
    Kind("two writes", ("write 10", "write 20")),
    Kind("two extensions", ("extension a 7", "extension b 8"), overwrite=False),
    Kind("extension and import", ("extension there 7", "import 2")),
    Kind("one extension twice", ("extension a 7", "extension a 8"), overwrite=False, refused=1),
    Kind("one extension anew", ("extension there 7", "extension there 8")),
    Kind("first creation by two", ("import 2", "write 10"), False, False, refused=1),
    Kind("an association twice", ("pairs 1", "pairs 2")),
    Kind("the same import twice", ("import 2", "import 2"), refused=1),
    Kind("the same first import", ("import 2", "import 2"), False, False, refused=1),
    Kind("four at once", ("import 2", "write 10", "extension there 7", "pairs 2")),
    Kind(
        "first creation by four", ("import 2", "import 3", "write 10", "write 20"),
        False, False, refused=3,
    ),
    Kind("four extensions", tuple(f"extension {name} 7" for name in "abcd"), overwrite=False),
)  # fmt: skip


@dataclass
class Race:
    """How a race has gone."""

    kind: Kind
    ends: list[Said]
    killed: int | None = None
    """Which writer was."""
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def refused(self) -> list[str]:
        """What writers were told to whom another one came first."""
        return [end["error"] for end in self.ends if "error" in end]


def run(
    kind: Kind, folder: Path, begin: Path, draw: random.Random, kill: float | None = None
) -> Race:
    """Have the writers of a kind race.

    Parameters
    ----------
    kind : Kind
    folder : Path
        A new one.
    begin : Path
        What there is before, if the kind wants so; the inputs are beside it.
    draw : random.Random
    kill : float, optional
        One of them is killed after so many seconds.
    """
    top = folder / "top"
    shutil.copytree(begin, top) if kind.there else top.mkdir(parents=True)
    for file in begin.parent.glob("*.parquet"):
        (folder / file.name).symlink_to(file)
    how = draw.choice(["power", "process", "process"])
    start = time.monotonic() + 0.02
    children = [
        Child(write, top, writer, kind.overwrite, how, at=start + draw.uniform(0, 0.05))
        for writer in kind.writers
    ]
    killed = None
    if kill is not None:
        killed = draw.randrange(len(children))
        time.sleep(max(start + kill - time.monotonic(), 0))
        children[killed].kill()
    ends = [child.end() for child in children]
    race = Race(kind, ends, None if killed is None or ends[killed] else killed)
    race.seconds = time.monotonic() - start
    race.faults += _faults(race, top)
    if race.killed is not None and not race.faults:
        race.ends[race.killed] = in_child(write, top, kind.writers[race.killed], True, how)
        race.faults += [f"run again: {fault}" for fault in _faults(race, top)]
    return race


def _faults(race: Race, top: Path) -> list[str]:
    """Say what is wrong after a race."""
    told = [end["fault"] for end in race.ends if "fault" in end]
    told += [f"not one line: {error!r}" for error in race.refused if "\n" in error]
    if len(race.refused) > race.kind.refused:
        told.append(f"refused: {race.refused}")
    seen = in_child(look, top)
    if "faults" not in seen:
        return [*told, seen.get("fault") or seen.get("error") or "it cannot be looked at"]
    done = [end for end in race.ends if end and "error" not in end]
    versions = [end["version"] for end in done if "version" in end]
    if len(set(versions)) < len(versions):
        told.append(f"the same number twice: {versions}")
    if versions and (seen["version"] or "") < max(versions):
        told.append(f"{seen['version']} is the current version, and {max(versions)} was written")
    told += _lost(race, done, seen)
    if seen["hidden"] and race.killed is None:
        told.append(f"left over: {seen['hidden']}")
    return told + seen["faults"]


def _lost(race: Race, done: Sequence[Said], seen: Said) -> list[str]:
    """Say what was written, and is not there; of two in one place either may be."""
    lost = []
    for name in {end["extension"] for end in done if "extension" in end}:
        factors = [end["factor"] for end in done if end.get("extension") == name]
        found = seen["extensions"].get(name)
        if found not in factors and race.killed is None:
            lost.append(f"the extension {name} has the factor {found}, not one of {factors}")
        if found is None:
            lost.append(f"the extension {name} is not there")
    rows = [end["pairs"] for end in done if "pairs" in end]
    if rows and seen["pairs"] not in rows and race.killed is None:
        lost.append(f"the association has {seen['pairs']} rows, not one of {rows}")
    if race.kind.there and "there" not in seen["extensions"]:
        lost.append("the extension from before is not there")
    return lost


def main() -> int:
    """Run the races and save what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--races", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", help="only those with this in their name")
    options = parser.parse_args()
    load()
    draw = random.Random(options.seed)
    kinds = [kind for kind in KINDS if options.kind is None or options.kind in kind.name]
    races: list[Race] = []
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        begin = Path(place) / "begin" / "top"
        assert in_child(write_begin, begin) == {}
        for number, kind in zip(range(options.races), itertools.cycle(kinds), strict=False):
            usual = seconds.get(kind.name)
            kill = draw.uniform(0, 0.9 * usual) if usual and draw.random() < 0.5 else None
            race = run(kind, Path(place) / f"{number}", begin, draw, kill)
            if kill is None:
                seconds[kind.name] = race.seconds
            races.append(race)
            for fault in race.faults:
                print(f"race {number}, {kind.name}, killed {race.killed}: {fault}", flush=True)
            shutil.rmtree(Path(place) / f"{number}")
    rows = [_row(kind, [race for race in races if race.kind is kind]) for kind in kinds]
    full = options.races >= 100 and options.kind is None
    save("writers", "Several writers at once", rows, NOTES, full=full)
    return 1 if any(race.faults for race in races) else 0


NOTES = (
    "In each race two or four processes write to one catalog at once; *killed*: races in which "
    "one was killed (SIGKILL) at a random moment, and run again. *told why not*: writers that got "
    "one error of one line, since another one came first. After each race all versions are "
    "compared with their manifests, extensions are loaded, and the folder is looked through for "
    "what is left over."
)


def _row(kind: Kind, races: Sequence[Race]) -> Row:
    bad = sum(bool(race.faults) for race in races)
    killed = sum(race.killed is not None for race in races)
    told = sum(len(race.refused) for race in races)
    return Row(
        task=kind.name, size=f"{len(kind.writers)} writers", system="skyseries", jit_cache="-",
        process="warm", figures={"races": len(races), "killed": killed, "told why not": told},
        targets=(Target("races with something wrong = 0", bad, not bad),),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
