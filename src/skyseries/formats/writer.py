"""Write tables as Parquet, CSV, FITS or VOTable: beside the target, then renamed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from skyseries.errors import InputError, SkyseriesError, StorageError
from skyseries.formats.flat import Source, Table
from skyseries.formats.opening import filesystem_of, is_url
from skyseries.formats.recognise import SUFFIXES

__all__ = ["write_table"]

_FORMATS = {".xml": "votable"} | {
    suffix: name for suffix, name in SUFFIXES.items() if suffix not in (".tsv", ".ecsv")
}


def write_table(
    table: Table,
    path: str | Path,
    *,
    format: str | None = None,
    schema: pa.Schema | None = None,
) -> None:
    """Write a table; the file appears when it is complete, and replaces an old one then.

    ============  =========================  =======================  ============================
    .             unsigned 64-bit integers   lists of numbers         missing values
    ============  =========================  =======================  ============================
    Parquet       exact                      exact                    exact
    CSV           exact                      JSON text                empty cell; "" is empty text
    FITS          exact (TZERO)              arrays of fixed length   TNULL for integers, NaN for
                                             (``4D``), or variable    floats, empty list for lists
                                             (``PD``)                 of variable length
    VOTable       ``long``, or ``char`` if   ``arraysize="4"``, or    exact (BINARY2); NaN in
                  one is beyond 2^63-1       ``"*"``                  lists of floats
    ============  =========================  =======================  ============================

    A struct column (a light curve) is written to CSV, FITS and VOTable as one column a field,
    named ``column.field``; lists of text and lists of lists of any length as JSON text; times as
    ISO 8601 text, spans of time as whole numbers with their unit. Units, UCDs and descriptions
    are written to all formats but CSV; in FITS they are put into ASCII, and so are the units of
    a VOTable. Text that is not ASCII is ``unicodeChar`` in a VOTable. FITS drops blanks at the
    end of text. Memory is bounded: a stream is kept in a temporary file where the format needs
    the rows twice.

    Parameters
    ----------
    table : pyarrow.Table, RecordBatchReader, or iterable of RecordBatch
    path : path or URL
    format : {"parquet", "csv", "fits", "votable"}, optional
        By default from the suffix.
    schema : pyarrow.Schema, optional
        Needed for an iterable that may have no batch.

    Raises
    ------
    InputError
        If the format is not known or cannot keep a column.
    StorageError
        If the file cannot be written; an old file is left as it was.
    """
    text = os.fspath(path)
    chosen = format or _FORMATS.get(Path(text).suffix.lower(), "")
    if chosen not in _FORMATS.values():
        raise InputError(
            f"cannot tell the format of {text}; use a suffix .parquet, .csv, .fits or .vot, "
            "or give format="
        )
    try:
        with _beside(text) as temporary:
            source = Source(table, schema, temporary.parent)
            try:
                _write(source, temporary, chosen)
            finally:
                source.close()
    except SkyseriesError:
        raise
    except (pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise InputError(f"{text}: {chosen} cannot keep this table: {error}") from error
    except OSError as error:  # that of a temporary file: its name says nothing to anybody
        raise StorageError(f"cannot write {text}: {error.strerror or error}") from error


@contextlib.contextmanager
def _beside(text: str) -> Iterator[Path]:
    """Give a temporary file that becomes the target when all went well."""
    remote = is_url(text)
    target = Path(text.removeprefix("file://"))
    folder = None if remote else target.parent
    handle, name = tempfile.mkstemp(dir=folder, prefix=".writing-", suffix=target.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if remote:
            filesystem, inner = filesystem_of(text)
            filesystem.put_file(str(temporary), inner)
        else:
            _set_default_mode(temporary)
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _set_default_mode(path: Path) -> None:
    """Give the mode that a plain open() gives; mkstemp makes files for the owner only."""
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)


def _write(source: Source, path: Path, format: str) -> None:
    """Write the rows by the encoder of a format."""
    from skyseries.formats.settled import settled
    from skyseries.formats.streams import ENCODERS

    rows = settled(source, format)
    encoder = ENCODERS[format](rows.schema)
    with path.open("wb") as out:
        for piece in encoder.encode(rows.tables()):
            out.write(piece)
