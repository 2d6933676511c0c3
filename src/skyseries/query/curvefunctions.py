"""The functions of light curves, ``LC_...``: every feature that is registered, and period searches.

``LC_STETSON_J`` is the feature ``StetsonJ``, ``LC_PERIOD_ERR`` the column ``period_err`` of
`Catalog.periods`; underscores and case do not matter. Arguments are the light curve, the band of
what is of one band (both bands of what is of two), and, of what searches for periods, the shortest
and the longest, days. Where there is but one band, it need not be said.

Nothing here is imported before a statement calls one of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from skyseries.adql import FUNCTIONS, Column, Constant, CurveValue, Expr, Function, Path, Type
from skyseries.adql.expressions import written
from skyseries.adql.functions.signature import takes
from skyseries.catalog.plan.lineage import bands_of
from skyseries.errors import InputError
from skyseries.schema import column_meta

if TYPE_CHECKING:
    from skyseries.catalog import Catalog
    from skyseries.timeseries import Feature

__all__ = ["Band", "CurveFunctions", "FeatureCall", "Limits", "PeriodCall", "curve_functions"]

Band: TypeAlias = str | int
Limits: TypeAlias = tuple[float, float] | None
"""Shortest and longest period, days; None: those that the verb has by itself."""

_PREFIX = "LC_"
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER_NAMES = {"period_power": "LC_POWER"}


@dataclass(frozen=True)
class FeatureCall:
    """A feature of a light curve."""

    feature: Feature
    bands: tuple[Band, ...]
    """Of a feature of all bands together, or without bands: none."""
    limits: Limits
    column: str
    """What `Catalog.features` calls it."""


@dataclass(frozen=True)
class PeriodCall:
    """A column of a period search."""

    column: str
    """What `Catalog.periods` calls it."""
    band: Band | None
    alone: bool
    """Whether the band is searched alone."""
    limits: Limits


class CurveFunctions(Mapping[str, Function]):
    """All functions that statements know, those of light curves too once one of them is called.

    Parameters
    ----------
    catalog_of : callable
        Returns the catalog that is a table of objects; None for another table.
    """

    def __init__(self, catalog_of: Callable[[Path], Catalog | None]) -> None:
        self._catalog_of = catalog_of

    @cached_property
    def _curves(self) -> dict[str, Function]:
        return {_folded(f.name): f for f in curve_functions(self._catalog_of)}

    def __getitem__(self, name: str) -> Function:
        return self._curves[_folded(name)] if name.startswith(_PREFIX) else FUNCTIONS[name]

    def __iter__(self) -> Iterator[str]:
        yield from FUNCTIONS
        if "_curves" in self.__dict__:
            yield from (function.name for function in self._curves.values())

    def __len__(self) -> int:
        return sum(1 for _ in self)


def curve_functions(catalog_of: Callable[[Path], Catalog | None]) -> Iterator[Function]:
    """Yield the functions of light curves.

    Parameters
    ----------
    catalog_of : callable
        As for `CurveFunctions`.
    """
    from skyseries.timeseries import all_features

    found: dict[str, list[Feature]] = {}
    for feature in all_features():
        found.setdefault(_folded(_name_of(feature.name)), []).append(feature)
    for features in found.values():
        yield _of_features(_name_of(features[-1].name), features, catalog_of)
    yield from _of_periods(catalog_of)


def _name_of(feature: str) -> str:
    return _PREFIX + re.sub(r"\W", "_", _WORD.sub("_", feature), flags=re.ASCII).upper()


def _folded(name: str) -> str:
    return name.replace("_", "").upper()


def _of_features(
    name: str, features: Sequence[Feature], catalog_of: Callable[[Path], Catalog | None]
) -> Function:
    """Return the function of a feature; two may share it, of one band and of all together."""
    by_scope: dict[str, Feature] = {feature.scope: feature for feature in features}
    signatures = [
        takes(f"lc curve{bands}{limits}", _result(feature), unit=_unit(feature))
        for scope, feature in sorted(by_scope.items())
        for limits in ("", _LIMITS)[: 1 + _searches(feature)]
        for bands in {"all": [""], "band": [_BAND, ""], "pair": [_PAIR]}[scope]
    ]  # fmt: skip
    doc = "; of one band: ".join(
        by_scope[scope].description for scope in ("all", "band", "pair") if scope in by_scope
    )
    make = partial(_feature_value, name, by_scope, catalog_of)
    return Function(name, tuple(dict.fromkeys(signatures)), doc, make=make)


_LIMITS = ", min_period days, max_period days"
_BAND = ", band band"
_PAIR = ", band1 band, band2 band"


def _result(feature: Feature) -> Type:
    if feature.parts:
        return Type.OTHER
    return Type.INTEGER if feature.unit == "count" else Type.DOUBLE


def _unit(feature: Feature) -> str:
    """Return the unit as documentation has it, ``value`` for that of the light curve."""
    return "" if feature.unit in ("count", "none") else feature.unit.replace("time", "d")


def _searches(feature: Feature) -> bool:
    """Return whether a feature depends on limits of periods."""
    return feature.cost == "n x frequencies"


def _feature_value(
    name: str,
    by_scope: Mapping[str, Feature],
    catalog_of: Callable[[Path], Catalog | None],
    arguments: Sequence[Expr],
) -> CurveValue:
    from skyseries.timeseries import feature_schema
    from skyseries.timeseries.features.registry import UNITS

    curve = _Curve(name, arguments[0], catalog_of)
    searching = any(map(_searches, by_scope.values()))
    bands, limits = _bands_and_limits(arguments[1:], searching)
    if "pair" in by_scope:
        feature = by_scope["pair"]
    elif "all" in by_scope and not bands:
        feature = by_scope["all"]
    else:
        feature, bands = by_scope["band"], curve.of_one(bands)
    if bands:
        curve.check_bands()
    fields, type_ = curve.fields
    value_type = type_.field(fields.value).type.value_type
    field = feature_schema(fields, [feature], None, bands or None, value_type).field(0)
    is_plain = not UNITS[feature.unit][0] and not feature.parts
    call = FeatureCall(feature, bands, limits, field.name)
    return curve.value(call, field, "" if is_plain else None)


def _of_periods(catalog_of: Callable[[Path], Catalog | None]) -> Iterator[Function]:
    from skyseries.timeseries import period_schema
    from skyseries.timeseries.periods.columns import SINGLE

    schema = period_schema()
    amplitude = pa.field("period_amplitude", pa.float64())
    texts = {f.name: column_meta(f).description for f in schema}
    texts[amplitude.name] = "From maximum to minimum of the fit in a band"
    for field in (*schema, amplitude):
        alone = field.name in SINGLE
        with_band = [_BAND, ""] if field is amplitude else ["", _BAND] if alone else [""]
        kind = Type.TEXT if pa.types.is_string(field.type) else Type.DOUBLE
        signatures = [
            takes(f"lc curve{bands}{limits}", Type.OTHER if pa.types.is_list(field.type) else kind,
                  unit="value" if field is amplitude else column_meta(field).unit)
            for limits in ("", _LIMITS)
            for bands in with_band
        ]  # fmt: skip
        doc = texts[field.name] + ("; with a band, of this band alone" if alone else "")
        for name in (f"{_PREFIX}{field.name.upper()}", _OTHER_NAMES.get(field.name)):
            if name is not None:
                make = partial(_period_value, name, field.name, catalog_of)
                yield Function(name, tuple(signatures), doc, make=make)


def _period_value(
    name: str,
    output: str,
    catalog_of: Callable[[Path], Catalog | None],
    arguments: Sequence[Expr],
) -> CurveValue:
    from skyseries.timeseries import period_schema
    from skyseries.timeseries.periods.columns import band_prefix

    curve = _Curve(name, arguments[0], catalog_of)
    bands, limits = _bands_and_limits(arguments[1:], True)
    per_band = output == "period_amplitude"
    if per_band:
        bands = curve.of_one(bands)
    if bands:
        curve.check_bands()
    alone = bool(bands) and not per_band
    fields, _ = curve.fields
    low, high = limits or (None, None)
    schema = period_schema(
        fields, min_period=low, max_period=high, bands=bands or None, single_bands=alone
    )
    band = bands[0] if bands else None
    column = f"{band_prefix(band)}{output}"
    call = PeriodCall(column, band, alone, limits)
    return curve.value(call, schema.field(column), None if per_band else "")


def _bands_and_limits(
    constants: Sequence[Expr], searching: bool
) -> tuple[tuple[Band, ...], Limits]:
    """Return what stands after the light curve."""
    from skyseries.timeseries.bands import one_band
    from skyseries.timeseries.periods.limits import given_limits

    values = [constant.value for constant in constants if isinstance(constant, Constant)]
    limits = None
    if searching and len(values) >= 2:
        *values, low, high = values
        limits = given_limits(float(low), float(high))  # type: ignore[arg-type]
    return tuple(map(one_band, values)), limits


class _Curve:
    """The light curve that a function is called with."""

    def __init__(
        self, name: str, column: Expr, catalog_of: Callable[[Path], Catalog | None]
    ) -> None:
        assert isinstance(column, Column)  # noqa: S101 - so says the signature
        self._name, self._column = name, column
        catalog = catalog_of(column.table)
        if catalog is None:
            raise InputError(
                f"{name} takes a light curve of a table: call it in the query that has the table "
                "of the objects in FROM"
            )
        self._catalog = catalog

    @cached_property
    def fields(self) -> tuple[Any, pa.StructType]:
        """The roles of its fields, with units, and its type."""
        from skyseries.timeseries.measured import field_units, with_units

        name = self._column.path[-1]
        type_ = self._catalog.schema.field(name).type
        return with_units(self._catalog.lightcurve_fields(name), field_units(type_)), type_

    @cached_property
    def bands(self) -> Sequence[Band] | None:
        """The bands that it has; None if that is not known."""
        band = self.fields[0].band
        return bands_of(self._catalog._node, self._column.path[-1], band, look=True)

    def of_one(self, bands: tuple[Band, ...]) -> tuple[Band, ...]:
        """Return the band that is meant; none where there are no bands.

        Raises
        ------
        InputError
            If it is not said which.
        """
        if bands or self.fields[0].band is None:
            return bands
        there = self.bands or ()
        if len(there) == 1:
            return (there[0],)
        listed = f"; there are {', '.join(map(str, there))}" if there else ""
        example = repr(there[0] if there else "r")
        raise InputError(f"{self._name} is of one band: write {self._called(example)}{listed}")

    def check_bands(self) -> None:
        """Raise InputError if there are no bands."""
        if self.fields[0].band is None:
            written_ = written(self._column.path)
            raise InputError(f"{written_} has no bands: write {self._called()}")

    def _called(self, *arguments: str) -> str:
        return f"{self._name}({', '.join([written(self._column.path), *arguments])})"

    def value(self, call: Any, field: pa.Field, unit: str | None) -> CurveValue:
        """Return the call; the unit is that of what has none in the field."""
        known = column_meta(field).unit or unit
        return CurveValue(self._column, self._name, call, field.with_name(""), known)
