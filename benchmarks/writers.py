"""Writers of a small catalog in processes that are forked, and a look at what they have left.

Everything lies below a folder: a ``survey`` with extensions, and ``pairs``, an association. The
inputs of imports lie beside that folder. A writer is named by what it makes: ``"import 1"`` is an
import of magnitudes that are once the id, ``"extension a 7"`` an extension ``a`` of seven times
the id, ``"pairs 2"`` an association of what lies within two arcseconds.
"""

from __future__ import annotations

import json
import os
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import skyseries as sky
from skyseries.errors import SkyseriesError
from skyseries.hats.association import open_association
from skyseries.hats.check.validate import validate_catalog
from skyseries.hats.manifest import digest_of, read_manifest
from skyseries.store.files import Location

__all__ = ["Child", "in_child", "load", "look", "write", "write_begin", "write_inputs"]

ROWS = 60

Said = dict[str, Any]


def write(top: Path, writer: str, overwrite: bool, how: str) -> Said:
    """Write something; return what is to be expected of it."""
    what, *name, factor = writer.split()
    if what == "import":
        report = sky.import_catalog(
            top.parent / f"objects{factor}.parquet", top / "survey", name="survey", id="id",
            lightcurves=top.parent / "sources.parquet", executor="serial", max_rows=20,
            overwrite=overwrite, durability=how, progress=False,
        )  # fmt: skip
        return {"version": report.version, "resumed": report.resumed}
    with sky.executor("serial"):
        if what == "write":
            written = sky.from_table(_objects(float(factor))).write_catalog(
                top / "survey", id="id", overwrite=overwrite, durability=how
            )
            return {"version": written.version}
        survey = sky.open_catalog(top / "survey")
        if what == "extension":
            plan = survey.assign({f"more_{name[0]}": f"id * {factor}"})
            plan.write_extension(name[0], overwrite=overwrite, durability=how)
            return {"extension": name[0], "factor": float(factor)}
        match = survey.crossmatch(survey, float(factor), n_neighbors=None, suffixes=("", "_2"))
        pairs = match.write_association(top / "pairs", overwrite=overwrite, durability=how)
        return {"pairs": pairs.rows}


def write_inputs(folder: Path, factors: Sequence[float]) -> Said:
    """Write what is imported."""
    import pyarrow as pa  # in a process that was forked
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    for factor in factors:
        pq.write_table(_objects(factor), folder / f"objects{factor:g}.parquet")
    ids = np.arange(ROWS).repeat(3)
    mjd = 60_000 + np.arange(len(ids)) * 0.7
    sources = pa.table({"id": ids, "mjd": mjd, "flux": ids * 1.0})
    pq.write_table(sources, folder / "sources.parquet")
    return {}


def write_begin(top: Path) -> Said:
    """Write what there is before: a survey, an extension ``there``, pairs; and the inputs."""
    write_inputs(top.parent, [1, 2, 3])
    top.mkdir(exist_ok=True)
    for writer in ("import 1", "extension there 5", "pairs 1"):
        write(top, writer, False, "power")
    return {}


def _objects(factor: float) -> Any:
    import pyarrow as pa

    ids = np.arange(ROWS)
    ra = np.linspace(0, 60, ROWS // 3).repeat(3) + np.tile([0.0, 1, 2.9], ROWS // 3) / 3600
    return pa.table({"id": ids, "ra": ra, "dec": np.zeros(ROWS), "mag": ids * factor})


# -- what is left ----------------------------------------------------------------------------


def look(top: Path) -> Said:
    """Say what is there, and what is wrong with it."""
    seen: Said = {"version": None, "factor": None, "extensions": {}, "pairs": None, "faults": []}
    if (top / "survey" / "collection.properties").exists():
        seen |= _survey(top / "survey")
    if (top / "pairs").exists():
        seen["faults"] += changed_files(top / "pairs")
        seen["pairs"] = open_association(Location(str(top / "pairs"))).dataset.rows
    seen["hidden"] = sorted(str(path.relative_to(top)) for path in top.rglob(".*"))
    return seen


def _survey(folder: Path) -> Said:
    catalog = sky.open_catalog(folder)
    version = catalog.dataset.root.parent().name
    faults = [f"validate: {fault}" for fault in validate_catalog(folder).faults]
    for name in sorted(path.name for path in folder.glob("v??????")):
        if name <= version:
            faults += [f"{name}: {fault}" for fault in changed_files(folder / name)]
    rows = catalog.to_arrow()
    factor = _factor(rows, "mag")
    if rows.num_rows != ROWS or factor is None:
        faults.append(f"{version} has {rows.num_rows} rows with values of nobody")
    extensions: dict[str, float | None] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of those of another version
        for name in catalog.extensions:
            extensions[name] = _factor(catalog.load_extension(name).to_arrow(), f"more_{name}")
            if extensions[name] is None:
                faults.append(f"the extension {name} has values of nobody")
    return {"version": version, "factor": factor, "extensions": extensions, "faults": faults}


def _factor(rows: Any, column: str) -> float | None:
    """Return by what the ids were multiplied, which must be the same for all."""
    ids, values = rows["id"].to_numpy(), rows[column].to_numpy()
    found = set((values[ids > 0] / ids[ids > 0]).tolist())
    return float(found.pop()) if len(found) == 1 else None


def changed_files(folder: Path) -> list[str]:
    """Say which files of a folder are not as its manifest says."""
    manifest = read_manifest(Location(str(folder)))
    if manifest is None:
        return ["no manifest"]
    there = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }
    del there["manifest.json"]
    same = {
        name for name, facts in manifest.files.items()
        if name in there and digest_of(there[name]) == facts.digest
    }  # fmt: skip
    return [f"{name} is not as the manifest says" for name in sorted(manifest.files | there)
            if name not in same]  # fmt: skip


# -- processes -------------------------------------------------------------------------------


class Child:
    """A forked process; what its work returns comes through a pipe, as JSON."""

    def __init__(self, work: Callable[..., Any], *args: Any, at: float = 0.0) -> None:
        reader, writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(reader)
            time.sleep(max(at - time.monotonic(), 0))
            with os.fdopen(writer, "w") as pipe:
                json.dump(_told(work, args), pipe)
            os._exit(0)
        os.close(writer)
        self._reader = reader

    def kill(self) -> None:
        """End it at once."""
        os.kill(self._pid, signal.SIGKILL)

    def end(self) -> Any:
        """Wait for what it says; nothing if it was killed."""
        with os.fdopen(self._reader) as pipe:
            said = pipe.read()
        os.waitpid(self._pid, 0)
        try:
            return json.loads(said)
        except ValueError:
            return {}


def _told(work: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    try:
        return work(*args)
    except SkyseriesError as error:
        return {"error": str(error)}
    except BaseException:
        return {"fault": traceback.format_exc()}


def in_child(work: Callable[..., Any], *args: Any) -> Any:
    """Do something in a process of its own, and return what it says."""
    return Child(work, *args).end()


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
    order.group_order(np.array([0, 0]), 1, np.array([2.0, 1.0]))
    cells = Partitions.of([Cell(0, k) for k in range(11)])
    margin.receivers(cells)
    margin.margin_targets(hpx, Cell(0, 4), cells, 12)
