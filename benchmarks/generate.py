"""Write the synthetic inputs of the benchmarks, out of core and reproducibly.

``objects``: n rows x 4 columns (id, ra, dec, mag) in 10 Parquet files; half of them uniform on
the sphere, half in a band round the equator, as a survey crosses the Galactic plane.

``lightcurves``: N objects and E epochs each. The N x E sources are permuted as a whole and cut
into files, so that every file holds epochs of objects from all over the sky. The permutation is
a Feistel network over the row number (Luby & Rackoff 1988, SIAM J. Comput. 17, 373), walked
until it lands below N x E: a bijection that needs no table. All values follow from the row
number by a hash, so that a reader can be checked without keeping the input.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = [
    "BANDS", "lightcurves", "object_ids", "objects", "positions", "source_values", "string_ids",
]  # fmt: skip

BANDS = np.array(["u", "g", "r", "i", "z", "y"])
FIRST_MJD = 60_800.0
SURVEY_DAYS = 3652.5
_FIRST_ID = 170_000_000_000_000_000
"""Ids are as long as Rubin's: above 2**53, where a float would round them."""

_DONE = "_complete"
"""Marks a folder that was written to the end."""

U64 = npt.NDArray[np.uint64]


def objects(folder: Path, n: int, *, files: int = 10, seed: int = 1) -> list[Path]:
    """Write `n` objects (id int64, ra and dec float64 in degrees, mag float32)."""
    if _is_complete(folder):
        return sorted(folder.glob("*.parquet"))
    folder.mkdir(parents=True, exist_ok=True)
    edges = np.linspace(0, n, files + 1).astype(np.int64)
    for i in range(files):
        rng = np.random.default_rng((seed, i))
        m = int(edges[i + 1] - edges[i])
        ra, dec = positions(rng, m)
        table = {
            "id": np.arange(edges[i], edges[i + 1], dtype=np.int64),
            "ra": ra,
            "dec": dec,
            "mag": rng.normal(21, 1.5, m).astype(np.float32),
        }
        pq.write_table(pa.table(table), folder / f"{i:04d}.parquet")
    (folder / _DONE).touch()
    return sorted(folder.glob("*.parquet"))


def lightcurves(
    folder: Path,
    n_objects: int,
    n_epochs: int,
    *,
    files: int = 100,
    string_id: bool = False,
    seed: int = 1,
) -> tuple[list[Path], list[Path]]:
    """Write ``objects/`` and globally shuffled ``sources/``; return the paths of both.

    Objects have objectId, ra, dec, refMag; sources objectId, midpointMjdTai, band, psfFlux and
    psfFluxErr (nJy). With `string_id`, ids are text such as ``OBJ-0000123``.
    """
    parts = 4
    object_dir, source_dir = folder / "objects", folder / "sources"
    if not _is_complete(object_dir):
        object_dir.mkdir(parents=True, exist_ok=True)
        edges = np.linspace(0, n_objects, parts + 1).astype(np.int64)
        for i in range(parts):
            rng = np.random.default_rng((seed, 7, i))
            index = np.arange(edges[i], edges[i + 1], dtype=np.int64)
            ra, dec = positions(rng, index.size)
            mag = (31.4 - 2.5 * np.log10(_mean_flux(index))).astype(np.float32)
            table = {"objectId": _ids(index, string_id), "ra": ra, "dec": dec, "refMag": mag}
            pq.write_table(pa.table(table), object_dir / f"{i:04d}.parquet")
        (object_dir / _DONE).touch()
    if not _is_complete(source_dir):
        source_dir.mkdir(parents=True, exist_ok=True)
        total = n_objects * n_epochs
        edges = np.linspace(0, total, files + 1).astype(np.int64)
        for i in range(files):
            row = _permute(np.arange(edges[i], edges[i + 1], dtype=np.uint64), total, seed)
            table = source_table(row.astype(np.int64), n_epochs, string_id=string_id)
            pq.write_table(table, source_dir / f"{i:04d}.parquet")
        (source_dir / _DONE).touch()
    return sorted(object_dir.glob("*.parquet")), sorted(source_dir.glob("*.parquet"))


def source_table(row: npt.NDArray[np.int64], n_epochs: int, *, string_id: bool) -> pa.Table:
    """Return the sources with these row numbers (object index * n_epochs + epoch)."""
    index = row // n_epochs
    time, band, flux, error = source_values(row, n_epochs)
    return pa.table(
        {
            "objectId": _ids(index, string_id),
            "midpointMjdTai": time,
            "band": pa.DictionaryArray.from_arrays(band, pa.array(BANDS)).cast(pa.string()),
            "psfFlux": flux,
            "psfFluxErr": error,
        }
    )


def source_values(
    row: npt.NDArray[np.int64], n_epochs: int
) -> tuple[
    npt.NDArray[np.float64],
    npt.NDArray[np.int8],
    npt.NDArray[np.float32],
    npt.NDArray[np.float32],
]:
    """Return time (MJD), index of the band, flux and error (nJy) of sources by row number."""
    time = FIRST_MJD + SURVEY_DAYS * _uniform(row, 1)
    band = (_uniform(row, 2) * BANDS.size).astype(np.int8)
    mean = _mean_flux(row // n_epochs)
    error = (30.0 + 0.01 * mean).astype(np.float32)
    normal = np.sqrt(-2 * np.log1p(-_uniform(row, 3))) * np.cos(2 * np.pi * _uniform(row, 4))
    return time, band, (mean + error * normal).astype(np.float32), error


def object_ids(index: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the 64-bit ids of objects by index (unique, not sorted by position)."""
    return (
        _FIRST_ID
        + index * 64
        + (_hash(index.astype(np.uint64), 9) & np.uint64(63)).astype(np.int64)
    )


def string_ids(index: npt.NDArray[np.int64]) -> npt.NDArray[np.str_]:
    """Return text ids such as ``OBJ-0000123``."""
    return np.char.add("OBJ-", np.char.zfill(index.astype(str), 7))


def positions(
    rng: np.random.Generator, n: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Draw right ascension and declination in degrees: half uniform, half in a band."""
    z = rng.uniform(-1, 1, n)
    band = rng.random(n) < 0.5
    z[band] = np.clip(rng.normal(0, 0.15, int(band.sum())), -1, 1)
    return rng.uniform(0, 360, n), np.degrees(np.arcsin(z))


def _ids(index: npt.NDArray[np.int64], string_id: bool) -> npt.NDArray[np.generic]:
    return string_ids(index) if string_id else object_ids(index)


def _mean_flux(index: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return 10 ** (2.5 + 2.5 * _uniform(index, 5))


def _hash(x: U64, stream: int) -> U64:
    """Mix bits (the SplitMix64 finaliser, Steele et al. 2014, OOPSLA)."""
    z = x + np.uint64(0x9E3779B97F4A7C15 * (stream + 1) & 0xFFFFFFFFFFFFFFFF)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _uniform(x: npt.NDArray[np.int64], stream: int) -> npt.NDArray[np.float64]:
    return (_hash(x.astype(np.uint64), stream) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _permute(x: U64, total: int, seed: int) -> U64:
    """Apply a pseudo-random bijection of [0, total) to x."""
    half = np.uint64((max(total - 1, 1).bit_length() + 1) // 2)
    mask = np.uint64((1 << int(half)) - 1)
    out = x.copy()
    pending = np.arange(x.size)
    while pending.size:
        left, right = out[pending] >> half, out[pending] & mask
        for step in range(4):
            left, right = right, left ^ (_hash(right, 16 * seed + step + 32) & mask)
        out[pending] = (left << half) | right
        pending = pending[out[pending] >= total]
    return out


def _is_complete(folder: Path) -> bool:
    return (folder / _DONE).exists()


def main() -> None:
    """Write one of the two inputs."""
    parser = argparse.ArgumentParser(description="synthetic inputs of the benchmarks")
    parser.add_argument("what", choices=["objects", "lightcurves"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--objects", type=float, default=1e6)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--files", type=int)
    parser.add_argument("--string-ids", action="store_true")
    a = parser.parse_args()
    if a.what == "objects":
        objects(a.folder, int(a.objects), files=a.files or 10)
    else:
        lightcurves(
            a.folder, int(a.objects), a.epochs, files=a.files or 100, string_id=a.string_ids
        )


if __name__ == "__main__":
    main()
