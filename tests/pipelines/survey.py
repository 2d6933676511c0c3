"""Small surveys on disk, the slow obvious import of them, and the rows of a catalog as they lie."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import skyseries as sky
from skyseries.config import tuned
from skyseries.hats.properties import parse_properties
from skyseries.spatial.healpix import cell_range, radec_to_hpx

Rows = list[dict[str, Any]]

SPECIAL_POSITIONS = [
    (0.0, 90.0), (123.0, 90.0), (10.0, -90.0), (0.0, 0.0), (360.0, 0.0), (359.9999999, 0.0),
    (-1e-9, 0.0), (-45.0, 0.0), (45.0, 0.0), (90.0, 41.8103149), (180.0, 89.9999), (720.5, -30.0),
]  # fmt: skip


def write_parts(folder: Path, table: pa.Table, cuts: Sequence[int] = ()) -> str:
    """Write a table as Parquet files that are cut at some rows; return their pattern."""
    folder.mkdir(parents=True, exist_ok=True)
    bounds = [0, *sorted(cuts), table.num_rows]
    for i, (a, b) in enumerate(itertools.pairwise(bounds)):
        pq.write_table(table.slice(a, b - a), folder / f"part{i}.parquet")
    return str(folder / "*.parquet")


def expected_rows(
    objects: pa.Table,
    sources: pa.Table | None = None,
    *,
    id: str = "id",
    source_id: str | None = None,
    time: str = "mjd",
    name: str = "lightcurve",
) -> Rows:
    """Return the rows that an import has to give, in their order, by looking at one at a time."""
    hpx = radec_to_hpx(objects["ra"].to_numpy(), objects["dec"].to_numpy())
    rows = [{"_healpix_29": int(h), **row} for h, row in zip(hpx, objects.to_pylist(), strict=True)]
    if sources is None:
        return sorted(rows, key=lambda row: row["_healpix_29"])
    source_id = source_id or id
    epochs: dict[Any, Rows] = {}
    for epoch in sources.to_pylist():
        epochs.setdefault(epoch[source_id], []).append(epoch)
    fields = [field for field in sources.column_names if field != source_id]
    for row in rows:
        mine = sorted(epochs.get(row[id], []), key=lambda epoch: _time_key(epoch[time]))
        row[name] = {field: [epoch[field] for epoch in mine] for field in fields}
    return sorted(rows, key=lambda row: (row["_healpix_29"], row[id]))


def _time_key(time: float | None) -> tuple[bool, float]:
    missing = time is None or math.isnan(time)
    return missing, 0.0 if missing else time


def primary(path: Path) -> Path:
    """Return the folder of the current main catalog of a collection."""
    return path / collection(path)["hats_primary_table_url"]


def collection(path: Path) -> dict[str, str]:
    """Return what collection.properties says."""
    return parse_properties((path / "collection.properties").read_text())


def properties(root: Path) -> dict[str, str]:
    """Return what hats.properties of one catalog says."""
    return parse_properties((root / "hats.properties").read_text())


def cells(root: Path) -> list[tuple[int, int]]:
    """Return the partitions of a catalog as partition_info.csv has them."""
    lines = (root / "partition_info.csv").read_text().split()[1:]
    return [tuple(map(int, line.split(","))) for line in lines]  # type: ignore[misc]


def leaf_file(root: Path, cell: tuple[int, int]) -> Path:
    """Return the path of a leaf."""
    order, npix = cell
    return root / f"dataset/Norder={order}/Dir={npix // 10000 * 10000}/Npix={npix}.parquet"


def read_leaf(root: Path, cell: tuple[int, int]) -> pa.Table:
    """Read one leaf by itself."""
    return pq.ParquetFile(leaf_file(root, cell)).read()


def read_rows(root: Path) -> Rows:
    """Return all rows, partition after partition."""
    return [row for cell in cells(root) for row in read_leaf(root, cell).to_pylist()]


def same(one: Any, other: Any) -> bool:
    """Compare rows with their types; NaN is like NaN."""
    return repr(one) == repr(other)


def check_leaves(root: Path, max_rows: int, max_epochs: int = 10**9, max_order: int = 12) -> None:
    """Assert that leaves are sorted, in their cell, and within the limits."""
    schema = pq.read_schema(root / "dataset/_common_metadata")
    total = 0
    for order, npix in cells(root):
        table = read_leaf(root, (order, npix))
        assert table.schema.equals(schema, check_metadata=True)
        hpx = table["_healpix_29"].to_numpy()
        start, stop = cell_range(order, npix)
        assert (np.diff(hpx) >= 0).all()
        assert start <= hpx[0]
        assert hpx[-1] < stop
        epochs = 0
        if "lightcurve" in table.column_names:
            epochs = sum(len(row["mjd"]) for row in table["lightcurve"].to_pylist())
        assert order == max_order or (table.num_rows <= max_rows and epochs <= max_epochs)
        total += table.num_rows
    assert int(properties(root)["hats_nrows"]) == total
    files = set((root / "dataset").rglob("Npix=*"))
    assert files == {leaf_file(root, cell) for cell in cells(root)}


def check_index(path: Path, rows: Rows, id: str) -> None:
    """Assert that the id index has each row once, sorted by id, with its leaf."""
    root = path / collection(path)["all_indexes"].split()[1]
    found = []
    for number in range(len(list((root / "dataset/index").iterdir()))):
        found += pq.read_table(root / f"dataset/index/part.{number}.parquet").to_pylist()
    ids = [row[id] for row in found]
    assert ids == sorted(ids)
    homes = {}
    for order, npix in cells(primary(path)):
        start, stop = cell_range(order, npix)
        homes[int(start), int(stop)] = (order, npix)

    def home(hpx: int) -> tuple[int, int]:
        return next(cell for (a, b), cell in homes.items() if a <= hpx < b)

    wanted = [(row[id], *home(row["_healpix_29"]), row["_healpix_29"]) for row in rows]
    assert sorted((r[id], r["Norder"], r["Npix"], r["_healpix_29"]) for r in found) == sorted(
        wanted
    )


def check_valid(path: Path) -> None:
    """Assert that our own validation finds nothing."""
    report = sky.validate_catalog(path)
    assert report.ok, report.text()


@contextlib.contextmanager
def small_parts(
    piece_bytes: int = 2000, group_rows: int = 7, group_epochs: int = 30, index_rows: int = 9
) -> Iterator[None]:
    """Make pieces, row groups and parts of the index so small that a small survey has many."""
    with (
        tuned(
            piece_bytes=piece_bytes, group_rows=group_rows, group_epochs=group_epochs,
            index_group_rows=4, index_part_rows=index_rows, margin_task_rows=10,
        ),
        mock.patch("os.fsync"),  # most of the time of an import of ten rows
    ):  # fmt: skip
        yield


def random_survey(
    n: int = 120, seed: int = 0, *, text_ids: bool = False, orphans: int = 0
) -> tuple[pa.Table, pa.Table]:
    """Return objects with ids above 2**53, and their shuffled sources; some have no epochs."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    special = SPECIAL_POSITIONS[:n]
    ra[: len(special)], dec[: len(special)] = np.array(special).T
    ids = pa.array(2**53 + 1 + 3 * rng.permutation(n))
    if text_ids:
        ids = pa.array([f"SKY J{i:04d}é" for i in rng.permutation(n)])
    objects = pa.table(
        {"id": ids, "ra": ra, "dec": dec, "mag": rng.normal(20, 1, n).astype(np.float32)}
    )
    owner = rng.integers(0, n, 8 * n) // 2 * 2  # every second object has no epochs
    total = len(owner)
    sources = pa.table(
        {
            "id": ids.take(pa.array(np.minimum(owner, n - 1))),
            "mjd": 60000 + rng.integers(0, 500, total) / 8,  # many times are met twice
            "band": rng.choice(list("gri"), total),
            "flux": rng.normal(1000, 30, total).astype(np.float32),
            "flux_err": rng.uniform(10, 20, total).astype(np.float32),
        }
    )
    if orphans:
        lost = pa.array(
            [f"lost {i}" for i in range(orphans)] if text_ids else range(1, orphans + 1)
        )
        stray = sources.slice(0, orphans).set_column(0, "id", lost)
        sources = pa.concat_tables([sources, stray])
    return objects, sources.take(pa.array(rng.permutation(sources.num_rows)))
