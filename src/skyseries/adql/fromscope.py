"""What the names in one SELECT can mean: the columns of its FROM, and those of outer queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import pyarrow as pa

from skyseries.adql import tree
from skyseries.adql.comparisons import compare
from skyseries.adql.constants import convert
from skyseries.adql.expressions import Column, Expr, Path, written
from skyseries.adql.functions import Function
from skyseries.adql.lexer import error_at
from skyseries.adql.operators import coalesce
from skyseries.adql.relations import QueryUse, TableUse
from skyseries.adql.scope import Scope, Source, columns_of
from skyseries.adql.tree import ColumnRef, Name
from skyseries.adql.types import Type
from skyseries.adql.walk import conjunction
from skyseries.arrow import is_any_list
from skyseries.errors import QueryError

__all__ = ["FromScope", "Part", "merged", "used"]

_UNKNOWN = Column(("?",), Type.NULL)
"""Stands for a column that does not exist, so that the rest can be looked at too."""


@dataclass(frozen=True)
class _Used(Source):
    """A table or query in FROM: the columns of a `Source`, with the id of this use before them."""

    id: str = ""
    source: Source = field(default_factory=lambda: Source({}))
    schema: pa.Schema = field(default_factory=lambda: pa.schema([]))
    table: Path = ()
    """Its name, if it is no query."""

    def find(self, parts: Sequence[Name]) -> list[Column]:
        found = self.source.find(parts)
        for column in found:
            if column.nested is not None and is_any_list(self.schema.field(column.nested).type):
                raise error_at(
                    f"{written(column.path)} cannot be used: {column.nested} is stored as a list "
                    "of structs; light curves are structs of lists here",
                    parts[0].position,
                )
        return [self.own(column) for column in found]

    def everything(self) -> Iterator[tuple[pa.Field, Column]]:
        """Yield all columns."""
        return ((one, self.own(self.source.columns[(one.name,)])) for one in self.schema)

    def own(self, column: Column) -> Column:
        """Return a column of the table as one of this use."""
        nested = None if column.nested is None else f"{self.id}.{column.nested}"
        path = (self.id, *column.path)
        return replace(column, path=path, nested=nested, table=self.table)


_Merged: TypeAlias = dict[str, tuple[str, Expr]]
"""Columns of USING and NATURAL: in lower case, to the name and the value."""


@dataclass(frozen=True)
class Part:
    """The columns of a relation."""

    sources: tuple[_Used, ...]
    order: tuple[_Used | tuple[str, Expr], ...]
    """What ``*`` stands for: tables, and columns of USING and NATURAL, which are before those."""
    merged: _Merged = field(default_factory=dict)
    hidden: frozenset[Path] = frozenset()
    """Columns that are in `merged`, and do not stand alone in ``*``."""

    def beside(self, other: Part) -> Part:
        """Return the columns of both."""
        return Part(
            (*self.sources, *other.sources),
            (*self.order, *other.order),
            {**self.merged, **other.merged},
            self.hidden | other.hidden,
        )

    def everything(self, item: tree.Everything) -> Iterator[tuple[pa.Field, Expr]]:
        """Yield the columns of ``*`` or ``t.*``.

        Raises
        ------
        QueryError
            If there is no table of this name.
        """
        if not item.qualifier:
            for one in self.order:
                yield from self._of_source(one) if isinstance(one, _Used) else [self._column(*one)]
            return
        sources = [s for s in self.sources if s.is_called(item.qualifier)]
        if not sources:
            said = ".".join(name.text for name in item.qualifier)
            there = ", ".join(".".join(s.names[0]) for s in self.sources)
            raise error_at(f"no table {said} in FROM; there are {there}", item.position)
        for source in sources:
            yield from source.everything()

    def _of_source(self, source: _Used) -> Iterator[tuple[pa.Field, Expr]]:
        return (pair for pair in source.everything() if pair[1].path not in self.hidden)

    def _column(self, name: str, value: Expr) -> tuple[pa.Field, Expr]:
        known = self.field(value)
        return (known or pa.field("", value.arrow_type)).with_name(name), value

    def field(self, value: Expr) -> pa.Field | None:
        """Return the Arrow field of a plain column; None for anything else."""
        if not isinstance(value, Column) or len(value.path) != 2:
            return None
        for source in self.sources:
            if source.id == value.path[0]:
                return source.schema.field(value.path[1])
        return None


class FromScope(Scope):
    """Where the expressions of one SELECT look up their names.

    Parameters
    ----------
    part : Part
        The columns of FROM.
    functions : mapping of str to Function
    errors : list of QueryError
        Gets what is not found, so that the rest can be looked at too.
    outer : FromScope, optional
        Of the query that this one stands in.
    """

    def __init__(
        self,
        part: Part,
        functions: Mapping[str, Function],
        errors: list[QueryError],
        outer: FromScope | None = None,
    ) -> None:
        super().__init__(part.sources, functions)
        self._part, self._errors, self._outer = part, errors, outer
        self.aliases: Mapping[str, Expr] = {}
        """What AS names, for GROUP BY, HAVING and ORDER BY."""
        self.given: frozenset[str] = frozenset()
        """The same names in lower case, for messages where they do not hold."""

    @property
    def has_curves(self) -> bool:
        """Whether a table here, or of an outer query, has light curves."""
        return super().has_curves or (self._outer is not None and self._outer.has_curves)

    def column(self, reference: ColumnRef, *, compared: bool = False) -> Expr:
        """Return what is meant; an unknown name is kept among the errors, and is NULL here."""
        try:
            found = self._found(reference)
            if found is None:
                raise self._elsewhere(reference) or self._unknown(reference, compared)
        except QueryError as error:
            self._errors.append(error)
            return _UNKNOWN
        return found

    def _elsewhere(self, reference: ColumnRef) -> QueryError | None:
        """Return the error for a name that is known, but not here."""
        *qualifier, last = reference.parts
        if not qualifier:
            if last.text.lower() not in self.given:
                return None
            return error_at(
                f"{last.text} is a name of the result, which is not known here: write what it "
                "stands for",
                reference.position,
            )
        first = qualifier[0].text.lower()
        nested = (path for s in self.sources for path in s.columns if len(path) > 1)
        inside = any(path[0].lower() == first for path in nested)
        if inside or any(s.is_called(qualifier) for s in self.sources):
            return None
        there = ", ".join(".".join(s.names[0]) for s in self.sources)
        said = ".".join(part.text for part in qualifier)
        return error_at(f"no table {said} in FROM; there is {there}", reference.position)

    def _found(self, reference: ColumnRef) -> Expr | None:
        alone = len(reference.parts) == 1
        if alone and (merged := self._part.merged.get(reference.parts[0].text.lower())):
            return merged[1]
        found: Expr | None = self.lookup(reference)
        if found is None and alone:
            name = reference.parts[0].text.lower()
            found = next((v for known, v in self.aliases.items() if known.lower() == name), None)
        if found is None and self._outer is not None:
            found = self._outer._found(reference)
        return found


def used(use: TableUse | QueryUse, name: Path) -> Part:
    """Return the columns of a table or query in FROM, under a name.

    Parameters
    ----------
    use : TableUse or QueryUse
    name : tuple of str
        The alias, or the table's own name.
    """
    table: Path = ()
    if isinstance(use, TableUse):
        source, schema, table = use.table.source, use.table.schema, use.table.name
    else:
        schema = use.query.schema
        source = Source(columns_of(schema))
    made = _Used(source.columns, (name,), use.id, source, schema, table)
    return Part((made,), (made,))


def merged(node: tree.Join, left: Part, right: Part) -> tuple[Part, Expr | None]:
    """Return the columns of a join, and the condition that NATURAL or USING makes.

    Raises
    ------
    QueryError
        If one side lacks a column of USING, or has it twice.
    """
    both = left.beside(right)
    names = node.using or (_shared(left, right, node) if node.natural else ())
    if not names:
        return both, None
    made: dict[str, tuple[str, Expr]] = {}
    tests, hidden = [], set(both.hidden)
    for name in names:
        one, two = _one(left, name), _one(right, name)
        tests.append(compare("=", one, two, name.position))
        value = two if node.kind == "RIGHT" else one
        if node.kind == "FULL":
            value = coalesce(_of_one_type(one, two), name.position)
        made[name.text.lower()] = (name.text, value)
        hidden |= {side.path for side in (one, two) if isinstance(side, Column)}
    rest = (one for one in both.order if isinstance(one, _Used) or one[0].lower() not in made)
    order = (*made.values(), *rest)
    return Part(both.sources, order, both.merged | made, frozenset(hidden)), conjunction(tests)


def _of_one_type(one: Expr, two: Expr) -> list[Expr]:
    """Return two keys; an id that meets one that is text becomes text, for no text is lost so."""
    texts = Type.TEXT in (one.type, two.type)
    return [convert(key, Type.TEXT) if texts and key.type.is_integer else key for key in (one, two)]


def _shared(left: Part, right: Part, node: tree.Join) -> tuple[Name, ...]:
    """Return the names that both sides of a NATURAL join have."""
    others = {name.lower() for name in _plain(right)}
    names = dict.fromkeys(name for name in _plain(left) if name.lower() in others)
    return tuple(Name(name, True, position=node.position) for name in names)


def _plain(part: Part) -> Iterator[str]:
    yield from (name for name, _ in part.merged.values())
    for source in part.sources:
        for one in source.schema:
            if (source.id, one.name) not in part.hidden:
                yield one.name


def _one(part: Part, name: Name) -> Expr:
    reference = ColumnRef((Name(name.text, False, position=name.position),), position=name.position)
    errors: list[QueryError] = []
    found = FromScope(part, {}, errors).column(reference)
    if errors:
        raise errors[0]
    return found
