"""DuckDB's text of aggregates in three steps: from rows, from partial results, to the value.

Aggregate number i keeps its state in columns ``s{i}a``, ``s{i}b``, ``s{i}c``.
"""

from __future__ import annotations

from skyseries.adql.expressions import Aggregate
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
        case "MEDIAN":
            return f"list({column}){only or f' FILTER (WHERE {column} IS NOT NULL)'} AS {s}a"
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
        case "MEDIAN":
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
        case "VARIANCE":
            return f"CASE WHEN {s}a > 1 THEN {s}c / ({s}a - 1) END"
        case "STDDEV":
            return f"CASE WHEN {s}a > 1 THEN sqrt({s}c / ({s}a - 1)) END"
        case _:
            return f"{s}a"


def _distinct_sql(aggregate: Aggregate, values: str) -> str:
    if aggregate.name == "COUNT":
        return f"CAST(coalesce(len({values}), 0) AS BIGINT)"
    function = {
        "SUM": "sum", "AVG": "avg", "MIN": "min", "MAX": "max", "MEDIAN": "median",
        "STDDEV": "stddev_samp", "VARIANCE": "var_samp",
    }[aggregate.name]  # fmt: skip
    kind = Type.DOUBLE if aggregate.type is Type.DOUBLE else aggregate.type
    return f"CAST(list_aggregate({values}, '{function}') AS {duckdb_type(kind)})"
