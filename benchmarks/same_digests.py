"""Digests of what Skyseries writes and computes, of one checkout on one engine.

Run by ``bench_same.py``: prints a JSON object, from name to SHA-256. Leaves of catalogs, of
associations and of extensions are taken byte by byte; of margins and id indexes the sorted rows
are; of results, all values to the last bit in the order in which they come. Left out is what tells
when, where and by whom something was written: properties and what ``validate`` says.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FEATURES = ["Ndata", "Mean", "Sigma", "Skew", "MAD", "LinearSlope", "EtaE", "StetsonJ"]
BRIGHT = "refMag < 23 AND MOD(objectId, 7) <> 3"
CONE = (40.0, 0.0, 25 * 3600.0)
LEAF_ROWS = 1_500

_PASSING = re.compile(r"^(v\d{6}.*|[0-9a-f]{8}-[0-9a-f-]{27}|.*\.[0-9a-f]{32})$")
"""Folders that are called otherwise each time."""

Digests = dict[str, str]


def written(inputs: Path, output: Path) -> tuple[Any, ...]:
    """Write catalogs; return the survey with its extension, and the other one."""
    import skyseries as sky

    sky.import_catalog(
        inputs / "objects", output / "survey", id="objectId", lightcurves=inputs / "sources",
        max_rows=LEAF_ROWS, progress=False,
    )  # fmt: skip
    sky.import_catalog(
        inputs / "other.parquet", output / "other", id="id", max_rows=2 * LEAF_ROWS, progress=False
    )
    survey, other = (sky.open_catalog(output / name) for name in ("survey", "other"))
    survey.query(BRIGHT).write_catalog(output / "filtered")
    matched = survey.crossmatch(other, 1.0)
    matched.write_catalog(output / "matched", id="objectId")
    matched.write_association(output / "pairs", "objectId", "id")
    survey.features(FEATURES).write_extension("features")
    return tuple(sky.open_catalog(output / name) for name in ("survey", "other"))


def results(survey: Any, other: Any) -> dict[str, Callable[[], Any]]:
    """Return what is computed, by name."""
    matched = survey.crossmatch(other, 1.0)
    near = survey.cone_search(*CONE)
    plain = survey.select(["objectId", "ra", "dec", "refMag"])
    flux = "lightcurve.psfFlux"
    ids = other.head(50)["ref"].tolist()
    sums: dict[str, Callable[[], Any]] = {
        "sums": lambda: survey.aggregate(
            n="COUNT(*)", s="SUM(refMag)", m="AVG(ra)", d="STDDEV(dec)", least="MIN(refMag)"
        ),
        "sums of epochs": lambda: survey.aggregate(
            epochs="lightcurve", n="COUNT(*)", m=f"AVG({flux})", s=f"SUM({flux})"
        ),
        "sums of a match": lambda: matched.query("refMag < 24").aggregate(
            n="COUNT(*)", m="AVG(_dist_arcsec)"
        ),
        "quantiles": lambda: survey.quantiles(["refMag", "ra - dec AS x"], [0.01, 0.5, 0.9]),
        "groups": lambda: survey.group_by("ROUND(refMag) AS bin").aggregate(
            n="COUNT(*)", m="AVG(ra)", half="MEDIAN(dec)"
        ),
        "groups of epochs": lambda: survey.group_by(
            "lightcurve.band", epochs="lightcurve"
        ).aggregate(n="COUNT(*)", m=f"AVG({flux})"),
        "histogram": lambda: survey.histogram("refMag", 40),
        "histogram of two": lambda: survey.histogram2d("ra", "dec", (9, 7), condition=BRIGHT),
        "map of the sky": lambda: survey.sky_histogram(4),
        "value counts": lambda: survey.value_counts("FLOOR(refMag) AS bin"),
        "description": lambda: plain.describe(),
        "count": lambda: len(survey.query(BRIGHT)),
    }
    rows: dict[str, Callable[[], Any]] = {
        "sorted": lambda: plain.sort_values("refMag DESC"),
        "first sorted": lambda: survey.sort_values("refMag", n=70),
        "sample": lambda: plain.sample(n=3_000, seed=4).to_arrow(),
        "sample, a part": lambda: plain.sample(fraction=0.1, seed=4).to_arrow(),
        "sample by strata": lambda: plain.sample(
            n=20, seed=4, stratify="FLOOR(refMag) AS bin"
        ).to_arrow(),
        "without duplicates": lambda: plain.drop_duplicates("ROUND(refMag, 2) AS m").to_arrow(),
        "filtered": lambda: survey.query(BRIGHT).to_arrow(),
        "filtered epochs": lambda: near.query("lightcurve.band = 'r'").to_arrow(),
        "assigned": lambda: near.assign(n="COUNT(lightcurve.midpointMjdTai)").to_arrow(),
        "matched": lambda: matched.to_arrow(),
        "matched, all and none": lambda: plain.crossmatch(
            other, 60.0, n_neighbors=None, how="left"
        ).to_arrow(),
        "matched with a table": lambda: plain.crossmatch(
            other.select(["id", "ra", "dec"]).head(400), 1.0
        ).to_arrow(),
        "joined": lambda: plain.join(other, left_on="objectId", right_on="ref").to_arrow(),
        "joined to the left": lambda: other.join(
            plain, left_on="ref", right_on="objectId", how="left"
        ).to_arrow(),
        "put together": lambda: plain.concat(plain.query("refMag < 22")).to_arrow(),
        "by ids": lambda: survey.id_search(ids).to_arrow(),
        "by a condition on ids": lambda: survey.query(f"objectId = {ids[7]}").to_arrow(),
        "mapped": lambda: (
            near.map_lightcurves(lambda t, f, e, b: float(f.sum()), names=["s"])
            .select(["objectId", "s"])
            .to_arrow()
        ),
        "features": lambda: near.features(FEATURES).to_arrow(),
        "extension": lambda: survey.load_extension("features").to_arrow(),
        "batches": lambda: plain.iter_batches(500, shuffle=True, seed=2, format="arrow"),
        "some rows": lambda: pa.Table.from_pandas(plain.head(60)),
    }
    return sums | rows


# --- digests ----------------------------------------------------------------------------------


def digest(value: Any) -> str:
    """Return a digest of all bits of a result."""
    found = hashlib.sha256()
    for part in _parts(value):
        found.update(part)
    return found.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    if isinstance(value, pa.Table | pa.RecordBatch):
        yield f"{value.num_rows} {[(f.name, str(f.type)) for f in value.schema]}".encode()
        for column in value.columns:
            yield from _parts(column)
    elif isinstance(value, pa.ChunkedArray):
        yield from _parts(value.combine_chunks())
    elif isinstance(value, pa.Array):
        yield from _array_parts(value)
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype} {value.shape}".encode() + np.ascontiguousarray(value).tobytes()
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from (repr(name).encode(), *_parts(part))
    elif isinstance(value, tuple) or hasattr(value, "__next__"):
        for part in value:
            yield from _parts(part)
    elif isinstance(value, int | float | str):
        yield repr(value).encode()
    else:
        raise TypeError(f"no digest of {type(value).__name__}")


def _array_parts(array: pa.Array) -> Iterator[bytes]:
    """Yield the type, which values are null, and those that are not."""
    yield f"{array.type} {len(array)}".encode()
    if isinstance(array, pa.ChunkedArray):  # of no chunk
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.nulls(0, array.type)
    missing = array.is_null().to_numpy(zero_copy_only=False)
    yield np.packbits(missing).tobytes()
    there = array.drop_null() if missing.any() else array
    if pa.types.is_dictionary(there.type):
        there = there.dictionary_decode()
    if pa.types.is_struct(there.type):
        for i, part in enumerate(there.flatten()):
            yield there.type.field(i).name.encode()
            yield from _array_parts(part)
    elif pa.types.is_list(there.type) or pa.types.is_large_list(there.type):
        yield there.value_lengths().to_numpy().tobytes()
        yield from _array_parts(there.flatten())
    elif pa.types.is_primitive(there.type):
        yield np.ascontiguousarray(there.to_numpy(zero_copy_only=False)).tobytes()
    else:
        yield repr(there.to_pylist()).encode()


def file_digests(output: Path) -> Digests:
    """Return digests of the leaves below a folder, and of the rows of margins and indexes."""
    found: Digests = {}
    sorted_rows: dict[str, list[Path]] = {}
    for path in sorted(output.glob("**/dataset/**/*.parquet")):
        parts = [part for part in path.relative_to(output).parts if not _PASSING.match(part)]
        name = "/".join(parts)
        folder = name.partition("/dataset/")[0]
        if folder.endswith(("arcs", "_index")) or "/dataset/index/" in name:
            sorted_rows.setdefault(folder, []).append(path)
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    for name, paths in sorted_rows.items():
        tables = [pq.ParquetFile(path).read() for path in paths]
        table = pa.concat_tables(tables)
        keys = [f.name for f in table.schema if not pa.types.is_nested(f.type)]
        ordered = table.take(pc.sort_indices(table, [(k, "ascending") for k in keys]))
        found[f"{name}, its rows"] = digest(ordered)
    return found


def main() -> None:
    """Write, compute and print."""
    import skyseries as sky

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--inputs", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    found: Digests = {}
    with sky.executor(options.engine, workers=None if options.engine == "serial" else 2):
        survey, other = written(options.inputs, options.output)
        found |= file_digests(options.output)
        for name, compute in results(survey, other).items():
            found[f"result: {name}"] = digest(compute())
    print(json.dumps(found))


if __name__ == "__main__":
    main()
