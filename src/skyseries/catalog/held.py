"""What a catalog holds, for all its verbs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import pyarrow as pa

from skyseries.adql import Scope
from skyseries.catalog.curves import known_fields, selected, the_column
from skyseries.catalog.names import fields_of, nested_columns
from skyseries.catalog.node import Node
from skyseries.catalog.nodes.scan import Scan
from skyseries.errors import CatalogError, SchemaError
from skyseries.hats.collection import Collection
from skyseries.hats.dataset import Dataset
from skyseries.hats.files import Location
from skyseries.hats.partitions import Partitions
from skyseries.schema import LightCurveFields

__all__ = ["Held", "first_node", "first_scan"]


class Held:
    """A plan, and the collection that its first catalog is part of."""

    def __init__(
        self,
        node: Node,
        root: Location,
        collection: Collection,
        fields: Mapping[str, LightCurveFields] | None = None,
    ) -> None:
        self._node = node
        self._root = root
        self._collection = collection
        self._fields = dict(fields or {})

    @property
    def name(self) -> str:
        """Name of the catalog."""
        return self._collection.name or self.dataset.name

    @property
    def dataset(self) -> Dataset:
        """The catalog on disk; of several that are matched or joined, the first."""
        scan = first_scan(self._node)
        if scan is None:
            raise CatalogError("this catalog is a table in memory; it has no files")
        return scan.dataset

    @property
    def partitions(self) -> Partitions:
        """The partitions on disk."""
        return self.dataset.partitions

    @property
    def schema(self) -> pa.Schema:
        """Columns and types of the result; units and descriptions in the fields' metadata."""
        return self._node.schema

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.schema.names)

    @property
    def lightcurve_columns(self) -> list[str]:
        """Names of the nested columns."""
        return nested_columns(self.schema)

    def _with(self, node: Node, fields: Mapping[str, LightCurveFields] | None = None) -> Self:
        known = self._fields if fields is None else fields
        return type(self)(node, self._root, self._collection, known)

    def lightcurve_fields(self, column: str | None = None) -> LightCurveFields:
        """Return which field of a light curve is the time, the band, the flux, ..."""
        name = the_column(self.schema, column)
        scan = first_scan(self._node)
        properties = {} if scan is None else scan.dataset.properties
        if name in self._fields:
            return selected(self._fields[name], fields_of(self.schema, name))
        return known_fields(properties, self.schema, name)

    def _known_fields(self) -> dict[str, LightCurveFields]:
        """Return the fields of all light-curve columns where they are known."""
        known = {}
        for name in self.lightcurve_columns:
            try:
                known[name] = self.lightcurve_fields(name)
            except SchemaError:
                continue
        return known

    def _scope(self) -> Scope:
        return Scope.from_schema(self.schema, names=(self.name,))


def first_node(node: Node) -> Node:
    """Return what gives the positions of a plan's rows: a catalog on disk, or a table."""
    while node.children:
        node = node.children[0]
    return node


def first_scan(node: Node) -> Scan | None:
    """Return the catalog that gives the positions of a plan's rows; None for a table."""
    start = first_node(node)
    return start if isinstance(start, Scan) else None
