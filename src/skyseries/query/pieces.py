"""Parts of FROM as text: what stands side by side, and conditions that are still to be applied."""

from __future__ import annotations

from dataclasses import dataclass, field

from skyseries.adql.expressions import Expr
from skyseries.query.arraywork import ids_of

__all__ = ["Piece", "spans"]


@dataclass
class Piece:
    """A part of FROM: things side by side, and conditions that are still to be applied."""

    items: list[tuple[str, frozenset[str]]]
    """Text and ids."""
    columns: list[str]
    conditions: list[Expr] = field(default_factory=list)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all its columns."""
        return frozenset[str]().union(*(ids for _, ids in self.items))

    def text(self) -> str:
        """Return all as one, without the conditions."""
        texts = [text for text, _ in self.items]
        return texts[0] if len(texts) == 1 else f"({' CROSS JOIN '.join(texts)})"

    def unrelated(self) -> list[list[str]]:
        """Return the items in groups such that no condition is of two groups."""
        groups: list[tuple[list[str], frozenset[str]]] = []
        for text, ids in self.items:
            related = [ids, *(ids_of(one) for one in self.conditions if ids_of(one) & ids)]
            reach = frozenset[str]().union(*related)
            touched = [group for group in groups if group[1] & reach]
            groups = [group for group in groups if group not in touched]
            texts = [one for group in touched for one in group[0]]
            groups.append(([*texts, text], reach.union(*(group[1] for group in touched))))
        return [texts for texts, _ in groups]


def spans(condition: Expr, left: frozenset[str], right: frozenset[str]) -> bool:
    """Return whether a condition is of both sides of a join."""
    ids = ids_of(condition)
    return bool(ids & left) and bool(ids & right)
