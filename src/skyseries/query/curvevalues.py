"""Light-curve functions of statements as stages of a plan: each call is computed once.

Conditions on plain columns come before; what conditions on light curves need is computed of the
rows that are left, periods last; and what is selected, grouped and sorted by, of those that fulfil
all. The numbers are those of `Catalog.features` and `Catalog.periods`, whose steps these are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa

from skyseries import adql
from skyseries.adql import Column, CurveValue, Expr
from skyseries.adql.expressions import written
from skyseries.adql.relations import Query, Select
from skyseries.catalog import Catalog, plan
from skyseries.catalog.plan.lineage import bands_of
from skyseries.catalog.plan.node import Node
from skyseries.catalog.verbs.curvesteps import Affixes, Moved, features_step, periods_step
from skyseries.photometry import UGRIZY, band_order
from skyseries.query.curvefunctions import Band, FeatureCall, Limits, PeriodCall

__all__ = ["computed", "curve_values", "of_one_table", "with_columns"]

_STILL, _OURS = Moved(False, None), Affixes("#", "")


def curve_values(expression: Expr) -> Iterator[CurveValue]:
    """Yield the calls of light-curve functions in an expression, not in queries inside of it."""
    if isinstance(expression, CurveValue):
        yield expression
    for child in expression.children:
        yield from curve_values(child)


def computed(
    node: Node, catalog: Catalog, conditions: Sequence[Expr], values: Sequence[Expr], text: str = ""
) -> tuple[Node, dict[CurveValue, str]]:
    """Return the rows of a table that fulfil conditions, with what is computed of light curves.

    Parameters
    ----------
    node : Node
        The rows of the table, which conditions without light-curve functions have left.
    catalog : Catalog
        That the table is of.
    conditions : sequence of Expr
        With light-curve functions; over the columns of the node.
    values : sequence of Expr
        Whose calls are computed, too; over the columns of the node.
    text : str
        How the conditions are written.

    Returns
    -------
    node : Node
    names : dict of CurveValue to str
        The columns that calls are in.
    """
    names: dict[CurveValue, str] = {}
    all_calls = _calls([*conditions, *values])
    for stage in _stages(conditions):
        works = set(map(_work, _calls(stage)))
        node = _with(node, catalog, [call for call in all_calls if _work(call) in works], names)
        node = plan.Filter(node, adql.conjunction(with_columns(c, names) for c in stage), text)
    return _with(node, catalog, all_calls, names), names


def with_columns(expression: Expr, names: Mapping[CurveValue, str], *above: str) -> Expr:
    """Return an expression with columns in the places of calls.

    Parameters
    ----------
    expression : Expr
    names : mapping of CurveValue to str
    *above : str
        What stands before the names of the columns: the id of the table in a statement. Of those
        calls that are not in `names` as they are, those without it are looked for.
    """
    if isinstance(expression, CurveValue):
        column = expression.argument
        here = column.path[: len(above)] == above
        path = column.path[len(above) :]
        name = names.get(replace(expression, argument=replace(column, path=path))) if here else None
        if name is None:
            return expression
        kind, unit, type_ = expression.type, expression.unit, expression.arrow_type
        return Column((*above, name), kind, unit, None, type_)
    children = expression.children
    made = tuple(with_columns(child, names, *above) for child in children)
    return expression if made == children else expression.with_children(made)


def of_one_table(
    node: Node,
    catalog: Catalog | None,
    id: str,
    query: Query,
    local: Callable[[Expr], Expr],
) -> tuple[Node, Query]:
    """Return the rows of a statement on one table, and the statement without calls.

    Parameters
    ----------
    node : Node
        The rows that conditions without light-curve functions have left.
    catalog : Catalog or None
    id : str
        Of the table in the statement.
    query : Query
        Of a `Select`.
    local : callable
        Returns an expression over the columns of the table alone.
    """
    select = query.body
    assert isinstance(select, Select)  # noqa: S101 - so it is called
    parts = [] if select.where is None else adql.conjuncts(select.where)
    conditions = [local(part) for part in parts if any(curve_values(part))]
    values = [*(o.value for o in select.outputs), *(s.value for s in query.order_by), *select.keys]
    values += [] if select.having is None else [select.having]
    if catalog is None or not (conditions or any(any(curve_values(v)) for v in values)):
        return node, query
    said = f"{select.written.where} (what is of light curves)"
    node, names = computed(node, catalog, conditions, list(map(local, values)), said)

    def changed(expression: Expr) -> Expr:
        return with_columns(expression, names, id)

    body = replace(
        select,
        outputs=tuple(replace(o, value=changed(o.value)) for o in select.outputs),
        keys=tuple(map(changed, select.keys)),
        having=None if select.having is None else changed(select.having),
    )
    order_by = tuple(replace(s, value=changed(s.value)) for s in query.order_by)
    return node, replace(query, body=body, order_by=order_by)


def _stages(conditions: Sequence[Expr]) -> Iterator[list[Expr]]:
    """Yield conditions that are checked together, those that take longest at last."""
    by_cost: dict[bool, list[Expr]] = {False: [], True: []}
    for condition in conditions:
        by_cost[any(map(_searches, curve_values(condition)))].append(condition)
    yield from filter(None, by_cost.values())


def _searches(value: CurveValue) -> bool:
    """Return whether a call looks for periods, which takes a hundred times as long as all else."""
    call = value.call
    return not isinstance(call, FeatureCall) or call.feature.cost == "n x frequencies"


def _calls(expressions: Iterable[Expr]) -> list[CurveValue]:
    """Return what expressions call, each once."""
    return list(dict.fromkeys(call for e in expressions for call in curve_values(e)))


def _work(value: CurveValue) -> Hashable:
    """Return what is the same for calls that one computation gives."""
    call = value.call
    if isinstance(call, FeatureCall) and call.feature.compute is not None:
        return value.argument, call.feature.compute, call.bands, call.limits
    if isinstance(call, PeriodCall):
        return value.argument, call.alone and call.band, call.limits
    return value


def _with(
    node: Node, catalog: Catalog, calls: Sequence[CurveValue], names: dict[CurveValue, str]
) -> Node:
    """Return the node with calls, unless they are there; `names` gets the names."""
    by_column: dict[str, list[CurveValue]] = {}
    for call in calls:
        if call not in names:
            by_column.setdefault(call.argument.path[0], []).append(call)
    taken = {name.lower() for name in node.schema.names}
    for column, mine in by_column.items():
        for call in mine:
            names[call] = _free(_text(call), taken)
        steps = list(_steps(catalog._with(node), column, mine, names))
        node = plan.Once(_together(node, column, steps), tuple(names[call] for call in mine))
    return node


def _text(value: CurveValue) -> str:
    """Return a call as it is written, for `explain`."""
    call = value.call
    assert isinstance(call, FeatureCall | PeriodCall)  # noqa: S101 - as `curvefunctions` makes them
    bands: tuple[str | int | None, ...]
    bands = call.bands if isinstance(call, FeatureCall) else (call.band,)
    said = [repr(band) for band in bands if band is not None]
    said += [f"{limit:g}" for limit in call.limits or ()]
    return f"{value.name}({', '.join([written(value.argument.path), *said])})"


def _free(name: str, taken: set[str]) -> str:
    """Return a name that no other column has, and take it."""
    while name.lower() in taken:
        name += "_"
    taken.add(name.lower())
    return name


class _Step(NamedTuple):
    """A step of a verb, and what its columns are called here."""

    step: plan.Append
    names: list[tuple[str, str]]


def _steps(
    catalog: Catalog, column: str, values: Sequence[CurveValue], names: Mapping[CurveValue, str]
) -> Iterator[_Step]:
    """Yield the steps that compute calls, as few as can be."""
    features: dict[FeatureCall, str] = {}
    periods: dict[Limits, dict[PeriodCall, list[str]]] = {}
    for value in values:
        call = value.call
        if isinstance(call, FeatureCall):
            features[call] = names[value]
        elif isinstance(call, PeriodCall):
            periods.setdefault(call.limits, {}).setdefault(call, []).append(names[value])
    yield from _feature_steps(catalog, column, features)
    for limits, calls in periods.items():
        yield _period_step(catalog, column, limits, calls)


def _feature_steps(
    catalog: Catalog, column: str, calls: Mapping[FeatureCall, str]
) -> Iterator[_Step]:
    """Yield a step for the features of the same bands; each computes what is of a band for all."""
    bands: dict[tuple[str, Limits], list[Band]] = {}
    for call in calls:
        if call.feature.scope == "band":
            bands.setdefault((call.feature.name, call.limits), []).extend(call.bands)
    steps: dict[tuple[tuple[Band, ...], Limits], dict[FeatureCall, str]] = {}
    for call, name in calls.items():
        of = tuple(band_order(bands.get((call.feature.name, call.limits), ())))
        if call.feature.across:
            of = _or_all(catalog, column, of)
        elif call.feature.scope == "pair":
            of = call.bands
        steps.setdefault((of, call.limits), {})[call] = name
    for (of, limits), mine in steps.items():
        chosen = list({call.feature.name: call.feature for call in mine}.values())
        low_high = dict(zip(("min_period", "max_period"), limits or _DEFAULT, strict=True))
        step = features_step(catalog, column, chosen, None, of or None, low_high, _STILL, _OURS)
        yield _Step(step, [(f"#{call.column}", name) for call, name in mine.items()])


def _or_all(catalog: Catalog, column: str, bands: tuple[Band, ...]) -> tuple[Band, ...]:
    """Return bands, none (which is all) where they are among those that there are."""
    there = bands_of(catalog._node, column, catalog.lightcurve_fields(column).band) or UGRIZY
    return () if set(bands) <= set(there) else bands


_DEFAULT = (0.1, 100.0)
"""Limits of the periods that `Catalog.features` has by itself, days."""


def _period_step(
    catalog: Catalog, column: str, limits: Limits, calls: Mapping[PeriodCall, Sequence[str]]
) -> _Step:
    """Return one search for all that is asked of it."""
    bands = band_order({call.band for call in calls if call.band is not None})
    options: dict[str, Any] = {
        "method": "lombscargle", "bands": bands or None, "n_peaks": 5, "error_floor": None,
        "single_bands": any(call.alone for call in calls),
    }  # fmt: skip
    if limits is not None:
        options |= {"min_period": limits[0], "max_period": limits[1]}
    step = periods_step(catalog, column, options, _STILL, _OURS)
    return _Step(step, [(f"#{c.column}", name) for c, given in calls.items() for name in given])


def _together(node: Node, column: str, steps: Sequence[_Step]) -> plan.Append:
    """Return steps as one, which reads the light curves once."""
    schema = pa.schema(
        [one.step.columns.field(old).with_name(new) for one in steps for old, new in one.names]
    )
    return plan.Append(
        node,
        column,
        tuple(dict.fromkeys(field for one in steps for field in one.step.fields)),
        partial(_tables, parts=tuple((one.step.function, tuple(one.names)) for one in steps)),
        schema,
        said=json.dumps({"step": "functions", "of": [json.loads(s.step.said) for s in steps]}),
        calls=tuple(call for one in steps for call in one.step.calls),
    )


def _tables(
    column: pa.StructArray,
    *,
    parts: Sequence[tuple[Callable[..., pa.Table], Sequence[tuple[str, str]]]],
) -> pa.Table:
    made: dict[str, pa.ChunkedArray] = {}
    for function, names in parts:
        table = function(column)
        made |= {new: table.column(old) for old, new in names}
    return pa.table(made)
