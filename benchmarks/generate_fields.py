"""Positions and catalogs for the benchmarks of the engine, imported with Skyseries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["catalogs", "field", "scattered", "wide"]

CENTRE = (150.0, 2.0)
FIELD_RADIUS_DEG = 1.75
DENSE_FRACTION = 0.01
"""Part of the sky that a dense catalog fills: its density is that of one a hundred times larger."""


def cap(rng: np.random.Generator, ra: float, dec: float, cosine: float, n: int) -> tuple:
    """Return n positions uniform within an angle (of which the cosine is given) of a centre."""
    z, phi = rng.uniform(cosine, 1, n), rng.uniform(0, 2 * np.pi, n)
    s = np.sqrt(1 - z * z)
    a, d = np.radians(ra), np.radians(dec)
    axis = np.array([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])
    east = np.array([-np.sin(a), np.cos(a), 0.0])
    north = np.cross(axis, east)
    v = np.outer(z, axis) + np.outer(s * np.cos(phi), east) + np.outer(s * np.sin(phi), north)
    return np.degrees(np.arctan2(v[:, 1], v[:, 0])) % 360, np.degrees(np.arcsin(v[:, 2]))


def field(rng: np.random.Generator, ra: float, dec: float, n: int = 10_000) -> dict:
    """Return positions in one LSST field."""
    place = cap(rng, ra, dec, np.cos(np.radians(FIELD_RADIUS_DEG)), n)
    return {"id": np.arange(n), "ra": place[0], "dec": place[1]}


def scattered(rng: np.random.Generator, n: int = 10_000) -> dict:
    """Return positions all over the sky."""
    place = cap(rng, 0.0, 90.0, -1.0, n)
    return {"id": np.arange(n), "ra": place[0], "dec": place[1]}


def catalogs(folder: Path, rows: int) -> None:
    """Import ten catalogs of the whole sky, and ten of a part of it."""
    for k in range(10):
        for kind, cosine in (("sky", -1.0), ("dense", 1 - 2 * DENSE_FRACTION)):
            rng = np.random.default_rng(100 * k + (kind == "dense"))
            ra, dec = cap(rng, *CENTRE, cosine, rows)
            table = pa.table(
                {"id": np.arange(rows) + k * 10**12, "ra": ra, "dec": dec,
                 "mag": rng.normal(21, 1, rows).astype("f4"),
                 "g": rng.normal(21, 1, rows).astype("f4"),
                 "r": rng.normal(21, 1, rows).astype("f4")}
            )  # fmt: skip
            _import(table, folder, f"{kind}_{k}")


def wide(folder: Path, name: str, rows: int) -> None:
    """Import a table of 23 columns; those of a and b are near each other."""
    rng = np.random.default_rng(1)
    ra, dec = cap(rng, 0.0, 90.0, -1.0, rows)
    if name == "b":
        dec = np.clip(dec + np.random.default_rng(2).normal(0, 0.1 / 3600, rows), -90, 90)
    other = {f"c{i}": rng.normal(0, 1, rows) for i in range(20)}
    _import(pa.table({"id": np.arange(rows), "ra": ra, "dec": dec} | other), folder, f"wide_{name}")


def _import(table: pa.Table, folder: Path, name: str) -> None:
    import skyseries as sky

    output = folder / name
    if (output / "collection.properties").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"{name}.parquet"
    pq.write_table(table, source)
    sky.import_catalog(source, output, id="id", id_index=False, progress=False)
    source.unlink()
