"""Catalogs whose rows name each other by ids, far apart on the sky, and the slow obvious joins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import skyseries as sky
from skyseries.hats.build.folder import write_catalog_folder
from skyseries.hats.build.leaf_writer import write_leaf
from skyseries.hats.partitions import Cell
from tests.catalog.matching import planted

BIG = 1 << 60
"""Ids are above this: as floating-point numbers many would be the same."""


def objects(seed: int = 1) -> pa.Table:
    """Return objects at poles, corners and anywhere; `k` numbers them."""
    table = planted(seed, 60.0, per_anchor=4, scattered=60)
    n = table.num_rows
    rng = np.random.default_rng(seed + 100)
    huge = np.uint64(1 << 63) + rng.permutation(n).astype(np.uint64)
    return (
        table.append_column("huge", pa.array(huge))
        .append_column("name", pa.array([f"obj é {i % 40}" for i in range(n)]))
        .append_column("maybe", pa.array([None if i % 7 == 0 else i for i in range(n)], pa.int64()))
    )


def sources(of: pa.Table, seed: int = 5, n: int = 300) -> pa.Table:
    """Return rows near their objects or anywhere, that name objects, nobody, or null."""
    rng = np.random.default_rng(seed)
    at = rng.integers(0, of.num_rows, n)
    far = rng.random(n) < 0.3
    z = rng.uniform(-1, 1, n)
    ra = np.where(far, rng.uniform(0, 360, n), (of["ra"].to_numpy()[at] + 1e-4) % 360)
    dec = np.where(far, np.degrees(np.arcsin(z)), np.clip(of["dec"].to_numpy()[at], -90, 90))
    lost, null = rng.random(n) < 0.05, rng.random(n) < 0.05

    def named(column: str, unknown: Any) -> pa.Array:
        values = of[column].to_pylist()
        return pa.array(
            [
                None if null[i] else unknown if lost[i] else values[at[i]]
                for i in range(n)
            ],
            of.schema.field(column).type,
        )  # fmt: skip

    return pa.table(
        {
            "source": np.arange(n) + (1 << 61), "ra": ra, "dec": dec,
            "object": named("id", 5), "object_huge": named("huge", 5),
            "object_name": named("name", "nobody"), "maybe": named("maybe", -1),
            "mjd": np.where(rng.random(n) < 0.1, np.nan, rng.integers(0, 40, n) / 4.0),
            "flux": rng.normal(size=n).astype(np.float32), "band": rng.choice(["g", "r"], n),
            "s": np.arange(n),
        }
    )  # fmt: skip


def imported(table: pa.Table, folder: Path, *, id: str, max_rows: int) -> sky.Catalog:
    """Return the table as a catalog of many small partitions."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "in.parquet")
    sky.import_catalog(
        folder / "in.parquet", folder / folder.name, id=id, max_rows=max_rows,
        margin_arcsec=None, executor="serial", progress=False, on_repeated_id="keep",
        durability="process",
    )  # fmt: skip
    return sky.open_catalog(folder / folder.name)


def joined(
    left: Sequence[dict[str, Any]],
    right: Sequence[dict[str, Any]],
    keys: tuple[str, str],
    how: str,
) -> list[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Return the pairs of a join, by looking at one row after the other."""
    found: list[tuple[dict[str, Any], dict[str, Any] | None]] = []
    for row in left:
        mine = [r for r in right if row[keys[0]] is not None and r[keys[1]] == row[keys[0]]]
        if how == "anti":
            found += [] if mine else [(row, None)]
        else:
            found += [(row, r) for r in mine] or ([(row, None)] if how == "left" else [])
    return found


def replace_index_part(part: Path, table: pa.Table) -> None:
    """Write a file of an id index anew, and the footers of all its files."""
    pq.write_table(table, part, row_group_size=50)
    whole = None
    for path in sorted(part.parent.glob("*.parquet")):
        footer = pq.read_metadata(path)
        footer.set_file_path(str(path.relative_to(part.parents[1])))
        if whole is None:
            whole = footer
        else:
            whole.append_row_groups(footer)
    whole.write_metadata_file(part.parents[1] / "_metadata")


def map_of_the_sky(root: Path, order: int, bases: int) -> sky.Catalog:
    """Return a map of the first base cells of the sky, in partitions of order 0."""
    schema = pa.schema([("_healpix_29", pa.int64()), ("dust", pa.float64()), ("n", pa.int32())])
    facts = []
    for base in range(bases):
        cells = np.arange(4**order) + base * 4**order
        table = pa.table(
            {"_healpix_29": cells << 2 * (29 - order), "dust": cells / 7,
             "n": (cells % 5).astype(np.int32)}
        )  # fmt: skip
        facts.append(write_leaf(root, Cell(0, base), schema, [table]))
    write_catalog_folder(
        root, schema, facts, name="map", kind="map",
        properties={"hats_col_ra": None, "hats_col_dec": None},
    )  # fmt: skip
    return sky.open_catalog(root)
