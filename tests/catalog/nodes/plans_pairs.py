"""Plans of the nodes that bring rows of two catalogs together: by place, and by key."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from skyseries.adql import Scope, resolve_condition
from skyseries.catalog.plan.join import Join
from skyseries.catalog.plan.joincurves import JoinCurves
from skyseries.catalog.plan.joinmap import MapValues
from skyseries.catalog.plan.match import Match
from skyseries.catalog.plan.nestmatch import NestedMatch
from skyseries.catalog.plan.outer import RightOnly, Unpaired
from skyseries.catalog.plan.stage import stages_of
from skyseries.config import tuned
from tests.catalog.nodes import twin
from tests.catalog.nodes.case import Case, plan
from tests.catalog.nodes.world import Row, World

DISTANCE = "_dist_arcsec"
RADIUS = 30.0
"""Farther than the margin of 20 arcsec reaches from the objects that are nearest to it."""
NEAR = 15.0

STARS = {"star": "star", "ra": "ra_stars", "dec": "dec_stars", "object": "object", "z": "z",
         "t": "t", "band": "band"}  # fmt: skip
"""What the columns of the stars are called beside those of the objects."""
BOTH = {0: ("id", "id"), 1: ("star", "star")}


def as_stars(star: Row | None) -> dict[str, Any]:
    return {new: None if star is None else star.values[old] for old, new in STARS.items()}


def matched(
    left: Sequence[Row],
    right: Sequence[Row],
    partners: Sequence[Sequence[tuple[int, float]]],
    *,
    lonely: bool = False,
) -> list[Row]:
    found = []
    for row, mine in zip(left, partners, strict=True):
        found += [row.having(**as_stars(right[i]), **{DISTANCE: d}) for i, d in mine]
        if lonely and not mine:
            found.append(row.having(**as_stars(None), **{DISTANCE: None}))
    return found


def exchanged(case: Case) -> Case:
    """Return a case of which the left positions have a suffix, and the right ones have none."""
    names = {"ra": "ra_objects", "dec": "dec_objects", "ra_stars": "ra", "dec_stars": "dec"}

    def rows() -> list[Row]:
        return [
            row._replace(values={names.get(k, k): v for k, v in row.values.items()})
            for row in case.rows()
        ]

    return replace(case, rows=rows)


def match_case(world: World, left: Any = None, *, radius: Any = RADIUS, **options: Any) -> Case:
    """Return a match of objects with stars."""
    objects = world.objects if left is None else left
    options = {"suffixes": ("", "_stars")} | options
    node = objects.catalog.crossmatch(world.stars.catalog, radius, **options)._node
    n = options.get("n_neighbors", 1)
    reach: Callable[[Row], float] = lambda row: radius  # noqa: E731
    if isinstance(radius, str):
        reach = lambda row: twin.number(row.values["k"]) * 10  # noqa: E731

    def rows() -> list[Row]:
        partners = twin.nearest(objects.rows, world.stars.rows, reach, n)
        if options.get("one_to_one"):
            back = twin.nearest(world.stars.rows, objects.rows, lambda row: radius)
            mutual = {(b[0][0], i) for i, b in enumerate(back) if b}
            partners = [
                [pair for pair in mine if (i, pair[0]) in mutual]
                for i, mine in enumerate(partners)
            ]  # fmt: skip
        if options.get("how") == "anti":
            found = zip(objects.rows, partners, strict=True)
            return [row for row, mine in found if not mine]
        lonely = options.get("how") == "left"
        return matched(objects.rows, world.stars.rows, partners, lonely=lonely)

    ids = {0: ("id", "id")} if options.get("how") == "anti" else BOTH
    return Case(node, rows, made=(DISTANCE,), ids=ids, close=(DISTANCE,))


@plan(Match)
def nearest_star(world: World) -> Case:
    return match_case(world)


@plan(Match)
def every_star_within_the_margin_or_none(world: World) -> Case:
    return match_case(world, radius=NEAR, n_neighbors=None, how="left")


@plan(Match)
def without_a_star(world: World) -> Case:
    return match_case(world, how="anti")


@plan(Match)
def each_others_nearest(world: World) -> Case:
    return match_case(world, radius=120.0, one_to_one=True, how="left")


@plan(Match)
def each_others_nearest_of_a_table(world: World) -> Case:
    return match_case(world, world.table_near, radius=120.0, one_to_one=True)


@plan(Match)
def a_radius_for_each_row(world: World) -> Case:
    suffixes = "_objects", ""
    return exchanged(match_case(world, radius="k * 10", n_neighbors=2, suffixes=suffixes))


@plan(Match)
def stars_of_which_a_condition_on_both_is_true(world: World) -> Case:
    case = match_case(world, n_neighbors=None, how="left")
    match = case.node
    assert isinstance(match, Match)
    condition = resolve_condition("k < 3 OR dec_stars > dec", Scope.from_schema(match.schema))
    node = replace(match, rule=replace(match.rule, condition=condition))

    def rows() -> list[Row]:
        objects, stars = world.objects.rows, world.stars.rows
        near = twin.nearest(objects, stars, lambda row: RADIUS, None)
        partners = [
            [
                (i, d)
                for i, d in mine
                if twin.number(row.values["k"]) < 3 or stars[i].values["dec"] > row.values["dec"]
            ]
            for row, mine in zip(objects, near, strict=True)
        ]
        return matched(objects, stars, partners, lonely=True)

    return replace(case, node=node, rows=rows)


@plan(Match)
def stars_of_a_large_table(world: World) -> Case:
    table = world.large_table
    node = table.catalog.crossmatch(world.stars.catalog, 7200.0, suffixes=("", "_stars"))._node

    def rows() -> list[Row]:
        found = twin.nearest(world.stars.rows, table.rows, lambda row: 7200.0, None)
        best: dict[int, tuple[int, float]] = {}
        for i, mine in enumerate(found):
            for j, d in mine:
                best[j] = min((i, d), best.get(j, (i, math.inf)), key=lambda pair: pair[1])
        partners = [[best[j]] if j in best else [] for j in range(len(table.rows))]
        return matched(table.rows, world.stars.rows, partners)

    return Case(node, rows, made=(DISTANCE,), ids=BOTH, close=(DISTANCE,))


@plan(Match)
def objects_near_a_large_table(world: World) -> Case:
    table = world.large_table
    right = table.catalog.rename({"id": "row", "ra": "ra_t", "dec": "dec_t"})
    node = world.objects.catalog.crossmatch(right, 7200.0, suffixes=("", "_t"))._node

    def rows() -> list[Row]:
        partners = twin.nearest(world.objects.rows, table.rows, lambda row: 7200.0)
        found = []
        for row, mine in zip(world.objects.rows, partners, strict=True):
            for i, d in mine:
                other = table.rows[i].values
                found.append(
                    row.having(
                        row=other["id"], ra_t=other["ra"], dec_t=other["dec"], x=other["x"],
                        **{DISTANCE: d},
                    )
                )  # fmt: skip
        return found

    ids = {0: ("id", "id"), 1: ("row", "row")}
    return Case(node, rows, made=(DISTANCE,), ids=ids, close=(DISTANCE,))


def nested_case(world: World, how: str) -> Case:
    node = world.objects.catalog.crossmatch(
        world.stars.catalog, RADIUS, n_neighbors=None, how=how, nested="near"
    )._node
    fields = [name for name in world.stars.catalog.columns if name != "_healpix_29"]

    def rows() -> list[Row]:
        partners = twin.nearest(world.objects.rows, world.stars.rows, lambda row: RADIUS, None)
        found = []
        for row, mine in zip(world.objects.rows, partners, strict=True):
            lists = {f: [world.stars.rows[i].values[f] for i, _ in mine] for f in fields}
            lists[DISTANCE] = [d for _, d in mine]
            if mine or how == "left":
                found.append(row.having(near=lists))
        return found

    return Case(node, rows, made=("near",), close=("near",))


@plan(NestedMatch)
def stars_of_those_that_have_some(world: World) -> Case:
    return nested_case(world, "inner")


@plan(NestedMatch)
def stars_of_all(world: World) -> Case:
    return nested_case(world, "left")


def outer_rest(world: World) -> RightOnly:
    """Return the right side of an outer match."""
    found = world.objects.catalog.crossmatch(world.stars.catalog, RADIUS, how="outer")._node
    rest = found.children[1]
    assert isinstance(rest, RightOnly)
    return rest


def unpaired(world: World) -> list[Row]:
    partners = twin.nearest(world.objects.rows, world.stars.rows, lambda row: RADIUS)
    taken = {i for mine in partners for i, _ in mine}
    return [row for i, row in enumerate(world.stars.rows) if i not in taken]


@plan(Unpaired)
def stars_that_are_nobodys_nearest(world: World) -> Case:
    node = outer_rest(world).child
    return Case(node, lambda: unpaired(world), ids={0: ("star", "star")})


@plan(RightOnly)
def stars_in_the_columns_of_the_match(world: World) -> Case:
    nothing = dict.fromkeys(world.objects.catalog.columns)

    def values(row: Row) -> Row:
        here = nothing | {"_healpix_29": row.cell} | as_stars(row) | {DISTANCE: None}
        return row._replace(values=here)

    def rows() -> list[Row]:
        return [values(row) for row in unpaired(world)]

    ids = {0: ("star", "star")}
    return Case(outer_rest(world), rows, made=("_healpix_29",), ids=ids)


def joined(
    world: World,
    how: str,
    small_side_bytes: int = 1 << 30,
    suffixes: tuple[str, str] = ("", "_stars"),
) -> Join:
    """Return a join of objects with the stars that name them, found in one of the ways."""
    with tuned(small_side_bytes=small_side_bytes):
        node = world.objects.catalog.join(
            world.stars.catalog, left_on="id", right_on="object", how=how, suffixes=suffixes
        )._node
    assert isinstance(node, Join)
    return node


def join_case(world: World, node: Join, given: int = 0) -> Case:
    def rows() -> list[Row]:
        found = []
        for row in world.objects.rows:
            mine = [r for r in world.stars.rows if r.values["object"] == row.values["id"]]
            if node.how == "anti":
                found += [] if mine else [row]
                continue
            found += [row.having(**as_stars(star)) for star in mine]
            if node.how == "left" and not mine:
                found.append(row.having(**as_stars(None)))
        return found

    ids = {0: ("id", "id")} if node.how == "anti" else BOTH
    return Case(node, rows, ids=ids, given=given)


@plan(Join)
def with_a_small_catalog(world: World) -> Case:
    return join_case(world, joined(world, "inner"), given=world.bytes_of_stars)


@plan(Join)
def with_a_small_catalog_or_null(world: World) -> Case:
    node = joined(world, "left", suffixes=("_objects", ""))
    return exchanged(join_case(world, node, given=world.bytes_of_stars))


@plan(Join)
def with_nobody_of_a_table(world: World) -> Case:
    table = pa.table({"object": pa.array([row.values["object"] for row in world.stars.rows])})
    node = world.objects.catalog.join(table, left_on="id", right_on="object", how="anti")._node
    return join_case(world, node, given=table.nbytes)


@plan(Join)
def with_a_temporary_index(world: World) -> Case:
    return join_case(world, joined(world, "left", small_side_bytes=0))


@plan(Join)
def with_an_id_index(world: World) -> Case:
    left = world.stars.catalog.query("object IS NOT NULL")
    right = world.objects.catalog.select(["id", "mag", "lightcurve"])
    with tuned(small_side_bytes=0):
        node = left.join(right, left_on="object", right_on="id")._node
    assert not list(stages_of(node))

    def rows() -> list[Row]:
        by_id = {
            row.values["id"]: row.only("id", "mag", "lightcurve") for row in world.objects.rows
        }
        return [
            row.having(**by_id[row.values["object"]].values)
            for row in world.stars.rows
            if row.values["object"] in by_id
        ]

    return Case(node, rows, ids={0: ("star", "star"), 1: ("id", "id")})


@plan(Join)
def next_in_time(world: World) -> Case:
    catalog = world.objects.catalog
    node = catalog.merge_asof(
        world.stars.catalog, left_on="k", right_on="t", left_by="id", right_by="object",
        direction="forward", how="left", suffixes=("", "_stars"),
    )._node  # fmt: skip

    def rows() -> list[Row]:
        found = []
        for row in world.objects.rows:
            k = row.values["k"]
            mine = [
                star for star in world.stars.rows
                if star.values["object"] == row.values["id"] and k is not None
                and star.values["t"] is not None and star.values["t"] >= k
            ]  # fmt: skip
            first = min(mine, key=lambda star: star.values["t"], default=None)
            found.append(row.having(**as_stars(first)))
        return found

    return Case(node, rows, ids=BOTH, given=world.bytes_of_stars)


FIELDS = ["z", "t", "band"]


def curves_case(world: World, small_side_bytes: int = 1 << 30, **more: Any) -> Case:
    """Return the stars that name an object as its light curve, found in one of the ways."""
    options = {"columns": FIELDS, "time": "t", "orphans": "ignore"} | more
    known = world.stars.catalog.query("object > 5")
    with tuned(small_side_bytes=small_side_bytes):
        node = world.objects.catalog.join_lightcurves(
            known, left_on="id", right_on="object", name="visits", **options
        )._node

    def rows() -> list[Row]:
        found = []
        for row in world.objects.rows:
            mine = [r for r in world.stars.rows if r.values["object"] == row.values["id"]]
            mine.sort(key=lambda star: twin.number(star.values["t"], math.inf))
            visits = {name: [star.values[name] for star in mine] for name in FIELDS}
            found.append(row.having(visits=visits))
        return found

    given = world.bytes_of_stars if small_side_bytes else 0
    return Case(node, rows, made=("visits",), given=given)


@plan(JoinCurves)
def of_a_small_catalog(world: World) -> Case:
    return curves_case(world)


@plan(JoinCurves)
def of_a_small_catalog_without_orphans(world: World) -> Case:
    return curves_case(world, orphans="raise")


@plan(JoinCurves)
def of_a_catalog_that_is_brought(world: World) -> Case:
    return curves_case(world, small_side_bytes=0)


@plan(JoinCurves)
def of_a_catalog_nearby(world: World) -> Case:
    return curves_case(world, small_side_bytes=0, within_arcsec=648_000)


def map_case(world: World, held: Any, order: int | None) -> Case:
    node = held.catalog.merge_map(world.sky_map, order=order)._node

    def rows() -> list[Row]:
        return [row.having(**world.map_value(row.cell)) for row in held.rows]

    return Case(node, rows, made=("dust", "n"))


@plan(MapValues)
def order_known(world: World) -> Case:
    return map_case(world, world.table, 4)


@plan(MapValues)
def order_looked_up(world: World) -> Case:
    return map_case(world, world.objects, None)
