"""Which encoders there are, by their names and media types."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from skyseries.errors import InputError
from skyseries.formats.streams import (
    arrow,
    binary2,
    delimited,
    fits,
    json,
    parquet,
    tabledata,
)
from skyseries.formats.streams.base import Encoder

__all__ = ["ENCODERS", "encoder_of"]

_MODULES = (binary2, tabledata, delimited, fits, parquet, arrow, json)
"""In the order in which they are told."""


def _encoders() -> Iterator[type[Encoder]]:
    for module in _MODULES:
        for found in vars(module).values():
            is_own = isinstance(found, type) and found.__module__ == module.__name__
            if is_own and issubclass(found, Encoder) and not inspect.isabstract(found):
                yield found


ENCODERS: Mapping[str, type[Encoder]] = MappingProxyType({e.name: e for e in _encoders()})
"""The encoder of each short name."""


def encoder_of(text: str) -> type[Encoder]:
    """Return the encoder that a short name or a media type means, in any case.

    What a media type says of the charset, or of the version of VOTable, does not count.

    Raises
    ------
    InputError
        If there is none.
    """
    wanted = _plain(text)
    for encoder in ENCODERS.values():
        if wanted in map(_plain, (encoder.name, encoder.media_type, *encoder.aliases)):
            return encoder
    known = ", ".join(f"{e.name} ({e.media_type})" for e in ENCODERS.values())
    raise InputError(f"there is no format {text!r}; there are {known}")


def _plain(text: str) -> tuple[str, ...]:
    """Return a media type and its parameters in one spelling."""
    kind, *parameters = (part.strip().lower() for part in text.split(";"))
    spelled = (p.replace('"', "").replace(" ", "") for p in parameters)
    return kind, *sorted(p for p in spelled if p and not p.startswith(("charset=", "version=")))
