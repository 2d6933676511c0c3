"""Which rows, of the whole catalog: samples, unions, without duplicates; and batches of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, Self

import pyarrow as pa

from skyseries.adql import Expr
from skyseries.arrays import number, whole
from skyseries.catalog import plan, run
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.node import Node, column_of
from skyseries.catalog.verbs.columns import ColumnVerbs
from skyseries.errors import InputError, QueryError
from skyseries.hats.statistics import recorded_rows

if TYPE_CHECKING:
    from skyseries.catalog.run.batches import Batch

__all__ = ["RowSetVerbs"]


class RowSetVerbs(ColumnVerbs):
    """Verbs that choose rows by looking at all of them."""

    def sample(
        self,
        n: int | None = None,
        fraction: float | None = None,
        seed: int = 0,
        stratify: str | Sequence[str] | None = None,
    ) -> Self:
        """Take a random sample, without replacement.

        Whether a row is taken depends on the seed, on its HEALPix cell and on its place among
        the rows of that cell: the sample is the same on every engine, with any number of
        workers, and however the catalog is partitioned. Of two samples with the same seed the
        smaller is a part of the larger.

        Parameters
        ----------
        n : int, optional
            Exactly so many rows; of each stratum with `stratify` (all of a smaller one).
        fraction : float, optional
            From 0 to 1. Each row is taken with this probability; nothing is computed before it
            is asked for. With `stratify`: this fraction of each stratum, to the nearest row.
        seed : int
            Another seed gives another sample.
        stratify : str or sequence of str, optional
            Columns or expressions; rows with the same values are a stratum (missing values
            are one).

        Returns
        -------
        Catalog
            The rows along the sky.

        Raises
        ------
        InputError
            If not one of n and fraction is given, or there are fewer than n rows.

        Notes
        -----
        With `n` or `stratify` one pass (with fraction and stratify two) is made before the first
        result, over the positions and the strata; 24 bytes are held for each sampled row, and at
        most so many for each unit of work.
        """
        from skyseries.catalog.run.sampling import check_enough, sample_places

        if (n is None) == (fraction is None):
            raise InputError("sample needs one of n= and fraction=")
        fraction = None if fraction is None else number(fraction, "", "fraction")
        if fraction is not None and not 0 <= fraction <= 1:
            raise InputError(f"fraction must be from 0 to 1, not {fraction}")
        n = None if n is None else whole(n, "n", least=0)
        seed = whole(seed, "seed")
        texts = {} if stratify is None else run.named(stratify)
        if fraction is not None and not texts:
            return self._with(plan.ByHash(self._node, float(fraction), seed))
        strata = [run.per_object(text, self._scope()) for text in texts.values()]
        for text, key in zip(texts.values(), strata, strict=True):
            if not key.type.is_scalar:
                raise QueryError(f"{text} is a {key.type.value}: there are no strata of that")
        size = float(fraction) if fraction is not None else int(n or 0)
        least = 0 if n is None or texts else n
        most = self._node.row_limits(recorded_rows)[1]
        if most is not None:
            check_enough(most, least)
        by = f" by {', '.join(texts)}" if texts else ""
        make = partial(sample_places, self._node, strata, size, seed, least)
        places = plan.Stage(f"a sample of rows{by}", make, _looked_at(self._node, strata))
        many = "{}" if n is None or texts else f"{n:,} "
        text = f"sample {many}rows{_literal(by)} (seed {seed})"
        return self._with(plan.ByPlace(self._node, places, True, text))

    def concat(self, *others: CatalogBase) -> Self:
        """Put the rows of other catalogs to those of this one.

        Parameters
        ----------
        *others : Catalog
            With the same columns, of the same types and units, in any order. `Catalog` of a
            table in memory too.

        Returns
        -------
        Catalog
            All rows, along the sky; of equal positions, those of this catalog first. A row
            that is in two catalogs is there twice: see `drop_duplicates`.

        Raises
        ------
        SchemaError
            If columns differ; says which.
        """
        for other in others:
            if not isinstance(other, CatalogBase):
                raise InputError(
                    f"concat takes catalogs, not a {type(other).__name__}; "
                    "skyseries.from_table makes one of a table"
                )
        if not others:
            return self
        fields = self._known_fields()
        for other in others:
            for name, theirs in other._known_fields().items():
                if name in fields and fields[name] != theirs:
                    raise InputError(
                        f"the fields of {name!r} mean different things in {self.name} and in "
                        f"{other.name} ({fields[name]} and {theirs}); see set_lightcurve"
                    )
        return self._with(plan.Concat((self._node, *(other._node for other in others))), fields)

    def drop_duplicates(
        self,
        subset: str | Sequence[str] | None = None,
        keep: Literal["first", "last"] = "first",
    ) -> Self:
        """Keep one row of those that have the same id, wherever they are filed.

        Parameters
        ----------
        subset : str or sequence of str, optional
            Columns or expressions that are the same in duplicates; by default the catalog's id.
            Missing values (null, NaN) are equal to each other.
        keep : {"first", "last"}
            Along the sky.

        Returns
        -------
        Catalog

        Notes
        -----
        One pass over `subset` and the positions is made before the first result. It holds the key
        and 16 bytes for each row, and twice as much while it sorts; beyond a quarter of the memory
        setting they go to scratch files. 16 bytes for each row that is dropped stay in the plan.
        """
        from skyseries.catalog.run.duplicates import duplicate_places

        if keep not in ("first", "last"):
            raise InputError(f"keep is 'first' or 'last', not {keep!r}")
        texts = run.named(self._id_name("subset") if subset is None else subset)
        if not texts:
            raise InputError("drop_duplicates needs at least one column")
        keys = [run.per_object(text, self._scope()) for text in texts.values()]
        for text, key in zip(texts.values(), keys, strict=True):
            if not key.type.is_scalar:
                raise QueryError(f"{text} is a {key.type.value}, which cannot be compared")
        by = f"duplicates by {', '.join(texts)}"
        make = partial(duplicate_places, self._node, keys, keep)
        places = plan.Stage(by, make, _looked_at(self._node, keys))
        text = f"drop {{}}{_literal(by)} (keep the {keep})"
        return self._with(plan.ByPlace(self._node, places, False, text))

    def iter_batches(
        self,
        size: int = 500,
        columns: Sequence[str] | None = None,
        shuffle: bool = False,
        seed: int = 0,
        epochs: int = 1,
        format: Literal["numpy", "arrow"] = "numpy",
    ) -> Iterator[Batch] | Iterator[pa.RecordBatch]:
        """Yield rows with their light curves in batches, for a training loop.

        Parameters
        ----------
        size : int
            Rows of a batch; the last one may have fewer.
        columns : sequence of str, optional
            As in `select`; others are not read.
        shuffle : bool
            Parts of the sky in random order, four at a time, the rows of these mixed (of 1e6
            epochs or rows together, about); another order in each epoch. The order depends on
            the seed only, not on the engine.
        seed : int
        epochs : int
            How often all rows are gone through.
        format : {"numpy", "arrow"}
            ``"arrow"`` yields pyarrow.RecordBatch. ``"numpy"`` yields dictionaries of arrays:
            columns under their names (null numbers as NaN, texts as fixed-width strings), and of
            a light curve ``lc`` the values of all epochs of the batch one after the other,
            ``lc.flux``, and ``lc.offsets``, of shape (rows + 1,): those of row i are
            ``batch["lc.flux"][offsets[i]:offsets[i + 1]]``.

        Raises
        ------
        SchemaError
            If whole numbers are null and the format is ``"numpy"``.
        """
        from skyseries.catalog.run.batches import as_arrays, batches

        size, seed = whole(size, "size", least=1), whole(seed, "seed")
        epochs = whole(epochs, "epochs", least=0)
        if format not in ("numpy", "arrow"):
            raise InputError(f"format is 'numpy' or 'arrow', not {format!r}")
        held = self if columns is None else self.select(columns)
        tables = batches(held._node, size, shuffle, seed, epochs)
        if format == "numpy":
            return map(as_arrays, tables)
        return (table.combine_chunks().to_batches()[0] for table in tables)


def _looked_at(node: Node, keys: Sequence[Expr]) -> Node:
    """Return a plan that reads what rows are compared by, and where they are."""
    paths = [path for key in keys for path in plan.paths_of(key)]
    names = dict.fromkeys(column_of(path, node.schema) for path in (*(node.position or ()), *paths))
    return plan.Select(node, tuple(names)) if names else node


def _literal(text: str) -> str:
    """Return a text in which braces are no places to be filled."""
    return text.replace("{", "{{").replace("}", "}}")
