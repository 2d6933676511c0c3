"""What is written once all leaves are there: the catalog's own files, margin, index, the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyseries.errors import ExecutionError, SchemaError
from skyseries.executors import Task
from skyseries.hats import finish
from skyseries.hats.layout import INDEX_FOLDER, leaf_path
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.partitions import Partitions
from skyseries.hats.properties import split_list
from skyseries.hats.skymap import POINT_MAP_ORDER, sky_fraction, write_point_map
from skyseries.hats.statistics import STATISTICS_FILE
from skyseries.pipelines import stages
from skyseries.pipelines.journal import Journal, Outcome, gathered, total
from skyseries.pipelines.merge import write_aside
from skyseries.pipelines.plan import ImportPlan
from skyseries.pipelines.prepare import check_positions
from skyseries.pipelines.report import ImportReport
from skyseries.pipelines.runs import Run, read_run, write_run
from skyseries.pipelines.spill import place, runs_of
from skyseries.pipelines.stages import Shuffled

__all__ = ["Facts", "keep_aside", "write_index", "write_margin", "write_primary"]


ORPHANS = "orphans"
"""Name of the catalog of sources without an object."""

THUMBNAIL_FILE = "data_thumbnail.parquet"
"""The first row of each partition."""


@dataclass(frozen=True)
class Facts:
    """The numbers of an import, added up."""

    rows: int
    epochs: int
    max_epochs: int
    repeated_epochs: int
    repeated_ids: int
    bad_positions: int
    input_rows: int
    sources: int
    orphans: int
    time_range: tuple[float, float] | None
    bands: tuple[Any, ...]
    heavy: tuple[str, ...]
    margin_rows: int | None = None
    index_rows: int | None = None

    @classmethod
    def of(cls, plan: ImportPlan, shuffled: Shuffled, leaves: list[Outcome]) -> Facts:
        """Add up what the tasks reported."""
        times = [(leaf["time_min"], leaf["time_max"]) for leaf in leaves if "time_min" in leaf]
        counts = shuffled.counts
        return cls(
            rows=total(leaves, "rows"),
            epochs=total(leaves, "epochs"),
            max_epochs=max((leaf["max_epochs"] for leaf in leaves), default=0),
            repeated_epochs=total(leaves, "repeated_epochs"),
            repeated_ids=counts["repeated"],
            bad_positions=counts["bad_positions"],
            input_rows=counts["rows"],
            sources=counts.get("sources", 0),
            orphans=counts.get("orphans", 0),
            time_range=(min(t[0] for t in times), max(t[1] for t in times)) if times else None,
            bands=tuple(sorted(set(gathered(leaves, "bands")), key=_band_order)),
            heavy=tuple(str(cell) for cell in stages.heavy_leaves(plan, leaves)),
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
        said = list(notes)
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
            said.append(f"{len(self.heavy)} leaves above the limit, the first {self.heavy[0]}")
        if plan.lightcurve is not None and plan.lightcurve.time_scale is None:
            said.append("the time scale is not known; give time_scale=")
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
            notes=tuple(said),
        )


def write_primary(
    plan: ImportPlan, root: Path, partitions: Partitions, leaves: list[Outcome], facts: Facts
) -> None:
    """Write everything but the leaves of the main catalog."""
    schema = plan.leaf_schema
    finish.write_common_metadata(root, schema)
    finish.write_metadata(root, schema, [leaf_path(cell) for cell in partitions])
    finish.write_partition_info(root, partitions)
    finish.write_joined(root / STATISTICS_FILE, stages.leaf_tables(leaves, "statistics"))
    finish.write_joined(root / THUMBNAIL_FILE, stages.leaf_tables(leaves, "first"))
    cells, counts = _pixels(leaves)
    for name in ("point_map.fits", "skymap.fits"):
        write_point_map(root / name, cells, counts)
    properties = finish.base_properties(plan.name, plan.kind, facts.rows, plan.ra, plan.dec)
    properties |= {
        "hats_cols_survey_id": plan.id,
        "hats_order": int(partitions.order.max()) if len(partitions) else 0,
        "hats_max_rows": plan.limits.max_rows,
        "hats_max_bytes": plan.limits.max_bytes,
        "hats_estsize": _estimated_size(root, partitions),
        "hats_skymap_order": POINT_MAP_ORDER,
        "moc_sky_fraction": f"{sky_fraction(cells, counts):.6g}",
    }
    if plan.lightcurve is not None:
        properties |= plan.lightcurve.to_properties(plan.lightcurve_name)
        properties |= {
            "skyseries_epochs": facts.epochs,
            "skyseries_max_epochs": facts.max_epochs,
        }
        bands = " ".join(map(str, facts.bands))
        if split_list(bands) == list(map(str, facts.bands)) != []:  # no blanks within a name
            properties[f"skyseries_lightcurve.{plan.lightcurve_name}.bands"] = bands
        if facts.time_range is not None:
            properties["skyseries_time_min"], properties["skyseries_time_max"] = facts.time_range
    finish.write_properties(root, properties)


def write_margin(plan: ImportPlan, root: Path, cells: Partitions, rows: int) -> None:
    """Write everything but the leaves of the margin catalog."""
    schema = plan.leaf_schema
    finish.write_common_metadata(root, schema)
    finish.write_metadata(root, schema, [leaf_path(cell) for cell in cells])
    finish.write_partition_info(root, cells)
    properties = finish.base_properties(root.name, "margin", rows, plan.ra, plan.dec)
    properties |= {
        "hats_primary_table_url": plan.name,
        "hats_margin_threshold": float(plan.margin_arcsec or 0),
        "hats_order": int(cells.order.max()) if len(cells) else 0,
    }
    if plan.lightcurve is not None:
        properties |= plan.lightcurve.to_properties(plan.lightcurve_name)
    finish.write_properties(root, properties)


def write_index(plan: ImportPlan, root: Path, parts: int, rows: int) -> None:
    """Write everything but the parts of the index catalog."""
    schema = pa.schema(
        [
            plan.object_schema.field(plan.id).with_metadata(None),
            pa.field("Norder", pa.uint8()),
            pa.field("Npix", pa.uint64()),
            pa.field(HPX_COLUMN, pa.int64()),
        ]
    )
    files = [f"{INDEX_FOLDER}/part.{number}.parquet" for number in range(parts)]
    if not rows:
        (root / INDEX_FOLDER).mkdir(parents=True, exist_ok=True)
        pq.write_table(schema.empty_table(), root / files[0])
    finish.write_common_metadata(root, schema)
    finish.write_metadata(root, schema, files)
    base = finish.base_properties(root.name, "index", rows, plan.ra, plan.dec)
    left_out = ("hats_col_ra", "hats_col_dec", "hats_npix_suffix")
    properties = {key: value for key, value in base.items() if key not in left_out}
    properties |= {
        "hats_primary_table_url": plan.name,
        "hats_index_column": plan.id,
        "hats_index_extra_column": HPX_COLUMN,
    }
    finish.write_properties(root, properties)


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
    try:
        check_positions(schema, plan.ra, plan.dec)
    except SchemaError:
        return False
    return True


def _write_orphans(plan: ImportPlan, journal: Journal, orphans: list[Run]) -> list[Run]:
    """Write a HATS source catalog of orphans; return those without a position."""
    sub = replace(
        plan,
        name=ORPHANS,
        kind="source",
        id=plan.source_id,
        object_files=(),
        object_schema=plan.source_schema,
        source_files=(),
        source_schema=None,
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
    partitions, weights = stages.cut_partitions(sub, shuffled)
    leaves = stages.build_leaves(sub, below, shuffled, partitions, weights)
    root = plan.build / ORPHANS
    root.parent.mkdir(parents=True, exist_ok=True)
    if sub.build.joinpath(ORPHANS).exists():
        sub.build.joinpath(ORPHANS).rename(root)
    write_primary(sub, root, partitions, leaves, Facts.of(sub, shuffled, leaves))
    return [run for run in runs_of(done, "unplaced") if run.rows]


def _place_run(plan: ImportPlan, run: Run, folder: Path) -> Outcome:
    table = read_run(run.path)
    placed, unplaced = place(plan, table, run.path)
    return {
        "runs": [vars(write_run(folder / "run.arrow", placed, HPX_COLUMN))],
        "unplaced": [vars(write_run(folder / "unplaced.arrow", unplaced))],
    }


def _band_order(band: Any) -> tuple[int, str]:
    """Sort bands by wavelength where they are Rubin's, then by name."""
    place = "ugrizy".find(str(band)) if len(str(band)) == 1 else -1
    return (place if place >= 0 else 6, f"{band:>9}")


def _pixels(leaves: list[Outcome]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Add up the rows per cell of the point map."""
    cells = np.concatenate([np.empty(0, np.int64), *(leaf["pixels"][0] for leaf in leaves)])
    counts = np.concatenate([np.empty(0, np.int64), *(leaf["pixels"][1] for leaf in leaves)])
    unique, place = np.unique(cells.astype(np.int64), return_inverse=True)
    return unique, np.bincount(place, counts, len(unique)).astype(np.int64)


def _estimated_size(root: Path, partitions: Partitions) -> int:
    """Return the size of all leaves in KiB."""
    return sum((root / leaf_path(cell)).stat().st_size for cell in partitions) >> 10
