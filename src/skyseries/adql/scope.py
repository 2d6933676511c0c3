"""What the names in an expression can mean: the columns of one or more tables, and functions."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa
from pyarrow import types as arrow_types

from skyseries.adql.expressions import Column, Expr, Path, without_id
from skyseries.adql.expressions import written as quoted
from skyseries.adql.functions import FUNCTIONS, Function
from skyseries.adql.lexer import error_at
from skyseries.adql.tree import ColumnRef, Name
from skyseries.adql.types import Type, from_arrow, from_xtype
from skyseries.arrow import is_any_list
from skyseries.errors import QueryError
from skyseries.schema import column_meta

__all__ = ["Scope", "Source", "columns_of"]


@dataclass(frozen=True)
class Source:
    """One table.

    Parameters
    ----------
    columns : mapping
        From a path as a user writes it to what is computed with.
    names : sequence of paths
        What the table can be called: ``("survey",)``, ``("dp1", "Object")``; none if it has no
        name.
    """

    columns: Mapping[Path, Column]
    names: tuple[Path, ...] = ()

    @cached_property
    def _by_folded(self) -> dict[Path, list[Path]]:
        folded: dict[Path, list[Path]] = {}
        for path in self.columns:
            folded.setdefault(_fold(path), []).append(path)
        return folded

    def find(self, parts: Sequence[Name]) -> list[Column]:
        """Return the columns that a dotted name (without a table) can mean.

        The same case wins; a name in double quotes has no other. A field of a light curve can be
        written as one name in quotes too, ``"lc.mjd"``, as it is called in files and TAP_SCHEMA.
        """
        path = tuple(part.text for part in parts)
        exact = self.columns.get(path)
        if exact is None and len(parts) == 1 and parts[0].delimited:
            exact = self.columns.get(tuple(path[0].split(".")))
        if exact is not None:
            return [exact]
        return [
            self.columns[candidate]
            for candidate in self._by_folded.get(_fold(path), ())
            if all(
                not part.delimited or part.text == name
                for part, name in zip(parts, candidate, strict=True)
            )
        ]

    def is_called(self, parts: Sequence[Name]) -> bool:
        """Return whether the parts are a name of this table, or the end of one."""
        wanted = _fold(tuple(part.text for part in parts))
        return any(
            _fold(name[-len(wanted) :]) == wanted for name in self.names if len(name) >= len(wanted)
        )


@dataclass(frozen=True)
class Scope:
    """Where an expression looks up its names.

    Parameters
    ----------
    sources : sequence of Source
        Usually one.
    functions : mapping of str to Function
        By name in upper case.
    """

    sources: tuple[Source, ...]
    functions: Mapping[str, Function] = field(default_factory=lambda: FUNCTIONS)

    @classmethod
    def from_schema(
        cls,
        schema: pa.Schema,
        names: Iterable[str] = (),
        functions: Mapping[str, Function] = FUNCTIONS,
    ) -> Scope:
        """Return the scope of one table.

        Parameters
        ----------
        schema : pyarrow.Schema
            A struct of lists, or a list of structs, is a nested column.
        names : iterable of str
            What the table can be called before a dot.
        functions : mapping
            A `function_table`.
        """
        return cls((Source(columns_of(schema), tuple((name,) for name in names)),), functions)

    @property
    def names(self) -> set[str]:
        """The names of columns that can stand alone, and of tables."""
        columns = {path[0] for source in self.sources for path in source.columns}
        return columns | {name[-1] for source in self.sources for name in source.names}

    @property
    def has_curves(self) -> bool:
        """Whether there is a light curve as a whole among the columns."""
        columns = (column for source in self.sources for column in source.columns.values())
        return any(column.kind is Type.NESTED for column in columns)

    def column(self, reference: ColumnRef, *, compared: bool = False) -> Expr:
        """Return the column that is meant.

        Parameters
        ----------
        reference : ColumnRef
        compared : bool
            Something is compared with it, so it may be a text that lacks its quotes.

        Raises
        ------
        QueryError
            If there is none (the nearest name is suggested) or more than one.
        """
        found = self.lookup(reference)
        if found is None:
            raise self._unknown(reference, compared)
        return found

    def lookup(self, reference: ColumnRef) -> Column | None:
        """Return the column that is meant, None if there is none.

        Raises
        ------
        QueryError
            If there is more than one.
        """
        for qualifier in range(len(reference.parts) - 1, -1, -1):
            sources = self._sources(reference.parts[:qualifier])
            found = [(s, c) for s in sources for c in s.find(reference.parts[qualifier:])]
            if len(found) > 1:
                raise _ambiguous(reference, found)
            if found:
                return found[0][1]
        return None

    def _sources(self, qualifier: Sequence[Name]) -> list[Source]:
        return [s for s in self.sources if not qualifier or s.is_called(qualifier)]

    def _unknown(self, reference: ColumnRef, compared: bool) -> QueryError:
        written = ".".join(part.text for part in reference.parts)
        known = {quoted(path): None for source in self.sources for path in source.columns}
        folded = {name.lower(): name for name in known}
        near = difflib.get_close_matches(written.lower(), folded, n=3, cutoff=0.6)
        fields = [
            name for name in known if "." in name and name.lower().endswith(f".{written.lower()}")
        ]
        suggestions = [*fields, *(folded[name] for name in near if folded[name] not in fields)][:3]
        if suggestions:
            advice = f"; did you mean {' or '.join(suggestions)}?"
        elif known:
            advice = f"; there are {', '.join(list(known)[:8])}{', ...' if len(known) > 8 else ''}"
        else:
            advice = "; the table has no columns"
        quotes = written.replace("'", "''")
        text = f"; for the text write '{quotes}'" if compared and len(reference.parts) == 1 else ""
        return error_at(f"no column {written}{text}{advice}", reference.position)


def columns_of(schema: pa.Schema) -> dict[Path, Column]:
    """Return the columns of a schema, and the fields of its nested and structured columns."""
    columns: dict[Path, Column] = {}
    for arrow_field in schema:
        name = arrow_field.name
        fields, nested = _fields(arrow_field.type)
        kind = Type.NESTED if nested else _type_of(arrow_field)
        unit = column_meta(arrow_field).unit or None
        columns[(name,)] = Column((name,), kind, unit, None, arrow_field.type)
        for child, value in fields:
            columns[(name, child.name)] = Column(
                (name, child.name),
                from_arrow(value),
                column_meta(child).unit or None,
                name if nested else None,
                value,
            )
    return columns


def _type_of(field: pa.Field) -> Type:
    xtype = (field.metadata or {}).get(b"xtype", b"").decode()
    return from_xtype(xtype, field.type) or from_arrow(field.type)


def _fields(kind: pa.DataType) -> tuple[list[tuple[pa.Field, pa.DataType]], bool]:
    """Return the fields of a structured column with their types, and whether they are nested."""
    if arrow_types.is_struct(kind):
        children = [kind.field(i) for i in range(kind.num_fields)]
        nested = bool(children) and all(is_any_list(child.type) for child in children)
        return [(c, c.type.value_type if nested else c.type) for c in children], nested
    if is_any_list(kind) and arrow_types.is_struct(kind.value_type):
        struct = kind.value_type
        return [(struct.field(i), struct.field(i).type) for i in range(struct.num_fields)], True
    return [], False


def _fold(path: Path) -> Path:
    return tuple(part.lower() for part in path)


def _ambiguous(reference: ColumnRef, found: list[tuple[Source, Column]]) -> QueryError:
    several = len({id(source) for source, _ in found}) > 1
    paths = [
        (*(source.names[0] if several and source.names else ()), *without_id(column.path))
        for source, column in found
    ]
    said = ".".join(part.text for part in reference.parts)
    names = ", ".join(".".join(f'"{part}"' for part in path) for path in paths)
    return error_at(
        f"{said} can be several columns: {names}; write the name of the table before it, or"
        " the exact name in double quotes",
        reference.position,
    )
