"""What an import has done, in numbers: nothing is left out without a word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

__all__ = ["VERSION", "ImportReport"]

VERSION = "\0"
"""Stands in notes for the version, as long as it has no name."""


@dataclass(frozen=True)
class ImportReport:
    """The outcome of an import."""

    path: str
    version: str
    rows: int
    """Rows of the catalog."""
    partitions: int
    input_rows: int
    seconds: float
    resumed: bool
    """Whether an unfinished import was gone on with."""
    sources: int = 0
    """Sources read."""
    epochs: int = 0
    """Epochs in the light curves."""
    orphans: int = 0
    """Sources whose object is missing."""
    repeated_epochs: int = 0
    repeated_ids: int = 0
    bad_positions: int = 0
    margin_rows: int | None = None
    index_rows: int | None = None
    recognised: tuple[str, ...] = field(default=())
    """Which columns were taken for what."""
    notes: tuple[str, ...] = field(default=())
    """What was kept aside, dropped, guessed, or found odd."""

    def named(self, version: str) -> Self:
        """Return the report of a version that has got its name."""
        notes = tuple(note.replace(VERSION, version) for note in self.notes)
        return replace(self, version=version, notes=notes)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        """Return what `to_json` has made."""
        lists = {name: tuple(said[name]) for name in ("notes", "recognised")}
        return cls(**{**said, **lists})

    def summary(self) -> str:
        """Return the report as text."""
        size = f"{_counted(self.rows, 'row')} in {_counted(self.partitions, 'partition')}"
        lines = [
            f"{self.path}: {size} "
            f"({self.version}, {self.seconds:.1f} s{', resumed' if self.resumed else ''})"
        ]
        lines += self.recognised
        if self.sources:
            rate = self.sources / self.seconds if self.seconds else 0.0
            lines.append(f"{_counted(self.epochs, 'epoch')} ({rate:,.0f} sources/s)")
        if self.margin_rows is not None:
            lines.append(f"margin: {_counted(self.margin_rows, 'row')}")
        if self.index_rows is not None:
            lines.append(f"id index: {_counted(self.index_rows, 'id')}")
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
