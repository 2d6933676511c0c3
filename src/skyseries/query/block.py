"""The text of one SELECT over several tables, and the stages that it needs before.

Array work is brought out of DuckDB: what depends on one table becomes a column of its plan; a
condition of a join chooses pairs of row numbers; anything else is a stage after FROM. Where a query
in a condition has array work over its own rows and those outside, the pairs of both are its FROM.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from skyseries import adql
from skyseries.adql.expressions import (
    Aggregate,
    Column,
    Compare,
    Constant,
    CurveValue,
    Expr,
    Path,
    Subquery,
)
from skyseries.adql.lexer import Position
from skyseries.adql.operators import coalesce
from skyseries.adql.relations import (
    Combination,
    Join,
    Query,
    Relation,
    Rows,
    Select,
    Sort,
    TableUse,
)
from skyseries.adql.rewriting import (
    changed,
    changed_rows,
    has_subqueries,
    level_expressions,
    outer_conditions,
    subqueries,
)
from skyseries.adql.types import Type
from skyseries.errors import QueryError
from skyseries.query.arraywork import array_parts, ids_of, is_array_work
from skyseries.query.froms import (
    StageUse,
    leaves,
    missing_ids,
    near_inside,
    nearnesses,
    restrictions,
    semijoins,
)
from skyseries.query.fromtext import FromText
from skyseries.query.grouped import grouped_text, is_plain_group, without_groups
from skyseries.query.operations import Compute
from skyseries.query.pieces import Piece
from skyseries.query.sharing import share_conditions
from skyseries.query.text import in_order, known

if TYPE_CHECKING:
    from skyseries.query.compiler import Compiler

__all__ = ["select_text"]

_NOT_YET = (
    "the condition of an outer join takes something from outside of it, and chooses by positions "
    "or light curves: write the latter in a query in FROM"
)


def select_text(
    compiler: Compiler,
    select: Select,
    sorts: Sequence[Sort],
    offset: int,
    outer: Mapping[Path, str],
) -> str:
    """Return the text of a SELECT, its order and the rows that are left out.

    Parameters
    ----------
    compiler : Compiler
        Gets what has to be done before.
    select : Select
    sorts : sequence of Sort
    offset : int
    outer : mapping of path to str
        The columns of the queries that it stands in.
    """
    if select.grouped and (sorts or offset or not is_plain_group(select)):
        select, sorts = without_groups(select, sorts, f"#{compiler.new('g')}")
    return _Block(compiler, select, sorts, outer).text(offset)


class _Block(FromText):
    """One SELECT."""

    def text(self, offset: int) -> str:
        """Return the whole text."""
        inside = [found for one in self._rest for found in semijoins(one)]
        nearby = [found for one in self._rest for found in near_inside(one, self._own)]
        self._near_by = [*nearnesses(self._tree), *(near for near, _ in nearby)]
        self._inside = {leaf.use.id: leaf for _, leaf in (*inside, *nearby)}
        self._same = [*restrictions(self._tree, self._rest), *(pair for pair, _ in inside)]
        known = {leaf.use.id: leaf for leaf in leaves(self._tree)}
        self._compiler.leaves.update(self._inside | known)
        share_conditions(self._own, self._same, self._compiler.leaves, self._compiler.bindings)
        self._change(self._of_one_table)
        self._load()
        piece = self._from(self._tree)
        piece = self._staged(piece)
        if self._select.grouped:
            return self._group(piece)
        return self._plain(piece, offset)

    def _of_one_table(self, part: Expr) -> Expr | None:
        """Return the column for array work on the columns of one table."""
        if not is_array_work(part):
            return None
        ids = ids_of(part)
        scans = {leaf.use.id for leaf in leaves(self._tree) if isinstance(leaf.use, TableUse)}
        if len(ids) != 1 or not ids <= scans or _aggregates(part) or has_subqueries(part):
            return self._with_curves(part, scans)
        (id_,) = ids
        if id_ not in missing_ids(self._tree) or isinstance(part, CurveValue):
            return self._made_column(part, id_)
        if not isinstance(part, Aggregate):  # which may have a value where its table has no row
            return self._with_curves(part, scans)
        column = self._made_column(part, id_)
        none = Constant(0, Type.BIGINT)
        return coalesce([column, none], Position(1, 1)) if part.name == "COUNT" else column

    def _with_curves(self, part: Expr, scans: Collection[str]) -> Expr:
        """Return array work for a stage, with columns for what is made of light curves in it."""

        def one(inner: Expr) -> Expr | None:
            if isinstance(inner, CurveValue) and inner.argument.path[0] in scans:
                return self._made_column(inner, inner.argument.path[0])
            return None

        return changed(part, one)

    def _staged(self, piece: Piece) -> Piece:
        """Return what FROM gives, with the array work on all of it done."""
        piece.conditions += self._rest
        self._rest = []
        exprs = [*self._values(), *piece.conditions]
        parts = dict.fromkeys(p for e in exprs for p in array_parts(e) if self._is_mine(p))
        mixed = [q for e in exprs for q in _all_subqueries(e) if self._is_mixed(q)]
        if not parts and not mixed:
            return piece
        now = [one for one in piece.conditions if self._is_settled(one)]
        later = [one for one in piece.conditions if one not in now]
        table, number = self._compiler.new("s"), self._compiler.new("n")
        writer = self._writer()
        inner: dict[Expr, Column] = {}
        values = []
        for part in parts:
            column = self._made_column(part, "=")
            name = self._names[column.path] = self._compiler.new("c")
            values.append((name, self._placed(changed(part, lambda e: self._inner(e, inner)))))
        asked = [f"{writer.result(e)} AS {self._names[c.path]}" for e, c in inner.items()]
        columns = [*piece.columns, *asked, f"row_number() OVER () AS {number}"]
        sql = self._selected(replace(piece, conditions=now), columns, writer)
        self._compiler.operations.append(Compute(table, sql, tuple(values)))
        made = {part: self._made[part] for part in parts}
        self._rest = later
        self._change(lambda e: made.get(e))
        kept = [*piece.columns, *(name for name, _ in values), number]
        self._names[(table, number)] = number
        self._change(lambda e: self._detached(e, StageUse(f"#{table}", table, tuple(kept)), number))
        later, self._rest = self._rest, []
        return Piece([(table, piece.ids)], kept, later)

    def _inner(self, part: Expr, inner: dict[Expr, Column]) -> Expr | None:
        """Return the column for a query, or an aggregate of it, inside of array work."""
        if not isinstance(part, Subquery):
            return None
        if part not in inner:
            path = ("=", f"q{len(inner)}{self._compiler.new('_')}")
            inner[part] = Column(path, part.type, part.unit, arrow=part.arrow_type)
            self._names[path] = self._compiler.new("c")
        return inner[part]

    def _is_mine(self, part: Expr) -> bool:
        """Return whether array work can be done once FROM is there."""
        return ids_of(part) <= self._own and not _aggregates(part)

    def _is_mixed(self, query: Subquery) -> bool:
        parts = [p for e in level_expressions(query.query) for p in array_parts(e)]
        if any((ids := ids_of(p)) & self._own and not ids <= self._own for p in parts):
            return True
        joins = outer_conditions(query.query) if parts else ()
        return any(any(array_parts(on)) and bool(ids_of(on) & self._own) for on in joins)

    def _detached(self, part: Expr, stage: StageUse, number: str) -> Expr | None:
        """Return a query over pairs of its own rows and those outside, or nothing."""
        if not isinstance(part, Subquery) or not self._is_mixed(part):
            return None
        columns = {self._names[p]: p for p in self._names if self._names[p] in stage.columns}
        row = Column((stage.table, number), Type.BIGINT)

        def outside(e: Expr) -> Expr | None:
            if isinstance(e, Column) and self._names.get(e.path) in columns:
                return replace(e, path=(stage.id, self._names[e.path]), nested=None)
            return None

        same = Compare("=", Column((stage.id, number), Type.BIGINT), row)
        query = changed_rows(part.query, outside)
        body = _over_pairs(query, stage, same)
        assert isinstance(body, Query)  # noqa: S101 - of a query comes one
        argument = (
            None
            if part.argument is None
            else changed(part.argument, lambda e: self._detached(e, stage, number))
        )
        return replace(part, query=body, argument=argument)

    # SELECT --------------------------------------------------------------------------------

    def _plain(self, piece: Piece, offset: int) -> str:
        select, writer = self._select, self._writer()
        values = [output.value for output in select.outputs]
        texts = [f"{writer.result(value)} AS r{i}" for i, value in enumerate(values)]
        terms = []
        for i, sort in enumerate(self._sorts):
            name = f"r{values.index(sort.value)}" if sort.value in values else f"o{i}"
            if name == f"o{i}":
                texts.append(f"{writer.result(sort.value)} AS {name}")
            terms.append((name, sort.value, sort.descending))
        text = self._selected(piece, texts, writer)
        if select.distinct:
            once = (f"{known(f'r{i}', value)} AS r{i}" for i, value in enumerate(values))
            text = f"SELECT DISTINCT {', '.join(once)} FROM ({text})"  # noqa: S608
        if not (terms or offset or select.top is not None):
            return text
        columns = ", ".join(f"r{i}" for i in range(len(values)))
        order = f" ORDER BY {in_order(terms)}" if terms else ""
        top = "" if select.top is None else f" LIMIT {select.top}"
        skipped = f" OFFSET {offset}" if offset else ""
        return f"SELECT {columns} FROM ({text}){order}{top}{skipped}"  # noqa: S608

    def _group(self, piece: Piece) -> str:
        select, writer = self._select, self._writer()
        texts = [f"{known(writer.result(key), key)} AS k{i}" for i, key in enumerate(select.keys)]
        arguments: list[str] = []
        for output in select.outputs:
            value = output.value
            if isinstance(value, Aggregate) and value.over is None:
                name = ""
                if value.argument is not None:
                    name = f"a{len(arguments)}"
                    texts.append(f"{writer.value(value.argument)} AS {name}")
                arguments.append(name)
        text = self._selected(piece, texts or ["1 AS one"], writer)
        return grouped_text(select, arguments, text)


def _aggregates(part: Expr) -> bool:
    """Return whether an aggregate of rows is a part of an expression."""
    if isinstance(part, Aggregate) and part.over is None:
        return True
    return any(map(_aggregates, part.children))


def _all_subqueries(expression: Expr) -> Iterator[Subquery]:
    """Yield the queries in an expression, at any depth."""
    for inner in subqueries(expression):
        yield inner
        for below in level_expressions(inner.query):
            yield from _all_subqueries(below)


def _over_pairs(rows: Rows, stage: StageUse, same: Expr) -> Rows:
    """Return a query of which each row stands beside one of a stage that fulfils a condition."""
    if isinstance(rows, Query):
        return replace(rows, body=_over_pairs(rows.body, stage, same))
    if isinstance(rows, Combination):
        left, right = (_over_pairs(side, stage, same) for side in (rows.left, rows.right))
        return replace(rows, left=left, right=right)
    where = [same] if rows.where is None else [rows.where, same]
    return replace(rows, source=_beside(stage, rows.source), where=adql.conjunction(where))


def _beside(stage: StageUse, relation: Relation) -> Relation:
    """Return FROM with rows beside all those that no join can make up for."""
    if isinstance(relation, Join) and relation.kind == "FULL":
        raise QueryError(_NOT_YET)
    if isinstance(relation, Join) and relation.kind == "RIGHT":
        return replace(relation, right=_beside(stage, relation.right))
    if isinstance(relation, Join):
        return replace(relation, left=_beside(stage, relation.left))
    return Join("CROSS", stage, relation, None)  # type: ignore[arg-type]
