"""How a service is set up: by flags, the environment, a TOML file, and defaults, in this order.

A key of the file is called as the field here (``port = 8080``), a table ``[limits]`` holds those of
`Limits`, and ``[[serve]]`` tables name what is served (``name``, ``path``, ``metadata``). In the
environment a key is ``SKYSERIES_SERVE_PORT``, in capital letters, limits too.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from skyseries.config import parse_bytes
from skyseries.errors import InputError
from skyseries.schema.roles import did_you_mean
from skyseries.server.limits import Limits
from skyseries.server.served import Served, parse_served

__all__ = ["Settings", "make_settings"]

_PREFIX = "SKYSERIES_SERVE_"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SWITCHES = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_BYTES = (
    "short_bytes", "memory", "scratch", "result_bytes", "head_bytes", "body_bytes", "upload_bytes",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What `skyseries serve` is told."""

    served: tuple[Served, ...] = ()
    host: str = "127.0.0.1"
    """Address to listen at."""
    port: int = 8080
    """0: a free one."""
    base_url: str = ""
    """How the service is called from outside, behind a proxy: ``https://archive.example.org``."""
    public: bool = False
    """Listen beyond this machine, to whoever reaches the port."""
    state: str = ""
    """Folder of jobs and their results; by default one that goes with the service."""
    title: str = "Skyseries archive"
    upload_from: tuple[str, ...] = ()
    """Hosts whose addresses may be uploaded from."""
    plugin: tuple[str, ...] = ()
    """Functions ``module:function`` that are called once in each worker, to register features."""
    warm: bool = True
    """Compile in the background what features and periods need, if that was not done before."""
    limits: Limits = field(default_factory=Limits)

    def to_toml(self) -> str:
        """Return the settings as a file of them."""
        return "\n".join([*_lines(self), "\n[limits]", *_lines(self.limits), *_tables(self)]) + "\n"


def make_settings(
    served: tuple[str, ...],
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    file: str | None = None,
) -> Settings:
    """Return the settings of a service.

    Parameters
    ----------
    served : tuple of str
        ``[NAME=]CATALOG`` of the command line; with some, those of the file are not served.
    flags : mapping
        By names of fields of `Settings` and `Limits`, and ``metadata``, pairs of name and file;
        None means that one is not given.
    environment : mapping of str to str
    file : str, optional
        Path of a TOML file.

    Raises
    ------
    InputError
        If a key is not known, or a value cannot be: says where.
    """
    said = _of_file(file) if file else {}
    in_file = said.pop("served", ())
    for name, place in _places(environment):
        said[name] = (environment[place], place)
    for name, value in flags.items():
        if value not in (None, ()) and name != "metadata":
            said[_known(name, name)] = (value, name)
    made = _filled(Settings(), {n: v for n, v in said.items() if n in _names(Settings)})
    limits = _filled(Limits(), {n: v for n, v in said.items() if n in _names(Limits)})
    named = tuple(parse_served(served, dict(flags.get("metadata") or {}))) if served else in_file
    return _checked(replace(made, served=named, limits=limits))


def _checked(settings: Settings) -> Settings:
    limits = settings.limits
    if settings.host not in _LOOPBACK and not settings.public:
        raise InputError(
            f"to listen at {settings.host} lets in whoever reaches this machine: say --public if "
            "that is meant"
        )
    if not limits.workers > 0 or not 0 <= limits.short_workers < max(limits.workers, 2):
        raise InputError(
            f"of {limits.workers} workers {limits.short_workers} cannot take short statements only"
        )
    if limits.maxrec > limits.maxrec_hard:
        limits = replace(limits, maxrec=limits.maxrec_hard)
    if settings.base_url and not settings.base_url.startswith(("http://", "https://")):
        raise InputError(f"--base-url is an address of HTTP, not {settings.base_url!r}")
    return replace(settings, limits=limits, base_url=settings.base_url.rstrip("/"))


def _known(name: str, place: str) -> str:
    known = _names(Settings) | _names(Limits)
    if name not in known:
        raise InputError(f"{place} is no setting{did_you_mean(name, sorted(known))}")
    return name


def _names(kind: type) -> set[str]:
    return {f.name for f in fields(kind)} - {"served", "limits"}


def _places(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for place in environment:
        if place.startswith(_PREFIX):
            yield _known(place.removeprefix(_PREFIX).lower(), place), place


def _of_file(file: str) -> dict[str, Any]:
    try:
        said = tomllib.loads(Path(file).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{file} cannot be read as a file of TOML: {error}") from error
    tables, limits = said.pop("serve", []), said.pop("limits", {})
    found: dict[str, Any] = {}
    for values, known, where in (
        (said, _names(Settings), ""),
        (limits if isinstance(limits, dict) else {"limits": limits}, _names(Limits), "limits."),
    ):
        for name, value in values.items():
            if name not in known:
                raise InputError(
                    f"{file}: {where}{name} is no setting{did_you_mean(name, sorted(known))}"
                )
            found[name] = (value, f"{file}: {where}{name}")
    found["served"] = tuple(_served_of(tables, file))
    return found


def _served_of(tables: Any, file: str) -> list[Served]:
    texts, described = [], {}
    for table in tables if isinstance(tables, list) else [tables]:
        if not isinstance(table, dict) or not isinstance(path := table.get("path"), str):
            raise InputError(f"{file}: each [[serve]] has a path, and may have a name and metadata")
        if unknown := set(table) - {"name", "path", "metadata"}:
            raise InputError(f"{file}: serve.{unknown.pop()} is no setting")
        texts.append(f"{table['name']}={path}" if "name" in table else path)
        if "metadata" in table:
            described[str(table.get("name"))] = str(table["metadata"])
    return parse_served(texts, described)


def _filled(made: Any, said: Mapping[str, tuple[Any, str]]) -> Any:
    kinds = {f.name: type(getattr(made, f.name)) for f in fields(made)}
    values = {name: _value(name, kinds[name], *given) for name, given in said.items()}
    return replace(made, **values)


def _value(name: str, kind: type, given: Any, place: str) -> Any:
    try:
        if kind is tuple:
            parts = given.split(",") if isinstance(given, str) else given
            return tuple(str(part).strip() for part in parts)
        if kind is bool:
            return _switch(given)
        if name in _BYTES:
            return parse_bytes(str(given))
        number = kind(given)
        if kind in (int, float) and number < 0:
            raise ValueError(given)
        return number
    except (InputError, TypeError, ValueError):
        what = {bool: "true or false", int: "a whole number", float: "a number"}.get(kind, "a text")
        what = "a number of bytes, such as 2GB" if name in _BYTES else what
        raise InputError(f"{place} is {what}, not {given!r}") from None


def _switch(given: Any) -> bool:
    word = str(given).lower()
    if word not in _SWITCHES:
        raise ValueError(given)
    return _SWITCHES[word]


def _lines(settings: Any) -> Iterator[str]:
    for one in fields(settings):
        if one.name not in ("served", "limits"):
            value = getattr(settings, one.name)
            text = json.dumps(list(value) if isinstance(value, tuple) else value)
            yield f"{one.name} = {text}"


def _tables(settings: Settings) -> Iterator[str]:
    for one in settings.served:
        yield "\n[[serve]]"
        yield f"name = {json.dumps(one.name)}"
        yield f"path = {json.dumps(one.path)}"
        if one.metadata:
            yield f"metadata = {json.dumps(one.metadata)}"
