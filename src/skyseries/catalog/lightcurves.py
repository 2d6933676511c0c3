"""Light curves of a catalog: features and periods of each, and one by its id."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyseries.catalog.curves import known_fields, recorded_bands, the_column
from skyseries.catalog.held import first_scan
from skyseries.catalog.ids import areas_of, as_id, id_column, index_of
from skyseries.catalog.node import Area, Hints
from skyseries.catalog.nodes.ids import IdSearch
from skyseries.catalog.nodes.scan import Scan
from skyseries.catalog.nodes.steps import Append
from skyseries.catalog.rows import Rows
from skyseries.catalog.running import units_of
from skyseries.errors import CatalogError
from skyseries.schema import LightCurveFields

if TYPE_CHECKING:
    from skyseries.catalog.verbs.lightcurves import LightCurveVerbs
    from skyseries.timeseries import Feature, LightCurve

__all__ = ["features_step", "lightcurve_of", "periods_step"]


def features_step(
    catalog: LightCurveVerbs,
    column: str | None,
    features: Sequence[str | Feature] | str | None,
    space: str | None,
    bands: Sequence[str | int] | None,
    limits: Mapping[str, Any],
    barycentric: bool,
    location: Any,
) -> Append:
    """Return the step that adds feature columns."""
    from skyseries.timeseries import compute_features, feature_schema, select
    from skyseries.timeseries.measured import measured_field
    from skyseries.timeseries.periodogram import frequency_limits
    from skyseries.timeseries.rubin import published_table

    name = the_column(catalog.schema, column)
    fields = catalog.lightcurve_fields(name)
    scan = first_scan(catalog._node)
    if bands is None and scan is not None and name in scan.schema.names:
        bands = recorded_bands(scan.dataset, name, fields.band)
    type_ = catalog.schema.field(name).type
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
        compute_features, fields=fields, features=chosen, space=space, bands=bands, **limits
    )
    said = {
        "step": "features", "features": [f.name for f in selected] if table is None else table.name,
        "space": space, "bands": bands, **limits,
    }  # fmt: skip
    return _append(catalog, name, read, fields, compute, schema, said, barycentric, location)


def periods_step(
    catalog: LightCurveVerbs,
    column: str | None,
    options: Mapping[str, Any],
    barycentric: bool,
    location: Any,
) -> Append:
    """Return the step that adds the columns of a period search."""
    from skyseries.timeseries import compute_periods, period_schema

    name = the_column(catalog.schema, column)
    fields = catalog.lightcurve_fields(name)
    compute = partial(compute_periods, fields=fields, **options)
    schema = period_schema(**options)
    recorded = (schema.field(0).metadata or {}).get(b"skyseries_periods", b"{}")
    said = {"step": "periods", **options, **json.loads(recorded)}
    read = fields.names()
    return _append(catalog, name, read, fields, compute, schema, said, barycentric, location)


def _append(
    catalog: LightCurveVerbs,
    name: str,
    read: tuple[str, ...],
    fields: LightCurveFields,
    compute: partial[pa.Table],
    schema: pa.Schema,
    said: dict[str, Any],
    barycentric: bool,
    location: Any,
) -> Append:
    """Return the step, which hands the positions over where the times are to be moved."""
    moves = False
    if barycentric:
        from skyseries.timeseries.barycentre import RUBIN, is_barycentric, site_of

        moves = not is_barycentric(fields)
        site_of(RUBIN if location is None else location)
        compute = partial(compute, barycentric=True, location=location)
        said |= {"barycentric": True, "location": str(RUBIN if location is None else location)}
    text = json.dumps(said, default=str)
    return Append(catalog._node, name, read, compute, schema, moves, text)


def lightcurve_of(catalog: LightCurveVerbs, id: Any, column: str | None) -> LightCurve:
    """Read one light curve: index, one row group of one leaf."""
    from skyseries.timeseries import LightCurve

    name = the_column(catalog.dataset.schema, column)
    scan = first_scan(catalog._node)
    assert scan is not None  # noqa: S101 - there is a dataset
    fields = catalog._fields.get(name)
    if fields is None:
        fields = known_fields(scan.dataset.properties, scan.schema, name)
    key = id_column(catalog.dataset, catalog._collection)
    asked, id = id, as_id(id, catalog.dataset.schema.field(key).type)
    for row in _rows_of(catalog, scan, key, id) if id is not None else ():
        table = row.fetch([name, scan.dataset.ra, scan.dataset.dec])
        return LightCurve.from_struct(
            table.column(0)[0],
            fields,
            id=id,
            ra=table.column(1)[0].as_py(),
            dec=table.column(2)[0].as_py(),
        )
    raise CatalogError(f"there is no object with {key} = {asked!r} in {catalog.name}")


def _rows_of(catalog: LightCurveVerbs, scan: Scan, key: str, id: Any) -> Iterator[Rows]:
    """Yield the rows with an id, each by itself; as little as possible is read."""
    index = index_of(catalog._root, catalog._collection, key)
    found = IdSearch(scan, key, (id,))
    areas: Iterator[Area]
    if index is None:
        areas = (unit.area for unit in units_of(found, largest=1))
    else:
        areas = iter([areas_of(index, key, [id])])
    for area in areas:
        rows = found.rows(area, Hints())
        for i in range(len(rows)):
            yield rows.take(np.array([i]))
