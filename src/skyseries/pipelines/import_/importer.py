"""`import_catalog`: survey files in, a HATS catalog out.

The input is read once and shuffled through sorted scratch files (`runs`), in three passes of
independent tasks: read and sort, assemble leaves, merge margins and index. Each finished task
leaves a mark, so an import that was stopped goes on where it was. The new version gets its name
at the very end; until then the current one is untouched.
"""

from __future__ import annotations

import time as clock
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from skyseries.arrays import check_choice, true_or_false
from skyseries.config import parse_bytes, settings
from skyseries.errors import InputError
from skyseries.executors import Executor, Job
from skyseries.executors import executor as use_executor
from skyseries.hats.build.assemble import assemble
from skyseries.hats.build.edition import Edition, new_edition
from skyseries.hats.margin import margin_width
from skyseries.hats.metadata import metadata_text, write_metadata
from skyseries.hats.names import RESERVED, check_catalog_name, check_index_column, is_word
from skyseries.jit import expect
from skyseries.pipelines.import_ import derive, prepare, publish, stages
from skyseries.pipelines.import_.inputs import Asked, read_inputs
from skyseries.pipelines.import_.notes import lightcurve_notes
from skyseries.pipelines.import_.plan import Budget, ImportPlan, Policy
from skyseries.pipelines.import_.report import ImportReport
from skyseries.store.files import name_of, storage_errors

__all__ = ["import_catalog"]

_CHOICES = ("error", "drop", "keep")


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
    durability: str = "power",
    metadata: Any = None,
    storage_options: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> ImportReport:
    """Import survey files as a HATS catalog, with each object's light curve beside it.

    Parameters
    ----------
    objects : path, pattern, folder, URL, list of these, or None
        Tables with one row for each object: Parquet, CSV, ECSV, FITS, VOTable. None: the objects
        are made from the light curves, each at the mean position of its epochs.
    path : path or URL
        The folder of the catalog, or one of a bucket (``s3://...``), which it is copied to when it
        is whole. If it holds a catalog, `overwrite` makes a new version of it.
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
    durability : {"power", "process"}
        ``power``: all files are flushed to the disk before the version is named, which then
        outlives a power cut. ``process`` saves the time: for scratch and tests.
    metadata : path of a TOML file, mapping, or table with a row for each column, optional
        What is said of the catalog and its columns beside its files, as by `annotate`.
    storage_options : mapping, optional
        Of the bucket that is written to, for fsspec: keys, endpoint, ...; by default as they are
        configured for it.
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
    for label, choice in (
        ("on_nan_position", on_nan_position), ("on_repeated_id", on_repeated_id),
        ("on_duplicate_epoch", on_duplicate_epoch), ("orphans", orphans),
    ):  # fmt: skip
        check_choice(choice, label, _CHOICES)
    check_choice(kind, "kind", ("object", "source"))
    if kind == "source" and lightcurves is not None:
        raise InputError("kind='source' keeps long rows: give them as objects=, not lightcurves=")
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
        name=_check_catalog_name(name or name_of(path), lightcurves is not None),
        kind=kind,  # type: ignore[arg-type]
        lightcurve_name=lightcurve_name,
        null_values=null_values,
        on_nan_position=on_nan_position,
        on_repeated_id=on_repeated_id if kind == "object" else "keep",
        on_duplicate_epoch=on_duplicate_epoch,
        orphans=orphans,
        margin_arcsec=margin_arcsec,
        id_index=id_index is not None and true_or_false(id_index, "id_index"),
        limits=limits,
        **inputs,
    )
    said = None if metadata is None else metadata_text(metadata, plan.leaf_schema)
    with use_executor(executor, workers) as engine:
        held = parse_bytes(memory) if memory else settings().memory
        plan = replace(plan, budget=Budget(held, engine.workers))
        with (
            new_edition(
                path, overwrite=overwrite, run=plan.run, resume=resume, scratch=tmp_dir,
                durability=durability, **dict(storage_options or {}),
            ) as edition,
            Job("import", progress=progress is not False),
            storage_errors(str(edition.scratch)),
        ):  # fmt: skip
            report = _run(replace(plan, build=edition.content, work=edition.scratch), edition)
            if said is not None:
                write_metadata(edition.store, said)
    resumed = edition.resumed
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


def _run(plan: ImportPlan, edition: Edition) -> ImportReport:
    """Do what is left to do; the report is kept beside the marks before the version is named."""
    if edition.report is not None:  # stopped at its very end
        report = ImportReport.from_json(edition.report)
        return report.named(edition.publish(plan.blueprint.collection, {}))
    expect("import", *(["import.lightcurves"] if plan.source_files else []))
    journal = edition.journal
    epochs = stages.source_chunks(plan)
    if not plan.object_files:
        plan = replace(plan, object_files=tuple(derive.derive_objects(plan, journal, epochs)))
    shuffled = stages.shuffle(plan, journal, stages.object_chunks(plan), epochs)
    partitions, loads = stages.cut_partitions(plan, shuffled)
    leaves = stages.build_leaves(plan, journal, shuffled, partitions, loads)
    built = assemble(plan.blueprint, journal, leaves, publish.properties(plan))
    heavy = stages.note_heavy(plan, partitions, loads)
    facts = publish.Facts.of(plan, shuffled, leaves, built, heavy)
    facts.check(plan)
    notes, files = publish.keep_aside(plan, journal, shuffled)
    notes += lightcurve_notes(plan, leaves, shuffled.odd)
    report = facts.report(edition.store.path, plan, built, notes)
    files = {**built.files, **files}
    return report.named(edition.publish(plan.blueprint.collection, files, report.to_json()))
