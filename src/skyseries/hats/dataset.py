"""One catalog folder, opened: its properties, schema and partitions, and its leaves.

Everything that other writers leave out or do otherwise is dealt with here: the older name
``properties``, a missing ``partition_info.csv``, leaves that are folders or have another suffix,
a spatial index column of another name or order, or none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from skyseries.cache import kept
from skyseries.errors import CatalogError, CatalogNotFoundError, SkyseriesError
from skyseries.hats.collection import read_collection
from skyseries.hats.curves import plain_curves
from skyseries.hats.layout import BUILD, leaf_location, version_number
from skyseries.hats.leaf import HPX_COLUMN, LIST_PATH, column_paths
from skyseries.hats.partitions import Cell, Partitions
from skyseries.hats.properties import read_properties
from skyseries.hats.reading import Footer, OpenLeaf
from skyseries.lazy import pc
from skyseries.schema import as_schema
from skyseries.schema.metadata import Metadata
from skyseries.store.files import Location, removed_version

__all__ = ["Dataset", "open_dataset", "open_leaf", "why_not_yet"]

PROPERTY_FILES = ("hats.properties", "properties")
_COLUMN_BYTES = 500
_HIVE_COLUMNS = {"Norder", "Dir", "Npix", "margin_Norder", "margin_Dir", "margin_Npix"}


@dataclass(frozen=True)
class Dataset:
    """A catalog folder; picklable, holds no open file."""

    root: Location
    properties: Mapping[str, str] = field(repr=False)
    schema: pa.Schema = field(repr=False)
    partitions: Partitions = field(repr=False)
    leaf_suffix: str = ".parquet"
    opened: tuple[int, ...] | None = field(default=None, repr=False, compare=False)
    """The stamp of its properties when the folder was opened; None if this was made otherwise."""
    metadata: Metadata = field(default_factory=Metadata, repr=False)
    """What is said of it beside its files; `schema` says so too."""

    def __fingerprint__(self) -> tuple[Any, ...]:
        return str(self.root), sorted(self.properties.items()), self.metadata

    @property
    def name(self) -> str:
        """The name that the catalog gives itself."""
        return self.properties.get("obs_collection", self.root.name)

    @property
    def kind(self) -> str:
        """``object``, ``source``, ``margin``, ``index``, ``association`` or ``map``."""
        return self.properties.get("dataproduct_type", "object")

    @property
    def ra(self) -> str:
        """Column of the right ascension, degrees."""
        return self.properties.get("hats_col_ra", "ra")

    @property
    def dec(self) -> str:
        """Column of the declination, degrees."""
        return self.properties.get("hats_col_dec", "dec")

    @property
    def healpix_column(self) -> str | None:
        """Column of the spatial index; None where there is none."""
        name = self.properties.get("hats_col_healpix", HPX_COLUMN)
        return name if name in self.schema.names else None

    @property
    def healpix_order(self) -> int:
        """Order of the spatial index."""
        return int(self.properties.get("hats_col_healpix_order", 29))

    @property
    def rows(self) -> int | None:
        """Rows as the properties say; None if they do not."""
        text = self.properties.get("hats_nrows", "")
        return int(text) if text.isdigit() else None

    @cached_property
    def leaf_columns(self) -> Mapping[str, tuple[str, pa.DataType]]:
        """By the path of a column or a field: the path in Parquet, and the type of its values."""
        found = column_paths(self.schema)
        return {path.removesuffix(LIST_PATH): (path, type_) for path, type_ in found}

    @property
    def has_leaves(self) -> bool:
        """Whether it has rows at all: an association may only say which columns are the ids."""
        return _has_leaves(self.properties)

    @property
    def has_positions(self) -> bool:
        """Whether its rows have a position: those of maps and associations may have a cell only."""
        return {self.ra, self.dec} <= set(self.schema.names)

    @property
    def nbytes(self) -> int:
        """About what it takes in memory: its partitions, and a little for each column."""
        return self.partitions.nbytes + _COLUMN_BYTES * len(self.schema)

    def leaves(self, cell: Cell) -> list[Location]:
        """Return the files of a partition: one, or those of its folder.

        Raises
        ------
        CatalogError
            If the partition has no file.
        """
        leaf = leaf_location(self.root, cell, self.leaf_suffix)
        if self.leaf_suffix != "/":
            return [leaf]
        files = [f for f in leaf.walk_files() if not f.name.startswith((".", "_"))]
        if not files:
            raise CatalogError(f"partition {cell} of {self.root} has no file")
        return files

    @staticmethod
    def footer(leaf: Location) -> pq.FileMetaData:
        """Return the footer of a leaf; the file is opened only if it is not known yet.

        Raises
        ------
        CatalogNotFoundError, CatalogError
            If the file is missing, or is no whole Parquet file.
        """
        try:
            return _footer(leaf, leaf.stamp()).metadata
        except (pa.ArrowInvalid, OSError) as error:
            if isinstance(error, SkyseriesError):
                raise
            raise CatalogError(f"{leaf} cannot be read: {error}") from error

    def read(
        self,
        cell: Cell,
        columns: Sequence[str] | None = None,
        row_groups: Sequence[int] | None = None,
    ) -> pa.Table:
        """Read rows of a partition in the schema of the catalog.

        Parameters
        ----------
        cell : Cell
        columns : sequence of str, optional
        row_groups : sequence of int, optional
            Row groups of the partition's only file.

        Raises
        ------
        CatalogError
            If the file is missing or broken, or lacks a column that the catalog has.
        """
        names = list(self.schema.names if columns is None else columns)
        return pa.concat_tables(
            [self.read_leaf(leaf, names, row_groups) for leaf in self.leaves(cell)]
        )

    def read_leaf(
        self, leaf: Location, paths: Sequence[str], row_groups: Sequence[int] | None = None
    ) -> pa.Table:
        """Read columns of one file in the schema of the catalog.

        Parameters
        ----------
        leaf : Location
        paths : sequence of str
            Names of columns, or ``column.field``: one field of a light curve, as a column of
            lists of that name.
        row_groups : sequence of int, optional

        Raises
        ------
        CatalogError
            As `read` does.
        """
        schema = pa.schema([self.field(path) for path in paths], self.schema.metadata)
        return _conform(_read_leaf(leaf, list(paths), row_groups), schema, leaf)

    def field(self, path: str) -> pa.Field:
        """Return a column, or a field of a light curve under the name of its path."""
        if path in self.schema.names:
            return self.schema.field(path)
        column, _, name = path.partition(".")
        return self.schema.field(column).type.field(name).with_name(path)

    @property
    def margin_arcsec(self) -> float:
        """How far this margin reaches from each partition; 0 if it does not say."""
        try:
            return float(self.properties.get("hats_margin_threshold", 0))
        except ValueError:
            return 0.0

    def with_metadata(self, metadata: Metadata) -> Dataset:
        """Return the same, where what is said of its columns holds above what its files say."""
        schema = metadata.applied(self.schema) if metadata.columns else self.schema
        return replace(self, schema=schema, metadata=metadata)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.opened is None:
            parts = (self.root, dict(self.properties), self.schema, self.partitions)
            return Dataset, (*parts, self.leaf_suffix, None, self.metadata)
        # small to send: whoever gets it opens the same immutable folder again
        return _again, (self.root, self.opened, self.metadata)


def _not_found(root: Location) -> str:
    """Return why there is no catalog, and what may be meant."""
    if not root.exists():
        if why := removed_version(root):
            return why
        import difflib

        near = difflib.get_close_matches(root.name, _folders(root.parent()), 1)
        return f"there is no folder {root}" + (f"; did you mean {near[0]!r}?" if near else "")
    text = f"{root} is no HATS catalog: it has no hats.properties and no collection.properties"
    if not root.is_local:
        return text
    if why := why_not_yet(root):
        return why
    if root.local.is_file():
        return (
            f"{root} is a file, and a catalog is a folder: import_catalog makes one of a table, "
            "and from_table takes it as it is"
        )
    above = root.parent()
    if above.join("collection.properties").exists():
        return f"{root} is a version of a catalog: open {above}"
    held = [name for name in _folders(root) if version_number(name) is not None]
    if held:
        return f"{text}, which names one of the versions that it holds ({', '.join(held)})"
    below = [name for name in _folders(root) if any((root.local / name).glob("*.properties"))]
    return text + (f"; {below[0]!r} in it is one" if below else "")


def why_not_yet(root: Location) -> str | None:
    """Say that there is only what the first writer of a catalog has left, if that is so."""
    if not root.is_local or not root.local.is_dir():
        return None
    names = [path.name for path in root.local.iterdir()]
    builds = [name for name in names if name.startswith(BUILD)]
    if not builds or not all(name[0] == "." or version_number(name) is not None for name in names):
        return None
    return (
        f"there is no catalog at {root} yet: its first writer was stopped, or is at work; the same "
        "command goes on with what it has built (write_catalog with resume=True), and `skyseries "
        "vacuum` removes it"
    )


def _folders(root: Location) -> list[str]:
    if not root.is_local or not root.local.is_dir():
        return []
    return sorted(path.name for path in root.local.iterdir() if path.is_dir())


def open_dataset(root: Location) -> Dataset:
    """Open one catalog folder (not a collection).

    Raises
    ------
    CatalogNotFoundError
        If there is no hats.properties.
    CatalogError
        If neither metadata nor leaves tell the schema.
    """
    properties = read_properties(root, PROPERTY_FILES)
    if properties is None:
        raise CatalogNotFoundError(_not_found(root))
    suffix = properties.get("hats_npix_suffix", ".parquet")
    if _has_leaves(properties):
        partitions = _read_partitions(root, suffix)
        schema = _read_schema(root, partitions, suffix)
    else:
        partitions, schema = Partitions.of([]), pa.schema([])
    kept = [
        f.with_type(_without_views(f.type))
        for f in schema
        if f.name not in _HIVE_COLUMNS or f.name in _index_columns(properties)
    ]
    schema = pa.schema([plain_curves(field) for field in kept])
    return Dataset(root, properties, schema, partitions, suffix, _stamp(root))


def open_primary(root: Location) -> Dataset:
    """Open the catalog in a folder, or that of a collection; raises as `open_dataset`."""
    collection = read_collection(root)
    return open_dataset(root if collection is None else root.join(collection.primary))


def _has_leaves(properties: Mapping[str, str]) -> bool:
    said = properties.get("hats_assn_leaf_files", "true").lower()
    return properties.get("dataproduct_type") != "association" or said != "false"


def _without_views(type_: pa.DataType) -> pa.DataType:
    """Return the type with plain text in place of views, which few functions of Arrow take."""
    if pa.types.is_string_view(type_):
        return pa.string()
    if pa.types.is_binary_view(type_):
        return pa.binary()
    if pa.types.is_struct(type_):
        return pa.struct([f.with_type(_without_views(f.type)) for f in type_])
    if pa.types.is_list(type_):
        return pa.list_(type_.value_field.with_type(_without_views(type_.value_type)))
    return type_


def _stamp(root: Location) -> tuple[int, ...]:
    return max(root.join(name).stamp() for name in PROPERTY_FILES)


def _again(root: Location, opened: tuple[int, ...], metadata: Metadata) -> Dataset:
    return _reopened(root, opened).with_metadata(metadata)


@kept
def _reopened(root: Location, opened: tuple[int, ...]) -> Dataset:
    """Open a dataset in another process, as it was."""
    dataset = open_dataset(root)
    if dataset.opened != opened:
        raise CatalogError(f"{root} was replaced while it was being read; open it again")
    return dataset


def _index_columns(properties: Mapping[str, str]) -> set[str]:
    """Return the hive columns that are data: those of an index catalog."""
    return _HIVE_COLUMNS if properties.get("dataproduct_type") == "index" else set()


def _read_partitions(root: Location, suffix: str) -> Partitions:
    text = root.join("partition_info.csv").read_text_if_there()
    if text is not None:
        return Partitions.from_csv(text, str(root.join("partition_info.csv")))
    pattern = re.compile(r"Norder=(\d+)/Dir=\d+/Npix=(\d+)" + ("/" if suffix == "/" else ""))
    found = {
        Cell(int(match[1]), int(match[2]))
        for file in root.join("dataset").walk_files()
        if (match := pattern.search(file.path))
    }
    return Partitions.of(sorted(found))


def _read_schema(root: Location, partitions: Partitions, suffix: str) -> pa.Schema:
    for name in ("_common_metadata", "_metadata"):
        content = root.join("dataset", name).read_bytes_if_there()
        if content is not None:
            try:
                return pq.read_schema(pa.BufferReader(content))
            except (pa.ArrowInvalid, OSError) as error:
                raise CatalogError(f"{root.join('dataset', name)} is broken: {error}") from error
    if not len(partitions):
        raise CatalogError(f"{root} has neither dataset/_common_metadata nor any leaf")
    leaf = leaf_location(root, partitions[0], suffix)
    if suffix == "/":
        inside = [f for f in leaf.walk_files() if not f.name.startswith((".", "_"))]
        if not inside:
            raise CatalogError(f"partition {partitions[0]} of {root} has no file")
        leaf = inside[0]
    with open_leaf(leaf) as file:
        schema: pa.Schema = file.schema
    return schema


@contextmanager
def open_leaf(leaf: Location) -> Iterator[OpenLeaf]:
    """Open a leaf; its footer is kept for the next time, until the file is replaced.

    Raises
    ------
    CatalogNotFoundError, CatalogError
        If the file is missing, or is no whole Parquet file.
    """
    with closing(leaf.open()) as source:
        try:
            footer = _footer(leaf, leaf.stamp())
            yield OpenLeaf(pq.ParquetFile(source, metadata=footer.metadata), footer)
        except (pa.ArrowInvalid, OSError) as error:
            if isinstance(error, SkyseriesError):
                raise
            raise CatalogError(f"{leaf} cannot be read: {error}") from error


@kept
def _footer(leaf: Location, stamp: tuple[int, ...]) -> Footer:
    with closing(leaf.open()) as source:
        return Footer(pq.read_metadata(source))


def _read_leaf(leaf: Location, names: list[str], row_groups: Sequence[int] | None) -> pa.Table:
    with open_leaf(leaf) as file:
        there = file.schema
        if missing := [name for name in names if not _has_path(there, name)]:
            raise CatalogError(
                f"{leaf} has no column {missing[0]!r}, which the catalog's schema has"
            )
        return file.read(names, row_groups)


def _has_path(schema: pa.Schema, path: str) -> bool:
    if path in schema.names:
        return True
    column, _, name = path.partition(".")
    if column not in schema.names or not pa.types.is_struct(schema.field(column).type):
        return False
    return bool(schema.field(column).type.get_field_index(name) >= 0)


def _picked(table: pa.Table, path: str) -> pa.ChunkedArray:
    if path in table.column_names:
        return table.column(path)
    column, _, name = path.partition(".")
    return pc.struct_field(table.column(column), name)


def _conform(table: pa.Table, schema: pa.Schema, leaf: Location) -> pa.Table:
    """Return the table in the schema's types and order; a lossy cast is an error."""
    if table.column_names != schema.names:
        table = pa.table([_picked(table, path) for path in schema.names], names=schema.names)
    if table.schema.equals(schema):
        return table.replace_schema_metadata(schema.metadata)
    try:
        return as_schema(table, schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise CatalogError(f"{leaf} does not fit the catalog's schema: {error}") from error
