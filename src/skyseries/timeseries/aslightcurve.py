"""The one way in: a light curve of whatever holds one."""

from __future__ import annotations

from typing import Any

from skyseries.timeseries.intake import parts_of
from skyseries.timeseries.lightcurve import LightCurve

__all__ = ["as_lightcurve"]


def as_lightcurve(
    t: Any,
    y: Any = None,
    dy: Any = None,
    band: Any = None,
    *,
    magnitude: bool | None = None,
    flag: Any = None,
    id: int | str | None = None,
    ra: Any = None,
    dec: Any = None,
    **roles: str | None,
) -> LightCurve:
    """Make a light curve of whatever holds one.

    Parameters
    ----------
    t : (n,) array of any library, sequence, Time or dates; or an object that holds all
        Times as for `periodogram`. An object is a `LightCurve`, a row of a nested column, a
        TimeSeries of astropy, a LightCurve of lightkurve, or a table of pandas, polars, Arrow or
        astropy or a dict of columns, with the epochs of one star. Its columns are recognised by
        their names, or named by `roles`; what they say of units and times counts. An error column
        without any number is none.
    y : (n,) array, optional
        Values; None where `t` holds all.
    dy : (n,) array or float, optional
        Errors, in the unit of the values or one of their own.
    band : (n,) sequence or one band, optional
        Text or whole numbers; or the name of the column of a table.
    magnitude : bool, optional
        Whether the values are magnitudes. None: their unit says it, or the name of the column.
    flag : (n,) array of bool, or text, optional
        True (or not zero): the epoch is bad. Or the name of the column of a table. None: the
        column that is recognised, but where lightkurve has left out bad epochs itself.
    id : int or str, optional
        None: that of the table, if it has one.
    ra, dec : float, optional
        Degrees, ICRS; or a SkyCoord as `ra`. None: what the header of a TimeSeries says.
    **roles
        Of a table, names of columns: ``time="HJD"``, ``mag="V"``, ``mag_err="e"``, ``flux=``,
        ``flux_err=``; of arrays, what the values are called in results: ``flux="psfFlux"``.
        ``time_format``, ``time_scale``, ``refposition``, ``flux_unit``: as in `LightCurveFields`.

    Returns
    -------
    LightCurve
        Times as they are; Time and dates as MJD.

    Raises
    ------
    InputError
        Where it is not known whether the values are magnitudes, a table has several stars, rows
        differ in length, or something is no time, number, band or flag.
    SchemaError
        If the columns of a table are not recognised, or one that is named is not there.

    Examples
    --------
    >>> as_lightcurve([1, 2, 4], [15.2, 15.4, 15.1], 0.02, "g", magnitude=True)
    <LightCurve: 3 epochs in g over 3 d>
    """
    others = {"error": dy, "bands": band, "flag": flag, "id": id, "ra": ra, "dec": dec}
    parts = parts_of(t, y, others, magnitude, roles)
    return t if isinstance(t, LightCurve) else LightCurve(**parts._asdict())
