"""Many light curves as flat arrays with offsets, and what can be done inside them at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arraytypes import Bools
from skyseries.arrow import to_numpy
from skyseries.errors import InputError, SchemaError
from skyseries.nested import kernels
from skyseries.nested.flat import as_flat, as_mask, joined, kept, read_only, take
from skyseries.nested.keys import null_mask, order_codes
from skyseries.nested.layout import ListField, Parts, field_of, list_of, read_column, write_column
from skyseries.nested.reduce import reduce_segments

__all__ = ["Nested", "concat"]

SortKey = str | tuple[str, bool]


@dataclass(frozen=True, eq=False)
class Nested:
    """The light curves of a column: the values of each field end to end, and where each begins.

    Every operation returns another `Nested` and leaves this one as it is; what does not change
    is shared, not copied. Rows are never added or removed: a light curve may become empty.
    """

    offsets: NDArray[np.int64]
    """(size + 1,) where each light curve begins; read-only."""
    fields: tuple[ListField, ...]
    """The fields in order."""
    null: Bools | None = None
    """(size,) rows that have no light curve (and no epochs); None: every row has one."""

    @classmethod
    def from_arrow(cls, column: pa.Array | pa.ChunkedArray) -> Nested:
        """Take a column apart, without copying values where it is one chunk.

        Parameters
        ----------
        column : array or chunked array
            ``struct<field: list<...>, ...>`` (or large_list), lists of a row of equal lengths;
            or ``list<struct<...>>``, which other writers give. Null structs and null lists have
            no epochs.

        Raises
        ------
        SchemaError
            If the column is of another type.
        InputError
            If the lists of a row differ in length.
        """
        parts = read_column(column)
        return cls(parts.offsets, parts.fields, parts.null)

    @classmethod
    def from_flat(
        cls, parents: Any, table: pa.Table | pa.RecordBatch, n_rows: int, *, large: bool = False
    ) -> Nested:
        """Gather long rows, one per epoch, into light curves.

        Parameters
        ----------
        parents : (m,) array of int
            The light curve of each row of the table, from 0 to ``n_rows - 1``, in any order.
            Rows of one light curve stay in the order in which they stand.
        table : Table or RecordBatch of m rows
        n_rows : int
            How many light curves there are; those that no row names are empty.
        large : bool
            Give the lists 64-bit offsets; they get them anyway beyond 2**31 - 1 rows.

        Raises
        ------
        InputError
            If a parent is out of range, or there is not one for each row.
        """
        if not table.num_columns:
            raise SchemaError("light curves need at least one field; the table has no columns")
        places = _as_parents(parents, table.num_rows, n_rows)
        offsets = np.zeros(n_rows + 1, np.int64)
        np.cumsum(np.bincount(places, minlength=n_rows), out=offsets[1:])
        index = None
        if np.any(places[1:] < places[:-1]):
            index = np.empty(places.size, np.int64)
            kernels.group_index(read_only(places), offsets[:-1].copy(), index)
        fields = []
        for schema_field, column in zip(table.schema, table.columns, strict=True):
            values = as_flat(column, table.num_rows, schema_field.name)
            item = pa.field("item", schema_field.type, schema_field.nullable)
            field = schema_field.with_type(list_of(item, large=large)).with_nullable(True)
            fields.append(ListField(field, values if index is None else take(values, index)))
        return cls(read_only(offsets), tuple(fields))

    @property
    def size(self) -> int:
        """How many rows there are."""
        return self.offsets.size - 1

    def __len__(self) -> int:
        return self.size

    @property
    def n_epochs(self) -> int:
        """How many epochs all light curves have."""
        return int(self.offsets[-1])

    @property
    def names(self) -> list[str]:
        """The names of the fields in order."""
        return [field.name for field in self.fields]

    @property
    def type(self) -> pa.StructType:
        """The Arrow type of the column."""
        return pa.struct([f.field for f in self.fields])

    def lengths(self) -> NDArray[np.int64]:
        """Return the number of epochs of each row, 0 for a null light curve."""
        return np.diff(self.offsets)

    def values(self, name: str) -> pa.Array:
        """Return the values of a field, one per epoch.

        Raises
        ------
        SchemaError
            If there is no such field.
        """
        return self._field(name).values

    def to_arrow(self) -> pa.StructArray:
        """Return the column as a struct of lists, of the type that it had.

        Null light curves and null lists are null again. A list of structs has become a struct of
        lists; beyond 2**31 - 1 epochs lists become large lists.
        """
        return write_column(Parts(self.offsets, self.fields, self.null))

    def flat_table(self, names: Iterable[str] | None = None) -> pa.Table:
        """Return a table with one row per epoch, of all or the named fields."""
        chosen = self.fields if names is None else [self._field(name) for name in names]
        schema = pa.schema([f.field.type.value_field.with_name(f.name) for f in chosen])
        return pa.Table.from_arrays([f.values for f in chosen], schema=schema)

    def parents(self) -> NDArray[np.int64]:
        """Return the row of each epoch."""
        return np.repeat(np.arange(self.size), self.lengths())

    def broadcast(self, objects: Any) -> Any:
        """Return the values of the rows for each of their epochs.

        Parameters
        ----------
        objects : Array, ChunkedArray or ndarray of `size` values

        Returns
        -------
        Array or ndarray of `n_epochs` values, as was given
        """
        if len(objects) != self.size:
            raise InputError(
                f"{len(objects)} values given for {self.size} light curves; one for each is needed"
            )
        if isinstance(objects, pa.ChunkedArray):
            objects = joined(objects.chunks, objects.type)
        if isinstance(objects, pa.Array):
            return take(objects, read_only(self.parents()))
        return np.repeat(np.asarray(objects), self.lengths(), axis=0)

    def filter(self, mask: Any) -> Nested:
        """Keep the epochs where a condition is true; every row stays.

        Parameters
        ----------
        mask : array of `n_epochs` booleans
            NumPy or Arrow; null is taken as false, as in SQL.
        """
        index, offsets = kept(as_mask(mask, self.n_epochs), self.offsets)
        return self if index.size == self.n_epochs else self._taken(index, offsets)

    def sort(self, by: SortKey | Sequence[SortKey]) -> Nested:
        """Order the epochs within each light curve; equal ones stay in their order.

        Parameters
        ----------
        by : str, (str, bool), or sequence of them
            Fields, the most significant first, each with whether it ascends (the default).
            In both directions NaN comes after all numbers and null after NaN.

        Raises
        ------
        SchemaError
            If there is no such field, or its values have no order.
        """
        keys = _sort_keys(by)
        order = np.arange(self.n_epochs)
        moved = False
        for name, ascending in reversed(keys):  # passes are stable: the first key, as last, rules
            values = self.values(name)
            codes = order_codes(values, ascending=ascending)
            moved |= kernels.order_segments(codes, null_mask(values), self.offsets, order)
        if not moved or np.all(order[1:] > order[:-1]):  # one key may undo what another did
            return self
        return self._taken(read_only(order), self.offsets)

    def slice(self, start: int | None = None, stop: int | None = None, step: int = 1) -> Nested:
        """Keep ``[start:stop:step]`` of each light curve; negative places count from its end."""
        if step < 1:
            raise InputError(f"the step of a slice of light curves must be at least 1, not {step}")
        lengths = self.lengths()
        first = _place(0 if start is None else start, lengths)
        end = lengths if stop is None else _place(stop, lengths)
        counts = np.maximum(0, -((first - end) // step))
        offsets = np.zeros_like(self.offsets)
        np.cumsum(counts, out=offsets[1:])
        if offsets[-1] == self.n_epochs:
            return self
        index = np.empty(offsets[-1], np.int64)
        begins = read_only(self.offsets[:-1] + first)
        kernels.strided_index(begins, step, read_only(offsets), index)
        return self._taken(read_only(index), read_only(offsets))

    def head(self, n: int) -> Nested:
        """Keep the first n epochs of each light curve."""
        return self.slice(0, _at_least_zero(n))

    def tail(self, n: int) -> Nested:
        """Keep the last n epochs of each light curve."""
        return self.slice(-n) if _at_least_zero(n) else self.slice(0, 0)

    def select(self, names: Iterable[str]) -> Nested:
        """Keep the named fields, in this order."""
        names = list(names)
        if not names or len(set(names)) < len(names):
            raise SchemaError(f"select needs fields, each once; given: {names}")
        return replace(self, fields=tuple(self._field(name) for name in names))

    def drop(self, names: Iterable[str]) -> Nested:
        """Leave out the named fields; one at least must stay."""
        out = {self._field(name).name for name in names}
        return self.select([name for name in self.names if name not in out])

    def rename(self, names: Mapping[str, str]) -> Nested:
        """Give fields other names: ``{old: new}``."""
        for name in names:
            self._field(name)
        new = [names.get(name, name) for name in self.names]
        if len(set(new)) < len(new):
            raise SchemaError(f"two fields of a light curve cannot have one name: {new}")
        fields = (
            replace(f, field=f.field.with_name(name))
            for f, name in zip(self.fields, new, strict=True)
        )
        return replace(self, fields=tuple(fields))

    def with_field(self, name: str, values: Any) -> Nested:
        """Add a field, or replace the values of one where it stands.

        Parameters
        ----------
        name : str
        values : Array, ChunkedArray or ndarray of `n_epochs` values
        """
        flat = as_flat(values, self.n_epochs, f"field {name!r}")
        if name in self.names:
            fields = [f.with_values(flat) if f.name == name else f for f in self.fields]
        else:
            like = self.fields[0]
            item = like.field.type.value_field.name
            field = field_of(name, flat.type, large=like.is_large, item=item)
            fields = [*self.fields, ListField(field, flat)]
        return replace(self, fields=tuple(fields))

    def reduce(self, values: Any, function: str) -> pa.Array:
        """Return one value per row from one value per epoch.

        Nulls are skipped; where none is left the result is null, and `count` 0. NaN is a value:
        it makes sum, avg and stddev NaN, and in min, max and median it is greater than every
        number, as in DuckDB and PostgreSQL.

        Parameters
        ----------
        values : str, or array of `n_epochs` values
            A field, or NumPy or Arrow values.
        function : str
            ``count``; ``sum`` (64-bit integers exactly, else double); ``avg``, ``median``,
            ``stddev`` (of a sample, null for fewer than two values): double; ``min``, ``max``,
            ``first``, ``last``: of the type of the values; ``any``, ``all``: of booleans.

        Raises
        ------
        InputError
            If there is no such function, or a sum of integers does not fit 64 bits.
        SchemaError
            If the function is not defined for values of this type.
        """
        flat = (
            self.values(values)
            if isinstance(values, str)
            else as_flat(values, self.n_epochs, "the values")
        )
        return reduce_segments(flat, self.offsets, function)

    def _field(self, name: str) -> ListField:
        for field in self.fields:
            if field.name == name:
                return field
        raise SchemaError(f"the light curve has no field {name!r}; it has: {', '.join(self.names)}")

    def _taken(self, index: NDArray[np.int64], offsets: NDArray[np.int64]) -> Nested:
        fields = (f.with_values(take(f.values, index)) for f in self.fields)
        return replace(self, offsets=offsets, fields=tuple(fields))


def concat(first: Nested, second: Nested) -> Nested:
    """Return light curves with the epochs of both, those of the second after the first's.

    A row is null where both are. Fields are in the order of the first.

    Raises
    ------
    InputError
        If the numbers of rows differ.
    SchemaError
        If the fields differ in name or type.
    """
    if first.size != second.size:
        raise InputError(f"columns of {first.size} and {second.size} light curves do not match")
    if sorted(first.names) != sorted(second.names):
        raise SchemaError(
            f"light curves with different fields do not match: {', '.join(first.names)}; "
            f"{', '.join(second.names)}"
        )
    index = np.empty(first.n_epochs + second.n_epochs, np.int64)
    kernels.append_index(first.offsets, second.offsets, index)
    null = _both(first.null, second.null)
    fields = []
    for one in first.fields:
        two = second._field(one.name)
        field = _common_field(one, two)
        values = joined([one.values, two.values], field.type.value_type)
        missing = _both(_either(one.missing, first.null), _either(two.missing, second.null))
        if missing is not None and null is not None:
            missing = missing & ~null
        fields.append(ListField(field, take(values, read_only(index)), missing))
    return Nested(read_only(first.offsets + second.offsets), tuple(fields), null)


def _common_field(one: ListField, two: ListField) -> pa.Field:
    item, other = one.field.type.value_field, two.field.type.value_field
    if item.type != other.type:
        raise SchemaError(
            f"field {one.name!r} is {item.type} in one column and {other.type} in the other; "
            "cast one of them first"
        )
    item = item.with_nullable(item.nullable or other.nullable)
    field = one.field.with_type(list_of(item, large=one.is_large or two.is_large))
    return field.with_nullable(field.nullable or two.field.nullable)


def _both(one: Bools | None, two: Bools | None) -> Bools | None:
    return None if one is None or two is None else one & two


def _either(one: Bools | None, two: Bools | None) -> Bools | None:
    return one if two is None else two if one is None else one | two


def _sort_keys(by: Any) -> list[tuple[str, bool]]:
    if isinstance(by, str) or (isinstance(by, tuple) and len(by) == 2 and isinstance(by[1], bool)):
        by = [by]
    keys = [(key, True) if isinstance(key, str) else (key[0], bool(key[1])) for key in by]
    if not keys:
        raise InputError("sort needs at least one field")
    return keys


def _place(place: int, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where a place of a slice is in light curves of these lengths."""
    return np.maximum(lengths + place, 0) if place < 0 else np.minimum(lengths, place)


def _at_least_zero(n: int) -> int:
    if n < 0:
        raise InputError(f"the number of epochs to keep must not be negative: {n}")
    return n


def _as_parents(parents: Any, size: int, n_rows: int) -> NDArray[np.int64]:
    flat = as_flat(parents, size, "the parents")
    if flat.null_count or not (pa.types.is_integer(flat.type) or not size):
        raise InputError(f"parents must be row numbers without nulls, not {flat.type}")
    try:
        places: NDArray[np.int64] = to_numpy(flat.cast(pa.int64()))
    except pa.ArrowInvalid as error:
        raise InputError(f"parents must be row numbers below {n_rows}: {error}") from error
    if size and (places.min() < 0 or places.max() >= n_rows):
        wrong = int(places[np.flatnonzero((places < 0) | (places >= n_rows))[0]])
        raise InputError(f"parent {wrong} is not one of the {n_rows} rows")
    return places
