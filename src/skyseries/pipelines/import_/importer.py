"""`import_catalog`: survey files in, a HATS catalog out.

The input is read once and shuffled through sorted scratch files (`runs`), in three passes of
independent tasks: read and sort, assemble leaves, merge margins and index. Each finished task
leaves a mark, so an import that was stopped goes on where it was. The new version gets its name
by a rename at the very end; until then the current one is untouched.
"""

from __future__ import annotations

import glob
import hashlib
import json
import re
import shutil
import time as clock
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from skyseries.arrays import check_choice
from skyseries.config import parse_bytes, settings
from skyseries.errors import InputError, StorageError
from skyseries.executors import Executor, Job
from skyseries.executors import executor as use_executor
from skyseries.hats.build.edition import write_lock
from skyseries.hats.collection import Collection, next_version, promote, read_collection
from skyseries.hats.layout import default_names
from skyseries.hats.margin import margin_width
from skyseries.hats.names import RESERVED, check_catalog_name, check_index_column, is_word
from skyseries.pipelines.import_ import derive, prepare, publish, stages
from skyseries.pipelines.import_.inputs import Asked, read_inputs
from skyseries.pipelines.import_.journal import Journal
from skyseries.pipelines.import_.notes import lightcurve_notes
from skyseries.pipelines.import_.plan import Budget, ImportPlan, Policy
from skyseries.pipelines.import_.report import ImportReport
from skyseries.store.files import Location, storage_errors, write_text

__all__ = ["import_catalog"]

_CHOICES = ("error", "drop", "keep")
_REPORT = "report.json"
_VERSION = "version"


def import_catalog(
    objects: Any,
    path: str | Path,
    *,
    name: str | None = None,
    ra: Any = None,
    dec: Any = None,
    id: str | None = None,
    lightcurves: Any = None,
    source_id: str | None = None,
    time: str | None = None,
    band: str | None = None,
    flux: str | None = None,
    flux_err: str | None = None,
    mag: str | None = None,
    mag_err: str | None = None,
    flag: str | None = None,
    time_format: str | None = None,
    time_scale: str | None = None,
    refposition: str | None = None,
    flux_unit: str | None = None,
    lightcurve_name: str = "lightcurve",
    kind: str = "object",
    margin_arcsec: float | None = 10.0,
    id_index: bool | None = True,
    columns: Sequence[str] | None = None,
    source_columns: Sequence[str] | None = None,
    null_values: Any = (),
    on_nan_position: Policy = "error",
    on_repeated_id: Policy = "error",
    on_duplicate_epoch: Policy = "keep",
    orphans: Policy = "keep",
    max_rows: int = 1_000_000,
    max_bytes: int | str = "256MB",
    max_epochs: int = 5_000_000,
    memory: int | str | None = None,
    workers: int | None = None,
    executor: str | Executor | None = None,
    tmp_dir: str | Path | None = None,
    overwrite: bool = False,
    resume: bool = True,
    progress: bool | None = None,
) -> ImportReport:
    """Import survey files as a HATS catalog, with each object's light curve beside it.

    Parameters
    ----------
    objects : path, pattern, folder, URL, list of these, or None
        Tables with one row for each object: Parquet, CSV, ECSV, FITS, VOTable. None: the objects
        are made from the light curves, each at the mean position of its epochs.
    path : path
        The folder of the catalog. If it holds a catalog, `overwrite` makes a new version of it.
    name : str, optional
        Name of the catalog; by default that of the folder.
    ra, dec : str, optional
        Columns of the position, ICRS, in degrees or in the unit of an angle that they say; by
        default those with a usual name. Where there are light curves only, also numbers (degrees,
        Quantity; or a SkyCoord as `ra`): the position of all of them.
    id : str, optional
        Column of the object's id: integers of up to 64 bits, or text. Light curves need one: it
        is recognised if both tables have it under the same usual name (but a plain ``id``, which
        may be the epochs' own). Without light curves there is no id unless it is given.
    lightcurves : path, pattern, folder, URL or list of these, optional
        Tables with one row for each epoch.
    source_id : str, optional
        Column of the object's id in these; by default the same as `id`.
    time, band, flux, flux_err, mag, mag_err, flag : str, optional
        Columns of the light curves; by default those with a usual name. Times in another unit
        than days, and magnitudes and errors in another than the values', are converted; dates
        become days of MJD.
    time_format, time_scale, refposition, flux_unit : str, optional
        What the times and fluxes are: ``mjd``, ``jd``, ``hjd``, ``bjd``, ``btjd``, ...; ``tai``,
        ``utc``, ``tdb``, ...; ``topocenter``, ``heliocenter``, ``barycenter``; ``nJy``, ...
        By default what the columns or their names say; nothing else is assumed.
    lightcurve_name : str
        Name of the nested column.
    kind : {"object", "source"}
        ``source``: rows are single measurements; ids may repeat.
    margin_arcsec : float or None
        Width of the margin catalog; None: no margin.
    id_index : bool
        Make an index from id to partition, if there is an id.
    columns, source_columns : sequence of str, optional
        Take only these columns, and those of positions, ids, times and named values.
    null_values : value or sequence, or mapping from column to such
        Sentinels that stand for "no value", such as -99.
    on_nan_position, on_repeated_id, on_duplicate_epoch, orphans : {"error", "drop", "keep"}
        What to do with rows without a position, rows whose id came before, epochs of the same
        object, time and band, and sources whose object is missing. Rows kept without a place on
        the sky go to a Parquet file beside the catalog, orphans with positions to a HATS source
        catalog. All are counted in the report.
    max_rows, max_bytes, max_epochs : int or str
        What a leaf holds at most.
    memory : int or str, optional
        What all workers together may hold, such as ``"1GB"``; half of the machine by default.
    workers : int, optional
        Threads (or processes) to use; all processors by default.
    executor : str or Executor, optional
        ``threads`` (the default), ``processes``, ``serial``.
    tmp_dir : path, optional
        Where the scratch files go (about the size of the input in memory); by default beside
        the catalog.
    overwrite : bool
        Make a new version if there is a catalog already.
    resume : bool
        Go on with an unfinished import of the same input; False: start again.
    progress : bool, optional
        On stderr: a bar on a terminal, a line for each stage elsewhere; False: nothing.

    Returns
    -------
    report : ImportReport

    Raises
    ------
    InputError
        Something in the arguments or the input is not right; names the file and the value.
    StorageError
        The disk is full or not writable. The current version is as it was.
    """
    began = clock.perf_counter()
    root = Path(path).expanduser().absolute()
    for label, choice in (
        ("on_nan_position", on_nan_position), ("on_repeated_id", on_repeated_id),
        ("on_duplicate_epoch", on_duplicate_epoch), ("orphans", orphans),
    ):  # fmt: skip
        check_choice(choice, label, _CHOICES)
    check_choice(kind, "kind", ("object", "source"))
    if kind == "source" and lightcurves is not None:
        raise InputError("kind='source' keeps long rows: give them as objects=, not lightcurves=")
    _check_free(root)
    roles = {
        "time": time, "band": band, "flux": flux, "flux_err": flux_err, "mag": mag,
        "mag_err": mag_err, "flag": flag, "time_format": time_format, "time_scale": time_scale,
        "refposition": refposition, "flux_unit": flux_unit,
    }  # fmt: skip
    null_values = prepare.plain_null_values(null_values)
    asked = Asked(id, source_id, ra, dec, roles, columns, source_columns, null_values)
    inputs = read_inputs(objects, lightcurves, asked)
    if lightcurves is not None:
        _check_new_column(lightcurve_name, inputs["object_schema"])
    margin_arcsec = margin_width(margin_arcsec)
    limits = prepare.limits(max_rows, parse_bytes(max_bytes), max_epochs, margin_arcsec)
    if id_index and inputs["id"] is not None:
        check_index_column(inputs["id"])
    plan = ImportPlan(
        name=_check_catalog_name(name or root.name, lightcurves is not None),
        kind=kind,  # type: ignore[arg-type]
        lightcurve_name=lightcurve_name,
        null_values=null_values,
        on_nan_position=on_nan_position,
        on_repeated_id=on_repeated_id if kind == "object" else "keep",
        on_duplicate_epoch=on_duplicate_epoch,
        orphans=orphans,
        margin_arcsec=margin_arcsec,
        id_index=bool(id_index),
        limits=limits,
        **inputs,
    )
    scratch = Path(tmp_dir or settings().tmp_dir or root)
    job = Job("import", progress=progress is not False)
    with write_lock(root), use_executor(executor, workers) as engine:
        held = parse_bytes(memory) if memory else settings().memory
        plan = replace(plan, budget=Budget(held, engine.workers))
        plan = replace(plan, work=scratch.absolute() / _work_name(plan, root))
        _check_unasked(plan, root, overwrite)
        _clear_stale(plan, root, resume)
        resumed = plan.work.exists()
        plan = replace(plan, version=_version(plan, root))
        with job, storage_errors(str(plan.work)):
            report = _run(plan, root, job)
    return replace(report, seconds=clock.perf_counter() - began, resumed=resumed)


def _check_catalog_name(name: str, has_lightcurves: bool) -> str:
    if has_lightcurves and name == publish.ORPHANS:
        raise InputError(f"{name!r} is where sources without an object go: give name= another name")
    return check_catalog_name(name)


def _check_new_column(name: str, schema: pa.Schema) -> None:
    if not isinstance(name, str) or name in RESERVED or not is_word(name):
        raise InputError(f"lightcurve_name={name!r} cannot name a column of light curves")
    if name in schema.names:
        raise InputError(
            f"the objects have a column {name!r} already: give lightcurve_name= another name"
        )


def _check_unasked(plan: ImportPlan, root: Path, overwrite: bool) -> None:
    """Refuse to replace a catalog, but for one whose import was stopped at its very end."""
    done = (plan.work / _REPORT).exists()
    if read_collection(Location(str(root))) is not None and not overwrite and not done:
        raise InputError(
            f"{root} holds a catalog already; overwrite=True makes a new version of it"
        )


def _check_free(root: Path) -> None:
    if root.exists() and not root.is_dir():
        raise InputError(f"{root} is a file; a catalog is a folder")
    if root.exists() and read_collection(Location(str(root))) is None:
        left = re.compile(r"\.import.*|v\d{6}|\..*\.part")  # by an import that was stopped
        foreign = [p.name for p in root.iterdir() if not left.fullmatch(p.name)]
        if foreign:
            raise InputError(f"{root} is not empty (it holds {foreign[0]!r}) and no catalog")


def _work_name(plan: ImportPlan, root: Path) -> str:
    """Return the name of the scratch folder; other catalogs may use the same `tmp_dir`."""
    place = hashlib.sha256(str(root).encode()).hexdigest()[:8]
    return f".import-{plan.name}-{place}-{plan.fingerprint()}"


def _clear_stale(plan: ImportPlan, root: Path, resume: bool) -> None:
    """Remove scratch files of other, unfinished imports of this catalog."""
    mine = plan.work.name.rsplit("-", 1)[0]
    for half_written in root.glob(".*.part"):
        half_written.unlink()
    found = [*plan.work.parent.glob(f"{glob.escape(mine)}-*"), *root.glob(".import-*")]
    kept = {plan.work, _arriving(root, _chosen_version(plan))} if resume else set()
    for folder in found:
        if folder not in kept:
            shutil.rmtree(folder, ignore_errors=True)


def _run(plan: ImportPlan, root: Path, job: Job) -> ImportReport:
    if (plan.work / _REPORT).exists():
        saved = json.loads((plan.work / _REPORT).read_text())
        lists = {name: tuple(saved[name]) for name in ("notes", "recognised")}
        return _commit(plan, root, ImportReport(**saved | lists))
    journal = Journal(plan.work / "marks", job)
    epochs = stages.source_chunks(plan)
    if not plan.object_files:
        plan = replace(plan, object_files=tuple(derive.derive_objects(plan, journal, epochs)))
    shuffled = stages.shuffle(plan, journal, stages.object_chunks(plan), epochs)
    partitions, loads = stages.cut_partitions(plan, shuffled)
    leaves = stages.build_leaves(plan, journal, shuffled, partitions, loads)
    names = default_names(plan.name, plan.margin_arcsec, plan.id if plan.id_index else None)
    heavy = stages.note_heavy(plan, partitions, loads)
    facts = publish.Facts.of(shuffled, leaves, heavy)
    publish.write_primary(plan, plan.build / names["primary"], leaves)
    if "margin" in names:
        cells, rows = stages.merge_margin(
            plan, journal, leaves, partitions, plan.build / names["margin"]
        )
        publish.write_margin(plan, plan.build / names["margin"], cells, rows)
        facts = replace(facts, margin_rows=rows)
    if "index" in names:
        parts, rows, repeated = stages.merge_index(
            plan, journal, leaves, plan.build / names["index"]
        )
        publish.write_index(plan, plan.build / names["index"], parts, rows)
        facts = replace(facts, index_rows=rows, repeated_ids=max(repeated, facts.repeated_ids))
    facts.check(plan)
    notes = publish.keep_aside(plan, journal, shuffled)
    notes += lightcurve_notes(plan, leaves, shuffled.odd)
    return _commit(plan, root, facts.report(str(root), plan, len(partitions), notes))


def _commit(plan: ImportPlan, root: Path, report: ImportReport) -> ImportReport:
    """Give the new version its name, and make it the current one.

    The report is written first: an import that is stopped from here on only has this left to do,
    and each step may be done twice.
    """
    write_text(plan.work / _REPORT, json.dumps(asdict(report)))
    names = default_names(plan.name, plan.margin_arcsec, plan.id if plan.id_index else None)
    _move_in(plan, root, report.version)
    at = {part: f"{report.version}/{folder}" for part, folder in names.items()}
    promote(
        root,
        Collection(
            name=plan.name,
            primary=at["primary"],
            margins=(at["margin"],) if "margin" in at else (),
            default_margin=at.get("margin"),
            indexes=((plan.id, at["index"]),) if "index" in at and plan.id else (),
        ),
    )
    shutil.rmtree(plan.work, ignore_errors=True)
    return report


def _move_in(plan: ImportPlan, root: Path, version: str) -> None:
    """Move what was built to its place; if it is not in `build` any more, go on from there."""
    arriving = _arriving(root, version)
    if plan.build.exists():
        for half_written in plan.build.rglob(".*.part"):  # when the import was stopped
            half_written.unlink()
        if plan.work.parent == root:
            plan.build.rename(arriving)
        else:  # the scratch files may be on another disk
            shutil.rmtree(arriving, ignore_errors=True)
            try:
                shutil.copytree(plan.build, arriving)
            except shutil.Error as error:
                raise StorageError(f"cannot copy to {arriving}: {error.args[0][0][2]}") from error
            plan.build.rename(plan.work / "moved")
    if arriving.exists():
        arriving.rename(root / version)


def _arriving(root: Path, version: str) -> Path:
    return root / f".import-arriving-{version}"


def _version(plan: ImportPlan, root: Path) -> str:
    """Return the version that this import writes: chosen once, kept when it is resumed."""
    chosen = _chosen_version(plan)
    if not chosen or (plan.build.exists() and (root / chosen).exists()):
        (plan.work / _REPORT).unlink(missing_ok=True)  # another import has taken that version
        chosen = next_version(root)
        write_text(plan.work / _VERSION, chosen)
    return chosen


def _chosen_version(plan: ImportPlan) -> str:
    chosen = plan.work / _VERSION
    return chosen.read_text().strip() if chosen.exists() else ""
