"""What `vectors` names: instructions of LLVM, imported where kernels are compiled only.

The only file with instructions of LLVM instead of Python loops. Vectors of 16 or 32 floats or of 8
doubles are legal LLVM on any machine: they become as many registers of AVX-512, AVX, SSE or Neon as
it takes; a multiplication and an addition are fused where the machine can. What is written here is
compiled into the kernel that calls it (`skyseries.jit`).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from skyseries.timeseries.kernels.vectors import EIGHT, LANES, WIDTH

__all__ = ["add_epochs", "add_weights", "exchange"]

_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, WIDTH)
_FAST = ("fast",)


@intrinsic  # type: ignore[untyped-decorator]
def add_epochs(
    typingctx: Any, lo: Any, hi: Any, table: Any, row: Any, base: Any, sums: Any, lane: Any
) -> tuple[Any, Any]:
    """Add epochs `lo` to `hi` to the sums of the frequencies ``lane`` to ``lane + WIDTH``.

    With p = a cos(angle), q = a sin(angle), where the angle is that of the epoch's `base` plus
    that of its `table`: C += p, S += q, Yc += y p, Ys += y q.

    Parameters
    ----------
    lo, hi : int
    table : (rows, 2, LANES) float32 array, contiguous
        cos and sin of the steps of each epoch, for the frequencies of a block.
    row : int
        Where epoch `lo` stands in the table.
    base : (3, n) float32 array, contiguous
        a cos and a sin at the first frequency of the block, y.
    sums : (4, LANES) float32 array, contiguous
        Changed in place.
    lane : int
    """
    return _signature(table, base, sums), _loop_over_epochs(with_values=True)


@intrinsic  # type: ignore[untyped-decorator]
def add_weights(
    typingctx: Any, lo: Any, hi: Any, table: Any, row: Any, base: Any, sums: Any, lane: Any
) -> tuple[Any, Any]:
    """Do as `add_epochs`, for C and S only: `sums` is a (2 or more, LANES) array."""
    return _signature(table, base, sums), _loop_over_epochs(with_values=False)


def _signature(table: Any, base: Any, sums: Any) -> Any:
    number = types.intp
    return types.void(number, number, table, number, base, sums, number)


def _loop_over_epochs(*, with_values: bool) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lo, hi, _, row, _, _, lane = args
        table, base, sums = (
            context.make_array(signature.args[k])(context, builder, args[k]) for k in (2, 4, 5)
        )
        n = builder.extract_value(base.shape, 1)
        loop = _Loop(builder, table.data, base.data, n, builder.sub(row, lo), lane)
        places = [loop.offset(sums.data, k * LANES) for k in range(4 if with_values else 2)]
        totals = [cgutils.alloca_once(builder, _VECTOR) for _ in places]  # LLVM makes registers
        for total, place in zip(totals, places, strict=True):
            builder.store(loop.load(place), total)
        with cgutils.for_range_slice(builder, lo, hi, lo.type(1)) as (i, _):
            loop.add(i, totals)
        for total, place in zip(totals, places, strict=True):
            pointer = builder.bitcast(place, _VECTOR.as_pointer())
            builder.store(builder.load(total), pointer).align = 4
        return context.get_dummy_value()

    return codegen


class _Loop:
    """Emits the instructions for one epoch."""

    def __init__(self, builder: Any, table: Any, base: Any, n: Any, shift: Any, lane: Any) -> None:
        self.builder, self.table, self.base = builder, table, base
        self.n, self.shift, self.lane, self.index = n, shift, lane, lane.type

    def offset(self, pointer: Any, offset: int) -> Any:
        """Return a pointer to the lanes, `offset` floats after `pointer`."""
        where = self.builder.add(self.lane, self.index(offset))
        return self.builder.gep(pointer, [where])

    def load(self, pointer: Any) -> Any:
        vector = self.builder.load(self.builder.bitcast(pointer, _VECTOR.as_pointer()))
        vector.align = 4
        return vector

    def broadcast(self, row: int, i: Any) -> Any:
        """Return a value of `base` in all lanes."""
        b = self.builder
        where = b.add(b.mul(self.n, self.index(row)), i)
        undefined = ir.Constant(_VECTOR, ir.Undefined)
        value = b.load(b.gep(self.base, [where]))
        first = b.insert_element(undefined, value, ir.IntType(32)(0))
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), None)
        return b.shuffle_vector(first, undefined, everywhere)

    def product(self, x: Any, y: Any) -> Any:
        return self.builder.fmul(x, y, flags=_FAST)

    def increase(self, total: Any, by: Any) -> None:
        b = self.builder
        b.store(b.fadd(b.load(total), by, flags=_FAST), total)

    def add(self, i: Any, totals: list[Any]) -> None:
        b = self.builder
        place = b.add(i, self.shift)
        row = b.gep(self.table, [b.mul(place, self.index(2 * LANES))])
        dc, ds = self.load(self.offset(row, 0)), self.load(self.offset(row, LANES))
        c, s = self.broadcast(0, i), self.broadcast(1, i)
        p = b.fsub(self.product(c, dc), self.product(s, ds), flags=_FAST)
        q = b.fadd(self.product(s, dc), self.product(c, ds), flags=_FAST)
        self.increase(totals[0], p)
        self.increase(totals[1], q)
        if len(totals) > 2:
            y = self.broadcast(2, i)
            self.increase(totals[2], self.product(y, p))
            self.increase(totals[3], self.product(y, q))


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
        vector = ir.VectorType(ir.DoubleType(), EIGHT)
        low, high = (
            builder.bitcast(builder.gep(data, [place]), vector.as_pointer()) for place in args[1:]
        )
        a, b = (builder.load(place, align=8) for place in (low, high))
        is_less = builder.fcmp_ordered("<", a, b)
        builder.store(builder.select(is_less, a, b), low, align=8)
        builder.store(builder.select(is_less, b, a), high, align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64), generate
