"""What a statement would do, as a tree: its steps, and what is read for the lowest of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from skyseries.catalog import explain as catalogs
from skyseries.catalog.plan.scan import first_scan
from skyseries.config import tuning
from skyseries.query.operations import LoadScan, Operation, Statement
from skyseries.query.steps import First, Named, Slice, Step

__all__ = ["Explanation", "bytes_of", "explain"]


@dataclass(frozen=True)
class Explanation:
    """A step in words, and those below it; `str` of it is the whole."""

    text: str
    below: tuple[Explanation, ...] = ()
    plans: tuple[catalogs.Explanation, ...] = ()
    """Of the catalogs that the step itself reads: partitions, row groups, bytes."""

    @property
    def scans(self) -> tuple[catalogs.ScanPlan, ...]:
        """What is read of each catalog, by this step and those below."""
        mine = tuple(scan for plan in self.plans for scan in plan.scans)
        return mine + tuple(scan for step in self.below for scan in step.scans)

    @property
    def bytes(self) -> int | None:
        """Of all that is read; None if a catalog does not record sizes."""
        sizes = [scan.bytes for scan in self.scans]
        return None if None in sizes else sum(size or 0 for size in sizes)

    def lines(self, depth: int = 0) -> Iterator[str]:
        """Yield the steps, a line each; what one takes rows from stands below it."""
        yield f"{'  ' * depth}{self.text}"
        for plan in self.plans:
            yield from (f"{'  ' * (depth + 1)}{line}" for line in plan.lines())
        for step in self.below:
            yield from step.lines(depth + 1)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    __repr__ = __str__


def explain(step: Step, footers: bool = False) -> Explanation:
    """Explain a step.

    Parameters
    ----------
    step : Step
    footers : bool
        Look into the files too, for the row groups that would be read.
    """
    if isinstance(step, Statement):
        return Explanation(step.describe(), tuple(_done(one, footers) for one in step.operations))
    below = tuple(explain(one, footers) for one in step.below)
    plans = () if below else tuple(catalogs.explain(node, footers) for node in step.nodes)
    return Explanation(step.describe(), below, plans)


def bytes_of(step: Step, plan: Explanation) -> int | None:
    """Return about how many bytes a step reads; None if a catalog does not record sizes.

    Of a plan that ends with its first rows, and leaves out none, that is less than of all of it.
    """
    while isinstance(step, Named | Slice):
        step = step.step
    if plan.bytes is None or not isinstance(step, First) or step.node.filters:
        return plan.bytes
    scan = first_scan(step.node)
    rows = None if scan is None else scan.dataset.rows
    read = step.count + (tuning().group_rows if step.is_quick else tuning().unit_rows)
    return plan.bytes if not rows or read >= rows else plan.bytes * read // rows


def _done(operation: Operation, footers: bool) -> Explanation:
    step = operation.step
    if step is None:
        return Explanation(operation.describe())
    if isinstance(operation, LoadScan):
        plans = tuple(catalogs.explain(node, footers) for node in step.nodes)
        return Explanation(operation.describe(), (), plans)
    return Explanation(operation.describe(), (explain(step, footers),))
