"""`simulate_rubin`: catalogs with the tables of a data release of Rubin, of simulated objects."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from skyseries.pipelines.import_.importer import import_catalog
from skyseries.schema import rubin
from skyseries.schema.metadata import Metadata
from skyseries.store.files import atomic_path, storage_errors
from skyseries.timeseries.simulate.rubin import NESTED, simulate_release, table_infos

__all__ = ["RubinFiles", "metadata_of_table", "simulate_rubin"]

_LARGE = ("Object", "DiaObject", "Source")
"""Tables that are cut into a few partitions in each field, however small they are here."""
_PARTS, _LEAST_ROWS = 4, 200
_REPEATED = ("Source", "SSSource")
"""Tables of single measurements."""


@dataclass(frozen=True)
class RubinFiles:
    """A simulated data release on disk."""

    release: str
    path: str
    catalogs: Mapping[str, str]
    """Folder of each HATS catalog by the name of its table, such as ``dp1.Object``."""
    tables: Mapping[str, str]
    """Parquet file of each table without positions, by its name."""
    rows: Mapping[str, int]
    """Rows by table; of the tables of epochs too, which are nested columns of the catalogs."""
    truth: str
    """Parquet file: objectId, diaObjectId, kind, period."""


def simulate_rubin(
    path: str | Path,
    release: str = "dp1",
    *,
    n_objects: int = 3000,
    seed: int = 1,
    workers: int | None = None,
    overwrite: bool = False,
    durability: str = "power",
) -> RubinFiles:
    """Write catalogs with the names, types and keys of a data release of Rubin.

    Object and DiaObject hold their epochs as nested columns, which are the tables ForcedSource,
    DiaSource and ForcedSourceOnDiaObject; their ``metadata.toml`` says so. Source, Visit and
    CcdVisit (VisitDetector) are catalogs of plain rows, SSObject and other tables without positions
    Parquet files.

    Parameters
    ----------
    path : path
        A folder.
    release : str
        ``dp02_dc2_catalogs``, ``dp1`` or ``dp2``.
    n_objects : int
        Of the table Object; some 100 are planted and there in any case.
    seed : int
        The same seed gives the same rows.
    workers : int, optional
        Threads; all processors by default.
    overwrite : bool
        Write the next version of catalogs that are there.
    durability : {"power", "process"}
        As for `import_catalog`.

    Returns
    -------
    RubinFiles

    Raises
    ------
    InputError
        If there is no such release, a number is negative, or there are catalogs already.
    StorageError
        If the folder cannot be written.
    """
    survey = simulate_release(release, n_objects=n_objects, seed=seed)
    root = Path(path).expanduser()
    catalogs, tables = {}, {}
    rows = {f"{release}.{name}": table.num_rows for name, table in survey.tables.items()}
    with storage_errors(str(root)):
        root.mkdir(parents=True, exist_ok=True)
        for name, table in survey.tables.items():
            if {"ra", "dec"} <= set(rubin.release(release).table(name).info.roles):
                options = {"workers": workers, "overwrite": overwrite, "durability": durability}
                _write_catalog(table, root / name, release, options)
                catalogs[f"{release}.{name}"] = str(root / name)
            else:
                tables[f"{release}.{name}"] = _write_table(table, root / f"{name}.parquet")
            for column, epochs in NESTED.get(name, {}).items():
                first = table[column].combine_chunks().field(0)
                rows[f"{release}.{epochs}"] = len(first.flatten())
        truth = _write_table(survey.truth, root / "truth.parquet")
    return RubinFiles(release, str(root), catalogs, tables, rows, truth)


def metadata_of_table(release: str, name: str) -> Metadata:
    """Return what is said beside the catalog of a table of a release."""
    infos = table_infos(release, name)
    return Metadata(
        title=f"{rubin.release(release).title}: {name}, simulated",
        description=f"{infos[name].description}. Simulated by Skyseries.",
        schema=release,
        tables=infos,
    )


def _write_catalog(table: pa.Table, path: Path, release: str, options: Mapping[str, Any]) -> None:
    """Import one table, and say what it is and which tables are nested in it."""
    info = rubin.release(release).table(path.name).info
    cut = {"max_rows": max(table.num_rows // _PARTS, _LEAST_ROWS)} if path.name in _LARGE else {}
    has_id = info.roles.get("id") in table.column_names
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".simulated-") as folder:
        file = _write_table(table, Path(folder) / "rows.parquet")
        import_catalog(
            file, path, ra=info.roles["ra"], dec=info.roles["dec"],
            id=info.roles["id"] if has_id else None,
            kind="source" if path.name in _REPEATED else "object",
            margin_arcsec=10.0 if path.name in NESTED else None,
            metadata=metadata_of_table(release, path.name), progress=False, **cut, **options,
        )  # fmt: skip


def _write_table(table: pa.Table, file: Path) -> str:
    with atomic_path(file) as beside:
        pq.write_table(table, beside)
    return str(file)
