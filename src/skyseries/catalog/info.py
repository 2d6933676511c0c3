"""What is in a catalog, for people: `skyseries info` and the repr."""

from __future__ import annotations

import html
from dataclasses import dataclass

import pyarrow as pa

from skyseries.catalog.held import Held, first_node
from skyseries.catalog.names import nested_columns
from skyseries.catalog.node import SKY, Hints, Node
from skyseries.catalog.nodes.scan import Scan
from skyseries.errors import SchemaError
from skyseries.hats.dataset import Dataset
from skyseries.schema import LightCurveFields, column_meta
from skyseries.spatial.healpix import pixel_area_deg2

__all__ = ["CatalogInfo", "describe", "size_text", "sky_area"]

_WHOLE_SKY_DEG2 = 41252.96


@dataclass(frozen=True)
class CatalogInfo:
    """A description of a catalog.

    `text` is the whole of it, `short` the first lines of a repr.
    """

    name: str
    kind: str
    path: str
    version: str | None
    rows: int | None
    columns: tuple[tuple[str, str, str, str], ...]
    """Name, type, unit, description."""
    per_order: dict[int, int]
    bytes: int | None
    sky_deg2: float
    margin: str | None
    index: str | None
    lightcurve: tuple[str, ...]
    """Lines about the light curves."""
    steps: int = 0

    def short(self) -> str:
        """Return a few lines."""
        rows = "rows unknown" if self.rows is None else f"{self.rows:,} rows"
        if self.steps:
            rows = f"{self.steps} steps over {rows}"
        size = "" if self.bytes is None else f", {size_text(self.bytes)}"
        names = ", ".join(name for name, *_ in self.columns[:8])
        more = f", ... ({len(self.columns)} columns)" if len(self.columns) > 8 else ""
        where = (
            f"{sum(self.per_order.values())} partitions{size}, {_area(self.sky_deg2)} deg2"
            if self.kind != "table"
            else "memory"
        )
        return f"Catalog {self.name!r}: {rows} in {where}\n  {names}{more}"

    def text(self) -> str:
        """Return all of it."""
        rows = "unknown" if self.rows is None else f"{self.rows:,}"
        orders = ", ".join(f"{n} of order {order}" for order, n in self.per_order.items())
        lines = [
            f"name        {self.name} ({self.kind})",
            f"path        {self.path}" + (f" ({self.version})" if self.version else ""),
            f"rows        {rows}",
            f"partitions  {sum(self.per_order.values())}" + (f" ({orders})" if orders else ""),
        ]
        if self.bytes is not None:
            lines.append(f"size        {size_text(self.bytes)}")
        lines += [
            f"sky         {_area(self.sky_deg2)} deg2 ({self.sky_deg2 / _WHOLE_SKY_DEG2:.2%})",
            f"margin      {self.margin or 'none'}",
            f"id index    {self.index or 'none'}",
            *self.lightcurve,
            "columns",
        ]
        width = max((len(name) for name, *_ in self.columns), default=0)
        kinds = max((len(kind) for _, kind, *_ in self.columns), default=0)
        units = max((len(unit) for *_, unit, _ in self.columns), default=0)
        for name, kind, unit, description in self.columns:
            line = f"  {name:{width}}  {kind:{kinds}}  {unit:{units}}  {description}"
            lines.append(line.rstrip())
        return "\n".join(lines)

    def html(self) -> str:
        """Return a table for a notebook."""
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(part)}</td>" for part in column) + "</tr>"
            for column in self.columns
        )
        head = html.escape(self.short().splitlines()[0])
        return (
            f"<div><b>{head}</b><table><thead><tr><th>column</th><th>type</th><th>unit</th>"
            f"<th>description</th></tr></thead><tbody>{rows}</tbody></table></div>"
        )


def describe(catalog: Held) -> CatalogInfo:
    """Describe a catalog from its metadata; no leaf is read."""
    start = first_node(catalog._node)
    if not isinstance(start, Scan):
        return _describe_table(catalog, start)
    dataset = start.dataset
    collection = catalog._collection
    return CatalogInfo(
        name=catalog.name,
        kind=dataset.kind,
        path=str(catalog._root),
        version=collection.version,
        rows=dataset.rows,
        columns=tuple(_columns(catalog.schema)),
        per_order=dataset.partitions.per_order(),
        bytes=_bytes(dataset),
        sky_deg2=sky_area(dataset),
        margin=collection.default_margin,
        index=", ".join(field for field, _ in collection.indexes) or None,
        lightcurve=tuple(
            line for name in catalog.lightcurve_columns for line in _lightcurve(catalog, name)
        ),
        steps=_count_steps(catalog._node),
    )


def _describe_table(catalog: Held, start: Node) -> CatalogInfo:
    """Describe what begins with a table in memory."""
    return CatalogInfo(
        name=catalog.name,
        kind="table",
        path="in memory",
        version=None,
        rows=len(start.rows(SKY, Hints())),
        columns=tuple(_columns(catalog.schema)),
        per_order={},
        bytes=None,
        sky_deg2=0.0,
        margin=None,
        index=None,
        lightcurve=(),
        steps=_count_steps(catalog._node),
    )


def _count_steps(node: Node) -> int:
    return sum(1 + _count_steps(child) for child in node.children[:1])


def _columns(schema: pa.Schema) -> list[tuple[str, str, str, str]]:
    rows = []
    for field in schema:
        meta = column_meta(field)
        if field.name in nested_columns(schema):
            rows.append((field.name, "light curves", "", meta.description))
            for child in field.type:
                inner = column_meta(child)
                name = f"{field.name}.{child.name}"
                rows.append(
                    (name, f"list of {child.type.value_type}", inner.unit, inner.description)
                )
        else:
            rows.append((field.name, str(field.type), meta.unit, meta.description))
    return rows


def _lightcurve(catalog: Held, column: str) -> list[str]:
    properties = catalog.dataset.properties
    try:
        fields = catalog.lightcurve_fields(column)
    except SchemaError as error:
        return [f"{column}  {error}"]
    recorded = LightCurveFields.from_properties(properties, column) is not None
    guessed = "" if recorded or column in catalog._fields else " (recognised from the names)"
    scale = fields.time_scale or "scale unknown"
    where = fields.refposition or "reference position unknown"
    value = f"{fields.value} +- {fields.error}" if fields.error else fields.value
    unit = f" {fields.flux_unit}" if fields.flux_unit and not fields.is_magnitude else ""
    lines = [
        f"light curves  {column}{guessed}: {fields.time} "
        f"({fields.time_format or 'format unknown'}, {scale}, {where}), "
        f"{value}{unit}, band {fields.band or 'none'}"
    ]
    epochs, longest = (properties.get(f"skyseries_{key}") for key in ("epochs", "max_epochs"))
    if epochs and catalog.dataset.rows:
        mean = int(epochs) / catalog.dataset.rows
        lines.append(f"epochs      {int(epochs):,} ({mean:.1f} per object, at most {longest})")
    begin, end = (properties.get(f"skyseries_time_{key}") for key in ("min", "max"))
    if begin and end:
        span = float(end) - float(begin)
        lines.append(f"time span   {float(begin):.5f} to {float(end):.5f} ({span:,.1f} d, {scale})")
    return lines


def _bytes(dataset: Dataset) -> int | None:
    text = dataset.properties.get("hats_estsize", "")
    return int(text) << 10 if text.isdigit() else None


def sky_area(dataset: Dataset) -> float:
    """Return the covered area, deg²: of small cells with rows if recorded, else of the leaves."""
    fraction = dataset.properties.get("moc_sky_fraction")
    try:
        if fraction is not None:
            return float(fraction) * _WHOLE_SKY_DEG2
    except ValueError:
        pass
    per_order = dataset.partitions.per_order()
    return sum(n * pixel_area_deg2(order) for order, n in per_order.items())


def _area(deg2: float) -> str:
    return f"{deg2:,.0f}" if deg2 >= 1000 else f"{deg2:.3g}"


def size_text(n: int) -> str:
    """Return a size for people, for instance ``1.23 GB``."""
    size = float(n)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
