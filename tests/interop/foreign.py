"""Builders of catalogs that others write, in every shape that we must be able to read.

Each builder writes into a folder and returns a `Foreign`: where the catalog is, and what rows a
reader must find. LSDB and hats-import write what they can write themselves; shapes that they
read but no longer write (an order-13 index, old margins) are made from theirs by hand.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import dask
import lsdb
import nested_pandas as npd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from dask.distributed import Client
from hats.pixel_math.spatial_index import compute_spatial_index
from hats_import.catalog.arguments import ImportArguments
from hats_import.catalog.run_import import run as run_import
from hats_import.margin_cache.margin_cache import generate_margin_cache
from hats_import.margin_cache.margin_cache_arguments import MarginCacheArguments

from tests.interop import tables

__all__ = ["BUILDERS", "HATS_IMPORT_BUILDERS", "Foreign"]


class Foreign(NamedTuple):
    """A catalog written by others, and its rows."""

    path: Path
    expected: pd.DataFrame
    """The columns of the input; a nested column holds one dict of lists per row."""


# ---- written by LSDB ------------------------------------------------------------------------


def lsdb_plain(folder: Path, **kwargs: Any) -> Foreign:
    """Write one catalog, without collection and margin."""
    table = tables.objects()
    catalog = _from_dataframe(table, margin_threshold=None)
    _write(catalog, folder / "plain", as_collection=False, **kwargs)
    return Foreign(folder / "plain", table)


def lsdb_collection_with_margin(folder: Path) -> Foreign:
    """Write a collection: the catalog, a margin of 3600 arcsec, collection.properties."""
    table = tables.objects()
    catalog = _from_dataframe(table, margin_threshold=3600.0)
    _write(catalog, folder / "collection", as_collection=True)
    return Foreign(folder / "collection", table)


def lsdb_npix_directories(folder: Path) -> Foreign:
    """Write ``Npix=n/`` directories with one file each."""
    return lsdb_plain(folder, npix_suffix="/")


def lsdb_other_suffix(folder: Path) -> Foreign:
    """Write leaves called ``Npix=n.parq``."""
    return lsdb_plain(folder, npix_suffix=".parq")


def lsdb_without_partition_info(folder: Path) -> Foreign:
    """Leave the partitions to be found from the files."""
    made = lsdb_plain(folder)
    (made.path / "partition_info.csv").unlink()
    return made


def lsdb_without_metadata_file(folder: Path) -> Foreign:
    """Keep only ``_common_metadata``; no statistics, no sky maps, no legacy properties."""
    made = lsdb_plain(folder)
    for pattern in ("dataset/_metadata", "*.fits", "per_partition_statistics.parquet"):
        for path in made.path.glob(pattern):
            path.unlink()
    (made.path / "properties").unlink(missing_ok=True)
    return made


def lsdb_legacy_properties_only(folder: Path) -> Foreign:
    """Keep only the file ``properties``, with Windows line ends and spaces round ``=``."""
    made = lsdb_plain(folder)
    current = made.path / "hats.properties"
    lines = [line.replace("=", " = ", 1) for line in current.read_text().splitlines()]
    current.unlink()
    (made.path / "properties").write_bytes("\r\n".join(lines).encode() + b"\r\n")
    return made


def lsdb_nested(folder: Path) -> Foreign:
    """Write light curves as a nested column ``sources`` with names that nobody knows."""
    names = {"mjd": "when", "band": "colour", "flux": "counts", "err": "noise"}
    return _lsdb_nested(folder, names, "sources")


def lsdb_nested_known_names(folder: Path) -> Foreign:
    """Write light curves under Rubin's names, without any light-curve metadata."""
    names = {"mjd": "midpointMjdTai", "band": "band", "flux": "psfFlux", "err": "psfFluxErr"}
    return _lsdb_nested(folder, names, "diaSource")


def lsdb_nested_list_of_structs(folder: Path) -> Foreign:
    """Rewrite the nested column as ``list<struct>``, the transposed storage."""
    made = _lsdb_nested(folder, {n: n for n in ("mjd", "band", "flux", "err")}, "lc")

    def transpose(table: pa.Table) -> pa.Table:
        rows = [
            [dict(zip(row, values, strict=True)) for values in zip(*row.values(), strict=True)]
            for row in table["lc"].to_pylist()
        ]
        struct = pa.struct(
            [pa.field(f.name, f.type.value_type) for f in table.schema.field("lc").type]
        )
        column = pa.array(rows, pa.list_(struct))
        return table.set_column(table.schema.get_field_index("lc"), "lc", column)

    _rewrite(made.path, transpose)
    return made


# ---- made by hand ---------------------------------------------------------------------------


def order_13_index(folder: Path) -> Foreign:
    """Have the spatial index in ``healpix13``, at order 13, and say so in the properties."""
    made = lsdb_plain(folder)

    def swap(table: pa.Table) -> pa.Table:
        index = compute_spatial_index(
            table["ra"].to_numpy(), table["dec"].to_numpy(), spatial_index_order=13
        )
        at = table.schema.get_field_index("_healpix_29")
        return table.set_column(at, "healpix13", pa.array(index, pa.int64()))

    _rewrite(made.path, swap)
    _edit_properties(made.path, {"hats_col_healpix": "healpix13", "hats_col_healpix_order": "13"})
    return made


def no_healpix_column(folder: Path) -> Foreign:
    """Have no spatial index column at all."""
    made = lsdb_plain(folder)
    _rewrite(made.path, lambda table: table.drop_columns(["_healpix_29"]))
    _edit_properties(made.path, {"hats_col_healpix": None, "hats_col_healpix_order": None})
    return made


def unsorted_uint64_index(folder: Path) -> Foreign:
    """Have rows in no order and an unsigned index, as HiPSCat conversions do."""
    made = lsdb_plain(folder)

    def shuffle(table: pa.Table) -> pa.Table:
        order = np.random.default_rng(5).permutation(len(table))
        table = table.take(pa.array(order))
        at = table.schema.get_field_index("_healpix_29")
        return table.set_column(at, "_healpix_29", table["_healpix_29"].cast(pa.uint64()))

    _rewrite(made.path, shuffle)
    return made


def two_files_per_pixel(folder: Path) -> Foreign:
    """Have two arbitrary files in each ``Npix=n/`` directory."""
    made = lsdb_npix_directories(folder)
    for leaf in sorted(made.path.glob("dataset/Norder=*/Dir=*/Npix=*/*.parquet")):
        table = pq.read_table(leaf, partitioning=None)
        half = len(table) // 2
        pq.write_table(table.slice(0, half), leaf.with_name("part-0.parquet"))
        pq.write_table(table.slice(half), leaf.with_name("part-1.parquet"))
        leaf.unlink()
    (made.path / "dataset" / "_metadata").unlink(missing_ok=True)
    return made


def old_hive_columns_and_margin(folder: Path) -> Foreign:
    """Have ``Norder, Dir, Npix`` as columns, and ``margin_*`` in the margin, as old writers did."""
    made = lsdb_collection_with_margin(folder)
    for catalog in sorted(p.parent for p in made.path.glob("*/hats.properties")):
        margin = "_3600arcs" in catalog.name
        _rewrite(catalog, None, with_pixel=_add_margin_columns if margin else _add_hive_columns)
    return made


def minimal(folder: Path) -> Foreign:
    """Have four lines of properties, ``_common_metadata`` and leaves: the least LSDB reads."""
    made = lsdb_without_metadata_file(folder)
    (made.path / "partition_info.csv").unlink()
    (made.path / "hats.properties").write_text(
        "obs_collection=plain\ndataproduct_type=object\nhats_col_ra=ra\nhats_col_dec=dec\n"
    )
    return made


# ---- written by hats-import -----------------------------------------------------------------


def hats_import_plain(folder: Path, client: Client, **kwargs: Any) -> Foreign:
    """Import Parquet files as hats-import does by default."""
    table = tables.objects(seed=3)
    _hats_import(folder, client, table, "imported", **kwargs)
    return Foreign(folder / "imported", table)


def hats_import_npix_directories(folder: Path, client: Client) -> Foreign:
    """Import into ``Npix=n/`` directories."""
    return hats_import_plain(folder, client, npix_suffix="/")


def hats_import_no_healpix_column(folder: Path, client: Client) -> Foreign:
    """Import without the spatial index column."""
    return hats_import_plain(folder, client, add_healpix_29=False)


def hats_import_sources(folder: Path, client: Client) -> Foreign:
    """Import long rows as a source catalog."""
    return hats_import_plain(folder, client, catalog_type="source")


def hats_import_with_margin(folder: Path, client: Client) -> Foreign:
    """Import, make a margin, and tie both into a collection."""
    made = hats_import_plain(folder, client, highest_healpix_order=4)
    arguments = MarginCacheArguments(
        input_catalog_path=made.path,
        output_path=folder,
        output_artifact_name="imported_3600arcs",
        margin_threshold=3600.0,
        progress_bar=False,
    )
    with client.as_current():
        generate_margin_cache(arguments, client)
    (folder / "collection.properties").write_text(
        "obs_collection=imported\nhats_primary_table_url=imported\n"
        "all_margins=imported_3600arcs\ndefault_margin=imported_3600arcs\n"
    )
    return Foreign(folder, made.expected)


BUILDERS: tuple[Callable[[Path], Foreign], ...] = (
    lsdb_plain, lsdb_collection_with_margin, lsdb_npix_directories, lsdb_other_suffix,
    lsdb_without_partition_info, lsdb_without_metadata_file, lsdb_legacy_properties_only,
    lsdb_nested, lsdb_nested_known_names, lsdb_nested_list_of_structs, order_13_index,
    no_healpix_column, unsorted_uint64_index, two_files_per_pixel, old_hive_columns_and_margin,
    minimal,
)  # fmt: skip

HATS_IMPORT_BUILDERS: tuple[Callable[[Path, Client], Foreign], ...] = (
    hats_import_plain, hats_import_npix_directories, hats_import_no_healpix_column,
    hats_import_sources, hats_import_with_margin,
)  # fmt: skip


# ---- helpers --------------------------------------------------------------------------------


def _from_dataframe(table: pd.DataFrame, **kwargs: Any) -> lsdb.Catalog:
    return lsdb.from_dataframe(
        table, ra_column="ra", dec_column="dec", partition_rows=40, highest_order=4,
        catalog_name="plain", **kwargs,
    )  # fmt: skip


def _write(catalog: lsdb.Catalog, path: Path, **kwargs: Any) -> None:
    with dask.config.set(scheduler="synchronous"):
        catalog.write_catalog(path, progress_bar=False, **kwargs)


def _lsdb_nested(folder: Path, names: dict[str, str], column: str) -> Foreign:
    table, sources = tables.objects_and_sources()
    sources = sources.rename(columns=names)
    nested = npd.NestedFrame(table.set_index("id", drop=False)).join_nested(
        sources.set_index("id"), column
    )
    catalog = _from_dataframe(nested.reset_index(drop=True), margin_threshold=None)
    _write(catalog, folder / "nested", as_collection=False)
    groups = dict(list(sources.groupby("id")))
    expected = table.copy()
    expected[column] = [
        {name: groups[key][name].tolist() for name in names.values()} for key in table["id"]
    ]
    return Foreign(folder / "nested", expected)


def _hats_import(
    folder: Path, client: Client, table: pd.DataFrame, name: str, **kwargs: Any
) -> None:
    source = folder / "input"
    source.mkdir(parents=True)
    half = len(table) // 2
    for i, part in enumerate((table.iloc[:half], table.iloc[half:])):
        pq.write_table(pa.Table.from_pandas(part, preserve_index=False), source / f"{i}.parquet")
    options = {"highest_healpix_order": 6, "pixel_threshold": 40, **kwargs}
    arguments = ImportArguments(
        output_path=folder, output_artifact_name=name, file_reader="parquet",
        input_file_list=sorted(source.glob("*.parquet")), ra_column="ra", dec_column="dec",
        progress_bar=False, **options,
    )  # fmt: skip
    with client.as_current():
        run_import(arguments, client)
    shutil.rmtree(source)


def _leaves(catalog: Path) -> list[Path]:
    return sorted(catalog.glob("dataset/Norder=*/Dir=*/Npix=*"))


def _rewrite(
    catalog: Path,
    change: Callable[[pa.Table], pa.Table] | None,
    *,
    with_pixel: Callable[[pa.Table, int, int], pa.Table] | None = None,
) -> None:
    """Change every leaf; write ``_common_metadata`` and ``_metadata`` to match."""
    footers = []
    schema = None
    for leaf in _leaves(catalog):
        table = pq.read_table(leaf, partitioning=None)
        if change is not None:
            table = change(table)
        if with_pixel is not None:
            order = int(leaf.parent.parent.name.removeprefix("Norder="))
            table = with_pixel(table, order, int(leaf.stem.removeprefix("Npix=")))
        collected: list[pq.FileMetaData] = []
        pq.write_table(table, leaf, metadata_collector=collected)
        collected[0].set_file_path(leaf.relative_to(catalog / "dataset").as_posix())
        footers.append(collected[0])
        schema = table.schema
    if schema is None:
        raise AssertionError(f"no leaves in {catalog}")
    pq.write_metadata(schema, catalog / "dataset" / "_common_metadata")
    pq.write_metadata(schema, catalog / "dataset" / "_metadata", metadata_collector=footers)
    (catalog / "per_partition_statistics.parquet").unlink(missing_ok=True)


def _add_hive_columns(table: pa.Table, order: int, pixel: int, prefix: str = "") -> pa.Table:
    for name, value, dtype in (
        (f"{prefix}Norder", order, pa.uint8()),
        (f"{prefix}Dir", pixel // 10_000 * 10_000, pa.uint64()),
        (f"{prefix}Npix", pixel, pa.uint64()),
    ):
        table = table.append_column(name, pa.array([value] * len(table), dtype))
    return table


def _add_margin_columns(table: pa.Table, order: int, pixel: int) -> pa.Table:
    # the plain ones name a cell that the row lies in, the prefixed ones this file's
    at_home = table["_healpix_29"].to_numpy() >> (2 * (29 - 1))
    for name, values, dtype in (
        ("Norder", np.full(len(table), 1), pa.uint8()),
        ("Dir", at_home // 10_000 * 10_000, pa.uint64()),
        ("Npix", at_home, pa.uint64()),
    ):
        table = table.append_column(name, pa.array(values, dtype))
    return _add_hive_columns(table, order, pixel, "margin_")


def _edit_properties(catalog: Path, changes: dict[str, str | None]) -> None:
    """Set keys, or remove those whose value is None, in both property files."""
    for path in (catalog / "hats.properties", catalog / "properties"):
        if not path.exists():
            continue
        lines = [
            line
            for line in path.read_text().splitlines()
            if line.split("=", 1)[0].strip() not in changes
        ]
        lines += [f"{key}={value}" for key, value in changes.items() if value is not None]
        path.write_text("\n".join(lines) + "\n")
