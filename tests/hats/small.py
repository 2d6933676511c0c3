"""A small survey, and ways to change the files of a catalog made of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

N = 300
FIRST_ID = 2**60 + 1
ROW = 60
"""A row of the largest leaf that is in no margin."""


def objects(seed=0):
    rng = np.random.default_rng(seed)
    ra = rng.uniform(40, 50, N)
    dec = np.degrees(np.arcsin(rng.uniform(-0.1, 0.1, N)))
    ra[:6], dec[:6] = [0, 10, 359.9999999, 1e-9, 45, 90], [90, -90, 0, 0, 0.1, 41.8103149]
    mag = rng.normal(20, 1, N).astype(np.float32)
    return pa.table({"id": FIRST_ID + rng.permutation(N), "ra": ra, "dec": dec, "mag": mag})


def sources():
    rng = np.random.default_rng(1)
    ids = np.repeat(FIRST_ID + np.arange(N), rng.integers(1, 9, N))
    time = 60000 + rng.permutation(len(ids)) * 0.3
    flux = rng.normal(100, 3, len(ids))
    return pa.table({"id": ids, "mjd": time, "flux": flux, "err": np.ones(len(ids))})


def leaves(root: Path, part: str = "survey") -> list[Path]:
    found = (root / "v000001" / part / "dataset").glob("Norder=*/Dir=*/Npix=*.parquet")
    return sorted(found, key=lambda path: -pq.read_metadata(path).num_rows)


def rewrite(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    table = change(pq.read_table(path, partitioning=None))
    pq.write_table(table, path, row_group_size=max(table.num_rows, 1))


def set_value(table: pa.Table, column: str, row: int, value: object) -> pa.Table:
    values = table[column].to_pylist()
    values[row] = value
    place = table.schema.get_field_index(column)
    return table.set_column(
        place, table.schema.field(place), pa.array(values, table.schema.types[place])
    )


def swapped(table: pa.Table, i: int = ROW) -> pa.Table:
    order = np.arange(table.num_rows)
    order[[i, i + 1]] = order[[i + 1, i]]
    return table.take(pa.array(order))


def edit_properties(root: Path, part: str, both: bool = True, **changes: str | None) -> None:
    for name in ("hats.properties", "properties")[: 2 if both else 1]:
        path = root / "v000001" / part / name
        lines = path.read_text().splitlines()
        kept = [line for line in lines if line.split("=")[0] not in changes]
        kept += [f"{key}={value}" for key, value in changes.items() if value is not None]
        path.write_text("\n".join(kept) + "\n")
