"""Light curves of a catalog: features and periods of each, and one by its id."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from skyseries.arrays import true_or_false
from skyseries.catalog import plan, run
from skyseries.catalog.plan.ids import cells_of_ids
from skyseries.catalog.plan.lineage import bands_of, has_moved, known_index
from skyseries.catalog.plan.node import Area, Hints, Node, Unit
from skyseries.catalog.plan.roles import the_column
from skyseries.catalog.plan.rows import Rows
from skyseries.catalog.verbs.byid import id_step
from skyseries.errors import CatalogError, InputError, SchemaError
from skyseries.schema import LightCurveFields

if TYPE_CHECKING:
    from skyseries.catalog.verbs.lightcurves import LightCurveVerbs
    from skyseries.timeseries import Feature, LightCurve

__all__ = ["Affixes", "Moved", "features_step", "lightcurve_of", "periods_step"]


class Moved(NamedTuple):
    """Whether times are brought to the barycentre, and from where."""

    barycentric: bool
    location: Any

    @classmethod
    def of(cls, barycentric: Any, location: Any) -> Moved:
        """Return them; InputError unless the first is True or False."""
        return cls(true_or_false(barycentric, "barycentric"), location)


class Affixes(NamedTuple):
    """What the names of new columns begin and end with."""

    prefix: str
    suffix: str

    @classmethod
    def of(cls, prefix: Any, suffix: Any) -> Affixes:
        """Return them; InputError if one is no text."""
        for name, given in (("prefix", prefix), ("suffix", suffix)):
            if not isinstance(given, str):
                raise InputError(f"{name} must be text, not {given!r:.60}")
        return cls(prefix, suffix)

    def around(self, name: str) -> str:
        """Return a name between the two."""
        return f"{self.prefix}{name}{self.suffix}"


def features_step(
    catalog: LightCurveVerbs,
    column: str | None,
    features: Sequence[str | Feature] | str | None,
    space: str | None,
    bands: Sequence[str | int] | None,
    limits: Mapping[str, Any],
    moved: Moved,
    affixes: Affixes,
) -> plan.Append:
    """Return the step that adds feature columns."""
    from skyseries.timeseries import feature_schema, select
    from skyseries.timeseries.bands import tell_absent
    from skyseries.timeseries.features.compute import feature_table, occasions_of
    from skyseries.timeseries.features.published import published_table
    from skyseries.timeseries.measured import field_units, measured_field, with_units
    from skyseries.timeseries.periods.limits import frequency_limits

    name = the_column(catalog.schema, column)
    type_ = catalog.schema.field(name).type
    fields = with_units(catalog.lightcurve_fields(name), field_units(type_))
    if bands is None:
        bands = bands_of(catalog._node, name, fields.band)
    else:
        tell_absent(bands, bands_of(catalog._node, name, fields.band, look=True))
    value_type = type_.field(fields.value).type.value_type
    frequency_limits(**limits)
    has_error = measured_field(fields, space).error is not None
    table = published_table(features)
    # the features themselves reach any process
    selected = () if table is not None else select(features, has_error=has_error)
    chosen = selected if table is None else table
    read = (*fields.names(), *(table.fields() if table is not None else ()))
    schema = feature_schema(fields, chosen, space, bands, value_type)
    compute = partial(
        feature_table, fields=fields, features=chosen, space=space, bands=bands, **limits
    )
    said = {
        "step": "features", "features": [f.name for f in selected] if table is None else table.name,
        "space": space, "bands": bands, **limits,
    }  # fmt: skip
    if moved.location is not None:  # nights are those of the observatory
        compute = partial(compute, location=moved.location)
        said["location"] = str(moved.location)
    calls = occasions_of(selected)
    return _append(catalog, name, read, [fields], compute, schema, said, moved, affixes, calls)


def periods_step(
    catalog: LightCurveVerbs,
    column: str | Sequence[str] | None,
    options: Mapping[str, Any],
    moved: Moved,
    affixes: Affixes,
) -> plan.Append:
    """Return the step that adds the columns of a period search."""
    from skyseries.timeseries import compute_periods, period_schema
    from skyseries.timeseries.measured import field_units, with_units
    from skyseries.timeseries.surveys import joined_fields

    names = _columns_of(catalog, column)
    types = [catalog.schema.field(name).type for name in names]
    known = [
        with_units(catalog.lightcurve_fields(name), field_units(type_))
        for name, type_ in zip(names, types, strict=True)
    ]
    options = {**options, "bands": _bands_of_search(catalog, names, known, options["bands"])}
    fields = known[0]
    beside: tuple[str, ...] = ()
    if len(names) == 1:
        compute = partial(compute_periods, fields=fields, **options)
    else:
        parts = tuple(zip(names, types, known, strict=True))
        fields = joined_fields(known, names, barycentric=moved.barycentric)
        compute = partial(_periods_of_surveys, parts=parts, fields=fields, options=options)
        beside = tuple(f"{name}.{f}" for name, _, roles in parts[1:] for f in roles.names())
    schema = period_schema(fields, **options)
    recorded = (schema.field(0).metadata or {}).get(b"skyseries_periods", b"{}")
    said = {"step": "periods", **options, **json.loads(recorded)}
    said |= {"lightcurves": names} if beside else {}
    read = known[0].names()
    calls = (f"periods.{options['method']}",)
    return _append(
        catalog, names[0], read, known, compute, schema, said, moved, affixes, calls, beside
    )


def _bands_of_search(
    catalog: LightCurveVerbs,
    names: Sequence[str],
    known: Sequence[LightCurveFields],
    asked: Sequence[str | int] | None,
) -> Sequence[str | int] | None:
    """Return the bands that get columns: those asked for, or those that there are, if known."""
    from skyseries.timeseries.bands import asked_bands

    found = [
        bands_of(catalog._node, name, fields.band, look=True)
        for name, fields in zip(names, known, strict=True)
    ]
    there: Sequence[str | int] | None = found[0]
    if len(names) > 1:
        there = _bands_of_surveys(names, known, found)
    return asked_bands(asked, there)


def _bands_of_surveys(
    names: Sequence[str],
    known: Sequence[LightCurveFields],
    found: Sequence[Sequence[str | int] | None],
) -> list[str] | None:
    """Return the bands of several surveys as `timeseries.joined` calls them."""
    there: list[str] = []
    for name, fields, bands in zip(names, known, found, strict=True):
        if fields.band is None:
            there.append(name)
        elif bands is None:
            return None
        else:
            there += [f"{name}.{band}" for band in bands]
    return there


def _columns_of(catalog: LightCurveVerbs, column: str | Sequence[str] | None) -> list[str]:
    """Return the columns of light curves that are meant, one or more."""
    if column is None or isinstance(column, str):
        return [the_column(catalog.schema, column)]
    given = list(column) if isinstance(column, Sequence) else [column]
    if not given or not all(isinstance(name, str) for name in given):
        raise InputError(f"light curves are named by one column or several, not {column!r:.60}")
    names = [the_column(catalog.schema, name) for name in given]
    if again := [name for name in names if names.count(name) > 1]:
        raise InputError(f"the light curves {again[0]!r} are named more than once")
    return names


def _periods_of_surveys(
    column: pa.StructArray,
    *,
    beside: pa.Table,
    parts: tuple[tuple[str, pa.StructType, LightCurveFields], ...],
    fields: LightCurveFields,
    options: Mapping[str, Any],
    **moved: Any,
) -> pa.Table:
    """Search the light curves of one star in several columns together."""
    from skyseries.timeseries import compute_periods
    from skyseries.timeseries.surveys import join_columns

    columns = [column]
    for name, type_, roles in parts[1:]:
        read = pa.struct([type_.field(f) for f in roles.names()])
        columns.append(plan.struct_of(beside, name, read))
    names, known = [name for name, *_ in parts], [roles for *_, roles in parts]
    return compute_periods(join_columns(columns, known, names, **moved), fields, **options)


def _append(
    catalog: LightCurveVerbs,
    name: str,
    read: tuple[str, ...],
    fields: Sequence[LightCurveFields],
    compute: partial[pa.Table],
    schema: pa.Schema,
    said: dict[str, Any],
    moved: Moved,
    affixes: Affixes,
    calls: tuple[str, ...],
    beside: tuple[str, ...] = (),
) -> plan.Append:
    """Return the step, which hands the positions over where the times are to be moved."""
    barycentric, location = moved
    if location is not None:
        from skyseries.timeseries.barycentre import site_of

        site_of(location)
    moves = False
    if barycentric:
        from skyseries.timeseries.barycentre import RUBIN, is_barycentric

        several = len(fields) > 1  # of which those at the Sun are near enough
        checked = [f for f in fields if not (several and f.refposition == "heliocenter")]
        there = [is_barycentric(f) for f in checked]  # each is asked: some are refused
        moves = not all(there)
        if moves:
            catalog._check_places("times are moved for")
        compute = partial(compute, barycentric=True, location=location)
        said |= {"barycentric": True, "location": str(RUBIN if location is None else location)}
    if any(affixes):
        said |= dict(zip(("prefix", "suffix"), affixes, strict=True))
        schema = pa.schema([f.with_name(affixes.around(f.name)) for f in schema])
        compute = partial(_renamed, names=schema.names, compute=compute)
    text = json.dumps(said, default=str)
    return plan.Append(catalog._node, name, read, compute, schema, moves, text, beside, calls)


def _renamed(
    column: pa.StructArray, *, names: list[str], compute: partial[pa.Table], **more: Any
) -> pa.Table:
    return compute(column, **more).rename_columns(names)


def lightcurve_of(
    catalog: LightCurveVerbs, id: Any, column: str | None, id_column: str | None
) -> LightCurve:
    """Return the light curve of one object as the steps of a catalog leave it."""
    from skyseries.timeseries import LightCurve

    name = the_column(catalog.schema, column)
    fields = catalog.lightcurve_fields(name)
    step = id_step(catalog, id, id_column, "id_column")
    ids = step.ids.values
    if len(ids) > 1:
        raise InputError(f"lightcurve() is of one object; id_search takes {len(ids)} ids")
    found, on_disk = _found(step, (name, *_place_columns(catalog)))
    if not len(found):
        raise CatalogError(_missing(catalog, step, id, on_disk))
    if _differ(found.column(0)):
        raise CatalogError(
            f"{len(found)} rows of {catalog.name} have {step.column} = {ids[0]!r}, with "
            f"different light curves in {name!r}: id_search({ids[0]!r}) gives all"
        )
    curve, ra, dec = (found.column(i)[0] for i in range(3))
    return LightCurve.from_struct(curve, fields, id=ids[0], ra=ra.as_py(), dec=dec.as_py())


def _place_columns(catalog: LightCurveVerbs) -> tuple[str, ...]:
    """Return the columns of the positions, also of new ones; none if they were left out."""
    names = catalog._node.position
    if names is None and has_moved(catalog._node):
        names = catalog._filed_by()
    return names if names is not None and set(names) <= set(catalog.columns) else ()


def _found(step: plan.IdSearch, paths: Sequence[str]) -> tuple[pa.Table, bool]:
    """Return columns of the rows with an id; and whether the catalog on disk is known to have it.

    Where there is an id index, only the part of the sky that it names is looked at.
    """
    if not step.ids.values:
        return pa.table({}), False
    index = known_index(step, step.column)
    if index is not None:
        area = Area(*cells_of_ids(index, step.ids.values).ranges)
        if not len(area.start):
            return pa.table({}), False
        run.prepare(step)
        near = step.child.narrow(area).rows(area, Hints())
        return _fetched(step.apply(near), paths), True
    parts = dict(run.run_units(step, partial(_of_unit, paths=paths)))
    there = [parts[place] for place in sorted(parts) if len(parts[place])]
    return (pa.concat_tables(there) if there else pa.table({})), False


def _of_unit(node: Node, unit: Unit, *, paths: Sequence[str]) -> pa.Table:
    return _fetched(node.rows(unit.area, Hints()), paths)


def _fetched(rows: Rows, paths: Sequence[str]) -> pa.Table:
    """Return the light curves and positions of rows."""
    table = rows.fetch(list(paths))
    if len(paths) > 1:
        return table
    try:  # where they are filed, though the columns are not there
        ra, dec = map(pa.array, rows.positions())
    except SchemaError:
        ra = dec = pa.nulls(len(rows), pa.float64())
    return pa.table([table.column(0), ra, dec], [paths[0], "ra", "dec"])


def _differ(curves: pa.ChunkedArray) -> bool:
    """Tell whether light curves differ; NaN is equal to NaN."""
    return len({repr(curve.as_py()) for curve in curves} if len(curves) > 1 else ()) > 1


def _missing(catalog: LightCurveVerbs, step: plan.IdSearch, id: Any, on_disk: bool) -> str:
    """Return why there is no light curve."""
    text = f"there is no object with {step.column} = {id!r} in {catalog.name}"
    if not catalog._node.children:
        return text
    text += " after its steps"
    if on_disk:
        text += ": the catalog on disk has it, the steps leave it out"
    return f"{text} (see explain())"
