"""The verb of docs/extending.md keeps the contract of nodes; with an answer less, it does not."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from skyseries.catalog import plan as plans
from skyseries.catalog.plan.stage import stages_of
from skyseries.catalog.verbs.rowsets import RowSetVerbs
from tests.catalog.nodes import case, test_contract
from tests.catalog.nodes.case import Plan, lacking
from tests.catalog.nodes.test_contract import Tried
from tests.catalog.nodes.world import World
from tests.extending import changed_files

FILES = changed_files("A verb")
NODE = "src/skyseries/catalog/plan/thin.py"


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Plan]:
    """Return a function that makes the verb of the page with another text of its node: its plan."""
    monkeypatch.setattr(test_contract, "_KNOWN", {})
    monkeypatch.setattr(case, "PLANS", [])

    def module(name: str, text: str) -> ModuleType:
        made = ModuleType(name)  # by this name its classes are pickled, and no nodes of ours
        monkeypatch.setitem(sys.modules, name, made)
        exec(compile(text, f"<{name}>", "exec"), vars(made))  # noqa: S102 - our own page
        return made

    def make(text: str) -> Plan:
        node = module("page_node", text)
        monkeypatch.setitem(sys.modules, "skyseries.catalog.plan.thin", node)
        assert '"thin": "Thin"' in FILES["src/skyseries/catalog/plan/__init__.py"]
        monkeypatch.setattr(plans, "Thin", node.Thin, raising=False)
        verbs = module("page_verbs", FILES["src/skyseries/catalog/verbs/rowsets.py"])
        monkeypatch.setattr(RowSetVerbs, "thin", verbs.RowSetVerbs.thin, raising=False)
        assert "page_node.Thin has no plan" in lacking([node.Thin])
        module("page_plans", FILES["tests/catalog/nodes/plans_steps.py"])
        (plan,) = (plan for plan in case.PLANS if plan.node is node.Thin)
        return plan

    return make


def broken(plan: Plan, world: World, folder: Path) -> list[str]:
    """Return the names of the tests of the contract that a plan fails."""
    found = []
    for name, test in vars(test_contract).items():
        wanted = inspect.signature(test).parameters if name.startswith("test_") else {}
        if not {"tried", "planned"} & set(wanted):
            continue
        tried = Tried(plan, world)
        assert not list(stages_of(tried.node))
        given = {"tried": tried, "planned": tried, "world": world, "tmp_path": folder / name}
        try:
            test(**{argument: given[argument] for argument in wanted})
        except AssertionError:
            found.append(name)
    return found


def test_the_verb_keeps_the_contract(planned, world, tmp_path):
    assert broken(planned(FILES[NODE]), world, tmp_path) == []


@pytest.mark.parametrize(
    ("answer", "noticed"),
    [
        ("gives", "test_there_are_as_many_rows_as_it_says"),
        ("filters", "test_no_row_is_left_out_unless_it_says_so"),
    ],
)
def test_an_answer_that_was_forgotten_is_noticed(planned, world, tmp_path, answer, noticed):
    without = re.sub(rf"    @property\n    def {answer}.*?\n\n", "", FILES[NODE], flags=re.DOTALL)
    assert broken(planned(without), world, tmp_path) == [noticed]
