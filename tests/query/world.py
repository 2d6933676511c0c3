"""A small catalog with all that is hard in it, and its rows as plain Python has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import skyseries as sky
from tests.catalog.matching import CORNER, around
from tests.pipelines.survey import small_parts

__all__ = ["ANCHORS", "Make", "World", "build", "rows_of"]

ANCHORS = [(0.0, 90.0), (359.9999, 12.0), (45.0, 0.0), (180.0, -CORNER)]
"""A pole, ra = 0, and corners where four and three cells meet."""
_KINDS = ("star", "Star", "galaxy", "", "it's", "RR Lyr", None)


@dataclass(frozen=True)
class Make:
    """How a catalog is made."""

    seed: int = 0
    n: int = 100
    anchors: Sequence[tuple[float, float]] = field(default_factory=lambda: ANCHORS)
    """Half of the objects are close to them; the others anywhere, or within `spread` degrees."""
    spread: float = 180.0
    missing: float = 1.0
    """How many more values are missing than in the first catalog."""
    max_rows: int = 48
    group_rows: int = 25
    epochs: int = 6
    """For each object on the average."""

    @classmethod
    def of(cls, seed: int) -> Make:
        """Return a small one that differs with the seed."""
        rng = np.random.default_rng(seed)
        return cls(
            seed, int(rng.integers(24, 44)), [ANCHORS[seed % len(ANCHORS)]],
            rng.choice([1.0, 10.0, 40.0]), rng.choice([0.0, 1.0, 4.0]),
            int(rng.choice([15, 22, 50])), int(rng.choice([3, 5, 25])), 3,
        )  # fmt: skip


@dataclass(frozen=True)
class World:
    """The catalog, its objects, and its epochs with what each has of its object."""

    path: Path
    objects: list[dict]
    epochs: list[dict]
    flat: pa.Table
    """The objects without their epochs."""

    @property
    def catalog(self):
        """The catalog, opened anew."""
        return sky.open_catalog(self.path)

    @property
    def ids(self):
        """Of the objects."""
        return [row["objectid"] for row in self.objects]


def build(folder: Path, make: Make | None = None) -> World:
    """Write the catalog into a folder."""
    make = make or Make()
    objects, epochs = _tables(make)
    for name, table in (("objects", objects), ("epochs", epochs)):
        pq.write_table(table, folder / f"{name}.parquet")
    with small_parts(group_rows=make.group_rows, group_epochs=300, index_rows=60):
        sky.import_catalog(
            folder / "objects.parquet", folder / "survey", id="objectId", max_rows=make.max_rows,
            lightcurves=folder / "epochs.parquet", source_id="objectId", lightcurve_name="lc",
            time="mjd", band="band", flux="flux", flux_err="fluxErr",
            executor="serial", progress=False, durability="process",
        )  # fmt: skip
    joined = _joined(objects, epochs)
    rows = rows_of(objects)
    of = {row["objectid"]: [] for row in rows}
    for epoch in joined:
        of[epoch["objectid"]].append(epoch)
    return World(
        folder / "survey", [row | {"lc": of[row["objectid"]]} for row in rows], joined, objects
    )


def _tables(make: Make) -> tuple[pa.Table, pa.Table]:
    rng, n = np.random.default_rng(make.seed), make.n

    def some(values, missing=0.1, kind=None):
        return pa.array(values, kind, mask=rng.random(len(values)) < missing * make.missing)

    ra, dec = _positions(rng, make)
    large = np.where(np.arange(n) % 2, np.uint64(2**63), np.uint64(0))
    ids = large + rng.permutation(n).astype(np.uint64) * np.uint64(3) + np.uint64(2**53 + 1)
    g = rng.normal(19, 2, n).astype(np.float32)
    g[rng.random(n) < 0.1 * make.missing] = np.nan
    r = np.round(rng.normal(19, 2, n), 3)
    r[rng.random(n) < 0.1 * make.missing] = np.nan
    columns = {
        "objectId": pa.array(ids),
        "ra": ra,
        "dec": dec,
        "gMag": some(g),
        "rMag": some(r),
        "period": some(rng.uniform(0, 2, n), min(0.4, 0.2 * make.missing + 0.2)),
        "nObs": some(rng.integers(-3, 13, n).astype(np.int32), 0.15),
        "visit": some(rng.integers(-(2**62), 2**62, n)),
        "name": some([f"obj {i % 37}" if i % 5 else "näh" for i in range(n)]),
        "kind": pa.array([_KINDS[i] for i in rng.integers(0, len(_KINDS), n)]),
    }
    with_epochs = np.flatnonzero(np.arange(n) % 4)
    owner = np.concatenate([with_epochs, rng.choice(with_epochs, (make.epochs - 1) * n)])
    m = len(owner)
    flux = rng.normal(1000, 400, m).astype(np.float32)
    flux[rng.random(m) < 0.05 * make.missing] = np.nan
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
    seconds = 1_735_732_800 + rng.integers(0, 86400 * 90, n)
    columns |= {
        "size": some(rng.integers(-30, 30, n).astype(np.int16)),
        "good": some(rng.random(n) < 0.6),
        "observed": some((seconds * 1_000_000).astype("datetime64[us]")),
    }
    return pa.table(columns), epochs.sort_by([("objectId", "ascending"), ("mjd", "ascending")])


def _positions(rng: np.random.Generator, make: Make) -> tuple[np.ndarray, np.ndarray]:
    """Return positions, half of them within 150 arcsec of the anchors."""
    places = []
    n, each = make.n, make.n // 2 // len(make.anchors)
    for ra, dec in make.anchors:
        places.append(_around(rng, ra, dec, 150.0, each))
    rest = n - each * len(make.anchors)
    if make.spread < 180.0:
        places.append(_around(rng, *make.anchors[0], make.spread * 3600.0, rest))
    else:
        dec = np.degrees(np.arcsin(rng.uniform(-1, 1, rest)))
        places.append((rng.uniform(0, 360, rest), dec))
    ra, dec = (np.concatenate(part) for part in zip(*places, strict=True))
    return ra, dec


def _around(rng, ra, dec, arcsec, n):
    r = np.radians(arcsec * np.sqrt(rng.uniform(0, 1, n)) / 3600)
    angle = rng.uniform(0, 2 * np.pi, n)
    return around(ra, dec, r * np.cos(angle), r * np.sin(angle))


def rows_of(table: pa.Table) -> list[dict]:
    """Return rows with names in lower case, single precision as `numpy.float32`."""
    columns = {}
    for name in table.column_names:
        values = table.column(name).to_pylist()
        if table.schema.field(name).type == pa.float32():
            values = [None if v is None else np.float32(v) for v in values]
        columns[name.lower()] = values
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _joined(objects: pa.Table, epochs: pa.Table) -> list[dict]:
    of = {row["objectid"]: row for row in rows_of(objects)}
    return [
        {name: of[row["objectid"]][name] for name in ("ra", "dec")} | row for row in rows_of(epochs)
    ]
