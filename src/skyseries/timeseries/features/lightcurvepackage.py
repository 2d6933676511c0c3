"""The extractors of the package light-curve as features, beside our own."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.errors import ExecutionError, InputError, MissingDependencyError
from skyseries.timeseries.features.registry import Feature
from skyseries.timeseries.features.userfeature import function_segments
from skyseries.timeseries.given import whole_number
from skyseries.timeseries.segments import Segments

__all__ = ["light_curve_features"]

_OPTIONS: dict[str, Any] = {"sorted": True, "check": False, "fill_value": np.nan, "n_jobs": 1}
"""Segments are sorted and finite; the engine runs tasks side by side already."""


def light_curve_features(
    extractor: Any,
    prefix: str = "lc_",
    *,
    scope: Literal["band", "all"] = "band",
    min_epochs: int = 2,
) -> tuple[Feature, ...]:
    """Return what an extractor of the package light-curve computes, as features.

    They are not registered: hand them to ``compute_features`` or ``Catalog.features``. The
    package (GPL-3, in no extra of ours) is called with many light curves at once, as Arrow arrays.

    Parameters
    ----------
    extractor : light_curve extractor
        For instance ``light_curve.Extractor(light_curve.Eta(), light_curve.LinearFit())``. It
        gets the usable epochs in the order of time: the measured values as they are (magnitudes
        or fluxes, as the extractor needs them) and their errors, ones where there are none.
    prefix : str
        Stands before the package's own names: ``r_psfFlux_lc_eta``, ``lc_color_median_g_r``.
    scope : {"band", "all"}
        Each band by itself, or all epochs together. An extractor that was made with ``bands=``
        looks at the bands itself: all together.
    min_epochs : int
        NULL with fewer; some extractors (`Periodogram`) cannot take a single epoch.

    Returns
    -------
    features : tuple of Feature
        NULL where the package does not define a number, or refuses the light curve.

    Raises
    ------
    MissingDependencyError
        If the package is not installed.
    InputError
        If `extractor` is none.

    References
    ----------
    Malanchev et al. 2021, MNRAS 502, 5147.
    """
    try:
        import light_curve  # noqa: F401 - says what to install before anything else goes wrong
    except ImportError:
        raise MissingDependencyError("light-curve", None) from None
    names = getattr(extractor, "names", None)
    if not callable(getattr(extractor, "many", None)) or not names:
        raise InputError(f"{extractor!r} is no extractor of light-curve: it has no names and many")
    if scope not in ("band", "all"):
        raise InputError(f"scope is 'band' or 'all', not {scope!r}")
    min_epochs = whole_number(min_epochs, "min_epochs", 0)
    if not f"{prefix}x".isidentifier():
        raise InputError(f"a prefix has letters, digits and _, not {prefix!r}")
    bands = getattr(extractor, "bands", None)
    known = None if bands is None else tuple(str(band) for band in bands)
    where: Literal["band", "all"] = scope if known is None else "all"
    texts = getattr(extractor, "descriptions", None) or names
    compute = _Many(extractor, len(names), known, min_epochs)
    start = f"_{prefix}" if where == "band" else prefix
    return tuple(
        Feature(
            f"{start}{name}", text.replace("|", "/"), f"light-curve: {name}", compute, output=k,
            reference="Malanchev et al. 2021, MNRAS 502, 5147", scope=where, unit="none",
            inputs=("time", "value", "error"), error_optional=True,
            min_epochs=min_epochs,
        )
        for k, (name, text) in enumerate(zip(names, texts, strict=True))
    )  # fmt: skip


_ENOUGH = 20
"""Epochs from which on it is not the light curve's fault that it is refused."""


@dataclass(frozen=True, eq=False)
class _Many:
    """Calls an extractor with all segments; pickled with it."""

    extractor: Any
    outputs: int
    bands: tuple[str, ...] | None
    """Those that the extractor looks at."""
    min_epochs: int

    def __call__(self, segments: Segments) -> NDArray[np.float64]:
        *arrays, offsets = function_segments(segments)
        columns: dict[str, Any] = dict(zip(("t", "m", "sigma", "band"), arrays, strict=True))
        chosen = np.repeat(segments.count >= max(self.min_epochs, 1), segments.count)
        band = columns.pop("band")
        if self.bands is not None:
            whole = segments.by_band or segments
            columns["band"] = np.array([str(name) for name in whole.bands])[band]
            chosen &= np.isin(columns["band"], self.bands)
        count = np.diff(np.concatenate([[0], np.cumsum(chosen)])[offsets])
        used = count > 0
        out = np.full((segments.size, self.outputs), np.nan)
        if used.any():
            columns = {name: values[chosen] for name, values in columns.items()}
            bounds = np.concatenate([[0], np.cumsum(count[used])])
            out[used] = self._many(columns, bounds)
        return np.ascontiguousarray(out.T)

    def _many(self, columns: dict[str, Any], bounds: NDArray[np.int64]) -> NDArray[np.float64]:
        made = pa.LargeListArray.from_arrays(
            pa.array(bounds),
            pa.StructArray.from_arrays([pa.array(v) for v in columns.values()], list(columns)),
        )
        fields = {name: name for name in columns}
        try:
            return np.asarray(self.extractor.many(made, arrow_fields=fields, **_OPTIONS))
        except BaseException as error:
            if not _is_refusal(error):
                raise
        return self._each(columns, bounds)

    def _each(self, columns: dict[str, Any], bounds: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return NaN where a light curve is refused, but do not hide that all of them are."""
        out = np.full((bounds.size - 1, self.outputs), np.nan)
        refusal: BaseException | None = None
        refused = 0
        for i, (a, b) in enumerate(pairwise(bounds)):
            curve = tuple(np.array(values[a:b]) for values in columns.values())
            try:
                out[i] = self.extractor.many([curve], **_OPTIONS)[0]
            except BaseException as error:
                if not _is_refusal(error):
                    raise
                refusal, refused = error, refused + 1
        if refused == len(out) and (np.diff(bounds) > _ENOUGH).any():
            name = type(self.extractor).__name__
            text = f"light-curve's {name} refuses every light curve of the batch: {refusal}"
            raise ExecutionError(text) from refusal
        return out


def _is_refusal(error: BaseException) -> bool:
    """Whether the package refuses a light curve; a panic of its Rust is no Exception."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"
