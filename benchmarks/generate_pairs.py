"""Two catalogs to cross-match, written by hats-import; and catalogs of nothing but a description.

Half of the rows are spread over the sky, half lie towards the galactic plane; 70 % of B are rows
of A moved by about 0.2 arcsec.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["catalogs", "described", "positions"]

MARGIN_ARCSEC = 5.0
_FILE_ROWS = 1_000_000


def positions(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return ra and dec of n rows, half of them near a plane."""
    z, ra = rng.uniform(-1, 1, n), rng.uniform(0, 360, n)
    plane = rng.random(n) < 0.5
    z[plane] = np.clip(rng.normal(0, 0.15, int(plane.sum())), -1, 1)
    return ra, np.degrees(np.arcsin(z))


def tables(n: int) -> dict[str, pa.Table]:
    """Return A and B."""
    rng = np.random.default_rng(1)
    ra, dec = positions(n, rng)
    k = int(0.7 * n)
    chosen = rng.choice(n, k, replace=False)
    sigma = 0.2 / 3600
    near_ra = ra[chosen] + rng.normal(0, sigma, k) / np.cos(np.radians(dec[chosen]))
    near_dec = np.clip(dec[chosen] + rng.normal(0, sigma, k), -90, 90)
    other = positions(n - k, rng)
    ids = np.arange(n)
    return {
        "A": pa.table({"id": ids, "ra": ra, "dec": dec, "mag": _magnitudes(rng, n)}),
        "B": pa.table(
            {
                "id": ids,
                "ra": np.concatenate([near_ra, other[0]]) % 360,
                "dec": np.concatenate([near_dec, other[1]]),
                "mag": _magnitudes(rng, n),
            }
        ),
    }


def _magnitudes(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.normal(21, 1.5, n).astype(np.float32)


def catalogs(folder: Path, n: int, client: object) -> None:
    """Write A, B and the margin of B with hats-import, into ``folder``."""
    from hats_import.catalog.arguments import ImportArguments
    from hats_import.margin_cache.margin_cache_arguments import MarginCacheArguments
    from hats_import.pipeline import pipeline_with_client

    for name, table in tables(n).items():
        source = folder / f"input_{name}_{n}"
        source.mkdir(parents=True, exist_ok=True)
        for i in range(0, n, _FILE_ROWS):
            pq.write_table(table.slice(i, _FILE_ROWS), source / f"{i // _FILE_ROWS:04d}.parquet")
        arguments = ImportArguments(
            output_path=folder, output_artifact_name=f"{name}_{n}", file_reader="parquet",
            input_file_list=sorted(source.glob("*.parquet")), ra_column="ra", dec_column="dec",
            highest_healpix_order=10, progress_bar=False,
        )  # fmt: skip
        pipeline_with_client(arguments, client)
        shutil.rmtree(source)
    margin = MarginCacheArguments(
        input_catalog_path=folder / f"B_{n}", output_path=folder, output_artifact_name=f"Bm_{n}",
        margin_threshold=MARGIN_ARCSEC, progress_bar=False,
    )  # fmt: skip
    pipeline_with_client(margin, client)


def described(root: Path, name: str, order: int = 6) -> None:
    """Write the description of a catalog of 12 * 4**order partitions, without any leaf."""
    cells = 12 * 4**order
    (root / "dataset").mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{order},{npix}\n" for npix in range(cells))
    (root / "partition_info.csv").write_text(f"Norder,Npix\n{lines}")
    schema = pa.schema(
        [("_healpix_29", pa.int64()), ("id", pa.int64()), ("ra", pa.float64()),
         ("dec", pa.float64()), ("mag", pa.float64())]
    )  # fmt: skip
    pq.write_metadata(schema, root / "dataset" / "_common_metadata")
    (root / "hats.properties").write_text(
        f"obs_collection={name}\ndataproduct_type=object\nhats_nrows={cells * 20_000}\n"
        "hats_col_ra=ra\nhats_col_dec=dec\nhats_col_healpix=_healpix_29\n"
        "hats_col_healpix_order=29\n"
    )


def main() -> None:
    """Write the catalogs of one size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("rows", type=float)
    a = parser.parse_args()
    from dask.distributed import Client

    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        catalogs(a.folder, int(a.rows), client)


if __name__ == "__main__":
    main()
