"""Catalogs written from tables, as results of a computation are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from skyseries.executors import Task
from skyseries.hats.build.assemble import Assembled, assemble
from skyseries.hats.build.blueprint import Blueprint
from skyseries.hats.build.edition import new_edition
from skyseries.hats.build.journal import Journal
from skyseries.hats.build.leaves import write_leaves
from skyseries.hats.build.margin import write_cells
from skyseries.hats.dataset import Dataset, open_dataset
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.partitions import Cell, Partitions
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


def blueprint(
    folder: Path, table: pa.Table, *, name="out", margin=None, index=None, **options
) -> Blueprint:
    """Return what a catalog of these rows is to be; what is set aside for it goes beside."""
    lightcurves = {"lc": FIELDS} if "lc" in table.column_names else {}
    scratch = options.pop("scratch", folder.parent / f"{folder.name}-scratch")
    return Blueprint(
        folder, scratch, name, table.schema,
        **{"ra": "ra", "dec": "dec"} | options, lightcurves=lightcurves, id=index,
        margin_arcsec=margin,
    )  # fmt: skip


def build(
    plan: Blueprint,
    parts: list[tuple[Cell, pa.Table]],
    *,
    together=1,
    size=7,
    journal: Journal | None = None,
    backwards=False,
    properties=None,
) -> Assembled:
    """Write leaves, so many of them in each task, and all else that belongs to them."""
    journal = journal or Journal(None)
    if plan.margin_arcsec is not None:
        write_cells(plan.receivers, Partitions.of([cell for cell, _ in parts]))
    given = [(cell, pieces(rows, size)) for cell, rows in parts]
    tasks = [
        Task(write_leaves, (plan, given[n : n + together], plan.scratch / f"{n:06d}"), 1.0, f"{n}")
        for n in range(0, len(given), together)
    ]
    leaves = journal.run("leaves", tasks)
    return assemble(plan, journal, leaves[::-1] if backwards else leaves, properties)


def write_primary(
    folder: Path, table: pa.Table, order=1, name="out", size=7, properties=None, **options
) -> Dataset:
    """Write a catalog without margin and index; its leaves are told of in no order."""
    plan = blueprint(folder, table, name=name, **options)
    build(plan, partition(table, order), size=size, backwards=True, properties=properties)
    return open_dataset(Location(str(plan.primary)))


def write_result(
    path: Path, table: pa.Table, *, order=1, margin=5.0, index="id", fail=None, **options
) -> str:
    """Write a version of a catalog, and return its name; `fail` is called before it is published.

    `options` are those of `new_edition`.
    """
    with new_edition(path, **{"durability": "process"} | options) as edition:
        plan = blueprint(
            edition.content, table, margin=margin, index=index, scratch=edition.scratch
        )
        if edition.report is not None:
            return edition.publish(plan.collection, {})
        built = build(plan, partition(table, order), journal=edition.journal)
        if fail is not None:
            fail()
        return edition.publish(plan.collection, built.files, {"rows": built.rows})
