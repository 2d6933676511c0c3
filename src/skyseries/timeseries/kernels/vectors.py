"""Operations on eight numbers at once that LLVM does not find by itself.

The only file with instructions of LLVM instead of Python loops. A loop that compares and
exchanges two stretches of one array is left scalar, or gets a test at run time whether they
overlap, which costs more than eight exchanges. On a machine without AVX-512, LLVM splits these
operations into the vectors that it has.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["LANES", "exchange"]

LANES = 8


@intrinsic  # type: ignore[untyped-decorator]
def exchange(typing_context: Any, array: Any, i: Any, j: Any) -> Any:
    """Order eight pairs: of array[i + k] and array[j + k] the smaller goes to i + k.

    Parameters
    ----------
    array : contiguous float64 array
        No NaN; there is no check of the bounds.
    i, j : int
        The two stretches of eight must not overlap.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        vector = ir.VectorType(ir.DoubleType(), LANES)
        low, high = (
            builder.bitcast(builder.gep(data, [place]), vector.as_pointer()) for place in args[1:]
        )
        a, b = (builder.load(place, align=8) for place in (low, high))
        is_less = builder.fcmp_ordered("<", a, b)
        builder.store(builder.select(is_less, a, b), low, align=8)
        builder.store(builder.select(is_less, b, a), high, align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64), generate
