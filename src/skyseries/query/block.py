"""The text of one SELECT over several tables, and the stages that it needs before.

Array work is brought out of DuckDB: what depends on one table becomes a column of its plan; a
condition of a join chooses pairs of row numbers; anything else is a stage after FROM. Where a query
in a condition has array work over its own rows and those outside, the pairs of both are its FROM.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from skyseries import adql
from skyseries.adql.expressions import Aggregate, Column, Compare, Expr, Path, Subquery
from skyseries.adql.nearness import Nearness, nearness
from skyseries.adql.relations import (
    Combination,
    Join,
    Query,
    QueryUse,
    Rows,
    Select,
    Sort,
    TableUse,
)
from skyseries.adql.rewriting import (
    Change,
    changed,
    changed_rows,
    expressions,
    free_columns,
    has_subqueries,
    subqueries,
)
from skyseries.adql.types import Type
from skyseries.errors import QueryError
from skyseries.query.arraywork import array_parts, ids_of, is_array_work
from skyseries.query.derived import only_columns, with_conditions
from skyseries.query.froms import (
    From,
    Joined,
    Leaf,
    StageUse,
    all_conditions,
    change_conditions,
    distributed,
    from_tree,
    leaves,
)
from skyseries.query.grouped import grouped_text, is_plain_group, without_groups
from skyseries.query.operations import Compute, Counted, Load, Make, Near
from skyseries.query.pieces import Piece, spans
from skyseries.query.scans import table_scan
from skyseries.query.steps import Scan
from skyseries.query.text import StatementWriter, in_order, known

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


class _Block:
    """One SELECT."""

    def __init__(
        self,
        compiler: Compiler,
        select: Select,
        sorts: Sequence[Sort],
        outer: Mapping[Path, str],
    ) -> None:
        self._compiler = compiler
        self._names = dict(outer)
        self._types: dict[Path, Column] = {}
        self._made: dict[Expr, Column] = {}
        self._tree = from_tree(select.source)
        self._own = self._tree.ids
        where = [] if select.where is None else adql.conjuncts(select.where)
        self._rest = distributed(self._tree, where)
        self._select, self._sorts = select, list(sorts)

    # what is asked for ---------------------------------------------------------------------

    def text(self, offset: int) -> str:
        """Return the whole text."""
        self._change(self._of_one_table)
        piece = self._from(self._tree)
        piece = self._staged(piece)
        if self._select.grouped:
            return self._group(piece)
        return self._plain(piece, offset)

    def _values(self) -> Iterator[Expr]:
        """Yield what is calculated of the rows of FROM."""
        yield from (output.value for output in self._select.outputs)
        yield from self._select.keys
        yield from (sort.value for sort in self._sorts)
        yield from self._rest

    def _everything(self) -> Iterator[Expr]:
        yield from self._values()
        yield from all_conditions(self._tree)

    def _change(self, change: Change) -> None:
        """Replace parts of all expressions, but of the conditions of single tables."""
        select = self._select
        self._select = replace(
            select,
            outputs=tuple(replace(o, value=changed(o.value, change)) for o in select.outputs),
            keys=tuple(changed(key, change) for key in select.keys),
        )
        self._sorts = [replace(s, value=changed(s.value, change)) for s in self._sorts]
        self._rest = [changed(one, change) for one in self._rest]
        change_conditions(self._tree, change)

    def _of_one_table(self, part: Expr) -> Expr | None:
        """Return the column for array work on the columns of one table."""
        if not is_array_work(part) or any(subqueries(part)):
            return None
        ids = ids_of(part)
        scans = {leaf.use.id for leaf in leaves(self._tree) if isinstance(leaf.use, TableUse)}
        if len(ids) != 1 or not ids <= scans or _aggregates(part):
            return None
        return self._made_column(part, next(iter(ids)))

    def _made_column(self, part: Expr, id_: str) -> Column:
        path = (id_, f"={len(self._made)}")
        made = Column(path, part.type, part.unit, arrow=part.arrow_type)
        return self._made.setdefault(part, made)

    def _name(self, path: Path) -> str:
        if path not in self._names:
            self._names[path] = self._compiler.new("c")
        return self._names[path]

    def _used(self, id_: str) -> list[str]:
        """Return the columns of a table or query that this SELECT, or a query in it, needs."""
        columns = (c for one in self._everything() for c in free_columns(one))
        return list(dict.fromkeys(c.path[1] for c in columns if c.path[0] == id_))

    # FROM ----------------------------------------------------------------------------------

    def _from(self, tree: From) -> Piece:
        if isinstance(tree, Leaf):
            return self._leaf(tree)
        work = [one for one in tree.on if self._chooses(one)]
        if work:
            return self._pairs(tree, work)
        left, right = self._from(tree.left), self._from(tree.right)
        columns = [*left.columns, *right.columns]
        if tree.kind == "INNER":
            conditions = [*left.conditions, *right.conditions, *tree.on]
            return Piece([*left.items, *right.items], columns, conditions)
        one, two = self._closed(left), self._closed(right)
        if not any(spans(on, tree.left.ids, tree.right.ids) for on in tree.on):
            self._compiler.operations.append(Counted(one, two))
        on = self._condition(tree.on)
        text = f"({one} {tree.kind} JOIN {two} ON {on})"
        return Piece([(text, tree.ids)], columns)

    def _condition(self, conditions: Sequence[Expr]) -> str:
        """Return the text of a condition of an outer join."""
        if not conditions:
            return "TRUE"
        return self._writer(hoists=False).truth(adql.conjunction(conditions))

    def _writer(self, *, hoists: bool = True) -> StatementWriter:
        names = self._names
        return StatementWriter(
            names, lambda query: self._compiler.rows(query, names), hoists=hoists
        )

    def _closed(self, piece: Piece) -> str:
        """Return a piece as one thing that can stand in FROM."""
        if len(piece.items) == 1 and not piece.conditions:
            return piece.items[0][0]
        return f"({self._selected(piece, piece.columns)})"

    def _selected(
        self, piece: Piece, columns: Iterable[str], writer: StatementWriter | None = None
    ) -> str:
        """Return a query for columns of a piece, its conditions applied."""
        writer = writer or self._writer()
        where = ""
        if piece.conditions:
            where = f" WHERE {writer.truth(adql.conjunction(piece.conditions))}"
        self._check(piece)
        source = writer.source(piece.text())
        return f"SELECT {', '.join(columns)} FROM {source}{where}"  # noqa: S608 - no user text

    def _check(self, piece: Piece) -> None:
        """Have rows counted that stand beside others without a condition."""
        first, *others = piece.unrelated()
        for texts in others:
            sides = (" CROSS JOIN ".join(some) for some in (first, texts))
            self._compiler.operations.append(Counted(*sides))

    def _leaf(self, leaf: Leaf) -> Piece:
        use = leaf.use
        if isinstance(use, TableUse):
            return self._scan(leaf, use)
        if isinstance(use, StageUse):
            columns = {name: self._name((use.id, name)) for name in use.columns}
            texts = ", ".join(f"{old} AS {new}" for old, new in columns.items())
            text = f"(SELECT {texts} FROM {use.table})"  # noqa: S608 - no user text
            return Piece([(text, leaf.ids)], list(columns.values()), leaf.conditions)
        return self._query(leaf, use)

    def _scan(self, leaf: Leaf, use: TableUse) -> Piece:
        made = {c.path[1]: e for e, c in self._made.items() if c.path[0] == use.id}
        columns = [name for name in self._used(use.id) if name not in made]
        node = table_scan(
            self._compiler.bindings[use.table], leaf.conditions, columns, list(made.items())
        )
        name = self._compiler.new("t")
        names = tuple(self._name((use.id, column)) for column in node.schema.names)
        self._compiler.operations.append(Load(name, Scan(node), names))
        return Piece([(name, leaf.ids)], list(names))

    def _query(self, leaf: Leaf, use: QueryUse) -> Piece:
        asked = {c.path[1] for one in leaf.conditions for c in free_columns(one)}
        used = [*dict.fromkeys([*self._used(use.id), *asked])]
        table, conditions = self._compiler.shared(use), leaf.conditions
        if table is None:
            query, conditions = with_conditions(use.query, conditions, use.id)
            query = only_columns(query, used)
            columns, source = query.schema.names, f"({self._compiler.rows(query, {})})"
        else:
            columns, source = self._compiler.columns_of(use), table
        names = {f"r{i}": self._name((use.id, name)) for i, name in enumerate(columns)}
        texts = ", ".join(f"{old} AS {new}" for old, new in names.items())
        text = f"(SELECT {texts} FROM {source})"  # noqa: S608 - no user text
        return Piece([(text, leaf.ids)], list(names.values()), conditions)

    # array work ----------------------------------------------------------------------------

    def _pairs(self, tree: Joined, work: list[Expr]) -> Piece:
        """Return a join of which array work chooses the pairs."""
        settled = [one for one in tree.on if one not in work and self._is_settled(one)]
        rest = [one for one in tree.on if one not in work and one not in settled]
        if rest and tree.kind != "INNER":
            raise QueryError(_NOT_YET)
        (left, one), (right, two) = (
            self._numbered(self._from(side)) for side in (tree.left, tree.right)
        )
        columns = [*left.columns, *right.columns]
        paths = {c.path: self._names[c.path] for e in work for c in free_columns(e)}
        candidates = [*left.items, *right.items]
        rules = (nearness(condition, tree.left.ids, tree.right.ids) for condition in work)
        rule = next((near for near in rules if near is not None), None)
        if rule is not None:
            candidates = [(self._near(rule, paths, (left, one), (right, two)), tree.ids)]
        numbers = self._compiler.new("n"), self._compiler.new("n")
        chosen = self._compiler.new("p")
        asked = [f"{one} AS {numbers[0]}", f"{two} AS {numbers[1]}", *dict.fromkeys(paths.values())]
        sql = self._selected(Piece(candidates, columns, settled), asked)
        self._compiler.operations.append(
            Compute(chosen, sql, paths, (), adql.conjunction(work), numbers)
        )
        kinds = {"INNER": ("JOIN", "JOIN"), "LEFT": ("LEFT JOIN", "LEFT JOIN")}
        before, after = kinds.get(tree.kind, ("LEFT JOIN", "FULL JOIN"))
        text = (
            f"({left.items[0][0]} {before} {chosen} ON {one} = {numbers[0]} "
            f"{after} {right.items[0][0]} ON {two} = {numbers[1]})"
        )
        return Piece([(text, tree.ids)], columns, rest)

    def _near(
        self,
        rule: Nearness,
        paths: Mapping[Path, str],
        left: tuple[Piece, str],
        right: tuple[Piece, str],
    ) -> str:
        """Return the pairs of rows that may be near each other, as a part of FROM."""
        table, numbers = self._compiler.new("p"), (self._compiler.new("n"), self._compiler.new("n"))
        wanted = set(paths.values())
        one, two = (
            f"SELECT {', '.join([*filter(wanted.__contains__, piece.columns), number])} "  # noqa: S608
            f"FROM {piece.items[0][0]}"
            for piece, number in (left, right)
        )
        self._compiler.operations.append(Near(table, numbers, rule, (one, two), paths))
        return (
            f"({left[0].items[0][0]} JOIN {table} ON {left[1]} = {numbers[0]} "
            f"JOIN {right[0].items[0][0]} ON {right[1]} = {numbers[1]})"
        )

    def _numbered(self, piece: Piece) -> tuple[Piece, str]:
        """Return a piece as a table of the database with the number of each row."""
        number = self._compiler.new("n")
        name = self._closed(piece)
        if not name.isalnum():  # else it is a table
            name, text = self._compiler.new("s"), f"SELECT {', '.join(piece.columns)} FROM {name}"  # noqa: S608
            self._compiler.operations.append(Make(name, text))
        columns = ", ".join([*piece.columns, f"rowid AS {number}"])
        text = f"(SELECT {columns} FROM {name})"  # noqa: S608 - no user text
        return Piece([(text, piece.ids)], piece.columns), number

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
            self._names[column.path] = self._compiler.new("c")
            values.append(
                (self._names[column.path], changed(part, lambda e: self._inner(e, inner)))
            )
        asked = [f"{writer.result(e)} AS {self._names[c.path]}" for e, c in inner.items()]
        columns = [*piece.columns, *asked, f"row_number() OVER () AS {number}"]
        sql = self._selected(replace(piece, conditions=now), columns, writer)
        paths = {c.path: self._names[c.path] for _, e in values for c in free_columns(e)}
        self._compiler.operations.append(Compute(table, sql, paths, tuple(values)))
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

    def _chooses(self, condition: Expr) -> bool:
        """Return whether array work on the rows of FROM decides on a condition of a join."""
        mine = ids_of(condition) <= self._own and not has_subqueries(condition)
        return mine and any(array_parts(condition))

    def _is_mine(self, part: Expr) -> bool:
        """Return whether array work can be done once FROM is there."""
        return ids_of(part) <= self._own and not _aggregates(part)

    def _is_mixed(self, query: Subquery) -> bool:
        parts = (p for e in expressions(query.query) for p in array_parts(e))
        return any((ids := ids_of(p)) & self._own and not ids <= self._own for p in parts)

    def _is_settled(self, condition: Expr) -> bool:
        """Return whether a condition can be applied before the stage."""
        return ids_of(condition) <= self._own and not any(array_parts(condition))

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
        for below in expressions(inner.query):
            yield from _all_subqueries(below)


def _over_pairs(rows: Rows, stage: StageUse, same: Expr) -> Rows:
    """Return a query of which each row stands beside one of a stage that fulfils a condition."""
    if isinstance(rows, Query):
        return replace(rows, body=_over_pairs(rows.body, stage, same))
    if isinstance(rows, Combination):
        left, right = (_over_pairs(side, stage, same) for side in (rows.left, rows.right))
        return replace(rows, left=left, right=right)
    where = [same] if rows.where is None else [rows.where, same]
    source = Join("CROSS", stage, rows.source, None)  # type: ignore[arg-type]
    return replace(rows, source=source, where=adql.conjunction(where))
