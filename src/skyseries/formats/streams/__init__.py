"""Tables as streams of bytes: one encoder for each format, from the first row on.

Types are those of the schema, as nobody has seen the values yet.

==========  =========================  ========================  ==================================
.           integers of 64 bits        light curves, arrays      null; NaN
==========  =========================  ========================  ==================================
votable     ``long``; ``char`` if      a variable array for      bits (BINARY2); in arrays of
            without sign               each field; ``32x6``      integers the number that the FIELD
                                                                 declares, in others NaN, ``?``
votable/td  the same                   the same                  empty cell; in arrays the same
csv, tsv    exact                      JSON text                 empty cell; NaN, Infinity
fits        exact (TZERO)              ``PD``, ``QD``; ``192D``  TNULL, NaN, empty arrays
parquet     exact                      nested                    exact
arrow       exact                      nested                    exact
json        text                       arrays                    null; "NaN", "Infinity" as text
==========  =========================  ========================  ==================================

Text is ``unicodeChar`` in a VOTable, unless the column is declared to be ASCII
(`skyseries.schema.columns.declare`). Lists of text, and lists of lists of any lengths, are JSON
text in all but JSON, Parquet and Arrow. What XML cannot hold is U+FFFD in TABLEDATA; in BINARY2 all
text is as it is. Each class tells how its documents end after an overflow, or after an error.
"""

from skyseries.formats.streams.base import COMPLETE, OVERFLOW, Document, Encoder, Ending, Info
from skyseries.formats.streams.registry import ENCODERS, encoder_of

__all__ = [
    "COMPLETE",
    "ENCODERS",
    "OVERFLOW",
    "Document",
    "Encoder",
    "Ending",
    "Info",
    "encoder_of",
]
