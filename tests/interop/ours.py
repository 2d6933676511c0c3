"""Small catalogs that we write, one of each kind, for others to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import cdshealpix
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from hats.pixel_math.spatial_index import compute_spatial_index

import skyseries as sky
from tests.interop import tables

__all__ = ["KINDS", "Ours", "border_pairs", "write_objects"]

MARGIN_ARCSEC = 5.0


class Ours(NamedTuple):
    """A catalog that we wrote, and the tables that went in."""

    path: Path
    objects: pd.DataFrame
    sources: pd.DataFrame | None
    orphans: pd.DataFrame | None
    margin: bool
    index: bool


def plain(folder: Path) -> Ours:
    """Write objects alone: no margin, no id index."""
    table = tables.objects()
    path = write_objects(folder, table, margin_arcsec=None, id_index=None)
    return Ours(path, table, None, None, margin=False, index=False)


def with_margin_and_index(folder: Path) -> Ours:
    """Write objects with the margin and the id index."""
    table = tables.objects(seed=4)
    return Ours(write_objects(folder, table), table, None, None, margin=True, index=True)


def string_ids(folder: Path) -> Ours:
    """Write objects that are named by text; the id index is over the names."""
    table = tables.objects(seed=5)
    return Ours(write_objects(folder, table, id="name"), table, None, None, margin=True, index=True)


def one_object(folder: Path) -> Ours:
    """Write a catalog of one row, whose margin is empty."""
    table = tables.objects(n=9).iloc[8:].reset_index(drop=True)
    return Ours(write_objects(folder, table), table, None, None, margin=True, index=True)


def nested(folder: Path) -> Ours:
    """Write objects with their light curves; some sources belong to no object."""
    table, sources = tables.objects_and_sources()
    return _nested(folder, table, sources)


def nested_with_positions(folder: Path) -> Ours:
    """Write light curves whose epochs have positions: orphans become a source catalog."""
    table, sources = tables.objects_and_sources(seed=8)
    sources = sources.merge(table[["id", "ra", "dec"]], on="id")
    return _nested(folder, table, sources)


def long_rows(folder: Path) -> Ours:
    """Write sources as a HATS source catalog, one row for each epoch; ids repeat."""
    table, sources = tables.objects_and_sources(seed=9)
    rows = sources.merge(table[["id", "ra", "dec", "mag", "name"]], on="id")
    rows["mag"] = np.arange(len(rows), dtype=np.float32)  # tells apart rows of one id
    path = write_objects(folder, rows, kind="source", id_index=None)
    return Ours(path, rows, None, None, margin=True, index=False)


KINDS = (
    plain, with_margin_and_index, string_ids, one_object, nested, nested_with_positions, long_rows,
)  # fmt: skip


def _nested(folder: Path, table: pd.DataFrame, sources: pd.DataFrame) -> Ours:
    lost = sources.head(7).assign(id=np.arange(7) + 5)
    everything = pd.concat([sources, lost], ignore_index=True)
    everything = everything.iloc[np.random.default_rng(2).permutation(len(everything))]
    half = len(everything) // 2
    _write_parquet(folder / "sources" / "0.parquet", everything.iloc[:half])
    _write_parquet(folder / "sources" / "1.parquet", everything.iloc[half:])
    path = write_objects(
        folder, table, lightcurves=str(folder / "sources" / "*.parquet"), source_id="id",
        time="mjd", band="band", flux="flux", flux_err="err", max_rows=30,
    )  # fmt: skip
    return Ours(path, table, sources, lost, margin=True, index=True)


def write_objects(folder: Path, table: pd.DataFrame, **kwargs: Any) -> Path:
    """Import a table of objects from two Parquet files into small partitions."""
    half = len(table) // 2
    parts = (table.iloc[:half], table.iloc[half:]) if half else (table,)
    for i, part in enumerate(parts):
        _write_parquet(folder / "objects" / f"{i}.parquet", part)
    options = {
        "name": "survey", "ra": "ra", "dec": "dec", "id": "id", "max_rows": 40,
        "margin_arcsec": MARGIN_ARCSEC, "workers": 1, **kwargs,
    }  # fmt: skip
    sky.import_catalog(str(folder / "objects" / "*.parquet"), folder / "survey", **options)
    return folder / "survey"


def border_pairs(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return two tables with pairs of objects 0.8 arcsec apart across the borders of cells.

    Half of the cells hold objects of the right table with nothing of it outside, so that the
    partners lie in sky where the right catalog has no partition of its own.
    """
    rng = np.random.default_rng(seed)
    corners = [_across(order, pixel, rng) for order, pixel in _cells(rng)]
    special = np.array(
        [[0.0, 90.0, 180.0, 89.9999], [77.0, -90.0, 12.0, -89.99995],
         [359.9999, 0.0, 1e-5, 0.0], [1e-5, 33.0, 359.9999, 33.0]]
    )  # fmt: skip
    pairs = np.concatenate([*corners, special])
    z, far = rng.uniform(-1, 1, 300), rng.uniform(0, 360, 300)
    left = np.concatenate([pairs[:, :2], np.column_stack([far, np.degrees(np.arcsin(z))])])
    return _table(left, 10_000, rng), _table(pairs[:, 2:], 50_000, rng)


def _cells(rng: np.random.Generator) -> list[tuple[int, int]]:
    fixed = [(3, 0), (3, 63), (3, 4 * 64), (3, 8 * 64), (2, 5 * 16 + 5), (0, 4)]
    return fixed + [(order, int(rng.integers(12 * 4**order))) for order in (1, 2, 3, 4, 5, 6)]


def _across(order: int, pixel: int, rng: np.random.Generator) -> np.ndarray:
    """Return (ra, dec outside; ra, dec inside) of pairs across one cell's border."""
    lon, lat = cdshealpix.vertices(np.array([pixel]), order, step=8)
    lon, lat = lon.to_value("deg")[0], lat.to_value("deg")[0]
    keep = np.abs(lat) < 89.9
    lon, lat = lon[keep], lat[keep]
    angle = rng.uniform(0, 2 * np.pi, lon.size)
    step = 0.4 / 3600
    dx, dy = step * np.cos(angle) / np.cos(np.radians(lat)), step * np.sin(angle)
    a = np.column_stack([(lon + dx) % 360, lat + dy])
    b = np.column_stack([(lon - dx) % 360, lat - dy])
    shift = 2 * (29 - order)
    inside_a = compute_spatial_index(a[:, 0], a[:, 1]) >> shift == pixel
    inside_b = compute_spatial_index(b[:, 0], b[:, 1]) >> shift == pixel
    out_in = np.column_stack([a, b])[~inside_a & inside_b]
    in_out = np.column_stack([b, a])[inside_a & ~inside_b]
    return np.concatenate([out_in, in_out])


def _table(points: np.ndarray, first_id: int, rng: np.random.Generator) -> pd.DataFrame:
    order = rng.permutation(len(points))
    return pd.DataFrame({"id": first_id + order, "ra": points[order, 0], "dec": points[order, 1]})


def _write_parquet(path: Path, table: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), path)
