"""Catalogs with pairs planted where matching is hard, and the brute-force answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import skyseries as sky
from skyseries.spatial.sphere import separation_arcsec

CORNER = float(np.degrees(np.arcsin(2 / 3)))
"""Declination where base cells of polar cap and belt meet."""

ANCHORS = [
    (0.0, 90.0), (123.0, -90.0), (0.0, 0.0), (359.9999, 12.0), (45.0, 0.0), (90.0, CORNER),
    (45.0, CORNER), (180.0, -CORNER), (0.0, CORNER), (22.5, 19.47122063449069), (270.0, 89.99),
    (10.0, -45.0), (11.0, -45.5),
]  # fmt: skip
"""Poles, ra = 0, corners where three and four cells meet, the equator, plain places."""


def planted(seed: int, scale_arcsec: float, per_anchor: int = 12, scattered: int = 60) -> pa.Table:
    """Return rows around each anchor within about a scale, and some anywhere."""
    rng = np.random.default_rng(seed)
    ra, dec = [], []
    for a, d in ANCHORS:
        for size in (1, 0.2, 3):
            angle = rng.uniform(0, 2 * np.pi, per_anchor)
            r = np.radians(scale_arcsec * size * np.sqrt(rng.uniform(0, 1, per_anchor)) / 3600)
            x, y = r * np.cos(angle), r * np.sin(angle)
            place = around(a, d, x, y)
            ra.append(place[0])
            dec.append(place[1])
    z = rng.uniform(-1, 1, scattered)
    ra.append(rng.uniform(0, 360, scattered))
    dec.append(np.degrees(np.arcsin(z)))
    ra_all, dec_all = np.concatenate(ra), np.concatenate(dec)
    n = len(ra_all)
    ids = rng.permutation(n) + (1 << 60) + seed
    return pa.table(
        {"id": ids, "ra": ra_all, "dec": dec_all, "mag": rng.normal(20, 1, n), "k": np.arange(n)}
    )


def around(ra: float, dec: float, x, y):
    """Return positions at tangent-plane offsets (radians) from a place, right at the poles too."""
    a, d = np.radians(ra), np.radians(dec)
    center = np.array([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])
    east = np.array([-np.sin(a), np.cos(a), 0])
    north = np.cross(center, east)
    v = center[:, None] + np.outer(east, x) + np.outer(north, y)
    v /= np.linalg.norm(v, axis=0)
    return np.degrees(np.arctan2(v[1], v[0])) % 360, np.degrees(np.arctan2(v[2], np.hypot(*v[:2])))


def imported(table: pa.Table, folder: Path, *, max_rows: int, margin_arcsec: float | None):
    """Return the table as a catalog of many small partitions."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "in.parquet")
    sky.import_catalog(
        folder / "in.parquet", folder / "c", id="id", max_rows=max_rows,
        margin_arcsec=margin_arcsec, executor="serial", progress=False,
        durability="process",
    )  # fmt: skip
    return sky.open_catalog(folder / "c")


def brute(left: pa.Table, right: pa.Table, radius, *, n=1, least=0.0) -> dict[int, list]:
    """Return for each left id the ids of its partners and their distances, nearest first."""
    ra1, dec1, ra2, dec2 = (np.asarray(t[c], float) for t in (left, right) for c in ("ra", "dec"))
    ids = np.asarray(right["id"])
    found = {}
    radius = np.broadcast_to(np.asarray(radius, float), len(ra1))
    distances = separation_arcsec(ra1[:, None], dec1[:, None], ra2, dec2)
    for i, (key, d) in enumerate(zip(left["id"].to_pylist(), distances, strict=True)):
        near = np.flatnonzero((d <= radius[i]) & (d >= least))
        near = near[np.argsort(d[near], kind="stable")][:n]
        found[key] = [(int(ids[j]), float(d[j])) for j in near]
    return found


def pairs(table: pa.Table, left: str = "id_a", right: str = "id_b") -> dict[int, list]:
    """Return a cross-match's result in the form of `brute` (rows with partners only)."""
    found: dict[int, list] = {}
    for a, b, d in zip(
        table[left].to_pylist(), table[right].to_pylist(), table["_dist_arcsec"].to_pylist(),
        strict=True,
    ):  # fmt: skip
        found.setdefault(a, []).append((b, d))
    return found


def agree(found: dict[int, list], expected: dict[int, list]) -> None:
    """Assert that both hold the same pairs in the same order."""
    expected = {key: value for key, value in expected.items() if value}
    assert {k: [b for b, _ in v] for k, v in found.items()} == {
        k: [b for b, _ in v] for k, v in expected.items()
    }
    np.testing.assert_allclose(
        [d for key in expected for _, d in found[key]],
        [d for partners in expected.values() for _, d in partners],
        rtol=1e-9, atol=1e-9,
    )  # fmt: skip
