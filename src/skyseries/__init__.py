"""Survey tables to light-curve science, from a laptop to a cluster.

Names are imported on first use, so that ``import skyseries`` answers at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from skyseries.errors import (
    Cancelled,
    CatalogError,
    CatalogNotFoundError,
    DeadlineExceeded,
    ExecutionError,
    InputError,
    MissingDependencyError,
    QueryError,
    SchemaError,
    SkyseriesError,
    StorageError,
)

if TYPE_CHECKING:
    from skyseries import adql, timeseries
    from skyseries.catalog import Catalog, from_table, open_catalog
    from skyseries.executors import Job, executor
    from skyseries.hats.check.validate import validate_catalog
    from skyseries.hats.metadata import annotate
    from skyseries.hats.vacuum import vacuum
    from skyseries.hats.versions import versions
    from skyseries.pipelines.demo import demo
    from skyseries.pipelines.import_.importer import import_catalog
    from skyseries.pipelines.rubin import simulate_rubin
    from skyseries.query import sql
    from skyseries.server.running import serve

    __version__: str

__all__ = [
    "Cancelled",
    "Catalog",
    "CatalogError",
    "CatalogNotFoundError",
    "DeadlineExceeded",
    "ExecutionError",
    "InputError",
    "Job",
    "MissingDependencyError",
    "QueryError",
    "SchemaError",
    "SkyseriesError",
    "StorageError",
    "__version__",
    "adql",
    "annotate",
    "demo",
    "executor",
    "from_table",
    "import_catalog",
    "open_catalog",
    "serve",
    "simulate_rubin",
    "sql",
    "timeseries",
    "vacuum",
    "validate_catalog",
    "versions",
]

_HOMES = {
    "Catalog": "skyseries.catalog",
    "Job": "skyseries.executors",
    "annotate": "skyseries.hats.metadata",
    "demo": "skyseries.pipelines.demo",
    "executor": "skyseries.executors",
    "from_table": "skyseries.catalog",
    "import_catalog": "skyseries.pipelines.import_.importer",
    "open_catalog": "skyseries.catalog",
    "serve": "skyseries.server.running",
    "simulate_rubin": "skyseries.pipelines.rubin",
    "sql": "skyseries.query",
    "vacuum": "skyseries.hats.vacuum",
    "validate_catalog": "skyseries.hats.check.validate",
    "versions": "skyseries.hats.versions",
}


def __getattr__(name: str) -> Any:
    value: Any
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    elif name in ("adql", "timeseries"):
        value = importlib.import_module(f"skyseries.{name}")
    elif name == "__version__":
        value = importlib.import_module("importlib.metadata").version("skyseries")
    else:
        raise AttributeError(f"module 'skyseries' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
