"""DuckDB's text of aggregates in three steps: from rows, from partial results, to the value.

Aggregate number i keeps its state in columns ``s{i}a``, ``s{i}b``, ``s{i}c``.
"""

from __future__ import annotations

from typing import Any

from skyseries.adql.expressions import Aggregate
from skyseries.adql.sql import constant_sql
from skyseries.adql.types import Type, duckdb_type

__all__ = ["final_sql", "merge_sql", "partial_sql"]


def partial_sql(aggregate: Aggregate, index: int, column: str | None) -> str:
    """Return the state of rows, as a part of SELECT."""
    s = f"s{index}"
    if column is None:
        return f"count(*) AS {s}a"
    floating = aggregate.argument is not None and aggregate.argument.type.is_floating
    only = f" FILTER (WHERE NOT isnan({column}))" if floating else ""
    if aggregate.distinct:
        present = only or f" FILTER (WHERE {column} IS NOT NULL)"
        return f"list(DISTINCT {column}){present} AS {s}a"
    match aggregate.name:
        case "COUNT":
            return f"count({column}){only} AS {s}a"
        case "SUM":
            return f"CAST(sum({column}){only} AS {duckdb_type(aggregate.type)}) AS {s}a"
        case "MIN" | "MAX":
            return f"{aggregate.name.lower()}({column}){only} AS {s}a"
        case "AVG":
            return f"sum({column}){only} AS {s}a, count({column}){only} AS {s}b"
        case "MEDIAN" | "PERCENTILE" | "STRING_AGG":
            return f"list({column}){only or f' FILTER (WHERE {column} IS NOT NULL)'} AS {s}a"
        case "HISTOGRAM":
            return f"map_entries(histogram({_bin_sql(aggregate, column)})) AS {s}a"
        case _:
            return (
                f"count({column}){only} AS {s}a, avg({column}){only} AS {s}b,"
                f" var_pop({column}){only} * count({column}){only} AS {s}c"
            )


def merge_sql(aggregate: Aggregate, index: int, keys: list[str]) -> tuple[str, str]:
    """Return the state of several states, and a column that it needs beside them (or nothing)."""
    s = f"s{index}"
    if aggregate.distinct:
        return f"list_distinct(flatten(list({s}a) FILTER (WHERE {s}a IS NOT NULL))) AS {s}a", ""
    match aggregate.name:
        case "COUNT":
            return f"CAST(sum({s}a) AS BIGINT) AS {s}a", ""
        case "SUM":
            return f"CAST(sum({s}a) AS {duckdb_type(aggregate.type)}) AS {s}a", ""
        case "MIN" | "MAX":
            return f"{aggregate.name.lower()}({s}a) AS {s}a", ""
        case "AVG":
            return f"sum({s}a) AS {s}a, CAST(sum({s}b) AS BIGINT) AS {s}b", ""
        case "MEDIAN" | "PERCENTILE" | "STRING_AGG" | "HISTOGRAM":
            return f"flatten(list({s}a) FILTER (WHERE {s}a IS NOT NULL)) AS {s}a", ""
        case _:
            partition = f"PARTITION BY {', '.join(keys)}" if keys else ""
            mean = (
                f"sum({s}a * {s}b) OVER ({partition})"
                f" / nullif(sum({s}a) OVER ({partition}), 0) AS {s}m"
            )
            return (
                f"CAST(sum({s}a) AS BIGINT) AS {s}a, any_value({s}m) AS {s}b,"
                f" sum({s}c + {s}a * ({s}b - {s}m) * ({s}b - {s}m)) AS {s}c"
            ), mean


def final_sql(aggregate: Aggregate, index: int) -> str:
    """Return the value of a state."""
    s = f"s{index}"
    if aggregate.distinct:
        return _distinct_sql(aggregate, f"{s}a")
    match aggregate.name:
        case "AVG":
            return f"({s}a / nullif({s}b, 0))"
        case "MEDIAN":
            return f"list_aggregate({s}a, 'median')"
        case "PERCENTILE":
            return _percentile_sql(f"{s}a", aggregate.parameters[0])
        case "STRING_AGG":
            delimiter = constant_sql(aggregate.parameters[0], Type.TEXT)
            return f"array_to_string(list_sort({s}a), {delimiter})"
        case "HISTOGRAM":
            return _histogram_sql(f"{s}a", aggregate.parameters[2])
        case "VARIANCE":
            return f"CASE WHEN {s}a > 1 THEN {s}c / ({s}a - 1) END"
        case "STDDEV":
            return f"CASE WHEN {s}a > 1 THEN sqrt({s}c / ({s}a - 1)) END"
        case _:
            return f"{s}a"


def _percentile_sql(values: str, percent: Any) -> str:
    if not 0.0 <= percent <= 100.0:
        return "NULL::DOUBLE"
    return f"list_aggregate({values}, 'quantile_cont', {percent / 100.0!r})"


def _bin_sql(aggregate: Aggregate, column: str) -> str:
    """Return the number of the bin of a value: 0 below and where it is missing."""
    low, high = (constant_sql(limit, Type.DOUBLE) for limit in aggregate.parameters[:2])
    bins = aggregate.parameters[2]
    place = f"1 + CAST(floor(({column} - {low}) * {bins}e0 / ({high} - {low})) AS BIGINT)"
    return (
        f"CASE WHEN {column} IS NULL OR isnan({column}) OR {column} < {low} THEN 0"
        f" WHEN {column} >= {high} THEN {bins} + 1 ELSE least({place}, {bins}) END"
    )


def _histogram_sql(entries: str, bins: Any) -> str:
    """Return the counts of the bins 0 to bins + 1."""
    chosen = f"list_filter({entries}, lambda e: e.key = i)"
    total = f"coalesce(list_sum(list_transform({chosen}, lambda e: e.value)), 0)"
    return f"list_transform(range({bins} + 2), lambda i: CAST({total} AS BIGINT))"


def _distinct_sql(aggregate: Aggregate, values: str) -> str:
    if aggregate.name == "COUNT":
        return f"CAST(coalesce(len({values}), 0) AS BIGINT)"
    function = {
        "SUM": "sum", "AVG": "avg", "MIN": "min", "MAX": "max", "MEDIAN": "median",
        "STDDEV": "stddev_samp", "VARIANCE": "var_samp",
    }[aggregate.name]  # fmt: skip
    kind = Type.DOUBLE if aggregate.type is Type.DOUBLE else aggregate.type
    return f"CAST(list_aggregate({values}, '{function}') AS {duckdb_type(kind)})"
