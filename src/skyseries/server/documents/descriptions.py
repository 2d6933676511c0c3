"""What pages say of catalogs and their tables; plain values that travel as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["CatalogFacts", "TableFacts", "TableSample", "Value"]

Value = str | int | float


@dataclass(frozen=True)
class TableSample:
    """What examples are made of: what the columns of a table are, and values that are there."""

    name: str
    """As in TAP_SCHEMA, with the quotes that it needs."""
    columns: tuple[str, ...]
    """Some that are worth a look, written so too."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """Columns by what they are: ``id``, ``ra``, ``dec`` and ``brightness`` (magnitudes); of epochs
    ``object`` (the id of their object), ``time``, ``band``, ``value``; ``curve``: light curves."""
    values: Mapping[str, Value] = field(default_factory=dict)
    """Of one row, by role; ``band``: one of the bands of ``curve``."""
    objects: str = ""
    """Of epochs: the table of their objects."""


@dataclass(frozen=True)
class TableFacts:
    """A table, as people read of it."""

    name: str
    columns: int
    rows: int | None = None
    """None: it is not known without counting."""
    description: str = ""


@dataclass(frozen=True)
class CatalogFacts:
    """A catalog, as people read of it."""

    name: str
    tables: tuple[TableFacts, ...]
    title: str = ""
    description: str = ""
    version: str = ""
    area: float | None = None
    """Square degrees that it covers."""
    licence: str = ""
    citation: str = ""
    files: str = ""
    """Where its HATS files can be read by all; empty: nowhere."""
