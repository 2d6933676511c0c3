"""``point_map.fits`` and ``skymap.fits``: rows per HEALPix cell.

LSDB derives a catalog's coverage from the cells of ``point_map.fits`` that are not zero. It is
written without astropy, whose import costs more than most imports do.
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from skyseries.errors import CatalogError
from skyseries.hats.dataset import Dataset
from skyseries.spatial.healpix import pixel_area_deg2
from skyseries.store.files import atomic_path

__all__ = [
    "POINT_MAP_ORDER",
    "WHOLE_SKY_DEG2",
    "covered_cells",
    "read_point_map",
    "sky_area",
    "sky_fraction",
    "write_point_map",
]

WHOLE_SKY_DEG2 = 41252.96

POINT_MAP_ORDER = 8
"""Cells of 14 arcmin: a map of the whole sky is 6 MB, and a survey field is seen as one."""

_ROWS_PER_CELL = 5

_Cards: TypeAlias = dict[str, tuple[bool | int | str, str]]

_PRIMARY: _Cards = {
    "SIMPLE": (True, "conforms to FITS standard"),
    "BITPIX": (8, "array data type"),
    "NAXIS": (0, "number of array dimensions"),
    "EXTEND": (True, ""),
}


def write_point_map(path: Path, cells: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
    """Write rows per cell of `POINT_MAP_ORDER`, as pairs where most of the sky is empty."""
    n = 12 << 2 * POINT_MAP_ORDER
    if 2 * len(cells) > n:
        values = np.zeros((n, 1), ">i8")
        values[cells, 0] = counts
        names, scheme, part = ["VALUE"], "IMPLICIT", "FULLSKY"
    else:
        values = np.stack([cells, counts], axis=1).astype(">i8")
        names, scheme, part = ["PIXEL", "VALUE"], "EXPLICIT", "PARTIAL"
    header: _Cards = {
        "XTENSION": ("BINTABLE", "binary table extension"),
        "BITPIX": (8, "array data type"),
        "NAXIS": (2, "number of array dimensions"),
        "NAXIS1": (8 * len(names), "length of dimension 1"),
        "NAXIS2": (len(values), "length of dimension 2"),
        "PCOUNT": (0, "number of group parameters"),
        "GCOUNT": (1, "number of groups"),
        "TFIELDS": (len(names), "number of table fields"),
    }
    for k, name in enumerate(names, start=1):
        header |= {f"TTYPE{k}": (name, ""), f"TFORM{k}": ("K", "")}
    header |= {
        "PIXTYPE": ("HEALPIX", ""),
        "ORDERING": ("NESTED", ""),
        "COORDSYS": ("C", ""),
        "NSIDE": (1 << POINT_MAP_ORDER, ""),
        "FIRSTPIX": (0, ""),
        "LASTPIX": (n - 1, ""),
        "INDXSCHM": (scheme, ""),
        "OBJECT": (part, ""),
    }
    with atomic_path(path) as beside:
        beside.write_bytes(_header(_PRIMARY) + _header(header) + _padded(values.tobytes(), b"\0"))


def _header(cards: _Cards) -> bytes:
    """Return the cards of a FITS header, each a value with a comment."""
    lines = []
    for key, (value, comment) in cards.items():
        if isinstance(value, str):
            text = f"'{value:<8}'".ljust(20)
        else:
            text = f"{'FT'[value] if isinstance(value, bool) else value:>20}"
        lines.append(f"{key:<8}= {text}{f' / {comment}' if comment else ''}".ljust(80))
    return _padded("".join([*lines, "END"]).encode("ascii"), b" ")


def _padded(block: bytes, filling: bytes) -> bytes:
    """Return whole records of FITS."""
    return block + filling * (-len(block) % 2880)


def sky_fraction(cells: NDArray[np.int64], counts: NDArray[np.int64]) -> float:
    """Return the part of the sky that a catalog covers."""
    order, covered = covered_cells(cells, counts)
    return len(covered) / (12 << 2 * order)


def covered_cells(
    cells: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[int, NDArray[np.int64]]:
    """Return the cells that rows cover, of one order.

    Cells that hold a handful of rows on average are taken: with finer ones, the gaps between
    the stars of a sparse catalog would count as uncovered sky.

    Parameters
    ----------
    cells, counts : ndarray of int64
        Rows per cell of `POINT_MAP_ORDER`; ascending.
    """
    rows = counts.sum()
    for order in range(POINT_MAP_ORDER, -1, -1):
        coarse = cells >> 2 * (POINT_MAP_ORDER - order)
        occupied = coarse[np.diff(coarse, prepend=-1) != 0]
        if order == 0 or rows >= _ROWS_PER_CELL * len(occupied):
            break
    return order, occupied


def read_point_map(
    source: Path | bytes,
) -> tuple[int, NDArray[np.int64], NDArray[np.int64]] | None:
    """Return the order, the cells that are not empty, and their counts.

    Parameters
    ----------
    source : Path or bytes
        The file, or what it holds. The columns may have any names (``T``, as healpy calls it),
        and a row of a map of the whole sky may hold many cells.

    Returns
    -------
    order, cells, counts
        None for a map whose cells are not numbered in NESTED order.

    Raises
    ------
    CatalogError
        If the table is no map of cells.
    """
    from astropy.io import fits

    try:
        found = _read_columns(source)
    except fits.VerifyError as error:
        raise CatalogError(f"it is no FITS file that can be read: {error}") from error
    if found is None:
        return None
    columns, explicit, nside = found
    order = nside.bit_length() - 1
    n = 12 << 2 * order
    if nside != 1 << order or not (explicit or len(columns[0]) == n):
        raise CatalogError(f"{len(columns[0]):,} values are no map of NSIDE {nside}")
    if explicit:
        cells, counts = columns[:2]
        if len(cells) and not (cells.min() >= 0 and cells.max() < n):
            raise CatalogError(f"it has cells beyond those of NSIDE {nside}")
        return order, cells, counts
    cells = np.flatnonzero(columns[0])
    return order, cells, columns[0][cells]


def _read_columns(source: Path | bytes) -> tuple[list[NDArray[np.int64]], bool, int] | None:
    """Return the columns of a map, whether the first has the cells, and NSIDE."""
    from astropy.io import fits

    with fits.open(io.BytesIO(source) if isinstance(source, bytes) else source) as hdus:
        if len(hdus) < 2 or not isinstance(hdus[1], fits.BinTableHDU):
            raise CatalogError("it has no table in its first extension")
        data, header = hdus[1].data, hdus[1].header
        if not str(header.get("ORDERING", "NESTED")).strip().upper().startswith("NEST"):
            return None
        columns = [np.asarray(data[name], np.int64).ravel() for name in data.names]
        explicit = str(header.get("INDXSCHM", "")).strip().upper() == "EXPLICIT"
        explicit |= str(data.names[0]).upper() == "PIXEL"
        if len(columns) < 1 + explicit:
            raise CatalogError(f"its table has the columns {data.names}: there are no counts")
        return columns, explicit, int(header.get("NSIDE", 0)) or math.isqrt(len(columns[0]) // 12)


def sky_area(dataset: Dataset) -> float:
    """Return the covered area, deg²: of small cells with rows if recorded, else of the leaves."""
    fraction = dataset.properties.get("moc_sky_fraction")
    try:
        if fraction is not None:
            return float(fraction) * WHOLE_SKY_DEG2
    except ValueError:
        pass
    per_order = dataset.partitions.per_order()
    return sum(n * pixel_area_deg2(order) for order, n in per_order.items())
