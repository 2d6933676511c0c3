"""The expressions that summaries are asked for: their names, resolved, with units."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.catalog.plan.names import names_list
from skyseries.errors import InputError, QueryError, SchemaError
from skyseries.schema import ColumnMeta, with_column_meta

__all__ = ["aggregates", "field_of", "named", "number", "per_object", "sort_keys"]

_NAMED = re.compile(r"(?is)^(.*\S)\s+AS\s+([A-Za-z_][A-Za-z_0-9.]*)\s*$")
_DIRECTION = re.compile(r"(?is)^(.*\S)\s+(ASC|DESC)\s*$")


def named(texts: str | Sequence[str]) -> dict[str, str]:
    """Return names and expressions: ``"gMag - rMag AS g_r"``; without a name, its own text.

    Raises
    ------
    SchemaError
        If two have the same name.
    """
    found: dict[str, str] = {}
    for text in names_list(texts, "columns or expressions"):
        match = _NAMED.match(text)
        name, expression = (match[2], match[1]) if match else (text, text)
        if name in found:
            raise SchemaError(f"{name!r} is named more than once")
        found[name] = expression
    return found


def per_object(text: str, scope: adql.Scope) -> adql.Expr:
    """Resolve an expression that has one value for each object.

    Raises
    ------
    QueryError
        If it cannot be understood, or has a value for each epoch.
    """
    expression = adql.resolve_value(text, scope)
    if expression.level is not None:
        raise QueryError(
            f"{text} has a value for each epoch of {expression.level}; an aggregate such as "
            "AVG(...) has one for each object"
        )
    return expression


def number(text: str, scope: adql.Scope) -> adql.Expr:
    """Resolve an expression that has one number for each object."""
    expression = per_object(text, scope)
    if not expression.type.is_number:
        raise QueryError(f"{text} is a {expression.type.value}, not a number")
    return expression


def field_of(name: str, expression: adql.Expr, schema: pa.Schema) -> pa.Field:
    """Return the field of a result: of a plain column, with all that is known of it."""
    field = pa.field(name, expression.arrow_type)
    if isinstance(expression, adql.Column) and expression.path[0] in schema.names:
        source = schema.field(expression.path[0])
        for part in expression.path[1:]:
            source = source.type.field(part)
        return field.with_metadata(source.metadata)
    return with_column_meta(field, ColumnMeta(unit=expression.unit or ""))


def sort_keys(by: Any, ascending: Any, scope: adql.Scope) -> tuple[list[adql.Expr], list[bool]]:
    """Return what is sorted by, and in which directions.

    Raises
    ------
    InputError
        If a direction is given twice, or not for each.
    """
    texts = list(names_list(by, "by"))
    if not texts:
        raise InputError("there is nothing to sort by")
    if isinstance(ascending, bool | np.bool_):
        ascending = [bool(ascending)] * len(texts)
    if isinstance(ascending, str) or not isinstance(ascending, Iterable):
        raise InputError(f"ascending must be true or false, or such for each, not {ascending!r}")
    directions = list(ascending)
    if len(directions) != len(texts):
        raise InputError(f"ascending has {len(directions)} values for {len(texts)} columns")
    keys: list[adql.Expr] = []
    for i, text in enumerate(texts):
        if match := _DIRECTION.match(text):
            if directions[i] is False:
                raise InputError(f"{text!r} has a direction already; leave ascending= out")
            text, directions[i] = match[1], match[2].upper() == "ASC"
        key = per_object(text, scope)
        if not key.type.is_scalar:
            raise QueryError(f"{text} is a {key.type.value}, which has no order")
        keys.append(key)
    return keys, directions


def aggregates(texts: Mapping[str, str], scope: adql.Scope) -> list[adql.Expr]:
    """Resolve aggregates of rows."""
    values = [adql.resolve_value(text, scope, grouped=True) for text in texts.values()]
    for (name, text), value in zip(texts.items(), values, strict=True):
        if value.level is not None:
            raise QueryError(
                f"{name} = {text} has values for each epoch of {value.level}; group by one of its "
                f"fields, or give epochs={value.level!r}"
            )
    return values
