"""Pairs of rows that are near each other on the sky, by the kernel of matches.

The pairs of a `Nearness` are a superset with a margin of rounding: the condition itself, evaluated
of each pair, decides, so that the result is that of a nested loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.adql.border import Columns, row_count
from skyseries.adql.kernels.operands import Coordinates, coordinates
from skyseries.adql.nearness import Nearness
from skyseries.arraytypes import Floats
from skyseries.arrow import floats, from_numpy
from skyseries.spatial.match import Target

__all__ = ["ALL_ARCSEC", "MARGIN_ARCSEC", "STRETCH", "pairs", "reach_arcsec"]

ALL_ARCSEC = 648_000.0
"""180 degrees."""
MARGIN_ARCSEC, STRETCH = 1e-6, 1.0 + 1e-9
"""Above the rounding of an angle (4e-10 arcsec), and what `kernels.relations` takes as touching."""


def pairs(
    rule: Nearness, left: Iterable[Columns], right: Iterable[Columns], *, most: int = 1 << 20
) -> Iterator[pa.Table]:
    """Yield which rows of two sides are near each other.

    Parameters
    ----------
    rule : Nearness
    left, right : iterable of table, record batch or mapping of path to array
        The rows of both sides, with the columns that the rule names: in tables as ``#0.ra``.
        One side is looked at first and its positions held, 16 bytes a row and about 8 more to
        find them: the left one if the radius is of the right one, else the right one. The rows
        of the other side come and go.
    most : int
        So many pairs come at once, or as many as one row has.

    Yields
    ------
    pyarrow.Table
        ``l`` and ``r``: numbers of rows of both sides, int64. A row whose position or radius is
        missing is in no pair.

    Raises
    ------
    QueryError
        If a position or radius cannot be calculated.
    """
    names = ["l", "r"]
    moving, fixed, streamed, held = rule.left, rule.right, left, right
    if rule.radius_of == "right":
        names.reverse()
        moving, fixed, streamed, held = fixed, moving, held, streamed
    radius = rule.radius
    constant = reach_arcsec(radius.value) if isinstance(radius, adql.Constant) else None
    if constant is not None and np.isnan(constant):
        return
    target = Target(*_places(fixed, held))
    values = adql.Values([*moving, radius])
    start = 0
    for rows in streamed if len(target) else ():
        count = row_count(rows)
        ra, dec, degrees = map(floats, values(rows, count))
        reach = reach_arcsec(degrees) if constant is None else constant
        for found in target.blocks(*coordinates(ra, dec), reach, most=most):
            arrays = [from_numpy(found.left + start), from_numpy(found.right)]
            yield pa.table(arrays, names).select(["l", "r"])
        start += count


def reach_arcsec(degrees: object) -> Floats:
    """Return how far to look for what is at most so far away; NaN where nothing can be.

    Parameters
    ----------
    degrees : array_like
        Radii; negative, NaN or None: none.

    Returns
    -------
    ndarray of float64
        From 0 to 180 degrees, arcsec.
    """
    radius = np.asarray(degrees, np.float64)
    radius = np.where(radius >= 0.0, np.minimum(radius, 180.0), np.nan)
    return np.minimum(radius * (3600.0 * STRETCH) + MARGIN_ARCSEC, ALL_ARCSEC)


def _places(position: tuple[adql.Expr, adql.Expr], rows: Iterable[Columns]) -> Coordinates:
    """Return the positions of all rows."""
    values = adql.Values(position)
    parts = [coordinates(*map(floats, values(part, row_count(part)))) for part in rows]
    if not parts:
        return Coordinates(np.empty(0), np.empty(0))
    return Coordinates(*map(np.concatenate, zip(*parts, strict=True)))
