"""Single epochs by their own positions, wherever their object is filed.

Which object an epoch belongs to is a judgement of the survey's pipeline, and it may be wrong: an
epoch can lie arcseconds from its object, or beyond the border of the partition. So partitions
are not chosen by where objects are, but by the least and greatest coordinates of the epochs in
each row group, which Parquet records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.arraytypes import Floats, Ints
from skyseries.arrow import floats
from skyseries.catalog.plan.epochs import nested_of
from skyseries.catalog.plan.names import check_columns, fields_of
from skyseries.catalog.plan.node import Hints, RowStep, Source
from skyseries.catalog.plan.rows import Index, Rows, gather
from skyseries.errors import SchemaError
from skyseries.schema.conversion import in_degrees, to_unit
from skyseries.spatial.regions import Cone

__all__ = ["EpochSearch", "coordinate_limits", "factors_to_degrees"]


@dataclass(frozen=True)
class EpochSearch(RowStep):
    """The epochs within a cone, one row each.

    Parameters
    ----------
    column : str
        The light curves.
    place : pair of str
        Fields of the epochs' own ra and dec, degrees.
    cone : Cone
    objects : tuple of str
        Columns of the objects that each row gets, before the fields of the epoch.
    limits : Expr
        A necessary condition on the coordinates; see `coordinate_limits`.
    to_degrees : pair of float
        By what the fields of `place` are multiplied; see `factors_to_degrees`.
    """

    column: str
    place: tuple[str, str]
    cone: Cone
    objects: tuple[str, ...]
    limits: adql.Expr
    to_degrees: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        schema = self.child.schema
        check_columns([*self.objects, *(f"{self.column}.{name}" for name in self.place)], schema)
        if both := set(self.objects) & set(fields_of(schema, self.column)):
            raise SchemaError(
                f"objects and epochs both have {min(both)!r}; leave it out of columns="
            )

    @cached_property
    def schema(self) -> pa.Schema:
        before = self.child.schema
        inner = [f.with_type(f.type.value_type) for f in before.field(self.column).type]
        return pa.schema([*(before.field(name) for name in self.objects), *inner], before.metadata)

    @property
    def position(self) -> None:
        return None

    @property
    def filters(self) -> bool:
        return True

    @property
    def gives(self) -> tuple[int, int | None]:
        return 0, None

    def inherits(self, path: str) -> tuple[Source, ...] | None:
        return (Source(0, path),) if path in self.objects else None

    def needs(self, paths: Sequence[str]) -> list[str]:
        wanted = [path for path in paths if path in self.objects]
        fields = [path for path in paths if path not in self.objects]
        found = [f"{self.column}.{name}" for name in dict.fromkeys([*self.place, *fields])]
        return [*wanted, *found]

    def hints(self, hints: Hints) -> Hints:
        return Hints(conditions=(adql.bounds(self.limits),))

    def apply(self, rows: Rows) -> Rows:
        nested = nested_of(rows, self.column, self.place)
        ra, dec = (
            floats(to_unit(nested.values(name), factor))
            for name, factor in zip(self.place, self.to_degrees, strict=True)
        )
        near = np.flatnonzero(self.cone.contains(ra, dec))
        parents = nested.parents()[near]
        return _EpochRows(self, rows, parents, near - nested.offsets[parents])

    def describe(self) -> str:
        cone = self.cone
        return (
            f"epochs of {self.column} within {cone.radius_arcsec:g} arcsec of "
            f"{cone.ra:g}, {cone.dec:g}"
        )


class _EpochRows(Rows):
    """Epochs: the row of the object, and the place in its light curve."""

    def __init__(self, step: EpochSearch, rows: Rows, parents: Ints, place: Ints) -> None:
        self._step, self._rows, self._parents, self._place = step, rows, parents, place

    def __len__(self) -> int:
        return len(self._parents)

    def positions(self) -> tuple[Floats, Floats]:
        raise SchemaError(
            "single epochs are not filed by their positions: search and match objects, before "
            "search_epochs; or match the result as a table"
        )

    def hpx(self) -> Ints:
        return self._rows.hpx()[self._parents]

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        parents = self._parents if index is None else self._parents[index]
        place = self._place if index is None else self._place[index]
        objects = [path for path in paths if path in self._step.objects]
        fields = [path for path in paths if path not in objects]
        columns: dict[str, pa.ChunkedArray | pa.Array] = {}
        if objects:
            columns |= zip(objects, self._rows.fetch(objects, parents).columns, strict=True)
        if fields:
            touched, of = np.unique(parents, return_inverse=True)
            nested = nested_of(self._rows, self._step.column, fields, touched)
            flat = gather(nested.flat_table(fields), nested.offsets[of] + place)
            columns |= zip(fields, flat.columns, strict=True)
        return pa.table({path: columns[path] for path in paths})


def factors_to_degrees(
    schema: pa.Schema, column: str, place: tuple[str, str]
) -> tuple[float, float]:
    """Return by what the positions of epochs are multiplied to be degrees.

    Raises
    ------
    InputError
        If they are no numbers, or in no unit of an angle.
    """
    nested = schema.field(column).type
    flat = pa.schema([f.with_type(f.type.value_type) for f in map(nested.field, place)])
    found = in_degrees(flat, *place).columns
    ra, dec = (found[name][0] if name in found else 1.0 for name in place)
    return ra, dec


def coordinate_limits(
    column: str,
    place: tuple[str, str],
    cone: Cone,
    to_degrees: tuple[float, float] = (1.0, 1.0),
) -> str:
    """Return a condition that holds for every epoch in a cone, for its statistics' sake.

    Right ascensions outside of 0 to 360 degrees are let through. Its numbers are in the unit of
    the fields.
    """
    per_ra, per_dec = to_degrees
    ra, dec = (f'"{column}"."{name}"' for name in place)
    radius = cone.radius_arcsec / 3600.0 + 1e-6
    south, north = cone.dec - radius, cone.dec + radius
    text = f"{dec} >= {south / per_dec!r} AND {dec} <= {north / per_dec!r}"
    if south <= -90.0 or north >= 90.0:
        return text
    # sin(half width in ra) = sin(radius) / cos(dec), from the tangent meridians of the circle
    width = np.degrees(np.arcsin(np.sin(np.radians(radius)) / np.cos(np.radians(cone.dec)))) + 1e-6
    west, east = (cone.ra - width) % 360.0, (cone.ra + width) % 360.0
    joined = "AND" if west <= east else "OR"
    return (
        f"{text} AND (({ra} >= {float(west) / per_ra!r} {joined} {ra} <= {float(east) / per_ra!r})"
        f" OR {ra} < 0 OR {ra} >= {360 / per_ra!r})"
    )
