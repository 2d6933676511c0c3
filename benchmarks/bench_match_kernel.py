"""The match kernel alone against scipy's cKDTree: both sides in memory, one thread, warm.

Each case is run several times in one process and the best time of each system is kept. scipy's
time is that of unit vectors, building the tree and the query; both systems must find the same.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from results import WORK, Row, Target, save
from skyseries.spatial.healpix import radec_to_hpx
from skyseries.spatial.match import match, self_match

Positions = tuple[NDArray[np.float64], NDArray[np.float64]]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
WHOLE_SKY_LIMIT_S, PARTITION_LIMIT_S = 0.100, 0.025


def in_healpix_order(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> Positions:
    """Sort positions as they come from a catalog."""
    order = np.argsort(radec_to_hpx(ra, dec))
    return ra[order], dec[order]


def whole_sky(n: int, seed: int) -> Positions:
    """Scatter positions uniformly over the sky."""
    rng = np.random.default_rng(seed)
    return in_healpix_order(rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n))))


def partition(n: int, seed: int, side: float = 7.0) -> Positions:
    """Scatter positions over a square of the size of a HEALPix cell of order 3."""
    rng = np.random.default_rng(seed)
    ra = rng.uniform(40, 40 + side / np.cos(np.radians(30)), n)
    return in_healpix_order(ra, rng.uniform(30 - side / 2, 30 + side / 2, n))


def bulge(n: int, seed: int) -> Positions:
    """Half of the objects over a partition, half in three clusters of one arcmin."""
    rng = np.random.default_rng(seed)
    ra, dec = partition(n, seed)
    cluster = rng.integers(0, 3, n // 2)
    ra[: n // 2] = 43.0 + cluster + rng.normal(0, 1 / 60, n // 2)
    dec[: n // 2] = 30.0 + cluster / 2 + rng.normal(0, 1 / 60, n // 2)
    return in_healpix_order(ra, dec)


def observed_again(position: Positions, seed: int) -> Positions:
    """Return four of five objects, 0.2 arcsec off in each coordinate, in the same order."""
    rng = np.random.default_rng(seed)
    kept = rng.random(position[0].size) < 0.8
    ra, dec = position[0][kept], position[1][kept]
    error = rng.normal(0, 0.2 / 3600, (2, ra.size))
    return np.mod(ra + error[0] / np.cos(np.radians(dec)), 360), np.clip(dec + error[1], -90, 90)


def unit_vectors(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return positions on the unit sphere, shape (n, 3)."""
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)


def scipy_nearest(left: Positions, right: Positions, radius: float, k: int = 1) -> Pairs:
    """Match as LSDB does, with a tree of unit vectors."""
    chord = 2 * np.sin(np.radians(radius / 3600) / 2)
    tree = cKDTree(unit_vectors(*right))
    found, row = tree.query(unit_vectors(*left), k=[*range(1, k + 1)], distance_upper_bound=chord)
    at, nth = np.nonzero(np.isfinite(found))
    return at, row[at, nth], np.degrees(2 * np.arcsin(found[at, nth] / 2)) * 3600


def scipy_pairs(position: Positions, radius: float) -> Pairs:
    """Find all pairs within one table."""
    chord = 2 * np.sin(np.radians(radius / 3600) / 2)
    vectors = unit_vectors(*position)
    pairs = cKDTree(vectors).query_pairs(chord, output_type="ndarray")
    left, right = pairs[np.lexsort(pairs.T[::-1])].T
    apart = np.linalg.norm(vectors[left] - vectors[right], axis=1)
    return left, right, np.degrees(2 * np.arcsin(apart / 2)) * 3600


def best_time(run: Callable[[], Pairs], repeats: int) -> tuple[float, Pairs]:
    """Return the shortest of several times."""
    result, seconds = run(), []
    for _ in range(repeats):
        started = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - started)
    return min(seconds), result


def check(ours: Pairs, theirs: Pairs) -> None:
    """Both find the same left rows at the same distances (one right row of equals may differ)."""
    if ours[0].size != theirs[0].size:
        raise RuntimeError(f"{ours[0].size} pairs here, {theirs[0].size} of scipy")
    np.testing.assert_array_equal(np.sort(ours[0]), np.sort(theirs[0]))
    np.testing.assert_allclose(np.sort(ours[2]), np.sort(theirs[2]), atol=1e-8)


def compare(
    task: str,
    size: str,
    ours: Callable[[], Pairs],
    theirs: Callable[[], Pairs],
    *,
    limit_s: float | None = None,
    repeats: int = 9,
) -> list[Row]:
    """Time both, check, and make two rows."""
    seconds, pairs = best_time(ours, repeats)
    peer_seconds, peer_pairs = best_time(theirs, 1)
    check(pairs, peer_pairs)
    targets = ()
    if limit_s is not None:
        text = f"<= {limit_s * 1e3:.0f} ms"
        targets = (Target(text, round(seconds, 4), seconds <= limit_s),)
    figures = {"pairs": int(pairs[0].size)}
    return [
        Row(
            task, size, "skyseries", process="warm", wall_s=round(seconds, 4), figures=figures,
            ratio=round(peer_seconds / seconds, 1), targets=targets,
        ),
        Row(task, size, "scipy cKDTree", "-", "warm", round(peer_seconds, 4), figures=figures),
    ]  # fmt: skip


def compare_nearest(
    task: str, size: str, left: Positions, right: Positions, radius: float, k: int = 1, **more
) -> list[Row]:
    """Compare the nearest, or the k nearest, within a radius."""
    return compare(
        task, size,
        partial(match, *left, *right, radius, n_neighbors=k),
        partial(scipy_nearest, left, right, radius, k), **more,
    )  # fmt: skip


def ogle() -> list[Row]:
    """Pairs within the variable stars of OGLE: bulge, Magellanic Clouds, disc."""
    path = SHARED / "ogle3_variables.parquet"
    if not path.exists():
        return []
    table = pq.read_table(path, columns=["ra", "dec"])
    ra, dec = (table[name].to_numpy().astype(np.float64) for name in ("ra", "dec"))
    return [
        row
        for radius in (3.0, 30.0)
        for row in compare(
            f"all pairs within one table, {radius:g} arcsec",
            f"{ra.size:,} OGLE variable stars",
            partial(self_match, ra, dec, radius),
            partial(scipy_pairs, (ra, dec), radius),
            repeats=3,
        )
    ]


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of rows")
    scale = parser.parse_args().scale
    million, many, few = int(1e6 * scale), int(4e5 * scale), int(1e4 * scale)
    WORK.mkdir(exist_ok=True)
    full = scale >= 1.0
    right = whole_sky(million, 2)
    size = f"{million:,} x {million:,}, whole sky"
    rows = compare_nearest(
        "nearest within 1 arcsec, hardly any match", size, whole_sky(million, 1), right, 1.0,
        limit_s=WHOLE_SKY_LIMIT_S if full else None,
    )  # fmt: skip
    again = observed_again(right, 3)
    rows += compare_nearest("nearest within 1 arcsec, all match", size, again, right, 1.0)
    right = partition(many, 2)
    size = f"{many:,} x {many:,}, 7 x 7 degrees"
    rows += compare_nearest(
        "nearest within 1 arcsec, hardly any match", size, partition(many, 1), right, 1.0,
        limit_s=PARTITION_LIMIT_S if full else None,
    )  # fmt: skip
    again = observed_again(right, 3)
    rows += compare_nearest("nearest within 1 arcsec, all match", size, again, right, 1.0)
    rows += compare_nearest("5 nearest within 1 arcmin", size, again, right, 60.0, 5, repeats=3)
    one_task, right = "nearest within 1 arcsec", partition(million, 4)
    some = tuple(column[:: million // few] for column in observed_again(right, 3))
    size = f"{some[0].size:,} x {million:,}, 7 x 7 degrees"
    rows += compare_nearest(one_task, size, some, right, 1.0)
    size = f"{million:,} x {some[0].size:,}, 7 x 7 degrees"
    rows += compare_nearest(one_task, size, right, some, 1.0)
    right = bulge(million, 5)
    size = f"{million:,} x {million:,}, half in three clusters"
    rows += compare_nearest(one_task, size, observed_again(right, 3), right, 1.0, repeats=3)
    right = tuple(column / (7 * 60) for column in partition(million, 6))
    size = f"{million:,} x {million:,}, 1 x 1 arcmin"
    rows += compare_nearest(one_task, size, observed_again(right, 3), right, 1.0, repeats=3)
    rows += ogle()
    notes = (
        "One thread. scipy: unit vectors, tree and query. 'All match': the left side are four of "
        "five right objects, 0.2 arcsec off."
    )
    save("match_kernel", "Cross-match kernel", rows, notes, full=full)


if __name__ == "__main__":
    main()
