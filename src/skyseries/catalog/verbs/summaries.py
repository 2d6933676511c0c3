"""Summaries of the whole catalog: groups, order, quantiles, histograms, description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, cast, overload

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.arrays import numbers, whole
from skyseries.arraytypes import Floats, Ints
from skyseries.catalog import plan, run
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.names import names_list, texts_by_name
from skyseries.catalog.plan.node import Node
from skyseries.catalog.plan.roles import the_column
from skyseries.errors import InputError, QueryError, SchemaError
from skyseries.schema import as_schema
from skyseries.spatial.healpix import HPX_ORDER

if TYPE_CHECKING:
    from skyseries.catalog.run.histograms import Bins, Range

__all__ = ["Groups", "SummaryVerbs"]


_MAX_DENSE_ORDER = 13


class Groups:
    """Rows, or epochs, by groups; made by `Catalog.group_by`."""

    def __init__(self, held: CatalogBase, keys: Mapping[str, str], epochs: str | None) -> None:
        from skyseries.catalog.run.groups import epoch_schema

        self._held, self._texts = held, dict(keys)
        scope = held._scope()
        levels = {adql.resolve_value(text, scope).level for text in keys.values()} - {None}
        if epochs is not None:
            levels.add(the_column(held.schema, epochs))
        if len(levels) > 1:
            names = " and of ".join(sorted(map(str, levels)))
            raise QueryError(f"one group cannot have epochs of {names}: they are not the same")
        self._over = next(iter(levels), None)
        if self._over is not None:
            schema = epoch_schema(held.schema, self._over)
            scope = adql.Scope.from_schema(schema, names=(held.name,))
        self._scope = scope
        self._keys = [adql.resolve_value(text, scope) for text in keys.values()]
        for text, key in zip(keys.values(), self._keys, strict=True):
            if not key.type.is_scalar:
                raise QueryError(f"{text} is a {key.type.value}: there are no groups of that")

    def aggregate(self, columns: Mapping[str, str] | None = None, **more: str) -> pa.Table:
        """Compute aggregates of each group.

        Parameters
        ----------
        columns, **more
            From name to SQL expression: ``aggregate(n="COUNT(*)", m="AVG(gMag)")``. Aggregates
            are COUNT, SUM, AVG, MIN, MAX, MEDIAN, STDDEV, VARIANCE, also of DISTINCT values;
            null and NaN are skipped. An aggregate of a light curve has a value for each object,
            which is aggregated in turn: ``AVG(COUNT(lc.mjd))``.

        Returns
        -------
        pyarrow.Table
            The keys and the aggregates, a row for each group, in the order of the keys, null
            last; ``.to_pandas()`` makes a DataFrame of it. Units are in the fields' metadata.

        Raises
        ------
        QueryError
            If an expression cannot be understood, or differs between the rows of a group.

        Notes
        -----
        Memory grows with the number of groups; with MEDIAN and DISTINCT also with the number of
        values (`Catalog.quantiles` does not). Sums are added in an order that does not depend on
        the engine: the result is the same to the last bit with any number of workers.
        """
        from skyseries.catalog.run.groups import PlainGroupBy, epoch_schema, grouped
        from skyseries.catalog.run.inputs import lifted

        wanted = texts_by_name(columns, more, "aggregate(n='COUNT(*)')")
        if both := [name for name in wanted if name in self._texts]:
            raise SchemaError(f"{both[0]!r} is a group and an aggregate; give one another name")
        values = run.aggregates(wanted, self._scope)
        node, expressions = lifted(self._held._node, [*self._keys, *values])
        keys, outer = expressions[: len(self._keys)], expressions[len(self._keys) :]
        by = PlainGroupBy(keys, list(self._texts), outer, list(wanted))
        table = grouped(node, by, self._over)
        schema = self._held.schema
        if self._over is not None:
            schema = epoch_schema(schema, self._over)
        fields = [
            run.field_of(field.name, expression, schema).with_type(field.type)
            for field, expression in zip(table.schema, [*self._keys, *values], strict=True)
        ]
        return as_schema(table, pa.schema(fields))


class SummaryVerbs(CatalogBase):
    """Verbs that look at all rows and give something small.

    They run on the engine that holds, a part of the sky after the other; what is held in memory
    does not grow with the catalog, but where it is said.
    """

    def group_by(self, *keys: str, epochs: str | None = None) -> Groups:
        """Group the rows, or the epochs of light curves; see `Groups.aggregate`.

        Parameters
        ----------
        *keys : str
            Columns, or expressions with a name: ``"ROUND(gMag) AS bin"``. Fields of a light
            curve (``"lc.band"``) group its epochs: then aggregates are of epochs
            (``COUNT(*)``, ``AVG(lc.flux)``), and columns of the object count for each of its
            epochs.
        epochs : str, optional
            The light-curve column whose epochs are grouped, where no key says it.

        Examples
        --------
        >>> catalog.group_by("ROUND(gMag) AS bin").aggregate(n="COUNT(*)")  # doctest: +SKIP
        >>> catalog.group_by("lc.band").aggregate(flux="AVG(lc.flux)")  # doctest: +SKIP
        """
        if not keys:
            raise InputError("group_by needs a column; aggregate() alone is for all rows together")
        return Groups(self, run.named(keys), epochs)

    def aggregate(
        self,
        columns: Mapping[str, str] | None = None,
        *,
        epochs: str | None = None,
        **more: str,
    ) -> pa.Table:
        """Compute aggregates of all rows together: a table of one row.

        Parameters
        ----------
        columns, **more
            As in `Groups.aggregate`.
        epochs : str, optional
            A light-curve column whose epochs are aggregated in place of the rows.
        """
        return Groups(self, {}, epochs).aggregate(columns, **more)

    def value_counts(self, column: str) -> pa.Table:
        """Return how often each value occurs, the most frequent first.

        Parameters
        ----------
        column : str
            A column, a field of a light curve, or an expression with a name.

        Returns
        -------
        pyarrow.Table
            The value, and ``count``; equally frequent ones in their order.
        """
        name = next(iter(run.named(column)))
        count = "count" if name != "count" else "n"
        table = self.group_by(column).aggregate({count: "COUNT(*)"})
        order = np.argsort(-table.column(count).to_numpy(), kind="stable")
        return table.take(pa.array(order))

    def unique(self, column: str) -> pa.Array:
        """Return the different values of a column, of a field or of an expression, in order."""
        table = self.group_by(column).aggregate({"": "COUNT(*)"})
        return table.column(0).combine_chunks()

    def sort_values(
        self,
        by: str | Sequence[str],
        n: int | None = None,
        ascending: bool | Sequence[bool] = True,
    ) -> pa.Table:
        """Return the rows in an order, or the first n of them.

        Parameters
        ----------
        by : str or sequence of str
            Columns or SQL expressions, each with ``DESC`` behind it where it descends.
        n : int, optional
            Only the first n: only what is sorted by is read of all rows, at most n rows of each
            part of the sky are held, and the other columns are read of the n rows.
        ascending : bool or sequence of bool
            For all, or for each of `by`.

        Returns
        -------
        pyarrow.Table
            NaN comes after all numbers and null after that, in both directions. Equal rows are
            in the order of the sky, so that the result is the same on every engine. Without
            `n` all rows are in memory; `iter_sorted` gives them piece by piece.
        """
        from skyseries.catalog.run.sorting import top

        if n is None:
            return pa.concat_tables([self.schema.empty_table(), *self.iter_sorted(by, ascending)])
        n = whole(n, "n", least=0)
        keys, directions = run.sort_keys(by, ascending, self._scope())
        return top(self._node, keys, directions, n)

    def iter_sorted(
        self, by: str | Sequence[str], ascending: bool | Sequence[bool] = True
    ) -> Iterator[pa.Table]:
        """Yield all rows in an order, as tables that follow each other.

        Parameters
        ----------
        by, ascending
            As in `sort_values`.

        Notes
        -----
        Parts that do not fit into a quarter of the memory setting wait in files below the
        setting for scratch files, uncompressed; they are removed when the iterator ends.
        """
        from skyseries.catalog.run.fullsort import iter_sorted

        keys, directions = run.sort_keys(by, ascending, self._scope())
        return iter_sorted(self._node, keys, directions)

    def quantiles(
        self,
        columns: str | Sequence[str],
        q: float | Sequence[float] = (0.25, 0.5, 0.75),
    ) -> pa.Table:
        """Return exact quantiles.

        Parameters
        ----------
        columns : str or sequence of str
            Columns or expressions of numbers (``"gMag - rMag AS colour"``).
        q : float or sequence of float
            From 0 to 1.

        Returns
        -------
        pyarrow.Table
            ``q``, and a column of float64 for each of `columns`: between two values the
            quantile is interpolated linearly, as by `numpy.quantile`. Null and NaN are skipped;
            null where there are only such.

        Notes
        -----
        Up to a million values are sorted; of more, the 64 bits of the numbers are narrowed down
        in two to five passes over the columns. Both are exact; memory is bounded.
        """
        from skyseries.catalog.run.quantiles import quantiles

        wanted = list(map(float, np.atleast_1d(numbers(q, "", "q"))))
        if outside := [value for value in wanted if not 0 <= value <= 1]:
            raise InputError(f"quantiles are between 0 and 1, not {outside[0]}")
        texts = run.named(columns)
        if "q" in texts:
            raise SchemaError("'q' is the name of the quantiles; name the column otherwise (AS)")
        values = [run.number(text, self._scope()) for text in texts.values()]
        found = quantiles(self._node, values, wanted)
        fields = [
            run.field_of(name, expression, self.schema).with_type(pa.float64())
            for name, expression in zip(texts, values, strict=True)
        ]
        arrays = [pa.array(column, pa.float64()) for column in [wanted, *found]]
        return pa.table(arrays, schema=pa.schema([pa.field("q", pa.float64()), *fields]))

    def histogram(
        self,
        value: str,
        bins: Bins = 10,
        range: Range = None,
        condition: str | None = None,
    ) -> tuple[Ints, Floats]:
        """Count values in bins, as `numpy.histogram` does.

        Parameters
        ----------
        value : str
            A column or an expression of numbers; null and NaN are skipped.
        bins : int or sequence of float
            How many of equal width, or their edges, also in a unit that they say.
        range : (float, float), optional
            From where to where; by default from the least to the greatest value, which takes
            one more pass.
        condition : str, optional
            Only rows of which it is true.

        Returns
        -------
        counts : ndarray of int64, shape (bins,)
        edges : ndarray of float64, shape (bins + 1,)
            A bin has its left edge, the last one both.
        """
        from skyseries.catalog.run import histograms

        expression = run.number(value, self._scope())
        node = self._under(condition)
        (edges,) = histograms.edges_of(node, [expression], [bins], [range])
        uniform = histograms.is_count(bins)
        return histograms.histogram(node, expression, edges, uniform), edges

    def histogram2d(
        self,
        x: str,
        y: str,
        bins: Bins | tuple[Bins, Bins] = 10,
        range: tuple[Range, Range] | None = None,
        condition: str | None = None,
    ) -> tuple[Ints, Floats, Floats]:
        """Count pairs of values in bins, as `numpy.histogram2d` does.

        Parameters
        ----------
        x, y : str
            Columns or expressions of numbers; rows where one is null or NaN are skipped.
        bins : int, sequence of float, or a pair of these
            For both, or for x and y.
        range : pair of (float, float) or None, optional
            For x and y.
        condition : str, optional

        Returns
        -------
        counts : ndarray of int64, shape (bins of x, bins of y)
        x_edges, y_edges : ndarray of float64
        """
        from skyseries.catalog.run import histograms

        pair = isinstance(bins, tuple | list) and len(bins) == 2
        both = tuple(bins) if pair else (bins, bins)  # type: ignore[arg-type]
        first, second = (run.number(text, self._scope()) for text in (x, y))
        node = self._under(condition)
        x_edges, y_edges = histograms.edges_of(node, [first, second], both, range or (None, None))
        counts = histograms.histogram2d(node, first, second, (x_edges, y_edges))
        return counts, x_edges, y_edges

    @overload
    def sky_histogram(
        self,
        order: int,
        condition: str | None = None,
        weights: str | None = None,
        *,
        dense: Literal[True] = True,
    ) -> Ints | Floats: ...
    @overload
    def sky_histogram(
        self,
        order: int,
        condition: str | None = None,
        weights: str | None = None,
        *,
        dense: Literal[False],
    ) -> tuple[Ints, Ints | Floats]: ...
    def sky_histogram(
        self,
        order: int,
        condition: str | None = None,
        weights: str | None = None,
        *,
        dense: bool = True,
    ) -> Ints | Floats | tuple[Ints, Ints | Floats]:
        """Count rows in HEALPix cells.

        Parameters
        ----------
        order : int
            Of the cells: there are ``12 * 4**order``, numbered NESTED.
        condition : str, optional
            Only rows of which it is true.
        weights : str, optional
            A column or expression that is summed in place of counting; null and NaN as 0.
        dense : bool
            Return an array of all cells (up to order 13), else only cells that have rows.

        Returns
        -------
        counts : ndarray of int64 (float64 with weights), shape (12 * 4**order,)
            Or with ``dense=False`` a pair: the cells, ascending, and their counts. Rows without
            a position are in no cell.

        Raises
        ------
        InputError
            If the columns of the positions were replaced by `assign`.
        """
        from skyseries.catalog.run import histograms

        order = whole(order, "order")
        limit = _MAX_DENSE_ORDER if dense else HPX_ORDER
        if not 0 <= order <= limit:
            raise InputError(
                f"order must be from 0 to {limit}, not {order}"
                + ("; with dense=False up to 29" if dense and order <= HPX_ORDER else "")
            )
        self._check_places("rows are counted")
        weight = None if weights is None else run.number(weights, self._scope())
        cells, counts = histograms.sky_counts(self._under(condition), order, weight)
        if not dense:
            return cells, counts
        sky = np.zeros(12 << 2 * order, counts.dtype)
        sky[cells] = counts
        return cast(Ints | Floats, sky)

    def describe(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return what the columns are like.

        Parameters
        ----------
        columns : sequence of str, optional
            By default all but light curves and lists.

        Returns
        -------
        pyarrow.Table
            A row for each column: name, type, unit; how many values there are (``count``) and
            how many are null or NaN (``nulls``); of numbers mean, standard deviation (n - 1)
            and exact quartiles; least and greatest value as text, so that 64-bit ids stay
            exact; of texts how many are distinct (null: more than 1000). Computed in two to six
            passes.
        """
        from skyseries.catalog.run.description import describe

        scope = self._scope()
        names = self.columns if columns is None else list(names_list(columns))
        chosen = [(name, adql.resolve_value(_quoted(name), scope)) for name in names]
        if columns is None:
            chosen = [(name, value) for name, value in chosen if value.type.is_scalar]
        elif bad := [name for name, value in chosen if not value.type.is_scalar]:
            raise SchemaError(f"{bad[0]!r} is no column of single values")
        return describe(self._node, chosen, scope)

    def _under(self, condition: str | None) -> Node:
        """Return the plan with a condition on its rows."""
        if condition is None:
            return self._node
        resolved = adql.resolve_condition(condition, self._scope())
        if resolved.level is not None:
            raise QueryError(f"{condition} is for epochs of {resolved.level}, not for rows")
        return plan.Filter(self._node, resolved, condition)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
