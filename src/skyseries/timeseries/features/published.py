"""The columns of DiaObject that Rubin publishes, under their own names and with their types.

Facts of `lsst/sdm_schemas` at bbb8cfd (August 2026). Left out is what does not follow from the
light curve: ids, positions, processing times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from skyseries.errors import InputError
from skyseries.timeseries.features.registry import Feature, asked_for

__all__ = ["TABLES", "PublishedColumn", "PublishedTable", "published_table"]

_SCIENCE = ("scienceFlux", "totFlux")
"""Flux on the direct image: DP1 and later, DP0.2."""
_FORCED = ("fpFlux",)


@dataclass(frozen=True)
class PublishedColumn:
    """A published column, and the feature that it is."""

    name: str
    """With ``{band}`` where there is one for each band."""
    feature: str
    type: str
    """Name of the Arrow type."""
    sources: tuple[str, ...] = ()
    """Field that the feature is computed from: the first that a light curve has, with errors
    under the same name and ``Err``. Empty: the flux of the light curve."""
    min_epochs: int | None = None
    """Where it differs from the feature's."""


@dataclass(frozen=True)
class PublishedTable:
    """The columns of one data release."""

    name: str
    columns: tuple[PublishedColumn, ...]

    def fields(self) -> tuple[str, ...]:
        """Return the names of the fields that are read beside those with a role."""
        values = dict.fromkeys(name for column in self.columns for name in column.sources)
        return tuple(name for value in values for name in (value, f"{value}Err"))


def published_table(
    features: Sequence[str | Feature] | PublishedTable | str | None,
) -> PublishedTable | None:
    """Return the published table that is asked for, if any.

    Raises
    ------
    InputError
        If it is asked for together with other features.
    """
    if isinstance(features, PublishedTable):
        return features
    names = [] if features is None else asked_for(features)
    found = [name for name in names if isinstance(name, str) and name in TABLES]
    if found and len(names) > 1:
        raise InputError(
            f"{found[0]!r} is a table of published columns, which cannot be mixed with other "
            "features; ask for it by itself"
        )
    return TABLES[found[0]] if found else None


def _of_band(
    flux: str,
    statistics: Sequence[str],
    type_: str,
    sources: tuple[str, ...] = (),
    others: Mapping[str, str] = MappingProxyType({}),
) -> list[PublishedColumn]:
    """Return columns named after a flux; `others` are the types that differ."""
    one_epoch = {"Chi2": 1}  # where Rubin's is 0
    return [
        PublishedColumn(
            f"{flux}{name}", name, others.get(name, type_), sources, one_epoch.get(name)
        )
        for name in statistics
    ]


def _count(type_: str) -> PublishedColumn:
    return PublishedColumn("nDiaSources", "nEpochs", type_)


_SHORT = ("ErrMean", "Max", "MaxSlope", "Mean", "MeanErr", "Min", "Ndata", "Sigma")
_LONG = (
    "Chi2", "ErrMean", "LinearIntercept", "LinearSlope", "MAD", "Max", "MaxSlope", "Mean",
    "MeanErr", "Min", "Ndata", "Percentile05", "Percentile25", "Percentile50", "Percentile75",
    "Percentile95", "Sigma", "Skew", "StetsonJ",
)  # fmt: skip
_WEIGHTED = ("Mean", "MeanErr")
_SINGLE = dict.fromkeys(("Chi2", "ErrMean", "MAD", "Skew"), "float32")
_NUMBER = {"Ndata": "int32"}

_TABLES = (
    PublishedTable(
        "dp02",
        (
            _count("int64"),
            *_of_band("{band}PSFlux", _LONG, "float64"),
            *_of_band("{band}TOTFlux", (*_WEIGHTED, "Sigma"), "float64", _SCIENCE[::-1]),
        ),
    ),
    PublishedTable(
        "dp1",
        (
            _count("int64"),
            *_of_band("{band}_psfFlux", _LONG, "float64", others=_SINGLE),
            *_of_band("{band}_scienceFlux", (*_WEIGHTED, "Sigma"), "float64", _SCIENCE),
        ),
    ),
    PublishedTable(
        "dp2",
        (
            _count("int64"),
            *_of_band(
                "{band}_psfFlux", _SHORT, "float64", others={"ErrMean": "float32", **_NUMBER}
            ),
            *_of_band("{band}_scienceFlux", _WEIGHTED, "float64", _SCIENCE),
        ),
    ),
    PublishedTable(
        "apdb",
        (
            _count("int32"),
            PublishedColumn("firstDiaSourceMjdTai", "firstTime", "float64"),
            PublishedColumn("lastDiaSourceMjdTai", "lastTime", "float64"),
            *_of_band("{band}_psfFlux", _SHORT, "float32", others=_NUMBER),
            *_of_band("{band}_fpFlux", _WEIGHTED, "float32", _FORCED),
            *_of_band("{band}_scienceFlux", _WEIGHTED, "float32", _SCIENCE),
        ),
    ),
)

TABLES = {table.name: table for table in _TABLES}
