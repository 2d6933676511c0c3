"""What is in a catalog, for people: `skyseries info` and the repr."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from skyseries.catalog import run
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.lineage import home_of, stored_as
from skyseries.catalog.plan.names import nested_columns
from skyseries.catalog.plan.node import Node, first_node, steps_of
from skyseries.catalog.plan.scan import Scan
from skyseries.errors import SchemaError
from skyseries.hats.dataset import Dataset
from skyseries.hats.extension import listed_extensions
from skyseries.hats.skymap import WHOLE_SKY_DEG2, sky_area
from skyseries.hats.statistics import recorded_rows
from skyseries.schema import LightCurveFields, column_meta
from skyseries.units import size_text

__all__ = ["CatalogInfo", "describe"]

_SHORT_COLUMNS = 8
_SHORT_STEPS = 6
_SHORT_LINE = 100
"""Of a repr: how many columns and steps, and how much of a step, are shown."""


@dataclass(frozen=True, repr=False)
class CatalogInfo:
    """A description of a catalog as its steps leave it.

    `text` (and the repr) is the whole of it, `short` the first lines. Partitions, size, sky,
    margin and index are those of the catalog on disk, of several the first.
    """

    name: str
    kind: str
    path: str
    version: str | None
    rows: int | None
    """None: they have to be counted, after a filter for instance."""
    columns: tuple[tuple[str, str, str, str], ...]
    """Name, type, unit, description."""
    per_order: dict[int, int]
    bytes: int | None
    sky_deg2: float
    margin: str | None
    index: str | None
    lightcurve: tuple[str, ...]
    """Lines about the light curves."""
    steps: tuple[str, ...] = ()
    """What is done, as `explain` says it: the last step first. Empty: the catalog as it is."""
    most_rows: int | None = None
    """There are no more rows than that; None: not known."""
    disk_rows: int | None = None
    """Rows of the catalog on disk; None: not recorded, or not without contradiction."""
    new: tuple[str, ...] = ()
    """Columns that the steps have made, or brought from elsewhere."""
    extensions: tuple[str, ...] = ()
    """Names of its extensions, with a word on those that were made for another version."""

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return self.html()

    def short(self) -> str:
        """Return a few lines."""
        steps = [_cut(step) for step in self.steps[:_SHORT_STEPS]]
        if len(self.steps) > len(steps):
            steps.append(f"... ({len(self.steps)} steps)")
        known = [name for name in self._names() if name not in self.new]
        names = [*self.new, *known]  # what the steps have made is not known from the catalog
        more = f", ... ({len(names)} columns)" if len(names) > _SHORT_COLUMNS else ""
        shown = ", ".join(names[:_SHORT_COLUMNS])
        return "\n  ".join([self._head(), *steps, f"{shown}{more}"])

    def _head(self) -> str:
        size = "" if self.bytes is None else f", {size_text(self.bytes)}"
        partitions = sum(self.per_order.values())
        where = (
            f"{partitions} partitions{size}, {_area(self.sky_deg2)} deg2"
            if self.kind != "table"
            else "memory"
        )
        return (
            f"Catalog {self.name!r}: {self._count()} rows {'from' if self.steps else 'in'} {where}"
        )

    def _count(self) -> str:
        if self.rows is not None:
            return f"{self.rows:,}"
        return "uncounted" if self.most_rows is None else f"at most {self.most_rows:,}"

    def _names(self) -> list[str]:
        """Return the names of the columns, without the fields of light curves."""
        curves = tuple(f"{name}." for name, kind, *_ in self.columns if kind == "light curves")
        return [name for name, *_ in self.columns if not name.startswith(curves)]

    def text(self) -> str:
        """Return all of it."""
        steps = [f"{'' if i else 'steps':12}{step}" for i, step in enumerate(self.steps)]
        lines = [
            f"name        {self.name} ({self.kind})",
            f"path        {self.path}" + (f" ({self.version})" if self.version else ""),
            f"rows        {self._count()}",
            *steps,
            *(self._disk() if self.kind != "table" else ()),
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

    def _disk(self) -> Iterator[str]:
        """Yield the lines about the catalog on disk."""
        if self.steps:
            rows = "not known" if self.disk_rows is None else f"{self.disk_rows:,}"
            yield f"on disk     {rows} rows, before the steps"
        orders = ", ".join(f"{n} of order {order}" for order, n in self.per_order.items())
        yield f"partitions  {sum(self.per_order.values())}" + (f" ({orders})" if orders else "")
        if self.bytes is not None:
            yield f"size        {size_text(self.bytes)}"
        yield f"sky         {_area(self.sky_deg2)} deg2 ({self.sky_deg2 / WHOLE_SKY_DEG2:.2%})"
        yield f"margin      {self.margin or 'none'}"
        yield f"id index    {self.index or 'none'}"
        if self.extensions:
            yield f"extensions  {', '.join(self.extensions)}"

    def html(self) -> str:
        """Return a table for a notebook."""
        import html

        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(part)}</td>" for part in column) + "</tr>"
            for column in self.columns
        )
        steps = html.escape("\n".join(self.steps))
        return (
            f"<div><b>{html.escape(self._head())}</b>"
            + (f"<pre>{steps}</pre>" if steps else "")
            + "<table><thead><tr><th>column</th><th>type</th><th>unit</th>"
            f"<th>description</th></tr></thead><tbody>{rows}</tbody></table></div>"
        )


def describe(catalog: CatalogBase, *, brief: bool = False) -> CatalogInfo:
    """Describe a catalog from its metadata; no leaf is read.

    Parameters
    ----------
    catalog : CatalogBase
    brief : bool
        Leave out what only the long text tells, and files must be read for.
    """
    node = catalog._node
    start = first_node(node)
    dataset = start.dataset if isinstance(start, Scan) else None
    collection = catalog._collection
    return CatalogInfo(
        name=catalog.name,
        kind="table" if dataset is None else dataset.kind,
        path="in memory" if dataset is None else str(catalog._root),
        version=collection.version,
        rows=run.known_rows(node, recorded_rows),
        columns=tuple(_columns(catalog.schema)),
        per_order={} if dataset is None else dataset.partitions.per_order(),
        bytes=None if dataset is None else _bytes(dataset),
        sky_deg2=0.0 if dataset is None else sky_area(dataset),
        margin=collection.default_margin,
        index=", ".join(field for field, _ in collection.indexes) or None,
        lightcurve=tuple(
            line for name in catalog.lightcurve_columns for line in _lightcurve(catalog, name)
        ),
        steps=tuple(steps_of(node)) if node.children else (),
        most_rows=node.row_limits(recorded_rows)[1],
        disk_rows=None if dataset is None else recorded_rows(dataset),
        new=tuple(_new_columns(node, start)) if node.children else (),
        extensions=() if brief or dataset is None else tuple(_extensions(catalog)),
    )


def _extensions(catalog: CatalogBase) -> Iterator[str]:
    """Yield the extensions of the catalog on disk; which are of another version of it."""
    from skyseries.hats.versions import extension_state

    now = catalog._collection.version
    for name, file in listed_extensions(catalog._root).items():
        state = extension_state(catalog._root, now, name, file)
        yield f"{name} (of version {state.made_for}: stale)" if state.stale else name


def _new_columns(node: Node, start: Node) -> Iterator[str]:
    """Yield the columns that are not those of the catalog on disk, or of the table."""
    for name in node.schema.names:
        known = name in start.schema.names
        if not (known if not isinstance(start, Scan) else stored_as(node, name) is not None):
            yield name


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


def _lightcurve(catalog: CatalogBase, column: str) -> Iterator[str]:
    """Yield what is known of the light curves in a column."""
    try:
        fields = catalog.lightcurve_fields(column)
    except SchemaError as error:
        yield f"{column}  {error}"
        return
    recorded = catalog._recorded_fields(column)
    guessed = recorded is None and column not in catalog._fields
    scale = fields.time_scale or "scale unknown"
    where = fields.refposition or "reference position unknown"
    value = f"{fields.value} +- {fields.error}" if fields.error else fields.value
    unit = f" {fields.flux_unit}" if fields.flux_unit and not fields.is_magnitude else ""
    yield (
        f"light curves  {column}{' (recognised from the names)' if guessed else ''}: {fields.time} "
        f"({fields.time_format or 'format unknown'}, {scale}, {where}), "
        f"{value}{unit}, band {fields.band or 'none'}"
    )
    home = home_of(catalog._node, column)
    if home is not None and home.first and home.whole and not catalog._node.filters:
        yield from _epochs(home.scan.dataset, recorded, fields)


def _epochs(
    dataset: Dataset, recorded: LightCurveFields | None, fields: LightCurveFields
) -> Iterator[str]:
    """Yield how many epochs a catalog records, and between which times."""
    properties, rows = dataset.properties, recorded_rows(dataset)
    if len(nested_columns(dataset.schema)) != 1:
        return  # what is recorded is of all such columns together
    epochs, longest = (properties.get(f"skyseries_{key}") for key in ("epochs", "max_epochs"))
    if epochs and rows:
        mean = int(epochs) / rows
        yield f"epochs      {int(epochs):,} ({mean:.1f} per object, at most {longest})"
    begin, end = (properties.get(f"skyseries_time_{key}") for key in ("min", "max"))
    if begin and end and recorded is not None and recorded.time == fields.time:
        span, scale = float(end) - float(begin), fields.time_scale or "scale unknown"
        yield f"time span   {float(begin):.5f} to {float(end):.5f} ({span:,.1f} d, {scale})"


def _bytes(dataset: Dataset) -> int | None:
    text = dataset.properties.get("hats_estsize", "")
    return int(text) << 10 if text.isdigit() else None


def _cut(step: str) -> str:
    return step if len(step) <= _SHORT_LINE else f"{step[: _SHORT_LINE - 3]}..."


def _area(deg2: float) -> str:
    return f"{deg2:,.0f}" if deg2 >= 1000 else f"{deg2:.3g}"
