"""Order-independent fingerprints of catalogs, to show that outputs hold what inputs held."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import cdshealpix
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["RowSet", "leaf_digests", "leaves", "margin_faults", "row_set"]

U64 = npt.NDArray[np.uint64]


class RowSet(NamedTuple):
    """Number of rows, and the sum of a hash of each row: the same for the same set of rows."""

    rows: int
    digest: int


def leaves(catalog: Path) -> list[Path]:
    """Return the leaf files of a catalog."""
    return sorted(catalog.glob("dataset/Norder=*/Dir=*/Npix=*.parquet"))


def row_set(files: list[Path], columns: list[str]) -> RowSet:
    """Hash all rows over `columns` (numbers), file by file."""
    rows, digest = 0, 0
    for path in files:
        table = pq.ParquetFile(path).read(columns=columns)
        mixed = np.zeros(len(table), np.uint64)
        for name in columns:
            mixed = _mix(mixed ^ _bits(table[name].to_numpy()))
        rows += len(table)
        digest = (digest + int(mixed.sum(dtype=np.uint64))) % 2**64
    return RowSet(rows, digest)


def margin_faults(objects: list[Path], catalog: Path, margin: Path, order: int) -> dict[str, int]:
    """Compare a margin with brute force over all objects.

    For each partition of the catalog, all rows whose cell of `order` touches the partition from
    outside must be in its margin: a superset of the rows within the threshold that belongs to
    `order`.

    Returns
    -------
    dict
        Partitions, rows due, rows missing (0 when all is well).
    """
    ids = np.concatenate([pq.read_table(f, columns=["id"])["id"].to_numpy() for f in objects])
    cells = np.concatenate(
        [pq.read_table(f, columns=["_healpix_29"])["_healpix_29"].to_numpy() for f in objects]
    ) >> (2 * (29 - order))
    rank = np.argsort(cells, kind="stable")
    cells, ids = cells[rank], ids[rank]
    due = missing = 0
    pixels = [_pixel(path) for path in leaves(catalog)]
    for k, pixel in pixels:
        ring = _ring(k, pixel, order)
        first = np.searchsorted(cells, ring, side="left")
        last = np.searchsorted(cells, ring, side="right")
        hit = np.flatnonzero(last > first)
        want = [ids[first[i] : last[i]] for i in hit]
        if not want:
            continue
        wanted = np.concatenate(want)
        path = margin / f"dataset/Norder={k}/Dir={pixel // 10_000 * 10_000}/Npix={pixel}.parquet"
        have = pq.ParquetFile(path).read(columns=["id"])["id"].to_numpy() if path.exists() else []
        due += wanted.size
        missing += int(np.isin(wanted, have, invert=True).sum())
    return {"partitions": len(pixels), "margin rows due": due, "margin rows missing": missing}


def leaf_digests(root: Path) -> dict[str, str]:
    """Return a hash of the Arrow content of every Parquet leaf below `root`, by relative path.

    Content only: values, types and names; not time stamps, encodings or row groups.
    """
    return {
        path.relative_to(root).as_posix(): _content_digest(path)
        for path in sorted(root.glob("**/*.parquet"))
        if "dataset" in path.relative_to(root).parts
    }


def _content_digest(path: Path) -> str:
    table = pq.ParquetFile(path).read().replace_schema_metadata(None).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def _ring(order: int, pixel: int, ring_order: int) -> npt.NDArray[np.int64]:
    edges, corners = cdshealpix.external_neighbours(pixel, order, ring_order - order)
    ring = np.concatenate([np.ravel(edges), np.ravel(corners)]).astype(np.int64)
    return np.unique(ring[ring >= 0])


def _pixel(path: Path) -> tuple[int, int]:
    return int(path.parents[1].name.split("=")[1]), int(path.stem.split("=")[1])


def _bits(values: npt.NDArray[np.generic]) -> U64:
    if values.dtype.kind == "f":
        return values.astype(np.float64).view(np.uint64)
    return values.astype(np.int64).view(np.uint64)


def _mix(z: U64) -> U64:
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
