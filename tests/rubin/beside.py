"""Tables that tutorials ask beside those that are simulated: a few rows each, and uploads."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyseries.schema import rubin
from skyseries.timeseries.simulate.rubin.settings import SETTINGS

N = 20
"""Rows of a table, at most."""
_PATCHES = {
    "dp02_dc2_catalogs": (55.7, -36.6), "dp1": (53.13, -28.10), "dp2": (53.13, -28.10),
}  # fmt: skip


def beside(release: str, flat: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Return tables by their names after FROM.

    Parameters
    ----------
    release : str
    flat : mapping
        `flat.flat_tables` of the release.
    """
    rng = np.random.default_rng(5)
    tables = {
        f"{release}.{name}": _filled(release, name, values)
        for name, values in _values(release, flat, rng).items()
    }
    return tables | _uploads(release, flat, rng)


def _values(release: str, flat: Mapping[str, pa.Table], rng: np.random.Generator) -> dict:
    ra, dec = _PATCHES[release]
    found = {
        "CoaddPatches": {
            "lsst_tract": np.arange(N), "lsst_patch": np.arange(N),
            "s_ra": ra + rng.uniform(-3, 3, N), "s_dec": dec + rng.uniform(-2, 2, N),
        }
    }  # fmt: skip
    objects = flat["Object"].slice(0, N)
    if release == "dp02_dc2_catalogs":
        keys = [f"{i}_{1 + i % 2}" for i in range(N)]
        ids = objects["objectId"].to_numpy().copy()
        ids[:2] = SETTINGS[release].object_id
        found["TruthSummary"] = {
            "id_truth_type": keys, "truth_type": 1 + np.arange(N) % 2,
            "ra": 62 + rng.uniform(-0.1, 0.1, N), "dec": -37 + rng.uniform(-0.1, 0.1, N),
            "redshift": rng.uniform(0, 2, N),
        }  # fmt: skip
        found["MatchesTruth"] = {"id_truth_type": keys[::-1], "match_objectId": ids}
    if release == "dp2":
        near = (
            flat["Object"]
            .filter(
                (pc.abs(pc.field("coord_ra") - 53.01) < 0.1)
                & (pc.abs(pc.field("coord_dec") + 28.35) < 0.1)
            )
            .slice(0, N)
        )
        found["IsolatedStarStellarMotions"] = {
            "ra": near["coord_ra"].to_numpy(), "dec": near["coord_dec"].to_numpy() + 1e-4,
            "raPMErr": rng.uniform(0, 1, len(near)), "decPMErr": rng.uniform(0, 1, len(near)),
        }  # fmt: skip
        found["current_identifications"] = {"numbered": np.arange(N) % 3 == 0}
        found["numbered_identifications"] = {"permid": [str(i) for i in range(N)]}
    return found


def _filled(release: str, name: str, values: Mapping) -> pa.Table:
    fields = [column.field for column in rubin.release(release).table(name).columns.values()]
    n = len(next(iter(values.values())))
    columns = [
        pa.array(values[f.name]).cast(f.type) if f.name in values else pa.nulls(n, f.type)
        for f in fields
    ]
    return pa.table(columns, schema=pa.schema(fields))


def _uploads(release: str, flat: Mapping[str, pa.Table], rng: np.random.Generator) -> dict:
    """Return positions near objects, as they are known from elsewhere."""
    if release == "dp02_dc2_catalogs":
        return {}
    objects = flat["Object"].slice(0, N)
    sources = flat["DiaObject"].slice(0, N)
    return {
        "TAP_UPLOAD.ut1": pa.table(
            {
                "objid": np.arange(N),
                "ra": objects["coord_ra"].to_numpy() + rng.normal(0, 1e-4, N),
                "dec": objects["coord_dec"].to_numpy() + rng.normal(0, 1e-4, N),
                "r": objects["r_cModelMag"].to_numpy() + rng.normal(0, 0.1, N),
            }
        ),
        "TAP_UPLOAD.ut": pa.table(
            {
                "name": [f"SN {i}" for i in range(N)],
                "ra": sources["ra"].to_numpy() + rng.normal(0, 5e-5, N),
                "dec": sources["dec"].to_numpy() + rng.normal(0, 5e-5, N),
            }
        ),
    }
