"""What is asked of every node: how its answers are looked at, and what is watched meanwhile."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import skyseries as sky
from skyseries.arrow import is_nested
from skyseries.cache import forget_all
from skyseries.catalog.plan.node import SKY, SKY_CELLS, UNPLACED, Area, Hints, Node
from skyseries.catalog.run.run import prepare
from skyseries.executors import Executor
from skyseries.hats.dataset import Dataset
from tests.pipelines.survey import same

__all__ = [
    "Demand",
    "Reads",
    "assert_alike",
    "demanded",
    "equal",
    "idle",
    "parts",
    "paths_of",
    "reads",
    "texts",
    "whole",
]


def whole(node: Node, hints: Hints | None = None) -> pa.Table:
    """Return all rows of a node."""
    prepare(node)
    return node.table(node.rows(SKY, hints or Hints()))


def parts(cuts: Sequence[int]) -> list[Area]:
    """Return the sky cut at some cells."""
    bounds = [UNPLACED, *sorted({cut for cut in cuts if UNPLACED < cut < SKY_CELLS}), SKY_CELLS]
    return [Area.of(a, b) for a, b in itertools.pairwise(bounds)]


def paths_of(schema: pa.Schema) -> list[str]:
    """Return the columns, and the fields of light curves by their paths."""
    inside = [f"{f.name}.{inner.name}" for f in schema if is_nested(f.type) for inner in f.type]
    return [*schema.names, *inside]


def equal(one: pa.Table, other: pa.Table) -> bool:
    """Tell whether tables have the same values, NaN like NaN, in columns of the same names."""
    return one.column_names == other.column_names and all(
        a.type == b.type and _bits(a.combine_chunks()).equals(_bits(b.combine_chunks()))
        for a, b in zip(one.columns, other.columns, strict=True)
    )


def _bits(values: pa.Array) -> pa.Array:
    """Return floating-point numbers as integers of the same bits, inside of light curves too."""
    type_ = values.type
    if pa.types.is_floating(type_):
        return values.view(pa.int64() if type_.bit_width == 64 else pa.int32())
    if pa.types.is_list(type_) and pa.types.is_floating(type_.value_type):
        return pa.ListArray.from_arrays(values.offsets, _bits(values.values), mask=values.is_null())
    if pa.types.is_struct(type_):
        inside = [_bits(pc.struct_field(values, field.name)) for field in type_]
        return pa.StructArray.from_arrays(inside, [f.name for f in type_], mask=values.is_null())
    return values


def texts(table: pa.Table) -> list[str]:
    """Return each row as text, all of its values in it."""
    return list(map(repr, table.to_pylist()))


def assert_alike(
    found: Sequence[dict[str, Any]], expected: Sequence[dict[str, Any]], close: Sequence[str] = ()
) -> None:
    """Assert that rows have the same values of the same types; some columns nearly."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert set(one) == set(other)
        for name, value in one.items():
            if name in close:
                _assert_close(value, other[name])
            else:
                assert same(value, other[name]), (name, one, other)


def _assert_close(one: Any, other: Any) -> None:
    if isinstance(one, dict):
        assert list(one) == list(other)
        _assert_close(list(one.values()), list(other.values()))
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            _assert_close(a, b)
    elif isinstance(one, float) and isinstance(other, float):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)
    else:
        assert same(one, other)


class _Idle(Executor):
    """An engine that must not be asked."""

    name = "idle"
    workers = 4

    def run(self, tasks: Any, **options: Any) -> Any:
        raise AssertionError("a task is run")

    def cancel(self) -> None: ...

    def close(self) -> None: ...


@contextlib.contextmanager
def idle(folder: Path) -> Iterator[None]:
    """Fail if a task is run, a leaf is read, or a scratch file is written."""
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    unread = mock.Mock(side_effect=AssertionError("a leaf is read"))
    with (
        sky.executor(_Idle()),
        mock.patch.object(Dataset, "read_leaf", unread),
        mock.patch.object(tempfile, "tempdir", str(scratch)),
    ):
        yield
    assert not list(scratch.iterdir())


Reads = dict[str, set[str]]
"""By folder of the catalog: what of it."""


def reads(compute: Callable[[], Any]) -> Reads:
    """Return which columns of which catalogs are read while something is computed."""
    found: Reads = {}
    real = Dataset.read_leaf

    def spy(self: Dataset, leaf: Any, columns: Any, groups: Any = None) -> pa.Table:
        found.setdefault(_home(str(self.root)), set()).update(_fields(self, columns))
        return real(self, leaf, columns, groups)

    forget_all()
    with mock.patch.object(Dataset, "read_leaf", spy):
        compute()
    return found


class Demand(NamedTuple):
    """What a node says that it reads."""

    columns: Reads
    places: Reads
    """The columns that say where rows are."""


def demanded(node: Node, paths: Sequence[str]) -> Demand:
    """Return what a node says that is read for some of its columns."""
    found = Demand({}, {})
    for scan, columns in node.demand(paths):
        data = scan.dataset
        home = _home(str(data.root))
        found.columns.setdefault(home, set()).update(_fields(data, columns))
        found.places[home] = {data.ra, data.dec, str(data.healpix_column)}
    return found


def _fields(dataset: Dataset, columns: Sequence[str]) -> set[str]:
    """Return columns, light curves as their fields."""
    found: set[str] = set()
    for name in columns:
        field = dataset.field(name)
        nested = pa.types.is_struct(field.type)
        found |= {f"{name}.{inner.name}" for inner in field.type} if nested else {name}
    return found


def _home(root: str) -> str:
    """Return the collection of a catalog: its margins are of the same one."""
    return str(Path(root).parent)
