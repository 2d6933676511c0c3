"""Small tables that statements join: two catalogs near each other, and tables in memory.

``survey`` and ``survey.lc`` are those of `tests.query.world`. Half of ``other`` lies near objects
of it and has their ids; ``TAP_UPLOAD.mine`` has ids as a client may send them; ``nothing`` is
empty; ``single`` has one row.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import skyseries as sky
from tests.catalog.matching import around
from tests.pipelines.survey import small_parts
from tests.query.world import ANCHORS, Make, World, build, rows_of

__all__ = ["Tables", "tables"]

_KINDS = ("star", "Star", "galaxy", "", "RR Lyr", None)


@dataclass(frozen=True)
class Tables:
    """What statements are asked of, and the same in plain Python and in Arrow."""

    survey: World
    catalogs: dict
    flat: dict
    """Arrow tables by the names of statements, in lower case; no light curves."""
    anchor: tuple

    def rows(self):
        """Return the names of the columns and the rows of each table."""
        found = {
            tuple(name.split(".")): (tuple(map(str.lower, table.column_names)), rows_of(table))
            for name, table in self.flat.items()
        }
        names, rows = found[("survey",)]
        curves = [row["lc"] for row in self.survey.objects]
        rows = [row | {"lc": curve} for row, curve in zip(rows, curves, strict=True)]
        return found | {("survey",): ((*names, "lc"), rows)}


def tables(folder: Path, seed: int) -> Tables:
    """Write the catalogs into a folder."""
    rng = np.random.default_rng([seed, 16])
    anchor = ANCHORS[seed % len(ANCHORS)]
    make = Make(seed, 16, [anchor], rng.choice([1.0, 20.0]), rng.choice([0.0, 1.0, 3.0]), 12, 5, 2)
    survey = build(folder, make)
    other = _other(rng, survey.flat)
    pq.write_table(other, folder / "other.parquet")
    with small_parts(group_rows=4, index_rows=60):
        sky.import_catalog(
            folder / "other.parquet", folder / "other", id="objectId", max_rows=8,
            executor="serial", progress=False, durability="process",
        )  # fmt: skip
    mine = _mine(rng, survey.flat)
    single = other.slice(0, 1).select(["objectId", "ra", "dec", "gMag", "grade", "kind", "radius"])
    flat = {
        "survey": survey.flat, "survey.lc": _epochs(survey), "other": other,
        "tap_upload.mine": mine, "tap_upload.nothing": mine.slice(0, 0), "single": single,
    }  # fmt: skip
    catalogs = {
        "survey": survey.catalog, "other": sky.open_catalog(folder / "other"),
        "TAP_UPLOAD.mine": mine, "TAP_UPLOAD.nothing": mine.slice(0, 0), "single": single,
    }  # fmt: skip
    return Tables(survey, catalogs, flat, anchor)


def _other(rng: np.random.Generator, objects: pa.Table) -> pa.Table:
    """Return rows at and near the objects of the other catalog, some with the same ids."""
    n = 12
    at = rng.integers(0, len(objects), n)
    ra, dec = (objects[name].to_numpy()[at] for name in ("ra", "dec"))
    offset = rng.choice([0.0, 1e-6, 2e-5, 1e-3], n)  # radians
    angle = rng.uniform(0, 2 * np.pi, n)
    near = [
        around(a, d, np.array([r * np.cos(t)]), np.array([r * np.sin(t)])) if r else ([a], [d])
        for a, d, r, t in zip(ra, dec, offset, angle, strict=True)
    ]
    ids = objects["objectId"].to_numpy()[rng.permutation(len(objects))[:n]]
    ids[::3] += np.uint64(1)
    radius = rng.choice([1e-5, 1e-3, 0.06, 2.0, -1.0, np.nan], n)
    return pa.table(
        {
            "objectId": ids,
            "ra": np.array([float(a[0]) for a, _ in near]),
            "dec": np.array([float(d[0]) for _, d in near]),
            "gMag": pa.array(rng.normal(19, 2, n).astype(np.float32), mask=rng.random(n) < 0.2),
            "rMag": pa.array(np.round(rng.normal(19, 2, n), 1), mask=rng.random(n) < 0.2),
            "grade": pa.array(rng.integers(-3, 6, n), mask=rng.random(n) < 0.1),
            "kind": pa.array([_KINDS[i] for i in rng.integers(0, len(_KINDS), n)]),
            "radius": pa.array(radius, mask=rng.random(n) < 0.1),
        }
    )


def _mine(rng: np.random.Generator, objects: pa.Table) -> pa.Table:
    """Return rows of a client: ids twice, as texts and doubles, without, without a position."""
    n = 11
    at = rng.integers(0, len(objects), n)
    ids = objects["objectId"].to_numpy()[at]
    ra, dec = (objects[name].to_numpy()[at].copy() for name in ("ra", "dec"))
    ra[1], dec[2] = np.nan, np.nan
    small = rng.integers(-3, 6, n).astype(np.float64)
    small[rng.random(n) < 0.3] = np.nan
    return pa.table(
        {
            "objectId": pa.array(ids, mask=rng.random(n) < 0.2),
            "idText": pa.array([str(i) for i in ids], mask=rng.random(n) < 0.2),
            "idSigned": pa.array((ids % np.uint64(2**63)).astype(np.int64)),
            "ra": pa.array(ra, mask=np.arange(n) == 3),
            "dec": dec,
            "wMag": pa.array(rng.normal(19, 2, n).astype(np.float32), mask=rng.random(n) < 0.2),
            "smallDouble": pa.array(small, mask=rng.random(n) < 0.2),
            "n": pa.array(rng.integers(-3, 6, n).astype(np.int32), mask=rng.random(n) < 0.1),
            "kind": pa.array([_KINDS[i] for i in rng.integers(0, len(_KINDS), n)]),
        }
    )


def _epochs(survey: World) -> pa.Table:
    """Return the epochs as they come from the catalog: its own words for what is missing."""
    return sky.sql("SELECT * FROM survey.lc", {"survey": survey.catalog}).to_arrow()
