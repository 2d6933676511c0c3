"""The text of one SELECT over several tables, and the stages that it needs before.

Array work is brought out of DuckDB: what depends on one table becomes a column of its plan; a
condition of a join chooses pairs of row numbers; anything else is a stage after FROM. Where a query
in a condition has array work over its own rows and those outside, the pairs of both are its FROM.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from skyseries.adql.expressions import (
    Aggregate,
    Column,
    Constant,
    CurveValue,
    Expr,
    Path,
    Subquery,
    Truth,
)
from skyseries.adql.lexer import Position
from skyseries.adql.operators import coalesce
from skyseries.adql.relations import (
    Combination,
    Query,
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
from skyseries.query.arraywork import array_parts, ids_of, is_array_work
from skyseries.query.beside import over_pairs
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
from skyseries.query.grouped import (
    grouped_text,
    is_of_rows,
    is_plain_group,
    without_calculation,
    without_groups,
)
from skyseries.query.operations import Compute
from skyseries.query.pieces import Piece
from skyseries.query.sharing import share_conditions
from skyseries.query.text import in_order, known

if TYPE_CHECKING:
    from skyseries.query.compiler import Compiler

__all__ = ["select_text"]


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
        self._change(without_calculation)
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
        """Return what FROM gives, with the array work on all of it done, in as many stages."""
        piece.conditions += self._rest
        self._rest = []
        queries = (q for e in self._of_rows(piece) for q in _all_subqueries(e))
        parts, mixed = self._parts(piece), any(map(self._is_mixed, queries))
        while parts or mixed:
            piece, mixed = self._stage(piece, parts), False
            parts = self._parts(piece)
        return piece

    def _of_rows(self, piece: Piece) -> Iterator[Expr]:
        """Yield what is to be calculated of the rows of a piece, its conditions too."""
        yield from self._values()
        yield from piece.conditions

    def _parts(self, piece: Piece) -> list[Expr]:
        """Return the array work that the next stage does; each is done once, so that they end."""
        parts = dict.fromkeys(p for e in self._of_rows(piece) for p in self._ready(e))
        return [part for part in parts if part not in self._made]

    def _stage(self, piece: Piece, parts: Sequence[Expr]) -> Piece:
        """Return the rows of a piece with some array work done."""
        now = [one for one in piece.conditions if self._is_settled(one)]
        later = [one for one in piece.conditions if one not in now]
        self._check_closed(replace(piece, conditions=now))
        table, number = self._compiler.new("s"), self._compiler.new("n")
        writer = self._writer()
        inner: dict[Expr, Column] = {}
        values = []
        for part in parts:
            column = self._made_column(part, table)
            name = self._names[column.path] = self._compiler.new("c")
            values.append((name, self._placed(changed(part, lambda e: self._inner(e, inner)))))
        asked = [f"{writer.result(e)} AS {self._names[c.path]}" for e, c in inner.items()]
        columns = [*piece.columns, *asked, f"row_number() OVER () AS {number}"]
        sql = self._selected(replace(piece, conditions=now), columns, writer)
        self._compiler.operations.append(Compute(table, sql, tuple(values)))
        made = {part: self._made[part] for part in parts}
        self._own |= {table}
        self._rest = later
        self._change(made.get)
        kept = [*piece.columns, *(name for name, _ in values), number]
        self._names[(table, number)] = number
        self._change(lambda e: self._detached(e, StageUse(f"#{table}", table, tuple(kept)), number))
        later, self._rest = self._rest, []
        return Piece([(table, self._own)], kept, later)

    def _inner(self, part: Expr, inner: dict[Expr, Column]) -> Expr | None:
        """Return the column for a query inside of array work; a condition for one that is such."""
        if not isinstance(part, Subquery):
            return None
        if part not in inner:
            path = ("=", f"q{len(inner)}{self._compiler.new('_')}")
            inner[part] = Column(path, part.type, part.unit, arrow=part.arrow_type)
            self._names[path] = self._compiler.new("c")
        return inner[part] if part.form == "scalar" else Truth(inner[part])

    def _ready(self, expression: Expr) -> Iterator[Expr]:
        """Yield the array work on FROM that can be done now: what is in queries in it is first."""
        if not is_array_work(expression):
            for child in expression.children:
                yield from self._ready(child)
            if isinstance(expression, Subquery):
                for inner in level_expressions(expression.query):
                    yield from self._ready(inner)
            return
        first = [part for query in subqueries(expression) for part in self._ready(query)]
        yield from first
        mine = ids_of(expression) <= self._own and not _aggregates(expression)
        if mine and not first and not any(map(self._is_mixed, _all_subqueries(expression))):
            yield expression

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
        moved: dict[Expr, Expr] = {}

        def outside(e: Expr) -> Expr | None:
            if isinstance(e, Column) and self._names.get(e.path) in columns:
                here = replace(e, path=(stage.id, self._names[e.path]), nested=None)
                moved[here] = e
                return here
            return None

        query = _beside_groups(changed_rows(part.query, outside), moved)
        body = over_pairs(query, stage, number, row)
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
            if is_of_rows(value):
                name = ""
                if value.argument is not None:
                    name = f"a{len(arguments)}"
                    texts.append(f"{writer.value(value.argument)} AS {name}")
                arguments.append(name)
        text = self._selected(piece, texts or ["1 AS one"], writer)
        return grouped_text(select, arguments, text)


def _aggregates(part: Expr) -> bool:
    """Return whether an aggregate of rows is a part of an expression."""
    return is_of_rows(part) or any(map(_aggregates, part.children))


def _all_subqueries(expression: Expr) -> Iterator[Subquery]:
    """Yield the queries in an expression, at any depth."""
    for inner in subqueries(expression):
        yield inner
        for below in level_expressions(inner.query):
            yield from _all_subqueries(below)


def _beside_groups(rows: Rows, moved: Mapping[Expr, Expr]) -> Rows:
    """Return a query that takes from outside, again, what stands beside aggregates of groups."""
    if isinstance(rows, Combination):
        left, right = (_beside_groups(side, moved) for side in (rows.left, rows.right))
        return replace(rows, left=left, right=right)
    if isinstance(rows, Query) and not isinstance(rows.body, Select):
        return replace(rows, body=_beside_groups(rows.body, moved))
    select = rows.body if isinstance(rows, Query) else rows
    if not isinstance(select, Select) or not select.grouped:
        return rows
    keys = select.keys

    def one(part: Expr) -> Expr | None:
        return part if part in keys or is_of_rows(part) else moved.get(part)

    having = None if select.having is None else changed(select.having, one)
    outputs = tuple(replace(o, value=changed(o.value, one)) for o in select.outputs)
    select = replace(select, having=having, outputs=outputs)
    if not isinstance(rows, Query):
        return select
    order_by = tuple(replace(sort, value=changed(sort.value, one)) for sort in rows.order_by)
    return replace(rows, body=select, order_by=order_by)
