"""The step that cleans light curves, and the columns that say how many epochs went."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from skyseries.arrays import true_or_false
from skyseries.arrow import is_number
from skyseries.catalog import plan
from skyseries.catalog.plan.names import check_columns
from skyseries.catalog.plan.roles import the_column
from skyseries.catalog.verbs.curvesteps import Affixes
from skyseries.errors import InputError
from skyseries.nested import Nested
from skyseries.schema import LightCurveFields, column_meta
from skyseries.timeseries.cleaning import Cleaning, clean, cleaning_of
from skyseries.timeseries.measured import field_units, with_units
from skyseries.units import factor_to

if TYPE_CHECKING:
    from skyseries.catalog.verbs.lightcurves import LightCurveVerbs

__all__ = ["cleaning_step"]

_WHY = {
    "epochs_flagged": "left out for their flags",
    "epochs_not_detrended": "left with their trend: too few in their band",
    "epochs_clipped": "left out as outliers",
    "epochs_unusable": "in no nightly mean: flagged, not finite, without an error or band",
    "epochs_averaged": "fewer, since nights were averaged",
}


def cleaning_step(
    catalog: LightCurveVerbs, column: str | None, wanted: dict[str, Any], counts: bool, add: Affixes
) -> plan.CleanEpochs:
    """Return the step; below it, where counts are asked for, the one that adds them."""
    is_counted = true_or_false(counts, "counts")
    name, schema = the_column(catalog.schema, column), catalog.schema
    units = field_units(schema.field(name).type)
    fields = with_units(catalog.lightcurve_fields(name), units)
    cleaning = cleaning_of(fields, **wanted)
    days = 1.0
    if (of_objects := cleaning.period_column) is not None:
        check_columns([of_objects], schema)
        field = schema.field(of_objects)
        if not is_number(field.type):
            raise InputError(f"period={of_objects!r} is a column of {field.type}, not of periods")
        days = factor_to(column_meta(field).unit, "d", f"column {of_objects!r}")
    check_columns([f"{name}.{rule.field}" for rule in cleaning.flags], schema)
    step = plan.CleanEpochs(catalog._node, name, fields, cleaning, tuple(units.items()), days)
    return replace(step, child=_counting(step, add)) if is_counted else step


def _counting(step: plan.CleanEpochs, add: Affixes) -> plan.Append:
    fields = [
        pa.field(add.around(name), pa.int64(), metadata={"description": f"Epochs {_WHY[name]}"})
        for name in step.cleaning.counted()
    ]
    columns = pa.schema(fields)
    compute = partial(
        _counts, names=columns.names, fields=step.fields, cleaning=step.cleaning,
        units=dict(step.units), days=step.days,
    )  # fmt: skip
    said = json.dumps({"step": "clean_lightcurves", "cleaning": str(step.cleaning)})
    beside = tuple(step.objects())
    return plan.Append(
        step.child, step.column, tuple(step.uses()), compute, columns, False, said, beside
    )


def _counts(
    column: pa.StructArray | pa.ChunkedArray,
    *,
    names: list[str],
    fields: LightCurveFields,
    cleaning: Cleaning,
    units: dict[str, str],
    days: float,
    beside: pa.Table | None = None,
) -> pa.Table:
    period = None if beside is None else plan.periods_of(beside, days)
    counts = clean(Nested.from_arrow(column), fields, cleaning, period, units)[1]
    return pa.table([counts[name] for name in cleaning.counted()], names)
