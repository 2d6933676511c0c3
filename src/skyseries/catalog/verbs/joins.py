"""Catalogs beside each other: joins on ids, sources as light curves, in time, and by maps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import pyarrow as pa

from skyseries.arrays import check_choice, number, whole
from skyseries.arrow import is_nested
from skyseries.catalog import plan
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.ids import id_column
from skyseries.catalog.plan.names import check_columns, check_new, names_list, names_pair
from skyseries.catalog.plan.scan import first_scan
from skyseries.errors import InputError, SchemaError
from skyseries.hats.keys import check_keys
from skyseries.schema import LightCurveFields, column_meta
from skyseries.schema.conversion import Conversion

if TYPE_CHECKING:
    from skyseries.catalog.verbs.joining import Other

__all__ = ["JoinVerbs"]

How = Literal["inner", "left", "anti"]


class JoinVerbs(CatalogBase):
    """Verbs that bring together rows that say that they belong together."""

    def join(
        self,
        other: Any,
        on: str | None = None,
        *,
        left_on: str | None = None,
        right_on: str | None = None,
        how: How = "inner",
        suffixes: tuple[str, str] | None = None,
        through: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Put the rows of another catalog or table that have the same id beside the rows.

        Parameters
        ----------
        other : Catalog, or a table of pyarrow, pandas, polars or astropy
            Its rows may be filed anywhere. A table needs no positions.
        on : str, optional
            Column of the ids on both sides.
        left_on, right_on : str, optional
            Columns of the ids where they have different names. Whole numbers of any width, or
            text; null equals nothing.
        how : {"inner", "left", "anti"}
            Rows without a partner are left out, kept with nulls, or all that is kept.
        suffixes : pair of str, optional
            Of columns that both sides have; by default none for the left ones, and ``_`` with
            the name of the catalog for the right ones.
        through : path, optional
            An association: a HATS catalog of pairs of ids, of this catalog and of `other`. It
            says what the ids are; its other columns come into the result.

        Returns
        -------
        Catalog
            With the columns of both sides, in the order of this catalog. A row with several
            partners is there with each of them, in the order of the other side.

        Notes
        -----
        A small other side is read once and given to every task. Of a larger one only the row
        groups that hold the ids of a task are read: its id index tells which; if it has none, a
        temporary one is made from its ids. `explain` says how it is done.
        """
        from skyseries.catalog.verbs.associated import associated
        from skyseries.catalog.verbs.joining import other_side

        right = other_side(other)
        if through is not None:
            if on is not None or left_on is not None or right_on is not None:
                raise InputError("an association says what the ids are: leave on= out")
            suffix = names_pair(suffixes, "suffixes")[1] if suffixes else f"_{_name(right)}"
            right, names = associated(self, right, through, suffix)
            return self._joined(right, names, how, suffixes)
        names = _keys(on, left_on, right_on, self.schema, _schema(right))
        return self._joined(right, names, how, suffixes)

    def join_lightcurves(
        self,
        sources: Any,
        on: str | None = None,
        *,
        left_on: str | None = None,
        right_on: str | None = None,
        name: str = "lightcurve",
        columns: Sequence[str] | None = None,
        time: str | None = None,
        within_arcsec: Any = None,
        orphans: plan.OnOrphans = "warn",
    ) -> Self:
        """Give the objects light curves: the rows of a source catalog that have their id.

        Parameters
        ----------
        sources : Catalog, or a table
            One row for each epoch, filed by their own positions or by anything else.
        on, left_on, right_on : str, optional
            Columns of the ids of the objects: on both sides, or of objects and of sources. By
            default the id column of this catalog.
        name : str
            The new column.
        columns : sequence of str, optional
            Columns of the sources that become fields; by default all but the id and the cell.
            Times that say another unit than days, magnitudes than mag, errors than their values
            are converted.
        time : str, optional
            Column that light curves are sorted by; by default the one that is recognised as the
            time. Sources without a time are last.
        within_arcsec : float or angle, optional
            You know that no source is filed farther from its object than this: only the sources
            there are looked at, at no cost beforehand. Sources that are farther away are lost.
        orphans : {"warn", "ignore", "raise"}
            What to do when sources belong to no object of the catalog (as its id index has
            them; without one, of this plan). A warning is given where that costs little, which
            is wherever all sources are read anyway; "raise" always looks.

        Returns
        -------
        Catalog
            All objects; without sources with an empty light curve.

        Notes
        -----
        A small source catalog is given to every task; one with an index of the objects' ids is
        read through it. Otherwise all sources are read once, before the first result, and set
        aside in scratch files (``SKYSERIES_TMPDIR``) under the cells of their objects, which the
        id index of the objects tells: about as many bytes as their columns have.
        """
        from skyseries.catalog.verbs.joining import brought, other_side

        right = other_side(sources)
        check_new([name], self.schema)
        left_key, key = self._curve_keys(on, left_on, right_on, _schema(right))
        fields = _curve_fields(right, key, columns)
        known = LightCurveFields.guess(fields)
        if time is None:
            recognised = known or LightCurveFields.guess(_schema(right).names)
            time = None if recognised is None else recognised.time
        else:
            check_columns([time], _schema(right))
        _check_time(_schema(right), time)
        kept = list(dict.fromkeys([key, *fields, *([time] if time else [])]))
        right = _narrowed(right, kept)
        if known is not None:
            right = _in_one_unit(right, known)
        if within_arcsec is not None:
            within_arcsec = number(within_arcsec, "arcsec", "within_arcsec")
            if not within_arcsec >= 0:
                raise InputError(f"within_arcsec must be 0 or more, not {within_arcsec}")
        partners = brought(
            self, left_key, right, key, within_arcsec=within_arcsec, orphans=_orphans(orphans)
        )
        node = plan.JoinCurves(self._node, partners, left_key, name, tuple(fields), time)
        return self._with(node, self._known_fields() | ({name: known} if known else {}))

    def merge_asof(
        self,
        other: Any,
        on: str | None = None,
        *,
        left_on: str | None = None,
        right_on: str | None = None,
        by: str | None = None,
        left_by: str | None = None,
        right_by: str | None = None,
        direction: plan.Direction = "backward",
        tolerance: Any = None,
        allow_exact_matches: bool = True,
        how: Literal["left", "inner"] = "left",
        suffixes: tuple[str, str] | None = None,
    ) -> Self:
        """Put beside each row the row of the same object that is next in time.

        Parameters
        ----------
        other : Catalog or table
        on : str, optional
            Column of the times on both sides: numbers or timestamps. Rows need not be sorted;
            rows without a time have no partner. Right times that say another unit or format
            (h beside d, JD beside MJD) are converted.
        left_on, right_on : str, optional
            Where the times have different names.
        by : str, optional
            Column of the ids of the objects on both sides; as for `join`.
        left_by, right_by : str, optional
            Where the ids have different names.
        direction : {"backward", "forward", "nearest"}
            The last row that is not later, the first that is not earlier, or the nearer of both.
        tolerance : float, Quantity or TimeDelta, optional
            The largest difference, included; in the unit of the left times (nanoseconds of
            timestamps), or in one that it says.
        allow_exact_matches : bool
            Whether a row of the very same time counts.
        how : {"left", "inner"}
            Whether rows without a partner are kept.
        suffixes : pair of str, optional
            As for `join`.
        """
        from skyseries.catalog.verbs.joining import other_side

        right = other_side(other)
        if how not in ("left", "inner"):
            raise InputError(f"how must be left or inner, not {how!r}")
        names = _keys(by, left_by, right_by, self.schema, _schema(right), "by")
        times = on or left_on, on or right_on
        if times[0] is None or times[1] is None:
            raise InputError("merge_asof needs the times: on=, or left_on= and right_on=")
        check_columns([times[0]], self.schema)
        check_columns([times[1]], _schema(right))
        asof = plan.AsOf(times[0], times[1], direction, tolerance, bool(allow_exact_matches))
        asof = asof.settled(self.schema, _schema(right))
        return self._joined(right, names, how, suffixes, asof)

    def merge_map(
        self,
        map_catalog: Any,
        columns: Sequence[str] | None = None,
        *,
        order: int | None = None,
    ) -> Self:
        """Give each row the values of a map of the sky at its place.

        Parameters
        ----------
        map_catalog : Catalog
            A HATS catalog of type map: one row for each HEALPix cell of some order.
        columns : sequence of str, optional
            The values that are wanted; by default all.
        order : int, optional
            Order of its cells, if it cannot be told from them.

        Returns
        -------
        Catalog
            Null where the map has no cell. Combine the values by `assign`.
        """
        if not isinstance(map_catalog, CatalogBase):
            raise InputError("merge_map takes a catalog; open the map with open_catalog(path)")
        columns = None if columns is None else names_list(columns)
        order = None if order is None else whole(order, "order", least=0)
        self._check_places("values are looked up")
        return self._with(plan.MapValues.of(self._node, map_catalog._node, columns, order))

    def _joined(
        self,
        right: Other,
        keys: tuple[str, str],
        how: str,
        suffixes: tuple[str, str] | None,
        asof: plan.AsOf | None = None,
    ) -> Self:
        from skyseries.catalog.verbs.joining import brought, found_by_key

        check_choice(how, "how", get_args(How))
        schema = _schema(right)
        left_key, key = keys
        if how == "anti":
            right = _narrowed(right, [key])
        ours, theirs = names_pair(suffixes, "suffixes") if suffixes else ("", f"_{_name(right)}")
        hidden = _cell_columns(right)
        if left_key == key:
            hidden = [*hidden, key]
        left_names = plan.renamed(
            self.schema, ours, [n for n in schema.names if n not in hidden], ()
        )
        right_names = plan.renamed(schema, theirs, self.columns, hidden)
        if how != "anti":
            plan.no_clash(left_names, right_names)
        partners = (
            found_by_key(right, key)
            if asof is None
            else brought(self, left_key, right, key, orphans="ignore")
        )
        node = plan.Join(self._node, partners, left_key, _how(how), left_names, right_names, asof)
        fields = {new: self._known_fields().get(old) for old, new in left_names.pairs}
        if how != "anti" and isinstance(right, CatalogBase):
            fields |= {new: right._known_fields().get(old) for old, new in right_names.pairs}
        return self._with(node, {name: known for name, known in fields.items() if known})

    def _curve_keys(
        self, on: str | None, left_on: str | None, right_on: str | None, right: pa.Schema
    ) -> tuple[str, str]:
        if on is None and left_on is None:
            left_on = self._id_name("left_on")
            right_on = right_on or id_column(self.dataset, self._collection)
        return _keys(on, left_on, right_on, self.schema, right)


def _check_time(sources: pa.Schema, time: str | None) -> None:
    """Raise SchemaError if light curves cannot be sorted by a column."""
    if time is not None and not plan.can_sort(sources.field(time).type):
        raise SchemaError(
            f"column {time!r} is {sources.field(time).type}: light curves are sorted by times that "
            "are numbers or timestamps; give time="
        )


def _how(how: str) -> Literal["inner", "left", "anti"]:
    return "inner" if how == "inner" else "left" if how == "left" else "anti"


def _orphans(orphans: str) -> plan.OnOrphans:

    if orphans not in get_args(plan.OnOrphans):
        raise InputError(f"orphans must be warn, ignore or raise, not {orphans!r}")
    return "warn" if orphans == "warn" else "raise" if orphans == "raise" else "ignore"


def _keys(
    on: str | None,
    left_on: str | None,
    right_on: str | None,
    left: pa.Schema,
    right: pa.Schema,
    word: str = "on",
) -> tuple[str, str]:
    """Return the columns of the ids on both sides."""
    if on is not None and (left_on is not None or right_on is not None):
        raise InputError(f"give {word}=, or left_{word}= and right_{word}=, not both")
    left_key, key = on or left_on, on or right_on
    if left_key is None or key is None:
        raise InputError(f"the ids are not named: give {word}=, or left_{word}= and right_{word}=")
    for name, schema in ((left_key, left), (key, right)):
        check_columns([name], schema)
        if name not in schema.names:
            raise SchemaError(f"{name!r} is a field of a light curve; rows are joined by columns")
    check_keys(left.field(left_key), right.field(key))
    return left_key, key


def _schema(other: Other) -> pa.Schema:
    return other.schema


def _narrowed(other: Other, columns: list[str]) -> Other:
    if isinstance(other, pa.Table):
        return other.select(columns)
    return other._with(plan.Select(other._node, tuple(columns)))


def _in_one_unit(sources: Other, known: LightCurveFields) -> Other:
    """Return sources whose times are days, and whose errors are in the unit of the values."""
    units = {field.name: column_meta(field).unit for field in _schema(sources)}
    factors = known.conversions(units)
    flux = known.flux_unit or units.get(known.flux or "", "")
    targets = {known.time: "d", known.flux: flux, known.flux_err: flux}
    wanted = {name: (factor, targets.get(name, "mag")) for name, factor in factors.items()}
    if not wanted or isinstance(sources, pa.Table):
        return Conversion(wanted).apply(sources) if wanted else sources
    texts = {}
    for name, (_, unit) in wanted.items():
        quoted = name.replace('"', '""')
        texts[name] = f"IN_UNIT(\"{quoted}\", '{unit}')"
    return sources.assign(texts)


def _name(other: Other) -> str:
    return other.name if isinstance(other, CatalogBase) else "other"


def _cell_columns(right: Other) -> list[str]:
    """Return the column of cells of the right side: it would say where the left rows are not."""
    scan = first_scan(right._node) if isinstance(right, CatalogBase) else None
    name = None if scan is None else scan.dataset.healpix_column
    return [name] if name is not None and name in _schema(right).names else []


def _curve_fields(sources: Other, key: str, columns: Sequence[str] | None) -> list[str]:
    schema = _schema(sources)
    if columns is not None:
        columns = names_list(columns)
        check_columns(columns, schema)
        fields = list(dict.fromkeys(columns))
    else:
        hidden = [key, *_cell_columns(sources)]
        fields = [field.name for field in schema if field.name not in hidden]
    if lists := [name for name in fields if is_nested(schema.field(name).type)]:
        raise SchemaError(f"{lists[0]!r} holds light curves itself; leave it out with columns=")
    if not fields:
        raise SchemaError("no column of the sources would become a field of the light curves")
    return fields
