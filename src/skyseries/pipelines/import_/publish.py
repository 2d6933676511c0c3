"""What is written once all leaves are there: the catalog's own files, margin, index, the rest."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from skyseries.arrow import is_number
from skyseries.errors import ExecutionError
from skyseries.executors import Task
from skyseries.hats.build.folder import (
    write_catalog_folder,
    write_index_folder,
    write_margin_folder,
)
from skyseries.hats.build.runs import Run, read_run, write_run
from skyseries.hats.partitions import Partitions
from skyseries.pipelines.import_ import stages
from skyseries.pipelines.import_.journal import Journal, Outcome, total
from skyseries.pipelines.import_.leaves import leaf_facts
from skyseries.pipelines.import_.merge import write_aside
from skyseries.pipelines.import_.plan import ImportPlan
from skyseries.pipelines.import_.report import ImportReport
from skyseries.pipelines.import_.spill import place, runs_of, write_placed
from skyseries.pipelines.import_.stages import Shuffled
from skyseries.schema import column_meta
from skyseries.units import same_unit

__all__ = ["Facts", "keep_aside", "write_index", "write_margin", "write_primary"]


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
    margin_rows: int | None = None
    index_rows: int | None = None

    @classmethod
    def of(cls, shuffled: Shuffled, leaves: list[Outcome], heavy: str | None) -> Facts:
        """Add up what the tasks reported."""
        counts = shuffled.counts
        return cls(
            rows=total(leaves, "rows"),
            epochs=total(leaves, "epochs"),
            repeated_epochs=total(leaves, "repeated_epochs"),
            repeated_ids=counts["repeated"],
            bad_positions=counts["bad_positions"],
            input_rows=counts["rows"],
            sources=counts.get("sources", 0),
            orphans=counts.get("orphans", 0),
            heavy=heavy,
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
        self, path: str, plan: ImportPlan, partitions: int, notes: Sequence[str]
    ) -> ImportReport:
        """Return the report of the import."""
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
            version=plan.version,
            rows=self.rows,
            partitions=partitions,
            input_rows=self.input_rows,
            seconds=0.0,
            resumed=False,
            sources=self.sources,
            epochs=self.epochs,
            orphans=self.orphans,
            repeated_epochs=self.repeated_epochs,
            repeated_ids=self.repeated_ids,
            bad_positions=self.bad_positions,
            margin_rows=self.margin_rows,
            index_rows=self.index_rows,
            recognised=plan.recognised,
            notes=tuple(said),
        )


def write_primary(plan: ImportPlan, root: Path, leaves: list[Outcome]) -> None:
    """Write everything but the leaves of the main catalog."""
    write_catalog_folder(
        root,
        plan.leaf_schema,
        map(leaf_facts, leaves),
        name=plan.name,
        kind=plan.kind,
        ra=plan.ra,
        dec=plan.dec,
        lightcurves=plan.curves,
        properties={
            "hats_cols_survey_id": plan.id,
            "hats_max_rows": plan.limits.max_rows,
            "hats_max_bytes": plan.limits.max_bytes,
        },
    )


def write_margin(plan: ImportPlan, root: Path, cells: Partitions, rows: int) -> None:
    """Write everything but the leaves of the margin catalog."""
    roles = [fields.to_properties(column) for column, fields in plan.curves.items()]
    write_margin_folder(
        root,
        plan.leaf_schema,
        cells,
        rows,
        primary=plan.name,
        threshold_arcsec=float(plan.margin_arcsec or 0),
        ra=plan.ra,
        dec=plan.dec,
        properties=dict(ChainMap(*roles)),
    )


def write_index(plan: ImportPlan, root: Path, parts: int, rows: int) -> None:
    """Write everything but the parts of the index catalog."""
    field = plan.object_schema.field(plan.id)
    write_index_folder(root, field, parts, rows, primary=plan.name)


def keep_aside(plan: ImportPlan, journal: Journal, shuffled: Shuffled) -> list[str]:
    """Write orphans, and rows without a place on the sky; return notes that say where."""
    notes = []
    if shuffled.unplaced:
        name = f"{plan.name}_unplaced.parquet"
        rows = write_aside(shuffled.unplaced, plan.build / name)
        notes.append(f"{rows:,} rows without a position are in {plan.version}/{name}")
    if not shuffled.orphans:
        return notes
    count = sum(run.rows for run in shuffled.orphans)
    schema = plan.source_schema
    assert schema is not None  # noqa: S101 - orphans are sources
    if _has_positions(schema, plan):
        unplaced = _write_orphans(plan, journal, shuffled.orphans)
        notes.append(f"{count:,} sources without an object are in {plan.version}/orphans")
        if unplaced:
            rows = write_aside(unplaced, plan.build / "orphans_unplaced.parquet")
            notes.append(f"{rows:,} of them without a position: orphans_unplaced.parquet")
    else:
        write_aside(shuffled.orphans, plan.build / "orphans.parquet")
        notes.append(
            f"{count:,} sources without an object are in {plan.version}/orphans.parquet "
            f"(they have no columns {plan.ra!r} and {plan.dec!r} in degrees to place them on "
            "the sky)"
        )
    return notes


def _has_positions(schema: pa.Schema, plan: ImportPlan) -> bool:
    """Tell whether the sources' own positions came in as degrees."""
    there = [schema.field(name) for name in (plan.ra, plan.dec) if name in schema.names]
    numbers = [f for f in there if is_number(f.type)]
    return len(numbers) == 2 and all(same_unit(column_meta(f).unit, "deg") for f in numbers)


def _write_orphans(plan: ImportPlan, journal: Journal, orphans: list[Run]) -> list[Run]:
    """Write a HATS source catalog of orphans; return those without a position."""
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
    root = plan.build / ORPHANS
    root.parent.mkdir(parents=True, exist_ok=True)
    if sub.build.joinpath(ORPHANS).exists():
        sub.build.joinpath(ORPHANS).rename(root)
    write_primary(sub, root, leaves)
    return [run for run in runs_of(done, "unplaced") if run.rows]


def _place_run(plan: ImportPlan, run: Run, folder: Path) -> Outcome:
    table = read_run(run.path)
    placed, unplaced = place(plan, table, run.path)
    return {
        "runs": [vars(write_placed(plan, folder / "run.arrow", placed))],
        "unplaced": [vars(write_run(folder / "unplaced.arrow", unplaced))],
    }
