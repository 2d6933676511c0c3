"""Containers of tables: files, written by others' libraries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from astropy.io import fits
from astropy.io.votable import from_table, writeto
from astropy.table import Column, MaskedColumn, Table

from tests.meaning.containers import Container, filled, under
from tests.meaning.kinds import parsed
from tests.meaning.tables import Columns, Given, as_arrow

__all__ = ["FILES", "write"]


def _column(c: Given) -> Any:
    said = None if c.unit is None else parsed(c.unit)
    if c.gone is None:
        return Column(c.values, unit=said)
    return MaskedColumn(filled(c.values, c.gone, under(c.values)), mask=c.gone, unit=said)


def _table(columns: Columns) -> Table:
    return Table({name: _column(c) for name, c in columns.items()})


def _parquet(columns: Columns, path: Path) -> None:
    pq.write_table(as_arrow(columns), path)


def _csv(columns: Columns, path: Path) -> None:
    pa.csv.write_csv(as_arrow(columns), path)


def _fits(columns: Columns, path: Path) -> None:
    made = []
    for name, c in columns.items():
        kind, more = c.values.dtype.kind, {}
        array = c.values
        if c.gone is not None and kind == "f":
            array = np.where(c.gone, np.nan, array)
        if c.gone is not None and kind == "i":
            array, more = np.where(c.gone, -999, array), {"null": -999}
        form = {"i": "K", "f": "D"}.get(kind, "10A")
        made.append(fits.Column(name, form, array=array, unit=c.unit, **more))
    fits.BinTableHDU.from_columns(made).writeto(path, overwrite=True)


def _ecsv(columns: Columns, path: Path) -> None:
    _table(columns).write(path, format="ascii.ecsv", overwrite=True)


def _votable(form: str) -> Callable[[Columns, Path], None]:
    def made(columns: Columns, path: Path) -> None:
        bare = {name: c._replace(unit=None) for name, c in columns.items()}
        votable = from_table(_table(bare))
        votable.set_all_tables_format(form)
        writeto(votable, str(path))
        text = path.read_bytes()
        for name, c in columns.items():  # as others write it, whether it is a unit or not
            if c.unit is not None:
                field = f'name="{name}"'.encode()
                text = text.replace(field, field + f' unit="{c.unit}"'.encode())
        path.write_bytes(text)

    return made


_WRITERS: dict[str, tuple[str, Callable[[Columns, Path], None]]] = {
    "Parquet": (".parquet", _parquet),
    "FITS": (".fits", _fits),
    "ECSV": (".ecsv", _ecsv),
    "VOTable TABLEDATA": (".vot", _votable("tabledata")),
    "VOTable BINARY2": (".vot", _votable("binary2")),
    "CSV": (".csv", _csv),
}


def write(columns: Columns, form: str, stem: Path) -> Path:
    """Write a file of a format, and return its path."""
    suffix, writer = _WRITERS[form]
    path = stem.with_suffix(suffix)
    writer(columns, path)
    return path


def _file(name: str) -> Container:
    says = "never" if name == "CSV" else "may"
    return Container(name, lambda c, gone, unit: name, "F", says, any_unit=name != "CSV")  # type: ignore[arg-type]


FILES = tuple(_file(name) for name in _WRITERS)
