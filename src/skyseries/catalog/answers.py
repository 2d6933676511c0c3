"""What a user's function returned, as columns: types learned from a few answers, then kept.

Arrow, told the type that is wanted, would cut 1.5 to 1 and forget masks. So values are taken as
what they are, and may then only become a type that holds them exactly.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from skyseries.arrow import is_any_list, is_number, is_text
from skyseries.errors import InputError, SchemaError
from skyseries.schema import as_nullable

__all__ = [
    "AnswerError",
    "Rule",
    "as_schema",
    "as_type",
    "fitted",
    "has_null",
    "learned",
    "may_become",
    "to_columns",
]

Rule = Literal["same kind", "number", "given"]
"""What a value may become: a wider type of its kind; also a float where it is an integer; or,
where the user gave the type, every number that is equal to it (and a rounded float)."""

_CONVERSION_ERRORS = (
    pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError,
    TypeError, ValueError, OverflowError, AttributeError,
)  # fmt: skip


class AnswerError(Exception):
    """The answer of one call does not fit.

    Parameters
    ----------
    row : int
    text : str
    """

    def __init__(self, row: int, text: str) -> None:
        super().__init__(text)
        self.row = row


def as_type(given: Any) -> pa.DataType:
    """Return a type from one of pyarrow, one of NumPy or Python, or its name.

    Raises
    ------
    SchemaError
        If it is none.
    """
    if isinstance(given, pa.DataType):
        return given
    if isinstance(given, str) and (inner := re.fullmatch(r"list<(.+)>|(.+)\[\]", given.strip())):
        return pa.list_(as_type(inner[1] or inner[2]))
    if given is str or given is bytes:
        return pa.string() if given is str else pa.binary()
    with contextlib.suppress(ValueError, TypeError, AttributeError):
        return pa.type_for_alias(given)
    try:
        return pa.from_numpy_dtype(np.dtype(given))
    except (TypeError, pa.ArrowNotImplementedError):
        raise SchemaError(
            f"{given!r} is no type of a column; write for instance 'float64', 'int32', 'string', "
            "'bool', 'list<float64>', or give a type of pyarrow"
        ) from None


def as_schema(given: Any) -> pa.Schema:
    """Return a schema from one of pyarrow or a mapping from name to type.

    All columns may be null: a call may fail, or give None.
    """
    if isinstance(given, pa.Schema):
        schema = given
    elif isinstance(given, Mapping):
        schema = pa.schema([pa.field(str(name), as_type(kind)) for name, kind in given.items()])
    else:
        raise SchemaError(
            f"schema must be a pyarrow.Schema or a mapping from name to type, not {given!r}"
        )
    if not len(schema) or len(set(schema.names)) < len(schema):
        raise SchemaError(f"schema needs columns, each once; it has: {schema.names}")
    return pa.schema([as_nullable(field) for field in schema], schema.metadata)


def learned(answers: Sequence[Any], names: Sequence[str] | None, base: str) -> pa.Schema:
    """Return the columns that some answers of a function have.

    Parameters
    ----------
    answers : sequence
        Scalars, tuples, mappings, arrays; None tells nothing.
    names : sequence of str, optional
        Of the columns, where the function does not name them.
    base : str
        Name of a single column, and the first part of the names of those of a tuple.

    Raises
    ------
    SchemaError
        If the answers do not tell the types, or differ.
    """
    some = [answer for answer in answers if answer is not None]
    if not some:
        raise SchemaError("it gave nothing but None on the first rows; give schema=")
    found = _names(some[0], names, base)
    try:
        columns = list(zip(*_values_by_row(some, found), strict=True))
    except AnswerError as error:
        raise SchemaError(f"on the first rows {error}") from None
    fields = []
    for name, values in zip(found, columns, strict=True):
        try:
            type_ = _widest(_array(values).type)
        except _CONVERSION_ERRORS as error:
            raise SchemaError(f"its column {name!r} cannot be made: {error}") from error
        if has_null(type_):
            raise SchemaError(
                f"the first rows do not tell the type of its column {name!r} (only None, or empty "
                "lists); give schema="
            )
        fields.append(pa.field(name, type_))
    return pa.schema(fields)


def _names(answer: Any, names: Sequence[str] | None, base: str) -> list[str]:
    own = _own_names(answer)
    n = len(answer) if isinstance(answer, tuple) else 1
    if own is not None:
        if names is not None and list(names) != own:
            raise InputError(
                f"the function names its columns itself ({', '.join(own)}): leave out names="
            )
        found = own
    elif names is not None:
        if len(names) != n:
            raise InputError(f"{len(names)} names are given, and the function gives {n} values")
        found = list(names)
    else:
        found = [f"{base}_{i}" for i in range(n)] if isinstance(answer, tuple) else [base]
    if not found or len(set(found)) < len(found):
        raise SchemaError(f"the function must give columns, each once; it gave: {found}")
    return found


def _own_names(answer: Any) -> list[str] | None:
    if isinstance(answer, Mapping):
        return [str(key) for key in answer]
    if isinstance(answer, tuple) and hasattr(answer, "_fields"):
        return list(answer._fields)
    return None


def _widest(type_: pa.DataType) -> pa.DataType:
    """Return the type that later scalars of the same kind fit in."""
    if pa.types.is_floating(type_):
        return pa.float64()
    return pa.int64() if pa.types.is_integer(type_) and not pa.types.is_uint64(type_) else type_


def has_null(type_: pa.DataType) -> bool:
    """Tell whether a type, or one inside of it, is not known."""
    inner = [type_.field(i).type for i in range(type_.num_fields)]
    return pa.types.is_null(type_) or any(map(has_null, inner))


def to_columns(
    answers: list[Any], schema: pa.Schema, rule: Rule, errors: dict[int, str] | None = None
) -> list[pa.Array]:
    """Return the answers of all calls as columns.

    Parameters
    ----------
    answers : list
        None gives a row of nulls.
    schema : pyarrow.Schema
    rule : Rule
    errors : dict, optional
        Where the texts of answers that do not fit are put, by row; these become nulls.

    Raises
    ------
    AnswerError
        If an answer does not fit, and `errors` is None.
    """
    names = schema.names
    columns = _at_once(answers, names)
    if columns is None:
        columns = list(zip(*_values_by_row(answers, names, errors), strict=True))
        columns = columns or [()] * len(names)
    return [
        _column(values, field, rule, errors) for values, field in zip(columns, schema, strict=True)
    ]


def _at_once(answers: list[Any], names: list[str]) -> list[Sequence[Any]] | None:
    """Return the values of each column where all answers are of one simple form."""
    kinds = set(map(type, answers))
    n = len(names)
    if kinds == {tuple, type(None)}:  # a search that finds something for some rows
        nothing = (None,) * n
        answers, kinds = [nothing if a is None else a for a in answers], {tuple}
    if n == 1 and kinds <= {float, int, bool, str, np.float64, np.float32, np.int64, np.ndarray}:
        return [answers]
    if kinds == {tuple} and set(map(len, answers)) == {n}:
        return list(zip(*answers, strict=True))
    if kinds == {dict} and set(map(len, answers)) == {n}:
        try:
            return [[answer[name] for answer in answers] for name in names]
        except KeyError:
            return None
    return None


def _values_by_row(
    answers: Sequence[Any], names: list[str], errors: dict[int, str] | None = None
) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for row, answer in enumerate(answers):
        try:
            found.append(_row_values(answer, names))
        except ValueError as error:
            if errors is None:
                raise AnswerError(row, str(error)) from None
            errors[row] = str(error)
            found.append((None,) * len(names))
    return found


def _row_values(answer: Any, names: list[str]) -> tuple[Any, ...]:
    if answer is None:
        return (None,) * len(names)
    own = _own_names(answer)
    if own is not None:
        if set(own) != set(names):
            raise ValueError(f"it gave the columns {', '.join(own)} instead of {', '.join(names)}")
        values = answer if isinstance(answer, Mapping) else answer._asdict()
        return tuple(values[name] for name in names)
    values = answer if isinstance(answer, tuple) else (answer,)
    if len(values) != len(names):
        raise ValueError(
            f"it gave {len(values)} values for {len(names)} columns: {', '.join(names)}"
        )
    return values


def _column(
    values: Sequence[Any], field: pa.Field, rule: Rule, errors: dict[int, str] | None
) -> pa.Array:
    try:
        return _exact(values, field.type, rule)
    except _CONVERSION_ERRORS:
        pass
    parts = []
    for row, value in enumerate(values):
        try:
            parts.append(_exact([value], field.type, rule))
        except _CONVERSION_ERRORS as error:
            text = (
                f"its column {field.name!r} is {field.type}, but it gave {value!r} "
                f"({type(value).__name__}): {error}"
            )
            if errors is None:
                raise AnswerError(row, text) from None
            errors[row] = text
            parts.append(pa.nulls(1, field.type))
    return pa.concat_arrays(parts)


def _exact(values: Sequence[Any], type_: pa.DataType, rule: Rule) -> pa.Array:
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {float, np.float64} and pa.types.is_float64(type_):
        return pa.array(values, type_)
    if kinds <= {int} and pa.types.is_integer(type_):
        return pa.array(values, type_)
    return fitted(_array(values), type_, rule)


def _array(values: Sequence[Any]) -> pa.Array:
    """Return values as an Arrow array of the type that they have."""
    makers = {kind: _maker(kind) for kind in set(map(type, values))}
    if any(makers.values()):
        values = [v if (make := makers[type(v)]) is None else make(v) for v in values]
    if any(issubclass(kind, np.datetime64) for kind in makers):
        return pa.array(np.array([np.datetime64("NaT") if v is None else v for v in values]))
    return pa.array(values)


def _maker(kind: type) -> Callable[[Any], Any] | None:
    """Return how values of a type are made into what Arrow understands as they are meant."""
    if hasattr(kind, "to_value") and hasattr(kind, "unit"):
        return _refuse_unit
    if kind.__name__ in ("NAType", "NaTType"):  # of pandas
        return lambda _: None
    if issubclass(kind, np.ma.MaskedArray):
        return lambda value: value.tolist()
    if issubclass(kind, np.ndarray):
        return lambda value: value.item() if value.ndim == 0 else value
    return None


def _refuse_unit(value: Any) -> Any:
    raise TypeError(
        f"it has the unit {value.unit}, which a column of numbers would forget; use .value"
    )


def fitted(array: pa.Array, type_: pa.DataType, rule: Rule) -> pa.Array:
    """Return an array as another type that holds its values exactly.

    Raises
    ------
    TypeError
        If the type holds other kinds of values.
    pyarrow.ArrowInvalid
        If a value does not fit.
    """
    if array.type == type_:
        return array
    if array.null_count == len(array):
        return pa.nulls(len(array), type_)
    if not may_become(array.type, type_, rule) and not _without_items(array, type_):
        raise TypeError(f"{array.type} does not become {type_}")
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if rule == "given" and pa.types.is_floating(array.type) and pa.types.is_floating(type_):
        return array.cast(type_, safe=False)
    return array.cast(type_)


def _without_items(array: pa.Array, type_: pa.DataType) -> bool:
    """Whether these are empty lists, which become lists of anything."""
    return is_any_list(array.type) and is_any_list(type_) and len(array.flatten()) == 0


def may_become(have: pa.DataType, want: pa.DataType, rule: Rule) -> bool:
    """Tell whether values of one type may become another; they are checked one by one then."""
    if have == want or pa.types.is_null(have):
        return True
    if pa.types.is_dictionary(have) or pa.types.is_dictionary(want):
        plain = [t.value_type if pa.types.is_dictionary(t) else t for t in (have, want)]
        return may_become(plain[0], plain[1], rule)
    if is_number(have) and is_number(want):
        return rule == "given" or _is_wider(have, want, rule)
    if is_any_list(have) and is_any_list(want):
        return may_become(have.value_type, want.value_type, rule)
    if pa.types.is_struct(have) and pa.types.is_struct(want):
        pairs = zip(have, want, strict=False)
        return have.num_fields == want.num_fields and all(
            a.name == b.name and may_become(a.type, b.type, rule) for a, b in pairs
        )
    if pa.types.is_timestamp(have) and pa.types.is_timestamp(want):
        return bool(have.tz == want.tz)
    return is_text(have) and is_text(want)


def _is_wider(have: pa.DataType, want: pa.DataType, rule: Rule) -> bool:
    if pa.types.is_floating(want):
        if pa.types.is_integer(have):
            return rule == "number"
        return bool(have.bit_width <= want.bit_width)
    if pa.types.is_floating(have):
        return False
    signed = pa.types.is_signed_integer(have), pa.types.is_signed_integer(want)
    if signed[0] == signed[1]:
        return bool(have.bit_width <= want.bit_width)
    return signed[1] and bool(have.bit_width < want.bit_width)
