"""The columns of a period search: their names, units and meaning, and how they are filled."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Floats
from skyseries.errors import InputError
from skyseries.schema import ColumnMeta, with_column_meta
from skyseries.timeseries.bands import band_list, band_word
from skyseries.timeseries.kernels.choice import FLAGS, Choice
from skyseries.timeseries.kernels.search import Peaks
from skyseries.timeseries.kernels.solution import SOLUTION
from skyseries.timeseries.measured import Measured
from skyseries.timeseries.periods.methods import Method

__all__ = ["SINGLE", "Found", "band_prefix", "band_prefixes", "period_columns", "period_table"]


_FLOAT, _LIST = pa.float64(), pa.list_(pa.float64())

_SHAPE = (
    (
        "epoch_max",
        "d",
        "Time of greatest light, as the times of the light curve, near their middle",
    ),
    ("epoch_min", "d", "Time of least light, likewise"),
    ("r21", "", "Amplitude of the second harmonic over that of the first"),
    ("r31", "", "Amplitude of the third harmonic over that of the first"),
    ("phi21", "rad", "Phase of the second harmonic less twice that of the first, of cosines"),
    ("phi31", "rad", "Phase of the third harmonic less three times that of the first, of cosines"),
    ("depth_ratio", "", "Depth of the shallower of two minima over that of the deeper"),
    ("psi", "", "Scatter about the folded fit over that about the means of the bands"),
    ("cycles", "", "Cycles that the light curve spans"),
    ("cycles_seen", "", "Cycles in which there are epochs"),
)
"""What one fit of all epochs tells, beside the period and its error: see `kernels.solution`."""

SINGLE = (
    "period", "period_err", "period_power", "period_fap", "period_fap_red", "period_flag"
)  # fmt: skip
"""The columns that the search of a single band has too, after the name of the band."""


class Found(NamedTuple):
    """What a search has found in n light curves."""

    bands: Sequence[str | int | None]
    """Those that were searched."""
    peaks: Peaks
    choice: Choice
    solution: Floats
    """As `kernels.solution.solve_periods` fills it: the amplitudes of the bands come last."""


def band_prefix(band: str | int | None) -> str:
    """Return what the columns of a band begin with; nothing where there are no bands."""
    return "" if band is None else f"{band_word(band)}_"


def band_prefixes(bands: Any) -> tuple[str, ...]:
    """Return what the columns of bands begin with; none for None.

    Raises
    ------
    InputError
        For what is no band, and for two that would have the same columns.
    """
    prefixes = tuple(band_prefix(band) for band in band_list(bands) or ())
    if again := [name for name in prefixes if prefixes.count(name) > 1]:
        raise InputError(f"two of the bands {list(bands)} would have the columns {again[0]}...")
    return prefixes


def period_columns(
    method: Method,
    parameters: Mapping[str, Any],
    measured: Measured | None,
    prefixes: Sequence[str],
    single_bands: bool,
) -> pa.Schema:
    """Return the schema of a period search; its parameters are in the metadata of ``period``.

    Parameters
    ----------
    method : Method
    parameters : mapping
    measured : Measured, optional
    prefixes : sequence of str
        Of the columns of each band.
    single_bands : bool
        Whether there are the columns of the search of each band alone.
    """
    upper = " (Baluev 2008, an upper limit)" if method.name == "lombscargle" else ""
    unit = "" if measured is None else measured.unit
    known: list[tuple[str, pa.DataType, str, str]] = [
        ("period", _FLOAT, "d", "Period"),
        ("period_err", _FLOAT, "d", "Standard deviation of the period"),
        ("period_power", _FLOAT, "", f"Power of the peak it was found by: {method.power}"),
        (
            "period_fap", _FLOAT, "",
            f"Chance that white noise alone gives a highest peak as high{upper}",
        ),
        (
            "period_fap_red", _FLOAT, "",
            "Chance that a damped random walk, a polynomial or white noise alone is explained as "
            "well by a period",
        ),
        ("period_flag", pa.string(), "", "What is suspected of the period, or ok"),
        ("period_peaks", _LIST, "d", "The period and its alternatives, the best first"),
        (
            "period_evidence", _LIST, "",
            "Natural logarithm of the evidence of each, over that of constant bands; if ranked",
        ),
        ("period_min", _FLOAT, "d", "Shortest period that was searched for"),
        ("period_max", _FLOAT, "d", "Longest period that was searched for"),
        *((f"period_{name}", _FLOAT, u, text) for name, u, text in _SHAPE),
        *(
            (f"{prefix}period_amplitude", _FLOAT, unit, "From maximum to minimum of the fit")
            for prefix in prefixes
        ),
    ]  # fmt: skip
    if single_bands:
        known += [
            (f"{prefix}{name}", type_, u, f"{text}; of this band alone")
            for prefix in prefixes
            for name, type_, u, text in known
            if name in SINGLE
        ]
    fields = [
        with_column_meta(pa.field(name, type_), ColumnMeta(unit=unit, description=text))
        for name, type_, unit, text in known
    ]
    recorded = {**fields[0].metadata, b"skyseries_periods": json.dumps(parameters).encode()}
    return pa.schema([fields[0].with_metadata(recorded), *fields[1:]])


def period_table(schema: pa.Schema, found: Found, singles: Sequence[Found] = ()) -> pa.Table:
    """Return the columns of a schema of `period_columns`.

    Parameters
    ----------
    schema : pyarrow.Schema
    found : Found
    singles : sequence of Found
        Of single bands.
    """
    made = _arrays(found)
    for band, amplitude in zip(found.bands, found.solution[len(SOLUTION) :], strict=True):
        made[f"{band_prefix(band)}period_amplitude"] = _known(amplitude)
    for single in singles:
        own = _arrays(single)
        made |= {f"{band_prefix(single.bands[0])}{name}": own[name] for name in SINGLE}
    n = len(made["period"])
    arrays = [made.get(field.name, pa.nulls(n, field.type)) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _arrays(found: Found) -> dict[str, pa.Array]:
    """Return the columns that do not depend on the bands."""
    _, peaks, choice, solution = found
    # where the fit fails or leaves the limits the period is that of the search
    low, high = peaks.limits.T
    is_fitted = (solution[0] >= low) & (solution[0] <= high)
    best = np.where(is_fitted, solution[0], choice.frequency[:, 0])
    frequency = choice.frequency.copy()
    frequency[:, 0] = best
    words = np.array([*FLAGS, None], object)
    rows = dict(zip(SOLUTION, solution, strict=False))
    return {
        "period": _known(1.0 / best),
        "period_err": _known(rows["period_err"]),
        "period_power": _known(choice.power),
        "period_fap": _known(peaks.chance),
        "period_fap_red": _known(choice.numbers[1]),
        "period_flag": pa.array(words[choice.code], pa.string()),
        "period_peaks": _lists(1.0 / frequency, frequency),
        "period_evidence": _lists(choice.evidence, choice.evidence),
        "period_min": _known(1.0 / peaks.limits[:, 1]),
        "period_max": _known(1.0 / peaks.limits[:, 0]),
        **{f"period_{name}": _known(rows[name]) for name, _, _ in _SHAPE},
    }


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
