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


def features(a: argparse.Namespace) -> dict[str, object]:
    """Compute light-curve's features of each row, and write them with id and position."""
    import light_curve as lc
    import lsdb
    import numpy as np

    extractor = lc.Extractor(*(getattr(lc, name)() for name in a.features.split(",")))
    names, keys = a.names.split(","), ["id", "ra", "dec"]
    columns = ["lightcurve.mjd", "lightcurve.flux", "lightcurve.err"]

    def extract(t: object, y: object, e: object) -> object:
        return tuple(extractor(t, y, e, sorted=True, check=False))

    catalog = lsdb.open_catalog(a.folder, columns=[*keys, *columns])
    found = catalog.map_rows(
        extract, columns=columns, row_container="args", output_names=names,
        meta=dict.fromkeys(names, np.float64), append_columns=True, infer_nesting=False,
    )  # fmt: skip
    found[[*keys, *names]].write_catalog(a.output, catalog_name="features", progress_bar=False)
    return {}


def features_many(a: argparse.Namespace) -> dict[str, object]:
    """Compute the same of each partition at once, from its Arrow column."""
    import light_curve as lc
    import lsdb
    import pandas as pd
    import pyarrow as pa

    extractor = lc.Extractor(*(getattr(lc, name)() for name in a.features.split(",")))
    names, keys = a.names.split(","), ["id", "ra", "dec"]
    fields = ["mjd", "flux", "err"]

    def extract(frame: object) -> object:
        made = frame[keys]
        if not len(frame):  # the call by which the types are found
            return made.assign(**dict.fromkeys(names, 0.0))
        nested = frame["lightcurve"]
        lengths = nested.nest.to_lists()["mjd"].list.len().to_numpy()
        offsets = pa.array([0, *lengths.cumsum()], pa.int32())
        flat = [pa.array(nested.nest[name].to_numpy()) for name in fields]
        column = pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(flat, fields))
        roles = dict(zip(("t", "m", "sigma"), fields, strict=True))
        found = extractor.many(column, arrow_fields=roles, sorted=True, check=False, n_jobs=1)
        return pd.concat([made, pd.DataFrame(found, columns=names, index=made.index)], axis=1)

    columns = [*keys, *(f"lightcurve.{name}" for name in fields)]
    catalog = lsdb.open_catalog(a.folder, columns=columns)
    found = catalog.map_partitions(extract)
    found.write_catalog(a.output, catalog_name="features", progress_bar=False)
    return {}


TASKS = {
    "crossmatch": crossmatch, "plan": plan, "features": features, "features_many": features_many,
}  # fmt: skip


def main() -> None:
    """Run one task and print what came out."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=sorted(TASKS))
    parser.add_argument("folder")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--output")
    parser.add_argument("--features", help="extractors of light-curve")
    parser.add_argument("--names", help="columns of what they give")
    parser.add_argument("--scheduler", default="synchronous")
    a = parser.parse_args()
    started = time.perf_counter()
    run = TASKS[a.task]
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
