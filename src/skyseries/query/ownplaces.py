"""Limits of the coordinates of epochs, for a condition on where these lie themselves.

Epochs are filed where their objects are, which may be elsewhere. So partitions cannot be chosen by
a region, but row groups can, by the least and greatest coordinates that Parquet records: those of
HEALPix cells that cover the region.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.arraytypes import Floats, Ints
from skyseries.spatial.coverage import cover
from skyseries.spatial.healpix import HPX_ORDER
from skyseries.spatial.regions import Region
from skyseries.spatial.regions.cells import bounds

__all__ = ["coordinate_limits", "own_places"]

_FINEST, _MOST_CELLS = 12, 4000
_PAD = {pa.float32(): 1e-4}
"""Degrees; of others 1e-9: a coordinate in single precision is rounded."""
_LEAST_GAP = 1.0
"""Degrees of right ascension that must be free for a limit to be of use."""


def own_places(condition: adql.Expr, schema: pa.Schema) -> Iterator[adql.Expr]:
    """Yield conditions on single coordinates that hold wherever a condition is true.

    Parameters
    ----------
    condition : Expr
        Over the columns of the schema.
    schema : pyarrow.Schema
    """
    scope = adql.Scope.from_schema(schema)
    for paths, region in adql.regions(condition).items():
        names = [path[0] for path in paths if len(path) == 1]
        if len(names) == 2:
            pads = [_PAD.get(schema.field(name).type, 1e-9) for name in names]
            west, east, south, north = coordinate_limits(region)
            ra, dec = ('"' + name.replace('"', '""') + '"' for name in names)
            low, high = south - pads[1], north + pads[1]
            yield adql.resolve_condition(f"{dec} >= {low!r} AND {dec} <= {high!r}", scope)
            if east - west < 360.0 - _LEAST_GAP:
                text = _between(ra, west - pads[0], east + pads[0])
                yield adql.resolve_condition(f"{text} OR {ra} < 0 OR {ra} >= 360", scope)


def _between(ra: str, west: float, east: float) -> str:
    """Return a condition on right ascensions from 0 to 360 degrees."""
    if west < 0.0 or east >= 360.0:
        return f"{ra} >= {west % 360.0!r} OR {ra} <= {east % 360.0!r}"
    return f"({ra} >= {west!r} AND {ra} <= {east!r})"


def coordinate_limits(region: Region) -> tuple[float, float, float, float]:
    """Return limits of the coordinates of all positions in a region, degrees.

    Returns
    -------
    ra_west, ra_east : float
        ``ra_west`` is from 0 to 360, and ``ra_east`` at least as large: beyond 360 the limits
        go over RA 0.
    dec_south, dec_north : float
    """
    order, npix = _cells(region)
    if not len(npix):
        return 0.0, 0.0, 90.0, -90.0
    west, east, south, north = bounds(np.full(len(npix), order), npix)
    return (*_without_gap(west, east), float(south.min()), float(north.max()))


def _cells(region: Region) -> tuple[int, Ints]:
    """Return cells of one order, as fine as they are few, that cover a region."""
    start, stop = cover(region)
    for order in range(_FINEST, -1, -1):
        shift = 2 * (HPX_ORDER - order)
        first, last = start >> shift, (stop - 1) >> shift
        if int((last - first + 1).sum()) <= _MOST_CELLS:
            break
    parts = [np.arange(a, b + 1) for a, b in zip(first, last, strict=True)]
    return order, np.unique(np.concatenate([np.empty(0, np.int64), *parts]))


def _without_gap(west: Floats, east: Floats) -> tuple[float, float]:
    """Return the circle of right ascensions without the widest part that no interval touches."""
    begin = west % 360.0
    order = np.argsort(begin)
    begin, end = begin[order], (begin + east - west)[order]
    reached = np.maximum.accumulate(end)
    reached = np.maximum(reached, reached[-1] - 360.0)  # those that go over RA 0
    gaps = np.append(begin[1:], begin[0] + 360.0) - reached
    widest = int(np.argmax(gaps))
    if gaps[widest] <= 0.0:
        return 0.0, 360.0
    first = float(begin[(widest + 1) % len(begin)])
    last = float(reached[widest])
    return first, last if last >= first else last + 360.0
