"""Arguments of `import_catalog`: checked, each in its one form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any

import pyarrow as pa

from skyseries.errors import InputError, SchemaError
from skyseries.hats.sizes import Limits
from skyseries.schema.roles import did_you_mean
from skyseries.spatial.healpix import margin_order

__all__ = [
    "check_null_values",
    "limits",
    "plain_null_values",
]


def limits(max_rows: Any, max_bytes: Any, max_epochs: Any, margin_arcsec: float | None) -> Limits:
    """Return the limits of a leaf; a partition is coarser than the cells of its margin."""
    for name, value in (
        ("max_rows", max_rows),
        ("max_bytes", max_bytes),
        ("max_epochs", max_epochs),
    ):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise InputError(f"{name} must be a whole number of at least 1, not {value!r}")
    order = Limits.max_order
    if margin_arcsec is not None:
        order = min(order, max(margin_order(margin_arcsec) - 1, 0))
    return Limits(max_rows, max_bytes, max_epochs, order)


def plain_null_values(given: Any) -> Any:
    """Return sentinels as a tuple, or a mapping of these; one value needs no brackets."""
    if isinstance(given, Mapping):
        return {column: _values(values) for column, values in given.items()}
    return _values(given)


def _values(given: Any) -> tuple[Any, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) or not isinstance(given, Iterable) else (*given,)


def check_null_values(null_values: Any, schemas: Iterable[pa.Schema]) -> None:
    """Raise SchemaError if sentinels are given for a column that is not there."""
    there = [name for schema in schemas for name in schema.names]
    for column in null_values if isinstance(null_values, Mapping) else ():
        if column not in there:
            hint = did_you_mean(column, there)
            raise SchemaError(f"null_values: there is no column {column!r}{hint}")
