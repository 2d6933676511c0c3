"""``docs/meaning.md``: units, missing values, times and names, from the tables that are used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from skyseries.schema.recognition import (
    FLUX_UNITS,
    NAMES,
    PAN_STARRS_TIME,
    POSITION_NAMES,
    TIMES,
)
from skyseries.schema.times import IMPLIED, REFPOSITIONS, TIME_FORMATS, TIME_SCALES

__all__ = ["main", "meaning_page"]

_HEAD = """# What data mean

Written by `python -m skyseries.schema.meaning_page`, from the tables that the code uses.

## Units

One rule holds for columns of files and tables, for arrays, arguments and options: what says its
unit is converted to the unit that is needed; a unit of another kind, or one that is not known, is
an error that names it; what says nothing is in the unit needed. Units are read as FITS, VOTable,
ECSV, Parquet and astropy write them (`mas/yr`, `mas.yr**-1`, `mag(AB)`).

| what | needed in |
| --- | --- |
| positions, limits of regions, `ra`, `dec` | degrees, ICRS; a `SkyCoord` stands for both |
| radii and distances of matches, positional errors | arcsec |
| proper motions | mas/yr, `pmra` with the factor cos(dec) |
| epochs of positions | Julian years |
| times of light curves, periods, durations | days |
| frequencies | 1/d |
| magnitudes and their errors | mag |
| fluxes | any; their errors in the unit of the fluxes |

An import converts positions, times, magnitudes and errors for good, and says so in its report; the
columns say their new unit. All other columns stay as they are and keep theirs. Expressions take
columns as they are: to compare or add two whose units differ by a factor is an error, and
`IN_UNIT(flux_err, 'nJy')` converts.

## Missing values

Masked values of NumPy and astropy, NA of pandas, nulls of Arrow and polars, NaN and None are one
thing: no value. What lies under a mask never counts. Bands that are missing, or are nothing but
blanks, are no bands; blanks around a band are taken off.

## Times

"""

_MIDDLE = """
Of dates (timestamps, `datetime64`, text such as `2026-01-31T04:05:06`) and of astropy's `Time` the
MJD is taken. Other offsets are written `jd-2450000`. Scales: {scales}. Reference positions:
{places}. Words are taken in any case; a format that implies a scale or a place (below) cannot be
combined with another.

| format | MJD of its zero | implies |
| --- | --- | --- |
"""

_NAMES = """
## Names

Columns are recognised by these names, in any case; if two columns differ in their case only, the
exact name is taken. The first in a row wins. An import prints what it has recognised.

| role | names |
| --- | --- |
"""

_TAIL = """
The errors of `x` are `xErr`, `x_err`, `xerr`, `x_error`, `e_x`, `sigma_x`, `x_unc` and the like, or
a plain `error`, `err`, `sigma` where there is one value only.

| name | says |
| --- | --- |
"""


def meaning_page() -> str:
    """Return the page as Markdown."""
    middle = _MIDDLE.format(scales=", ".join(TIME_SCALES), places=", ".join(REFPOSITIONS))
    parts = [
        _HEAD, middle.lstrip(), *_formats(), _NAMES, *_names(), _TAIL, *_said(),
    ]  # fmt: skip
    return "".join(parts)


def _formats() -> Iterator[str]:
    for name, zero in TIME_FORMATS.items():
        yield f"| `{name}` | {zero:.1f} | {_words(IMPLIED.get(name, {}))} |\n"
    for name, said in IMPLIED.items():
        if name not in TIME_FORMATS:
            yield f"| `{name}` | as `{said['time_format']}` | {_words(said)} |\n"


def _names() -> Iterator[str]:
    pairs = ", ".join(f"`{ra}` `{dec}`" for ra, dec in POSITION_NAMES)
    yield f"| position | {pairs} |\n"
    for role, names in NAMES.items():
        yield f"| {role} | {', '.join(f'`{name}`' for name in names)} |\n"


def _said() -> Iterator[str]:
    for name, said in TIMES.items():
        yield f"| `{name}` | {', '.join(said.values())} |\n"
    for name, unit in FLUX_UNITS.items():
        other = f"; beside `{PAN_STARRS_TIME}` Jy" if unit == "nJy" else ""
        yield f"| `{name}` | {unit}, if it says no unit{other} |\n"


def _words(said: dict[str, str]) -> str:
    return ", ".join(word for key, word in said.items() if key != "time_format")


def main(arguments: list[str]) -> None:
    """Write the page to the file named, or to standard output."""
    if arguments:
        Path(arguments[0]).write_text(meaning_page(), encoding="utf-8")
    else:
        sys.stdout.write(meaning_page())


if __name__ == "__main__":
    main(sys.argv[1:])
