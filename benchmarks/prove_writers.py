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
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import skyseries as sky
from results import Row, Target, save
from skyseries.errors import SkyseriesError
from skyseries.hats.association import open_association
from skyseries.hats.check.validate import validate_catalog
from skyseries.hats.manifest import digest_of, read_manifest
from skyseries.store.files import Location

__all__ = ["KINDS", "Kind", "Race", "load", "run", "write_begin"]

ROWS = 60
FACTORS = {"import": 1.0, "import again": 1.0, "write": 10.0, "write other": 100.0}
"""The magnitudes of a version that a writer has made are these times the row."""

Said = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """Who races with whom, in a folder that holds a survey, or nothing."""

    name: str
    writers: tuple[str, ...]
    there: bool = True
    overwrite: bool = True
    refused: int = 0
    """So many may be told that another one has come first, if none was killed."""


KINDS = (
    Kind("import and write", ("import", "write")),
    Kind("two writes", ("write", "write other")),
    Kind("two extensions", ("extension a", "extension b")),
    Kind("extension and import", ("extension a", "import")),
    Kind("one extension twice", ("extension a", "extension a"), refused=1),
    Kind("first creation by two", ("import", "write"), there=False, overwrite=False, refused=1),
    Kind("an association twice", ("pairs", "pairs wider")),
    Kind("the same import twice", ("import", "import"), refused=1),
    Kind("the same first import", ("import", "import"), False, False, refused=1),
    Kind("four at once", ("import", "write", "extension a", "extension b")),
    Kind(
        "first creation by four", ("import", "write", "write other", "import again"),
        there=False, overwrite=False, refused=3,
    ),
    Kind("four extensions", ("extension a", "extension b", "extension c", "extension d")),
)  # fmt: skip


# -- writers ---------------------------------------------------------------------------------


def write(top: Path, writer: str, kind: Kind, how: str) -> Said:
    """Write something; return what is to be expected of it."""
    what, _, which = writer.partition(" ")
    if what == "import":
        report = sky.import_catalog(
            top.parent / f"{writer.replace(' ', '_')}.parquet", top / "survey", name="survey",
            id="id", executor="serial", max_rows=20, progress=False,
            overwrite=kind.overwrite, durability=how,
        )  # fmt: skip
        return {"version": report.version}
    with sky.executor("serial"):
        if what == "write":
            rows = sky.from_table(_table(FACTORS[writer]))
            written = rows.write_catalog(
                top / "survey", id="id", overwrite=kind.overwrite, durability=how
            )
            return {"version": written.version}
        survey = sky.open_catalog(top / "survey")
        if what == "extension":
            plan = survey.assign({f"more_{which}": "id * 7"})
            return {"extension": which, "v": plan.write_extension(which, durability=how).version}
        far = 2 if which else 1
        match = survey.crossmatch(survey, far, n_neighbors=None, suffixes=("", "_2"))
        pairs = match.write_association(top / "pairs", overwrite=True, durability=how)
        return {"pairs": pairs.rows}


def _table(factor: float) -> Any:
    import pyarrow as pa  # not before the fork

    ids = np.arange(ROWS)
    ra = np.linspace(0, 60, ROWS // 3).repeat(3) + np.tile([0.0, 1, 2.9], ROWS // 3) / 3600
    return pa.table({"id": ids, "ra": ra, "dec": np.zeros(ROWS), "mag": ids * factor})


def write_begin(top: Path) -> Said:
    """Write the inputs of imports, and what the races begin with."""
    import pyarrow.parquet as pq

    top.parent.mkdir(parents=True, exist_ok=True)
    for name in ("import", "import again"):
        path = top.parent / f"{name.replace(' ', '_')}.parquet"
        pq.write_table(_table(FACTORS[name]), path)
    kind = Kind("", ())
    write(top, "import", kind, "process")
    write(top, "pairs", kind, "process")
    return {}


# -- a race ----------------------------------------------------------------------------------


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
    def refused(self) -> int:
        """How many were told that another one has come first."""
        return sum("error" in end for end in self.ends)


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
        _Child(_at(start + draw.uniform(0, 0.05), write, top, writer, kind, how))
        for writer in kind.writers
    ]
    killed = None
    if kill is not None:
        killed = draw.randrange(len(children))
        time.sleep(max(start + kill - time.monotonic(), 0))
        children[killed].kill()
    ends = [child.end() for child in children]
    race = Race(kind, ends, killed if killed is not None and not ends[killed] else None)
    race.seconds = time.monotonic() - start
    race.faults += _wrong_ends(race)
    race.faults += _in_child(check, top, race)
    if race.killed is not None and not race.faults:
        again = _in_child(write, top, kind.writers[race.killed], kind, how)
        race.ends[race.killed] = again
        race.faults += [f"run again: {fault}" for fault in _wrong_ends(race, again=True)]
        race.faults += [f"run again: {fault}" for fault in _in_child(check, top, race)]
    return race


def _wrong_ends(race: Race, again: bool = False) -> list[str]:
    """Say which ends of writers may not be."""
    wrong = [end["fault"] for end in race.ends if "fault" in end]
    errors = [end["error"] for end in race.ends if "error" in end]
    wrong += [f"not one line: {error!r}" for error in errors if "\n" in error]
    most = race.kind.refused
    if race.killed is not None and not again:
        most = min(most, len(race.ends) - 1)  # the killed one may have come first
    if len(errors) > most:
        wrong.append(f"refused: {errors}")
    return wrong


def check(top: Path, race: Race) -> list[str]:
    """Say what is wrong in the folder after a race."""
    faults: list[str] = []
    ends = [end for end in race.ends if end]
    versions = [end["version"] for end in ends if "version" in end]
    if len(set(versions)) < len(versions):
        faults.append(f"the same number twice: {versions}")
    survey = top / "survey"
    if (survey / "collection.properties").exists():
        faults += _check_survey(survey, race, versions)
    elif versions or race.kind.there or race.killed is None:
        faults.append("there is no catalog")
    if race.kind.there:
        faults += _check_files(top / "pairs")
        rows = [end["pairs"] for end in ends if "pairs" in end]
        found = open_association(Location(str(top / "pairs"))).dataset.rows
        if rows and race.killed is None and found not in rows:
            faults.append(f"the association has {found} rows, not one of {rows}")
    hidden = sorted(str(path.relative_to(top)) for path in top.rglob(".*"))
    if hidden and race.killed is None:
        faults.append(f"left over: {hidden}")
    return faults


def _check_survey(survey: Path, race: Race, versions: Sequence[str]) -> list[str]:
    faults = []
    catalog = sky.open_catalog(survey)
    current = catalog.dataset.root.parent().name
    if versions and current < max(versions):
        faults.append(f"{current} is the current version, and {max(versions)} was written")
    for name in {current, *versions}:
        faults += _check_files(survey / name)
    found = validate_catalog(survey).faults
    faults += [f"validate: {fault}" for fault in found]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of stale extensions
        for name in [end["extension"] for end in race.ends if "extension" in end]:
            if name not in catalog.extensions:
                faults.append(f"the extension {name} is not listed")
                continue
            rows = catalog.load_extension(name).to_arrow()
            if rows[f"more_{name}"].to_pylist() != [7 * i for i in rows["id"].to_pylist()]:
                faults.append(f"the extension {name} has other values")
    rows = catalog.to_arrow()
    factors = {f for f in FACTORS.values() if rows["mag"].to_pylist() == _times(f, rows)}
    if len(factors) != 1 or rows.num_rows != ROWS:
        faults.append(f"{current} holds rows of nobody")
    return faults


def _times(factor: float, rows: Any) -> list[float]:
    return [i * factor for i in rows["id"].to_pylist()]


def _check_files(folder: Path) -> list[str]:
    """Say which files of a folder are not as its manifest says."""
    manifest = read_manifest(Location(str(folder)))
    if manifest is None:
        return [f"{folder.name} has no manifest"]
    there = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }
    del there["manifest.json"]
    wrong = {name for name, facts in manifest.files.items()
             if name not in there or digest_of(there[name]) != facts.digest}  # fmt: skip
    return [f"{folder.name}: {name}" for name in sorted(wrong | (there.keys() - manifest.files))]


# -- processes -------------------------------------------------------------------------------


class _Child:
    """A forked process; what its work returns comes through a pipe."""

    def __init__(self, work: Callable[[], Any]) -> None:
        reader, writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(reader)
            with os.fdopen(writer, "w") as pipe:
                json.dump(_told(work), pipe)
            os._exit(0)
        os.close(writer)
        self._reader = reader

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)

    def end(self) -> Any:
        """Return what it says; nothing if it was killed."""
        with os.fdopen(self._reader) as pipe:
            said = pipe.read()
        os.waitpid(self._pid, 0)
        try:
            return json.loads(said)
        except ValueError:
            return {}


def _told(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except SkyseriesError as error:
        return {"error": str(error)}
    except BaseException:
        return {"fault": traceback.format_exc()}


def _at(moment: float, work: Callable[..., Any], *args: Any) -> Callable[[], Any]:
    def wait() -> Any:
        time.sleep(max(moment - time.monotonic(), 0))
        return work(*args)

    return wait


def _in_child(work: Callable[..., Any], *args: Any) -> Any:
    said = _Child(lambda: work(*args)).end()
    if isinstance(said, dict) and work is check:
        return [said.get("fault") or said.get("error") or "the check has died"]
    return said


def load() -> None:
    """Load what writers load: they are forked from here, so no Arrow and no threads before."""
    import astropy.io.fits  # noqa: F401
    import cdshealpix.nested  # noqa: F401
    import pandas  # noqa: F401, ICN001 - pyarrow loads it
    import pyarrow.parquet  # noqa: F401

    from skyseries.catalog.write import associations, writing  # noqa: F401
    from skyseries.hats import margin
    from skyseries.hats.partitions import Cell, Partitions
    from skyseries.pipelines.import_ import importer  # noqa: F401
    from skyseries.spatial import order
    from skyseries.spatial.healpix import radec_to_hpx

    hpx = np.sort(radec_to_hpx([1.0, 2.0], [2.0, 3.0]))
    order.argsort(hpx)
    order.count_between(hpx, hpx)
    cells = Partitions.of([Cell(0, k) for k in range(11)])
    margin.receivers(cells)
    margin.margin_targets(hpx, Cell(0, 4), cells, 12)


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
        assert _in_child(write_begin, begin) == {}
        for number, kind in zip(range(options.races), itertools.cycle(kinds), strict=False):
            usual = seconds.get(kind.name)
            kill = draw.uniform(0, 0.9 * usual) if usual and draw.random() < 0.5 else None
            race = run(kind, Path(place) / f"{number}", begin, draw, kill)
            if kill is None:
                seconds[kind.name] = race.seconds
            races.append(race)
            for fault in race.faults:
                print(f"race {number}, {kind.name}, killed {race.killed}: {fault}", flush=True)
            if not race.faults:
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
    figures = {"races": len(races), "killed": killed, "told why not": sum(r.refused for r in races)}
    return Row(
        task=kind.name, size=f"{len(kind.writers)} writers", system="skyseries", jit_cache="-",
        process="warm", figures=figures,
        targets=(Target("races with something wrong = 0", bad, not bad),),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
