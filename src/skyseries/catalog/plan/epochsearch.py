"""Single epochs by their own positions, wherever their object is filed.

Which object an epoch belongs to is a judgement of the survey's pipeline, and it may be wrong: an
epoch can lie arcseconds from its object, or beyond the border of the partition. So partitions
are not chosen by where objects are, but by the least and greatest coordinates of the epochs in
each row group, which Parquet records.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.arrow import floats
from skyseries.catalog.plan.epochs import nested_of
from skyseries.catalog.plan.names import check_columns
from skyseries.catalog.plan.node import Hints
from skyseries.catalog.plan.rows import Rows
from skyseries.catalog.plan.unnest import EpochRows, Unnest
from skyseries.schema.conversion import in_degrees, to_unit
from skyseries.spatial.regions import Cone

__all__ = ["EpochSearch", "coordinate_limits", "factors_to_degrees"]


@dataclass(frozen=True)
class EpochSearch(Unnest):
    """The epochs within a cone, one row each.

    Parameters
    ----------
    place : pair of str
        Fields of the epochs' own ra and dec, degrees.
    cone : Cone
    limits : Expr
        A necessary condition on the coordinates; see `coordinate_limits`.
    to_degrees : pair of float
        By what the fields of `place` are multiplied; see `factors_to_degrees`.
    """

    place: tuple[str, str]
    cone: Cone
    limits: adql.Expr
    to_degrees: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        check_columns([f"{self.column}.{name}" for name in self.place], self.child.schema)
        super().__post_init__()

    @property
    def position(self) -> None:
        return None

    @property
    def counted(self) -> tuple[str, ...]:
        return self.place

    def hints(self, hints: Hints) -> Hints:
        return Hints(conditions=(adql.bounds(self.limits),))

    def apply(self, rows: Rows) -> Rows:
        nested = nested_of(rows, self.column, self.place)
        ra, dec = (
            floats(to_unit(nested.values(name), factor))
            for name, factor in zip(self.place, self.to_degrees, strict=True)
        )
        near = np.flatnonzero(self.cone.contains(ra, dec))
        return EpochRows(self, rows, nested.offsets, near)

    def describe(self) -> str:
        cone = self.cone
        return (
            f"epochs of {self.column} within {cone.radius_arcsec:g} arcsec of "
            f"{cone.ra:g}, {cone.dec:g}"
        )


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
