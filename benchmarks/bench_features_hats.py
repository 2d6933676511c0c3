"""25 features from a HATS catalog to a HATS catalog, against LSDB's `map_rows` with light-curve.

Both read the times, fluxes and errors of the same catalog and write id, position and features, in
one thread of one fresh process. LSDB calls light-curve's extractor (the whole of it compiled, told
that the data are sorted and need no check) once a row, with the columns as positional arguments;
besides, it is given the whole partition as one Arrow list by `map_partitions`, for information. All
numbers are compared.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import generate
from bench_features import EXTRACTORS, NAMES, OTHER_QUANTILE
from results import WORK, Row, Target, measured_row, save
from systems import peer, skyseries

BUILD = """
import skyseries as sky
sky.import_catalog(
    {objects!r}, {output!r}, name="curves", id="id", lightcurves={sources!r}, time="mjd",
    flux="flux", flux_err="err", margin_arcsec=None, workers=2, progress=False)
"""
PROGRAM = """
import json, os, time
os.environ["SKYSERIES_WORKERS"] = "1"
import skyseries as sky
started = time.perf_counter()
catalog = sky.open_catalog({folder!r}).features({names!r})
columns = [name for name in catalog.columns if name != "lightcurve"]
catalog.select(columns).write_catalog({output!r}, margin_arcsec=None, id_index=False)
print(json.dumps({{"inside_s": round(time.perf_counter() - started, 2)}}))
"""


def catalog(n_objects: int, n_epochs: int) -> Path:
    """Make the catalog that both read, of light curves in one band."""
    output = WORK / f"one_band_{n_objects}x{n_epochs}"
    if (output / "collection.properties").exists():
        return output
    rng = np.random.default_rng(6)
    ra, dec = generate.positions(rng, n_objects)
    objects, sources = WORK / "one_band_objects.parquet", WORK / "one_band_sources.parquet"
    pq.write_table(pa.table({"id": np.arange(n_objects), "ra": ra, "dec": dec}), objects)
    m = n_objects * n_epochs
    columns = {
        "id": np.repeat(np.arange(n_objects), n_epochs),
        "mjd": np.sort(rng.uniform(60000, 63650, (n_objects, n_epochs)), axis=1).ravel(),
        "flux": rng.normal(1000, 30, m),
        "err": rng.uniform(3, 8, m),
    }
    pq.write_table(pa.table(columns), sources)
    skyseries(BUILD.format(objects=str(objects), sources=str(sources), output=str(output)))
    return output


def leaves_of(collection: Path) -> list[Path]:
    """Return the leaf files of a collection without a margin, of ours or LSDB's."""
    return sorted(collection.rglob("Npix=*.parquet"))


def written(folder: Path) -> pa.Table:
    """Return the rows of a written catalog, by id."""
    leaves = leaves_of(folder)
    tables = [pq.ParquetFile(path).read(["id", *written_names(path)]) for path in leaves]
    return pa.concat_tables(tables).sort_by("id")


def written_names(leaf: Path) -> list[str]:
    """Return the names of the columns of features, in the order of `NAMES`."""
    names = pq.ParquetFile(leaf).schema_arrow.names
    return [next(n for n in names if n in (name, f"flux{name}")) for name in NAMES]


def compare(own: pa.Table, other: pa.Table, n_objects: int) -> None:
    """Stop unless the numbers are the same."""
    assert own.num_rows == other.num_rows == n_objects
    for name, a, b in zip(NAMES, own.columns[1:], other.columns[1:], strict=True):
        if name not in OTHER_QUANTILE:
            np.testing.assert_allclose(
                a.to_numpy(), b.to_numpy(), rtol=1e-8, atol=1e-12, err_msg=name
            )


def run(n_objects: int, n_epochs: int) -> list[Row]:
    """Measure both, and return their rows."""
    folder = catalog(n_objects, n_epochs)
    ours, theirs, whole = (WORK / f"features_{name}" for name in ("own", "rows", "partitions"))
    for path in (ours, theirs, whole):
        shutil.rmtree(path, ignore_errors=True)
    program = PROGRAM.format(folder=str(folder), names=NAMES, output=str(ours))
    skyseries(program)  # fills the cache of compiled kernels
    shutil.rmtree(ours)
    own = skyseries(program)
    features = ",".join(EXTRACTORS)
    peers = {}
    for path, task in ((theirs, "features"), (whole, "features_many")):
        arguments = [task, str(folder), "--output", str(path), "--features", features]
        arguments += ["--names", ",".join(NAMES)]
        peers[task] = peer("peer_lsdb.py", arguments)
        compare(written(ours), written(path), n_objects)
    inside, rows_inside, many_inside = (
        json.loads(m.stdout.strip().splitlines()[-1])["inside_s"] for m in (own, *peers.values())
    )
    size = f"{n_objects:,} light curves x {n_epochs} epochs, {len(leaves_of(folder))} leaves"
    task = f"{len(EXTRACTORS)} features, HATS to HATS, one thread"
    ratio = peers["features"].wall_s / own.wall_s
    within = rows_inside / inside
    return [
        measured_row(
            own, task, size, "skyseries", ratio=round(ratio, 1),
            figures={"inside_s": inside, "ratio inside": round(within, 1),
                     "us_per_light_curve": round(1e6 * inside / n_objects)},
            targets=(Target(">= 10x LSDB, whole processes", round(ratio, 1), ratio >= 10),
                     Target(">= 10x LSDB, calls", round(within, 1), within >= 10)),
        ),
        measured_row(peers["features"], task, size, "LSDB map_rows + light-curve", jit_cache="-",
                     figures={"inside_s": rows_inside}),
        measured_row(peers["features_many"], task, size, "LSDB map_partitions + light-curve",
                     jit_cache="-", figures={"inside_s": many_inside}),
    ]  # fmt: skip


def main() -> None:
    """Compare and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=float, default=2e4)
    parser.add_argument("--epochs", type=int, default=150)
    a = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    rows = run(int(a.objects), a.epochs)
    notes = (
        "The ratio is that of whole fresh processes, start-up and imports included; inside: from "
        "opening the catalog to the written one. One worker here, Dask's synchronous scheduler "
        "there. The numbers agree to 1e-8, but for the three of quantiles of another definition."
    )
    save("features_hats", "Features from HATS to HATS", rows, notes, full=a.objects >= 2e4)


if __name__ == "__main__":
    main()
