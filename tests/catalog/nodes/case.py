"""What a plan of the contract is, and where it is registered.

A node is not tested before there is a plan with it on top: write a function of the `World` in one
of the modules beside this one, and register it with ``@plan(TheNode)``.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import skyseries.catalog
from skyseries.catalog.plan.node import Node
from tests.catalog.nodes.world import Row, World

__all__ = ["PLANS", "Case", "Plan", "concrete_nodes", "lacking", "plan"]


@dataclass(frozen=True)
class Case:
    """A plan and what it has to give.

    Parameters
    ----------
    node : Node
        The node under test, on top.
    rows : callable
        The slow twin: the rows by the definition, along the sky, without the nodes.
    made : collection of str
        The columns of the result that are made here, not taken over from a child.
    ids : mapping of int to pair of str
        By number of the child: which column of the result, and which of the child, names its
        rows. Values that were taken over are compared by it.
    close : collection of str
        Columns that are compared within a billionth: the twin rounds otherwise.
    placed : bool
        Whether the rows have positions, so that regions and halos mean something.
    given : int
        Bytes of tables that each task is given as a whole.
    """

    node: Node
    rows: Callable[[], list[Row]]
    made: Collection[str] = ()
    ids: Mapping[int, tuple[str, str]] = field(default_factory=lambda: {0: ("id", "id")})
    close: Collection[str] = ()
    placed: bool = True
    given: int = 0


class Plan(NamedTuple):
    """A function that makes a case, and the node that it is for."""

    node: type[Node]
    build: Callable[[World], Case]

    @property
    def name(self) -> str:
        """What its tests are called."""
        return f"{self.node.__name__}-{self.build.__name__}"


PLANS: list[Plan] = []


def plan(node: type[Node]) -> Callable[[Callable[[World], Case]], Callable[[World], Case]]:
    """Register a function that makes a plan with this node on top."""

    def register(build: Callable[[World], Case]) -> Callable[[World], Case]:
        PLANS.append(Plan(node, build))
        return build

    return register


def concrete_nodes() -> list[type[Node]]:
    """Return every kind of node that skyseries has."""
    for module in pkgutil.walk_packages(skyseries.catalog.__path__, "skyseries.catalog."):
        importlib.import_module(module.name)
    return [
        node
        for node in _below(Node)
        if not inspect.isabstract(node) and node.__module__.startswith("skyseries.")
    ]


def _below(node: type[Node]) -> Iterator[type[Node]]:
    for child in node.__subclasses__():
        yield child
        yield from _below(child)


def lacking(nodes: Collection[type[Node]]) -> str:
    """Return what is to be written for nodes without a plan; nothing if each has one."""
    there = {plan.node for plan in PLANS}
    return "\n".join(
        f"{node.__module__}.{node.__qualname__} has no plan in the contract of nodes: write a "
        f"function of the world, decorated with @plan({node.__name__}), in "
        "tests/catalog/nodes/plans_*.py that returns a Case with this node on top and its rows, "
        "computed by the definition"
        for node in nodes
        if node not in there
    )
