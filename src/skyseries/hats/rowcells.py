"""Where the rows of a catalog are: their positions, and their order-29 cells."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arraytypes import Floats
from skyseries.arrow import floats, to_numpy
from skyseries.hats.dataset import Dataset
from skyseries.lazy import pc
from skyseries.spatial.healpix import HPX_ORDER, radec_to_hpx

__all__ = ["cell_columns", "positions", "row_cells"]


def positions(dataset: Dataset, rows: pa.Table) -> tuple[Floats, Floats]:
    """Return right ascension and declination, degrees; NaN for null, or where there are none."""
    if not dataset.has_positions:
        nowhere = np.full(rows.num_rows, np.nan)
        return nowhere, nowhere
    return floats(rows.column(dataset.ra)), floats(rows.column(dataset.dec))


def cell_columns(dataset: Dataset) -> list[str]:
    """Return the columns that `row_cells` needs."""
    if dataset.healpix_column is not None and dataset.healpix_order == HPX_ORDER:
        return [dataset.healpix_column]
    return [dataset.ra, dataset.dec]


def row_cells(dataset: Dataset, rows: pa.Table) -> NDArray[np.int64]:
    """Return the order-29 cell of each row: as it is stored, else from the position."""
    columns = cell_columns(dataset)
    if len(columns) == 2:
        return radec_to_hpx(*positions(dataset, rows))
    return to_numpy(pc.fill_null(rows.column(columns[0]).cast(pa.int64()), -1))
