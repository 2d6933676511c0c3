"""Light curves: which field is what, features, periods, one object's, sorted and cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from skyseries.catalog import plan
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.names import check_columns, names_list
from skyseries.catalog.plan.roles import overridden, the_column
from skyseries.catalog.verbs import curvesteps as lightcurves
from skyseries.errors import InputError

if TYPE_CHECKING:
    from astropy.coordinates import EarthLocation

    from skyseries.timeseries import Feature, LightCurve

__all__ = ["LightCurveVerbs"]


class LightCurveVerbs(CatalogBase):
    """Verbs about the light curves of each object."""

    def set_lightcurve(self, column: str | None = None, **roles: str) -> Self:
        """Say which field of a light curve is what, where it is not recorded or recognised.

        Parameters
        ----------
        column : str, optional
            The nested column; not needed if there is only one.
        **roles
            Those of `LightCurveFields`: ``time="mjd"``, ``flux="f"``, ``time_scale="tai"``, ...
        """
        name = the_column(self.schema, column)
        known = self._known_fields().get(name)
        fields = overridden(self.schema, name, known, roles)
        return self._with(self._node, {**self._fields, name: fields})

    def features(
        self,
        features: Sequence[str | Feature] | str | None = None,
        *,
        space: str | None = None,
        bands: Sequence[str | int] | None = None,
        min_period: float = 0.1,
        max_period: float = 100.0,
        barycentric: bool = False,
        location: EarthLocation | tuple[float, float, float] | None = None,
        prefix: str = "",
        suffix: str = "",
        column: str | None = None,
    ) -> Self:
        """Add features of the light curves as columns (`skyseries.timeseries.compute_features`).

        Parameters
        ----------
        features : str or sequence of str or Feature, optional
            Names of features or presets; the default preset has at most 100 columns.
        space : {None, "flux"}
            Magnitudes stay magnitudes, or are converted to nJy.
        bands : sequence, optional
            Bands that get columns; by default those that the catalog has.
        min_period, max_period : float
            Limits of the periods that features search for, days.
        barycentric : bool
            Bring the times to the solar-system barycentre, in TDB, where the observatory is their
            reference position: short periods over years need it
            (`skyseries.timeseries.barycentric_times`).
        location : EarthLocation or tuple, optional
            The observatory, or its longitude and latitude in degrees and height in m; by default
            Rubin's. Where it is given, nights are cut at its local noon; else at noon in Greenwich,
            as Rubin's ``day_obs``.
        prefix, suffix : str
            What the names of the new columns begin and end with; so the same features stand
            beside each other with other parameters.
        column : str, optional
            The nested column; not needed if there is only one.
        """
        limits = {"min_period": min_period, "max_period": max_period}
        moved = lightcurves.Moved.of(barycentric, location)
        affixes = lightcurves.Affixes.of(prefix, suffix)
        return self._with(
            lightcurves.features_step(self, column, features, space, bands, limits, moved, affixes)
        )

    def periods(
        self,
        *,
        method: str = "lombscargle",
        bands: Sequence[str | int] | None = None,
        single_bands: bool = False,
        min_period: float | None = None,
        max_period: float | None = None,
        n_peaks: int = 5,
        ranked: bool | None = None,
        oversampling: float | None = None,
        error_floor: float | None = None,
        barycentric: bool = False,
        location: EarthLocation | tuple[float, float, float] | None = None,
        prefix: str = "",
        suffix: str = "",
        column: str | Sequence[str] | None = None,
        lightcurve: str | Sequence[str] | None = None,
        **options: Any,
    ) -> Self:
        """Add the period of each light curve, and what is known of it.

        New columns are ``period``, ``period_err``, ``period_power``, ``period_fap`` and
        ``period_fap_red`` (false alarms in white and in red noise), ``period_flag`` (what is
        suspected, or ``ok``), ``period_peaks`` with ``period_evidence`` (the alternatives),
        ``period_min`` and ``period_max`` (what was searched), ``period_epoch_max``,
        ``period_r21`` and others of the folded shape, and ``{band}_period_amplitude``: see
        docs/periods.md and `skyseries.timeseries.period_schema`.

        Parameters
        ----------
        method : {"lombscargle", "mhaov", "bls", "pdm", "ce", "stringlength"}
            By default a multiband Lomb-Scargle search; for the others see docs/periods.md.
        bands : sequence, optional
            Bands that get columns, in a search of several surveys ``["ztf.g", "rubin.g"]``; by
            default those that the catalog has. All bands are searched.
        single_bands : bool
            Search each of these bands alone as well: ``{band}_period``, ``{band}_period_flag``...
        min_period, max_period : float, optional
            Days, or with a unit. By default what each light curve can tell.
        n_peaks : int
            How many candidates `period_peaks` lists, best first.
        ranked : bool, optional
            Whether peaks are ranked by evidence, and orbits are told from their halves; by default
            for Lomb-Scargle.
        oversampling : float, optional
            Steps of the search in 1 / time span; by default those of the method.
        error_floor : float, optional
            Added in quadrature to the errors, in units of the measured values.
        barycentric : bool
            Bring the times to the solar-system barycentre, in TDB, where the observatory is their
            reference position: short periods over years need it
            (`skyseries.timeseries.barycentric_times`).
        location : EarthLocation or tuple, optional
            The observatory, or its longitude and latitude in degrees and height in m; by default
            Rubin's.
        prefix, suffix : str
            What the names of the new columns begin and end with: ``prefix="pdm_"`` puts a second
            search, or one beside a column `period`, into ``pdm_period``, ...
        column : str or sequence of str, optional
            The nested column; not needed if there is only one. Several are the light curves of
            one star in several surveys, ``["ztf", "rubin"]``, and searched together, each band
            of each survey with a mean of its own (`skyseries.timeseries.joined`) and columns of
            its own, ``ztf_g_period_amplitude``.
        lightcurve : str or sequence of str, optional
            Another word for `column`.
        **options
            Of the method.
        """
        options |= {
            "method": method, "bands": bands, "single_bands": single_bands, "n_peaks": n_peaks,
            "error_floor": error_floor,
        }  # fmt: skip
        known = {
            "min_period": min_period, "max_period": max_period, "ranked": ranked,
            "oversampling": oversampling,
        }  # fmt: skip
        options |= {name: value for name, value in known.items() if value is not None}
        if lightcurve is not None:
            if column is not None:
                raise InputError("column= and lightcurve= say the same: give one of them")
            column = lightcurve
        moved = lightcurves.Moved.of(barycentric, location)
        affixes = lightcurves.Affixes.of(prefix, suffix)
        return self._with(lightcurves.periods_step(self, column, options, moved, affixes))

    def clean_lightcurves(
        self,
        *,
        flags: bool | int | Sequence[Any] | Mapping[str, Any] | None = None,
        trend: int | None = None,
        knots: float | None = None,
        period: float | str | None = None,
        clip: float | None = None,
        nightly: bool = False,
        location: EarthLocation | tuple[float, float, float] | None = None,
        counts: bool = False,
        prefix: str = "",
        suffix: str = "",
        column: str | None = None,
    ) -> Self:
        """Make light curves ready for a search: what is asked for, in this order.

        Every object stays, perhaps with fewer epochs: `counts` says how many went. What each step
        does, and which epochs it spares, is in docs/lightcurves.md.

        Parameters
        ----------
        flags : bool, int, sequence or mapping, optional
            Leave out epochs whose flag is set (True), has one of some bits (a whole number), or is
            none of these values (a sequence). By name of a field: of this field,
            ``{"catflags": 32768, "quality": ["good"]}``.
        trend : int, optional
            Take off a polynomial of this order, fitted to each band; the mean of the band stays.
        knots : float, optional
            Take off a cubic spline with so many days (or with a unit) between its knots instead.
        period : float or str, optional
            Fit a sinusoid of this period with the trend, so that the variation stays: days (or
            with a unit), the column of the objects that has it, or ``"search"``.
        clip : float, optional
            Leave out single epochs that are off by more than so many robust standard deviations
            of their band; eclipses and outbursts stay.
        nightly : bool
            Average the epochs of each night and band. Of the fields time, value, error and band
            stay.
        location : EarthLocation or tuple, optional
            Nights end at its local noon, as for `features`.
        counts : bool
            Add columns with the number of epochs that went, by why: ``epochs_flagged``,
            ``epochs_clipped``, ... (and ``epochs_not_detrended``).
        prefix, suffix : str
            What the names of these columns begin and end with.
        column : str, optional
            The nested column; not needed if there is only one.

        Raises
        ------
        InputError
            For values that cannot be meant, or if nothing is asked for.
        SchemaError
            If a field or column is not there.
        """
        wanted = {
            "flags": flags, "trend": trend, "knots": knots, "period": period, "clip": clip,
            "nightly": nightly, "location": location,
        }  # fmt: skip
        from skyseries.catalog.verbs.cleaning import cleaning_step

        affixes = lightcurves.Affixes.of(prefix, suffix)
        return self._with(cleaning_step(self, column, wanted, counts, affixes))

    def lightcurve(
        self, id: int | str, column: str | None = None, *, id_column: str | None = None
    ) -> LightCurve:
        """Return the light curve of one object, as the steps of this catalog leave it.

        It is what ``id_search(id)`` gives: epochs that were filtered out are not in it, and an
        object that was filtered out is not found. Where the catalog on disk has an id index, one
        row group of it is read; else the ids of all rows.

        Parameters
        ----------
        id : int or str
        column : str, optional
            The nested column; not needed if there is only one.
        id_column : str, optional
            The column of the ids; by default that of the catalog. A table in memory has none.

        Returns
        -------
        LightCurve
            Of an object that is in several rows (a match with all neighbours), the one that they
            all have.

        Raises
        ------
        CatalogError
            If no row has this id, or several have, with different light curves.
        SchemaError
            If there is no such light-curve column, the ids were left out, or text is given for
            numbers, or the reverse.
        """
        return lightcurves.lightcurve_of(self, id, column, id_column)

    def explode(
        self, columns: str | Sequence[str] | None = None, *, column: str | None = None
    ) -> Self:
        """Take light curves apart: a row for each epoch, in the order in which they are stored.

        Parameters
        ----------
        columns : str or sequence of str, optional
            Columns of the object that each of its epochs gets; by default its id. With the
            positions of the object among them rows can be searched and matched by these.
        column : str, optional
            The nested column; not needed if there is only one.

        Returns
        -------
        Catalog
            `columns`, then the fields of the epochs. Objects without epochs have no row.

        Raises
        ------
        SchemaError
            If epochs have a field of the same name as one of `columns`.

        Examples
        --------
        >>> catalog.explode().query("band = 'r' AND psfFlux > 100")  # doctest: +SKIP
        """
        name = the_column(self.schema, column)
        chosen = (self._id_name("columns"),) if columns is None else names_list(columns)
        return self._with(plan.Unnest(self._node, name, chosen))

    def sort_lightcurves(
        self, by: str | Sequence[str] | None = None, *, column: str | None = None
    ) -> Self:
        """Sort each light curve.

        Parameters
        ----------
        by : str or sequence of str, optional
            Fields to sort by, ``"mjd DESC"`` to descend; by default the time.
        column : str, optional
            The nested column; not needed if there is only one.
        """
        name = the_column(self.schema, column)
        if by is None:
            by = self.lightcurve_fields(name).time
        asked = [by] if isinstance(by, str) else list(by)
        keys = tuple(_direction(key) for key in asked)
        if not keys:
            raise InputError("sort_lightcurves needs at least one field to sort by")
        check_columns([f"{name}.{field}" for field, _ in keys], self.schema)
        return self._with(plan.SortEpochs(self._node, name, keys))

    def slice_lightcurves(
        self,
        start: int | None = None,
        stop: int | None = None,
        step: int = 1,
        *,
        column: str | None = None,
    ) -> Self:
        """Keep some epochs of each light curve by their place, by the rules of a Python slice.

        Parameters
        ----------
        start, stop : int, optional
            Negative numbers count from the end: ``slice_lightcurves(-10)`` keeps the last ten.
        step : int
            1 or more.
        column : str, optional
            The nested column; not needed if there is only one.
        """
        for bound in (start, stop, step):
            if bound is not None and not hasattr(bound, "__index__"):
                raise InputError(f"start, stop and step must be whole numbers, not {bound!r}")
        if step < 1:
            raise InputError(f"step must be 1 or more, not {step}")
        name = the_column(self.schema, column)
        return self._with(plan.SliceEpochs(self._node, name, start, stop, step))


def _direction(key: str) -> tuple[str, bool]:
    """Return the field and whether it ascends."""
    name, _, direction = key.partition(" ")
    if direction.strip().upper() not in ("", "ASC", "DESC"):
        raise InputError(f"cannot sort by {key!r}; write a field, then ASC or DESC")
    return name, direction.strip().upper() != "DESC"
