"""The XML of a VOTable, block by block: its tables, their columns, the rows of one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from skyseries.errors import InputError
from skyseries.formats.tables import FoundTable
from skyseries.formats.times import TimeMeta, origin_of, refposition_of, scale_of
from skyseries.formats.votable_fields import VOTableField, local_name

__all__ = ["Parser"]


@dataclass
class _Table:
    """A TABLE element, filled while its children are read."""

    number: int
    names: tuple[str, ...]
    rows_said: str = ""
    """The attribute nrows."""
    fields: list[VOTableField] = field(default_factory=list)
    rows: int = 0
    has_stream: bool = False
    has_data: bool = False

    def found(self) -> FoundTable:
        """Return what is shown of it."""
        rows: int | None = self.rows
        if self.has_stream and not self.rows:
            rows = int(self.rows_said) if self.rows_said.isdigit() and int(self.rows_said) else None
        return FoundTable(self.number, self.names, len(self.fields), rows)


class Parser:
    """Turns blocks of XML into columns and rows of one table.

    It is the table that `wanted` names, else the first that has rows.

    Parameters
    ----------
    path : str
    wanted : str
        Number or name of a table; empty: the first that has rows.

    Attributes
    ----------
    tables : list
        All tables so far.
    table : _Table or None
        The one that is read; its rows are complete when `finished`.
    rows : list of list of str
        Rows of TABLEDATA that are ready.
    base64 : list of str
        Text of BINARY or BINARY2 that is ready.
    is_ambiguous : bool
        Whether another table has rows too, and none was named.
    """

    def __init__(self, path: str, wanted: str = "") -> None:
        self.path = path
        self.tables: list[_Table] = []
        self.table: _Table | None = None
        self.finished = False
        self.overflow = False
        self.is_ambiguous = False
        self.serialization = ""
        self.rows: list[list[str]] = []
        self.base64: list[str] = []
        self._wanted = wanted
        self._times: dict[str, TimeMeta] = {}
        self._by_id: dict[str, _Table] = {}
        self._current: _Table | None = None
        self._is_read = False
        """Whether the rows of the current table are kept."""
        self._row: list[str] = []
        self._cell: list[str] | None = None
        self._inside: list[str] = []
        self._expat = expat.ParserCreate()
        self._expat.buffer_text = True
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._characters
        self._expat.EntityDeclHandler = self._entity
        self._expat.SkippedEntityHandler = self._skipped

    def feed(self, block: bytes) -> None:
        """Take in a block; an empty one is the end of the file."""
        try:
            self._expat.Parse(block, not block)
        except expat.ExpatError as error:
            raise InputError(f"the VOTable {self.path} is truncated or broken: {error}") from error

    def _skipped(self, name: str, is_parameter: bool) -> None:
        if not is_parameter:
            raise InputError(f"{self.path}: the entity &{name}; is not in the VOTable")

    def fields_of(self, number: int) -> list[VOTableField]:
        """Return the columns of a table, with the frames that their times refer to."""
        fields = self.tables[number].fields
        for item in fields:
            item.time = self._times.get(item.ref, TimeMeta())
        return fields

    def _entity(self, name: str, *_: object) -> None:
        """Refuse what would be read from elsewhere, or grow without end."""
        raise InputError(
            f"{self.path}, line {self._expat.CurrentLineNumber}: the entity {name!r} is declared, "
            "which no VOTable needs; write what it stands for in its place"
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = local_name(tag)
        self._inside.append(name)
        match name:
            case "TD":
                self._cell = [] if self._is_read else None
            case "TR":
                self._row = []
                if not self._is_read:
                    self._count_row()
            case "TABLE":
                self._begin_table(attributes)
            case "FIELD" if table := self._current:
                table.fields.append(VOTableField.from_attributes(attributes))
            case "VALUES" if "FIELD" in self._inside and (table := self._current):
                table.fields[-1].set_null(attributes.get("null"))
            case "DATA" if table := self._current:
                table.has_data = True
            case "TABLEDATA" | "BINARY" | "BINARY2" | "FITS" if self._is_read:
                self._begin_data(name)
            case "STREAM" if self._is_read:
                self._begin_stream(attributes)
            case "INFO":
                self._info(attributes)
            case "TIMESYS":
                self._time_frame(attributes)

    def _begin_table(self, attributes: dict[str, str]) -> None:
        names = (attributes.get("name", ""), attributes.get("ID", ""))
        shown = names if names[0] else names[::-1]
        table = _Table(len(self.tables), shown, attributes.get("nrows", "").strip())
        if same := self._by_id.get(attributes.get("ref", "")):
            table.fields = list(same.fields)
        self.tables.append(table)
        if "ID" in attributes:
            self._by_id[attributes["ID"]] = table
        is_wanted = not self._wanted or table.found().is_called(self._wanted)
        self._current = table
        if self.table is None and is_wanted:
            self.table, self._is_read = table, True

    def _count_row(self) -> None:
        if table := self._current:
            table.rows += 1
            self._check_alone()

    def _check_alone(self) -> None:
        if self.finished and not self._wanted and self._current is not self.table:
            self.is_ambiguous = True

    def _begin_data(self, serialization: str) -> None:
        if serialization == "FITS":
            raise InputError(f"{self.path}: a FITS stream inside a VOTable is not read")
        self.serialization = serialization

    def _begin_stream(self, attributes: dict[str, str]) -> None:
        if "href" in attributes or attributes.get("encoding", "base64") != "base64":
            raise InputError(f"{self.path}: only base64 inside the VOTable is read, not a link")

    def _info(self, attributes: dict[str, str]) -> None:
        if attributes.get("name", "").upper() == "QUERY_STATUS":
            status = attributes.get("value", "").upper()
            self.overflow = self.overflow or status == "OVERFLOW"
            if status == "ERROR":
                raise InputError(f"{self.path} is the answer to a query that failed")

    def _time_frame(self, attributes: dict[str, str]) -> None:
        self._times[attributes.get("ID", "")] = TimeMeta(
            scale=scale_of(attributes.get("timescale", "")),
            refposition=refposition_of(attributes.get("refposition", "")),
            origin=origin_of(attributes.get("timeorigin", "")),
        )

    def _end(self, tag: str) -> None:
        name = self._inside.pop()
        if name == "TD" and self._cell is not None:
            self._row.append("".join(self._cell))
            self._cell = None
        elif name == "TR" and self._is_read:
            self._end_row()
        elif name == "TABLE":
            self._end_table()

    def _end_row(self) -> None:
        assert self.table is not None  # noqa: S101 - it is read
        if len(self._row) != len(self.table.fields):
            raise InputError(
                f"{self.path}, line {self._expat.CurrentLineNumber}: a row has "
                f"{len(self._row)} cells instead of {len(self.table.fields)}"
            )
        self.table.rows += 1
        self.rows.append(self._row)

    def _end_table(self) -> None:
        """Finish with the table that is read, or let go of it if it has no rows."""
        if self._is_read and self.table is not None:
            if self._wanted or self.table.rows or self.table.has_stream:
                self.finished = True
            else:
                self.table = None
        self._current, self._is_read = None, False

    def _characters(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)
        elif self._inside[-1] == "STREAM" and (table := self._current):
            if not data.isspace():
                table.has_stream = True
                self._check_alone()
            if self._is_read:
                self.base64.append(data)
        elif self._inside[-2:] == ["FIELD", "DESCRIPTION"] and (table := self._current):
            table.fields[-1].description.append(data)
