"""Simulated releases as flat tables, as Rubin's service has them: for queries in plain DuckDB."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from skyseries.timeseries.simulate.rubin import NESTED, SimulatedRelease, table_infos

MACROS = """
create macro m_point(frame, ra, dec) as {ra: ra, dec: dec};
create macro m_circle(frame, ra, dec, radius) as {ra: ra, dec: dec, radius: radius};
create macro m_distance(p, q) as degrees(2 * asin(sqrt(
    pow(sin(radians(p.dec - q.dec) / 2), 2)
    + cos(radians(p.dec)) * cos(radians(q.dec)) * pow(sin(radians(p.ra - q.ra) / 2), 2))));
create macro m_contains(p, c) as (m_distance(p, c) <= c.radius)::int;
create macro scisql_nanojanskyToAbMag(f) as case when f > 0 then 31.4 - 2.5 * log10(f) end;
create macro scisql_nanojanskyToAbMagSigma(f, e) as
    case when f > 0 then 2.5 / ln(10) * e / f end;
"""
GEOMETRY = {"CONTAINS": "m_contains", "POINT": "m_point", "CIRCLE": "m_circle"}


def flat_tables(survey: SimulatedRelease) -> dict[str, pa.Table]:
    """Return all tables by name: epochs as rows of their own, with what they have of the object."""
    tables = {}
    for name, table in survey.tables.items():
        infos = table_infos(survey.name, name)
        for column, epochs in NESTED.get(name, {}).items():
            tables[epochs] = unnested(table, column, infos[epochs].from_object)
        nested = list(NESTED.get(name, {}))
        tables[name] = table.drop_columns(nested) if nested else table
    return tables


def unnested(table: pa.Table, column: str, from_object: dict[str, str]) -> pa.Table:
    """Return the epochs of a nested column as rows."""
    lists = table[column].combine_chunks()
    row = pc.list_parent_indices(lists.field(0))
    inner = {field.name: lists.field(i).flatten() for i, field in enumerate(lists.type)}
    outer = {name: table[of].combine_chunks().take(row) for name, of in from_object.items()}
    return pa.table({**outer, **inner})


def database(release: str, tables: Mapping[str, pa.Table]) -> duckdb.DuckDBPyConnection:
    """Return a database with flat tables: in a schema of the name of the release, or their own.

    NULL stands for NaN, which DuckDB takes for the largest number.
    """
    db = duckdb.connect()
    db.execute(MACROS)
    for name, table in tables.items():
        whole = name if "." in name else f"{release}.{name}"
        db.execute(f"create schema if not exists {whole.partition('.')[0]}")
        db.register("held", _without_nan(table))
        db.execute(f"create table {whole} as from held")
        db.unregister("held")
    return db


def _without_nan(table: pa.Table) -> pa.Table:
    columns = [
        pc.if_else(pc.is_nan(column), None, column) if pa.types.is_floating(column.type) else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)
