"""The columns of a period search: their names, units and meaning, and how they are filled."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.schema import ColumnMeta, with_column_meta
from skyseries.timeseries.kernels.choice import FLAGS, Choice
from skyseries.timeseries.kernels.search import Peaks
from skyseries.timeseries.measured import Measured
from skyseries.timeseries.methods import Method
from skyseries.timeseries.segments import Segments

__all__ = ["period_columns", "period_table"]

Floats = NDArray[np.float64]

_LIST = pa.list_(pa.float64())


def period_columns(
    method: Method,
    parameters: Mapping[str, Any],
    measured: Measured | None,
    bands: Sequence[str | int] | None,
) -> pa.Schema:
    """Return the schema of a period search; its parameters are in the metadata of ``period``."""
    upper = " (Baluev 2008, an upper limit)" if method.name == "lombscargle" else ""
    known: list[tuple[str, pa.DataType, str, str]] = [
        ("period", pa.float64(), "d", "Period"),
        ("period_power", pa.float64(), "", f"Power of the peak it was found by: {method.power}"),
        (
            "period_fap", pa.float64(), "",
            f"Chance that white noise alone gives a highest peak as high{upper}",
        ),
        (
            "period_fap_red", pa.float64(), "",
            "Chance that a damped random walk, a polynomial or white noise alone is explained as "
            "well by a period",
        ),
        ("period_flag", pa.string(), "", "What is suspected of the period, or ok"),
        ("period_peaks", _LIST, "d", "The period and its alternatives, the best first"),
        (
            "period_evidence", _LIST, "",
            "Natural logarithm of the evidence of each, over that of constant bands",
        ),
        ("period_cycles", pa.float64(), "", "Cycles that the light curve spans"),
        ("period_min", pa.float64(), "d", "Shortest period that was searched for"),
        ("period_max", pa.float64(), "d", "Longest period that was searched for"),
    ]  # fmt: skip
    fields = [
        with_column_meta(pa.field(name, type_), ColumnMeta(unit=unit, description=text))
        for name, type_, unit, text in known
    ]
    recorded = {**fields[0].metadata, b"skyseries_periods": json.dumps(parameters).encode()}
    return pa.schema([fields[0].with_metadata(recorded), *fields[1:]])


def period_table(schema: pa.Schema, segments: Segments, peaks: Peaks, choice: Choice) -> pa.Table:
    """Return the columns of a schema of `period_columns`."""
    best = choice.frequency[:, 0]
    words = np.array([*FLAGS, None], object)
    made: dict[str, pa.Array] = {
        "period": _known(1.0 / best),
        "period_power": _known(choice.power),
        "period_fap": _known(peaks.chance),
        "period_fap_red": _known(choice.numbers[1]),
        "period_flag": pa.array(words[choice.code], pa.string()),
        "period_peaks": _lists(1.0 / choice.frequency, choice.frequency),
        "period_evidence": _lists(choice.evidence, choice.evidence),
        "period_cycles": _known(choice.numbers[2]),
        "period_min": _known(1.0 / peaks.limits[:, 1]),
        "period_max": _known(1.0 / peaks.limits[:, 0]),
    }
    return pa.Table.from_arrays([made[name] for name in schema.names], schema=schema)


def _known(values: Floats) -> pa.Array:
    return pa.array(values, mask=~np.isfinite(values))


def _lists(values: Floats, where: Floats) -> pa.Array:
    """Return the finite ones of each row; null where there are none."""
    there = np.isfinite(where)
    count = there.sum(axis=1)
    offsets = np.zeros(len(values) + 1, np.int32)
    np.cumsum(count, out=offsets[1:])
    mask = pa.array(count == 0)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values[there]), mask=mask)
