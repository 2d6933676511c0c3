"""Columns and conditions: select, drop, rename, query, assign."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn, Self

import pyarrow as pa

from skyseries import adql
from skyseries.catalog import plan
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.names import check_columns, names_list, texts_by_name
from skyseries.errors import InputError, QueryError, SchemaError
from skyseries.schema import ColumnMeta, with_column_meta
from skyseries.schema.roles import did_you_mean

__all__ = ["ColumnVerbs"]

_NAMED = re.compile(r'(?is)^(.*\S)\s+AS\s+([A-Za-z_][A-Za-z_0-9.]*|"[^"]+")\s*$')


class ColumnVerbs(CatalogBase):
    """Verbs that choose and make columns, and filter rows by them."""

    def select(self, columns: str | Sequence[str]) -> Self:
        """Keep some columns, in this order; others are not read.

        Parameters
        ----------
        columns : str or sequence of str
            Names of columns; of fields of a light curve (``"lc.mjd"``: the light curves keep
            these fields only); or expressions with a name (``"gMag - rMag AS g_r"``).
        """
        asked = names_list(columns)
        there = set(self.columns)
        named = [(text, text not in there and _NAMED.match(text)) for text in asked]
        names = [match[2].strip('"') if match else text for text, match in named]
        made = {name: match[1] for name, (_, match) in zip(names, named, strict=True) if match}
        if again := [name for name in made if names.count(name) > 1]:
            raise SchemaError(f"column {again[0]!r} is named more than once")
        for text in asked:
            self._check_named(text)
        before = self.assign(made) if made else self
        return before._with(plan.Select(before._node, tuple(names)))

    def _check_named(self, text: str) -> None:
        """Raise SchemaError if a text is an expression, and has no name."""
        if text in self.columns or re.fullmatch(r"[\w.]+", text) or _NAMED.match(text):
            return
        try:
            adql.resolve_value(text, self._scope())
        except QueryError:
            return  # that there is no such column is said by who looks it up
        raise SchemaError(f"{text!r} is an expression: give it a name, as {f'{text} AS x'!r}")

    def __getitem__(self, columns: str | Sequence[str]) -> Self:
        if not isinstance(columns, str) and (
            not isinstance(columns, Sequence) or not all(isinstance(c, str) for c in columns)
        ):
            raise InputError(
                f"catalog[...] takes names of columns, not {columns!r:.60}; rows are had by "
                "query('r_mean < 16'), id_search(ids), head(n), or to_pandas()"
            )
        return self.select(columns)

    def __iter__(self) -> NoReturn:
        raise InputError(
            "a catalog is not gone through by itself: see columns for their names, iter_tables() "
            "and iter_batches() for rows"
        )

    def _no_operator(self, other: object) -> NoReturn:
        raise InputError(
            "nothing is calculated with a catalog by itself: write query('r_mean < 16') for a "
            "condition, assign(x='r_mean - 1') for a column"
        )

    __lt__ = __le__ = __gt__ = __ge__ = _no_operator
    __add__ = __sub__ = __mul__ = __truediv__ = __and__ = __or__ = _no_operator

    def drop(self, columns: str | Sequence[str]) -> Self:
        """Leave out some columns."""
        gone = list(names_list(columns))
        check_columns(gone, self.schema)
        kept: list[str] = []
        for name in self.columns:
            inside = [path for path in gone if path.startswith(f"{name}.")]
            if name in gone:
                continue
            if inside and name in self.lightcurve_columns:
                fields = [f"{name}.{child.name}" for child in self.schema.field(name).type]
                kept += [path for path in fields if path not in inside]
            else:
                kept.append(name)
        if not kept:
            raise InputError("no column would be left")
        return self._with(plan.Select(self._node, tuple(kept)))

    def rename(self, names: Mapping[str, str]) -> Self:
        """Give columns other names.

        Parameters
        ----------
        names : mapping
            From old to new names.
        """
        if not isinstance(names, Mapping):
            raise InputError(f"rename takes {{'old': 'new'}}, not {names!r:.60}")
        names_list([*names, *names.values()], "names")
        if inside := [name for name in names if name not in self.columns]:
            check_columns(inside, self.schema)
            raise InputError(
                f"{inside[0]!r} is a field of a light curve, and only columns are renamed; "
                "assign it under a new name and drop the old one"
            )
        curves = {names.get(name, name) for name in self.lightcurve_columns}
        if fields := [new for new in names.values() if new.partition(".")[0] in curves - {new}]:
            raise SchemaError(f"{fields[0]!r} would look like a field of a light curve")
        pairs = plan.Renamed(tuple((name, names.get(name, name)) for name in self.columns))
        plan.no_clash(pairs, plan.Renamed(()))
        known = {names.get(name, name): known for name, known in self._known_fields().items()}
        return self._with(plan.Rename(self._node, pairs), known)

    def query(self, condition: str) -> Self:
        """Keep the rows, and the epochs, of which a condition is true.

        Parameters
        ----------
        condition : str
            A SQL condition (docs/expressions.md). Its parts between AND that use fields of a
            light curve (``lc.band = 'r'``) keep epochs; every object stays, perhaps without any.
            The other parts keep objects; these may use aggregates of a light curve
            (``COUNT(lc.mjd) > 30``). Each part sees the light curves as they were before.

        Raises
        ------
        QueryError
            If the condition cannot be understood; says where.
        """
        whole = adql.resolve_condition(condition, self._scope())
        _check_layout(whole, self.schema)
        parts = adql.conjuncts(whole)
        rows = [part for part in parts if part.level is None]
        node = self._node
        if rows:
            text = condition if len(rows) == len(parts) else f"{condition} (what is of objects)"
            node = plan.Filter(node, adql.conjunction(rows), text)
        for column in dict.fromkeys(part.level for part in parts if part.level is not None):
            inside = [part for part in parts if part.level == column]
            for part in inside:
                _check_curve(part, str(column))
            mixed = f"{condition} (what is of its epochs)"
            text = condition if len(inside) == len(parts) else mixed
            node = plan.FilterEpochs(node, column, adql.conjunction(inside), text)
        return self._with(node)

    def assign(self, columns: Mapping[str, str] | None = None, **more: str) -> Self:
        """Add columns, or replace some, by SQL expressions (docs/expressions.md).

        Parameters
        ----------
        columns, **more
            From name to expression: ``assign(g_r="gMag - rMag")``. A name with a dot
            (``assign({"lc.snr": "lc.flux / lc.flux_err"})``) is a field of a light curve.
            Expressions see the columns as they were before; those of fields of light curves
            see the other new columns.

        Raises
        ------
        QueryError
            If an expression cannot be understood; says where.
        """
        wanted = texts_by_name(columns, more, "assign(g_r='gMag - rMag')")
        self._check_names(wanted)
        inside = {name: text for name, text in wanted.items() if self._is_field(name)}
        objects = {name: text for name, text in wanted.items() if name not in inside}
        catalog = self
        if objects:
            made = {name: adql.resolve_value(text, self._scope()) for name, text in objects.items()}
            for name, expression in made.items():
                _check_layout(expression, self.schema)
                _check_level(name, expression, None)
            fields = tuple(_field(name, expression) for name, expression in made.items())
            node = plan.Assign(self._node, fields, tuple(made.values()), tuple(objects.values()))
            catalog = self._with(node)
        for name, text in inside.items():
            column, _, field = name.partition(".")
            expression = adql.resolve_value(text, catalog._scope())
            _check_level(name, expression, column)
            _check_curve(expression, column)
            node_ = plan.AssignEpochs(
                catalog._node, column, _field(field, expression), expression, text
            )
            catalog = catalog._with(node_)
        return catalog

    def _check_names(self, names: Iterable[str]) -> None:
        """Raise SchemaError if a new name looks like a field, but not of a light curve."""
        for name in names:
            if "." in name and name not in self.columns and not self._is_field(name):
                column = name.partition(".")[0]
                raise SchemaError(
                    f"{name!r} would be a field of a light curve, and there is no light-curve "
                    f"column {column!r}{did_you_mean(column, self.lightcurve_columns)}"
                )

    def _is_field(self, name: str) -> bool:
        column, _, field = name.partition(".")
        return bool(field) and column in self.lightcurve_columns and name not in self.columns


def _check_layout(expression: adql.Expr, schema: pa.Schema) -> None:
    """Raise SchemaError if an expression goes into a list of structs, which is not read in part."""
    for path in adql.columns(expression):
        kind = schema.field(path[0]).type
        if len(path) > 1 and not pa.types.is_struct(kind):
            raise SchemaError(
                f"{'.'.join(path)!r} cannot be used: {path[0]!r} is stored as {kind}; light curves "
                "are structs of lists here"
            )


def _check_level(name: str, expression: adql.Expr, column: str | None) -> None:
    """Raise QueryError if an expression has one value per epoch where one per object is due."""
    if expression.level == column or (column is not None and expression.level is None):
        return
    if column is None:
        raise QueryError(
            f"{name!r} would have a value for each epoch of {expression.level}; name it "
            f"'{expression.level}.{name}', or use an aggregate such as MAX(...)"
        )
    raise QueryError(f"{name!r} is computed from the epochs of {expression.level}, not of {column}")


def _check_curve(expression: adql.Expr, column: str) -> None:
    """Raise QueryError if an expression of epochs has an aggregate of another light curve."""
    for aggregate in adql.split_aggregates(expression)[0]:
        if aggregate.over != column:
            raise QueryError(
                f"{aggregate} is of {aggregate.over}, and stands beside epochs of {column}; "
                "assign it as a column first"
            )


def _field(name: str, expression: adql.Expr) -> pa.Field:
    field = pa.field(name, expression.arrow_type)
    return with_column_meta(field, ColumnMeta(unit=expression.unit or ""))
