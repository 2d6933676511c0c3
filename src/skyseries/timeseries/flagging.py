"""Which epochs the flags of a survey call bad, by rules that a caller gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arrays.containers import is_single, opened
from skyseries.arrow import to_numpy
from skyseries.errors import InputError, SchemaError
from skyseries.lazy import pc
from skyseries.schema import LightCurveFields
from skyseries.timeseries.epochs import is_flagged

__all__ = ["FlagRule", "flag_rules"]


@dataclass(frozen=True)
class FlagRule:
    """What a field of an epoch says when the epoch is bad."""

    field: str
    mask: int | None = None
    """Bad where one of these bits is set. None: where it is true, or not zero."""
    good: tuple[Any, ...] | None = None
    """Bad where it is none of these values; null is none of them."""

    def bad(self, values: pa.Array) -> NDArray[np.bool_]:
        """Return which of the values of the field say so.

        Raises
        ------
        SchemaError
            If the field cannot be asked this.
        InputError
            If the mask or a value is none of its type.
        """
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if self.good is not None:
            return ~self._is_good(values)
        return is_flagged(values if self.mask is None else self._bits(values), self.field)

    def _bits(self, values: pa.Array) -> pa.Array:
        if pa.types.is_floating(values.type):  # whole numbers, some of which were missing
            known = pc.if_else(pc.is_finite(values), values, None)
            if (part := known.filter(pc.not_equal(pc.floor(known), known))).drop_null():
                raise InputError(
                    f"the mask {self.mask} asks for bits, but {self.field!r} holds {part[0]}"
                )
            values = known.cast(pa.int64(), safe=False)
        if not pa.types.is_integer(values.type):
            raise SchemaError(
                f"the mask {self.mask} asks for bits, but {self.field!r} holds {values.type}"
            )
        try:
            mask = pa.scalar(self.mask, values.type)
        except (pa.ArrowInvalid, OverflowError):
            raise InputError(
                f"the mask {self.mask} has bits that {self.field!r} of type {values.type} lacks"
            ) from None
        return pc.bit_wise_and(values, mask)

    def _is_good(self, values: pa.Array) -> NDArray[np.bool_]:
        try:
            good = pa.array(list(self.good or ()), values.type)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            raise InputError(
                f"{list(self.good or ())} are no values of {self.field!r}, which holds "
                f"{values.type}"
            ) from None
        found = pc.fill_null(pc.is_in(values, value_set=good), False)
        return to_numpy(found)

    def __str__(self) -> str:
        if self.good is not None:
            return f"{self.field} not in {list(self.good)}"
        return f"{self.field} set" if self.mask is None else f"{self.field} & {self.mask}"


def flag_rules(flags: Any, fields: LightCurveFields) -> tuple[FlagRule, ...]:
    """Return the rules that a caller means.

    Parameters
    ----------
    flags : None, bool, int, sequence or mapping
        True: the flag of the light curve is set; a whole number: one of these bits of it; values:
        it is none of them. By name of a field: the same of this field.
    fields : LightCurveFields

    Raises
    ------
    InputError
        For anything else.
    SchemaError
        If the light curves have no flag.
    """
    if flags is None or flags is False:
        return ()
    if isinstance(flags, Mapping):
        return tuple(_rule(str(name), given) for name, given in flags.items())
    if fields.flag is None:
        raise SchemaError(
            f"flags={flags!r}: the light curves have no flag that is known; name the field, as "
            "flags={'quality': True}"
        )
    return (_rule(fields.flag, flags),)


def _listed(given: Any) -> list[Any]:
    """Return the values of a row of any library; none for anything else."""
    if isinstance(given, list | tuple | set | frozenset | range):
        return list(given)
    if is_single(given) or isinstance(given, Mapping):
        return []
    plain = opened(given, "flags")
    return plain.values.tolist() if plain.missing is None and plain.values.ndim == 1 else []


def _rule(field: str, given: Any) -> FlagRule:
    if isinstance(given, bool | np.bool_) and given:
        return FlagRule(field)
    if isinstance(given, int | np.integer) and not isinstance(given, bool) and given > 0:
        return FlagRule(field, mask=int(given))
    values = _listed(given)
    if values:
        try:
            return FlagRule(field, good=tuple(sorted(values)))
        except TypeError:
            pass
    raise InputError(
        f"the flag {field!r} is True (bad where it is set), a mask of bits above zero, or a list "
        f"of the values that are good, not {given!r}"
    )
