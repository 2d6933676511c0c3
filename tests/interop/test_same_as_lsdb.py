"""LSDB and we find the same rows, in catalogs written by hats-import and by us.

Where LSDB is known to differ (``../shared/reference/hats-and-lsdb.md``, sections 3 and 6), the
difference is asserted, so that it is noticed when it goes away.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import lsdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import skyseries as sky
from tests.catalog.matching import planted
from tests.interop import foreign, ours
from tests.interop.tables import separation_arcsec

pytestmark = [
    pytest.mark.interop,
    pytest.mark.filterwarnings("ignore:Results may be incomplete"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

NAMES = ["id", "ra", "dec", "mag", "name"]


class Both(NamedTuple):
    """One catalog, opened by LSDB and by us, and its rows."""

    theirs: Any
    ours: sky.Catalog
    rows: pd.DataFrame


@pytest.fixture(scope="module", params=["hats-import", "skyseries"])
def both(request, tmp_path_factory, dask_client) -> Both:
    folder = tmp_path_factory.mktemp("both")
    if request.param == "skyseries":
        made = ours.with_margin_and_index(folder)
        path, rows = made.path, made.objects
    else:
        path, rows = foreign.hats_import_with_margin(folder, dask_client)
    return Both(lsdb.open_catalog(path), sky.open_catalog(path), rows)


def computed(catalog: Any) -> pd.DataFrame:
    return catalog.compute(progress_bar=False)


def plain(frame: Any, names: list[str], keys: list[str]) -> list[tuple]:
    """Return rows as tuples of Python values, in the order of some columns."""
    table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame)
    rows = zip(*(table[name].to_pylist() for name in names), strict=True)
    places = [names.index(key) for key in keys]
    return sorted(rows, key=lambda row: [row[i] for i in places])


def agree(theirs: Any, found: sky.Catalog, at_least: int = 1) -> None:
    one = plain(computed(theirs), NAMES, ["id"])
    other = plain(found.select(NAMES).to_arrow(), NAMES, ["id"])
    assert one == other
    assert len(one) >= at_least


# -- searches -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ra", "dec", "radius"),
    [(0, 90, 72000), (10, -90, 72000), (0, 0, 36000), (359.99, 0, 90_000), (45, 0, 3600),
     (45, 41.81, 50_000), (200, -80, 100_000)],
)  # fmt: skip
def test_cones(both, ra, dec, radius):
    agree(both.theirs.cone_search(ra, dec, radius), both.ours.cone_search(ra, dec, radius))


@pytest.mark.parametrize(
    ("ra", "dec"),
    [((10, 60), (-30, 30)), ((350, 20), (-40, 40)), ((0, 359.999), (60, 89)),
     ((120, 240), (-89, -20))],
)  # fmt: skip
def test_boxes(both, ra, dec):
    agree(both.theirs.box_search(ra=ra, dec=dec), both.ours.box_search(ra, dec))


@pytest.mark.parametrize(
    ("pandas", "sql"),
    [
        ("mag < 20", "mag < 20"),
        ("mag > 19 and mag <= 20.5", "mag BETWEEN 19 AND 20.5 AND mag <> 19"),
        ("dec > 0 or name == 'OBJ-00007'", "dec > 0 OR name = 'OBJ-00007'"),
        ("ra + dec < 50", "ra + dec < 50"),
    ],
)
def test_conditions(both, pandas, sql):
    agree(both.theirs.query(pandas), both.ours.query(sql))


def test_searches_one_after_the_other(both):
    theirs = both.theirs.cone_search(0, 0, 200_000).query("mag < 20.5")
    agree(theirs, both.ours.query("mag < 20.5").cone_search(0, 0, 200_000))


def test_ids(both):
    some = [*both.rows["id"].tolist()[:7], 5]
    indexed = bool(both.theirs.hc_collection.all_indexes)  # hats-import made none here
    theirs = both.theirs.id_search({"id": some}) if indexed else both.theirs.query(f"id in {some}")
    agree(theirs, both.ours.id_search(some, "id"), 7)


# -- cross-matches ------------------------------------------------------------------------------


class Pair(NamedTuple):
    """Two catalogs with planted pairs, opened by both."""

    left: tuple[Any, sky.Catalog]
    right: tuple[Any, sky.Catalog]
    radius: float


def imported(table: pa.Table, folder: Path, **options: Any) -> tuple[Any, sky.Catalog]:
    frame = table.to_pandas()
    path = ours.write_objects(folder, frame, **options)
    return lsdb.open_catalog(path), sky.open_catalog(path)


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Pair:
    """Return catalogs of unlike partitions; the margins are wider than the radius."""
    radius, folder = 60.0, tmp_path_factory.mktemp("pair")
    return Pair(
        imported(planted(1, radius), folder / "a", name="a", max_rows=25, margin_arcsec=2 * radius),
        imported(planted(2, radius), folder / "b", name="b", max_rows=60, margin_arcsec=2 * radius),
        radius,
    )


COLUMNS = ["id_a", "id_b", "mag_a", "mag_b"]


def matched(pair: Pair, n: int, how: str) -> tuple[pd.DataFrame, pa.Table]:
    theirs = pair.left[0].crossmatch(
        pair.right[0], radius_arcsec=pair.radius, n_neighbors=n, how=how, suffixes=("_a", "_b"),
        suffix_method="all_columns",
    )  # fmt: skip
    found = pair.left[1].crossmatch(
        pair.right[1], pair.radius, n_neighbors=n, how=how, suffixes=("_a", "_b")
    )
    return computed(theirs), found.to_arrow()


def with_distances(frame: Any) -> tuple[list[tuple], np.ndarray]:
    names = [*COLUMNS, "_dist_arcsec"]
    table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame)
    rows = zip(*(table[name].to_pylist() for name in names), strict=True)
    rows = sorted(rows, key=lambda row: (row[0], row[1] is None, row[1] or 0))
    alone = [row[-1] for row in rows if row[1] is not None]
    return [tuple(None if v != v else v for v in row[:-1]) for row in rows], np.array(alone, float)


@pytest.mark.parametrize("how", ["inner", "left"])
@pytest.mark.parametrize("n", [1, 3])
def test_cross_matches(pair, n, how):
    (theirs, far), (found, distance) = map(with_distances, matched(pair, n, how))
    assert theirs == found
    assert len(found) > 100
    np.testing.assert_allclose(far, distance, rtol=1e-6, atol=1e-5)  # theirs come of chords


@pytest.mark.parametrize("n", [1, 3])
def test_outer_matches(pair, n):
    """Rows of both sides that are in no pair are there, alone."""
    sides = []
    for frame in matched(pair, n, "outer"):
        table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame)
        ids = (table[name].to_pylist() for name in ("id_a", "id_b"))
        sides.append(Counter(zip(*ids, strict=True)))
    assert sides[0] == sides[1]
    assert min(sum(pair[i] is None for pair in sides[1]) for i in (0, 1)) > 10


def test_cross_matches_of_catalogs_by_hats_import(tmp_path_factory, dask_client):
    made = foreign.hats_import_with_margin(tmp_path_factory.mktemp("imported"), dask_client)
    theirs, found = lsdb.open_catalog(made.path), sky.open_catalog(made.path)
    right = theirs.rename({"mag": "mag2"}) if hasattr(theirs, "rename") else theirs
    one = computed(
        theirs.crossmatch(right, radius_arcsec=3000, n_neighbors=3, suffixes=("_a", "_b"),
                          suffix_method="all_columns")
    )  # fmt: skip
    other = found.crossmatch(found, 3000, n_neighbors=3, suffixes=("_a", "_b")).to_arrow()
    keys = ["id_a", "id_b"]
    assert plain(one, keys, keys) == plain(other, keys, keys)
    assert other.num_rows > len(made.expected)


# -- where LSDB differs -------------------------------------------------------------------------


def test_lsdb_loses_partners_without_a_margin(tmp_path):
    """Its cross-match is incomplete at borders; ours looks into the neighbouring partitions."""
    a, b = ours.border_pairs()
    catalogs = []
    for name, frame in (("a", a), ("b", b)):
        frame = frame.assign(mag=np.float32(20), name=[f"{name}{i}" for i in range(len(frame))])
        path = ours.write_objects(tmp_path / name, frame, name=name, margin_arcsec=None)
        catalogs.append((lsdb.open_catalog(path), sky.open_catalog(path)))
    (left, our_left), (right, our_right) = catalogs
    theirs = computed(
        left.crossmatch(right, radius_arcsec=1, suffixes=("_a", "_b"), suffix_method="all_columns")
    )
    found = our_left.crossmatch(our_right, 1, suffixes=("_a", "_b")).to_arrow()
    nearest = 0
    for row in a.itertuples():
        d = separation_arcsec(
            np.float64(row.ra), np.float64(row.dec), b["ra"].to_numpy(), b["dec"].to_numpy()
        )
        nearest += bool((d <= 1).any())
    assert found.num_rows == nearest > len(theirs)


def test_lsdb_loses_a_partition_of_boxes_that_end_at_360(tmp_path):
    """Its coverage map of a box with an edge at 360 degrees lacks a part; rows there are lost."""
    made = ours.with_margin_and_index(tmp_path)
    rows = made.objects
    inside = sorted(rows[rows["dec"].between(60, 89)]["id"])
    found = sky.open_catalog(made.path).box_search((0, 360), (60, 89)).to_arrow()
    assert sorted(found["id"].to_pylist()) == inside
    theirs = computed(lsdb.open_catalog(made.path).box_search(ra=(0, 360), dec=(60, 89)))
    assert set(theirs["id"]) < set(inside)
