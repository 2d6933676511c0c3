"""`open_catalog` reads what LSDB and hats-import write, in every shape, row for row."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import skyseries as sky
from tests.interop import tables
from tests.interop.foreign import Foreign

pytestmark = pytest.mark.interop

FLAT = ["id", "ra", "dec", "mag", "name"]
CONES = [
    (0.0, 90.0, 20 * 3600.0),
    (180.0, -90.0, 20 * 3600.0),
    (0.0, 0.0, 10 * 3600.0),
    (359.9999999, 0.0, 1.0),
    (45.0, 0.0, 3 * 3600.0),
    (123.4, -56.7, 30 * 3600.0),
]


def test_number_of_rows(foreign: Foreign) -> None:
    assert len(sky.open_catalog(foreign.path)) == len(foreign.expected)


def test_all_rows_and_columns(foreign: Foreign) -> None:
    found = sky.open_catalog(foreign.path).to_pandas()
    assert set(foreign.expected.columns) <= set(found.columns)
    _assert_same(found, foreign.expected, FLAT)


def test_no_column_is_invented(foreign: Foreign) -> None:
    columns = set(sky.open_catalog(foreign.path).to_arrow().column_names)
    structure = {"_healpix_29", "healpix13", "Norder", "Dir", "Npix"}
    assert columns - structure == set(foreign.expected.columns)


def test_ids_stay_exact(foreign: Foreign) -> None:
    column = sky.open_catalog(foreign.path).to_arrow().column("id")
    assert column.type == pa.int64()
    assert sorted(column.to_pylist()) == sorted(foreign.expected["id"].tolist())


@pytest.mark.parametrize(("ra", "dec", "radius"), CONES)
def test_cone_search(foreign: Foreign, ra: float, dec: float, radius: float) -> None:
    catalog = sky.open_catalog(foreign.path)
    found = catalog.cone_search(ra=ra, dec=dec, radius_arcsec=radius).to_pandas()
    _assert_same(found, tables.cone(foreign.expected, ra, dec, radius), FLAT)


def test_nested_columns(foreign: Foreign) -> None:
    nested = [name for name in foreign.expected.columns if name not in FLAT]
    found = sky.open_catalog(foreign.path).to_arrow()
    want = foreign.expected.set_index("id")
    assert {f.name for f in found.schema if pa.types.is_nested(f.type)} == set(nested)
    for name in nested:
        for key, value in zip(
            found.column("id").to_pylist(), found.column(name).to_pylist(), strict=True
        ):
            assert _epochs(value) == _epochs(want[name].loc[key])


def _epochs(value: Any) -> list[tuple[Any, ...]]:
    """Return the epochs of one object, sorted, from either way of nesting."""
    rows = pd.DataFrame(value)
    rows = rows[sorted(rows.columns)]
    return sorted(rows.itertuples(index=False, name=None), key=repr)


def _assert_same(found: pd.DataFrame, expected: pd.DataFrame, columns: list[str]) -> None:
    a, b = tables.sorted_by_id(found, columns), tables.sorted_by_id(expected, columns)
    assert len(a) == len(b)
    for name in columns:
        assert a[name].tolist() == b[name].tolist()
