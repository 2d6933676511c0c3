"""Which combinations are tried: all, or so few that all pairs are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

from tests.meaning.combination import Combination

__all__ = ["pairwise"]


def pairwise(every: Sequence[Combination]) -> list[Combination]:
    """Return combinations in which each pair of case, container, unit and gap is.

    Each case meets each container, each unit and a gap; each container meets a gap and units of
    each role: none, the needed one, others, a wrong one, an unknown one. The choice is greedy,
    first what holds many new pairs, and the same every time.
    """
    order = list(range(len(every)))
    Random(1).shuffle(order)
    missing = {pair for one in every for pair in _pairs(one)}
    chosen: set[int] = set()
    for wanted in (5, 4, 3, 2, 1):
        for i in order:
            new = missing.intersection(_pairs(every[i]))
            if len(new) >= wanted:
                chosen.add(i)
                missing -= new
    return [every[i] for i in sorted(chosen)]


def _pairs(one: Combination) -> Iterable[tuple[str, ...]]:
    case, container, unit = one.case, one.container.name, str(one.unit)
    return (
        ("case, container", case.name, container),
        ("case, unit", case.name, unit),
        ("case, gap", case.name, str(one.gap)),
        ("container, unit", case.form, case.kind.holds, container, case.kind.role(one.unit)),
        ("container, gap", case.form, case.kind.holds, container, str(one.gap)),
    )
