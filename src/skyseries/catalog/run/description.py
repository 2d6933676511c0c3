"""What the columns of a catalog are like: counts, moments, quartiles, extremes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pyarrow as pa

from skyseries import adql
from skyseries.catalog.plan.node import Node, Unit
from skyseries.catalog.run.groups import PlainGroupBy, grouped
from skyseries.catalog.run.inputs import values_of
from skyseries.catalog.run.parts import merged
from skyseries.catalog.run.quantiles import quantiles
from skyseries.config import tuning
from skyseries.lazy import pc
from skyseries.schema import column_meta

__all__ = ["describe"]


SCHEMA = pa.schema(
    [
        pa.field("column", pa.string()),
        pa.field("type", pa.string()),
        pa.field("unit", pa.string()),
        pa.field("count", pa.int64()),
        pa.field("nulls", pa.int64()),
        pa.field("mean", pa.float64()),
        pa.field("std", pa.float64()),
        pa.field("min", pa.string()),
        pa.field("q25", pa.float64()),
        pa.field("median", pa.float64()),
        pa.field("q75", pa.float64()),
        pa.field("max", pa.string()),
        pa.field("distinct", pa.int64()),
    ]
)


def describe(node: Node, columns: Sequence[tuple[str, adql.Expr]], scope: adql.Scope) -> pa.Table:
    """Return a row for each column; see `Catalog.describe`."""
    rows = [_head(node.schema.field(name)) for name, _ in columns]
    _count(node, columns, scope, rows)
    numbers = [i for i, (_, e) in enumerate(columns) if e.type.is_number]
    if numbers:
        found = quantiles(node, [columns[i][1] for i in numbers], (0.25, 0.5, 0.75))
        for i, values in zip(numbers, found, strict=True):
            rows[i] |= dict(zip(("q25", "median", "q75"), values, strict=True))
    texts = [i for i, (_, e) in enumerate(columns) if e.type is adql.Type.TEXT]
    if texts:
        part = partial(_distinct, tuple(columns[i][1] for i in texts))
        for i, values_ in zip(texts, merged(node, part, partial(_union, len(texts))), strict=True):
            rows[i]["distinct"] = None if values_ is None else len(values_)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _head(field: pa.Field) -> dict[str, object]:
    return {"column": field.name, "type": str(field.type), "unit": column_meta(field).unit}


def _count(
    node: Node,
    columns: Sequence[tuple[str, adql.Expr]],
    scope: adql.Scope,
    rows: list[dict[str, object]],
) -> None:
    """Fill in what one pass of aggregates gives."""
    texts: dict[str, str] = {"n": "COUNT(*)"}
    for i, (name, expression) in enumerate(columns):
        quoted = '"' + name.replace('"', '""') + '"'
        texts[f"{i}.count"] = f"COUNT({quoted})"
        if expression.type.is_number:
            texts |= {f"{i}.mean": f"AVG({quoted})", f"{i}.std": f"STDDEV({quoted})"}
        if expression.type.is_number or expression.type is adql.Type.TEXT:
            texts |= {f"{i}.min": f"MIN({quoted})", f"{i}.max": f"MAX({quoted})"}
    values = [adql.resolve_value(text, scope, grouped=True) for text in texts.values()]
    row = grouped(node, PlainGroupBy([], [], values, list(texts))).to_pylist()[0]
    for key, value in row.items():
        i, _, name = key.partition(".")
        if name:
            exact = name in ("min", "max") and value is not None
            rows[int(i)][name] = str(value) if exact else value
    for found in rows:
        found["nulls"] = row["n"] - found["count"]


def _distinct(
    columns: tuple[adql.Expr, ...], node: Node, unit: Unit
) -> list[frozenset[str] | None]:
    """Return the values of text columns, None where there are too many."""
    result: list[frozenset[str] | None] = []
    for values in values_of(node, unit, columns):
        unique = pc.unique(values).drop_null()
        result.append(
            frozenset(unique.to_pylist()) if len(unique) <= tuning().distinct_texts else None
        )
    return result


def _union(n: int, parts: Sequence[list[frozenset[str] | None]]) -> list[frozenset[str] | None]:
    result: list[frozenset[str] | None] = []
    for i in range(n):
        sets = [part[i] for part in parts]
        known = [s for s in sets if s is not None]
        union = frozenset().union(*known) if len(known) == len(sets) else None
        result.append(
            union if union is not None and len(union) <= tuning().distinct_texts else None
        )
    return result
