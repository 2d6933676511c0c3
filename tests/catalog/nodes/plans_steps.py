"""Plans of the steps that look at each row by itself."""

from __future__ import annotations

import pyarrow as pa

from skyseries.catalog.plan.epochsearch import EpochSearch
from skyseries.catalog.plan.expressions import Assign, Filter
from skyseries.catalog.plan.idsearch import IdSearch
from skyseries.catalog.plan.maprows import MapRows
from skyseries.catalog.plan.once import Once
from skyseries.catalog.plan.pairs import Rename
from skyseries.catalog.plan.places import ByHash, ByPlace
from skyseries.catalog.plan.steps import Append, Search, Select
from skyseries.spatial.sphere import separation_arcsec
from tests.catalog.nodes import twin
from tests.catalog.nodes.case import Case, plan
from tests.catalog.nodes.world import CURVE, Row, World


def kept(rows, which):
    return [row for row in rows if which(row)]


@plan(Select)
def columns_in_another_order(world: World) -> Case:
    names = ["name", CURVE, "dec", "id", "ra"]
    node = world.objects.catalog.select(names)._node
    return Case(node, lambda: [row.only(*names) for row in world.objects.rows])


@plan(Select)
def fields_of_light_curves(world: World) -> Case:
    node = world.objects.catalog.select([f"{CURVE}.flux", "id", f"{CURVE}.mjd"])._node

    def rows() -> list[Row]:
        return [
            row.only(CURVE, "id").having(
                **{CURVE: {name: row.values[CURVE][name] for name in ("flux", "mjd")}}
            )
            for row in world.objects.rows
        ]

    return Case(node, rows)


@plan(Search)
def cone_around_the_pole(world: World) -> Case:
    node = world.objects.catalog.cone_search(40.0, 89.999, 200_000)._node
    near = lambda row: separation_arcsec(row.ra, row.dec, 40.0, 89.999) <= 200_000  # noqa: E731
    return Case(node, lambda: kept(world.objects.rows, near))


@plan(Search)
def box_over_ra_0_of_a_table(world: World) -> Case:
    node = world.table.catalog.box_search((300, 60), (-60, 45))._node

    def inside(row: Row) -> bool:
        return (row.ra >= 300 or row.ra <= 60) and -60 <= row.dec <= 45

    return Case(node, lambda: kept(world.table.rows, inside))


@plan(IdSearch)
def ids_through_the_index(world: World) -> Case:
    ids = [row.values["id"] for row in world.objects.rows[3::11]]
    node = world.objects.catalog.id_search([*ids, 17])._node
    assert "through the id index" in node.describe()
    return Case(node, lambda: kept(world.objects.rows, lambda row: row.values["id"] in ids))


@plan(IdSearch)
def names_without_an_index(world: World) -> Case:
    node = world.objects.catalog.id_search(["obj é 3", "obj é 4"], "name")._node
    names = ("obj é 3", "obj é 4")
    return Case(node, lambda: kept(world.objects.rows, lambda row: row.values["name"] in names))


@plan(IdSearch)
def more_ids_than_a_task_should_have(world: World) -> Case:
    there = [row.values["id"] for row in world.table.rows[::2]]
    ids = [*range(1 << 59, (1 << 59) + 10_000), *there]
    node = world.table.catalog.id_search(ids, "id")._node
    return Case(node, lambda: world.table.rows[::2])


@plan(Filter)
def null_and_nan(world: World) -> Case:
    node = world.objects.catalog.query("mag < 20.2 OR k = 1")._node

    def holds(row: Row) -> bool:
        return twin.number(row.values["mag"], 99) < 20.2 or row.values["k"] == 1

    return Case(node, lambda: kept(world.objects.rows, holds))


@plan(Filter)
def aggregates_of_light_curves(world: World) -> Case:
    node = world.objects.catalog.query(f"COUNT({CURVE}.mjd) > 4 AND k >= 1")._node

    def holds(row: Row) -> bool:
        return len(row.values[CURVE]["mjd"]) > 4 and (row.values["k"] or 0) >= 1

    return Case(node, lambda: kept(world.objects.rows, holds))


@plan(Assign)
def new_and_replaced_columns(world: World) -> Case:
    wanted = {"twice": "k * 2 + 1", "last": f"MAX({CURVE}.mjd)", "k": "k + 10"}
    node = world.objects.catalog.assign(wanted)._node

    def values(row: Row) -> Row:
        k = row.values["k"]
        return row.having(
            k=None if k is None else k + 10,
            twice=None if k is None else k * 2 + 1,
            last=max(row.values[CURVE]["mjd"], default=None),
        )

    return Case(node, lambda: [values(row) for row in world.objects.rows], made=tuple(wanted))


@plan(Assign)
def a_position_replaced(world: World) -> Case:
    node = world.table.catalog.assign({"ra": "ra + 0.0", "y": "x"})._node

    def values(row: Row) -> Row:
        return row.having(y=row.values["x"])

    return Case(node, lambda: [values(row) for row in world.table.rows], made=("ra", "y"))


@plan(Once)
def columns_that_are_kept(world: World) -> Case:
    made = world.objects.catalog.assign(twice="k * 2 + 1", last=f"MAX({CURVE}.mjd)")._node

    def values(row: Row) -> Row:
        k = row.values["k"]
        last = max(row.values[CURVE]["mjd"], default=None)
        return row.having(twice=None if k is None else k * 2 + 1, last=last)

    node = Once(made, ("twice", "last"))
    return Case(node, lambda: [values(row) for row in world.objects.rows])


@plan(Rename)
def names_exchanged(world: World) -> Case:
    names = {"k": "ra", "ra": "k", CURVE: "lc", "id": "mag", "mag": "id"}
    node = world.objects.catalog.rename(names)._node

    def rows() -> list[Row]:
        return [
            row._replace(values={names.get(k, k): v for k, v in row.values.items()})
            for row in world.objects.rows
        ]

    return Case(node, rows, ids={0: ("mag", "id")})


@plan(Append)
def features(world: World) -> Case:
    node = world.objects.catalog.features(["nObs", "nExcluded"])._node

    def values(row: Row) -> Row:
        flux = row.values[CURVE]["flux"]
        usable = sum(map(twin.known, flux))
        return row.having(nObs=usable, nExcluded=len(flux) - usable)

    rows = world.objects.rows
    return Case(node, lambda: [values(row) for row in rows], made=("nObs", "nExcluded"))


def brightness(k, name):
    return None if k is None else (len(name or ""), k / 4)


def amplitude(time, flux, flux_err, band):
    return {"n": len(time), "times": time[::2]}


def fails_of_two(k):
    if k == 2:
        raise ValueError("two")
    return k


@plan(MapRows)
def function_of_rows(world: World) -> Case:
    types = {"letters": pa.int64(), "quarter": pa.float64()}
    node = world.objects.catalog.map_rows(brightness, ["k", "name"], schema=types)._node

    def values(row: Row) -> Row:
        letters, quarter = brightness(row.values["k"], row.values["name"]) or (None, None)
        return row.having(letters=letters, quarter=quarter)

    return Case(node, lambda: [values(row) for row in world.objects.rows], made=tuple(types))


@plan(MapRows)
def function_of_light_curves(world: World) -> Case:
    types = {"n": pa.int64(), "times": pa.list_(pa.float64())}
    node = world.objects.catalog.map_lightcurves(amplitude, schema=types)._node

    def values(row: Row) -> Row:
        mjd = row.values[CURVE]["mjd"]
        return row.having(n=len(mjd), times=mjd[::2])

    return Case(node, lambda: [values(row) for row in world.objects.rows], made=tuple(types))


@plan(MapRows)
def function_that_fails(world: World) -> Case:
    node = world.objects.catalog.map_rows(
        fails_of_two, "k", schema={"same": pa.int64()}, on_error="collect"
    )._node

    def values(row: Row) -> Row:
        failed = row.values["k"] == 2
        return row.having(
            same=None if failed else row.values["k"], _error="ValueError: two" if failed else None
        )

    made = ("same", "_error")
    return Case(node, lambda: [values(row) for row in world.objects.rows], made=made)


@plan(EpochSearch)
def epochs_by_their_own_positions(world: World) -> Case:
    node = world.objects.catalog.search_epochs(
        20.0, 90.0, 400_000, fields=("era", "edec"), columns=["id", "mag"]
    )._node

    def rows() -> list[Row]:
        return [
            Row(row.cell, row.ra, row.dec, {"id": row.values["id"], "mag": row.values["mag"], **e})
            for row in world.objects.rows
            for e in twin.epochs(row.values[CURVE])
            if separation_arcsec(e["era"], e["edec"], 20.0, 90.0) <= 400_000
        ]

    made = tuple(world.objects.rows[0].values[CURVE])
    return Case(node, rows, made=made, placed=False)


@plan(ByHash)
def sample_of_a_fraction(world: World) -> Case:
    node = world.objects.catalog.sample(fraction=0.4, seed=3)._node

    def rows() -> list[Row]:
        found = zip(world.objects.rows, twin.hashes(world.objects.rows, 3), strict=True)
        return [row for row, value in found if value < 0.4 * 2**64]

    return Case(node, rows)


@plan(ByPlace)
def sample_of_a_number(world: World) -> Case:
    node = world.table.catalog.sample(n=30, seed=4)._node

    def rows() -> list[Row]:
        found = twin.hashes(world.table.rows, 4)
        last = sorted(found)[29]
        return [r for r, value in zip(world.table.rows, found, strict=True) if value <= last]

    return Case(node, rows)


@plan(ByPlace)
def without_duplicates(world: World) -> Case:
    node = world.objects.catalog.drop_duplicates(["k", "name"], keep="last")._node

    def rows() -> list[Row]:
        last = {(row.values["k"], row.values["name"]): row for row in world.objects.rows}
        return [r for r in world.objects.rows if last[r.values["k"], r.values["name"]] is r]

    return Case(node, rows)
