"""Plans of the steps inside of light curves."""

from __future__ import annotations

from skyseries.catalog.plan.cleaning import CleanEpochs
from skyseries.catalog.plan.epochs import AssignEpochs, FilterEpochs, SliceEpochs, SortEpochs
from skyseries.catalog.plan.unnest import Unnest
from tests.catalog.nodes import twin
from tests.catalog.nodes.case import Case, plan
from tests.catalog.nodes.world import CURVE, Row, World


@plan(FilterEpochs)
def by_values_of_the_object(world: World) -> Case:
    node = world.objects.catalog.query(
        f"{CURVE}.flux > 49 * mag AND {CURVE}.mjd >= AVG({CURVE}.mjd)"
    )._node

    def change(mine, row):
        mean = sum(e["mjd"] for e in mine) / max(len(mine), 1)
        limit = 49 * twin.number(row["mag"])
        return [e for e in mine if twin.number(e["flux"]) > limit and e["mjd"] >= mean]

    return Case(node, lambda: twin.changed(world.objects.rows, change))


@plan(AssignEpochs)
def a_new_field(world: World) -> Case:
    node = world.objects.catalog.assign({f"{CURVE}.next": f"{CURVE}.bits + k"})._node
    names = [*world.objects.rows[0].values[CURVE], "next"]

    def change(mine, row):
        return [e | {"next": None if row["k"] is None else e["bits"] + row["k"]} for e in mine]

    made = (f"{CURVE}.next",)
    return Case(node, lambda: twin.changed(world.objects.rows, change, names), made=made)


@plan(AssignEpochs)
def a_replaced_field(world: World) -> Case:
    node = world.objects.catalog.assign({f"{CURVE}.mjd": f"{CURVE}.mjd - 60000"})._node

    def change(mine, row):
        return [e | {"mjd": e["mjd"] - 60000} for e in mine]

    made = (f"{CURVE}.mjd",)
    return Case(node, lambda: twin.changed(world.objects.rows, change), made=made)


@plan(SortEpochs)
def by_time_backwards(world: World) -> Case:
    node = world.objects.catalog.sort_lightcurves("mjd DESC")._node

    def change(mine, row):
        return sorted(mine, key=lambda e: -e["mjd"])

    return Case(node, lambda: twin.changed(world.objects.rows, change))


@plan(SliceEpochs)
def the_last_but_one(world: World) -> Case:
    node = world.objects.catalog.slice_lightcurves(-4, -1, 2)._node
    return Case(node, lambda: twin.changed(world.objects.rows, lambda mine, row: mine[-4:-1:2]))


@plan(CleanEpochs)
def without_flagged_epochs(world: World) -> Case:
    node = world.objects.catalog.clean_lightcurves(flags={"bits": 2})._node

    def change(mine, row):
        return [e for e in mine if not e["bits"] & 2]

    return Case(node, lambda: twin.changed(world.objects.rows, change))


@plan(Unnest)
def a_row_for_each_epoch(world: World) -> Case:
    node = world.objects.catalog.explode(["id", "ra", "dec", "mag"])._node

    def rows() -> list[Row]:
        return [
            Row(row.cell, row.ra, row.dec, {name: row.values[name] for name in node.objects} | e)
            for row in world.objects.rows
            for e in twin.epochs(row.values[CURVE])
        ]

    return Case(node, rows, made=tuple(world.objects.rows[0].values[CURVE]))
