"""Light curves taken apart: a row for each epoch, filed where its object is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Floats, Ints
from skyseries.catalog.plan.epochs import nested_of
from skyseries.catalog.plan.names import check_columns, fields_of
from skyseries.catalog.plan.node import Hints, RowStep, Source
from skyseries.catalog.plan.rows import Index, Rows, gather
from skyseries.errors import SchemaError

__all__ = ["EpochRows", "Unnest"]


@dataclass(frozen=True)
class Unnest(RowStep):
    """The epochs of a light-curve column, one row each; an object without any gives none.

    Parameters
    ----------
    column : str
        The light curves.
    objects : tuple of str
        Columns of the objects that each row gets, before the fields of the epoch.
    used : tuple of str
        Fields that are read anyway, where it is known: one of them tells how many epochs there are.
    """

    column: str
    objects: tuple[str, ...]
    used: tuple[str, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        schema = self.child.schema
        check_columns(self.objects, schema)
        if both := set(self.objects) & set(fields_of(schema, self.column)):
            raise SchemaError(
                f"objects and epochs both have {min(both)!r}; leave it out of columns="
            )

    @cached_property
    def schema(self) -> pa.Schema:
        before = self.child.schema
        inner = [f.with_type(f.type.value_type) for f in before.field(self.column).type]
        return pa.schema([*(before.field(name) for name in self.objects), *inner], before.metadata)

    @property
    def position(self) -> tuple[str, str] | None:
        names = self.child.position
        return names if names is not None and set(names) <= set(self.objects) else None

    @property
    def filters(self) -> bool:
        return True

    @property
    def gives(self) -> tuple[int, int | None]:
        return 0, None

    @property
    def counted(self) -> tuple[str, ...]:
        """The fields that are read for the number of epochs, whichever are wanted."""
        fields = list(self.child.schema.field(self.column).type)
        some = [field for field in fields if field.name in self.used] or fields
        return (min(some, key=_width).name,)

    def inherits(self, path: str) -> tuple[Source, ...] | None:
        return (Source(0, path),) if path in self.objects else None

    def needs(self, paths: Sequence[str]) -> list[str]:
        wanted = [path for path in paths if path in self.objects]
        fields = [path for path in paths if path not in self.objects]
        found = [f"{self.column}.{name}" for name in dict.fromkeys([*self.counted, *fields])]
        return [*wanted, *found]

    def hints(self, hints: Hints) -> Hints:
        return Hints(hints.regions, tuple(c.moved(self._below) for c in hints.conditions))

    def _below(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return path if path[0] in self.objects else (self.column, *path)

    def apply(self, rows: Rows) -> Rows:
        offsets = nested_of(rows, self.column, self.counted).offsets
        return EpochRows(self, rows, offsets, np.arange(offsets[-1] if len(offsets) else 0))

    def describe(self) -> str:
        return f"a row for each epoch of {self.column}"


class EpochRows(Rows):
    """Epochs, by their numbers in the light curves of all rows one after the other.

    Parameters
    ----------
    step : Unnest
    rows : Rows
        Of the objects.
    offsets : ndarray of int64, shape (n objects + 1,)
        Number of the first epoch of each object.
    epochs : ndarray of int64
    """

    def __init__(self, step: Unnest, rows: Rows, offsets: Ints, epochs: Ints) -> None:
        self._step, self._rows, self._offsets, self._epochs = step, rows, offsets, epochs

    def __len__(self) -> int:
        return len(self._epochs)

    def positions(self) -> tuple[Floats, Floats]:
        if self._step.position is None:
            raise SchemaError(
                "single epochs are not filed by their positions: search and match objects before; "
                "or match the result as a table"
            )
        ra, dec = self._rows.positions()
        parents = self._parents(self._epochs)
        return ra[parents], dec[parents]

    def hpx(self) -> Ints:
        return self._rows.hpx()[self._parents(self._epochs)]

    def take(self, index: Ints) -> Rows:
        return EpochRows(self._step, self._rows, self._offsets, self._epochs[index])

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        epochs = self._epochs if index is None else self._epochs[index]
        parents = self._parents(epochs)
        touched, of = np.unique(parents, return_inverse=True)
        some = None if len(touched) == len(self._rows) else touched
        objects = [path for path in paths if path in self._step.objects]
        fields = [path for path in paths if path not in objects]
        columns: dict[str, pa.ChunkedArray | pa.Array] = {}
        if objects:
            table = gather(self._rows.fetch(objects, some), of)
            columns |= zip(objects, table.columns, strict=True)
        if fields:
            nested = nested_of(self._rows, self._step.column, fields, some)
            place = nested.offsets[of] + epochs - self._offsets[parents]
            columns |= zip(fields, gather(nested.flat_table(fields), place).columns, strict=True)
        return pa.table({path: columns[path] for path in paths})

    def _parents(self, epochs: Ints) -> Ints:
        """Return the row of the object of each epoch."""
        return np.searchsorted(self._offsets, epochs, side="right") - 1


def _width(field: pa.Field) -> int:
    """Return the bits of a value; of texts more than of any number."""
    try:
        return int(field.type.value_type.bit_width)
    except ValueError:
        return 1 << 16
