"""Nested columns of light curves for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.schema import LightCurveFields

FLUX = LightCurveFields(
    time="midpointMjdTai", band="band", flux="psfFlux", flux_err="psfFluxErr", flux_unit="nJy"
)
MAG = LightCurveFields(time="mjd", band="band", mag="mag", mag_err="magerr")
ONE_BAND = LightCurveFields(time="time", flux="flux", flux_err="flux_err")

Epochs = dict[str, Sequence[Any]]


def column(
    rows: Sequence[Epochs | None],
    fields: LightCurveFields,
    *,
    value_type: pa.DataType | None = None,
    band_type: pa.DataType | None = None,
    flag_type: pa.DataType | None = None,
    large: bool = False,
) -> pa.StructArray:
    """Return a struct of lists; keys of the rows are the roles time, band, value, error, flag."""
    value_type = value_type or pa.float64()
    roles = {
        "time": (fields.time, pa.float64()),
        "band": (fields.band, band_type or pa.string()),
        "value": (fields.value, value_type),
        "error": (fields.error, value_type),
        "flag": (fields.flag, flag_type or pa.bool_()),
    }
    make = pa.large_list if large else pa.list_
    arrays, names = [], []
    for role, (name, type_) in roles.items():
        if name is not None:
            lists = [None if row is None else row[role] for row in rows]
            arrays.append(_list_array(lists, make, type_))
            names.append(name)
    mask = pa.array([row is None for row in rows], pa.bool_())
    return pa.StructArray.from_arrays(arrays, names, mask=mask)


def _list_array(lists: list[Any], make: Any, type_: pa.DataType) -> pa.Array:
    if not pa.types.is_dictionary(type_):
        return pa.array([None if x is None else [_plain(v) for v in x] for x in lists], make(type_))
    plain = _list_array(lists, make, type_.value_type)
    encoded = plain.values.dictionary_encode().cast(type_)
    return type(plain).from_arrays(plain.offsets, encoded, mask=plain.is_null())


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def random_rows(
    rng: np.random.Generator,
    n: int,
    *,
    bands: Sequence[Any] = tuple("ugrizy"),
    most: int = 60,
    mean: float = 1000.0,
) -> list[Epochs]:
    """Return light curves with from 0 to `most` epochs in random order."""
    rows: list[Epochs] = []
    for _ in range(n):
        m = int(rng.integers(0, most + 1))
        rows.append(
            {
                "time": 60000 + rng.uniform(0, 3000, m),
                "band": [bands[k] for k in rng.integers(0, len(bands), m)],
                "value": rng.normal(mean, 50, m),
                "error": rng.uniform(5, 40, m),
                "flag": rng.random(m) < 0.1,
            }
        )
    return rows


def sinusoid(
    rng: np.random.Generator,
    n: int,
    period: float,
    *,
    bands: Sequence[Any] = tuple("gri"),
    span: float = 800.0,
    noise: float = 0.05,
) -> Epochs:
    """Return magnitudes of a sinusoid with a mean of its own in each band."""
    code = rng.integers(0, len(bands), n)
    t = rng.uniform(0, span, n)
    y = 18 + 0.5 * code + 0.4 * np.sin(2 * np.pi * t / period) + rng.normal(0, noise, n)
    return {
        "time": 60000 + t,
        "band": [bands[k] for k in code],
        "value": y,
        "error": np.full(n, noise),
        "flag": np.zeros(n, bool),
    }
