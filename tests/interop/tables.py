"""Small tables with every odd place of the sky in them, and brute-force answers about them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

__all__ = [
    "cone",
    "nearest_pairs",
    "objects",
    "objects_and_sources",
    "separation_arcsec",
    "sorted_by_id",
]

FIRST_ID = 2**60 + 1
"""Above 2**53: an id that went through a float is not the same id."""

Floats = npt.NDArray[np.float64]


def objects(n: int = 600, seed: int = 0) -> pd.DataFrame:
    """Return objects over the whole sky with poles, RA 0/360 and cell corners among them."""
    rng = np.random.default_rng(seed)
    ra = rng.uniform(0, 360, n)
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    ra[:8] = [0.0, 10.0, 359.9999999, 1e-9, 45.0, 90.0, 0.0, 180.0]
    dec[:8] = [90.0, -90.0, 0.0, 0.0, 0.0, 41.8103149, -41.8103149, 89.9999]
    return pd.DataFrame(
        {
            "id": FIRST_ID + rng.permutation(n).astype(np.int64),
            "ra": ra,
            "dec": dec,
            "mag": rng.normal(20, 1, n).astype(np.float32),
            "name": [f"OBJ-{i:05d}" for i in range(n)],
        }
    )


def objects_and_sources(n: int = 200, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return objects and their sources, shuffled; 1 to 12 epochs.

    Sources have id, mjd, band, flux, err.
    """
    table = objects(n, seed)
    rng = np.random.default_rng(seed + 1)
    count = rng.integers(1, 13, n)
    total = int(count.sum())
    sources = pd.DataFrame(
        {
            "id": np.repeat(table["id"].to_numpy(), count),
            "mjd": 60000 + rng.permutation(total) * 0.37,
            "band": rng.choice(list("ugrizy"), total),
            "flux": rng.normal(1000, 30, total).astype(np.float32),
            "err": rng.uniform(10, 20, total).astype(np.float32),
        }
    )
    return table, sources.iloc[rng.permutation(total)].reset_index(drop=True)


def separation_arcsec(ra1: Floats, dec1: Floats, ra2: Floats, dec2: Floats) -> Floats:
    """Return the angular distance (degrees in, arcsec out; Vincenty's formula on the sphere)."""
    a1, d1, a2, d2 = (np.radians(x) for x in (ra1, dec1, ra2, dec2))
    s, c = np.sin(a2 - a1), np.cos(a2 - a1)
    y = np.hypot(np.cos(d2) * s, np.cos(d1) * np.sin(d2) - np.sin(d1) * np.cos(d2) * c)
    x = np.sin(d1) * np.sin(d2) + np.cos(d1) * np.cos(d2) * c
    return np.degrees(np.arctan2(y, x)) * 3600


def cone(table: pd.DataFrame, ra: float, dec: float, radius_arcsec: float) -> pd.DataFrame:
    """Return the rows within the radius, by computing every distance."""
    distance = separation_arcsec(
        table["ra"].to_numpy(float), table["dec"].to_numpy(float), np.float64(ra), np.float64(dec)
    )
    return table[distance <= radius_arcsec]


def nearest_pairs(
    left: pd.DataFrame, right: pd.DataFrame, radius_arcsec: float
) -> set[tuple[int, int]]:
    """Return (id, id) of each left row's nearest right row within the radius."""
    pairs = set()
    right_ra, right_dec = right["ra"].to_numpy(float), right["dec"].to_numpy(float)
    for row in left.itertuples():
        distance = separation_arcsec(np.float64(row.ra), np.float64(row.dec), right_ra, right_dec)
        best = int(np.argmin(distance))
        if distance[best] <= radius_arcsec:
            pairs.add((int(row.id), int(right["id"].iloc[best])))
    return pairs


def sorted_by_id(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return plain NumPy-typed columns in a fixed order, sorted by id, for comparison."""
    out = {}
    for column in columns:
        values = frame[column]
        if isinstance(values.dtype, pd.ArrowDtype) and not _is_nested(values.dtype):
            values = values.astype(object)
        out[column] = values.to_numpy()
    plain = pd.DataFrame(out)
    plain["id"] = plain["id"].astype(np.int64)
    keys = [name for name in ("id", "mag") if name in columns]
    return plain.sort_values(keys, ignore_index=True)


def _is_nested(dtype: pd.ArrowDtype) -> bool:
    return pa.types.is_nested(dtype.pyarrow_dtype)
