"""Which table of a file is meant, where it has several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skyseries.errors import InputError

__all__ = ["FoundTable", "choose_table"]

_SHOWN = 20


@dataclass(frozen=True)
class FoundTable:
    """One of the tables of a file."""

    number: int
    """As the format counts: HDUs of FITS, tables of a VOTable from 0."""
    names: tuple[str, ...]
    """What it is called; the first is shown."""
    columns: int
    rows: int | None
    """None: not known, but it has some."""

    def is_called(self, wanted: str) -> bool:
        """Whether a number or a name means this table."""
        names = {name.casefold() for name in self.names if name}
        return wanted == str(self.number) or wanted.casefold() in names

    def __str__(self) -> str:
        name = f" {self.names[0]}" if self.names and self.names[0] else ""
        rows = "" if self.rows is None else f"{self.rows:,} rows, "
        return f"[{self.number}]{name} ({rows}{self.columns} columns)"


def choose_table(tables: Sequence[FoundTable], wanted: str, path: str) -> FoundTable:
    """Return the table that is meant: by number or name, else the only one that has rows.

    Raises
    ------
    InputError
        If several tables have rows and none was chosen, or what was chosen is not there: lists
        the tables and says how to choose one.
    """
    if wanted:
        found = [table for table in tables if table.is_called(wanted)]
        by_number = [table for table in found if wanted == str(table.number)]
        found = by_number if len(by_number) == 1 else found
        if len(found) == 1:
            return found[0]
        many = "several tables" if found else "no table"
        raise InputError(f"{path} has {many} called {wanted!r}; {_choices(tables, path)}")
    filled = [table for table in tables if table.rows != 0]
    if len(filled) > 1:
        raise InputError(f"{path} has {len(filled)} tables; {_choices(tables, path)}")
    return (filled or list(tables))[0]


def _choices(tables: Sequence[FoundTable], path: str) -> str:
    example = next((table for table in tables if table.rows != 0), tables[0])
    more = f" and {len(tables) - _SHOWN} more" if len(tables) > _SHOWN else ""
    return (
        f"choose one by its number or name behind the path, as in {path}[{example.number}]; "
        f"it has {', '.join(map(str, tables[:_SHOWN]))}{more}"
    )
