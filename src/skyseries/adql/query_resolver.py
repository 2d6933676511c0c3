"""From a statement as written to the typed one: tables, columns, types, units, names of the result.

What is not among the tables, columns and functions that are given cannot be reached: this is the
sandbox. Unknown names are told all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import pyarrow as pa

from skyseries.adql import tree
from skyseries.adql.dialect import STRICT, Dialect
from skyseries.adql.expressions import (
    Aggregate,
    Column,
    CurveValue,
    Expr,
    Operation,
    written,
)
from skyseries.adql.fromscope import FromScope, Part, merged, used
from skyseries.adql.functions import FUNCTIONS, Function
from skyseries.adql.lexer import Position, error_at
from skyseries.adql.naming import output_names
from skyseries.adql.relations import (
    Combination,
    Join,
    Output,
    Query,
    QueryUse,
    Relation,
    Rows,
    Select,
    Sort,
    Tables,
    TableUse,
    uses,
)
from skyseries.adql.resolver import Resolver
from skyseries.adql.types import Type, common_type, from_arrow, xtype
from skyseries.adql.walk import columns as columns_of
from skyseries.errors import QueryError
from skyseries.schema import ColumnMeta, with_column_meta

__all__ = ["resolve"]

T = TypeVar("T")

_MOST_ERRORS = 10


def resolve(
    query: tree.Query,
    tables: Tables,
    dialect: Dialect = STRICT,
    functions: Mapping[str, Function] = FUNCTIONS,
) -> Query:
    """Look up the names of a statement, and find the types of all that it calculates.

    Parameters
    ----------
    query : tree.Query
    tables : Tables
        All that can be named.
    dialect : Dialect
    functions : mapping
        A `function_table`.

    Raises
    ------
    QueryError
        With line and column; of several mistakes all are told.
    """
    resolver = _Statement(tables, dialect, functions)
    found = resolver.attempt(resolver.query, query, None, {})
    if resolver.errors:
        raise _together(resolver.errors)
    assert found is not None  # noqa: S101 - else there is an error
    return found


class _Statement:
    """Resolves one statement, and collects what is wrong with it."""

    def __init__(self, tables: Tables, dialect: Dialect, functions: Mapping[str, Function]) -> None:
        self._tables, self._dialect, self._functions = tables, dialect, functions
        self._ids = 0
        self.errors: list[QueryError] = []

    def attempt(self, function: Callable[..., T], *arguments: Any) -> T | None:
        """Return what a call gives; None, and a mistake more, where it raises one."""
        known = len(self.errors)
        try:
            return function(*arguments)
        except QueryError as error:
            if len(self.errors) == known:  # else it is what follows from an unknown name
                self.errors.append(error)
            return None

    def query(
        self, node: tree.Query, outer: FromScope | None, named: Mapping[str, QueryUse]
    ) -> Query:
        """Resolve a query inside of another one, or of none."""
        named = dict(named)
        for one in node.named:
            found = self.attempt(self.query, one.query, None, named)
            if found is not None:
                shared = self._new_id()
                named[one.name.text.lower()] = QueryUse(shared, found, shared)
        body, order_by = self._rows(node.body, node.order_by, outer, named)
        return Query(body, order_by, node.offset or 0)

    def _rows(
        self,
        node: tree.Rows,
        order_by: tuple[tree.Order, ...],
        outer: FromScope | None,
        named: Mapping[str, QueryUse],
    ) -> tuple[Rows, tuple[Sort, ...]]:
        if isinstance(node, tree.Select):
            return self._select(node, order_by, outer, named)
        if isinstance(node, tree.Query):
            body: Rows = self.query(node, outer, named)
        else:
            left, _ = self._rows(node.left, (), outer, named)
            right, _ = self._rows(node.right, (), outer, named)
            schema = _common_schema(left.schema, right.schema, node)
            body = Combination(node.operator, node.every, left, right, schema)
        return body, tuple(
            Sort(_output_column(term, body.schema), term.descending, term.value)
            for term in order_by
        )

    def _select(
        self,
        node: tree.Select,
        order_by: tuple[tree.Order, ...],
        outer: FromScope | None,
        named: Mapping[str, QueryUse],
    ) -> tuple[Select, tuple[Sort, ...]]:
        source, part = self._sources(node.sources, outer, named)
        scope = FromScope(part, self._functions, self.errors, outer)
        aliases = (item.alias for item in node.items if isinstance(item, tree.Item))
        scope.given = frozenset(alias.text.lower() for alias in aliases if alias is not None)
        query = self._subquery(scope, named)
        row = self._resolver(scope, query, "aggregates have no place in WHERE: write HAVING")
        group = self._resolver(scope, query, None)
        where = None if node.where is None else self.attempt(row.test, node.where)
        outputs = _named([o for item in node.items for o in self._outputs(item, group, part)])
        scope.aliases = {o.column.name: o.value for o in outputs}
        keys = tuple(k for term in node.group_by if (k := self.attempt(row.key, term)))
        having = None if node.having is None else self.attempt(group.test, node.having)
        sorts = tuple(
            Sort(value, term.descending, term.value)
            for term in order_by
            if (value := self.attempt(_sort_value, term, outputs, group))
        )
        values = [*(o.value for o in outputs), *(s.value for s in sorts)]
        grouped = bool(node.group_by or node.having) or any(map(_aggregates, values))
        ids = {use.id for use in uses(source)}
        if outer is not None and not self.errors:
            self._check_outside(node, outputs, ids)
        if grouped and not self.errors:
            self._check_groups(node, order_by, outputs, sorts, having, keys, ids)
        if node.distinct and not self.errors:
            _check_distinct(node, outputs, sorts, order_by)
        return (
            Select(
                source, where, node, grouped, keys, having, tuple(outputs), node.distinct, node.top
            ),
            sorts,
        )

    def _resolver(
        self, scope: FromScope, subquery: Callable[[tree.Query], Query], refused: str | None
    ) -> Resolver:
        return Resolver(
            scope,
            self._dialect,
            grouped=refused is None,
            refused=refused,
            subquery=subquery,
        )

    def _subquery(
        self, scope: FromScope, named: Mapping[str, QueryUse]
    ) -> Callable[[tree.Query], Query]:
        """Return what resolves the queries in the expressions of a SELECT: equal ones once."""
        known: dict[tree.Query, Query] = {}

        def resolved(query: tree.Query) -> Query:
            if query not in known:
                known[query] = self.query(query, scope, named)
            return known[query]

        return resolved

    def _sources(
        self, nodes: tuple[tree.From, ...], outer: FromScope | None, named: Mapping[str, QueryUse]
    ) -> tuple[Relation, Part]:
        relation, part = self._relation(nodes[0], outer, named)
        for node in nodes[1:]:
            right, more = self._relation(node, outer, named)
            relation, part = Join("CROSS", relation, right, None), part.beside(more)
        return relation, part

    def _relation(
        self, node: tree.From, outer: FromScope | None, named: Mapping[str, QueryUse]
    ) -> tuple[Relation, Part]:
        if isinstance(node, tree.Join):
            return self._join(node, outer, named)
        use: TableUse | QueryUse
        if isinstance(node, tree.Derived):
            use = QueryUse(self._new_id(), self.query(node.query, outer, named))
            return use, used(use, (node.alias.text,))
        alias = None if node.alias is None else (node.alias.text,)
        given = named.get(node.parts[0].text.lower()) if len(node.parts) == 1 else None
        if given is not None:
            use = replace(given, id=self._new_id())
            return use, used(use, alias or (node.parts[0].text,))
        use = TableUse(self._new_id(), self._tables.find(node.parts))
        return use, used(use, alias or use.table.name)

    def _new_id(self) -> str:
        self._ids += 1
        return f"#{self._ids - 1}"

    def _join(
        self, node: tree.Join, outer: FromScope | None, named: Mapping[str, QueryUse]
    ) -> tuple[Relation, Part]:
        left, one = self._relation(node.left, outer, named)
        right, two = self._relation(node.right, outer, named)
        part, on = merged(node, one, two)
        if node.on is not None:
            scope = FromScope(part, self._functions, self.errors, outer)
            query = self._subquery(scope, named)
            row = self._resolver(scope, query, "aggregates have no place in ON")
            on = self.attempt(row.test, node.on)
        return Join(node.kind, left, right, on), part

    def _outputs(
        self, item: tree.Item | tree.Everything, group: Resolver, part: Part
    ) -> Iterator[tuple[tree.Item | None, Output]]:
        if isinstance(item, tree.Everything):
            yield from ((None, Output(*column)) for column in part.everything(item))
            return
        value = self.attempt(group.output, item.value)
        if value is not None:
            yield item, Output(_field(value, part), value, item.value)

    def _check_outside(self, node: tree.Select, outputs: list[Output], ids: set[str]) -> None:
        """Refuse aggregates of columns that are all of a query outside: of its rows, in SQL."""
        for output, position in zip(outputs, _places(node, outputs), strict=True):
            for found in _all_aggregates(output.value):
                paths = columns_of(found)
                if paths and not any(path[0] in ids for path in paths):
                    name = written(min(paths))
                    said = f"{name} is of a query outside, whose rows cannot be aggregated here"
                    self.errors.append(error_at(said, position))

    def _check_groups(
        self,
        node: tree.Select,
        order_by: tuple[tree.Order, ...],
        outputs: list[Output],
        sorts: tuple[Sort, ...],
        having: Expr | None,
        keys: tuple[Expr, ...],
        ids: set[str],
    ) -> None:
        checked: list[tuple[Expr, Position]] = []
        checked += zip((o.value for o in outputs), _places(node, outputs), strict=True)
        checked += zip((s.value for s in sorts), (t.position for t in order_by), strict=True)
        if having is not None and node.having is not None:
            checked.append((having, node.having.position))
        for value, position in checked:
            free = _ungrouped(value, keys, ids)
            if free is not None:
                name = written(free.path)
                advice = f"write it in GROUP BY, or aggregate it, as in MAX({name})"
                if free.nested is not None:
                    name = f"what is made of the epochs of an object ({name})"
                    advice = "aggregate it once more, as in AVG(COUNT(...))"
                said = f"{name} differs between the rows of a group: {advice}"
                self.errors.append(error_at(said, position))


def _places(node: tree.Select, outputs: list[Output]) -> list[Position]:
    """Return where each column is asked for; of several of an asterisk, where that stands."""
    written = {id(i.value): i.position for i in node.items if isinstance(i, tree.Item)}
    star = next((i.position for i in node.items if isinstance(i, tree.Everything)), node.position)
    return [star if o.written is None else written[id(o.written)] for o in outputs]


def _named(outputs: list[tuple[tree.Item | None, Output]]) -> list[Output]:
    """Return the columns of a result under names that are unique."""
    names = output_names([(item, output.column.name) for item, output in outputs])
    return [
        replace(output, column=output.column.with_name(name))
        for name, (_, output) in zip(names, outputs, strict=True)
    ]


def _field(value: Expr, part: Part) -> pa.Field:
    """Return the column of a result without its name: type and metadata."""
    known = value.column if isinstance(value, CurveValue) else part.field(value)
    if known is not None:
        return known
    unit = "deg" if value.type.is_geometry and value.type is not Type.MOC else value.unit or ""
    ucd = value.ucd if isinstance(value, Operation) else ""
    kind = "" if value.type is Type.TIMESTAMP else xtype(value.type)
    field = pa.field("", value.arrow_type)
    return with_column_meta(field, ColumnMeta(unit=unit, ucd=ucd, xtype=kind))


def _sort_value(term: tree.Order, outputs: list[Output], group: Resolver) -> Expr:
    node, place = term.value, None
    if isinstance(node, tree.Literal):
        place = _place(node, len(outputs))
    elif isinstance(node, tree.ColumnRef) and len(node.parts) == 1:
        place = _by_name(node.parts[0], [o.column.name for o in outputs])
    value = group.output(node) if place is None else outputs[place].value
    _check_order(value.type, term)
    return value


def _check_order(kind: Type, term: tree.Order) -> None:
    if not (kind.is_scalar or kind is Type.NULL):
        raise error_at(f"{term.value} is a {kind.value}, which has no order", term.position)


def _output_column(term: tree.Order, schema: pa.Schema) -> Column:
    """Return the column of a result that a term of ORDER BY after UNION and the like means."""
    node, place = term.value, None
    if isinstance(node, tree.Literal):
        place = _place(node, len(schema))
    elif isinstance(node, tree.ColumnRef) and len(node.parts) == 1:
        place = _by_name(node.parts[0], schema.names)
    if place is None:
        raise error_at(
            "rows of several queries are ordered by a column of their result: there are "
            f"{', '.join(schema.names)}",
            term.position,
        )
    field = schema.field(place)
    kind = from_arrow(field.type)
    _check_order(kind, term)
    return Column(("", field.name), kind, arrow=field.type)


def _place(node: tree.Literal, count: int) -> int:
    number = node.value
    if isinstance(number, bool) or not isinstance(number, int):
        raise error_at(
            f"{node} is the same in all rows: order by a column, its number or an expression",
            node.position,
        )
    if not 1 <= number <= count:
        said = f"there is no column {number} to order by: {count} are selected"
        raise error_at(said, node.position)
    return number - 1


def _by_name(name: tree.Name, names: list[str]) -> int | None:
    if name.text in names:
        return names.index(name.text)
    found = [i for i, n in enumerate(names) if n.lower() == name.text.lower()]
    return found[0] if len(found) == 1 and not name.delimited else None


def _aggregates(value: Expr) -> bool:
    return next(_all_aggregates(value), None) is not None


def _all_aggregates(value: Expr) -> Iterator[Aggregate]:
    """Yield the aggregates of rows in a value."""
    if isinstance(value, Aggregate) and value.over is None:
        yield value
    for child in value.children:
        yield from _all_aggregates(child)


def _ungrouped(value: Expr, keys: tuple[Expr, ...], ids: set[str]) -> Column | None:
    """Return a column of some tables that stands outside of all aggregates and keys."""
    if value in keys or (isinstance(value, Aggregate) and value.over is None):
        return None
    if isinstance(value, Column):
        return value if value.path[0] in ids else None
    found = (_ungrouped(child, keys, ids) for child in value.children)
    return next((column for column in found if column is not None), None)


def _check_distinct(
    node: tree.Select,
    outputs: list[Output],
    sorts: tuple[Sort, ...],
    order_by: tuple[tree.Order, ...],
) -> None:
    for output, place in zip(outputs, _places(node, outputs), strict=True):
        if not output.value.type.is_scalar:
            kind = output.value.type.value
            said = f"DISTINCT compares values, and {output.column.name} is a {kind}"
            raise error_at(said, place)
    values = [output.value for output in outputs]
    for sort, term in zip(sorts, order_by, strict=True):
        if sort.value not in values:
            raise error_at(
                "after SELECT DISTINCT rows are ordered by what is selected", term.position
            )


def _common_schema(left: pa.Schema, right: pa.Schema, node: tree.Combination) -> pa.Schema:
    if len(left) != len(right):
        raise error_at(
            f"{node.operator} needs as many columns on both sides, not {len(left)} and "
            f"{len(right)}",
            node.position,
        )
    return pa.schema([_common(a, b, node) for a, b in zip(left, right, strict=True)])


def _common(one: pa.Field, two: pa.Field, node: tree.Combination) -> pa.Field:
    if one.type == two.type:
        return one
    from skyseries.adql.types import arrow_type

    kinds = [from_arrow(one.type), from_arrow(two.type)]
    if node.operator != "UNION" and all(k.is_integer for k in kinds):
        return one  # no row is of the right side
    kind = common_type(kinds) if all(k.is_scalar for k in kinds) else None
    if kind is None:
        raise error_at(
            f"{node.operator} of columns {one.name} and {two.name}, which are {kinds[0].value} "
            f"and {kinds[1].value}",
            node.position,
        )
    return one.with_type(arrow_type(kind))


def _together(errors: list[QueryError]) -> QueryError:
    if len(errors) == 1:
        return errors[0]
    errors = sorted(errors, key=lambda error: (error.line or 0, error.column or 0))
    more = f"\n... and {len(errors) - _MOST_ERRORS} more" if len(errors) > _MOST_ERRORS else ""
    lines = "\n".join(f"- {error}" for error in errors[:_MOST_ERRORS])
    first = errors[0]
    text = f"{len(errors)} mistakes:\n{lines}{more}"
    return QueryError(text, first.line, first.column, is_told=True)
