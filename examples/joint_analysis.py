"""Two surveys together: open both by path, cross-match, aggregate, write, on any engine.

::

    python examples/joint_analysis.py                    # two small catalogs, threads
    python examples/joint_analysis.py dask               # or processes, spark
    python examples/joint_analysis.py spark LEFT RIGHT --folder results

LEFT and RIGHT are folders or URLs of HATS catalogs. Without them two small ones are made. Only
``sky.executor(...)`` says where the work is done: docs/engines.md tells how to name a cluster
that is there already.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

import skyseries as sky
from skyseries.formats import write_table


def make_catalogs(folder: Path, n: int = 10_000) -> tuple[Path, Path]:
    """Write two catalogs of a part of the sky: nine in ten objects are in both."""
    rng = np.random.default_rng(5)
    ra, dec = rng.uniform(40, 60, n), rng.uniform(-10, 10, n)
    mag = rng.uniform(15, 24, n)
    first = {"id": np.arange(n), "ra": ra, "dec": dec, "g": mag}
    seen = rng.random(n) < 0.9
    error = 0.02 * 10 ** (0.2 * (mag[seen] - 18))  # arcsec: faint objects are seen less exactly
    east, north = rng.normal(0, error, (2, len(error))) / 3600
    second = {
        "id": np.arange(len(error)),
        "ra": ra[seen] + east / np.cos(np.radians(dec[seen])),
        "dec": dec[seen] + north,
        "r": mag[seen] - rng.normal(0.6, 0.2, len(error)),
    }
    paths = folder / "first", folder / "second"
    for path, columns in zip(paths, (first, second), strict=True):
        file = path.with_suffix(".parquet")
        write_table(pa.table(columns), file)
        sky.import_catalog(file, path, id="id", max_rows=1000, overwrite=True, progress=False)
    return paths


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Cross-match, aggregate and write, on any engine.")
    engines = ["threads", "processes", "dask", "spark"]
    parser.add_argument("engine", nargs="?", default="threads", choices=engines)
    parser.add_argument("left", nargs="?", help="folder or URL of a catalog")
    parser.add_argument("right", nargs="?", help="folder or URL of the other")
    parser.add_argument("--workers", type=int, help="how many tasks run side by side")
    parser.add_argument("--folder", type=Path, help="where results go (default: a temporary one)")
    parsed = parser.parse_args()
    if (parsed.left is None) != (parsed.right is None):
        parser.error("give two catalogs, or none")
    return parsed


given = arguments()
folder = given.folder or Path(tempfile.mkdtemp(prefix="joint-analysis-"))
left, right = (given.left, given.right) if given.left else make_catalogs(folder)

with sky.executor(given.engine, given.workers):
    pairs = sky.open_catalog(left).crossmatch(sky.open_catalog(right), radius_arcsec=1)
    by_distance = pairs.group_by("FLOOR(_dist_arcsec * 10) / 10 AS arcsec")
    table = by_distance.aggregate(pairs="COUNT(*)", mean="AVG(_dist_arcsec)")
    written = pairs.write_catalog(folder / "pairs", overwrite=True)

print("from arcsec    pairs   mean arcsec")
for row in table.to_pylist():
    print(f"{row['arcsec']:11.1f} {row['pairs']:8,} {row['mean']:13.4f}")
print(f"wrote {written.path}: {written.rows:,} rows in {written.partitions} partitions")
