"""The light curves of one star in several surveys as one, with bands of their own for each survey.

Each band has a mean of its own in every search, so that an offset between surveys does not
matter; what must be common is brought to one: times to MJD of one scale, values to magnitudes or to
fluxes of one unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.errors import InputError
from skyseries.lazy import pc
from skyseries.nested.flat import read_only, take
from skyseries.schema import ColumnMeta, LightCurveFields, with_column_meta
from skyseries.schema.times import zero_point
from skyseries.timeseries.barycentre import at_barycentre
from skyseries.timeseries.epochs import Epochs, is_flagged, iter_epochs, nested_column
from skyseries.timeseries.lightcurve import LightCurve
from skyseries.timeseries.measured import Measured, field_units, measured_field, with_units
from skyseries.timeseries.nesting import to_nested
from skyseries.units import factor_to

__all__ = ["join_columns", "joined", "joined_fields"]

_SCALES = ("utc", "tai", "tt", "tdb", "tcb", "tcg")
"""Those between which times are brought without tables of the rotating Earth."""


def joined(
    curves: Mapping[str, LightCurve] | Iterable[LightCurve], names: Sequence[str] | None = None
) -> LightCurve:
    """Make one light curve of several of one star, for a search in all of them together.

    Parameters
    ----------
    curves : mapping from str to LightCurve, or iterable of LightCurve
        By the name of the survey.
    names : sequence of str, optional
        Names of the surveys, where `curves` has none; by default ``1``, ``2``, ...

    Returns
    -------
    LightCurve
        Bands are called ``survey.band``, or ``survey`` where there are none. Times are MJD where
        their formats are known; scales that differ have become TDB. Values are magnitudes if all
        are; fluxes of one unit, nJy if they differ; magnitudes beside fluxes become nJy (AB).

    Raises
    ------
    InputError
        If formats, scales, reference positions or units differ and one is not known or cannot
        be converted, or if only some have errors.

    Examples
    --------
    >>> from skyseries.timeseries import as_lightcurve
    >>> one = as_lightcurve([1, 2], [15.2, 15.4], 0.02, "g", magnitude=True)
    >>> joined({"ztf": one, "rubin": one})
    <LightCurve: 4 epochs in rubin.g, ztf.g over 1 d>
    """
    if isinstance(curves, Mapping):
        if names is not None:
            raise InputError("the light curves have names already: leave out names=")
        names, parts = [str(name) for name in curves], list(curves.values())
    else:
        parts = list(curves) if isinstance(curves, Iterable) else [curves]
        names = [str(k + 1) for k in range(len(parts))] if names is None else list(names)
    if len(names) != len(parts):
        raise InputError(f"there are {len(names)} names for {len(parts)} light curves")
    nested = [to_nested([curve]) for curve in parts]
    fields = [roles for _, roles in nested]
    column = join_columns([part for part, _ in nested], fields, names)
    known = next((c for c in parts if c.ra is not None), parts[0])
    ids = [curve.id for curve in parts if curve.id is not None]
    return LightCurve.from_struct(
        column[0], joined_fields(fields, names),
        id=ids[0] if ids else None, ra=known.ra, dec=known.dec,
    )  # fmt: skip


def joined_fields(
    fields: Sequence[LightCurveFields], names: Sequence[str], *, barycentric: bool = False
) -> LightCurveFields:
    """Return the roles of the column that `join_columns` gives; InputError as for `joined`.

    Parameters
    ----------
    fields : sequence of LightCurveFields
        With the units of fluxes.
    names : sequence of str
        Of the surveys.
    barycentric : bool
        Whether times are brought to the barycentre. Heliocentric ones, which are within 4 s of
        it, are taken as they are.
    """
    if not fields or len(set(names)) < len(names):
        raise InputError(f"light curves of surveys need names, each another one, not {list(names)}")
    formats = _one_or_known([f.time_format for f in fields], names, "time_format")
    scales = _one_or_known([f.time_scale for f in fields], names, "time_scale")
    places = _one_or_known([f.refposition for f in fields], names, "refposition")
    scale = scales[0] if len(scales) == 1 else "tdb"
    place = places[0] if len(places) == 1 else None
    if wrong := [word for word in scales if len(scales) > 1 and word not in _SCALES]:
        raise InputError(
            f"times in {str(wrong[0]).upper()} cannot be brought to one scale with others; those "
            f"that can are {', '.join(_SCALES)}"
        )
    if barycentric:
        scale, place = "tdb" if scale else None, "barycenter"
    elif len(places) > 1:
        raise InputError(
            f"the reference positions of the times differ ({_told(fields, names, 'refposition')}): "
            "by up to 8 minutes; barycentric=True brings those of an observatory to the barycentre"
        )
    measured, errors = _common(fields, names)
    value = "mag" if measured[0].is_magnitude else "flux"
    unit = measured[0].unit if len({m.unit for m in measured}) == 1 else "nJy"
    return LightCurveFields(
        time="time", band="band",
        flag="flag" if any(f.flag for f in fields) else None,
        time_format="mjd" if formats[0] is not None else None,
        time_scale=scale, refposition=place,
        flux_unit=None if value == "mag" else unit or None,
        **{value: value, f"{value}_err": f"{value}_err" if errors else None},
    )  # fmt: skip


def join_columns(
    columns: Sequence[pa.StructArray | pa.ChunkedArray],
    fields: Sequence[LightCurveFields],
    names: Sequence[str],
    *,
    barycentric: bool = False,
    location: Any = None,
    ra: Any = None,
    dec: Any = None,
    units: Sequence[Mapping[str, str]] | None = None,
) -> pa.StructArray:
    """Return one nested column of several, row by row; the epochs of the first survey first.

    Parameters
    ----------
    columns : sequence of (n,) struct arrays of lists
    fields : sequence of LightCurveFields
        Of each column.
    names : sequence of str
        Of the surveys.
    barycentric, location, ra, dec
        As for `compute_periods`.
    units : sequence of mapping from str to str, optional
        The units of fields of each column, where they do not say them.
    """
    plain = [_one_chunk(column) for column in columns]
    said = [{**field_units(c.type), **(units[k] if units else {})} for k, c in enumerate(plain)]
    fields = [with_units(f, u) for f, u in zip(fields, said, strict=True)]
    whole = joined_fields(fields, names, barycentric=barycentric)
    measured, _ = _common(fields, names)
    unit = measured_field(whole).unit
    found, flags, bands = [], [], []
    for column, roles, what, own, name in zip(plain, fields, measured, said, names, strict=True):
        chunks = iter_epochs(column, replace(roles, flag=None), what, None, own, all_bands=True)
        scale = roles.time_scale
        if barycentric and roles.refposition not in ("heliocenter", "barycenter"):
            chunks, scale = at_barycentre(chunks, roles, ra, dec, location), "tdb"
        epochs = _scaled(next(chunks), factor_to(what.unit, unit, f"the values of {name!r}"))
        zero = 0.0 if roles.time_format is None else zero_point(roles.time_format)
        found.append(replace(epochs, time=_in_scale(epochs.time + zero, scale, whole.time_scale)))
        flags.append(_flagged(column, roles, epochs))
        bands.append(_named(epochs, name, roles))
    return _merged(found, flags, bands, whole)


def _one_or_known(words: list[str | None], names: Sequence[str], role: str) -> list[str | None]:
    """Return the different words; InputError if one is not known, and others are."""
    different = list(dict.fromkeys(words))
    if len(different) > 1 and None in different:
        unknown = names[words.index(None)]
        known = next(f"{n} {w}" for n, w in zip(names, words, strict=True) if w is not None)
        raise InputError(
            f"the {role} of the light curves {unknown!r} is not known, and that of {known}: say it "
            f"with {role}= (set_lightcurve of a catalog, as_lightcurve of arrays)"
        )
    return different


def _told(fields: Sequence[LightCurveFields], names: Sequence[str], role: str) -> str:
    return ", ".join(f"{n} {getattr(f, role)}" for n, f in zip(names, fields, strict=True))


def _common(
    fields: Sequence[LightCurveFields], names: Sequence[str]
) -> tuple[list[Measured], bool]:
    """Return what is measured in each survey, in one unit, and whether there are errors."""
    in_mag = all(f.mag is not None for f in fields)
    found = [measured_field(f, None if in_mag else "flux") for f in fields]
    errors = [m.error is not None for m in found]
    if len(set(errors)) > 1:
        raise InputError(
            f"the light curves {names[errors.index(False)]!r} have no errors, but those of "
            f"{names[errors.index(True)]!r} have, by which they would be weighed: give all errors "
            "or none"
        )
    if len({m.unit for m in found}) > 1:
        for name, m in zip(names, found, strict=True):
            if not m.unit:
                raise InputError(
                    f"the unit of the fluxes of {name!r} is not known, and that of others is: say "
                    "it with flux_unit= (set_lightcurve of a catalog, as_lightcurve of arrays)"
                )
            factor_to(m.unit, "nJy", f"the flux of {name!r}")
    return found, all(errors)


def _scaled(epochs: Epochs, factor: float) -> Epochs:
    if factor == 1.0:
        return epochs
    kind = epochs.value.dtype.type
    return replace(epochs, value=epochs.value * kind(factor), error=epochs.error * kind(factor))


def _one_chunk(column: Any) -> pa.StructArray:
    column = nested_column(column)
    if not isinstance(column, pa.ChunkedArray):
        return column
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _in_scale(
    mjd: NDArray[np.float64], scale: str | None, target: str | None
) -> NDArray[np.float64]:
    from astropy.time import Time

    there = np.isfinite(mjd)
    if scale == target or not there.any():
        return mjd
    moved = mjd.copy()
    moved[there] = getattr(Time(mjd[there], format="mjd", scale=scale), str(target)).mjd
    return moved


def _flagged(column: pa.StructArray, fields: LightCurveFields, epochs: Epochs) -> NDArray[np.bool_]:
    if fields.flag is None:
        return np.zeros(epochs.time.size, np.bool_)
    lists = pc.struct_field(column, fields.flag)
    return is_flagged(pc.list_flatten(lists), fields.flag)


def _named(epochs: Epochs, name: str, fields: LightCurveFields) -> pa.Array:
    """Return the band of each epoch under the name of its survey."""
    known = [name if fields.band is None else f"{name}.{band}" for band in epochs.bands]
    code = pa.array(epochs.code, mask=epochs.code < 0)
    return pa.array(known, pa.string()).take(code)


def _merged(
    parts: list[Epochs],
    flags: list[NDArray[np.bool_]],
    bands: list[pa.Array],
    fields: LightCurveFields,
) -> pa.StructArray:
    """Return the epochs of all surveys, those of one row together."""
    if len({part.size for part in parts}) > 1:
        raise InputError(f"columns of {[part.size for part in parts]} light curves do not match")
    lengths = np.array([np.diff(part.offsets) for part in parts])
    offsets = np.concatenate([[0], np.cumsum(lengths.sum(axis=0))])
    row = np.concatenate([np.repeat(np.arange(part.size), np.diff(part.offsets)) for part in parts])
    order = read_only(np.argsort(row, kind="stable"))
    values: dict[str, pa.Array] = {
        fields.time: pa.array(np.concatenate([part.time for part in parts])),
        "band": pa.concat_arrays(bands),
        fields.value: pa.array(np.concatenate([part.value for part in parts])),
    }
    if fields.error is not None:
        values[fields.error] = pa.array(np.concatenate([part.error for part in parts]))
    if fields.flag is not None:
        values[fields.flag] = pa.array(np.concatenate(flags))
    unit = measured_field(fields).unit
    said = {fields.time: "d", fields.value: unit, fields.error: unit}
    lists = [
        pa.LargeListArray.from_arrays(pa.array(offsets), take(found, order))
        for found in values.values()
    ]
    inner = [
        with_column_meta(pa.field(name, made.type), ColumnMeta(unit=said.get(name, "")))
        for name, made in zip(values, lists, strict=True)
    ]
    return pa.StructArray.from_arrays(lists, fields=inner)
