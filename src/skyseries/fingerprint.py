"""A name for what is asked: the same in the next process, and another for anything else.

What a class says in ``__fingerprint__`` counts for its objects; else the fields of a dataclass do.
"""

from __future__ import annotations

import hashlib
import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

__all__ = ["fingerprint"]

_PLAIN = (str, bytes, int, float, complex, bool, type(None), type(...))


def fingerprint(*values: Any) -> str:
    """Return a hexadecimal digest of plans, functions and plain values.

    A function counts by its code, its defaults, and the values that it takes from around it, so
    that one that was changed is another one; the same holds for functions of Numba. What cannot
    be looked into (an extractor of another package) counts by its pickle.
    """
    digest = hashlib.sha256()
    for token in _tokens(values, frozenset()):
        digest.update(token.encode(errors="surrogatepass") if isinstance(token, str) else token)
        digest.update(b"\0")
    return digest.hexdigest()[:32]


def _tokens(value: Any, seen: frozenset[int]) -> Iterator[str | bytes]:
    if isinstance(value, _PLAIN):
        yield f"{type(value).__name__}:{value!r}"
        return
    if id(value) in seen:  # a cycle, as of a function that calls itself
        yield "again"
        return
    seen = seen | {id(value)}
    yield type(value).__qualname__
    said = getattr(type(value), "__fingerprint__", None)
    if said is not None:
        yield from _tokens(said(value), seen)
    elif isinstance(value, pa.Schema):
        yield value.serialize().to_pybytes()
    elif isinstance(value, pa.DataType | pa.Field):
        yield str(value)
    else:
        yield from _deeper(value, seen)


def _deeper(value: Any, seen: frozenset[int]) -> Iterator[str | bytes]:
    if isinstance(value, np.ndarray) and value.dtype != object:
        yield from (f"{value.dtype} {value.shape}", np.ascontiguousarray(value).tobytes())
    elif isinstance(value, pa.Table):
        yield from _of_table(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _tokens(key, seen)
            yield from _tokens(item, seen)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tokens(item, seen)
    elif isinstance(value, set | frozenset):
        yield from sorted(fingerprint(item) for item in value)
    elif isinstance(value, partial):
        yield from _tokens((value.func, value.args, value.keywords), seen)
    elif isinstance(value, type | types.ModuleType | types.BuiltinFunctionType):
        yield f"{getattr(value, '__module__', '')}.{value.__name__}"
    elif isinstance(getattr(value, "py_func", None), types.FunctionType):
        yield from _tokens(value.py_func, seen)
    elif isinstance(value, types.FunctionType):
        yield from _of_function(value, seen)
    elif isinstance(value, types.MethodType):
        yield from _tokens((value.__func__, value.__self__), seen)
    elif is_dataclass(value):
        for field in fields(value):
            if not field.name.startswith("_") and field.compare:
                yield from _tokens(getattr(value, field.name), seen)
    else:
        yield from _of_other(value)


def _of_table(table: pa.Table) -> Iterator[bytes]:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    yield sink.getvalue().to_pybytes()


def _of_function(function: types.FunctionType, seen: frozenset[int]) -> Iterator[str | bytes]:
    """Yield the code of a function and of those beside it; of our own, which has a version, a name.

    What it calls in other modules counts by its name.
    """
    module = function.__module__ or ""
    yield f"{module}.{function.__qualname__}"
    if module.partition(".")[0] == "skyseries":
        return
    code = function.__code__
    yield from _of_code(code, seen)
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    yield from _tokens((function.__defaults__, function.__kwdefaults__, cells), seen)
    for name in _names_in(code):
        value = function.__globals__.get(name)
        plain = getattr(value, "py_func", value)
        if isinstance(plain, types.FunctionType) and plain.__globals__ is not function.__globals__:
            yield f"{plain.__module__}.{plain.__qualname__}"
        elif name in function.__globals__:
            yield from _tokens(value, seen)


def _names_in(code: types.CodeType) -> Iterator[str]:
    """Yield the global names that a function and the functions within it use."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names_in(constant)


def _of_code(code: types.CodeType, seen: frozenset[int]) -> Iterator[str | bytes]:
    yield code.co_code
    yield repr((code.co_names, code.co_varnames, code.co_freevars))
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _of_code(constant, seen)
        else:
            yield from _tokens(constant, seen)


def _of_other(value: Any) -> Iterator[str | bytes]:
    import cloudpickle

    try:
        yield cloudpickle.dumps(value)
    except Exception:  # what cannot be pickled is at least not taken for something else
        yield f"{type(value)} {id(value)}"
