"""Foreign catalogs with something wrong: the exact answer or a clear error, never fewer rows."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from tests.interop import tables
from tests.interop.foreign import Foreign, lsdb_plain

pytestmark = pytest.mark.interop


@pytest.fixture
def plain(tmp_path: Path) -> Foreign:
    return lsdb_plain(tmp_path)


def _leaf(made: Foreign) -> Path:
    return sorted(made.path.glob("dataset/Norder=*/Dir=*/Npix=*.parquet"))[3]


def test_leaf_is_missing(plain: Foreign) -> None:
    _leaf(plain).unlink()
    with pytest.raises(sky.SkyseriesError, match="Npix="):
        sky.open_catalog(plain.path).to_arrow()


def test_leaf_is_cut_short(plain: Foreign) -> None:
    leaf = _leaf(plain)
    leaf.write_bytes(leaf.read_bytes()[:-100])
    with pytest.raises(sky.SkyseriesError, match="Npix="):
        sky.open_catalog(plain.path).to_arrow()


def test_leaf_lacks_a_column(plain: Foreign) -> None:
    leaf = _leaf(plain)
    pq.write_table(pq.read_table(leaf, partitioning=None).drop_columns(["mag"]), leaf)
    with pytest.raises(sky.SkyseriesError, match="mag"):
        sky.open_catalog(plain.path).to_arrow()


def test_leaf_has_other_order_and_narrower_types(plain: Foreign) -> None:
    leaf = _leaf(plain)
    table = pq.read_table(leaf, partitioning=None)
    names = list(reversed(table.column_names))
    changed = table.select(names)
    at = names.index("name")
    changed = changed.set_column(at, "name", changed["name"].cast(pa.large_string()))
    pq.write_table(changed, leaf)
    found = sky.open_catalog(plain.path).to_pandas()
    columns = list(plain.expected.columns)
    a, b = tables.sorted_by_id(found, columns), tables.sorted_by_id(plain.expected, columns)
    assert a.to_dict("list") == b.to_dict("list")


def test_no_schema_anywhere_but_in_the_leaves(plain: Foreign) -> None:
    for name in ("_common_metadata", "_metadata"):
        (plain.path / "dataset" / name).unlink()
    assert len(sky.open_catalog(plain.path).to_arrow()) == len(plain.expected)


def test_not_a_catalog(tmp_path: Path) -> None:
    with pytest.raises(sky.CatalogNotFoundError, match=tmp_path.name):
        sky.open_catalog(tmp_path)
