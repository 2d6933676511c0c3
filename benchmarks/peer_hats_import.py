"""Import a folder of Parquet files with hats-import on two workers; then, if asked, a margin."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from dask.distributed import Client
from hats_import.catalog.arguments import ImportArguments
from hats_import.margin_cache.margin_cache_arguments import MarginCacheArguments
from hats_import.pipeline import pipeline_with_client


def main() -> None:
    """Run the pipelines and print how long each took inside the process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--margin-arcsec", type=float)
    parser.add_argument("--workers", type=int, default=2)
    a = parser.parse_args()
    seconds = {}
    with Client(n_workers=a.workers, threads_per_worker=1, dashboard_address=None) as client:
        started = time.perf_counter()
        arguments = ImportArguments(
            output_path=a.output,
            output_artifact_name="objects",
            input_file_list=sorted(a.source.glob("*.parquet")),
            file_reader="parquet",
            ra_column="ra",
            dec_column="dec",
            highest_healpix_order=10,
            progress_bar=False,
        )
        pipeline_with_client(arguments, client)
        seconds["import_s"] = round(time.perf_counter() - started, 2)
        if a.margin_arcsec is not None:
            started = time.perf_counter()
            margin = MarginCacheArguments(
                input_catalog_path=a.output / "objects",
                output_path=a.output,
                output_artifact_name="objects_margin",
                margin_threshold=a.margin_arcsec,
                progress_bar=False,
            )
            pipeline_with_client(margin, client)
            seconds["margin_s"] = round(time.perf_counter() - started, 2)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
