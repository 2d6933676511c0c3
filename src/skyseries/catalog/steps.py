"""The steps of a plan: frozen values that know what they need, what they give, and how.

A step sees one table at a time, the rows of a part of one partition; it never sees the catalog.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from skyseries.catalog.cone import overlapping
from skyseries.errors import SchemaError
from skyseries.hats.partitions import Partitions
from skyseries.spatial.sphere import separation_arcsec

__all__ = ["Append", "Cone", "Select", "Step", "nearest_names"]


class Step(Protocol):
    """One verb of a plan."""

    @property
    def filters(self) -> bool:
        """Whether rows may be left out."""

    def schema(self, before: pa.Schema) -> pa.Schema:
        """Return the schema of what `apply` gives."""

    def needs(self, wanted: Sequence[str], before: pa.Schema) -> list[str]:
        """Return the columns to read for the wanted columns of the result."""

    def prune(self, partitions: Partitions) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
        """Tell which partitions may have rows; None: all."""

    def apply(self, table: pa.Table) -> pa.Table:
        """Return the rows and columns that this step gives."""


def nearest_names(name: str, there: Sequence[str], n: int = 1) -> list[str]:
    """Return the names that are most alike; small and capital letters do not matter."""
    lower = {other.lower(): other for other in there}
    return [lower[near] for near in difflib.get_close_matches(name.lower(), lower, n, cutoff=0.5)]


def check_columns(names: Sequence[str], schema: pa.Schema) -> None:
    """Raise SchemaError if a column is not there, with the nearest name."""
    for name in names:
        if name not in schema.names:
            near = nearest_names(name, schema.names)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise SchemaError(
                f"there is no column {name!r}{hint} (the columns are: {', '.join(schema.names)})"
            )


@dataclass(frozen=True)
class Select:
    """Keep some columns."""

    columns: tuple[str, ...]
    filters: bool = False

    def schema(self, before: pa.Schema) -> pa.Schema:
        """Return the schema of the columns that are kept."""
        check_columns(self.columns, before)
        if again := [name for name in self.columns if self.columns.count(name) > 1]:
            raise SchemaError(f"column {again[0]!r} is named more than once")
        return pa.schema([before.field(name) for name in self.columns], before.metadata)

    def needs(self, wanted: Sequence[str], before: pa.Schema) -> list[str]:
        """Return the wanted columns."""
        return list(wanted)

    def prune(self, partitions: Partitions) -> None:
        """Leave all partitions."""

    def apply(self, table: pa.Table) -> pa.Table:
        """Keep the columns that are there (others were not read because nobody wants them)."""
        return table.select([name for name in self.columns if name in table.column_names])


@dataclass(frozen=True)
class Cone:
    """Keep rows within an angle of a position."""

    ra: float
    dec: float
    radius_arcsec: float
    columns: tuple[str, str]
    filters: bool = True

    def schema(self, before: pa.Schema) -> pa.Schema:
        """Return the schema unchanged."""
        check_columns(self.columns, before)
        return before

    def needs(self, wanted: Sequence[str], before: pa.Schema) -> list[str]:
        """Return the wanted columns and the position."""
        return list(dict.fromkeys([*wanted, *self.columns]))

    def prune(self, partitions: Partitions) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Tell which partitions overlap the cone."""
        return overlapping(partitions, self.ra, self.dec, self.radius_arcsec)

    def apply(self, table: pa.Table) -> pa.Table:
        """Keep rows whose distance is at most the radius."""
        ra, dec = (np.asarray(table.column(name), np.float64) for name in self.columns)
        near = separation_arcsec(ra, dec, self.ra, self.dec) <= self.radius_arcsec
        return table.filter(pa.array(near))


@dataclass(frozen=True)
class Append:
    """Add columns computed from one column, row by row."""

    source: str
    function: Callable[[pa.ChunkedArray], pa.Table]
    columns: pa.Schema
    filters: bool = False

    def schema(self, before: pa.Schema) -> pa.Schema:
        """Return the schema with the new columns."""
        check_columns([self.source], before)
        if both := [name for name in self.columns.names if name in before.names]:
            raise SchemaError(
                f"the catalog has a column {both[0]!r} already; leave it out with select([...])"
            )
        return pa.schema([*before, *self.columns], before.metadata)

    def needs(self, wanted: Sequence[str], before: pa.Schema) -> list[str]:
        """Return the wanted columns that were there, and the source if a new one is wanted."""
        old = [name for name in wanted if name not in self.columns.names]
        new = [self.source] if len(old) < len(wanted) else []
        return list(dict.fromkeys([*old, *new]))

    def prune(self, partitions: Partitions) -> None:
        """Leave all partitions."""

    def apply(self, table: pa.Table) -> pa.Table:
        """Compute the columns (unless none is wanted, and so the source was not read)."""
        if self.source not in table.column_names:
            return table
        added = self.function(table.column(self.source))
        for field in self.columns:
            table = table.append_column(field, added.column(field.name).cast(field.type))
        return table
