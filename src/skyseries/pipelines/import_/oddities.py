"""What is odd in the epochs of an import: counted while they are read, told in the report.

Values that surveys write where there is none (99.99, -999) count as measurements unless
`null_values` names them; epochs without a time or a band are kept, and used by nothing that needs
these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arrow import is_number, to_numpy
from skyseries.lazy import pc
from skyseries.pipelines.import_.plan import ImportPlan
from skyseries.schema import LightCurveFields

__all__ = ["Oddities", "odd_notes"]

_NEVER = (-99.0, -99.9, -99.99, -99.999, -999.0, -999.9, -999.99, -9999.0, -9999.9, -99999.0,
          -999999.0, 1e20, 1e30, -1e30)  # fmt: skip
"""What stands for no value in any column."""
_NO_ERROR = (9.99, 9.999, 9.9999, 99.0, 99.9, 99.99, 99.999, 999.0, 9999.0)
"""What stands for no error of a magnitude."""
_NO_MAG = (29.999,)
_FAINTEST = 50.0
"""No magnitude is beyond this on either side."""
_MOST = 20
"""So many different values of a column are kept by a task."""
_SHOWN = 3


class Oddities:
    """Counts what is odd in the epochs that one task reads.

    Parameters
    ----------
    fields : LightCurveFields
    factors : dict
        By what columns are multiplied when they come in: they are looked at before.
    """

    def __init__(self, fields: LightCurveFields, factors: dict[str, float]) -> None:
        self._fields = fields
        self._limits: dict[str, tuple[tuple[float, ...], float]] = {}
        for name, more in ((fields.mag, _NO_MAG), (fields.mag_err, _NO_ERROR)):
            if name is not None:
                words = _NEVER if name in factors else (*_NEVER, *more)  # 99 mmag is an error
                self._limits[name] = (words, _FAINTEST / factors.get(name, 1.0))
        for name in (fields.flux, fields.flux_err, fields.time):
            if name is not None:
                self._limits[name] = (_NEVER, np.inf)
        self._errors = [name for name in (fields.flux_err, fields.mag_err) if name is not None]
        self._missing: Counter[str] = Counter()
        self._odd: dict[str, Counter[str]] = {}
        self._zero: Counter[str] = Counter()
        self._large: Counter[str] = Counter()
        self._largest: dict[str, float] = {}

    @classmethod
    def of(cls, plan: ImportPlan) -> Oddities:
        """Return a counter for the sources of an import."""
        assert plan.lightcurve is not None  # noqa: S101 - only called with light curves
        assert plan.sources_in is not None  # noqa: S101 - as above
        columns = plan.sources_in.conversion.columns
        return cls(plan.lightcurve, {name: factor for name, (factor, _) in columns.items()})

    def add(self, raw: pa.RecordBatch, settled: pa.RecordBatch) -> None:
        """Look at some epochs."""
        for name, (words, limit) in self._limits.items():
            column = raw.column(name)
            if is_number(column.type):
                self._look(name, column, words, limit)
        time = settled.column(self._fields.time)
        self._missing["time"] += time.null_count
        if pa.types.is_floating(time.type):
            self._missing["time"] += pc.sum(pc.is_nan(time)).as_py() or 0
        if self._fields.band is not None:
            self._missing["band"] += settled.column(self._fields.band).null_count

    @property
    def counts(self) -> dict[str, dict[str, Any]]:
        """What was found; plain JSON."""
        return {
            "missing": dict(self._missing),
            "zero": dict(self._zero),
            "large": dict(self._large),
            "largest": dict(self._largest),
            "odd": {name: found.total() for name, found in self._odd.items()},
            "values": {name: dict(found.most_common(_MOST)) for name, found in self._odd.items()},
        }

    def _look(self, name: str, column: pa.Array, words: tuple[float, ...], limit: float) -> None:
        if pa.types.is_float16(column.type):
            column = column.cast(pa.float32())  # Arrow has no extremes of half-precision numbers
        ends = pc.min_max(column)
        low, high = ends["min"].as_py(), ends["max"].as_py()
        is_error = name in self._errors
        highest = 0.0 if is_error else -99.0
        smallest = min(*(word for word in words if word > 0), limit)
        if low is None or (low > highest and high < smallest):
            return
        values = to_numpy(column.drop_null())
        values = values[np.isfinite(values)]
        odd, beyond = _are(values, words), np.abs(values) > limit
        if is_error:
            large = beyond & ~odd & (values > 0)
            odd |= values < 0
            self._zero[name] += int((values == 0).sum())
            if large.any():
                self._large[name] += int(large.sum())
                top = float(values[large].max())
                self._largest[name] = max(top, self._largest.get(name, top))
        else:
            odd |= beyond
        kinds, counts = np.unique(values[odd], return_counts=True)
        for kind, count in zip(kinds, counts.tolist(), strict=True):
            self._odd.setdefault(name, Counter())[_text(kind)] += count


def odd_notes(found: Iterable[dict[str, dict[str, Any]]]) -> list[str]:
    """Return what the tasks of an import have found, as lines for people."""
    missing, zero, odd, large = (Counter[str]() for _ in range(4))
    largest: dict[str, float] = {}
    values: dict[str, Counter[str]] = {}
    for one in found:
        missing.update(one["missing"])
        zero.update(one["zero"])
        odd.update(one["odd"])
        large.update(one["large"])
        for name, top in one["largest"].items():
            largest[name] = max(top, largest.get(name, top))
        for name, counts in one["values"].items():
            values.setdefault(name, Counter()).update(counts)
    notes = [f"{_epochs(count)} no {role}" for role, count in missing.items() if count]
    for name, count in odd.items():
        notes.append(_said(name, count, [text for text, _ in values[name].most_common(_SHOWN)]))
    notes += [
        f"{name!r}: {_epochs(count)} an error above {_FAINTEST:g} mag, up to {largest[name]:.6g}: "
        "are they in another unit, which the column does not say (mmag)? They are taken as mag"
        for name, count in large.items()
    ]
    notes += [
        f"{name!r}: {_epochs(count)} an error of 0: features and periods leave them out"
        for name, count in zero.items()
        if count
    ]
    return notes


def _said(name: str, count: int, shown: list[str]) -> str:
    others = " or the like" if len(shown) == _SHOWN else ""
    given = shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"
    return (
        f"{name!r}: {_epochs(count)} {' or '.join(shown)}{others}; if that stands for no "
        f"value, give null_values={given}"
    )


def _epochs(count: int) -> str:
    return "1 epoch has" if count == 1 else f"{count:,} epochs have"


def _are(values: NDArray[Any], words: tuple[float, ...]) -> NDArray[np.bool_]:
    """Tell which values are one of these, as the type of the column has them."""
    if values.dtype.kind in "iu":
        words = tuple(word for word in words if word == int(word) and abs(word) < 1e6)
        return np.isin(values, np.array(words, np.int64))
    with np.errstate(over="ignore"):
        return np.isin(values, np.array(words).astype(values.dtype))


def _text(value: Any) -> str:
    """Return a number in the fewest digits that give it back in its type."""
    whole = float(value).is_integer() and abs(value) < 1e15
    return str(int(value)) if whole else str(value)
