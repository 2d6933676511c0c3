"""Everything in a catalog folder but the leaves, written from what is known of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from skyseries.config import tuning
from skyseries.hats.build import finish
from skyseries.hats.build.facts import CurveFacts, LeafFacts, add_counts
from skyseries.hats.layout import INDEX_FOLDER, leaf_path
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.partitions import Partitions
from skyseries.hats.properties import split_list
from skyseries.hats.skymap import POINT_MAP_ORDER, sky_fraction, write_point_map
from skyseries.hats.statistics import STATISTICS_FILE
from skyseries.photometry import band_order
from skyseries.schema import LightCurveFields

__all__ = [
    "CatalogFacts",
    "index_schema",
    "write_catalog_folder",
    "write_index_folder",
    "write_margin_folder",
]

THUMBNAIL_FILE = "data_thumbnail.parquet"
"""The first row of each partition."""


@dataclass(frozen=True, eq=False)
class CatalogFacts:
    """What all leaves of a catalog add up to."""

    rows: int
    nbytes: int
    partitions: Partitions = field(repr=False)
    curves: Mapping[str, CurveFacts]
    pixels: NDArray[np.int64] = field(repr=False)
    counts: NDArray[np.int64] = field(repr=False)
    row_groups: int
    statistics: pa.Table | None = field(repr=False)
    first: pa.Table | None = field(repr=False)

    @classmethod
    def of(cls, leaves: Iterable[LeafFacts]) -> CatalogFacts:
        """Add up facts as they come, in any order; leaves without rows are left out."""
        cells, rows, nbytes = [], 0, 0
        curves: dict[str, CurveFacts] = {}
        pixels: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        statistics, first = _Tables(), _Tables()
        for leaf in leaves:
            if not leaf.rows:
                continue
            cells.append(leaf.cell)
            rows += leaf.rows
            nbytes += leaf.nbytes
            for name, facts in leaf.curves.items():
                curves[name] = curves.get(name, CurveFacts()).plus(facts)
            pixels.append((leaf.pixels, leaf.counts))
            statistics.add(leaf.statistics)
            first.add(leaf.first)
        starts = np.array([cell.range()[0] for cell in cells], np.int64)
        order = np.argsort(starts)
        return cls(
            rows, nbytes, Partitions.of(cells), curves, *add_counts(pixels), statistics.rows,
            statistics.joined(order), first.joined(order),
        )  # fmt: skip


class _Tables:
    """Tables of each leaf, one after the other."""

    def __init__(self) -> None:
        self._joined: list[pa.Table] = []
        self._fresh: list[pa.Table] = []
        self._lengths: list[int] = []
        self.rows = 0

    def add(self, table: pa.Table | None) -> None:
        self._lengths.append(0 if table is None else table.num_rows)
        self.rows += self._lengths[-1]
        if table is not None:
            self._fresh.append(table)
        if len(self._fresh) == tuning().joined_tables:
            self._join()

    def _join(self) -> None:
        if self._fresh:
            self._joined.append(pa.concat_tables(self._fresh).combine_chunks())
            self._fresh = []

    def joined(self, order: NDArray[np.integer[Any]]) -> pa.Table | None:
        """Return all rows, with the leaves in another order."""
        self._join()
        if not self._joined:
            return None
        table = pa.concat_tables(self._joined)
        if (np.diff(order) > 0).all():
            return table
        length = np.array(self._lengths, np.int64)
        begin = np.cumsum(length) - length
        length, begin = length[order], begin[order]
        place = np.arange(self.rows) + np.repeat(begin - (np.cumsum(length) - length), length)
        return table.take(pa.array(place))


def write_catalog_folder(
    root: Path,
    schema: pa.Schema,
    leaves: Iterable[LeafFacts],
    *,
    name: str,
    kind: str = "object",
    ra: str = "ra",
    dec: str = "dec",
    lightcurves: Mapping[str, LightCurveFields] | None = None,
    properties: Mapping[str, Any] | Callable[[CatalogFacts], Mapping[str, Any]] | None = None,
) -> CatalogFacts:
    """Write what belongs to a catalog whose leaves are there.

    Parameters
    ----------
    root : Path
        The catalog folder.
    schema : pyarrow.Schema
        That of the leaves.
    leaves : iterable of LeafFacts
        In any order; taken as they come, so that these may be what an engine yields. Without
        any rows, a catalog of no partitions is written.
    name : str
    kind : {"object", "source"}
    ra, dec : str
        Columns of the position, degrees, ICRS.
    lightcurves : mapping from str to LightCurveFields, optional
        What the fields of nested columns are.
    properties : mapping or callable, optional
        More entries of hats.properties, or what returns them given the facts; None leaves one out.

    Returns
    -------
    facts : CatalogFacts
    """
    facts = CatalogFacts.of(leaves)
    cells = facts.partitions
    _write_listing(root, schema, cells, facts.row_groups)
    for file, table in ((STATISTICS_FILE, facts.statistics), (THUMBNAIL_FILE, facts.first)):
        if table is not None:
            finish.write_joined(root / file, [table])
    write_point_map(root / "point_map.fits", facts.pixels, facts.counts)
    shutil.copyfile(root / "point_map.fits", root / "skymap.fits")
    found = finish.base_properties(name, kind, facts.rows, ra, dec)
    found |= {
        "hats_order": _highest_order(cells),
        "hats_estsize": facts.nbytes >> 10,
        "hats_skymap_order": POINT_MAP_ORDER,
        "moc_sky_fraction": f"{sky_fraction(facts.pixels, facts.counts):.6g}",
    }
    found |= _lightcurve_properties(lightcurves or {}, facts.curves)
    found |= properties(facts) if callable(properties) else dict(properties or {})
    finish.write_properties(root, found)
    return facts


def write_margin_folder(
    root: Path,
    schema: pa.Schema,
    cells: Partitions,
    rows: int,
    *,
    primary: str,
    threshold_arcsec: float,
    ra: str,
    dec: str,
    properties: Mapping[str, Any] | None = None,
) -> None:
    """Write everything but the leaves of a margin catalog.

    Parameters
    ----------
    root : Path
        Its folder, which it is named after.
    schema : pyarrow.Schema
        That of the catalog that it belongs to.
    cells : Partitions
        Those with rows.
    rows : int
    primary : str
        Name of the catalog that it belongs to.
    threshold_arcsec : float
    ra, dec : str
    properties : mapping, optional
        More entries of hats.properties; None leaves one out.
    """
    _write_listing(root, schema, cells)
    found = finish.base_properties(root.name, "margin", rows, ra, dec)
    found |= {
        "hats_primary_table_url": primary,
        "hats_margin_threshold": float(threshold_arcsec),
        "hats_order": _highest_order(cells),
    }
    finish.write_properties(root, found | dict(properties or {}))


def index_schema(field: pa.Field) -> pa.Schema:
    """Return the schema of an id index, given the field of the ids."""
    return pa.schema(
        [
            field.with_metadata(None),
            pa.field("Norder", pa.uint8()),
            pa.field("Npix", pa.uint64()),
            pa.field(HPX_COLUMN, pa.int64()),
        ]
    )


def write_index_folder(root: Path, field: pa.Field, parts: int, rows: int, *, primary: str) -> None:
    """Write everything but the parts of an index catalog.

    Parameters
    ----------
    root : Path
        Its folder, which it is named after.
    field : pyarrow.Field
        The ids.
    parts : int
        How many files there are.
    rows : int
    primary : str
        Name of the catalog that it is an index of.
    """
    schema = index_schema(field)
    files = [f"{INDEX_FOLDER}/part.{number}.parquet" for number in range(parts)]
    if not rows:
        files = files or [f"{INDEX_FOLDER}/part.0.parquet"]
        (root / INDEX_FOLDER).mkdir(parents=True, exist_ok=True)
        pq.write_table(schema.empty_table(), root / files[0])
    finish.write_common_metadata(root, schema)
    finish.write_metadata(root, schema, files)
    found = finish.base_properties(root.name, "index", rows, "", "")
    for key in ("hats_col_ra", "hats_col_dec", "hats_npix_suffix"):
        del found[key]
    found |= {
        "hats_primary_table_url": primary,
        "hats_index_column": field.name,
        "hats_index_extra_column": HPX_COLUMN,
    }
    finish.write_properties(root, found)


def _write_listing(
    root: Path, schema: pa.Schema, cells: Partitions, row_groups: int | None = None
) -> None:
    finish.write_common_metadata(root, schema)
    if row_groups is None or row_groups <= tuning().metadata_row_groups:
        finish.write_metadata(root, schema, (leaf_path(cell) for cell in cells))
    finish.write_partition_info(root, cells)


def _highest_order(cells: Partitions) -> int:
    return int(cells.order.max()) if len(cells) else 0


def _lightcurve_properties(
    lightcurves: Mapping[str, LightCurveFields], curves: Mapping[str, CurveFacts]
) -> dict[str, Any]:
    """Return what hats.properties says of light curves: roles of fields, and sums."""
    found: dict[str, Any] = {}
    whole = CurveFacts()
    for column, fields in lightcurves.items():
        facts = curves.get(column, CurveFacts())
        whole = whole.plus(facts)
        found |= fields.to_properties(column)
        names = [str(band) for band in band_order(facts.bands)]
        if split_list(" ".join(names)) == names != []:  # no blanks within a name
            found[f"skyseries_lightcurve.{column}.bands"] = " ".join(names)
    if lightcurves:
        found |= {"skyseries_epochs": whole.epochs, "skyseries_max_epochs": whole.longest}
    if whole.time_range is not None:
        found["skyseries_time_min"], found["skyseries_time_max"] = whole.time_range
    return found
