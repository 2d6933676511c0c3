"""What is written once all leaves are there: the catalog's own files, margin, index, the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from skyseries.arrow import is_number
from skyseries.errors import ExecutionError
from skyseries.executors import Task
from skyseries.hats.build.assemble import Assembled, assemble
from skyseries.hats.build.journal import Journal, Outcome, gathered, total
from skyseries.hats.build.runs import Run, read_run, write_run
from skyseries.hats.manifest import FileFacts
from skyseries.pipelines.import_ import stages
from skyseries.pipelines.import_.aside import write_aside
from skyseries.pipelines.import_.plan import ImportPlan
from skyseries.pipelines.import_.report import VERSION, ImportReport
from skyseries.pipelines.import_.spill import place, runs_of, write_placed
from skyseries.pipelines.import_.stages import Shuffled
from skyseries.schema import column_meta
from skyseries.units import same_unit

__all__ = ["Facts", "keep_aside", "properties"]


ORPHANS = "orphans"
"""Name of the catalog of sources without an object."""


@dataclass(frozen=True)
class Facts:
    """The numbers of an import, added up."""

    rows: int
    epochs: int
    repeated_epochs: int
    repeated_ids: int
    bad_positions: int
    input_rows: int
    sources: int
    orphans: int
    heavy: str | None
    """What is to be said of leaves above a limit."""
    index_rows: int | None = None

    @classmethod
    def of(
        cls,
        plan: ImportPlan,
        shuffled: Shuffled,
        leaves: list[Outcome],
        built: Assembled,
        heavy: str | None,
    ) -> Facts:
        """Add up what the tasks reported."""
        curves = [leaf["curves"] for leaf in gathered(leaves, "leaves")] if plan.lightcurve else []
        counts = shuffled.counts
        return cls(
            rows=built.rows,
            epochs=sum(found[plan.lightcurve_name]["epochs"] for found in curves if found),
            repeated_epochs=total(leaves, "repeated_epochs"),
            repeated_ids=max(counts["repeated"], built.repeated_ids),
            bad_positions=counts["bad_positions"],
            input_rows=counts["rows"],
            sources=counts.get("sources", 0),
            orphans=counts.get("orphans", 0),
            heavy=heavy,
            index_rows=built.index_rows,
        )

    def check(self, plan: ImportPlan) -> None:
        """Raise ExecutionError unless every row of the input is accounted for."""
        dropped = self.repeated_ids if plan.on_repeated_id == "drop" else 0
        again = self.repeated_epochs if plan.on_duplicate_epoch == "drop" else 0
        sums = {
            "rows": (self.rows, self.input_rows - self.bad_positions - dropped),
            "epochs": (self.epochs, self.sources - self.orphans - again),
            "ids in the index": (
                self.rows if self.index_rows is None else self.index_rows,
                self.rows,
            ),
        }
        for what, (found, expected) in sums.items():
            if found != expected:
                raise ExecutionError(
                    f"the import would hold {found:,} {what}, and should {expected:,}: nothing was "
                    f"published; this is a fault of Skyseries, please report it with {plan.work}"
                )

    def report(
        self, path: str, plan: ImportPlan, built: Assembled, notes: Sequence[str]
    ) -> ImportReport:
        """Return the report of the import, of a version that has no name yet."""
        done = {"drop": "dropped", "keep": "kept"}
        said = [*plan.remarks, *notes]
        if plan.left_out:
            names = ", ".join(map(repr, plan.left_out))
            said.append(f"columns of the input left out, for HATS has these names: {names}")
        if self.repeated_ids:
            said.append(
                f"{self.repeated_ids:,} rows with a repeated id {done[plan.on_repeated_id]}"
            )
        if self.repeated_epochs:
            said.append(f"{self.repeated_epochs:,} repeated epochs {done[plan.on_duplicate_epoch]}")
        if self.bad_positions and plan.on_nan_position == "drop":
            said.append(f"{self.bad_positions:,} rows without a position dropped")
        if self.orphans and plan.orphans == "drop":
            said.append(f"{self.orphans:,} sources without an object dropped")
        if self.heavy:
            said.append(self.heavy)
        return ImportReport(
            path=path,
            version="",
            rows=self.rows,
            partitions=built.partitions,
            input_rows=self.input_rows,
            seconds=0.0,
            resumed=False,
            sources=self.sources,
            epochs=self.epochs,
            orphans=self.orphans,
            repeated_epochs=self.repeated_epochs,
            repeated_ids=self.repeated_ids,
            bad_positions=self.bad_positions,
            margin_rows=built.margin_rows,
            index_rows=self.index_rows,
            recognised=plan.recognised,
            notes=tuple(said),
        )


def properties(plan: ImportPlan) -> dict[str, Any]:
    """Return what the catalog says of its import."""
    return {
        "hats_cols_survey_id": plan.id,
        "hats_max_rows": plan.limits.max_rows,
        "hats_max_bytes": plan.limits.max_bytes,
    }


def keep_aside(
    plan: ImportPlan, journal: Journal, shuffled: Shuffled
) -> tuple[list[str], Mapping[str, FileFacts]]:
    """Write orphans, and rows without a place on the sky.

    Returns
    -------
    notes : list of str
        Where they are.
    files : mapping from str to FileFacts
        Those whose digests are known, by path below the version.
    """
    notes: list[str] = []
    files: Mapping[str, FileFacts] = {}
    if shuffled.unplaced:
        name = f"{plan.name}_unplaced.parquet"
        rows = write_aside(shuffled.unplaced, plan.build / name)
        notes.append(f"{rows:,} rows without a position are in {VERSION}/{name}")
    if not shuffled.orphans:
        return notes, files
    count = sum(run.rows for run in shuffled.orphans)
    schema = plan.source_schema
    assert schema is not None  # noqa: S101 - orphans are sources
    if _has_positions(schema, plan):
        unplaced, files = _write_orphans(plan, journal, shuffled.orphans)
        notes.append(f"{count:,} sources without an object are in {VERSION}/orphans")
        if unplaced:
            rows = write_aside(unplaced, plan.build / "orphans_unplaced.parquet")
            notes.append(f"{rows:,} of them without a position: orphans_unplaced.parquet")
    else:
        write_aside(shuffled.orphans, plan.build / "orphans.parquet")
        notes.append(
            f"{count:,} sources without an object are in {VERSION}/orphans.parquet "
            f"(they have no columns {plan.ra!r} and {plan.dec!r} in degrees to place them on "
            "the sky)"
        )
    return notes, files


def _has_positions(schema: pa.Schema, plan: ImportPlan) -> bool:
    """Tell whether the sources' own positions came in as degrees."""
    there = [schema.field(name) for name in (plan.ra, plan.dec) if name in schema.names]
    numbers = [f for f in there if is_number(f.type)]
    return len(numbers) == 2 and all(same_unit(column_meta(f).unit, "deg") for f in numbers)


def _write_orphans(
    plan: ImportPlan, journal: Journal, orphans: list[Run]
) -> tuple[list[Run], Mapping[str, FileFacts]]:
    """Write a HATS source catalog of orphans; return those without a position, and its files."""
    sub = replace(
        plan,
        name=ORPHANS,
        kind="source",
        id=plan.source_id,
        object_files=(),
        object_schema=plan.source_schema,
        objects_in=None,
        source_files=(),
        source_schema=None,
        sources_in=None,
        lightcurve=None,
        on_nan_position="keep",
        margin_arcsec=None,
        id_index=False,
        work=plan.work / "orphans",
    )
    below = journal.below("orphans")
    done = below.run(
        "objects",
        [
            Task(_place_run, (sub, run, sub.work / f"{n:06d}"), float(run.rows), "orphans")
            for n, run in enumerate(orphans)
        ],
    )
    shuffled = Shuffled(runs_of(done), counts={"rows": 0, "bad_positions": 0, "repeated": 0})
    partitions, loads = stages.cut_partitions(sub, shuffled)
    leaves = stages.build_leaves(sub, below, shuffled, partitions, loads)
    built = assemble(sub.blueprint, below, leaves, properties(sub))
    return [run for run in runs_of(done, "unplaced") if run.rows], built.files


def _place_run(plan: ImportPlan, run: Run, folder: Path) -> Outcome:
    table = read_run(run.path)
    placed, unplaced = place(plan, table, run.path)
    return {
        "runs": [vars(write_placed(plan, folder / "run.arrow", placed))],
        "unplaced": [vars(write_run(folder / "unplaced.arrow", unplaced))],
    }
