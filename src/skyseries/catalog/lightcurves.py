"""Light curves of a catalog: which fields they have, features and periods, one by its id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from skyseries.catalog.steps import Append
from skyseries.errors import CatalogError, SchemaError
from skyseries.hats.dataset import Dataset, open_leaf
from skyseries.hats.idindex import Found, open_index
from skyseries.hats.partitions import Cell
from skyseries.hats.properties import split_list
from skyseries.schema import LightCurveFields
from skyseries.spatial.healpix import HPX_ORDER

if TYPE_CHECKING:
    from skyseries.catalog.catalog import Catalog
    from skyseries.timeseries import LightCurve

__all__ = [
    "features_step",
    "known_fields",
    "lightcurve_of",
    "nested_columns",
    "overridden",
    "periods_step",
    "the_column",
]


def nested_columns(schema: pa.Schema) -> list[str]:
    """Return the columns that are structs of lists."""
    return [f.name for f in schema if _is_nested(f.type)]


def _is_nested(type_: pa.DataType) -> bool:
    return bool(
        pa.types.is_struct(type_)
        and type_.num_fields
        and all(pa.types.is_list(c.type) or pa.types.is_large_list(c.type) for c in type_)
    )


def the_column(schema: pa.Schema, column: str | None) -> str:
    """Return the nested column that is meant.

    Raises
    ------
    SchemaError
        If there is none, or several and none is named.
    """
    there = nested_columns(schema)
    if column is not None:
        if column not in there:
            raise SchemaError(
                f"{column!r} is no light-curve column; "
                + (f"there are: {', '.join(there)}" if there else "this catalog has none")
            )
        return column
    if len(there) != 1:
        raise SchemaError(
            f"there are several light-curve columns: name one of {', '.join(there)} with column="
            if there
            else "this catalog has no light curves (no column that is a struct of lists)"
        )
    return there[0]


def known_fields(dataset: Dataset, column: str) -> LightCurveFields:
    """Return the roles as recorded in the properties, or as recognised from the names."""
    names = [f.name for f in dataset.schema.field(column).type]
    recorded = LightCurveFields.from_properties(dataset.properties, column)
    fields = recorded or LightCurveFields.guess(names)
    if fields is None:
        raise SchemaError(
            f"the fields of {column!r} are not recognised ({', '.join(names)}); say which is "
            "which with set_lightcurve(time=..., flux=..., ...)"
        )
    fields.check(names)
    return fields


def overridden(
    dataset: Dataset,
    column: str,
    before: LightCurveFields | None,
    roles: Mapping[str, str],
) -> LightCurveFields:
    """Return the roles with some replaced."""
    names = [f.name for f in dataset.schema.field(column).type]
    known = (
        before
        or LightCurveFields.from_properties(dataset.properties, column)
        or LightCurveFields.guess(names)
    )
    try:
        fields = LightCurveFields(**roles) if known is None else known.override(**roles)
    except TypeError as error:
        raise SchemaError(f"set_lightcurve: {error}") from None
    fields.check(names)
    return fields


def recorded_bands(dataset: Dataset, column: str, band: str | None) -> list[str | int] | None:
    """Return the bands that the import has seen in this field; None if it is not recorded."""
    text = dataset.properties.get(f"skyseries_lightcurve.{column}.bands")
    recorded = LightCurveFields.from_properties(dataset.properties, column)
    if text is None or recorded is None or recorded.band is None or recorded.band != band:
        return None
    type_ = dataset.schema.field(column).type.field(band).type.value_type
    names = split_list(text)
    return [int(name) for name in names] if pa.types.is_integer(type_) else list(names)


def features_step(
    catalog: Catalog,
    column: str | None,
    features: Sequence[str] | str | None,
    space: str | None,
    bands: Sequence[str | int] | None,
) -> Append:
    """Return the step that adds feature columns."""
    from skyseries.timeseries import compute_features, feature_schema

    name = the_column(catalog.schema, column)
    fields = catalog.lightcurve_fields(name)
    if bands is None:
        bands = recorded_bands(catalog.dataset, name, fields.band)
    type_ = catalog.schema.field(name).type
    value_type = type_.field(fields.value).type.value_type
    schema = feature_schema(fields, features, space, bands, value_type)
    compute = partial(compute_features, fields=fields, features=features, space=space, bands=bands)
    return Append(name, compute, schema)


def periods_step(catalog: Catalog, column: str | None, options: Mapping[str, Any]) -> Append:
    """Return the step that adds the columns of a period search."""
    from skyseries.timeseries import compute_periods, period_schema

    name = the_column(catalog.schema, column)
    fields = catalog.lightcurve_fields(name)
    compute = partial(compute_periods, fields=fields, **options)
    return Append(name, compute, period_schema(**options))


def lightcurve_of(catalog: Catalog, id: Any, column: str | None) -> LightCurve:
    """Read one light curve: index, one row group of one leaf."""
    from skyseries.timeseries import LightCurve

    name = the_column(catalog.dataset.schema, column)
    fields = catalog.lightcurve_fields(name)
    id_column = _id_column(catalog)
    asked, id = id, _as_id(id, catalog.dataset.schema.field(id_column).type)
    columns = list(dict.fromkeys([id_column, catalog.dataset.ra, catalog.dataset.dec, name]))
    for found in _places(catalog, id_column, id) if id is not None else ():
        row = _read_row(catalog.dataset, found, id_column, id, columns)
        if row is not None:
            return LightCurve.from_struct(
                row.column(name)[0],
                fields,
                id=id,
                ra=row.column(catalog.dataset.ra)[0].as_py(),
                dec=row.column(catalog.dataset.dec)[0].as_py(),
            )
    raise CatalogError(f"there is no object with {id_column} = {asked!r} in {catalog.name}")


def _id_column(catalog: Catalog) -> str:
    indexes = dict(catalog._collection.indexes)
    said = catalog.dataset.properties.get("hats_cols_survey_id", "")
    listed = [said] if said in catalog.dataset.schema.names else split_list(said)
    name = next(iter([*indexes, *listed]), None)
    if name is None or name not in catalog.dataset.schema.names:
        raise CatalogError(
            f"{catalog.name} does not say which column is the id: it has neither an id index nor "
            "hats_cols_survey_id in its hats.properties"
        )
    return name


def _as_id(id: Any, type_: pa.DataType) -> Any:
    """Return the id as the column has it, None if it cannot have it.

    ``"42"`` is not taken for 42, nor 42.0.
    """
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    wants_text = pa.types.is_string(type_) or pa.types.is_large_string(type_)
    if wants_text != isinstance(id, str):
        raise SchemaError(f"the ids of this catalog are {type_}; {id!r} is {type(id).__name__}")
    if wants_text:
        return id
    if isinstance(id, bool) or not hasattr(id, "__index__"):
        raise SchemaError(f"an id must be a whole number, not {id!r}")
    signed = pa.types.is_signed_integer(type_)
    bits = type_.bit_width - signed
    number = id.__index__()
    return number if -(1 << bits) * signed <= number < 1 << bits else None


def _places(catalog: Catalog, id_column: str, id: Any) -> list[Found]:
    indexes = dict(catalog._collection.indexes)
    if id_column in indexes:
        root = catalog._root.join(indexes[id_column])
        return open_index(root, id_column).find(id)
    return [Found(cell, None) for cell in catalog.partitions]


def _read_row(
    dataset: Dataset, found: Found, id_column: str, id: Any, columns: list[str]
) -> pa.Table | None:
    """Return the row of an id in a partition, reading only the row group that can have it."""
    groups = _row_groups(dataset, found.cell, found.hpx)
    for group in groups:
        if group is None or len(groups) > 1:  # find the row before its light curve is read
            ids = dataset.read(found.cell, [id_column], None if group is None else [group])
            if not pc.any(pc.equal(ids.column(0), pa.scalar(id, ids.schema[0].type))).as_py():
                continue
        rows = dataset.read(found.cell, columns, None if group is None else [group])
        rows = rows.filter(pc.equal(rows.column(id_column), pa.scalar(id, rows.schema[0].type)))
        if rows.num_rows:
            return rows.slice(0, 1)
    return None


def _row_groups(dataset: Dataset, cell: Cell, hpx: int | None) -> list[int | None]:
    """Return the row groups whose range of cells can hold the object."""
    leaves = dataset.leaves(cell)
    if len(leaves) != 1 or dataset.leaf_suffix == "/":
        return [None]
    with open_leaf(leaves[0]) as file:
        footer = file.metadata
    name = dataset.healpix_column
    place = next(
        (c for c in range(footer.num_columns) if footer.schema.column(c).path == name), None
    )
    if dataset.healpix_order != HPX_ORDER:
        place = None
    groups: list[int | None] = []
    for g in range(footer.num_row_groups):
        stats = None if place is None else footer.row_group(g).column(place).statistics
        if hpx is None or stats is None or not stats.has_min_max or stats.min <= hpx <= stats.max:
            groups.append(g)
    return groups
