"""Light curves cleaned before a search; every object stays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.catalog.plan.epochs import EpochStep
from skyseries.nested import Nested
from skyseries.schema import LightCurveFields
from skyseries.timeseries.cleaning import Cleaning, clean

__all__ = ["CleanEpochs"]


@dataclass(frozen=True)
class CleanEpochs(EpochStep):
    """Leave out bad epochs, take off trends, average nights."""

    fields: LightCurveFields
    cleaning: Cleaning
    units: tuple[tuple[str, str], ...] = ()
    """Units of the fields of the light curves."""
    days: float = 1.0
    """By what the periods of the objects are multiplied to be days."""

    @cached_property
    def schema(self) -> pa.Schema:
        before = self.child.schema
        field = before.field(self.column)
        type_ = self.cleaning.kept_type(field.type, self.fields)
        return before.set(before.get_field_index(self.column), field.with_type(type_))

    def uses(self) -> list[str]:
        return self.cleaning.reads(self.fields)

    def objects(self) -> list[str]:
        name = self.cleaning.period_column
        return [] if name is None else [name]

    def change(self, nested: Nested, objects: pa.Table) -> Nested:
        period = periods_of(objects, self.days) if objects.num_columns else None
        return clean(nested, self.fields, self.cleaning, period, dict(self.units))[0]

    def describe(self) -> str:
        return f"clean {self.column}: {self.cleaning}"


def periods_of(objects: pa.Table, factor: float) -> NDArray[np.float64]:
    """Return the only column of a table as days."""
    values = objects.column(0).cast(pa.float64(), safe=False)
    return np.asarray(values.to_numpy(), np.float64) * factor
