"""The catalogs that `bench_tap.py` serves, kept in ``work/`` for the next run."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import generate
from bench_encoders import ROWS, varied
from results import WORK
from skyseries.spatial.regions.base import centre_positions

__all__ = ["OBJECTS", "PARTITIONS", "curves", "large", "many_partitions", "object_id", "wide"]

_ORDER = 5
_PER_CELL = 16
PARTITIONS = 12 * 4**_ORDER
OBJECTS = PARTITIONS * _PER_CELL
_FIRST_ID = 2**60
_EPOCHS = 20


def object_id(row: int) -> int:
    """Return the id of an object of `many_partitions`."""
    return _FIRST_ID + row


def many_partitions() -> Path:
    """Return a catalog of some objects in each of 12,288 partitions, with an id index."""
    number = np.arange(OBJECTS)
    ra, dec = centre_positions(np.full_like(number, _ORDER + 2), number)
    rng = np.random.default_rng(1)
    ids = object_id(0) + rng.permutation(OBJECTS)
    table = pa.table({"id": ids, "ra": ra, "dec": dec, "mag": _mags(rng, OBJECTS)})
    return _imported("tap_partitions", [table], max_rows=_PER_CELL)


def wide(tables: int = 64) -> Path:
    """Return a catalog of the twelve columns whose encoding `bench_encoders.py` measures."""

    def some(number: int) -> pa.Table:
        table = varied(np.random.default_rng(number))
        ids = pa.array(np.arange(number * ROWS, (number + 1) * ROWS))
        return table.set_column(table.column_names.index("id"), "id", ids)

    return _imported(f"tap_wide_{tables}", map(some, range(tables)))


def large(rows: int) -> Path:
    """Return a catalog of many rows of four columns."""
    per_file = min(rows, 10_000_000)

    def some(number: int) -> pa.Table:
        rng = np.random.default_rng(number)
        ra, dec = generate.positions(rng, per_file)
        ids = np.arange(number * per_file, (number + 1) * per_file)
        return pa.table({"id": ids, "ra": ra, "dec": dec, "mag": _mags(rng, per_file)})

    return _imported(f"tap_large_{rows}", map(some, range(rows // per_file)), id_index=None)


def curves(rows: int = 20_000) -> Path:
    """Return a catalog of light curves."""
    source = WORK / "tap_curves_input"
    path = WORK / "tap_curves"
    if not _is_there(path):
        import skyseries as sky

        objects, sources = generate.lightcurves(source, rows, _EPOCHS, files=4)
        sky.import_catalog(
            objects, path, lightcurves=sources, name="curves", id="objectId",
            source_id="objectId", time="midpointMjdTai", band="band", flux="psfFlux",
            flux_err="psfFluxErr", margin_arcsec=None, id_index=False, progress=False,
            overwrite=True,
        )  # fmt: skip
        shutil.rmtree(source)
    return path


def _mags(rng: np.random.Generator, number: int) -> np.ndarray:
    return rng.normal(21, 1.5, number).astype(np.float32)


def _is_there(path: Path) -> bool:
    return (path / "collection.properties").exists()


def _imported(name: str, tables: Iterable[pa.Table], **options: object) -> Path:
    """Import tables, if that was not done before."""
    import skyseries as sky

    path, source = WORK / name, WORK / f"{name}_parts"
    if not _is_there(path):
        source.mkdir(parents=True, exist_ok=True)
        for number, table in enumerate(tables):
            pq.write_table(table, source / f"{number:04d}.parquet")
        sky.import_catalog(
            source, path, name=name, id="id", margin_arcsec=None, overwrite=True,
            durability="process", progress=False, **options,  # type: ignore[arg-type]
        )  # fmt: skip
        shutil.rmtree(source)
    return path
