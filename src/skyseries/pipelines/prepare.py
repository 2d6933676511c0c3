"""Arguments of `import_catalog`: checked, each in its one form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from skyseries.catalog.names import nearest_names
from skyseries.errors import InputError, SchemaError
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.pipelines.plan import Limits
from skyseries.spatial.healpix import margin_order

__all__ = [
    "RESERVED",
    "check_choice",
    "check_index_column",
    "check_name",
    "check_null_values",
    "limits",
    "plain_null_values",
]

RESERVED = {HPX_COLUMN, "_rank", "_target", "Norder", "Dir", "Npix"}
"""Names of columns that we write ourselves, into leaves or scratch files, or into paths."""


def limits(max_rows: int, max_bytes: int, max_epochs: int, margin_arcsec: float | None) -> Limits:
    """Return the limits of a leaf; a partition is coarser than the cells of its margin."""
    for name, value in (
        ("max_rows", max_rows),
        ("max_bytes", max_bytes),
        ("max_epochs", max_epochs),
    ):
        if value < 1:
            raise InputError(f"{name} must be at least 1, not {value}")
    order = Limits.max_order
    if margin_arcsec is not None:
        if not 0 < margin_arcsec < 180 * 3600:
            raise InputError(
                f"margin_arcsec must be above 0, or None for no margin; not {margin_arcsec}"
            )
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
            near = nearest_names(column, there)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise SchemaError(f"null_values: there is no column {column!r}{hint}")


def check_index_column(name: str) -> None:
    """Raise InputError if an index cannot be named after this column."""
    if _is_no_word(name):
        raise InputError(
            f"the column {name!r} cannot have an id index, whose folder is named after it: "
            "rename the column, or give id_index=None"
        )


def check_name(name: str) -> str:
    """Return the name if it can be a folder and a word in hats.properties."""
    if not name or _is_no_word(name) or name.startswith("."):
        raise InputError(
            f"{name!r} cannot name a catalog: blanks, commas, semicolons, slashes and a leading "
            "dot are not possible; give name=..."
        )
    return name


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Raise InputError unless a value is one of the choices."""
    if value not in choices:
        raise InputError(f"{name} must be one of {', '.join(choices)}; not {value!r}")


def _is_no_word(name: str) -> bool:
    return any(c.isspace() or c in ",;/\\" for c in name)
