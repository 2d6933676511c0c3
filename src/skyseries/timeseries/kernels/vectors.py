"""Loops with explicit vectors, where LLVM does not find them by itself.

Their instructions are written in `vectorcode`; other kernels call them by these names.

- `add_epochs`, `add_weights`: the innermost loop of the Lomb-Scargle sums. LLVM would vectorise the
  inner of its two loops (frequencies) and load and store every sum for every epoch, or stay scalar
  because too many arrays might overlap. Here `WIDTH` frequencies are the lanes of accumulators that
  live in registers, and the epochs are the loop.
- `exchange`: the step of a sorting network. A loop that compares and exchanges two stretches of one
  array is left scalar, or gets a test at run time whether they overlap, which costs more than eight
  exchanges.
"""

from __future__ import annotations

from llvmlite.binding import get_host_cpu_features

from skyseries.jit import Emitted

__all__ = ["EIGHT", "LANES", "WIDTH", "add_epochs", "add_weights", "exchange"]

LANES = 64
"""Frequencies of a block: the last dimension of the arrays of sums."""

WIDTH = 32 if get_host_cpu_features().get("avx512f") else 16
"""Frequencies that are done at once; divides `LANES`. Eight registers of sums hide the time that an
addition takes: of AVX-512 with 32, of AVX with 16."""

EIGHT = 8
"""Numbers that are exchanged at once."""

_HOME = "skyseries.timeseries.kernels.vectorcode"

add_epochs = Emitted(_HOME, "add_epochs", LANES, WIDTH)
add_weights = Emitted(_HOME, "add_weights", LANES, WIDTH)
exchange = Emitted(_HOME, "exchange", EIGHT)
