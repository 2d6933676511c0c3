"""``hats.properties`` and ``collection.properties``: Java-style key and value lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import skyseries.store.files as files
from skyseries.errors import CatalogError

__all__ = ["format_properties", "now", "parse_properties", "read_properties", "split_list"]


def parse_properties(text: str, source: str = "properties") -> dict[str, str]:
    r"""Read the lines of a properties file.

    ``#`` and ``!`` start comments, ``=`` or ``:`` ends a key, a backslash at the end of a line
    continues it, ``\uXXXX`` and ``\=`` are escapes.

    Raises
    ------
    CatalogError
        If a line has no separator.
    """
    properties: dict[str, str] = {}
    text = re.sub(r"(?<!\\)((?:\\\\)*)\\\r?\n[ \t]*", r"\1", text)
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        line = _BLANKS_AROUND.sub("", line)
        if not line or line[0] in "#!":
            continue
        match = re.match(r"((?:\\.|[^\\=:])*?)[ \t\f]*[=:][ \t\f]*(.*)$", line, re.DOTALL)
        if match is None:
            raise CatalogError(f"{source}, line {number}: expected key=value, found {line!r}")
        properties[_unescape(match[1])] = _unescape(match[2])
    return properties


def format_properties(properties: Mapping[str, object], title: str) -> str:
    """Return the text of a properties file; entries that are None are left out."""
    lines = [f"#{title}"]
    lines += [
        f"{_escape(key, '=:#! ')}={_escape(str(value))}"
        for key, value in properties.items()
        if value is not None
    ]
    return "\n".join(lines) + "\n"


def read_properties(root: files.Location, names: Iterable[str]) -> dict[str, str] | None:
    """Read the first of the named files that exists in a folder; None if none does."""
    for name in names:
        text = root.join(name).read_text_if_there()
        if text is not None:
            return parse_properties(text, str(root.join(name)))
    return None


def split_list(text: str | None) -> list[str]:
    """Split a list value at blanks, commas and semicolons."""
    return [part for part in re.split(r"[\s,;]+", text or "") if part]


def now() -> str:
    """Return the time as HATS writes it, for instance ``2025-10-06T14:20UTC``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%MUTC")


_BLANKS_AROUND = re.compile(r"^[ \t\f]+|(?<!\\)[ \t\f]+$")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
_LINE_ENDS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
"""What some readers take for the end of a line."""


def _escape(text: str, special: str = "") -> str:
    def escaped(place: int, c: str) -> str:
        if c in _LINE_ENDS or (c == " " and place in (0, len(text) - 1)):
            return f"\\u{ord(c):04x}"
        return _NAMED.get(c) or (f"\\{c}" if c in special else c)

    return "".join(escaped(place, c) for place, c in enumerate(text))


def _unescape(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] == "u" and len(code) == 5:
            return chr(int(code[1:], 16))
        return {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}.get(code, code)

    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", character, text, flags=re.DOTALL)
