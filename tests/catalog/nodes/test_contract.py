"""Every node keeps the contract: it is found by itself, and compared with a slow twin."""

from __future__ import annotations

import gc
import importlib
import itertools
import math
import pickle
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from skyseries.catalog.explain import explain
from skyseries.catalog.plan.expressions import Filter
from skyseries.catalog.plan.node import SKY, SKY_CELLS, Area, Hints, Node, first_node
from skyseries.catalog.plan.rows import gather, pick
from skyseries.catalog.plan.scan import Scan
from skyseries.catalog.plan.stage import stages_of
from skyseries.catalog.plan.steps import Search
from skyseries.catalog.run.run import prepare
from skyseries.catalog.run.units import divide
from skyseries.config import tuned
from skyseries.schema import as_schema
from skyseries.spatial.regions import Cone
from tests.catalog.nodes import contract, twin
from tests.catalog.nodes.case import PLANS, Plan, concrete_nodes, lacking
from tests.catalog.nodes.world import Row, World, values_of
from tests.examples import examples

for module in sorted(Path(__file__).parent.glob("plans_*.py")):
    importlib.import_module(f"tests.catalog.nodes.{module.stem}")

UNIT_BYTES = 64_000
"""What a task may weigh, beside the tables that it is given as a whole."""

PARTING = (0.0, 12.0)
"""Declinations that go through rows that are near each other."""


@pytest.fixture(params=PLANS, ids=lambda plan: plan.name)
def plan(request: pytest.FixtureRequest) -> Any:
    return request.param


class Tried:
    """A plan that was made afresh; what it has to give, and gives, is computed once a session."""

    def __init__(self, plan: Plan, world: World) -> None:
        self.case = plan.build(world)
        self.node = self.case.node
        self._known = _KNOWN.setdefault(plan.name, {})
        assert type(self.node) is plan.node

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._known:
            self._known[name] = make()
        return self._known[name]

    @property
    def expected(self) -> list[Row]:
        """What the slow twin gives."""
        return self._once("expected", self.case.rows)

    @property
    def table(self) -> pa.Table:
        """What the node gives for the whole sky, which one test compares with the twin."""
        return self._once("table", lambda: contract.whole(self.node))

    @property
    def texts(self) -> list[str]:
        """The rows of the table as texts."""
        return self._once("texts", lambda: contract.texts(self.table))

    @property
    def cells(self) -> NDArray[np.int64]:
        """Where its rows are filed."""
        return np.array([row.cell for row in self.expected])

    def rows(self, area: Area, hints: Hints = Hints()) -> pa.Table:  # noqa: B008 - it is frozen
        """Return the rows of a part of the sky."""
        return self.node.table(self.node.rows(area, hints))

    def within(self, area: Area) -> pa.Table:
        """Return what there has to be in a part of the sky."""
        return gather(self.table, np.flatnonzero(area.holds(self.cells)))

    def assert_some(self, found: Iterable[str]) -> None:
        """Assert that rows are rows of the result, as often at most."""
        more = Counter(found) - Counter(self.texts)
        assert not more, f"{more.total()} rows that are not there: {next(iter(more))}"

    def areas(self, world: World, n: int, more: Iterable[int] = ()) -> list[Area]:
        """Return about so many parts of the sky, cut where partitions and row groups are not."""
        cells = sorted(set(self.cells.tolist()))
        begin = max(cut for cut in world.cuts if cut <= max(cells[len(cells) // 2], 0))
        bounds = sorted({*cells[:: max(len(cells) // n, 1)], begin + 1, *more, SKY_CELLS})
        return [Area.of(a, b) for a, b in itertools.pairwise(bounds)]


_KNOWN: dict[str, dict[str, Any]] = {}


@pytest.fixture
def planned(plan: Plan, world: World) -> Tried:
    """Return a plan of which nothing has been computed yet."""
    return Tried(plan, world)


@pytest.fixture
def tried(planned: Tried) -> Tried:
    """Return a plan whose units can be computed."""
    prepare(planned.node)
    return planned


def test_every_node_has_a_plan():
    nodes = concrete_nodes()
    assert len(nodes) > 20
    assert not (missing := lacking(nodes)), f"\n{missing}"
    assert not {plan.node for plan in PLANS} - set(nodes)


def test_a_node_without_a_plan_is_noticed():
    class Forgotten(Scan):
        pass

    Forgotten.__module__ = "skyseries.catalog.plan.forgotten"
    missing = lacking(concrete_nodes())
    assert "forgotten.test_a_node_without" in missing
    assert "Forgotten has no plan in the contract of nodes: write" in missing
    assert missing.count("\n") == 0
    del Forgotten
    gc.collect()
    assert not lacking(concrete_nodes())


def test_rows_are_those_of_the_slow_twin(tried):
    expected = tried.expected
    assert expected
    contract.assert_alike(tried.table.to_pylist(), values_of(expected), tried.case.close)
    rows = tried.node.rows(SKY, Hints())
    assert len(rows) == len(expected)
    assert rows.hpx().tolist() == [row.cell for row in expected]
    if tried.case.placed:
        places = [[getattr(row, name) for row in expected] for name in ("ra", "dec")]
        np.testing.assert_array_equal(rows.positions(), places)
    some = np.arange(len(rows))[::-3]
    taken = rows.take(some)
    assert contract.texts(tried.node.table(taken)) == [tried.texts[i] for i in some]
    assert taken.hpx().tolist() == [expected[i].cell for i in some]


def test_there_are_as_many_rows_as_it_says(tried):
    least, most = tried.node.row_limits(lambda dataset: dataset.rows)
    assert least <= len(tried.expected) <= (math.inf if most is None else most)


def test_no_row_is_left_out_unless_it_says_so(tried):
    if not (tried.node.filters or tried.node.refiles):
        first = first_node(tried.node).rows(SKY, Hints())
        assert set(first.hpx().tolist()) <= set(tried.cells.tolist())


def test_cut_anywhere(tried, world):
    near = st.sampled_from(sorted({*tried.cells.tolist(), *world.cuts}))
    cell = st.builds(int.__add__, near, st.sampled_from([0, 0, 1])) | st.integers(0, SKY_CELLS - 1)

    @examples(0.04)
    @given(st.lists(cell, min_size=2, max_size=4), st.data())
    def check(cuts, data):
        areas = contract.parts(cuts)
        found = []
        for area in areas:
            rows = tried.node.rows(area, Hints())
            assert area.holds(rows.hpx()).all()
            found.append(tried.node.table(rows))
        assert contract.equal(pa.concat_tables(found), tried.table)
        some = sorted(data.draw(st.sets(st.sampled_from(range(len(areas))), min_size=1), "some"))
        both = Area(*(np.array([areas[i][k][0] for i in some], np.int64) for k in (0, 1)))
        assert contract.equal(tried.rows(both), pa.concat_tables([found[i] for i in some]))

    check()


def test_a_halo_has_all_that_is_near(tried, world):
    wide = zip(tried.areas(world, 4)[1:3], (30.0, 20_000.0), strict=True)
    for area, halo in ((world.crowded, 15.0), *wide):
        found = contract.texts(tried.rows(area.around(halo)))
        tried.assert_some(found)
        inside = area.holds(tried.cells)
        mine = [tried.expected[i] for i in np.flatnonzero(inside)]
        wanted = inside
        if tried.case.placed:
            wanted = inside | (twin.distances(tried.expected, mine) <= halo).any(axis=1)
        assert not Counter(tried.texts[i] for i in np.flatnonzero(wanted)) - Counter(found)


def test_hints_lose_and_change_nothing(tried, world):
    held = world.objects.catalog._with(tried.node)
    steps = [held.query(text)._node for text in _conditions(tried)]
    if tried.case.placed:
        regions = [Cone(0.0, 90.0, 100_000.0), Cone(359.9999, 12.0, 60.0)]
        steps += [Search(tried.node, region) for region in regions]
    rows = tried.node.rows(SKY, Hints())
    for step in steps:
        assert isinstance(step, Search | Filter)
        hinted = tried.node.rows(SKY, step.hints(Hints()))
        if len(hinted) != len(rows):
            tried.assert_some(contract.texts(tried.node.table(hinted)))
        found, expected = (tried.node.table(step.apply(some)) for some in (hinted, rows))
        assert contract.equal(found, expected), step.describe()


def test_every_row_is_in_a_unit(tried, world):
    _assert_in_units(tried.node, tried.cells)
    held = world.objects.catalog._with(tried.node)
    rows = tried.node.rows(SKY, Hints())
    for text in _conditions(tried)[::2]:
        step = held.query(text)._node
        _assert_in_units(step, step.apply(rows).hpx())


def _assert_in_units(node: Node, cells: NDArray[np.int64]) -> None:
    """Assert that each row is in one of the units, which are in the order of the sky."""
    with tuned(unit_rows=20, least_unit_rows=5):
        units = divide(node.pieces(Hints()), workers=2)
    ends = [end for unit in units for end in (unit.start, unit.stop)]
    assert ends == sorted(ends)
    start, stop = (np.array(ends[i::2], np.int64) for i in (0, 1))
    assert Area(start, stop).holds(cells).all(), node.describe()


def _conditions(tried: Tried) -> list[str]:
    """Return conditions on columns of each kind that hold for some of the rows.

    Some part rows that a node looks at together: those filed in one cell, and those that are
    neighbours on either side of a declination.
    """
    cells = tried.cells.tolist()
    crowd = [i for i, cell in enumerate(cells) if cell == Counter(cells).most_common(1)[0][0]]
    found, parting = [], []
    for field, column in zip(tried.table.schema, tried.table.columns, strict=True):
        name = f'"{field.name}"'
        if pa.types.is_integer(field.type) or pa.types.is_floating(field.type):
            values = sorted(filter(twin.known, column.to_pylist()))
            if values:
                found.append(f"{name} {'> = <'[2 * (len(found) % 3)]} {values[len(values) // 2]!r}")
        elif pa.types.is_string(field.type):
            found.append(f"{name} IS NULL")
        if field.name == "id" and (ids := column.take(pa.array(crowd)).drop_null().to_pylist()):
            parting.append(f"{name} > {sorted(ids)[len(ids) // 2]}")
        if field.name == "dec" and tried.case.placed:
            parting += [f"{name} > {middle}" for middle in PARTING]
    return [*parting, *found[1 :: max(len(found) // 2, 1)]]


def test_narrowed_and_sent_it_gives_the_same(tried, world):
    for area in tried.areas(world, 3, more=range(0, SKY_CELLS, SKY_CELLS // 4)):
        narrowed = tried.node.narrow(area)
        assert narrowed.schema.equals(tried.node.schema, check_metadata=True)
        sent = cloudpickle.dumps(narrowed)
        assert len(sent) <= UNIT_BYTES + tried.case.given
        there = pickle.loads(sent)  # noqa: S301 - it is our own
        found = there.table(there.rows(area, Hints()))
        assert contract.equal(found, tried.within(area))


def test_to_narrow_starts_nothing(planned, world, tmp_path):
    areas = planned.areas(world, 3)
    with contract.idle(tmp_path / "before"):
        for area in areas:
            planned.node.narrow(area)
    prepare(planned.node)
    with contract.idle(tmp_path / "after"):
        for area in areas:
            planned.node.narrow(area)


def test_to_explain_starts_nothing(planned, tmp_path):
    with contract.idle(tmp_path / "before"):
        stages = list(stages_of(planned.node))
        text = str(explain(planned.node))
    assert planned.node.describe() in text
    for stage in stages:
        assert f"before: {stage.text}\n" in text
    prepare(planned.node)
    with contract.idle(tmp_path / "after"):
        text = str(explain(planned.node))
    for stage in stages:
        assert f"before: {stage.text} (done)\n" in text


def test_it_reads_what_it_demands(planned):
    node = planned.node
    plans = [plan for stage in stages_of(node) for plan in stage.plans]
    before = contract.reads(lambda: prepare(node))
    said = [contract.demanded(plan, plan.schema.names) for plan in plans]
    _assert_read(before, said, "the stages")
    every = contract.paths_of(node.schema)
    made = [path for path in every if path in planned.case.made][:2]
    some = {*made, *every[1 :: max(len(every) // 3, 1)], every[-1]}
    for paths in ([], *([path] for path in sorted(some)), node.schema.names):
        read = contract.reads(lambda: node.rows(SKY, Hints()).fetch(paths))  # noqa: B023
        _assert_read(read, [contract.demanded(node, paths)], paths, before)


def _assert_read(
    read: contract.Reads,
    said: list[contract.Demand],
    what: object,
    before: contract.Reads | None = None,
) -> None:
    """Assert that what was read was said; and what was said, unless it had been read before.

    The columns that say where rows are may be read or not: a part of the sky decides it.
    """
    for home in {*read, *(home for demand in said for home in demand.columns)}:
        place = set().union(*(demand.places.get(home, ()) for demand in said))
        wanted = set().union(*(demand.columns.get(home, ()) for demand in said))
        more = read.get(home, set()) - wanted - place
        assert not more, f"for {what} reads {sorted(more)} too"
        less = wanted - read.get(home, set()) - place - (before or {}).get(home, set())
        assert not less, f"for {what} does not read {sorted(less)}"


def test_its_schema_is_that_of_its_rows(tried):
    node, schema, table = tried.node, tried.node.schema, tried.table
    nowhere = node.rows(Area.of(5, 5), Hints())
    assert len(nowhere) == 0
    every = node.rows(SKY, Hints())
    for found in (table, node.table(nowhere), node.table(every.take(np.empty(0, np.int64)))):
        assert found.schema.equals(schema, check_metadata=True)
        found.validate(full=True)
    for field, column in zip(schema, table.columns, strict=True):
        assert field.nullable or not column.null_count
    for rows, expected in ((every, table), (nowhere, table.slice(0, 0))):
        for path in contract.paths_of(schema):
            wanted = pick(expected, path)
            found = rows.fetch([path])
            assert found.column_names == [path]
            assert _plain(found.schema.field(0).type) == _plain(wanted.type), path
            again = as_schema(found, pa.schema([pa.field(path, wanted.type)]))
            assert contract.equal(again, pa.table({path: wanted})), path


def _plain(type_: pa.DataType) -> pa.DataType:
    """Return a type without what it says of names and nulls inside."""
    if pa.types.is_struct(type_):
        return pa.struct([(field.name, _plain(field.type)) for field in type_])
    if pa.types.is_list(type_):
        return pa.list_(_plain(type_.value_type))
    return type_


def test_inherited_columns_have_the_values_of_the_child(tried):
    node, table = tried.node, tried.table
    children = [contract.whole(child) for child in node.children]
    for path in contract.paths_of(node.schema):
        sources = node.inherits(path)
        if {path, path.partition(".")[0]} & set(tried.case.made):
            assert sources is None, path
            continue
        assert sources is not None, path
        for source in sources:
            assert source.path in contract.paths_of(children[source.side].schema)
        if all(source.whole for source in sources):
            _assert_inherited(tried.case.ids, path, table, children, sources)


def _assert_inherited(ids, path, table, children, sources) -> None:
    """Assert that each value is that of the row of the same id of one of the children, or null."""
    known = []
    for source in sources:
        here, there = ids[source.side]
        child = children[source.side]
        values = map(_unordered, pick(child, source.path).to_pylist())
        of = dict(zip(child[there].to_pylist(), values, strict=True))
        known.append((table[here].to_pylist(), of))
    for i, value in enumerate(pick(table, path).to_pylist()):
        may = {of[ids[i]] for ids, of in known if ids[i] in of}
        assert _unordered(value) in (may or {"None"}), (path, value, may)


def _unordered(value: Any) -> str:
    """Return a value as text; the epochs of a light curve in an order of their own."""
    if isinstance(value, dict):
        return repr(sorted(map(repr, twin.epochs(value))))
    return repr(sorted(map(repr, value)) if isinstance(value, list) else value)
