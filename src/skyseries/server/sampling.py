"""A row of each table, and what its columns are: what examples and the first page are made of."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from skyseries.adql.printing import identifier, identifiers
from skyseries.catalog import Catalog, run
from skyseries.catalog.plan.scan import first_scan
from skyseries.errors import SkyseriesError
from skyseries.hats.skymap import sky_area
from skyseries.hats.statistics import recorded_rows
from skyseries.query.binding import Binding
from skyseries.query.bindings import Bindings
from skyseries.query.statements import ask
from skyseries.schema import LightCurveFields, column_meta
from skyseries.server.documents.descriptions import CatalogFacts, TableFacts, TableSample, Value
from skyseries.server.documents.statements import literal

__all__ = ["catalog_facts", "sample_tables"]

_log = logging.getLogger(__name__)

_SHOWN = 8
"""Columns of a table that examples show."""


def sample_tables(bindings: Bindings) -> list[TableSample]:
    """Return what examples need to know of each table that has rows; of each a few are read.

    Parameters
    ----------
    bindings : Bindings
    """
    own = [b for b in bindings if b.table.name[0] != "tap_schema"]
    found: list[TableSample] = []
    for binding in own:
        if not binding.is_view:
            epochs = [other for other in own if _are_epochs(other, binding)]
            try:
                found += _Objects(binding, epochs, bindings).samples()
            except SkyseriesError as error:
                _log.warning("%s gives no example: %s", binding.table, error)
    return found


def catalog_facts(bindings: Bindings, versions: Mapping[str, str]) -> list[CatalogFacts]:
    """Return what the first page says of each schema.

    Parameters
    ----------
    bindings : Bindings
    versions : mapping of str to str
        Of catalogs, by the names of their tables.
    """
    schemas: dict[str, list[Binding]] = {}
    for binding in bindings:
        if binding.table.name[0] != "tap_schema":
            schemas.setdefault(binding.table.name[0], []).append(binding)
    return [_facts(name, found, versions) for name, found in schemas.items()]


def _facts(name: str, found: Sequence[Binding], versions: Mapping[str, str]) -> CatalogFacts:
    catalogs = [binding.catalog for binding in found if binding.catalog is not None]
    said = [catalog.metadata for catalog in catalogs if _is_on_disk(catalog)]
    dates = [versions[n] for b in found if (n := ".".join(b.table.name)) in versions]
    areas = [sky_area(catalog.dataset) for catalog in catalogs if _is_on_disk(catalog)]

    def common(key: str) -> str:
        """Return what all catalogs of the schema say; of a table its own row says it."""
        texts = {getattr(one, key) for one in said}
        return texts.pop() if len(texts) == 1 else ""

    return CatalogFacts(
        name,
        tuple(_table_facts(binding) for binding in found),
        common("title"),
        common("description"),
        ", ".join(dict.fromkeys(dates)),
        max(areas, default=None),
        common("licence"),
        common("citation"),
    )


def _is_on_disk(catalog: Catalog) -> bool:
    return first_scan(catalog._node) is not None


def _table_facts(binding: Binding) -> TableFacts:
    table, rows = binding.table, None
    if binding.catalog is not None and _is_on_disk(binding.catalog):
        rows = run.known_rows(binding.catalog._node, recorded_rows)
    return TableFacts(_name(binding), len(table.schema), rows, table.description)


def _are_epochs(binding: Binding, objects: Binding) -> bool:
    if not binding.is_view or binding.objects is None or objects.objects is None:
        return False
    return binding.objects.catalog is objects.objects.catalog


class _Objects:
    """A table and those of the epochs of its light curves."""

    def __init__(self, binding: Binding, epochs: Sequence[Binding], bindings: Bindings) -> None:
        self._binding, self._epochs, self._bindings = binding, epochs, bindings
        self._written = identifiers(binding.table.schema.names)

    def samples(self) -> Iterator[TableSample]:
        """Yield the sample of the table, and those of its epochs."""
        epochs = [(sample, row) for each in self._epochs for sample, row in self._of_epochs(each)]
        roles = self._roles()
        known = epochs[0][1] if epochs and "curve" in roles else {}
        values = self._values(roles, known)
        shown = self._shown(roles)
        if values or (shown and self._has_rows(shown)):
            yield TableSample(_name(self._binding), shown, roles, values)
            yield from (sample for sample, _ in epochs)

    def _has_rows(self, columns: Sequence[str]) -> bool:
        query = f"SELECT TOP 1 {columns[0]} FROM {_name(self._binding)}"  # noqa: S608 - our own
        return bool(ask(query, self._bindings.copy()).to_arrow().num_rows)

    def _roles(self) -> dict[str, str]:
        catalog, objects = self._binding.catalog, self._binding.objects
        names = {} if objects is None else {"id": objects.id}
        if catalog is not None:
            names.update(zip(("ra", "dec"), catalog._node.position or (), strict=False))
            names.update(("curve", name) for name, _ in list(_curves(catalog))[:1])
        bright = [f.name for f in self._binding.table.schema if _is_brightness(f)]
        names.update(("brightness", name) for name in bright[:1])
        return {role: self._written[name] for role, name in names.items() if name in self._written}

    def _shown(self, roles: Mapping[str, str]) -> tuple[str, ...]:
        """Return the columns of roles and the first others that are no lists."""
        first = [column for role, column in roles.items() if role != "curve"]
        plain = [self._written[field.name] for field in self._binding.table.schema
                 if not pt.is_nested(field.type)]  # fmt: skip
        return tuple(dict.fromkeys([*first, *plain]))[:_SHOWN]

    def _values(self, roles: Mapping[str, str], known: Mapping[str, Value]) -> dict[str, Value]:
        """Return the values of a row: of an object that has epochs, if one is known."""
        wanted = {role: roles[role] for role in ("id", "ra", "dec") if role in roles}
        if not wanted:
            return {}
        conditions = [f"{column} IS NOT NULL" for column in wanted.values()]
        if "object" in known:
            conditions.append(f"{wanted['id']} = {literal(known['object'])}")
        row = self._row(_name(self._binding), wanted, conditions)
        band = {"band": known["band"]} if row and "band" in known else {}
        return row | band

    def _of_epochs(self, binding: Binding) -> Iterator[tuple[TableSample, dict[str, Value]]]:
        """Yield the sample of a table of epochs, and a row of it; nothing if it has none."""
        catalog = self._binding.catalog
        assert binding.objects is not None  # noqa: S101 - so says _are_epochs
        written = identifiers(binding.table.schema.names)
        names = {"object": binding.objects.id}
        curves = [] if catalog is None else [fields for _, fields in _curves(catalog)]
        for fields in curves:
            names |= {"time": fields.time, "value": fields.mag or fields.flux or ""}
            names |= {"band": fields.band or ""}
            if names["time"] in written and names["value"] in written:
                break
        roles = {role: written[name] for role, name in names.items() if name in written}
        asked: dict[str, str] = {role: roles[role] for role in ("object", "band") if role in roles}
        row = self._row(_name(binding), asked, [f"{roles['object']} IS NOT NULL"])
        if row:
            shown = tuple(roles.values())
            sample = TableSample(_name(binding), shown, roles, objects=_name(self._binding))
            yield sample, row

    def _row(
        self, table: str, columns: Mapping[str, str], conditions: Sequence[str]
    ) -> dict[str, Value]:
        """Return values of one row by role; those that are missing are left out."""
        query = f"SELECT TOP 1 {', '.join(columns.values())} FROM {table}"  # noqa: S608 - our own
        rows = ask(f"{query} WHERE {' AND '.join(conditions)}", self._bindings.copy()).to_arrow()
        found: dict[str, Any] = next(iter(rows.to_pylist()), {})
        pairs = zip(columns, found.values(), strict=False)
        return {role: value for role, value in pairs if _is_there(value)}


def _name(binding: Binding) -> str:
    return ".".join(map(identifier, binding.table.name))


def _is_brightness(field: pa.Field) -> bool:
    meta = column_meta(field)
    is_told = meta.ucd.startswith("phot.mag") or "mag" in field.name.lower()
    return pt.is_floating(field.type) and meta.unit == "mag" and is_told


def _curves(catalog: Catalog) -> Iterator[tuple[str, LightCurveFields]]:
    """Yield the light curves of which it is known which field is what."""
    for column in catalog.lightcurve_columns:
        try:
            yield column, catalog.lightcurve_fields(column)
        except SkyseriesError:
            continue


def _is_there(value: object) -> bool:
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
