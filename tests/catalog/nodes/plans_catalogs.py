"""Plans of the nodes that rows come from, of unions, and of functions of partitions."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter

import pyarrow as pa

from skyseries.catalog.plan.concat import Concat
from skyseries.catalog.plan.mappartitions import MapPartitions
from skyseries.catalog.plan.memory import Memory
from skyseries.catalog.plan.scan import Scan
from skyseries.spatial.healpix import cell_range
from tests.catalog.nodes import twin
from tests.catalog.nodes.case import Case, plan
from tests.catalog.nodes.plans_pairs import (
    BOTH,
    DISTANCE,
    RADIUS,
    as_stars,
    matched,
    outer_rest,
    unpaired,
)
from tests.catalog.nodes.world import Row, World


@plan(Scan)
def with_a_margin(world: World) -> Case:
    return Case(world.objects.node, lambda: world.objects.rows, made=world.objects.catalog.columns)


@plan(Scan)
def without_a_margin(world: World) -> Case:
    held = world.without_margin
    return Case(held.node, lambda: held.rows, made=held.catalog.columns)


@plan(Memory)
def small(world: World) -> Case:
    return Case(world.table.node, lambda: world.table.rows, made=world.table.catalog.columns)


@plan(Memory)
def large(world: World) -> Case:
    held = world.large_table
    return Case(held.node, lambda: held.rows, made=held.catalog.columns)


def along_the_sky(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.cell)


@plan(Concat)
def of_disk_and_memory(world: World) -> Case:
    names = ["id", "ra", "dec"]
    first, second = (held.catalog.select(names) for held in (world.objects, world.table))
    node = first.concat(second)._node

    def rows() -> list[Row]:
        both = [*world.objects.rows, *world.table.rows]
        return along_the_sky([row.only(*names) for row in both])

    return Case(node, rows, ids={0: ("id", "id"), 1: ("id", "id")})


@plan(Concat)
def of_a_catalog_with_itself(world: World) -> Case:
    node = world.objects.catalog.concat(world.objects.catalog.query("k > 1"))._node

    def rows() -> list[Row]:
        some = [row for row in world.objects.rows if (row.values["k"] or 0) > 1]
        return along_the_sky([*world.objects.rows, *some])

    return Case(node, rows, ids={0: ("id", "id"), 1: ("id", "id")})


@plan(Concat)
def outer_match(world: World) -> Case:
    node = world.objects.catalog.crossmatch(world.stars.catalog, RADIUS, how="outer")._node
    nothing = dict.fromkeys(world.objects.catalog.columns)

    def rows() -> list[Row]:
        partners = twin.nearest(world.objects.rows, world.stars.rows, lambda row: RADIUS)
        left = matched(world.objects.rows, world.stars.rows, partners, lonely=True)
        rest = [
            row._replace(
                values=nothing | {"_healpix_29": row.cell} | as_stars(row) | {DISTANCE: None}
            )
            for row in unpaired(world)
        ]
        return along_the_sky([*left, *rest])

    assert type(node.children[1]) is type(outer_rest(world))
    return Case(node, rows, ids={0: BOTH[0], 1: BOTH[1]}, close=(DISTANCE,))


def counted(table: pa.Table) -> pa.Table:
    kept = table.select(["id", "ra", "dec"])
    return kept.append_column("n", pa.array([table.num_rows] * table.num_rows, pa.int64()))


def number_of(table: pa.Table) -> pa.Table:
    return pa.table({"n": pa.array([table.num_rows], pa.int64())})


def fails_of_few(table: pa.Table) -> pa.Table:
    if 0 < table.num_rows < 5:
        raise ValueError("too few")
    return number_of(table)


def partition_of(world: World) -> dict[int, int]:
    """Return for the cell of each object where its partition begins."""
    begin = sorted(int(cell_range(*cell)[0]) for cell in world.objects.catalog.partitions)
    return {row.cell: begin[bisect_right(begin, row.cell) - 1] for row in world.objects.rows}


@plan(MapPartitions)
def rows_with_their_positions(world: World) -> Case:
    node = world.objects.catalog.map_partitions(counted)._node

    def rows() -> list[Row]:
        home = partition_of(world)
        sizes = Counter(home[row.cell] for row in world.objects.rows)
        return [
            row.only("id", "ra", "dec").having(n=sizes[home[row.cell]])
            for row in world.objects.rows
        ]

    return Case(node, rows, made=("id", "ra", "dec", "n"))


def numbers(world: World) -> list[Row]:
    home = partition_of(world)
    sizes = Counter(home[row.cell] for row in world.objects.rows)
    nan = float("nan")
    return [Row(begin or -1, nan, nan, {"n": sizes[begin]}) for begin in sorted(sizes)]


@plan(MapPartitions)
def one_row_each(world: World) -> Case:
    node = world.objects.catalog.map_partitions(number_of)._node
    return Case(node, lambda: numbers(world), made=("n",), placed=False)


@plan(MapPartitions)
def some_that_fail(world: World) -> Case:
    node = world.objects.catalog.map_partitions(
        fails_of_few, schema={"n": pa.int64()}, on_error="collect"
    )._node

    cells = {int(cell_range(*cell)[0]): cell for cell in world.objects.catalog.partitions}

    def rows() -> list[Row]:
        found = []
        for row in numbers(world):
            failed = row.values["n"] < 5
            text = f"partition {cells[max(row.cell, 0)]}: ValueError: too few"
            n = None if failed else row.values["n"]
            found.append(row.having(n=n, _error=text if failed else None))
        return found

    return Case(node, rows, made=("n", "_error"), placed=False)
