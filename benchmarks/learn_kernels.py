"""Write down which kernels are called together, for `skyseries.jit.expected`.

Each occasion is tried on small catalogs, as users would; what it calls, with which types, is what
a first use compiles side by side. Run it where a kernel, or who calls it, has changed.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

import generate
import generate_pairs
import skyseries as sky
from skyseries.formats.streams import ENCODERS
from skyseries.jit import store
from skyseries.jit.expected import PATH
from skyseries.jit.kernels import Kernel
from skyseries.jit.signatures import NotPortable, key_of, portable
from skyseries.timeseries.features import builtin  # noqa: F401 - registers the features
from skyseries.timeseries.features.registry import all_features
from skyseries.timeseries.periods.methods import all_methods

ROWS = 3_000
CURVES = 60
EPOCHS = 60

Call = tuple[str, str, Any]
Occasion = Callable[[], object]


@contextlib.contextmanager
def recording() -> Iterator[set[Call]]:
    """Collect the kernels that are called from Python, and the types of their arguments."""
    found: set[Call] = set()
    run = Kernel.__call__

    def call(kernel: Kernel, *arguments: Any, **named: Any) -> Any:
        with contextlib.suppress(NotPortable):
            key = portable(key_of(kernel.bound(arguments, named)))
            if kernel.wanted(key) is not None:
                found.add((kernel.py_func.__module__, kernel.__qualname__, key))
        return run(kernel, *arguments, **named)

    Kernel.__call__ = call  # type: ignore[method-assign]
    try:
        yield found
    finally:
        Kernel.__call__ = run  # type: ignore[method-assign]


def catalogs(folder: Path) -> Iterator[tuple[str, Occasion]]:
    """Yield what makes catalogs and matches them."""
    for name, table in generate_pairs.tables(ROWS).items():
        pq.write_table(table, folder / f"{name}.parquet")
        pa_csv.write_csv(table, folder / f"{name}.csv")
        for form in ("parquet", "csv"):
            source, target = folder / f"{name}.{form}", folder / f"{name}-{form}"
            yield "import", partial(sky.import_catalog, source, target, id="id", progress=False)
    yield survey(folder)
    yield "crossmatch", lambda: matched(folder).to_arrow()
    yield "crossmatch", lambda: matched(folder).write_catalog(folder / "matched")
    yield "demo", lambda: sky.demo(folder / "demo", progress=False)


def survey(folder: Path) -> tuple[str, Occasion]:
    """Return what imports light curves."""
    generate.lightcurves(folder / "curves", CURVES, EPOCHS)
    return "import.lightcurves", partial(
        sky.import_catalog, folder / "curves" / "objects", folder / "survey", id="objectId",
        lightcurves=folder / "curves" / "sources", progress=False,
    )  # fmt: skip


def matched(folder: Path) -> sky.Catalog:
    """Return a cross-match."""
    left, right = (sky.open_catalog(folder / f"{name}-parquet") for name in "AB")
    return left.crossmatch(right, 1.0)


def features(catalog: sky.Catalog) -> Iterator[tuple[str, Occasion]]:
    """Yield what computes each feature."""
    few = catalog.sample(n=10, seed=1)
    for feature in all_features():
        yield f"features.{feature.name}", partial(computed, few, feature.name)


def periods(catalog: sky.Catalog) -> Iterator[tuple[str, Occasion]]:
    """Yield what searches by each method."""
    few = catalog.sample(n=10, seed=1)
    for method in all_methods():
        limits = {"min_period": 0.5, "max_period": 3.0}
        yield f"periods.{method.name}", partial(searched, few, method=method.name, **limits)
    yield "periods.lombscargle", partial(searched, few, max_period=3.0)


def computed(catalog: sky.Catalog, feature: str) -> object:
    """Compute a feature."""
    return catalog.features([feature]).to_arrow()


def searched(catalog: sky.Catalog, **options: Any) -> object:
    """Search for periods."""
    return catalog.periods(**options).to_arrow()


def encoders() -> Iterator[tuple[str, Occasion]]:
    """Yield what writes tables in each format."""
    table = every_kind()
    for name in ENCODERS:
        yield f"encode.{name}", partial(encoded, name, table)


def every_kind() -> pa.Table:
    """Return a column of each kind of numbers and text, alone and in lists, with nulls."""
    numbers = (
        pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(),
        pa.uint64(), pa.float32(), pa.float64(), pa.bool_(),
    )  # fmt: skip
    columns = {"text": pa.array(["a", None]), "texts": pa.array([["a"], None])}
    for kind in numbers:
        values = pa.array([1, None]).cast(kind)
        columns[f"{kind}"] = values
        columns[f"{kind}s"] = pa.array([values.to_pylist(), None], pa.list_(kind))
        columns[f"{kind}2"] = pa.array([values.to_pylist(), None], pa.list_(kind, 2))
    return pa.table(columns)


def encoded(name: str, table: pa.Table) -> object:
    """Write a table."""
    return list(ENCODERS[name](table.schema).encode([table]))


def main() -> None:
    """Try all, and write."""
    met: dict[str, set[Call]] = {}
    with tempfile.TemporaryDirectory() as name, sky.executor("serial"):
        folder = Path(name)
        for occasion, act in (*encoders(), *catalogs(folder)):
            meet(met, occasion, act)
        surveys = [sky.open_catalog(folder / name) for name in ("survey", "demo/survey")]
        for occasion, act in (*features(surveys[0]), *features(surveys[1]), *periods(surveys[0])):
            meet(met, occasion, act)
    shared = set.intersection(*(met[name] for name in met if name.startswith("features.")))
    met["features"] = shared
    for name in met:
        if name.startswith("features."):
            met[name] -= shared
    write({name: found for name, found in sorted(met.items()) if found})


def meet(met: dict[str, set[Call]], occasion: str, act: Occasion) -> None:
    """Add what an occasion calls."""
    with recording() as found:
        act()
    met.setdefault(occasion, set()).update(found)


def size_of(call: Call) -> int:
    """Return the bytes of the machine code of a kernel."""
    kernel: Kernel = getattr(import_module(call[0]), call[1])
    wanted = kernel.wanted(call[2])
    compiled = None if wanted is None else store.kept(wanted.name)
    return 0 if compiled is None else len(compiled.code)


def read() -> dict[str, set[Call]]:
    """Return what is written."""
    known = json.loads(PATH.read_bytes())
    kernels = [portable(call) for call in known["kernels"]]
    return {name: {kernels[n] for n in at} for name, at in known["occasions"].items()}


def write(met: dict[str, set[Call]]) -> None:
    """Write the file; kernels with much machine code, which take longest to compile, are first."""
    kernels = sorted(set().union(*met.values()), key=lambda call: (-size_of(call), repr(call)))
    at = {call: number for number, call in enumerate(kernels)}
    lines = ",\n".join(json.dumps(call) for call in kernels)
    named = ",\n".join(f"{json.dumps(name)}: {sorted(at[c] for c in met[name])}" for name in met)
    PATH.write_text(f'{{"kernels": [\n{lines}\n],\n"occasions": {{\n{named}\n}}}}\n')
    print(f"{len(kernels)} kernels on {len(met)} occasions")


if __name__ == "__main__":
    main()
