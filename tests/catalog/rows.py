"""Random rows with NaN, null, equal values and positions, and ids above 2**53."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

__all__ = ["numbers", "random_table"]


def random_table(n: int, seed: int) -> pa.Table:
    """Return n rows; every tenth position is that of another row, and one in 40 has none."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    again = np.arange(9, n, 10)
    ra[again], dec[again] = ra[again - 7], dec[again - 7]
    ra[19::40] = np.nan
    mag = np.round(rng.normal(20, 1, n), 2)
    mag[rng.random(n) < 0.1] = np.nan
    f = rng.normal(0, 1e3, n).astype(np.float32)
    f[rng.random(n) < 0.05] = np.nan
    wide = rng.normal(0, 1, n) * 10.0 ** rng.integers(-200, 200, n)
    wide[::50], wide[1::50], wide[2::50] = 0.0, -0.0, 1e300
    unit = {"unit": "mag", "ucd": "phot.mag"}
    fields = {
        "id": pa.array(2**60 + rng.permutation(n)),
        "ra": pa.array(ra),
        "dec": pa.array(dec),
        "mag": pa.array(mag, mask=rng.random(n) < 0.1),
        "f": pa.array(f, mask=rng.random(n) < 0.1),
        "k": pa.array(rng.integers(0, 5, n).astype(np.int32), mask=rng.random(n) < 0.1),
        "u": pa.array(rng.integers(0, 2**53, n).astype(np.uint64)),
        "wide": pa.array(wide),
        "kind": pa.array(rng.choice(list("abcd"), n), mask=rng.random(n) < 0.1),
    }
    schema = [pa.field(k, v.type, metadata=unit if k == "mag" else None) for k, v in fields.items()]
    return pa.table(list(fields.values()), schema=pa.schema(schema))


def numbers(frame, name):
    """Return the numbers of a column, without null and NaN."""
    values = frame[name].to_numpy()
    return np.array([v for v in values if v is not None and v == v], float)
