"""Queries in conditions over pairs: their rows stand beside the row of a stage that is outside.

Where a FULL JOIN has rows without a partner on either side, the stage stands on both sides of it,
and a value outside is that of the side which is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from skyseries import adql
from skyseries.adql.expressions import Column, Compare, Expr
from skyseries.adql.lexer import Position
from skyseries.adql.operators import coalesce
from skyseries.adql.relations import Combination, Join, Query, Relation, Rows, Select
from skyseries.adql.rewriting import Change, changed, changed_relation, changed_rows
from skyseries.adql.types import Type
from skyseries.errors import QueryError
from skyseries.query.froms import StageUse

__all__ = ["over_pairs"]


def over_pairs(rows: Rows, stage: StageUse, number: str, row: Column) -> Rows:
    """Return a query of which each row stands beside the row of a stage that is outside.

    Parameters
    ----------
    rows : Query, Select or Combination
        Takes columns of the stage as if it were in FROM.
    stage : StageUse
    number : str
        The column of the stage with the numbers of its rows.
    row : Column
        The number of the row outside.
    """
    if isinstance(rows, Combination):
        left, right = (over_pairs(side, stage, number, row) for side in (rows.left, rows.right))
        return replace(rows, left=left, right=right)
    if isinstance(rows, Query) and not isinstance(rows.body, Select):
        return replace(rows, body=over_pairs(rows.body, stage, number, row))
    select = rows.body if isinstance(rows, Query) else rows
    assert isinstance(select, Select)  # noqa: S101 - all else was before
    source, ids = _beside(stage, select.source, number)
    same = Compare("=", _number(stage.id, number), row)
    where = adql.conjunction([same] if select.where is None else [select.where, same])
    bare = replace(select, source=stage, where=where)  # type: ignore[arg-type]
    change = _of_either(ids)
    if not isinstance(rows, Query):
        return replace(changed_rows(bare, change), source=source)  # type: ignore[arg-type]
    made = changed_rows(replace(rows, body=bare), change)
    return replace(made, body=replace(made.body, source=source))  # type: ignore[arg-type, union-attr]


def _beside(stage: StageUse, relation: Relation, number: str) -> tuple[Relation, tuple[str, ...]]:
    """Return FROM with a stage beside all rows that no join can make up for, and its ids there."""
    if not isinstance(relation, Join):
        return Join("CROSS", stage, relation, None), (stage.id,)  # type: ignore[arg-type]
    if relation.kind == "RIGHT":
        right, ids = _beside(stage, relation.right, number)
        return replace(relation, right=right, on=_with(relation.on, ids)), ids
    left, ids = _beside(stage, relation.left, number)
    if relation.kind != "FULL":
        return replace(relation, left=left, on=_with(relation.on, ids)), ids
    other = replace(stage, id=f"{stage.id}'{len(ids)}")
    here = changed_relation(relation.right, _renamed(stage.id, other.id))
    right, others = _beside(other, here, number)
    numbers = (changed(_number(of[0], number), _of_either(of)) for of in (ids, others))
    on = [Compare("=", *numbers), *([] if relation.on is None else [_with(relation.on, ids)])]
    return replace(relation, left=left, right=right, on=adql.conjunction(on)), (*ids, *others)  # type: ignore[arg-type]


def _number(id_: str, number: str) -> Column:
    return Column((id_, number), Type.BIGINT)


def _with(on: Expr | None, ids: Sequence[str]) -> Expr | None:
    return None if on is None else changed(on, _of_either(ids))


def _renamed(old: str, new: str) -> Change:
    def one(part: Expr) -> Expr | None:
        is_old = isinstance(part, Column) and part.path[0] == old
        return replace(part, path=(new, *part.path[1:])) if is_old else None  # type: ignore[call-arg, attr-defined]

    return one


def _of_either(ids: Sequence[str]) -> Change:
    """Return what takes the columns of a stage from that of some of its uses that is there."""

    def one(part: Expr) -> Expr | None:
        if len(ids) == 1 or not isinstance(part, Column) or part.path[0] != ids[0]:
            return None
        if not part.type.is_scalar:
            raise QueryError(
                f"a {part.type.value} from outside cannot be taken into a query with FULL JOIN"
            )
        return coalesce([replace(part, path=(id_, *part.path[1:])) for id_ in ids], Position(1, 1))

    return one
