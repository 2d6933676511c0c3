"""Catalogs written from tables, as results of a computation are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from skyseries.hats.build.edition import new_version
from skyseries.hats.build.folder import write_catalog_folder
from skyseries.hats.build.index import build_index
from skyseries.hats.build.leaf_writer import write_leaf
from skyseries.hats.build.margin import build_margin
from skyseries.hats.collection import Collection
from skyseries.hats.dataset import Dataset, open_dataset
from skyseries.hats.layout import default_names
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.partitions import Cell
from skyseries.schema import LightCurveFields
from skyseries.spatial.healpix import HPX_ORDER, radec_to_hpx
from skyseries.store.files import Location

FIELDS = LightCurveFields(time="mjd", band="band", mag="mag", mag_err="err", time_scale="tai")
FIRST_ID = 2**60 + 1


def sky(n=400, seed=0) -> pa.Table:
    """Return objects in the order of the sky: a dense field, scattered ones, odd places."""
    rng = np.random.default_rng(seed)
    ra = np.where(rng.random(n) < 0.6, rng.uniform(40, 50, n), rng.uniform(0, 360, n))
    dec = np.degrees(np.arcsin(np.where(ra < 50, rng.uniform(-0.1, 0.1, n), rng.uniform(-1, 1, n))))
    odd = min(n, 6)
    ra[:odd], dec[:odd] = [0, 10, 359.9999999, 1e-9, 45, 90][:odd], [90, -90, 0, 0, 0.1, 41.8][:odd]
    hpx = radec_to_hpx(ra, dec)
    order = np.argsort(hpx)
    columns = {
        HPX_COLUMN: hpx[order],
        "id": FIRST_ID + rng.permutation(n),
        "ra": ra[order],
        "dec": dec[order],
        "name": [f"OBJ-{i}" for i in rng.permutation(n)],
    }
    return pa.table(columns)


def curves(table: pa.Table, seed=1) -> pa.Table:
    """Return the objects with light curves, some of them empty."""
    rng = np.random.default_rng(seed)
    rows = [
        {
            "mjd": np.sort(rng.uniform(60000, 60400, n)),
            "mag": rng.normal(20, 1, n).astype(np.float32),
            "err": np.ones(n, np.float32),
            "band": rng.choice(["r", "g", "u"], n).tolist(),
        }
        for n in rng.integers(0, 9, table.num_rows).tolist()
    ]
    fields = {"mjd": pa.float64(), "mag": pa.float32(), "err": pa.float32(), "band": pa.string()}
    type_ = pa.struct([(name, pa.list_(value)) for name, value in fields.items()])
    return table.append_column("lc", pa.array(rows, type_))


def partition(table: pa.Table, order: int) -> list[tuple[Cell, pa.Table]]:
    """Return the rows of each cell of an order; those in the south one order deeper."""
    hpx = table[HPX_COLUMN].to_numpy()
    deep = np.where(hpx >> 2 * HPX_ORDER >= 8, order + 1, order)
    npix = hpx >> 2 * (HPX_ORDER - deep)
    return [
        (Cell(int(k), int(p)), table.filter(pa.array((deep == k) & (npix == p))))
        for k, p in sorted(set(zip(deep.tolist(), npix.tolist(), strict=True)))
    ]


def pieces(table: pa.Table, size: int) -> list[pa.Table]:
    return [table.slice(a, size) for a in range(0, table.num_rows, size)]


def write_primary(folder: Path, table: pa.Table, order=1, name="out", size=7, **options) -> Dataset:
    lightcurves = {"lc": FIELDS} if "lc" in table.column_names else {}
    root = folder / name
    facts = [
        write_leaf(root, cell, table.schema, pieces(rows, size), lightcurves)
        for cell, rows in partition(table, order)
    ]
    write_catalog_folder(
        root, table.schema, reversed(facts), name=name, lightcurves=lightcurves, **options
    )
    return open_dataset(Location(str(root)))


def write_result(
    path: Path, table: pa.Table, *, order=1, margin=5.0, index="id", overwrite=False, fail=None
) -> None:
    """Write a whole collection; `fail` is called before it is published."""
    names = default_names("out", margin, index)
    with new_version(path, overwrite) as version:
        primary = write_primary(version.build, table, order)
        if margin is not None:
            build_margin(primary, version.build / names["margin"], margin)
        if index is not None:
            build_index(primary, version.build / names["index"], index)
        if fail is not None:
            fail()
        version.publish(
            Collection(
                "out",
                names["primary"],
                (names["margin"],) if margin is not None else (),
                names.get("margin"),
                ((index, names["index"]),) if index is not None else (),
            )
        )
