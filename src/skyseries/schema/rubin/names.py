"""Names of many columns by one pattern, and what they mean by their parts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping

__all__ = ["described", "expand"]

_BRACES = re.compile(r"\{([^}]*)\}")
_BAND = re.compile(r"([ugrizy])(?:_|(?=[A-Z]{2}))(.+)")
"""A band before the name of what was measured in it: ``g_psfFlux``, ``gPSFluxMean``."""


def expand(pattern: str) -> Iterator[tuple[str, str]]:
    """Yield the names of a pattern, each with what it has for the first pair of braces.

    Braces hold alternatives; ``{ugrizy}`` are the six bands.

    >>> list(expand("ap{03,06}Flux{,Err}"))[1:3]
    [('ap03FluxErr', '03'), ('ap06Flux', '06')]
    """
    texts = _BRACES.split(pattern)
    choices = [list(part) if part == "ugrizy" else part.split(",") for part in texts[1::2]]
    for parts in itertools.product(*choices):
        filled = itertools.zip_longest(texts[::2], parts, fillvalue="")
        yield "".join(itertools.chain.from_iterable(filled)), parts[0] if parts else ""


def described(table: str, name: str, texts: Mapping[str, str]) -> str:
    """Return the description of a column; empty: there is none.

    Parameters
    ----------
    table, name : str
    texts : mapping from str to str
        By ``table.name`` or ``.name``, without the band before it; those of errors and flags
        need not be there.
    """
    for known in (f"{table}.{name}", f".{name}"):
        if known in texts:
            return texts[known]
    if band := _BAND.fullmatch(name):
        text = described(table, band[2], texts)
        return text and f"{text}, in {band[1]}"
    for ending, form in (("Err", "Error of {}"), ("_flag", "Whether {} could not be measured")):
        stem = name.removesuffix(ending)
        if stem != name and described(table, stem, texts):
            return form.format(stem)
    return ""
