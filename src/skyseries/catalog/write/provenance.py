"""How a result was made: which run, when, by which code, from what, with which parameters."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.catalog.plan.node import Node, steps_of
from skyseries.catalog.plan.scan import Scan
from skyseries.hats.dataset import Dataset

__all__ = ["new_provenance", "recorded_provenance", "scans_of", "to_properties"]

_KEY = "skyseries_provenance"


def new_provenance(node: Node) -> dict[str, Any]:
    """Return the provenance of a run that starts now; plain JSON.

    Returns
    -------
    provenance : dict
        ``run`` (a UUID), ``date`` (ISO 8601, UTC), ``code`` (versions of the packages that
        compute), ``catalogs`` (name and version of each catalog that is read, the first one first),
        ``parameters`` (of each feature or period step, the last one first) and ``plan``.
    """
    import numba

    from skyseries import __version__

    packages = {"skyseries": __version__, "numpy": np.__version__, "numba": numba.__version__}
    return {
        "run": str(uuid.uuid4()),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": packages | {"pyarrow": pa.__version__},
        "catalogs": [
            {"name": scan.dataset.name, "version": _version(scan.dataset)}
            for scan in scans_of(node)
        ],
        "parameters": [json.loads(said) for said in _said(node)],
        "plan": [line.strip() for line in steps_of(node)],
    }


def to_properties(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Return the entries of hats.properties."""
    return {"skyseries_run_id": provenance["run"], _KEY: json.dumps(dict(provenance))}


def recorded_provenance(dataset: Dataset) -> dict[str, Any] | None:
    """Return what a catalog says of how it was made; None if it does not."""
    try:
        found = json.loads(dataset.properties.get(_KEY, ""))
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def scans_of(node: Node) -> Iterator[Scan]:
    """Yield the catalogs on disk that a plan reads; first the one that gives the positions."""
    if isinstance(node, Scan):
        yield node
    for child in node.children:
        yield from scans_of(child)


def _said(node: Node) -> Iterator[str]:
    if node.said:
        yield node.said
    for child in node.children:
        yield from _said(child)


def _version(dataset: Dataset) -> str | None:
    parts = re.findall(r"/(v\d{6})(?=/|$)", f"{dataset.root}")
    return parts[-1] if parts else None
