"""What a catalog holds, for all its verbs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import pyarrow as pa

from skyseries import adql
from skyseries.catalog.plan.ids import id_column
from skyseries.catalog.plan.lineage import has_moved, home_of, name_now, stored_as
from skyseries.catalog.plan.names import fields_of, nested_columns
from skyseries.catalog.plan.node import Node, first_node
from skyseries.catalog.plan.roles import known_fields, selected, the_column
from skyseries.catalog.plan.scan import first_scan
from skyseries.errors import CatalogError, InputError, SchemaError
from skyseries.hats.collection import Collection
from skyseries.hats.dataset import Dataset
from skyseries.hats.partitions import Partitions
from skyseries.schema import LightCurveFields
from skyseries.schema.metadata import Metadata
from skyseries.store.files import Location

__all__ = ["CatalogBase"]


class CatalogBase:
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
    def metadata(self) -> Metadata:
        """What is said of the catalog beside its files: title, licence, tables and keys, ..."""
        scan = first_scan(self._node)
        return Metadata() if scan is None else scan.dataset.metadata

    @property
    def lightcurve_columns(self) -> list[str]:
        """Names of the nested columns."""
        return nested_columns(self.schema)

    def _with(self, node: Node, fields: Mapping[str, LightCurveFields] | None = None) -> Self:
        known = self._fields if fields is None else fields
        there = nested_columns(node.schema) if known else ()
        kept = {name: known[name] for name in known if name in there}
        return type(self)(node, self._root, self._collection, kept)

    def lightcurve_fields(self, column: str | None = None) -> LightCurveFields:
        """Return which field of a light curve is the time, the band, the flux, ..."""
        name = the_column(self.schema, column)
        if name in self._fields:
            return selected(self._fields[name], fields_of(self.schema, name))
        return known_fields(self._recorded_fields(name), self.schema, name)

    def _recorded_fields(self, column: str) -> LightCurveFields | None:
        """Return the fields as the catalog that a light-curve column is of records them."""
        home = home_of(self._node, column)
        if home is None:
            return None
        return LightCurveFields.from_properties(home.scan.dataset.properties, home.column)

    def _known_fields(self) -> dict[str, LightCurveFields]:
        """Return the fields of all light-curve columns where they are known."""
        known = {}
        for name in self.lightcurve_columns:
            try:
                known[name] = self.lightcurve_fields(name)
            except SchemaError:
                continue
        return known

    def _filed_by(self) -> tuple[str, str]:
        """Return the names that the positions have in the catalog on disk, or the table."""
        return first_node(self._node).position or (self.dataset.ra, self.dataset.dec)

    def _check_places(self, what: str) -> None:
        """Raise InputError if the columns of the positions are not where rows are filed."""
        if has_moved(self._node):
            raise InputError(
                f"the columns of the positions were replaced, and {what} where they are filed; "
                "give the new ones other names, or assign them afterwards"
            )

    def _id_name(self, option: str = "column") -> str:
        """Return what the id column of the catalog is called here.

        Parameters
        ----------
        option : str
            The parameter that names another column, for messages.
        """
        if first_scan(self._node) is None:
            raise InputError(f"a table does not say which of its columns is the id: give {option}=")
        key = id_column(self.dataset, self._collection)
        now = name_now(self._node, key)
        # a column that is computed under the name of the ids is meant as one, another is not
        other = stored_as(self._node, key, of_first=True) is not None
        if now is None and (other or key not in self.columns):
            raise SchemaError(
                f"the ids of {self.name} ({key!r}) are not among its columns any more; select "
                f"them too, or give {option}="
            )
        return now or key

    def _scope(self) -> adql.Scope:
        return adql.Scope.from_schema(self.schema, names=(self.name,))
