"""A small catalog with all that is hard in it, and its rows as plain Python has them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import skyseries as sky
from tests.catalog.matching import CORNER, around
from tests.pipelines.survey import small_parts

__all__ = ["World", "build"]

_ANCHORS = [(0.0, 90.0), (359.9999, 12.0), (45.0, 0.0), (180.0, -CORNER)]
"""A pole, ra = 0, and corners where four and three cells meet."""
_KINDS = ("star", "Star", "galaxy", "", "it's", "RR Lyr", None)


@dataclass(frozen=True)
class World:
    """The catalog, its objects, and its epochs with what each has of its object."""

    path: Path
    objects: list[dict]
    epochs: list[dict]

    @property
    def catalog(self):
        """The catalog, opened anew."""
        return sky.open_catalog(self.path)

    @property
    def ids(self):
        """Of the objects."""
        return [row["objectid"] for row in self.objects]


def build(folder: Path, seed: int = 0, n: int = 100) -> World:
    """Write the catalog into a folder."""
    objects, epochs = _tables(seed, n)
    for name, table in (("objects", objects), ("epochs", epochs)):
        pq.write_table(table, folder / f"{name}.parquet")
    with small_parts(group_rows=25, group_epochs=300, index_rows=60):
        sky.import_catalog(
            folder / "objects.parquet", folder / "survey", id="objectId", max_rows=48,
            lightcurves=folder / "epochs.parquet", source_id="objectId", lightcurve_name="lc",
            time="mjd", band="band", flux="flux", flux_err="fluxErr",
            executor="serial", progress=False, durability="process",
        )  # fmt: skip
    return World(folder / "survey", _rows(objects), _joined(objects, epochs))


def _tables(seed: int, n: int) -> tuple[pa.Table, pa.Table]:
    rng = np.random.default_rng(seed)

    def some(values, missing=0.1, kind=None):
        return pa.array(values, kind, mask=rng.random(len(values)) < missing)

    ra, dec = _positions(rng, n)
    large = np.where(np.arange(n) % 2, np.uint64(2**63), np.uint64(0))
    ids = large + rng.permutation(n).astype(np.uint64) * np.uint64(3) + np.uint64(2**53 + 1)
    g = rng.normal(19, 2, n).astype(np.float32)
    g[rng.random(n) < 0.1] = np.nan
    r = np.round(rng.normal(19, 2, n), 3)
    r[rng.random(n) < 0.1] = np.nan
    objects = pa.table(
        {
            "objectId": pa.array(ids),
            "ra": ra,
            "dec": dec,
            "gMag": some(g),
            "rMag": some(r),
            "period": some(rng.uniform(0, 2, n), 0.4),
            "nObs": some(rng.integers(-3, 13, n).astype(np.int32), 0.15),
            "visit": some(rng.integers(-(2**62), 2**62, n)),
            "name": some([f"obj {i % 37}" if i % 5 else "näh" for i in range(n)]),
            "kind": pa.array([_KINDS[i] for i in rng.integers(0, len(_KINDS), n)]),
        }
    )
    with_epochs = np.flatnonzero(np.arange(n) % 4)
    owner = np.concatenate([with_epochs, rng.choice(with_epochs, 5 * n)])
    m = len(owner)
    flux = rng.normal(1000, 400, m).astype(np.float32)
    flux[rng.random(m) < 0.05] = np.nan
    epochs = pa.table(
        {
            "objectId": pa.array(ids[owner]),
            "mjd": 60000 + rng.permutation(m) / 8,
            "band": pa.array(rng.choice(list("gri"), m)),
            "flux": some(flux, 0.05),
            "fluxErr": rng.uniform(10, 20, m).astype(np.float32),
            "flags": rng.integers(0, 4, m).astype(np.int16),
        }
    )
    return objects, epochs.sort_by([("objectId", "ascending"), ("mjd", "ascending")])


def _positions(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return positions, half of them within 150 arcsec of the anchors."""
    places = []
    each = n // 2 // len(_ANCHORS)
    for ra, dec in _ANCHORS:
        r = np.radians(150 * np.sqrt(rng.uniform(0, 1, each)) / 3600)
        angle = rng.uniform(0, 2 * np.pi, each)
        places.append(around(ra, dec, r * np.cos(angle), r * np.sin(angle)))
    rest = n - each * len(_ANCHORS)
    places.append((rng.uniform(0, 360, rest), np.degrees(np.arcsin(rng.uniform(-1, 1, rest)))))
    ra, dec = (np.concatenate(part) for part in zip(*places, strict=True))
    return ra, dec


def _rows(table: pa.Table) -> list[dict]:
    """Return rows with names in lower case, single precision as `numpy.float32`."""
    columns = {}
    for name in table.column_names:
        values = table.column(name).to_pylist()
        if table.schema.field(name).type == pa.float32():
            values = [None if v is None else np.float32(v) for v in values]
        columns[name.lower()] = values
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _joined(objects: pa.Table, epochs: pa.Table) -> list[dict]:
    of = {row["objectid"]: row for row in _rows(objects)}
    return [
        {name: of[row["objectid"]][name] for name in ("ra", "dec")} | row for row in _rows(epochs)
    ]
