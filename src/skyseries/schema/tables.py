"""What tables are: their keys, the roles of their columns, and which hold the epochs of others.

The form in which a file of TOML says it, for a catalog (`schema.metadata`) and for a data release
(`schema.rubin`)::

    [tables.DiaSource]
    title = "Detections"
    description = "Detections on difference images"
    utype = ""
    key = ["diaSourceId"]
    roles = { id = "diaSourceId", ra = "ra", dec = "dec", time = "midpointMjdTai", band = "band" }
    keys = [{ columns = ["visit"], table = "Visit", to = ["visit"] }]
    nested = "diaSource"
    from_object = { diaObjectId = "diaObjectId" }
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from skyseries.errors import InputError
from skyseries.schema.roles import did_you_mean

__all__ = ["ROLES", "ForeignKey", "TableInfo", "WrongEntry", "entry", "table_info"]

ROLES = ("id", "ra", "dec", "time", "band", "flux", "error")
"""What a column may be to a table of objects or of epochs."""


@dataclass(frozen=True)
class ForeignKey:
    """Columns of a table whose values are those of columns of another."""

    columns: tuple[str, ...]
    table: str
    """The other table: of the same schema, or with its schema before a dot."""
    to: tuple[str, ...]
    """The columns of the other, in the same order."""
    description: str = ""


@dataclass(frozen=True)
class TableInfo:
    """What is known of a table besides its columns."""

    name: str
    title: str = ""
    description: str = ""
    utype: str = ""
    key: tuple[str, ...] = ()
    """Columns that together tell its rows apart."""
    keys: tuple[ForeignKey, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    """Columns by `ROLES`."""
    nested: str = ""
    """The nested column whose epochs are the rows; empty: the rows are those of the catalog."""
    from_object: Mapping[str, str] = field(default_factory=dict)
    """Columns that each epoch has of its object: name among the epochs, name in the catalog."""


class WrongEntry(InputError):
    """An entry of a file of TOML is not right.

    Parameters
    ----------
    path : tuple of str
        The keys that lead to it.
    what : str
        What is wrong.
    """

    def __init__(self, path: tuple[str, ...], what: str) -> None:
        super().__init__(f"{'.'.join(path)}: {what}")
        self.path = path


def table_info(name: str, said: Any) -> TableInfo:
    """Return what a table of TOML says of a table.

    Raises
    ------
    WrongEntry
        If a key is not known, or its value is of a wrong type.
    """
    path = ("tables", name)
    texts = dict.fromkeys(("title", "description", "utype", "nested"), str)
    known = {**texts, "key": list, "keys": list, "roles": dict, "from_object": dict}
    values = entry(path, said, known)
    for role in values.get("roles", ()):
        if role not in ROLES:
            raise WrongEntry((*path, "roles", role), f"is no role{did_you_mean(role, ROLES)}")
    for part in ("roles", "from_object"):
        names = values.get(part, {})
        entry((*path, part), names, dict.fromkeys(names, str))
    key = _names((*path, "key"), values.pop("key", []))
    keys = tuple(_foreign((*path, "keys"), each) for each in values.pop("keys", ()))
    return TableInfo(name, key=key, keys=keys, **values)


def entry(
    path: tuple[str, ...], said: Any, known: Mapping[str, type], needed: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return a table of TOML whose keys and types are right.

    Raises
    ------
    WrongEntry
        If it is no table, a key is not known or is missing, or a value of another type.
    """
    if not isinstance(said, Mapping):
        raise WrongEntry(path, f"must be a table, not {said!r}")
    for key, value in said.items():
        if key not in known:
            keys = did_you_mean(key, list(known)) or f"; there are {', '.join(known)}"
            raise WrongEntry((*path, key), f"is no key that is known{keys}")
        if not isinstance(value, known[key]):
            raise WrongEntry((*path, key), f"must be {_TYPES[known[key]]}, not {value!r}")
    if missing := [key for key in needed if key not in said]:
        raise WrongEntry(path, f"the key {missing[0]!r} is missing")
    return dict(said)


_TYPES: dict[type, str] = {str: "text", list: "a list", dict: "a table"}


def _foreign(path: tuple[str, ...], said: Any) -> ForeignKey:
    known = {"columns": list, "table": str, "to": list, "description": str}
    values = entry(path, said, known, ("columns", "table"))
    columns = _names(path, values["columns"])
    to = _names(path, values.get("to", values["columns"]))
    if not values["table"]:
        raise WrongEntry(path, "`table` must be the name of one")
    if not columns or len(columns) != len(to):
        raise WrongEntry(path, "`columns` and `to` must be as many")
    return ForeignKey(columns, values["table"], to, values.get("description", ""))


def _names(path: tuple[str, ...], said: list[Any]) -> tuple[str, ...]:
    if not all(isinstance(name, str) for name in said):
        raise WrongEntry(path, f"must be a list of names of columns, not {said!r}")
    return tuple(said)
