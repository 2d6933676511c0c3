"""The result of a statement: computed, written, explained when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from skyseries.adql import Path
from skyseries.adql.relations import Query, TableUse
from skyseries.catalog import output
from skyseries.catalog.plan.names import check_columns, names_list
from skyseries.errors import InputError
from skyseries.hats.collection import Collection
from skyseries.query.bindings import Bindings
from skyseries.query.compiler import all_uses
from skyseries.query.derived import only_columns
from skyseries.query.planning import planned
from skyseries.store.files import Location

if TYPE_CHECKING:
    import os

    import astropy.table
    import pandas as pd
    import polars as pl

    from skyseries.catalog.write.writing import Written
    from skyseries.query.explanation import Explanation

__all__ = ["Result"]


class Result:
    """The rows of a statement; made by `skyseries.sql`, and computed when they are asked for.

    Parameters
    ----------
    query : Query
        The statement, resolved.
    bindings : Bindings
        The tables that it asks.
    text : str
        The statement as it is written.
    """

    def __init__(self, query: Query, bindings: Bindings, text: str) -> None:
        self._query, self._bindings, self._text = query, bindings, text
        self._step = planned(query, bindings)

    @property
    def schema(self) -> pa.Schema:
        """Columns and types; units, UCDs and descriptions in the fields' metadata."""
        return self._step.schema

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.schema.names)

    @property
    def catalogs(self) -> list[Path]:
        """What the statement asks, by the names in ``catalogs=``, each once."""
        tables = [use.table for use in all_uses(self._query) if isinstance(use, TableUse)]
        return list(dict.fromkeys(home for t in tables if (home := self._bindings[t].home)))

    def drop(self, columns: str | Sequence[str]) -> Result:
        """Leave out some columns; what only they need is not read.

        Raises
        ------
        SchemaError
            If one is not there.
        InputError
            If none would be left, or the statement says DISTINCT, or UNION and the like.
        """
        gone = names_list(columns)
        check_columns(gone, self.schema)
        kept = [name for name in self.columns if name not in gone]
        if not kept:
            raise InputError("no column would be left")
        query = only_columns(self._query, kept)
        if query.schema.names != kept:
            raise InputError(
                "which rows differ, or are in several queries, depends on all columns: name those "
                "that you want in the statement"
            )
        return Result(query, self._bindings, self._text)

    def __len__(self) -> int:
        return sum(table.num_rows for table in self.iter_tables())

    def iter_tables(self) -> Iterator[pa.Table]:
        """Yield the rows piece by piece; what does not fit into memory waits in files."""
        return self._step.tables()

    def to_arrow(self) -> pa.Table:
        """Compute, and return a pyarrow Table."""
        return pa.concat_tables([self.schema.empty_table(), *self.iter_tables()])

    def to_pandas(self) -> pd.DataFrame:
        """Compute, and return a DataFrame, as `Catalog.to_pandas` does."""
        return output.to_pandas(self.to_arrow())

    def to_polars(self) -> pl.DataFrame:
        """Compute, and return a polars DataFrame."""
        return output.to_polars(self.to_arrow())

    def to_astropy(self) -> astropy.table.Table:
        """Compute, and return an astropy Table with units."""
        return output.to_astropy(self.to_arrow())

    def write_catalog(self, path: str | os.PathLike[str], **options: Any) -> Written:
        """Compute, and write the rows as a HATS catalog.

        Rows that come in the order of the sky, with the positions that they are filed by, are
        streamed to the files; others are collected before.

        Parameters
        ----------
        path : path or URL
        **options
            As for `Catalog.write_catalog`; ``ra=`` and ``dec=`` name the columns of the positions,
            where they have no usual names.

        Raises
        ------
        InputError
            If the rows have no positions.
        """
        from skyseries.catalog import Catalog, from_table

        place = {name: options.pop(name, None) for name in ("ra", "dec")}
        node = self._step.plan
        if node is None or node.position is None or any(place.values()):
            made = from_table(self.to_arrow(), **place, name=" ".join(self._text.split()))
            return made.write_catalog(path, **options)
        catalog = Catalog(node, Location("statement", "memory"), Collection("statement", ""))
        return catalog.write_catalog(path, **options)

    def planned_bytes(self) -> int | None:
        """Return about how many bytes would be read; None if a catalog does not record sizes."""
        from skyseries.query.explanation import bytes_of

        return bytes_of(self._step, self.explain())

    def explain(self, footers: bool = False) -> Explanation:
        """Return what would be read and done; nothing is computed.

        Parameters
        ----------
        footers : bool
            Look into the files too, for the row groups that would be read.
        """
        from skyseries.query.explanation import explain

        return explain(self._step, footers)

    def __repr__(self) -> str:
        columns = ", ".join(self.columns[:8]) + (", ..." if len(self.columns) > 8 else "")
        return f"Result({columns}) of: {' '.join(self._text.split())}"
