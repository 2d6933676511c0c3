"""What a check finds: faults, warnings and counts, gathered from many tasks and told in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Fault", "Findings", "ValidationReport"]

_LISTED = {True: 20, False: 3}
"""How many faults, and warnings, of one kind are told one by one; the others are counted."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong."""

    where: str
    """The file or folder, relative to what was checked."""
    what: str
    kind: str
    """A short name of the kind of fault, for instance ``missing-leaf``."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


@dataclass(frozen=True)
class ValidationReport:
    """The outcome of `skyseries.validate_catalog`."""

    path: str
    faults: tuple[Fault, ...]
    """What is wrong. Of each kind the first 20, then one entry that counts the others."""
    warnings: tuple[Fault, ...]
    """What others may leave out or do otherwise, and what could not be checked (first 3)."""
    checked: Mapping[str, int]
    """How many catalogs, partitions, rows, ... were looked at."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def text(self) -> str:
        """Return all findings and what was checked, for people."""
        lines = [f"fault: {fault}" for fault in self.faults]
        lines += [f"warning: {warning}" for warning in self.warnings]
        looked_at = ", ".join(
            f"{count:,} {name[:-1] if count == 1 and name[-1] == 's' else name}"
            for name, count in self.checked.items()
        )
        lines.append(f"checked: {looked_at or 'nothing'}")
        if self.ok:
            lines.append(f"{self.path} is a valid catalog")
        else:
            lines.append(f"{self.path} is broken")
        return "\n".join(lines)


@dataclass
class Findings:
    """What was found so far; picklable, bounded in size.

    Parameters
    ----------
    prefix : str
        Put before each `where`: the folder of the catalog within what is checked.
    """

    prefix: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    _found: dict[tuple[bool, str], list[Fault]] = field(default_factory=dict)
    _more: dict[tuple[bool, str], int] = field(default_factory=dict)

    def fault(self, kind: str, where: str, what: str) -> None:
        """Note something that is wrong."""
        self.note(True, kind, where, what)

    def warn(self, kind: str, where: str, what: str) -> None:
        """Note something that is unusual, or could not be checked."""
        self.note(False, kind, where, what)

    def note(self, wrong: bool, kind: str, where: str, what: str) -> None:
        """Note a fault or a warning."""
        place = "/".join(part for part in (self.prefix, where) if part)
        self._keep((wrong, kind), Fault(place, what, kind))

    def has(self, kind: str) -> bool:
        """Tell whether there is a fault of a kind."""
        return (True, kind) in self._found

    def count(self, name: str, number: int = 1) -> None:
        """Add to what was looked at."""
        self.counts[name] = self.counts.get(name, 0) + number

    def add(self, other: Findings) -> None:
        """Take over what another has found."""
        for key, faults in other._found.items():
            for fault in faults:
                self._keep(key, fault)
        for key, more in other._more.items():
            self._more[key] = self._more.get(key, 0) + more
        for name, number in other.counts.items():
            self.count(name, number)

    def report(self, path: str) -> ValidationReport:
        """Return all that was found."""
        return ValidationReport(path, self._listed(True), self._listed(False), dict(self.counts))

    def _keep(self, key: tuple[bool, str], fault: Fault) -> None:
        listed = self._found.setdefault(key, [])
        if len(listed) < _LISTED[key[0]]:
            listed.append(fault)
        else:
            self._more[key] = self._more.get(key, 0) + 1

    def _listed(self, wrong: bool) -> tuple[Fault, ...]:
        listed: list[Fault] = []
        for key, faults in self._found.items():
            if key[0] == wrong:
                listed += faults
                if more := self._more.get(key):
                    listed.append(Fault("", f"and {more:,} more of the kind {key[1]}", key[1]))
        return tuple(listed)
