"""Real stars with truth from elsewhere: RR Lyrae of Stripe 82, supernovae of the ZTF survey.

Stripe 82: Sesar et al. 2010 (ApJ 708, 717). Bright Transient Survey: Fremling et al. 2020
(ApJ 895, 32).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from period_cadences import DATA, Star

__all__ = ["stripe82", "type_ia"]

MIN_EPOCHS = 10
BAD_MAG = 30.0


@cache
def epochs_of(name: str, key: str) -> dict[object, pd.DataFrame]:
    """Return the light curves of a file, each sorted by time."""
    table = pq.read_table(DATA / f"{name}.parquet").to_pandas()
    table = table[(table["magerr"] > 0) & (table["mag"].abs() < BAD_MAG)]
    table = table.sort_values("mjd", kind="stable")
    return dict(iter(table.groupby(key)))


def star_of(rows: pd.DataFrame, period: float, kind: str, tag: str) -> Star:
    """Return rows of a file as a star."""
    return Star(
        *(rows[name].to_numpy(float) for name in ("mjd", "mag", "magerr")),
        rows["band"].to_numpy().astype("U1"), True, period, kind, tag,
    )  # fmt: skip


def stripe82(n: int, rng: np.random.Generator, *, sparse: bool) -> list[Star]:
    """Return the first n RR Lyrae by id (all, if n is larger); `sparse`: one band a night."""
    objects = pq.read_table(
        DATA / "s82_rrlyrae_objects.parquet", columns=["object_id", "type", "period"]
    ).to_pandas()
    sources = epochs_of("s82_rrlyrae_lightcurves", "object_id")
    stars = []
    for star in objects.sort_values("object_id").head(n).itertuples():
        rows = sources[star.object_id]
        if sparse:
            night = np.unique(np.floor(rows["mjd"]), return_inverse=True)[1]
            rows = rows[rows["band"].to_numpy() == np.array(list("ugriz"))[night % 5]]
        stars.append(star_of(rows, float(star.period), f"rr_{star.type}", str(star.object_id)))
    return stars


def type_ia(n: int, rng: np.random.Generator) -> list[Star]:
    """Return n supernovae of the Bright Transient Survey."""
    sources = epochs_of("ztf_bts_lightcurves", "ztf_id")
    names = sorted(name for name, rows in sources.items() if len(rows) >= MIN_EPOCHS)
    chosen = rng.permutation(len(names))[:n]
    return [star_of(sources[names[k]], np.nan, "sn_ia", names[k]) for k in np.sort(chosen)]
