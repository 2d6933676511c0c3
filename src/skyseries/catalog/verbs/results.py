"""Results: computed, counted, explained."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from skyseries.arrays import whole
from skyseries.catalog import output, run
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.names import check_columns
from skyseries.catalog.plan.scan import first_scan
from skyseries.errors import CatalogError, InputError
from skyseries.hats.margin import margin_width
from skyseries.store.files import name_of

if TYPE_CHECKING:
    import astropy.table
    import pandas as pd
    import polars as pl

    from skyseries.catalog import explain
    from skyseries.catalog.info import CatalogInfo
    from skyseries.catalog.write.writing import Written

__all__ = ["ResultVerbs"]


class ResultVerbs(CatalogBase):
    """Verbs that compute."""

    def iter_tables(self) -> Iterator[pa.Table]:
        """Yield the result piece by piece, in the order of the sky; memory stays bounded."""
        return run.in_order(self._node)

    def to_arrow(self) -> pa.Table:
        """Compute, and return a pyarrow Table."""
        return pa.concat_tables([pa.Table.from_batches([], self.schema), *self.iter_tables()])

    def to_pandas(self) -> pd.DataFrame:
        """Compute, and return a DataFrame (ids stay exact, nulls stay nulls).

        Columns have Arrow types; lists are arrays of NumPy, and light curves dictionaries of them,
        which pandas can write to Parquet and read back.
        ``to_arrow().to_pandas(types_mapper=pd.ArrowDtype)`` leaves them to Arrow.
        """
        return output.to_pandas(self.to_arrow())

    def to_polars(self) -> pl.DataFrame:
        """Compute, and return a polars DataFrame."""
        return output.to_polars(self.to_arrow())

    def to_astropy(self) -> astropy.table.Table:
        """Compute, and return an astropy Table with units."""
        return output.to_astropy(self.to_arrow())

    def head(self, n: int = 5) -> pd.DataFrame:
        """Return the first n rows along the sky; only as much is read as is needed."""
        return output.to_pandas(run.first(self._node, whole(n, "n", least=0)))

    def __len__(self) -> int:
        return run.row_count(self._node)

    def write_catalog(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        *,
        margin_arcsec: Any = 10.0,
        id: str | None = None,
        id_index: bool = True,
        overwrite: bool = False,
        resume: bool = False,
        durability: str = "power",
        storage_options: Mapping[str, Any] | None = None,
    ) -> Written:
        """Compute, and write the result as a HATS collection; rows are streamed to the files.

        Light curves are written in the order of time, where it is known which field that is.

        Parameters
        ----------
        path : path or URL
            A folder that all workers see; or one of a bucket (``s3://...``), which the catalog is
            copied to when it is whole.
        name : str, optional
            Of the catalog; by default that of the folder.
        margin_arcsec : float, angle or None
            Width of the margin; None: without one.
        id : str, optional
            Column of the ids; by default that of the catalog.
        id_index : bool
            Make an index of the ids, where there is a column of them.
        overwrite : bool
            Write the next version of a catalog that is there. Who has it open goes on with the
            version before.
        resume : bool
            Keep the leaves that are done if the run is stopped, and go on with them when the same
            plan is written to the same place again. They count as done for the same parameters,
            functions, catalogs and version of Skyseries only. False: start from the beginning,
            and keep nothing if it is stopped.
        durability : {"power", "process"}
            ``power``: all files are flushed to the disk before the version is named, which then
            outlives a power cut. ``process`` saves the time: for scratch and tests.
        storage_options : mapping, optional
            Of the bucket that is written to, for fsspec: keys, endpoint, ...; by default as they
            are configured for it.

        Returns
        -------
        Written
            Path, version, rows, partitions, provenance.

        Raises
        ------
        InputError
            If there is a catalog already, or rows have no position.
        """
        from skyseries.catalog.write.writing import Target, write_catalog

        key = self._id_of_result(id)
        target = Target(
            path=path,
            name=name or name_of(path),
            position=self._node.position or self._filed_by(),
            kind=self._kind(),
            id=key if id_index else None,
            lightcurves={n: f for n, f in self._known_fields().items() if n in self.columns},
            margin_arcsec=margin_width(margin_arcsec),
            overwrite=overwrite,
            resume=resume,
            durability=durability,
            storage_options=dict(storage_options or {}),
        )
        return write_catalog(self._node, target)

    def _kind(self) -> str:
        scan = first_scan(self._node)
        kind = "object" if scan is None else scan.dataset.kind
        return kind if kind in ("object", "source") else "object"

    def _id_of_result(self, id: str | None) -> str | None:
        if id is not None:
            check_columns([id], self.schema)
            return id
        try:
            return self._id_name()
        except (CatalogError, InputError):
            return None

    def explain(self, footers: bool = False) -> explain.Explanation:
        """Return what would be read and done; nothing is computed.

        Parameters
        ----------
        footers : bool
            Open the leaves' footers too, to tell the row groups that would be read. Without it
            only the description of the catalogs is looked at.
        """
        from skyseries.catalog import explain

        return explain.explain(self._node, footers)

    def info(self) -> CatalogInfo:
        """Return what is in the catalog: rows, columns, partitions, sky, time span."""
        return self._described()

    def _described(self, *, brief: bool = False) -> CatalogInfo:
        from skyseries.catalog.info import describe

        return describe(self, brief=brief)

    def __repr__(self) -> str:
        return self._described(brief=True).short()

    def _repr_html_(self) -> str:
        return self._described(brief=True).html()
