"""The best periods of every light curve of a nested column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from skyseries.arrays import true_or_false
from skyseries.errors import InputError
from skyseries.executors import report_progress
from skyseries.jit import expect
from skyseries.schema import LightCurveFields
from skyseries.timeseries.barycentre import at_barycentre
from skyseries.timeseries.curve import floor_terms
from skyseries.timeseries.epochs import Epochs, iter_epochs, nested_column
from skyseries.timeseries.given import whole_number
from skyseries.timeseries.kernels.search import Search
from skyseries.timeseries.measured import Measured, field_units, measured_field, with_units
from skyseries.timeseries.periods.columns import (
    Found,
    band_prefix,
    band_prefixes,
    period_columns,
    period_table,
)
from skyseries.timeseries.periods.limits import given_limits
from skyseries.timeseries.periods.methods import Method, find_method
from skyseries.timeseries.periods.periodogram import oversampling_of
from skyseries.timeseries.periods.searching import (
    choose_periods,
    in_magnitudes,
    search_segments,
    solve_segments,
)
from skyseries.timeseries.periods.unsearched import tell_unsearched
from skyseries.timeseries.segments import Segments, split_by_band

if TYPE_CHECKING:
    from astropy.coordinates import EarthLocation

__all__ = ["MIN_SPARE_EPOCHS", "compute_periods", "period_schema"]

_EPOCHS_AT_ONCE = 400
"""Between them, a second at most, a search can be interrupted."""

MIN_SPARE_EPOCHS = 2
"""How many more epochs than unknowns (means and harmonics) a period needs."""


def compute_periods(
    column: pa.StructArray | pa.ChunkedArray,
    fields: LightCurveFields,
    *,
    min_period: float | None = None,
    max_period: float | None = None,
    n_peaks: int = 5,
    error_floor: float | None = None,
    oversampling: float | None = None,
    ranked: bool | None = None,
    method: str = "lombscargle",
    bands: Sequence[str | int] | None = None,
    single_bands: bool = False,
    barycentric: bool = False,
    ra: ArrayLike | None = None,
    dec: ArrayLike | None = None,
    location: EarthLocation | tuple[Any, Any, Any] | None = None,
    units: Mapping[str, str] | None = None,
    **options: Any,
) -> pa.Table:
    """Search every light curve of a nested column for its period.

    By default a multiband Lomb-Scargle periodogram with one phase and amplitude for all bands and
    a floating mean for each (VanderPlas & Ivezic 2015, ApJ 812, 18), in steps of
    1 / (oversampling x time span), whose highest peaks are refined and ranked by the evidence of
    the shapes of stars, of fluxes on the scale of magnitudes; binaries come with their orbit. What
    may be wrong with a period says ``period_flag`` in one word. See docs/periods.md for the
    columns. Epochs are left out as for `compute_features`; all bands that are there are used. Long
    grids are searched in chunks: memory does not grow with the number of frequencies.

    Parameters
    ----------
    column : (n,) struct array of equally long lists
        Fields that say a unit are converted, as for `compute_features`.
    fields : LightCurveFields
    min_period, max_period : float, optional
        Days, or with a unit. None: what each light curve can tell. The longest is its time span,
        the shortest 0.04 d, or twice the usual gap between epochs where they are evenly spaced or
        that is less.
    n_peaks : int
        How many candidates are listed. Two of them differ in frequency by more than 1 / time span
        before refinement.
    error_floor : float, optional
        Added in quadrature to the errors, in the unit of the values or with one of its own, for
        what the sinusoid cannot follow. None: a quarter of the standard deviation of the values of
        each band, which needs no unit and finds as many Stripe 82 RR Lyrae as the best fixed
        floor, 0.1 mag.
    oversampling : float, optional
        None: the method's own, 5 for Lomb-Scargle.
    ranked : bool, optional
        Whether peaks are ranked by evidence, and orbits are told from halves of them. Without an
        alias by a day often stands first. None: for Lomb-Scargle, not for others.
    method : {"lombscargle", "mhaov", "bls", "pdm", "ce", "stringlength"}
        See docs/periods.md.
    bands : sequence of str or int, optional
        Bands that get columns of their own, ``g_period_amplitude``: ``band1_...`` where bands are
        numbers, ``ztf_g_...`` for ``ztf.g`` of `joined` light curves, ``period_amplitude`` where
        there are no bands. The period is that of all bands.
    single_bands : bool
        Search each of `bands` alone as well: ``g_period``, ``g_period_err``, ``g_period_power``,
        ``g_period_fap``, ``g_period_fap_red``, ``g_period_flag``.
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
        If time spans ask for more than 5e7 frequencies.
    """
    column = nested_column(column)
    units = {**field_units(column.type), **(units or {})}
    fields = with_units(fields, units)
    measured = measured_field(fields)
    schema = period_schema(
        fields, min_period=min_period, max_period=max_period, n_peaks=n_peaks,
        error_floor=error_floor, oversampling=oversampling, ranked=ranked, method=method,
        bands=bands, single_bands=single_bands, **options,
    )  # fmt: skip
    found = find_method(method)
    settled = found.settle(options)
    if settled.get("dips") == "faint" and measured.is_magnitude:
        settled["dips"] = "up"
    shortest, longest = given_limits(min_period, max_period)
    search = Search(
        1.0 / longest, 1.0 / shortest,
        oversampling_of(found.oversampling(settled) if oversampling is None else oversampling),
        settled.get("nterms", 1),
        _is_ranked(ranked, found),
        *floor_terms(error_floor, measured.unit),
        found.spare(settled),
        1.0 if measured.is_magnitude else -1.0,
    )  # fmt: skip
    expect(f"periods.{found.name}")
    chunks = iter_epochs(column, fields, measured, None, units, all_bands=True)
    if true_or_false(barycentric, "barycentric"):
        chunks = at_barycentre(chunks, fields, ra, dec, location)
    prefixes, is_single = _columns_of_bands(fields, bands, single_bands)
    alone = prefixes if is_single else ()
    whole = found.name == "lombscargle"
    at_once = _EPOCHS_AT_ONCE if whole else _EPOCHS_AT_ONCE // 10  # others take far longer
    tables = [schema.empty_table()]
    for epochs in chunks:
        for block in epochs.blocks(at_once):
            report_progress(sum(map(len, tables)) / max(len(column), 1))
            tables.append(
                _table(block, schema, found, settled, search, int(n_peaks), measured, alone)
            )
    return pa.concat_tables(tables)


def period_schema(
    fields: LightCurveFields | None = None,
    *,
    min_period: float | None = None,
    max_period: float | None = None,
    n_peaks: int = 5,
    error_floor: float | None = None,
    oversampling: float | None = None,
    ranked: bool | None = None,
    method: str = "lombscargle",
    bands: Sequence[str | int] | None = None,
    single_bands: bool = False,
    **options: Any,
) -> pa.Schema:
    """Return the schema of `compute_periods` for these parameters, without any data.

    The parameters themselves are recorded as JSON under the key ``skyseries_periods`` of the
    metadata of the field ``period``: days, and the unit of the values.

    Parameters
    ----------
    fields : LightCurveFields, optional
        Needed for an `error_floor` with a unit.
    min_period, max_period, n_peaks, error_floor, oversampling, ranked, method, **options
        As for `compute_periods`.
    bands, single_bands
        As for `compute_periods`: they decide which columns there are.
    """
    found = find_method(method)
    settled = found.settle(options)
    shortest, longest = given_limits(min_period, max_period)
    if found.check_periods is not None:
        found.check_periods(settled, np.inf if np.isnan(longest) else longest)
    measured = None if fields is None else measured_field(fields)
    floor, fraction = floor_terms(error_floor, "" if measured is None else measured.unit)
    parameters = {
        "method": found.title,
        "min_period": None if np.isnan(shortest) else shortest,
        "max_period": None if np.isnan(longest) else longest,
        "n_peaks": whole_number(n_peaks, "n_peaks"),
        "error_floor": floor, "error_floor_scatter_fraction": fraction,
        "oversampling": oversampling_of(
            found.oversampling(settled) if oversampling is None else oversampling
        ),
        "ranked": _is_ranked(ranked, found), **settled,
    }  # fmt: skip
    prefixes, is_single = _columns_of_bands(fields, bands, single_bands)
    return period_columns(found, parameters, measured, prefixes, is_single)


def _columns_of_bands(
    fields: LightCurveFields | None, bands: Any, single_bands: Any
) -> tuple[tuple[str, ...], bool]:
    """Return what the columns of the bands begin with, and whether each is searched alone."""
    is_single = true_or_false(single_bands, "single_bands")
    prefixes = band_prefixes(bands)
    if fields is not None and fields.band is None:
        return ("",), False
    if is_single and not prefixes:
        raise InputError("single_bands=True needs to know the bands: say which, bands=['g', 'r']")
    return prefixes, is_single


def _is_ranked(given: bool | None, method: Method) -> bool:
    return method.name == "lombscargle" if given is None else true_or_false(given, "ranked")


def _table(
    epochs: Epochs,
    schema: pa.Schema,
    method: Method,
    options: Mapping[str, Any],
    search: Search,
    n_peaks: int,
    measured: Measured,
    alone: Sequence[str],
) -> pa.Table:
    segments = split_by_band(epochs, is_magnitude=measured.is_magnitude)
    tell_unsearched(segments, search)

    def found_in(part: Segments) -> Found:
        peaks = search_segments(part, search, n_peaks, method, options)
        shapes = (part, search)
        if not measured.is_magnitude:
            shapes = in_magnitudes(part, search, has_errors=measured.error is not None)
        choice = choose_periods(*shapes, peaks, n_peaks, method.shape)
        return Found(part.bands, peaks, choice, solve_segments(part, search, choice))

    singles = [
        found_in(segments.only(k))
        for k, band in enumerate(segments.bands)
        if band_prefix(band) in alone
    ]
    return period_table(schema, found_in(segments), singles)
