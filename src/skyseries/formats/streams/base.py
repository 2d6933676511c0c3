"""What all encoders of tables have in common: rows go in, pieces of a document come out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

__all__ = ["COMPLETE", "OVERFLOW", "PIECE", "Document", "Encoder", "Ending", "Info", "slices"]

PIECE = 2**20
"""Bytes that a piece has, about."""


@dataclass(frozen=True)
class Info:
    """One thing that is told beside the rows, as an INFO element of a VOTable."""

    name: str
    value: str
    text: str = ""


@dataclass(frozen=True)
class Document:
    """What is told beside the rows.

    What columns are (units, frames of positions, time systems) is told by the metadata of the
    schema.
    """

    infos: tuple[Info, ...] = ()
    """Such as QUERY_STATUS, the query, versions of catalogs, the software."""
    description: str = ""
    votable_version: str = "1.4"
    """1.4 or 1.5."""

    def told(self) -> dict[str, str]:
        """Return the values by name, for formats that have each name once: a line for each."""
        values: dict[str, list[str]] = {}
        for info in self.infos:
            values.setdefault(info.name, []).append(info.value)
        return {name: "\n".join(lines) for name, lines in values.items()}


@dataclass(frozen=True)
class Ending:
    """How the rows came to an end: `COMPLETE`, `OVERFLOW`, or an error."""

    status: str
    """The QUERY_STATUS of DALI: OK, OVERFLOW, ERROR."""
    text: str = ""

    @classmethod
    def error(cls, text: str) -> Ending:
        """Return the ending of rows that broke off."""
        return cls("ERROR", text)


COMPLETE = Ending("OK")
OVERFLOW = Ending("OVERFLOW")
"""There are more rows than were asked for, or allowed."""


class Encoder(ABC):
    """Writes one document: `head`, then `rows` as often as there are tables, then `tail`.

    Types are those of the schema, whatever the values are, so that the first rows can leave
    before the last are known. However the rows are divided into tables, the rows that are read
    back are the same.

    After an error a document is left unfinished, so that nobody takes it for a shorter one that
    is whole. (A VOTable alone can say in its end that it is broken.)

    Parameters
    ----------
    schema : pyarrow.Schema
        Of all tables; their metadata say what the columns are.
    document : Document, optional

    Raises
    ------
    InputError
        If the format cannot hold a column.
    """

    name: ClassVar[str]
    """The short name, as of RESPONSEFORMAT."""
    media_type: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other short names and media types that mean it."""
    suffix: ClassVar[str]
    """Of the name of a file."""

    def __init__(self, schema: pa.Schema, document: Document | None = None) -> None:
        self.schema = schema
        self.document = document or Document()

    @abstractmethod
    def head(self) -> bytes:
        """Return what comes before the rows."""

    @abstractmethod
    def rows(self, table: pa.Table) -> Iterator[bytes]:
        """Yield pieces of about a megabyte; to be used up before the next table is given."""

    @abstractmethod
    def tail(self, ending: Ending) -> Iterator[bytes]:
        """Yield what comes after the rows, in pieces."""

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Drop what is held, if the document is finished or not."""

    def encode(self, tables: Iterable[pa.Table]) -> Iterator[bytes]:
        """Yield the whole document of tables that end as they should."""
        try:
            yield self.head()
            for table in tables:
                yield from self.rows(table)
            yield from self.tail(COMPLETE)
        finally:
            self.close()


def slices(table: pa.Table, grown: float = 1.0) -> Iterator[pa.RecordBatch]:
    """Yield the rows in batches that make about a piece each.

    Parameters
    ----------
    table : pyarrow.Table
    grown : float
        Bytes of the document for each byte in memory.
    """
    if not table.num_rows:
        return
    each = max(1.0, grown * table.nbytes / table.num_rows)
    most = max(1, int(PIECE / each))
    for start in range(0, table.num_rows, most):
        yield from table.slice(start, most).combine_chunks().to_batches()
