"""A table with every type and every trap, and its scope."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa

from skyseries.adql import Scope
from skyseries.schema import ColumnMeta, with_column_meta

LC = pa.struct(
    [
        with_column_meta(pa.field("mjd", pa.list_(pa.float64())), ColumnMeta(unit="d")),
        with_column_meta(pa.field("flux", pa.list_(pa.float32())), ColumnMeta(unit="nJy")),
        with_column_meta(pa.field("fluxErr", pa.list_(pa.float32())), ColumnMeta(unit="nJy")),
        pa.field("band", pa.list_(pa.string())),
        pa.field("time", pa.list_(pa.float64())),
    ]
)

SCHEMA = pa.schema(
    [
        pa.field("objectId", pa.int64()),
        pa.field("uid", pa.uint64()),
        with_column_meta(pa.field("ra", pa.float64()), ColumnMeta(unit="deg")),
        with_column_meta(pa.field("dec", pa.float64()), ColumnMeta(unit="deg")),
        with_column_meta(pa.field("gMag", pa.float32()), ColumnMeta(unit="mag")),
        with_column_meta(pa.field("rMag", pa.float64()), ColumnMeta(unit="mag")),
        with_column_meta(pa.field("pm", pa.float64()), ColumnMeta(unit="mas.yr**-1")),
        pa.field("nObs", pa.int32()),
        pa.field("small", pa.int16()),
        pa.field("byte", pa.uint8()),
        pa.field("name", pa.string()),
        pa.field("good", pa.bool_()),
        pa.field("seen", pa.timestamp("us")),
        pa.field("size", pa.int32()),
        pa.field("z", pa.float64()),
        pa.field("Z", pa.float64()),
        pa.field("_score", pa.float64()),
        pa.field("shape", pa.struct([("e1", pa.float64()), ("e2", pa.float64())])),
        pa.field("tags", pa.list_(pa.int32())),
        pa.field("lc", LC),
        pa.field("diff", pa.list_(pa.struct([("mjd", pa.float64()), ("snr", pa.float32())]))),
    ]
)

SCOPE = Scope.from_schema(SCHEMA, names=["survey"])

NAN, INF = float("nan"), float("inf")
_DOUBLES = [0.0, -0.0, 1.5, -2.25, 20.1, 20.1 + 1e-12, NAN, INF, -INF, None, 1e300, 5e-324, 3.0]
_REALS = [0.0, 20.1, 20.0, -1.5, NAN, INF, None, 1e38, -INF, 20.1, 2.0**24, 1.1, 3.0]
_LARGE = [0, 1, -1, 2**63 - 1, -(2**63), 2**53, 2**53 + 1, None, 7, -7, 10**18, 3, 5]
_UNSIGNED = [0, 1, 2**63, 2**63 + 1, 2**64 - 1, 2**53 + 1, 2**53, None, 7, 3, 2**63 - 1, 5, 10]
_SMALL = [0, 1, -1, 100, -100, 3, None, 32767, -32768, 7, 2, 5, 30]
_TEXTS = ["", "a", "abc", "ABC", "a%c", "a_c", "it's", None, "näh", "b", "ab", "\\", 'a"b']
_TIMES = [dt.datetime(2025, 1, d + 1) for d in range(11)] + [None, dt.datetime(2025, 6, 1, 12, 30)]

COLUMNS = {
    "objectId": _LARGE,
    "uid": _UNSIGNED,
    "ra": [abs(x) % 360 if x is not None and np.isfinite(x) else x for x in _DOUBLES],
    "dec": [x % 90 if x is not None and np.isfinite(x) else x for x in _DOUBLES],
    "gMag": _REALS,
    "rMag": _DOUBLES,
    "pm": _DOUBLES[::-1],
    "nObs": _SMALL,
    "small": _SMALL[::-1],
    "byte": [0, 1, 255, 128, None, 3, 5, 7, 200, 2, 30, 100, 10],
    "name": _TEXTS,
    "good": [True, False, None] * 4 + [True],
    "seen": _TIMES,
    "size": _SMALL[3:] + _SMALL[:3],
    "z": _DOUBLES[2:] + _DOUBLES[:2],
    "Z": _DOUBLES[5:] + _DOUBLES[:5],
    "_score": _DOUBLES,
    "shape": [{"e1": x, "e2": 1.0} for x in _DOUBLES],
}

TABLE = pa.table(
    {
        name: pa.array(
            [np.float32(v) if v is not None else None for v in values]
            if name == "gMag"
            else values,
            SCHEMA.field(name).type,
        )
        for name, values in COLUMNS.items()
    }
)

DECIMALS = pa.array([Decimal("1.25"), None, Decimal("-3.50")], pa.decimal128(10, 2))
