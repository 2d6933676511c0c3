"""What a plan needs before its first unit: computed once, by runs of its own, and kept."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from skyseries.errors import ExecutionError
from skyseries.store.scratch import make_scratch, remove_scratch

if TYPE_CHECKING:
    from skyseries.catalog.plan.node import Node, Unit

__all__ = ["Runner", "Stage", "stages_of"]

T = TypeVar("T")


class Runner(Protocol):
    """How a plan is run: what `skyseries.catalog.run.run.run_units` does."""

    def __call__(
        self,
        node: Node,
        function: Callable[[Node, Unit], Any],
        units: list[Unit] | None = None,
        *,
        stage: str = "",
        ordered: bool = False,
    ) -> Iterator[tuple[int, Any]]:
        """Yield the place and the value of each unit of a plan."""


class Stage(Generic[T]):
    """A value that tasks of a plan need, with a folder for its files.

    It is computed by `run`, before the first task; planning and `explain` do not. The folder is
    removed when nobody holds this object any more. It is in the folder that ``SKYSERIES_TMPDIR``
    names, which workers on other machines must see.

    Parameters
    ----------
    text : str
        What is done, for people.
    make : callable
        ``make(folder, run)`` returns the value, which travels to the tasks.
    *plans : Node
        The plans that are run for it.
    """

    def __init__(self, text: str, make: Callable[[Path, Runner], T], *plans: Node) -> None:
        self.text, self.plans = text, plans
        self.make = make
        self._value: list[T] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Stage({self.text!r}{', done' if self.is_done else ''})"

    @property
    def is_done(self) -> bool:
        """Whether the value is there."""
        return bool(self._value)

    @property
    def value(self) -> T:
        """What was made."""
        if not self._value:
            raise ExecutionError(
                f"a task began before what it needs was made ({self.text}); this is a fault of "
                "Skyseries, please report it with the text of explain()"
            )
        return self._value[0]

    def run(self, run: Runner) -> None:
        """Make the value, unless it is there.

        Parameters
        ----------
        run : callable
            Runs the plans.
        """
        with self._lock:
            if self._value:
                return
            folder = make_scratch("stage")
            try:
                self._value.append(self.make(folder, run))
            except BaseException:
                remove_scratch(folder)
                raise
            weakref.finalize(self, remove_scratch, folder)

    def __fingerprint__(self) -> tuple[Any, ...]:
        return self.text, self.make

    def __getstate__(self) -> dict[str, Any]:
        # a copy in another process needs the value only, and must not remove our folder
        made = {"_value": self._value} if self._value else {"make": self.make, "_value": []}
        return {"text": self.text, "plans": () if self._value else self.plans} | made

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()


def stages_of(node: Node) -> Iterator[Stage[Any]]:
    """Yield what a plan needs before its first unit: what is deeper in the tree first."""
    for child in node.children:
        yield from stages_of(child)
    yield from node.stages()
