"""The `Catalog`: what users hold. Its methods add a step to a plan; the work is elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from skyseries.catalog import info as information
from skyseries.catalog import lightcurves, output
from skyseries.catalog.plan import Plan
from skyseries.catalog.steps import Cone, Select
from skyseries.errors import InputError
from skyseries.hats.collection import Collection
from skyseries.hats.dataset import Dataset
from skyseries.hats.files import Location
from skyseries.hats.partitions import Partitions
from skyseries.schema import LightCurveFields

if TYPE_CHECKING:
    import astropy.table
    import pandas as pd
    import polars as pl

    from skyseries.timeseries import LightCurve

__all__ = ["Catalog"]


class Catalog:
    """A partitioned catalog and what is to be done with it; computed when asked for.

    Made by `skyseries.open_catalog`. Every verb returns a new catalog and leaves this one as it
    is.
    """

    def __init__(
        self,
        plan: Plan,
        root: Location,
        collection: Collection,
        fields: Mapping[str, LightCurveFields] | None = None,
    ) -> None:
        self._plan = plan
        self._root = root
        self._collection = collection
        self._fields = dict(fields or {})

    @property
    def name(self) -> str:
        """Name of the catalog."""
        return self._plan.dataset.name

    @property
    def dataset(self) -> Dataset:
        """The catalog on disk."""
        return self._plan.dataset

    @property
    def partitions(self) -> Partitions:
        """The partitions on disk."""
        return self._plan.dataset.partitions

    @property
    def schema(self) -> pa.Schema:
        """Columns and types of the result; units and descriptions in the fields' metadata."""
        return self._plan.schema

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.schema.names)

    @property
    def lightcurve_columns(self) -> list[str]:
        """Names of the nested columns."""
        return lightcurves.nested_columns(self.schema)

    # -- verbs -----------------------------------------------------------------------------------

    def select(self, columns: Sequence[str]) -> Catalog:
        """Keep some columns, in this order; others are not read."""
        names = [columns] if isinstance(columns, str) else list(columns)
        return self._with(self._plan.then(Select(tuple(names))))

    def __getitem__(self, columns: Sequence[str]) -> Catalog:
        return self.select(columns)

    def cone_search(self, ra: float, dec: float, radius_arcsec: float) -> Catalog:
        """Keep rows within an angle of a position.

        Parameters
        ----------
        ra, dec : float
            Degrees, ICRS.
        radius_arcsec : float
        """
        if not (-90 <= dec <= 90 and abs(ra) < float("inf") and radius_arcsec >= 0):
            raise InputError(
                f"not a cone: ra={ra}, dec={dec}, radius_arcsec={radius_arcsec}; "
                "the declination is from -90 to 90, the radius not negative"
            )
        position = (self.dataset.ra, self.dataset.dec)
        return self._with(self._plan.then(Cone(ra % 360.0, dec, radius_arcsec, position)))

    def set_lightcurve(self, column: str | None = None, **roles: str) -> Catalog:
        """Say which field of a light curve is what, where it is not recorded or recognised.

        Parameters
        ----------
        column : str, optional
            The nested column; not needed if there is only one.
        **roles
            Those of `LightCurveFields`: ``time="mjd"``, ``flux="f"``, ``time_scale="tai"``, ...
        """
        name = lightcurves.the_column(self.dataset.schema, column)
        fields = lightcurves.overridden(self.dataset, name, self._fields.get(name), roles)
        return Catalog(self._plan, self._root, self._collection, {**self._fields, name: fields})

    def lightcurve_fields(self, column: str | None = None) -> LightCurveFields:
        """Return which field of a light curve is the time, the band, the flux, ..."""
        name = lightcurves.the_column(self.dataset.schema, column)
        return self._fields.get(name) or lightcurves.known_fields(self.dataset, name)

    def features(
        self,
        features: Sequence[str] | str | None = None,
        *,
        space: str | None = None,
        bands: Sequence[str | int] | None = None,
        column: str | None = None,
    ) -> Catalog:
        """Add features of the light curves as columns (`skyseries.timeseries.compute_features`).

        Parameters
        ----------
        features : str or sequence of str, optional
            Names of features or presets; the default preset has at most 100 columns.
        space : {None, "flux"}
            Magnitudes stay magnitudes, or are converted to nJy.
        bands : sequence, optional
            Bands that get columns; by default those that the catalog has.
        column : str, optional
            The nested column; not needed if there is only one.
        """
        step = lightcurves.features_step(self, column, features, space, bands)
        return self._with(self._plan.then(step))

    def periods(
        self,
        *,
        min_period: float = 0.1,
        max_period: float = 100.0,
        n_peaks: int = 5,
        error_floor: float | None = None,
        column: str | None = None,
        **options: Any,
    ) -> Catalog:
        """Add period, period_power, period_fap, period_peaks: a multiband Lomb-Scargle search.

        Parameters
        ----------
        min_period, max_period : float
            Days.
        n_peaks : int
            How many candidates `period_peaks` lists, best first.
        error_floor : float, optional
            Added in quadrature to the errors, in units of the measured values.
        column : str, optional
            The nested column; not needed if there is only one.
        **options
            As for `skyseries.timeseries.compute_periods`.
        """
        options |= {
            "min_period": min_period,
            "max_period": max_period,
            "n_peaks": n_peaks,
            "error_floor": error_floor,
        }
        return self._with(self._plan.then(lightcurves.periods_step(self, column, options)))

    def lightcurve(self, id: int | str, column: str | None = None) -> LightCurve:
        """Read the light curve of one object, through the id index.

        Raises
        ------
        CatalogError
            If there is no object of this id.
        """
        return lightcurves.lightcurve_of(self, id, column)

    # -- results ---------------------------------------------------------------------------------

    def iter_tables(self) -> Iterator[pa.Table]:
        """Yield the result piece by piece, in the order of the sky; memory stays bounded."""
        return self._plan.run()

    def to_arrow(self) -> pa.Table:
        """Compute, and return a pyarrow Table."""
        return pa.concat_tables([self.schema.empty_table(), *self._plan.run()])

    def to_pandas(self) -> pd.DataFrame:
        """Compute, and return a DataFrame of Arrow types (ids stay exact, nulls stay nulls)."""
        return output.to_pandas(self.to_arrow())

    def to_polars(self) -> pl.DataFrame:
        """Compute, and return a polars DataFrame."""
        return output.to_polars(self.to_arrow())

    def to_astropy(self) -> astropy.table.Table:
        """Compute, and return an astropy Table with units."""
        return output.to_astropy(self.to_arrow())

    def head(self, n: int = 5) -> pd.DataFrame:
        """Return the first n rows along the sky; only as much is read as is needed."""
        if n < 0:
            raise InputError(f"n must not be negative, not {n}")
        return output.to_pandas(self._plan.first(n))

    def __len__(self) -> int:
        if not self._plan.filters:
            return self.dataset.count_rows()
        return sum(table.num_rows for table in self._counting_plan().run())

    def info(self) -> information.CatalogInfo:
        """Return what is in the catalog: rows, columns, partitions, sky, time span."""
        return information.describe(self)

    def __repr__(self) -> str:
        return self.info().short()

    def _repr_html_(self) -> str:
        return self.info().html()

    def _with(self, plan: Plan) -> Catalog:
        return Catalog(plan, self._root, self._collection, self._fields)

    def _counting_plan(self) -> Plan:
        """Return the plan up to its last filter, with the column that is enough to count rows."""
        last = max(i for i, step in enumerate(self._plan.steps) if step.filters)
        counted = replace(self._plan, steps=self._plan.steps[: last + 1])
        return counted.then(Select((self.dataset.ra,)))
