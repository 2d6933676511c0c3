"""Columns that are computed once: of each row at most once, in whatever order they are fetched."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from skyseries.catalog.plan.memory import Memory
from skyseries.catalog.plan.once import Once, computes_once
from skyseries.catalog.plan.rows import Rows, TableRows
from skyseries.catalog.plan.steps import ComputedRows, Select
from tests.examples import examples

N = 7
TABLE = pa.table({"x": np.arange(N), "z": [str(i) for i in range(N)]})
STEP = Once(Memory.unplaced(TABLE, "numbers"), ("y", "w"))

fetches = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["x", "y", "z", "w"]), min_size=1, unique=True),
        st.one_of(st.none(), st.lists(st.integers(0, N - 1))),
    ),
    max_size=6,
)


@given(fetches, st.one_of(st.none(), st.lists(st.integers(0, N - 1), unique=True)))
@examples()
def test_each_row_is_computed_at_most_once(asked: list[Any], taken: list[int] | None) -> None:
    computed: list[int] = []

    def compute(rows: Rows, wanted: list[str], index: Any) -> pa.Table:
        x = rows.fetch(["x"], index).column(0).to_numpy()
        computed.extend(x.tolist())
        made = {"y": x * 2, "w": x * 3.5}
        return pa.table({name: made[name] for name in wanted})

    hpx = np.zeros(N, np.int64)
    rows = ComputedRows(TableRows(TABLE, np.zeros(N), np.zeros(N), hpx), ["y", "w"], compute)
    kept, x = STEP.apply(rows), np.arange(N)
    if taken is not None:
        kept, x = kept.take(np.array(taken, np.int64)), np.array(taken, np.int64)
    for names, index in asked:
        places = [i for i in index or () if i < len(x)]
        found = kept.fetch(names, None if index is None else np.array(places, np.int64))
        of = x if index is None else x[places]
        whole = {"x": of, "y": of * 2, "w": of * 3.5, "z": [str(i) for i in of]}
        assert found.to_pydict() == {name: list(whole[name]) for name in names}
    assert len(computed) == len(set(computed))


def test_a_plan_that_computes_once_is_told() -> None:
    assert computes_once(Select(Once(Memory.unplaced(TABLE, "numbers"), ("x",)), ("z",)))
    assert not computes_once(Memory.unplaced(TABLE, "numbers"))
