"""Units and descriptions in ASCII, for formats that know no other letters."""

from __future__ import annotations

import unicodedata
import warnings
from typing import Any

__all__ = ["ascii_text", "ascii_unit"]

_SIGNS = str.maketrans(
    {
        "\N{MIDDLE DOT}": ".",
        "\N{DOT OPERATOR}": ".",
        "\N{MINUS SIGN}": "-",
        "\N{EN DASH}": "-",
        "\N{MULTIPLICATION SIGN}": "*",
        "\N{DIVISION SLASH}": "/",
    }
)
_WORDS = {
    "\N{DEGREE SIGN}": " deg",
    "\N{PRIME}": "'",
    "\N{DOUBLE PRIME}": '"',
    "\N{LESS-THAN OR EQUAL TO}": "<=",
    "\N{GREATER-THAN OR EQUAL TO}": ">=",
    "\N{ALMOST EQUAL TO}": "~",
    "\N{PLUS-MINUS SIGN}": "+-",
    "\N{RIGHTWARDS ARROW}": "->",
    "\N{SUN}": "sun",
    "\N{CIRCLED DOT OPERATOR}": "sun",
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{MIDDLE DOT}": ".",
    "\N{LATIN SMALL LETTER SHARP S}": "ss",
    "\N{LATIN SMALL LETTER O WITH STROKE}": "o",
    "\N{LATIN CAPITAL LETTER O WITH STROKE}": "O",
    "\N{LATIN SMALL LETTER AE}": "ae",
    "\N{LATIN CAPITAL LETTER AE}": "AE",
    "\N{LATIN SMALL LETTER L WITH STROKE}": "l",
    "\N{LATIN CAPITAL LETTER L WITH STROKE}": "L",
}


def ascii_unit(text: str, format: str, column: str) -> str:
    """Return a unit in ASCII: as it is if that is ASCII, else as astropy writes it.

    What astropy does not know is left out with a warning that names the column: no unit is
    better than a wrong one.

    Parameters
    ----------
    text : str
    format : {"fits", "vounit"}
        The rules of the file.
    column : str
        For the warning.
    """
    if text.isascii() and text.isprintable():
        return text
    import astropy.units as u

    decomposed = unicodedata.normalize("NFKD", text.translate(_SIGNS))
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    for candidate in (text, text.translate(_SIGNS), plain):
        unit = _parsed(candidate)
        if unit is None:
            continue
        generic = str(unit.to_string())
        if format == "fits" and _parsed(generic, format) == unit:
            return generic  # the form that astropy gives of FITS is right, but longer
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", u.UnitsWarning)  # of units that are out of fashion
                return str(unit.to_string(format))
        except (ValueError, u.UnitsError):
            return generic
    warnings.warn(
        f"column {column!r}: its unit {text!r} has no form in ASCII and is left out", stacklevel=2
    )
    return ""


def _parsed(text: str, format: str | None = None) -> Any:
    """Return the astropy unit; None if it is not known."""
    import astropy.units as u

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", u.UnitsWarning)
        unit = u.Unit(text, format=format, parse_strict="silent")
    return None if isinstance(unit, u.UnrecognizedUnit) else unit


def ascii_text(text: str) -> str:
    """Return a text in one line of ASCII: accents are dropped, Greek letters are spelled."""
    return "".join(_ascii_letter(letter) for letter in " ".join(text.split()))


def _ascii_letter(letter: str) -> str:
    if letter.isascii():
        return letter if letter.isprintable() else ""
    if letter in _WORDS:
        return _WORDS[letter]
    name = unicodedata.name(letter, "")
    if letter == "\N{MICRO SIGN}" or (name.startswith("GREEK") and " LETTER " in name):
        word = (
            "mu"
            if letter == "\N{MICRO SIGN}"
            else name.split(" WITH ")[0].rpartition(" ")[2].lower()
        )
        return word.capitalize() if "CAPITAL" in name else word
    return unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
