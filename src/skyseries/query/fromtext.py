"""The text of FROM of one SELECT, and what has to be loaded and made before.

Where conditions of a join are array work, that chooses pairs of row numbers: of those that the
match kernel finds, where the condition is that two positions are near each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from skyseries import adql
from skyseries.adql.expressions import Aggregate, Column, Expr, Path, Subquery, written
from skyseries.adql.nearness import Nearness, nearness
from skyseries.adql.relations import Join, Output, QueryUse, Select, Sort, TableUse
from skyseries.adql.rewriting import Change, changed, free_columns, has_subqueries, subqueries
from skyseries.adql.types import Type, from_arrow
from skyseries.catalog.plan.node import Node
from skyseries.catalog.plan.scan import first_scan
from skyseries.errors import QueryError
from skyseries.query.arraywork import array_parts, ids_of
from skyseries.query.derived import is_alone, only_columns, with_conditions
from skyseries.query.froms import (
    From,
    Joined,
    Leaf,
    NearColumns,
    StageUse,
    all_conditions,
    change_conditions,
    distributed,
    from_tree,
    leaves,
    open_queries,
)
from skyseries.query.operations import Compute, Counted, LoadScan, Make, Near
from skyseries.query.pieces import Piece, spans
from skyseries.query.restrictions import Nearby, Restriction, SameValue
from skyseries.query.scans import table_scan
from skyseries.query.text import StatementWriter

if TYPE_CHECKING:
    from skyseries.query.compiler import Compiler

__all__ = ["FromText"]


class FromText:
    """FROM of one SELECT, and the names of its columns.

    Parameters
    ----------
    compiler : Compiler
        Gets what has to be done before.
    select : Select
    sorts : sequence of Sort
    outer : mapping of path to str
        The columns of the queries that it stands in.
    """

    def __init__(
        self,
        compiler: Compiler,
        select: Select,
        sorts: Sequence[Sort],
        outer: Mapping[Path, str],
    ) -> None:
        self._compiler = compiler
        self._names = dict(outer)
        self._made: dict[Expr, Column] = {}
        self._tree = from_tree(select.source)
        self._own = self._tree.ids
        where = [] if select.where is None else adql.conjuncts(select.where)
        self._rest = distributed(self._tree, where)
        self._select, self._sorts = select, list(sorts)
        self._tables: dict[str, Piece] = {}
        self._same: list[tuple[Column, Column]] = []
        self._near_by: list[NearColumns] = []
        self._inside: dict[str, Leaf] = {}
        self._keys_inside: dict[Path, tuple[str, str]] = {}
        self._open = dict(open_queries(select.source))

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

    def _made_column(self, part: Expr, id_: str) -> Column:
        if part not in self._made:
            path = (id_, self._compiler.new("="))
            self._made[part] = Column(path, part.type, part.unit, arrow=part.arrow_type)
        return self._made[part]

    def _name(self, path: Path) -> str:
        if path not in self._names:
            self._names[path] = self._compiler.new("c")
        return self._names[path]

    def _placed(self, expression: Expr) -> Expr:
        """Return an expression over the columns of the database."""

        def one(part: Expr) -> Expr | None:
            if isinstance(part, Column):
                name = self._names[part.path[:2]]
                nested = None if part.nested is None else name
                return replace(part, path=(name, *part.path[2:]), nested=nested)
            if isinstance(part, Aggregate) and part.over is not None:
                id_, _, name = part.over.partition(".")
                argument = None if part.argument is None else self._placed(part.argument)
                return replace(part, over=self._names[id_, name], argument=argument)
            return None

        return changed(expression, one)

    def _used(self, id_: str) -> list[str]:
        """Return the columns of a table or query that this SELECT, or a query in it, needs."""
        columns = (c for one in self._everything() for c in free_columns(one))
        return list(dict.fromkeys(c.path[1] for c in columns if c.path[0] == id_))

    def _from(self, tree: From) -> Piece:
        if isinstance(tree, Leaf):
            return self._leaf(tree)
        outer = tree.kind != "INNER" and any(map(_needs_stage, tree.on))
        if outer or any(self._chooses(one) for one in tree.on):
            return self._pairs(tree)
        left, right = self._from(tree.left), self._from(tree.right)
        columns = [*left.columns, *right.columns]
        if tree.kind == "INNER":
            conditions = [*left.conditions, *right.conditions, *tree.on]
            return Piece([*left.items, *right.items], columns, conditions)
        one, two = self._closed(left), self._closed(right)
        if column := next(self._outside(tree.on), None):
            self._open |= dict.fromkeys(tree.ids, column)
        elif not any(spans(on, tree.left.ids, tree.right.ids) for on in tree.on):
            self._check_closed(Piece([(one, tree.left.ids), (two, tree.right.ids)], columns))
            self._compiler.operations.append(Counted((one, two)))
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
        hard = [one for one in piece.conditions if any(array_parts(one))]
        if hard:
            easy = [one for one in piece.conditions if one not in hard]
            table = self._kept(replace(piece, conditions=easy))
            text = self._over_stages([(table, piece.columns)], hard, piece.columns)
            names = ", ".join(f"r{i} AS {name}" for i, name in enumerate(piece.columns))
            return f"(SELECT {names} FROM ({text}))"  # noqa: S608 - no user text
        if len(piece.items) == 1 and not piece.conditions:
            return piece.items[0][0]
        return f"({self._selected(piece, piece.columns)})"

    def _kept(self, piece: Piece) -> str:
        """Return the table of the database that has the rows of a piece."""
        text = self._closed(piece)
        if text.isalnum():
            return text
        self._check_closed(piece)
        name = self._compiler.new("s")
        rows = f"SELECT {', '.join(piece.columns)} FROM {text}"  # noqa: S608 - no user text
        self._compiler.operations.append(Make(name, rows))
        return name

    def _check_closed(self, piece: Piece) -> None:
        """Refuse to do something before the statement with rows that depend on a row outside."""
        found = [self._open[id_] for id_ in self._open.keys() & piece.ids]
        if column := next(iter([*found, *self._outside(piece.conditions)]), None):
            raise QueryError(
                f"{written(column.path)} is of a query outside, from which it cannot be taken into "
                "FROM, or a query with groups, where rows are matched by positions or calculated "
                "from arrays: write the condition with it in WHERE"
            )

    def _outside(self, conditions: Iterable[Expr]) -> Iterator[Column]:
        """Yield the columns of conditions that are not of FROM."""
        columns = (column for one in conditions for column in free_columns(one))
        return (column for column in columns if column.path[0] not in self._own)

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
        groups = [" CROSS JOIN ".join(texts) for texts in piece.unrelated()]
        if len(groups) > 1:
            self._check_closed(replace(piece, conditions=[]))
            self._compiler.operations.append(Counted(tuple(groups)))

    def _leaf(self, leaf: Leaf) -> Piece:
        use = leaf.use
        if use.id in self._tables:
            return self._tables[use.id]
        if isinstance(use, StageUse):
            columns = {name: self._name((use.id, name)) for name in use.columns}
            texts = ", ".join(f"{old} AS {new}" for old, new in columns.items())
            text = f"(SELECT {texts} FROM {use.table})"  # noqa: S608 - no user text
            return Piece([(text, leaf.ids)], list(columns.values()), leaf.conditions)
        assert isinstance(use, QueryUse)  # noqa: S101 - tables are loaded before
        return self._query(leaf, use)

    def _load(self) -> None:
        """Load the tables of FROM: first those in memory, or of which conditions leave little."""
        scans = [(leaf, leaf.use) for leaf in leaves(self._tree) if isinstance(leaf.use, TableUse)]
        sources = {there.path[0] for _, there in self._same}
        sources |= {near.there for near in self._near_by}
        sources -= self._open.keys()
        for leaf in leaves(self._tree):
            if isinstance(leaf.use, QueryUse) and leaf.use.id in sources and scans:
                piece = self._query(leaf, leaf.use)
                self._at_home(self._kept(piece), leaf, piece.columns)
            elif isinstance(leaf.use, StageUse):
                piece = self._leaf(leaf)
                self._compiler.homes.update(dict.fromkeys(piece.columns, piece.items[0][0]))
                self._tables[leaf.use.id] = piece
        for leaf in self._inside.values():
            self._load_keys(leaf)
        for leaf, use in sorted(scans, key=lambda pair: self._is_large(*pair)):
            self._scan(leaf, use)

    def _load_keys(self, leaf: Leaf) -> None:
        """Load what a small table after IN or EXISTS says of rows that matter."""
        use = leaf.use
        assert isinstance(use, TableUse)  # noqa: S101 - so `_inside` finds them
        binding = self._compiler.bindings[use.table]
        paths = [there.path for _, there in self._same if there.path[0] == use.id]
        paths += [path for near in self._near_by if near.there == use.id for path in near.paths]
        paths = list(dict.fromkeys(paths))
        if not paths or first_scan(binding.node(())) is not None:
            return
        columns = [path[1] for path in paths]

        def plan(more: Sequence[Expr]) -> Node:
            return table_scan(binding, [*leaf.conditions, *more], columns, ())

        name = self._compiler.new("t")
        names = tuple(self._compiler.new("c") for _ in columns)
        self._compiler.operations.append(LoadScan(name, plan, names))
        self._keys_inside |= {p: (name, n) for p, n in zip(paths, names, strict=True)}

    def _home(self, path: Path) -> tuple[str, str] | None:
        """Return the table of the database that has a column, and its name there."""
        name = self._names.get(path, "")
        table = self._compiler.homes.get(name)
        return self._keys_inside.get(path) if table is None else (table, name)

    def _is_large(self, leaf: Leaf, use: TableUse) -> bool:
        """Return whether all rows of a catalog are read of a table."""
        few = leaf.conditions or leaf.of_objects
        return not few and first_scan(self._compiler.bindings[use.table].node(())) is not None

    def _scan(self, leaf: Leaf, use: TableUse) -> None:
        made = {c.path[1]: e for e, c in self._made.items() if c.path[0] == use.id}
        columns = [name for name in self._used(use.id) if name not in made]
        binding = self._compiler.bindings[use.table]

        def plan(more: Sequence[Expr]) -> Node:
            return table_scan(
                binding, [*leaf.conditions, *more], columns, list(made.items()), leaf.of_objects
            )

        name = self._compiler.new("t")
        names = tuple(self._name((use.id, column)) for column in plan(()).schema.names)
        near = self._near_keys(use.id, plan(()).position)
        keys: list[Restriction] = [*self._keys(use.id), *self._keys_of_queries(use.id), *near]
        self._compiler.operations.append(LoadScan(name, plan, names, tuple(keys)))
        self._at_home(name, leaf, names)

    def _at_home(self, table: str, leaf: Leaf, columns: Iterable[str]) -> None:
        """Keep in mind which table of the database has the rows of a table or query."""
        self._compiler.homes.update(dict.fromkeys(columns, table))
        self._tables[leaf.use.id] = Piece([(table, leaf.ids)], list(columns))

    def _near_keys(self, id_: str, position: tuple[str, str] | None) -> Iterator[Nearby]:
        """Yield what leaves out rows of a table by positions of tables that are loaded before."""
        for near in self._near_by:
            homes = {path: home for path in near.paths if (home := self._home(path))}
            tables = {table for table, _ in homes.values()}
            mine = tuple(column.path[1] for column in near.position)
            known = len(homes) == len(near.paths) and len(tables) == 1
            if near.here == id_ and mine == position and known:
                names = {path: name for path, (_, name) in homes.items()}
                yield Nearby(near.position, tables.pop(), near.others, names)

    def _keys(self, id_: str) -> Iterator[SameValue]:
        """Yield what leaves out rows of a table by those of tables that are loaded before it."""
        for here, there in dict.fromkeys(self._same):
            home = self._home(there.path)
            if here.path[0] == id_ and home is not None and _is_key(here):
                yield SameValue(here, *home)

    def _keys_of_queries(self, id_: str) -> Iterator[SameValue]:
        """Yield what leaves out rows of a table by the rows of a query after IN."""
        for one in self._rest:
            if isinstance(one, Subquery) and one.form == "in" and is_alone(one.query):
                column, value = one.argument, one.query.schema.field(0)
                if isinstance(column, Column) and column.path[0] == id_:
                    table = self._compiler.rows(one.query, self._names).rpartition(" ")[2]
                    if column.type is from_arrow(value.type) and _is_key(column):
                        yield SameValue(column, table, "r0")

    def _query(self, leaf: Leaf, use: QueryUse) -> Piece:
        asked = {c.path[1] for one in leaf.conditions for c in free_columns(one)}
        used = [*dict.fromkeys([*self._used(use.id), *asked])]
        table, conditions = self._compiler.shared(use), leaf.conditions
        if table is None:
            query, conditions = with_conditions(use.query, conditions, use.id)
            query = only_columns(query, used)
            columns, source = query.schema.names, f"({self._compiler.rows(query, self._names)})"
        else:
            columns, source = self._compiler.columns_of(use), table
        names = {f"r{i}": self._name((use.id, name)) for i, name in enumerate(columns)}
        texts = ", ".join(f"{old} AS {new}" for old, new in names.items())
        text = f"(SELECT {texts} FROM {source})"  # noqa: S608 - no user text
        return Piece([(text, leaf.ids)], list(names.values()), conditions)

    def _pairs(self, tree: Joined) -> Piece:
        """Return a join of which array work chooses the pairs."""
        left, right = (self._numbered(self._from(side)) for side in (tree.left, tree.right))
        numbers = self._compiler.new("n"), self._compiler.new("n")
        chosen = self._compiler.new("p")
        chooses = [one for one in tree.on if self._chooses(one)]
        known = [one for one in tree.on if self._is_settled(one) or one in chooses]
        later = [one for one in tree.on if one not in known]
        if tree.kind == "INNER" or (chooses and not later):
            self._choose(chosen, numbers, replace(tree, on=known), left, right)
        else:
            sides = [(p.items[0][0], [*p.columns, n]) for p, n in (left, right)]
            text = self._over_stages(sides, tree.on, [left[1], right[1]])
            names = f"r0 AS {numbers[0]}, r1 AS {numbers[1]}"
            self._compiler.operations.append(Make(chosen, f"SELECT {names} FROM ({text})"))  # noqa: S608
        kinds = {"INNER": ("JOIN", "JOIN"), "LEFT": ("LEFT JOIN", "LEFT JOIN")}
        before, after = kinds.get(tree.kind, ("LEFT JOIN", "FULL JOIN"))
        text = (
            f"({left[0].items[0][0]} {before} {chosen} ON {left[1]} = {numbers[0]} "
            f"{after} {right[0].items[0][0]} ON {right[1]} = {numbers[1]})"
        )
        conditions = later if tree.kind == "INNER" else []
        return Piece([(text, tree.ids)], [*left[0].columns, *right[0].columns], conditions)

    def _choose(
        self,
        name: str,
        numbers: tuple[str, str],
        tree: Joined,
        left: tuple[Piece, str],
        right: tuple[Piece, str],
    ) -> None:
        """Make the table of the numbers of rows that belong together."""
        work = [one for one in tree.on if self._chooses(one)]
        plain = [one for one in tree.on if one not in work]
        paths = {c.path[:2]: self._names[c.path[:2]] for e in work for c in free_columns(e)}
        candidates = [*left[0].items, *right[0].items]
        rules = (nearness(condition, tree.left.ids, tree.right.ids) for condition in work)
        rule = next((near for near in rules if near is not None), None)
        if rule is not None:
            candidates = [(self._near(rule, paths, left, right), tree.ids)]
        asked = [f"{n} AS {new}" for n, new in zip((left[1], right[1]), numbers, strict=True)]
        sql = self._selected(Piece(candidates, [], plain), [*asked, *dict.fromkeys(paths.values())])
        self._compiler.operations.append(
            Compute(name, sql, (), self._placed(adql.conjunction(work)), numbers)
        )

    def _over_stages(
        self,
        sides: Sequence[tuple[str, Sequence[str]]],
        conditions: Sequence[Expr],
        columns: Sequence[str],
    ) -> str:
        """Return the text of a SELECT over what is in the database already.

        Parameters
        ----------
        sides : sequence of (str, sequence of str)
            What stands in FROM, and its columns.
        conditions : sequence of Expr
        columns : sequence of str
        """
        stages = [StageUse(f"#{self._compiler.new('s')}", text, tuple(c)) for text, c in sides]
        homes = {name: stage.id for stage in stages for name in stage.columns}

        def moved(part: Expr) -> Expr | None:
            name = self._names.get(part.path) if isinstance(part, Column) else None
            return None if name not in homes else replace(part, path=(homes[name], name))  # type: ignore[call-arg]

        source: Any = stages[0]
        for stage in stages[1:]:
            source = Join("CROSS", source, stage, None)  # type: ignore[arg-type]
        select = Select(
            source,
            changed(adql.conjunction(conditions), moved),
            self._select.written,
            False,
            (),
            None,
            tuple(
                Output(pa.field(n, pa.null()), Column((homes[n], n), Type.OTHER)) for n in columns
            ),
            False,
            None,
        )
        return self._compiler.select(select)

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
        number, name = self._compiler.new("n"), self._kept(piece)
        columns = ", ".join([*piece.columns, f"rowid AS {number}"])
        text = f"(SELECT {columns} FROM {name})"  # noqa: S608 - no user text
        return Piece([(text, piece.ids)], piece.columns), number

    def _chooses(self, condition: Expr) -> bool:
        """Return whether array work on the rows of FROM decides on a condition of a join."""
        mine = ids_of(condition) <= self._own and not has_subqueries(condition)
        return mine and any(array_parts(condition))

    def _is_settled(self, condition: Expr) -> bool:
        """Return whether a condition can be applied before the stage."""
        return ids_of(condition) <= self._own and not any(array_parts(condition))


def _needs_stage(condition: Expr) -> bool:
    """Return whether DuckDB refuses a condition of an outer join, if not for its array work."""
    arguments = (inner.argument for inner in subqueries(condition))
    queries = any(argument is not None and has_subqueries(argument) for argument in arguments)
    return queries or any(array_parts(condition))


def _is_key(column: Column) -> bool:
    return column.type.is_integer or column.type is Type.TEXT
