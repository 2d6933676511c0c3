"""Tasks of the catalog engine with LSDB, each timed inside this process."""

from __future__ import annotations

import argparse
import json
import time
import warnings

warnings.filterwarnings("ignore")


def crossmatch(a: argparse.Namespace) -> dict[str, object]:
    """Cross-match two catalogs within 1 arcsec: three columns of each, to a frame or to HATS."""
    import lsdb

    columns = ["id", "ra", "dec"]
    left = lsdb.open_catalog(f"{a.folder}/A_{a.rows}", columns=columns)
    right = lsdb.open_catalog(
        f"{a.folder}/B_{a.rows}", columns=columns, margin_cache=f"{a.folder}/Bm_{a.rows}"
    )
    matched = left.crossmatch(right, radius_arcsec=1, suffixes=("_a", "_b"))
    if a.output:
        matched.write_catalog(a.output, catalog_name="matched", as_collection=False, overwrite=True)
        return {}
    found = matched.compute()
    keys = found["id_a"].to_numpy() * 31 + found["id_b"].to_numpy()
    return {"rows": len(found), "check": int(keys.sum())}


def plan(a: argparse.Namespace) -> dict[str, object]:
    """Open two catalogs, plan a cross-match with a filter and a map; nothing is computed."""
    import lsdb

    started = time.perf_counter()
    left = lsdb.open_catalog(f"{a.folder}/a")
    right = lsdb.open_catalog(f"{a.folder}/b")
    matched = left.crossmatch(right, radius_arcsec=1, suffixes=("_a", "_b")).query("mag_a < 20")
    mapped = matched.map_partitions(lambda frame: frame[["id_a", "id_b"]])
    graph = mapped.to_dask_dataframe().__dask_graph__()
    return {"plan_s": round(time.perf_counter() - started, 2), "tasks": len(graph)}


def main() -> None:
    """Run one task and print what came out."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=["crossmatch", "plan"])
    parser.add_argument("folder")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--output")
    parser.add_argument("--scheduler", default="synchronous")
    a = parser.parse_args()
    started = time.perf_counter()
    run = {"crossmatch": crossmatch, "plan": plan}[a.task]
    if a.scheduler == "client":
        from dask.distributed import Client

        with Client(n_workers=2, threads_per_worker=1, dashboard_address=None):
            found = run(a)
    else:
        import dask

        with dask.config.set(scheduler=a.scheduler, num_workers=2):
            found = run(a)
    print(json.dumps(found | {"inside_s": round(time.perf_counter() - started, 2)}))


if __name__ == "__main__":
    main()
