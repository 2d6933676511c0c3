"""Every node keeps the contract: it is found by itself, and compared with a slow twin."""

from __future__ import annotations

import gc
import importlib
import itertools
import pickle
from pathlib import Path

import cloudpickle
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.catalog.explain import explain
from skyseries.catalog.node import SKY, SKY_CELLS, Area, Hints, Node
from skyseries.catalog.nodes.expressions import Filter
from skyseries.catalog.nodes.scan import Scan
from skyseries.catalog.nodes.steps import Search
from skyseries.catalog.rows import pick
from skyseries.schema import as_schema
from skyseries.spatial.regions import Cone
from tests.catalog.nodes import contract, twin
from tests.catalog.nodes.case import PLANS, Case, Plan, concrete_nodes, lacking
from tests.catalog.nodes.world import Row, World, values_of
from tests.examples import examples

for module in sorted(Path(__file__).parent.glob("plans_*.py")):
    importlib.import_module(f"tests.catalog.nodes.{module.stem}")

UNIT_BYTES = 64_000
"""What a task may weigh, beside the tables that it is given as a whole."""

FAULTS: dict[tuple[str, str], str] = {}
"""By test and plan: what is known to be wrong."""


@pytest.fixture(params=PLANS, ids=lambda plan: plan.name)
def plan(request: pytest.FixtureRequest) -> Plan:
    found: Plan = request.param
    fault = FAULTS.get((request.function.__name__, found.name))
    if fault is not None:
        request.applymarker(pytest.mark.xfail(strict=True, reason=fault))
    return found


@pytest.fixture
def case(plan: Plan, world: World) -> Case:
    found = plan.build(world)
    assert type(found.node) is plan.node
    return found


def test_every_node_has_a_plan():
    nodes = concrete_nodes()
    assert len(nodes) > 20
    assert not (missing := lacking(nodes)), f"\n{missing}"
    assert not {plan.node for plan in PLANS} - set(nodes)


def test_a_node_without_a_plan_is_noticed():
    class Forgotten(Scan):
        pass

    Forgotten.__module__ = "skyseries.catalog.nodes.forgotten"
    missing = lacking(concrete_nodes())
    assert "forgotten.test_a_node_without" in missing
    assert "Forgotten has no plan in the contract of nodes: write" in missing
    assert missing.count("\n") == 0
    del Forgotten
    gc.collect()
    assert not lacking(concrete_nodes())


def test_rows_are_those_of_the_slow_twin(case):
    expected = case.rows()
    assert expected
    rows = case.node.rows(SKY, Hints())
    found = case.node.table(rows).to_pylist()
    contract.assert_alike(found, values_of(expected), case.close)
    assert len(rows) == len(expected)
    assert rows.hpx().tolist() == [row.cell for row in expected]
    if case.placed:
        places = [[getattr(row, name) for row in expected] for name in ("ra", "dec")]
        np.testing.assert_array_equal(rows.positions(), places)
    some = np.arange(len(rows))[::-3]
    taken = case.node.table(rows.take(some)).to_pylist()
    assert list(map(repr, taken)) == [repr(found[i]) for i in some]


def test_cut_anywhere(case, world):
    table = contract.whole(case.node)
    cells = case.node.rows(SKY, Hints()).hpx().tolist()
    near = st.sampled_from(sorted({*cells, *world.cuts}))
    cell = st.builds(lambda cell, more: cell + more, near, st.sampled_from([0, 0, 1]))

    @examples(0.06)
    @given(st.lists(cell | st.integers(0, SKY_CELLS - 1), min_size=1, max_size=6), st.data())
    def check(cuts, data):
        found = []
        areas = contract.parts(cuts)
        for area in areas:
            rows = case.node.rows(area, Hints())
            assert area.holds(rows.hpx()).all()
            found.append(case.node.table(rows))
        assert pa.concat_tables(found).combine_chunks().equals(table.combine_chunks())
        some = data.draw(st.lists(st.sampled_from(range(len(areas))), unique=True), "which")
        both = Area(*(np.array([areas[i][k][0] for i in sorted(some)], np.int64) for k in (0, 1)))
        together = case.node.table(case.node.rows(both, Hints()))
        chosen = [case.node.schema.empty_table(), *(found[i] for i in sorted(some))]
        assert together.combine_chunks().equals(pa.concat_tables(chosen).combine_chunks())

    check()


@pytest.mark.parametrize("halo", [1.0, 30.0, 20_000.0])
def test_a_halo_has_all_that_is_near(case, world, halo):
    table = contract.whole(case.node)
    rows = case.rows()
    values = table.to_pylist()
    for area in _areas(world, rows, 3):
        wide = area.around(halo)
        got = case.node.rows(wide, Hints())
        found = case.node.table(got)
        contract.assert_some_of(found, table)
        inside = area.holds(np.array([row.cell for row in rows]))
        mine = [row for row, there in zip(rows, inside, strict=True) if there]
        wanted = inside
        if case.placed:
            wanted = wanted | [bool((twin.separations(row, mine) <= halo).any()) for row in rows]
        asked = [value for value, there in zip(values, wanted, strict=True) if there]
        contract.assert_some_of(pa.Table.from_pylist(asked, table.schema), found)


def _areas(world: World, rows: list[Row], n: int) -> list[Area]:
    """Return some parts of the sky that have rows, cut where partitions are and are not."""
    cells = sorted({row.cell for row in rows})
    first = cells[len(cells) // 2]
    bounds = [max(cut for cut in world.cuts if cut <= max(first, 0)), *cells[:: len(cells) // n]]
    bounds = sorted({*bounds, SKY_CELLS})
    return [Area.of(a, b) for a, b in itertools.pairwise(bounds)]


def test_hints_lose_and_change_nothing(case, world):
    table = contract.whole(case.node)
    held = world.objects.catalog._with(case.node)
    steps = []
    if case.placed:
        regions = [Cone(0.0, 90.0, 100_000.0), Cone(359.9999, 12.0, 60.0), Cone(45.0, 0.0, 3e5)]
        steps += [Search(case.node, region) for region in regions]
    steps += [held.query(text)._node for text in _conditions(table)]
    assert len(steps) > 1
    for step in steps:
        assert isinstance(step, Search | Filter)
        for area in (SKY, *_areas(world, case.rows(), 2)):
            hinted = case.node.rows(area, step.hints(Hints()))
            contract.assert_some_of(case.node.table(hinted), table)
            plain = case.node.rows(area, Hints())
            found, expected = (case.node.table(step.apply(rows)) for rows in (hinted, plain))
            assert found.combine_chunks().equals(expected.combine_chunks()), step.describe()


def _conditions(table: pa.Table) -> list[str]:
    """Return conditions that hold for some rows of a table."""
    found = []
    for field in table.schema:
        values = sorted(v for v in table[field.name].to_pylist() if twin.known(v)) if (
            pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        ) else []  # fmt: skip
        if values:
            middle, last = values[len(values) // 2], values[-1]
            found += [f'"{field.name}" > {middle!r}', f'"{field.name}" IN ({last!r}, {middle!r})']
        elif pa.types.is_string(field.type):
            found.append(f'"{field.name}" IS NULL')
    return found[::2] if len(found) > 12 else found


def test_narrowed_and_sent_it_gives_the_same(case, world):
    rows = case.rows()
    for area in _areas(world, rows, 12):
        narrowed = case.node.narrow(area)
        expected = case.node.table(case.node.rows(area, Hints())).combine_chunks()
        assert narrowed.schema.equals(case.node.schema, check_metadata=True)
        found = narrowed.table(narrowed.rows(area, Hints()))
        assert found.combine_chunks().equals(expected)
        sent = cloudpickle.dumps(narrowed)
        assert len(sent) <= UNIT_BYTES + case.given
        there = pickle.loads(sent)  # noqa: S301 - it is our own
        assert there.table(there.rows(area, Hints())).combine_chunks().equals(expected)


def test_to_narrow_starts_nothing(case, world, tmp_path):
    areas = _areas(world, case.rows(), 3)
    with contract.idle(tmp_path):
        for area in areas:
            case.node.narrow(area)


def test_to_explain_starts_nothing(case, tmp_path):
    with contract.idle(tmp_path):
        text = str(explain(case.node))
    assert case.node.describe() in text


def test_it_reads_what_it_demands(case, plan, world):
    every = contract.paths_of(case.node.schema)
    for paths in ([], *([path] for path in every), case.node.schema.names):
        said, places = contract.demanded(case.node, paths)
        read = contract.reads(plan.build(world).node, paths)
        for home in said.keys() | read.keys():
            place = places.get(home, set())
            more = read.get(home, set()) - said.get(home, set()) - place
            assert not more, f"for {paths} reads {sorted(more)} too"
            less = said.get(home, set()) - read.get(home, set()) - place
            assert not less, f"for {paths} does not read {sorted(less)}"


def test_its_schema_is_that_of_its_rows(case):
    node, schema = case.node, case.node.schema
    rows = node.rows(SKY, Hints())
    table = node.table(rows)
    nowhere = node.rows(Area.of(5, 5), Hints())
    assert len(nowhere) == 0
    for found in (table, node.table(nowhere), node.table(rows.take(np.empty(0, np.int64)))):
        assert found.schema.equals(schema, check_metadata=True)
        found.validate(full=True)
    for field, column in zip(schema, table.columns, strict=True):
        assert field.nullable or not column.null_count
    for some in (node.rows(SKY, Hints()), nowhere):
        expected = table if len(some) else table.slice(0, 0)
        for path in contract.paths_of(schema):
            wanted = pick(expected, path)
            found = some.fetch([path])
            assert found.column_names == [path]
            asked = pa.schema([pa.field(path, wanted.type)])
            assert _plain(found.schema.field(0).type) == _plain(wanted.type), path
            again = as_schema(found, asked).column(0).combine_chunks()
            assert again.equals(wanted.combine_chunks()), path


def _plain(type_: pa.DataType) -> pa.DataType:
    """Return a type without what it says of names and nulls inside."""
    if pa.types.is_struct(type_):
        return pa.struct([(field.name, _plain(field.type)) for field in type_])
    if pa.types.is_list(type_):
        return pa.list_(_plain(type_.value_type))
    return type_


LINEAGE = hasattr(Node, "inherits")


@pytest.mark.skipif(not LINEAGE, reason="nodes do not say yet where their columns come from")
def test_inherited_columns_have_the_values_of_the_child(case):
    node = case.node
    table = contract.whole(node)
    children = [contract.whole(child) for child in node.children]
    for path in contract.paths_of(node.schema):
        sources = node.inherits(path)
        column = path.partition(".")[0]
        if path in case.made or column in case.made:
            assert sources is None, path
            continue
        assert sources is not None, path
        values = pick(table, path).to_pylist()
        if not sources:
            assert values == [None] * len(values)
        for source in sources:
            assert source.path in contract.paths_of(children[source.side].schema)
        if sources and all(source.whole for source in sources):
            _assert_inherited(case, table, children, values, sources)


def _assert_inherited(case, table, children, values, sources) -> None:
    """Assert that each value is that of the row of the same id of one of the children."""
    known = []
    for source in sources:
        here, there = case.ids[source.side]
        child = children[source.side]
        of = dict(
            zip(child[there].to_pylist(), map(repr, pick(child, source.path).to_pylist()),
                strict=True)
        )  # fmt: skip
        known.append((table[here].to_pylist(), of))
    for i, value in enumerate(values):
        may = {of.get(ids[i], "None") for ids, of in known}
        assert repr(value) in may


@pytest.mark.skipif(not LINEAGE, reason="nodes do not say yet what is made before the first task")
def test_stages_are_explained(case, tmp_path):
    with contract.idle(tmp_path):
        stages = case.node.stages()
        text = str(explain(case.node))
    for stage in stages:
        assert stage.describe() in text
