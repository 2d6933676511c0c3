"""`sky.sql`: a statement and catalogs in, a lazy result out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from skyseries.adql.dialect import DIALECTS, Dialect
from skyseries.adql.lexer import pointer
from skyseries.adql.query_resolver import resolve
from skyseries.adql.relations import Query
from skyseries.adql.statements import parse_statement
from skyseries.errors import InputError, QueryError
from skyseries.query.bindings import Bindings, bind
from skyseries.query.curvefunctions import CurveFunctions
from skyseries.query.derived import at_most
from skyseries.query.result import Result
from skyseries.query.roundedids import warn_of_rounded_ids

__all__ = ["ask", "sql"]


def sql(
    query: str, catalogs: Mapping[str, Any], *, dialect: Literal["adql", "python"] = "adql"
) -> Result:
    """Ask catalogs in ADQL; nothing is read before the result is asked for.

    Parameters
    ----------
    query : str
        A statement of ADQL 2.1 (docs/adql.md).
    catalogs : mapping
        From names to catalogs, tables in memory, or paths of catalogs, tables and folders of them.
        A catalog called ``survey`` is the table ``survey`` of its objects, and ``survey.lc`` is the
        table of the epochs of its light curves ``lc``; one called ``dp1.Object`` is in the schema
        ``dp1``, a table called ``TAP_UPLOAD.mine`` in that of uploads. ``tap_schema.tables`` and
        ``tap_schema.columns`` say what there is.
    dialect : {"adql", "python"}
        ``python`` also takes what conditions of `Catalog.query` may be written with.

    Returns
    -------
    Result

    Raises
    ------
    QueryError
        If the statement cannot be understood; says where.
    InputError
        If something is no catalog.

    Examples
    --------
    >>> sky.sql(
    ...     "SELECT TOP 5 objectId, ra, dec FROM survey WHERE gMag < 18 ORDER BY gMag",
    ...     catalogs={"survey": catalog},
    ... ).to_pandas()  # doctest: +SKIP
    """
    if dialect not in DIALECTS:
        raise InputError(f"a dialect is {' or '.join(DIALECTS)}, not {dialect!r}")
    return ask(query, bind(catalogs), dialect=dialect)


def ask(
    query: str, bindings: Bindings, *, dialect: str = "adql", most: int | None = None
) -> Result:
    """Ask tables that are bound already; see `sql`.

    Parameters
    ----------
    query : str
    bindings : Bindings
        For this statement alone: tables of its own are added.
    dialect : str
    most : int, optional
        So many rows are wanted at most. There may be more all the same, where that costs nothing.

    Raises
    ------
    QueryError
        If the statement cannot be understood; says where.
    """
    try:
        resolved = _resolved(query, bindings, DIALECTS[dialect])
        return Result(resolved if most is None else at_most(resolved, most), bindings, query)
    except QueryError as error:
        shown = pointer(query, error)
        if not shown:
            raise
        raise QueryError(f"{error}\n{shown}", error.line, error.column, is_told=True) from None


def _resolved(text: str, bindings: Bindings, dialect: Dialect) -> Query:
    names = bindings.tables.columns if dialect.kind else ()
    tree = parse_statement(text, dialect, names)
    functions = CurveFunctions(bindings.catalog_of)
    resolved = resolve(tree, bindings.tables, dialect, functions)
    warn_of_rounded_ids(resolved, bindings)
    return resolved
