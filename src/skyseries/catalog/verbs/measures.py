"""Arguments that are measures of the rows of a catalog: errors, motions, epochs, in one unit.

What says its unit is converted; of a column the unit is looked up once, when the plan is made.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pyarrow as pa

from skyseries import adql
from skyseries.arrays import day_number, number
from skyseries.arrow import is_number
from skyseries.catalog import plan, run
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.names import check_columns, names_pair
from skyseries.errors import InputError, SchemaError
from skyseries.schema.columns import column_meta
from skyseries.schema.recognition import TIMES
from skyseries.schema.times import settled_times, time_unit_words, zero_point
from skyseries.units import conversion_factor, factor_to

__all__ = ["expression_in", "julian_year", "moving"]

_JULIAN = re.compile(r"[Jj]?\s*(\d{4}(?:\.\d*)?)")
_YEARS = (1800.0, 2200.0)
_MJD_OF_J2000, _DAYS_OF_YEAR = 51544.5, 365.25


def expression_in(held: CatalogBase, given: Any, unit: str, what: str) -> adql.Expr:
    """Return a number for all rows, a column, or an expression, in the unit that is needed.

    Parameters
    ----------
    held : CatalogBase
        Whose columns they are.
    given : number, Quantity or str
    unit : str
    what : str
        The name of the argument, for messages.

    Raises
    ------
    InputError
        If it is no number for each row, below zero, or in a unit that cannot be converted.
    """
    if not isinstance(given, str):
        value = number(given, unit, what)
        if not value >= 0:
            raise InputError(f"{what} must be 0 or more, not {given!r}")
        return adql.Constant(value, adql.Type.DOUBLE)
    expression = adql.resolve_value(given, held._scope())
    if expression.level is not None:
        raise InputError(f"{what}={given!r} has a value for each epoch, not for each row")
    if not (expression.type.is_number or expression.type is adql.Type.NULL):
        raise InputError(f"{what}={given!r} is a {expression.type.value}, not a number")
    return adql.in_needed_unit(expression, unit, f"{what}={given!r}")


def julian_year(value: Any, what: str) -> float:
    """Return an epoch as a Julian year.

    Parameters
    ----------
    value : number, Quantity, Time, date or str
        A year (``2016.0``, ``"J2016.0"``), or a moment.
    what : str
        The name of the argument, for messages.

    Raises
    ------
    InputError
        If it is none from 1800 to 2200, such as an MJD.
    """
    if isinstance(value, str):
        found = _JULIAN.fullmatch(value.strip())
        if found is None:
            raise InputError(f"{what}={value!r} is no epoch such as 2016.0 or 'J2016.0'")
        value = float(found[1])
    if hasattr(value, "jyear") or hasattr(value, "year"):  # Time, dates
        value = _year_of(day_number(value, what))
    year = number(value, "yr", what)
    if not _YEARS[0] <= year <= _YEARS[1]:
        raise InputError(
            f"{what}={year:.10g} is no Julian year from 1800 to 2200{_looks_like(year)}"
        )
    return year


def moving(
    left: CatalogBase,
    right: CatalogBase,
    epoch: Any,
    motions: tuple[Any, Any],
    epochs: tuple[Any, Any],
) -> tuple[plan.Motion | None, plan.Motion | None]:
    """Return how each side is moved to the epoch of the match.

    Parameters
    ----------
    left, right : CatalogBase
    epoch : year or None
        At which positions are compared.
    motions : two pairs of str, or None
        Columns of the proper motions of each side.
    epochs : two years or columns, or None
        Of the positions of each side.

    Raises
    ------
    InputError
        If an epoch is missing, is none, or has no effect.
    """
    if motions == (None, None):
        if epoch is not None or epochs != (None, None):
            raise InputError(
                "epochs have an effect with proper motions only: give left_pm= or right_pm=, or "
                "leave epoch=, left_epoch= and right_epoch= out"
            )
        return None, None
    at = [
        None if given is None else _epoch(held, given, f"{side}_epoch")
        for held, given, side in zip((left, right), epochs, ("left", "right"), strict=True)
    ]
    if epoch is None:
        to = at[1] if motions[1] is None or motions[0] is not None else at[0]
        if to is None or isinstance(to.of, plan.EpochColumn):
            raise InputError(
                "proper motions need the epoch to compare at: give epoch=, or left_epoch= and "
                "right_epoch= as years"
            )
        year = to.of
    else:
        year = julian_year(epoch, "epoch")
    sides = zip(("left", "right"), (left, right), motions, at, strict=True)
    first, second = (_motion(side, held, pm, own, year) for side, held, pm, own in sides)
    return first, second


class _Epoch(NamedTuple):
    """A year, or a column of them, and the limits of its years."""

    of: float | plan.EpochColumn
    low: float
    high: float


def _motion(
    side: str, held: CatalogBase, pm: Any, own: _Epoch | None, to: float
) -> plan.Motion | None:
    if pm is None:
        return None
    if own is None:
        raise InputError(f"{side}_pm is given without {side}_epoch, the year of the positions")
    pmra, pmdec = names_pair(pm, f"{side}_pm")
    factors = [
        factor_to(_unit_of(held, name, f"{side}_pm"), "mas/yr", f"column {name!r}")
        for name in (pmra, pmdec)
    ]
    motion = plan.Motion(pmra, pmdec, own.of, to, (factors[0], factors[1]))
    return motion.bounded(max(abs(to - own.low), abs(to - own.high)))


def _epoch(held: CatalogBase, given: Any, what: str) -> _Epoch:
    """Return a year, or the column of years, or of days, that a text names."""
    if not isinstance(given, str) or (given not in held.columns and _JULIAN.fullmatch(given)):
        year = julian_year(given, what)
        return _Epoch(year, year, year)
    candidates = _columns_of_years(held, given, what)
    limits = (0.0, 0.0)
    for recorded in (True, False):  # what is recorded is of all rows, whatever is filtered
        found = run.extent_of(held, given, recorded=recorded)
        if found is None:
            return _Epoch(candidates[0], 2000.0, 2000.0)
        limits = found
        for column in candidates:
            low, high = (limit * column.slope + column.zero for limit in limits)
            if low >= _YEARS[0] and high <= _YEARS[1]:
                return _Epoch(column, low, high)
    raise InputError(
        f"{what}: column {given!r} goes from {limits[0]:.10g} to {limits[1]:.10g}: these are no "
        f"Julian years from 1800 to 2200{_looks_like(limits[1], 'give it such a name by rename()')}"
    )


def _columns_of_years(held: CatalogBase, name: str, what: str) -> list[plan.EpochColumn]:
    """Return what a column can be, by what it says: years, or days in some format."""
    unit = _unit_of(held, name, what)
    days = not unit or _in_days(unit)
    words = (dict(TIMES.get(name.lower(), {})) if days else {}) | (time_unit_words(unit) or {})
    if said := (held.schema.field(name).metadata or {}).get(b"time_format"):
        words["time_format"] = said.decode()
    if not words and not (unit and days):
        return [plan.EpochColumn(name, factor_to(unit, "yr", f"{what}: column {name!r}"))]
    settled = settled_times(words.get("time_format"), None, None)[0]
    per_day = conversion_factor(unit, "d") if unit and days else 1.0
    found = [
        plan.EpochColumn(name, per_day / _DAYS_OF_YEAR, _year_of(zero_point(time_format)))
        for time_format in ([settled] if settled else ["mjd", "jd"])
    ]
    return found if settled else [*found, plan.EpochColumn(name, per_day / _DAYS_OF_YEAR)]


def _in_days(unit: str) -> bool:
    """Return whether a unit is of time, and shorter than a year, as those of dates are."""
    try:
        return conversion_factor(unit, "d") < 300.0
    except ValueError:
        return False


def _unit_of(held: CatalogBase, column: str, what: str) -> str:
    """Return the unit that a column of numbers says."""
    if column not in held.columns:
        check_columns([column], held.schema)
        raise SchemaError(f"{what}: {column!r} is a field of a light curve, not a column")
    field = held.schema.field(column)
    known = is_number(field.type)
    if not (known or pa.types.is_null(field.type)):
        raise SchemaError(f"{what}: column {column!r} is {field.type}, not a number")
    return column_meta(field).unit


def _year_of(mjd: float) -> float:
    return 2000.0 + (mjd - _MJD_OF_J2000) / _DAYS_OF_YEAR


def _looks_like(value: float, advice: str = "") -> str:
    """Return what a number that is no year may be."""
    for name, zero in (("MJD", 0.0), ("JD", 2400000.5)):
        year = _year_of(value - zero)
        if value > _YEARS[1] and _YEARS[0] <= year <= _YEARS[1]:
            words = advice and f"; {advice}"
            return f"; {value:.10g} looks like {name}, which is the year {year:.7g}{words}"
    return ""
