"""The best periods of every light curve of a nested column."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from skyseries.errors import InputError
from skyseries.schema import ColumnMeta, LightCurveFields, with_column_meta
from skyseries.timeseries.barycentre import at_barycentre
from skyseries.timeseries.epochs import Epochs, iter_epochs
from skyseries.timeseries.kernels.search import search_periods
from skyseries.timeseries.measured import measured_field
from skyseries.timeseries.periodogram import floor_terms, frequency_limits
from skyseries.timeseries.segments import split_by_band

if TYPE_CHECKING:
    from astropy.coordinates import EarthLocation

__all__ = ["MIN_SPARE_EPOCHS", "compute_periods", "period_schema"]

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
    oversampling: float = 5,
    nterms: int = 1,
    barycentric: bool = False,
    ra: ArrayLike | None = None,
    dec: ArrayLike | None = None,
    location: EarthLocation | tuple[float, float, float] | None = None,
) -> pa.Table:
    """Search every light curve of a nested column for its period.

    A multiband Lomb-Scargle periodogram with one phase and amplitude for all bands and a floating
    mean for each (VanderPlas & Ivezic 2015, ApJ 812, 18), on the frequencies from 1 / max_period
    to 1 / min_period in steps of 1 / (oversampling x time span), with the highest peaks refined.
    Epochs are left out as for `compute_features`; all bands that are there are used.

    Parameters
    ----------
    column : (n,) struct array of equally long lists
    fields : LightCurveFields
    min_period, max_period : float
        Days.
    n_peaks : int
        How many candidates are listed. Two of them differ in frequency by more than 1 / time span
        before refinement.
    error_floor : float, optional
        Added in quadrature to the errors, in the unit of the values, for what the model cannot
        follow. None: a quarter of the standard deviation of the values of each band, which needs
        no unit and finds as many Stripe 82 RR Lyrae as the best fixed floor, 0.1 mag (301 stars;
        the first peak is right for 80.1 %, one of five for 99.7 %, as against 80.4 and 99.7; with
        one band a night 75.1 and 97.3 % as against 70.8 and 98.0; with no floor 75.4 and 98.3,
        52.8 and 89.4).
    oversampling : float
    nterms : int
        Harmonics of the shared model. More than one is slower by an order of magnitude.
    barycentric : bool
        Bring the times to the solar-system barycentre, in TDB, where the observatory is their
        reference position (`barycentric_times`).
    ra, dec : (n,) array_like, optional
        Positions of the objects, degrees, ICRS; needed for `barycentric`.
    location : EarthLocation or tuple, optional
        The observatory; by default Rubin's.

    Returns
    -------
    pyarrow.Table
        n rows with the schema of `period_schema`. NULL where there is no period: fewer epochs
        than the unknowns and two more (``n < n_bands + 2 nterms + 2``, counting only bands with
        two epochs or more: five in one band), all at one time, values that do not vary, or
        a time span that asks for more than 5e7 frequencies. ``period_fap`` is NULL for
        ``nterms > 1``.

    Raises
    ------
    InputError
        For limits out of order, or lists of unequal length. With `barycentric` also where format,
        scale or reference position of the times are not known.
    SchemaError
        If a field is missing or of a wrong type.
    """
    schema = period_schema(
        min_period=min_period, max_period=max_period, n_peaks=n_peaks,
        error_floor=error_floor, oversampling=oversampling, nterms=nterms,
    )  # fmt: skip
    limits = frequency_limits(min_period, max_period)
    floor = floor_terms(error_floor)
    chunks = iter_epochs(column, fields, measured_field(fields), None, all_bands=True)
    if barycentric:
        chunks = at_barycentre(chunks, fields, ra, dec, location)
    tables = [
        _table(epochs, schema, limits, n_peaks, floor, float(oversampling), nterms)
        for epochs in chunks
    ]
    return pa.concat_tables(tables) if tables else schema.empty_table()


def period_schema(
    *,
    min_period: float = 0.1,
    max_period: float = 100.0,
    n_peaks: int = 5,
    error_floor: float | None = None,
    oversampling: float = 5,
    nterms: int = 1,
) -> pa.Schema:
    """Return the schema of `compute_periods` for these parameters, without any data.

    The parameters themselves are recorded as JSON under the key ``skyseries_periods`` of the
    metadata of the field ``period``.
    """
    frequency_limits(min_period, max_period)
    if n_peaks < 1 or nterms < 1 or not oversampling >= 1:
        raise InputError(
            "n_peaks, nterms and oversampling must be 1 or more, "
            f"not {n_peaks}, {nterms}, {oversampling}"
        )
    floor, fraction = floor_terms(error_floor)
    parameters = {
        "method": "multiband Lomb-Scargle, shared phase, floating mean per band",
        "min_period": min_period, "max_period": max_period, "n_peaks": n_peaks,
        "error_floor": floor, "error_floor_scatter_fraction": fraction,
        "oversampling": oversampling, "nterms": nterms,
    }  # fmt: skip
    known = {
        "period": (pa.float64(), "d", "Period at the highest peak of the periodogram"),
        "period_power": (
            pa.float64(), "",
            "Power at the highest peak: the share of chi2 that the model takes away, 0 to 1",
        ),
        "period_fap": (
            pa.float64(), "",
            "Chance that noise alone gives a peak as high (Baluev 2008, an upper limit)",
        ),
        "period_peaks": (
            pa.list_(pa.float64()), "d", "Periods of the highest peaks, the best first",
        ),
    }  # fmt: skip
    fields = [
        with_column_meta(pa.field(name, type_), ColumnMeta(unit=unit, description=text))
        for name, (type_, unit, text) in known.items()
    ]
    recorded = {**fields[0].metadata, b"skyseries_periods": json.dumps(parameters).encode()}
    return pa.schema([fields[0].with_metadata(recorded), *fields[1:]])


def _table(
    epochs: Epochs,
    schema: pa.Schema,
    limits: tuple[float, float],
    n_peaks: int,
    floor: tuple[float, float],
    oversampling: float,
    nterms: int,
) -> pa.Table:
    segments = split_by_band(epochs)
    frequency = np.empty((epochs.size, n_peaks))
    best = np.empty((2, epochs.size))
    search_periods(
        segments.time, segments.value, segments.error, segments.offsets, len(epochs.bands),
        limits, oversampling, nterms, *floor, MIN_SPARE_EPOCHS, frequency, best,
    )  # fmt: skip
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
