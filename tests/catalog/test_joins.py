"""Joins on ids give what a loop over all rows gives, wherever the rows are filed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.errors import InputError, SchemaError
from tests.catalog.joins import imported, joined, objects, sources
from tests.pipelines.survey import same

KEYS = [
    ("id", "object"), ("huge", "object_huge"), ("name", "object_name"), ("maybe", "maybe"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _small_units(tune):
    tune(unit_rows=120, least_unit_rows=60)


@pytest.fixture(scope="module")
def tables():
    first = objects()
    return first, sources(first)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("joins")


@pytest.fixture(scope="module")
def left(tables, folder):
    return imported(tables[0], folder / "objects", id="id", max_rows=20)


@pytest.fixture(scope="module")
def right(tables, folder):
    return imported(tables[1], folder / "sources", id="source", max_rows=40)


@pytest.fixture(scope="module", params=[5, 1000])
def otherwise(request, tables, folder):
    """The left side in other partitions."""
    return imported(tables[0], folder / f"other{request.param}", id="id", max_rows=request.param)


@pytest.fixture(params=["small", "file", "temporary"])
def how_found(request, tune):
    """Each way in which the other side is found."""
    if request.param == "file":
        tune(sent_bytes=0)
    if request.param == "temporary":
        tune(small_side_bytes=0)
    return request.param


def rows(catalog):
    return catalog.to_arrow().to_pylist()


@pytest.mark.parametrize(
    ("keys", "how"),
    [(KEYS[0], "inner"), (KEYS[0], "anti"), *((keys, "left") for keys in KEYS)],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_every_pair_in_order(left, right, keys, how, how_found):
    expected = joined(rows(left), rows(right), keys, how)
    assert len({e[0]["k"] for e in expected}) < len(expected) or how == "anti"
    plan = left.join(right, left_on=keys[0], right_on=keys[1], how=how)
    words = {"temporary": f"a temporary index of {keys[1]}"}.get(how_found, "given to every task")
    assert words in str(plan.explain())
    table = plan.to_arrow()
    assert table.schema == plan.schema
    assert table["k"].to_pylist() == [e[0]["k"] for e in expected]
    if how == "anti":
        assert table.column_names == left.columns
        return
    assert table["s"].to_pylist() == [e[1] and e[1]["s"] for e in expected]
    for name, mine in (("source", "source"), ("band", "band"), ("ra_sources", "ra")):
        assert table[name].to_pylist() == [e[1] and e[1][mine] for e in expected]


def test_the_other_way_round_through_the_id_index(left, right, tune):
    tune(small_side_bytes=0)
    plan = right.join(left, left_on="object", right_on="id", how="left")
    assert "through the id index of id in objects" in str(plan.explain())
    expected = joined(rows(right), rows(left), ("object", "id"), "left")
    table = plan.select(["s", "k", "mag"]).to_arrow()
    assert table["s"].to_pylist() == [e[0]["s"] for e in expected]
    assert table["k"].to_pylist() == [e[1] and e[1]["k"] for e in expected]
    assert table["mag"].to_pylist() == [e[1] and e[1]["mag"] for e in expected]


def test_as_pandas_merges(left, right, tables):
    def frame(table):
        return table.to_pandas(types_mapper=pd.ArrowDtype)

    ours = frame(left.join(right, left_on="huge", right_on="object_huge").to_arrow())
    known = frame(tables[1]).dropna(subset=["object_huge"])
    theirs = frame(tables[0]).merge(known, left_on="huge", right_on="object_huge")
    found = ours[["k", "s"]].sort_values(["k", "s"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(
        found, theirs[["k", "s"]].sort_values(["k", "s"]).reset_index(drop=True)
    )


def test_partitions_do_not_matter(left, right, otherwise, how_found):
    assert len(otherwise.partitions) != len(left.partitions)
    plan = otherwise.join(right, left_on="id", right_on="object", how="left")
    expected = left.join(right, left_on="id", right_on="object", how="left").to_arrow()
    order = [("_healpix_29", "ascending"), ("k", "ascending"), ("s", "ascending")]
    assert same(plan.to_arrow().sort_by(order).to_pylist(), expected.sort_by(order).to_pylist())


def test_processes_give_the_same(left, right, tune, engines):
    def plans():
        return [
            left.join(right, left_on="id", right_on="object", how=how).select(["k", "s", "name"])
            for how in ("inner", "left")
        ]

    tune(sent_bytes=1000)
    expected = [plan.to_arrow() for plan in plans()]
    with sky.executor(engines("processes")):
        assert [plan.to_arrow() for plan in plans()] == expected
        tune(small_side_bytes=0)
        assert [plan.to_arrow() for plan in plans()] == expected
        assert [len(plan) for plan in plans()] == [table.num_rows for table in expected]


@pytest.mark.parametrize("kind", ["arrow", "pandas", "dict"])
def test_a_table_needs_no_positions(left, kind):
    given = pa.table({"maybe": [3, 8, 8, 10**12], "class": list("abce")})
    if kind == "pandas":
        given = given.to_pandas()
    elif kind == "dict":
        given = given.to_pydict() | {"maybe": given["maybe"]}
    found = left.join(given, on="maybe").to_arrow().sort_by("class")
    assert found["class"].to_pylist() == ["a", "b", "c"]
    assert found["maybe"].to_pylist() == [3, 8, 8]


@pytest.mark.parametrize("type_", [pa.int16(), pa.uint8(), pa.uint64(), pa.int64()], ids=str)
def test_numbers_of_any_width_are_compared_exactly(type_):
    values = [0, 1, 7, 127] + ([2**53 + 1] if type_.bit_width == 64 else [])
    small = pa.table({"key": pa.array(values, type_), "v": values})
    keys = [0, -1, 7, 2**53, 2**53 + 1, -(2**63), 2**63 - 1]
    table = {"ra": np.arange(7.0), "dec": np.zeros(7), "key": pa.array(keys)}
    found = sky.from_table(pa.table(table)).join(small, on="key").to_arrow()
    assert sorted(found["key"].to_pylist()) == sorted(set(keys) & set(values))
    huge = pa.table({"key": pa.array([2**63, 2**64 - 1, 7], pa.uint64())})
    found = sky.from_table(pa.table(table)).join(huge, on="key").to_arrow()
    assert found["key"].to_pylist() == [7]


def test_dictionary_text_and_large_text(left):
    names = pa.array(["obj é 3", "obj é 4", "x", None]).dictionary_encode()
    for key in (names, names.cast(pa.large_string())):
        found = left.join(pa.table({"name": key, "v": [1, 2, 3, 4]}), on="name").to_arrow()
        assert set(found["v"].to_pylist()) == {1, 2}
        assert found.num_rows == sum(
            n in ("obj é 3", "obj é 4") for n in left.to_arrow()["name"].to_pylist()
        )


def test_empty_sides(left, right, how_found):
    nothing = right.query("s < 0")
    assert left.join(nothing, left_on="id", right_on="object").to_arrow().num_rows == 0
    kept = left.join(nothing, left_on="id", right_on="object", how="left").to_arrow()
    assert kept.num_rows == len(left)
    assert kept["source"].null_count == kept.num_rows
    assert len(left.join(nothing, left_on="id", right_on="object", how="anti")) == len(left)
    assert left.query("k < 0").join(right, left_on="id", right_on="object").to_arrow().num_rows == 0
    empty = pa.table({"id": pa.array([], pa.int64()), "v": pa.array([], pa.int8())})
    assert left.join(empty, on="id", how="left").to_arrow()["v"].null_count == len(left)


def test_steps_before_and_after(left, right, how_found):
    some = right.query("band = 'g'").rename({"object": "o"}).select(["o", "s", "flux"])
    plan = left.cone_search(0, 90, 100 * 3600).join(some, left_on="id", right_on="o")
    expected = joined(rows(left.cone_search(0, 90, 100 * 3600)), rows(some), ("id", "o"), "inner")
    assert [(r["k"], r["s"]) for r in rows(plan)] == [(a["k"], b["s"]) for a, b in expected]
    late = plan.query("flux > 0 AND mag > 19").select(["k", "s"])
    assert [tuple(r.values()) for r in rows(late)] == [
        (a["k"], b["s"]) for a, b in expected if b["flux"] > 0 and a["mag"] > 19
    ]
    assert plan.head(3)["s"].tolist() == [b["s"] for _, b in expected[:3]]


def test_computed_keys_do_not_use_the_index(left, right, tune):
    tune(small_side_bytes=0)
    shifted = left.assign(id="id + 1")
    plan = right.join(shifted, left_on="object", right_on="id")
    assert "temporary index" in str(plan.explain())
    expected = joined(rows(right), rows(shifted), ("object", "id"), "inner")
    assert [(r["s"], r["k"]) for r in rows(plan)] == [(a["s"], b["k"]) for a, b in expected]


def test_only_what_is_wanted_is_read(left, right):
    plan = left.join(right, left_on="id", right_on="object").select(["k", "flux"])
    columns = {scan.name: set(scan.columns) for scan in plan.explain().scans}
    assert columns == {"objects": {"k", "id"}, "sources": {"flux", "object"}}


def test_written_and_matched_further(left, right, tmp_path):
    plan = left.join(right, left_on="id", right_on="object").select(["id", "k", "s", "ra", "dec"])
    written = plan.write_catalog(tmp_path / "w", margin_arcsec=None, id_index=False)
    assert written.rows == len(plan)
    again = sky.open_catalog(tmp_path / "w").to_arrow()
    assert sorted(again["s"].to_pylist()) == sorted(plan.to_arrow()["s"].to_pylist())
    near = left.crossmatch(plan, 1.0, n_neighbors=None, suffixes=("", "_p"))
    assert len(near) >= written.rows


def test_what_is_asked_for_wrongly(left, right):
    with pytest.raises(InputError, match="not named"):
        left.join(right)
    with pytest.raises(InputError, match="not both"):
        left.join(right, on="maybe", left_on="id")
    with pytest.raises(SchemaError, match="no value"):
        left.join(right, left_on="id", right_on="object_name")
    with pytest.raises(SchemaError, match="whole numbers or text"):
        left.join(right, left_on="mag", right_on="mjd")
    with pytest.raises(SchemaError, match="there is no column"):
        left.join(right, left_on="idd", right_on="object")
    with pytest.raises(InputError, match="how must be"):
        left.join(right, left_on="id", right_on="object", how="outer")
    with pytest.raises(SchemaError, match="two columns"):
        left.join(right, left_on="id", right_on="object", suffixes=("", ""))
