"""The catalogs that the plans of the contract stand on, and their rows as plain Python has them.

Objects with light curves lie at the poles, where ra is 0, in corners where cells meet, and
anywhere; stars lie near them, in partitions of other orders, and name objects by ids above 2**53.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

import skyseries as sky
from skyseries.catalog.plan.node import Area, Node
from skyseries.spatial.healpix import cell_range, radec_to_hpx
from skyseries.spatial.sphere import separation_arcsec
from tests.catalog.joins import map_of_the_sky
from tests.catalog.matching import CORNER, around
from tests.pipelines.survey import cells, primary, read_rows, small_parts, write_parts

__all__ = ["CURVE", "MAP_ORDER", "Row", "World", "build_world", "placed", "values_of"]

CURVE = "lightcurve"
MAP_ORDER = 4
_ANCHORS = [(0.0, 90.0), (359.9999, 12.0), (45.0, 0.0), (180.0, -CORNER)]
"""A pole, ra = 0, and corners where four and three cells meet."""
_MAP_BASES = 11
"""Base cells that the map has; in the last one there is nothing."""


class Row(NamedTuple):
    """A row of a result: where it is filed, where it is, and its values."""

    cell: int
    ra: float
    dec: float
    values: dict[str, Any]

    def having(self, **values: Any) -> Row:
        """Return the row with other values too."""
        return self._replace(values=self.values | values)

    def only(self, *names: str) -> Row:
        """Return the row with some of its values."""
        return self._replace(values={name: self.values[name] for name in names})


def values_of(rows: list[Row]) -> list[dict[str, Any]]:
    """Return the values of rows."""
    return [row.values for row in rows]


@dataclass(frozen=True)
class CatalogRows:
    """A catalog and its rows, along the sky."""

    catalog: sky.Catalog
    rows: list[Row]

    @property
    def node(self) -> Node:
        """The node that reads the catalog."""
        return self.catalog._node


def _planted(seed: int, scattered: int) -> pa.Table:
    """Return rows within arcminutes of places where it is hard, and some in a part of the sky."""
    rng = np.random.default_rng(seed)
    places = []
    for ra, dec in _ANCHORS:
        r = np.radians(np.repeat([10, 40, 150], 4) * np.sqrt(rng.uniform(0, 1, 12)) / 3600)
        angle = rng.uniform(0, 2 * np.pi, 12)
        places.append(around(ra, dec, r * np.cos(angle), r * np.sin(angle)))
    places.append((rng.uniform(0, 90, scattered), rng.uniform(-30, 90, scattered)))
    ra, dec = (np.concatenate(part) for part in zip(*places, strict=True))
    return pa.table({"id": rng.permutation(len(ra)) + (1 << 60) + seed, "ra": ra, "dec": dec})


def _objects() -> tuple[pa.Table, pa.Table]:
    """Return objects and their epochs; every third object has none, and some values are missing."""
    rng = np.random.default_rng(11)
    plain = _planted(1, scattered=20)
    n = plain.num_rows
    home = np.minimum(np.arange(n), n - 12)  # the last twelve at one place: several row groups
    place = {name: plain[name].take(pa.array(home)) for name in ("ra", "dec")}
    mag = rng.normal(20, 1, n).astype(np.float32)
    mag[rng.random(n) < 0.1] = np.nan
    period = pa.field("mag", pa.float32(), metadata={"unit": "mag", "description": "mean"})
    made = pa.table(
        [
            plain["id"], place["ra"], place["dec"],
            pa.array(mag, mask=rng.random(n) < 0.1),
            pa.array(rng.integers(0, 4, n).astype(np.int32), mask=rng.random(n) < 0.1),
            pa.array([f"obj é {i % 30}" for i in range(n)], mask=rng.random(n) < 0.1),
        ],
        schema=pa.schema(
            [("id", pa.int64()), ("ra", pa.float64()), ("dec", pa.float64()), period,
             ("k", pa.int32()), ("name", pa.string())]
        ),
    )  # fmt: skip
    some = np.flatnonzero(np.arange(n) % 3)
    owner = np.concatenate([some, rng.choice(some, 5 * n)])
    total = len(owner)
    flux = rng.normal(1000, 100, total).astype(np.float32)
    flux[rng.random(total) < 0.05] = np.nan
    unit = pa.field("flux", pa.float32(), metadata={"unit": "nJy"})
    epochs = pa.table(
        [
            plain["id"].take(pa.array(owner)),
            pa.array(60000 + rng.permutation(total) / 8),
            pa.array(rng.choice(list("gr"), total)),
            pa.array(flux, mask=rng.random(total) < 0.05),
            pa.array(rng.uniform(10, 20, total).astype(np.float32)),
            pa.array(rng.integers(0, 3, total).astype(np.int16)),
            pa.array(made["ra"].to_numpy()[owner]),
            pa.array(np.clip(made["dec"].to_numpy()[owner] + rng.normal(0, 1e-3, total), -90, 90)),
        ],
        schema=pa.schema(
            [("id", pa.int64()), ("mjd", pa.float64()), ("band", pa.string()), unit,
             ("flux_err", pa.float32()), ("bits", pa.int16()), ("era", pa.float64()),
             ("edec", pa.float64())]
        ),
    )  # fmt: skip
    return made, epochs.take(pa.array(rng.permutation(total)))


def _stars(objects: pa.Table) -> pa.Table:
    """Return stars, many of them near objects; some name an object, some nobody, some nothing."""
    rng = np.random.default_rng(12)
    plain = _planted(2, scattered=8)
    n = plain.num_rows
    named = rng.choice(objects["id"].to_numpy(), n)
    named[rng.random(n) < 0.1] = 5
    z = rng.normal(size=n)
    z[::9] = np.nan
    return pa.table(
        {
            "star": plain["id"], "ra": plain["ra"], "dec": plain["dec"],
            "object": pa.array(named, mask=rng.random(n) < 0.1),
            "z": pa.array(z, mask=rng.random(n) < 0.1),
            "t": pa.array(rng.permutation(n) / 4.0, mask=rng.random(n) < 0.05),
            "band": pa.array(rng.choice(["g", "r"], n)),
        }
    )  # fmt: skip


def _imported(
    folder: Path, id: str, *, max_rows: int, margin: float | None, **more: Any
) -> CatalogRows:
    with small_parts():
        sky.import_catalog(
            folder / "o/*.parquet", folder / folder.name, id=id, max_rows=max_rows,
            margin_arcsec=margin, executor="serial", progress=False, durability="process", **more,
        )  # fmt: skip
    path = folder / folder.name
    catalog = sky.open_catalog(path)
    found = [
        Row(values["_healpix_29"], values["ra"], values["dec"], values)
        for values in read_rows(primary(path))
    ]
    assert len({order for order, _ in cells(primary(path))}) > 1
    return CatalogRows(catalog, found)


def placed(table: pa.Table) -> list[Row]:
    """Return the rows of a table along the sky; those without a position first."""
    ra, dec = (
        np.asarray(table[name].fill_null(np.nan).to_numpy(), float) for name in ("ra", "dec")
    )
    hpx = radec_to_hpx(ra, dec)
    rows = [Row(*row) for row in zip(hpx.tolist(), ra, dec, table.to_pylist(), strict=True)]
    return sorted(rows, key=lambda row: row.cell)


def _in_memory(n: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    ra[3::40] = np.nan
    again = np.arange(9, n, 10)
    ra[again], dec[again] = ra[again - 7], dec[again - 7]
    value = pa.array(rng.normal(size=n), mask=rng.random(n) < 0.1)
    return pa.table(
        {"id": rng.permutation(n) + (1 << 60), "ra": pa.array(ra, mask=np.arange(n) == 5),
         "dec": dec, "x": value}
    )  # fmt: skip


@dataclass(frozen=True)
class World:
    """All that the plans of the contract stand on."""

    objects: CatalogRows
    """With light curves, a margin of 20 arcsec and an index of the ids."""
    stars: CatalogRows
    """Without a margin, with an index of the ids."""
    sky_map: sky.Catalog
    """Of order `MAP_ORDER`; in `map_value` are its values."""

    @cached_property
    def table(self) -> CatalogRows:
        """A table in memory with rows that have no position, and some at one place."""
        table = _in_memory(80, 1)
        return CatalogRows(sky.from_table(table), placed(table))

    @cached_property
    def table_near(self) -> CatalogRows:
        """A table in memory of rows near the stars."""
        table = _planted(3, scattered=0)
        return CatalogRows(sky.from_table(table), placed(table))

    @cached_property
    def large_table(self) -> CatalogRows:
        """A table in memory that is too large for every task to have all of it."""
        table = _in_memory(3_000, 2)
        return CatalogRows(sky.from_table(table), placed(table))

    @cached_property
    def without_margin(self) -> CatalogRows:
        """The objects as they are read where there is no margin."""
        held = self.objects
        return CatalogRows(held.catalog._with(replace(held.node, margins=())), held.rows)

    @cached_property
    def bytes_of_stars(self) -> int:
        """The bytes of all stars in memory."""
        return int(self.stars.catalog.to_arrow().nbytes)

    @cached_property
    def cuts(self) -> list[int]:
        """Cells at which partitions of any catalog begin, and others near rows."""
        begin = [
            int(cell_range(*cell)[0])
            for held in (self.objects, self.stars)
            for cell in held.catalog.partitions
        ]
        near = [row.cell + more for row in self.objects.rows[::7] for more in (0, 1)]
        return sorted({0, *begin, *near})

    @cached_property
    def crowded(self) -> Area:
        """The partition of the objects that most rows of others are near."""
        parts = [Area.of(*map(int, cell_range(*c))) for c in self.objects.catalog.partitions]
        rows = self.objects.rows
        ra, dec = (np.array([getattr(row, name) for row in rows]) for name in ("ra", "dec"))
        near = separation_arcsec(ra[:, None], dec[:, None], ra, dec) <= 15

        def shared(part: Area) -> int:
            inside = part.holds(np.array([row.cell for row in rows]))
            return int(near[inside][:, ~inside].any(axis=0).sum())

        return max(parts, key=shared)

    @staticmethod
    def map_value(cell: int) -> dict[str, Any]:
        """Return the values of the map where a cell of order 29 is."""
        pixel = cell >> 2 * (29 - MAP_ORDER)
        if not 0 <= pixel < _MAP_BASES * 4**MAP_ORDER:
            return {"dust": None, "n": None}
        return {"dust": pixel / 7, "n": pixel % 5}


def build_world(folder: Path) -> World:
    """Import the catalogs."""
    objects, epochs = _objects()
    stars = _stars(objects)
    write_parts(folder / "objects/o", objects, [50])
    curves = write_parts(folder / "objects/s", epochs, [200])
    write_parts(folder / "stars/o", stars)
    return World(
        _imported(
            folder / "objects", "id", max_rows=24, margin=20.0, lightcurves=curves,
            time_format="mjd", time_scale="tai",
        ),
        _imported(folder / "stars", "star", max_rows=14, margin=None),
        map_of_the_sky(folder / "map", MAP_ORDER, _MAP_BASES),
    )  # fmt: skip
