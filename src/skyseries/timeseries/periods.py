"""The best periods of every light curve of a nested column."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from skyseries.schema import ColumnMeta, LightCurveFields, with_column_meta
from skyseries.timeseries.barycentre import at_barycentre
from skyseries.timeseries.curve import floor_terms
from skyseries.timeseries.epochs import Epochs, iter_epochs, nested_column
from skyseries.timeseries.given import whole_number
from skyseries.timeseries.kernels.search import Search
from skyseries.timeseries.measured import field_units, measured_field, with_units
from skyseries.timeseries.methods import Method, find_method
from skyseries.timeseries.periodogram import frequency_limits, oversampling_of, period_limits
from skyseries.timeseries.searching import search_segments
from skyseries.timeseries.segments import split_by_band
from skyseries.timeseries.unsearched import tell_too_long

if TYPE_CHECKING:
    from astropy.coordinates import EarthLocation

__all__ = ["MIN_SPARE_EPOCHS", "RANK_TERMS", "compute_periods", "period_schema"]

RANK_TERMS = 4
"""Harmonics by which the highest peaks of a Lomb-Scargle periodogram are ranked."""

Floats = NDArray[np.float64]

MIN_SPARE_EPOCHS = 2
"""How many more epochs than unknowns (means and harmonics) a period needs."""


def compute_periods(
    column: pa.StructArray | pa.ChunkedArray,
    fields: LightCurveFields,
    *,
    min_period: float = 0.1,
    max_period: float = 100.0,
    n_peaks: int = 5,
    error_floor: float | None = None,
    oversampling: float | None = None,
    rank_terms: int | None = None,
    method: str = "lombscargle",
    barycentric: bool = False,
    ra: ArrayLike | None = None,
    dec: ArrayLike | None = None,
    location: EarthLocation | tuple[Any, Any, Any] | None = None,
    units: Mapping[str, str] | None = None,
    **options: Any,
) -> pa.Table:
    """Search every light curve of a nested column for its period.

    By default a multiband Lomb-Scargle periodogram with one phase and amplitude for all bands and
    a floating mean for each (VanderPlas & Ivezic 2015, ApJ 812, 18), on the frequencies from
    1 / max_period to 1 / min_period in steps of 1 / (oversampling x time span), with the highest
    peaks refined. Epochs are left out as for `compute_features`; all bands that are there are
    used. Long grids are searched in chunks: memory does not grow with the number of frequencies.

    Parameters
    ----------
    column : (n,) struct array of equally long lists
        Fields that say a unit are converted, as for `compute_features`.
    fields : LightCurveFields
    min_period, max_period : float
        Days, or with a unit.
    n_peaks : int
        How many candidates are listed. Two of them differ in frequency by more than 1 / time span
        before refinement.
    error_floor : float, optional
        Added in quadrature to the errors, in the unit of the values or with one of its own, for
        what the model cannot follow. None: a quarter of the standard deviation of the values of
        each band, which needs no unit and finds as many Stripe 82 RR Lyrae as the best fixed
        floor, 0.1 mag.
    oversampling : float, optional
        None: the method's own, 5 for Lomb-Scargle.
    rank_terms : int, optional
        The ten highest peaks (or `n_peaks`, if more) are ranked by a fit with so many harmonics,
        fewer where there are few epochs, with all bands scaled to the same scatter. Without
        (0) an alias by a day often stands first. None: 4 for Lomb-Scargle, 0 for others.
    method : {"lombscargle", "mhaov", "bls", "pdm", "ce", "stringlength"}
        See docs/periods.md.
    barycentric : bool
        Bring the times to the solar-system barycentre, in TDB, where the observatory is their
        reference position (`barycentric_times`).
    ra, dec, location
        As for `compute_features`.
    units : mapping from str to str, optional
        The units of fields, where the column itself does not say them.
    **options
        Of the method. ``nterms``: harmonics of the model; for Lomb-Scargle more than one is
        slower by an order of magnitude.

    Returns
    -------
    pyarrow.Table
        n rows with the schema of `period_schema`. NULL where there is no period: fewer epochs
        than the unknowns and two more (``n < n_bands + 2 nterms + 2``, counting only bands with
        two epochs or more: five in one band; for other methods see `Method.spare`), all at one
        time, values that do not vary, or a time span that asks for more than 5e7 frequencies.
        ``period_fap`` is NULL for methods without a formula, and for Lomb-Scargle with
        ``nterms > 1``.

    Raises
    ------
    InputError
        For limits out of order, an unknown method or option, lists of unequal length, or a unit
        that cannot be converted. With `barycentric` also where format, scale or reference position
        of the times are not known.
    SchemaError
        If a field is missing or of a wrong type.

    Warns
    -----
    UserWarning
        If time spans ask for too many frequencies, as those of times in seconds do.
    """
    column = nested_column(column)
    units = {**field_units(column.type), **(units or {})}
    fields = with_units(fields, units)
    measured = measured_field(fields)
    schema = period_schema(
        fields, min_period=min_period, max_period=max_period, n_peaks=n_peaks,
        error_floor=error_floor, oversampling=oversampling, rank_terms=rank_terms, method=method,
        **options,
    )  # fmt: skip
    found = find_method(method)
    settled = found.settle(options)
    if settled.get("dips") == "faint" and measured.is_magnitude:
        settled["dips"] = "up"
    search = Search(
        *frequency_limits(min_period, max_period),
        oversampling_of(found.oversampling(settled) if oversampling is None else oversampling),
        settled.get("nterms", 1),
        _rank_terms(rank_terms, found),
        *floor_terms(error_floor, measured.unit),
        found.spare(settled),
    )
    chunks = iter_epochs(column, fields, measured, None, units, all_bands=True)
    if barycentric:
        chunks = at_barycentre(chunks, fields, ra, dec, location)
    tables = [_table(epochs, schema, found, settled, search, int(n_peaks)) for epochs in chunks]
    return pa.concat_tables(tables) if tables else schema.empty_table()


def period_schema(
    fields: LightCurveFields | None = None,
    *,
    min_period: float = 0.1,
    max_period: float = 100.0,
    n_peaks: int = 5,
    error_floor: float | None = None,
    oversampling: float | None = None,
    rank_terms: int | None = None,
    method: str = "lombscargle",
    **options: Any,
) -> pa.Schema:
    """Return the schema of `compute_periods` for these parameters, without any data.

    The parameters themselves are recorded as JSON under the key ``skyseries_periods`` of the
    metadata of the field ``period``: days, and the unit of the values.

    Parameters
    ----------
    fields : LightCurveFields, optional
        Needed for an `error_floor` with a unit.
    min_period, max_period, n_peaks, error_floor, oversampling, rank_terms, method, **options
        As for `compute_periods`.
    """
    found = find_method(method)
    settled = found.settle(options)
    shortest, longest = period_limits(min_period, max_period)
    if found.check_periods is not None:
        found.check_periods(settled, longest)
    unit = "" if fields is None else measured_field(fields).unit
    floor, fraction = floor_terms(error_floor, unit)
    parameters = {
        "method": found.title,
        "min_period": shortest, "max_period": longest,
        "n_peaks": whole_number(n_peaks, "n_peaks"),
        "error_floor": floor, "error_floor_scatter_fraction": fraction,
        "oversampling": oversampling_of(
            found.oversampling(settled) if oversampling is None else oversampling
        ),
        "rank_terms": _rank_terms(rank_terms, found), **settled,
    }  # fmt: skip
    return _schema(found, parameters)


def _schema(method: Method, parameters: Mapping[str, Any]) -> pa.Schema:
    known = {
        "period": (pa.float64(), "d", "Period of the best of the highest peaks of the periodogram"),
        "period_power": (
            pa.float64(), "",
            f"Power of that peak: {method.power}",
        ),
        "period_fap": (
            pa.float64(), "",
            "Chance that noise alone gives a highest peak as high"
            + (" (Baluev 2008, an upper limit)" if method.name == "lombscargle" else ""),
        ),
        "period_peaks": (
            pa.list_(pa.float64()), "d", "Periods of the candidates, the best first",
        ),
    }  # fmt: skip
    fields = [
        with_column_meta(pa.field(name, type_), ColumnMeta(unit=unit, description=text))
        for name, (type_, unit, text) in known.items()
    ]
    recorded = {**fields[0].metadata, b"skyseries_periods": json.dumps(parameters).encode()}
    return pa.schema([fields[0].with_metadata(recorded), *fields[1:]])


def _rank_terms(given: int | None, method: Method) -> int:
    if given is not None:
        return whole_number(given, "rank_terms", 0)
    return RANK_TERMS if method.name == "lombscargle" else 0


def _table(
    epochs: Epochs,
    schema: pa.Schema,
    method: Method,
    options: Mapping[str, Any],
    search: Search,
    n_peaks: int,
) -> pa.Table:
    segments = split_by_band(epochs)
    tell_too_long(segments, search)
    frequency, best = search_segments(segments, search, n_peaks, method, options)
    found = np.isfinite(frequency)
    count = found.sum(axis=1)
    periods = 1.0 / frequency
    nothing = count == 0
    offsets = np.zeros(epochs.size + 1, np.int32)
    np.cumsum(count, out=offsets[1:])
    lists = pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(periods[found]), mask=pa.array(nothing)
    )
    arrays = [
        pa.array(periods[:, 0], mask=nothing),
        pa.array(best[0], mask=nothing),
        pa.array(best[1], mask=~np.isfinite(best[1])),
        lists,
    ]
    return pa.Table.from_arrays(arrays, schema=schema)
