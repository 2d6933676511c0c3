"""Every verb that computes is a stage of a job: watched, counted, cancelled; plans run nothing."""

from __future__ import annotations

import threading

import pytest
from click.testing import CliRunner

import skyseries as sky
from skyseries.catalog import Catalog
from skyseries.catalog.plan.scan import Scan
from skyseries.cli.app import cli
from skyseries.config import tuned
from skyseries.executors import StageStart, TaskEnd, TaskStart

COMPUTE = {
    "aggregate": lambda c, _: c.aggregate(most="MAX(mag)"),
    "describe": lambda c, _: c.describe(),
    "group_by": lambda c, _: c.group_by("ROUND(mag)").aggregate(n="COUNT(*)"),
    "head": lambda c, _: c.head(),
    "histogram": lambda c, _: c.histogram("mag", bins=4, range=(15, 25)),
    "histogram2d": lambda c, _: c.histogram2d("mag", "dec", bins=4, range=((15, 25), (-90, 90))),
    "iter_batches": lambda c, _: list(c.iter_batches(50, ["id", "lightcurve.mjd"])),
    "iter_sorted": lambda c, _: list(c.iter_sorted("mag")),
    "iter_tables": lambda c, _: list(c.iter_tables()),
    "quantiles": lambda c, _: c.quantiles(["mag"], [0.5]),
    "sky_histogram": lambda c, _: c.query("mag < 90").sky_histogram(3),
    "sort_values": lambda c, _: c.sort_values("mag", n=3),
    "to_arrow": lambda c, _: c.to_arrow(),
    "to_astropy": lambda c, _: c.to_astropy(),
    "to_pandas": lambda c, _: c.to_pandas(),
    "to_polars": lambda c, _: c.to_polars(),
    "unique": lambda c, _: c.unique("ROUND(mag)"),
    "value_counts": lambda c, _: c.value_counts("ROUND(mag)"),
    "write_association": lambda c, folder: c.crossmatch(
        sky.open_catalog(c._root.path), radius_arcsec=1
    ).write_association(folder / "a"),
    "write_catalog": lambda c, folder: c.write_catalog(folder / "c"),
    "write_extension": lambda c, folder: c.assign(m="mag + 1").write_extension("e", path=folder),
}
"""Verbs that compute."""

PLAN = {
    "assign": lambda c: c.assign(m="mag + 1"),
    "box_search": lambda c: c.box_search((0, 90), (-30, 30)),
    "clean_lightcurves": lambda c: c.clean_lightcurves(clip=4),
    "concat": lambda c: c.concat(c),
    "cone_search": lambda c: c.cone_search(10, 10, 3600),
    "crossmatch": lambda c: c.crossmatch(other(c), radius_arcsec=1),
    "crossmatch_many": lambda c: c.crossmatch_many({"o": other(c)}, radius_arcsec=1),
    "drop": lambda c: c.drop(["mag"]),
    "drop_duplicates": lambda c: c.drop_duplicates("ROUND(mag)"),
    "explode": lambda c: c.explode(),
    "features": lambda c: c.features(["Mean"]),
    "id_search": lambda c: c.id_search([1, 2]),
    "join": lambda c: c.join(other(c), on="id", how="left"),
    "join_lightcurves": lambda c: c.drop(["lightcurve"]).join_lightcurves(
        other(c).select(["id", "ra", "dec", "mag"]), left_on="id", right_on="id", name="lc"
    ),
    "map_lightcurves": lambda c: c.map_lightcurves(lambda mjd: 1.0, ["mjd"], schema={"one": float}),
    "map_partitions": lambda c: c.map_partitions(lambda t: t, schema=c.schema),
    "map_rows": lambda c: c.map_rows(lambda mag: 1.0, "mag", schema={"one": float}),
    "moc_search": lambda c: c.moc_search("1/3"),
    "periods": lambda c: c.periods(),
    "pixel_search": lambda c: c.pixel_search((1, 3)),
    "polygon_search": lambda c: c.polygon_search([(0, 0), (10, 0), (0, 10)]),
    "query": lambda c: c.query("mag < 20"),
    "rename": lambda c: c.rename({"mag": "m"}),
    "sample": lambda c: c.sample(3),
    "search": lambda c: c.search(sky_region()),
    "select": lambda c: c.select(["id", "mag"]),
    "self_match": lambda c: c.self_match(radius_arcsec=1),
    "set_lightcurve": lambda c: c.set_lightcurve(time="mjd"),
    "slice_lightcurves": lambda c: c.slice_lightcurves(0, 3),
    "sort_lightcurves": lambda c: c.sort_lightcurves("mjd"),
}
"""Verbs that add a step."""

TELL = {
    "columns", "dataset", "explain", "extensions", "info", "lightcurve_columns",
    "lightcurve_fields", "metadata", "name", "partitions", "provenance", "schema",
}  # fmt: skip
"""What describes a catalog; and below, what is tested elsewhere or reads a single object."""
OTHERS = {"lightcurve", "load_extension", "merge_asof", "merge_map", "search_epochs"}


def other(catalog):
    return sky.open_catalog(catalog._root.path).select(["id", "ra", "dec", "mag"])


def sky_region():
    from skyseries.spatial.regions import Cone

    return Cone(10, 10, 3600)


def test_every_verb_is_known_here():
    there = {name for name in dir(Catalog) if not name.startswith("_")}
    assert there == {*COMPUTE, *PLAN, *TELL, *OTHERS}


@pytest.mark.parametrize("verb", COMPUTE)
def test_what_computes_is_watched_and_counted(catalog, verb, tmp_path):
    events = []
    with sky.Job(verb, on_event=events.append) as job:
        COMPUTE[verb](catalog, tmp_path)
    stages = [event for event in events if isinstance(event, StageStart)]
    assert stages
    assert sum(stage.tasks for stage in stages) == job.tasks_done
    assert job.bytes_read == sum(e.bytes_read for e in events if isinstance(e, TaskEnd)) > 0


@pytest.mark.parametrize("verb", COMPUTE)
def test_what_computes_can_be_cancelled(catalog, verb, tmp_path):
    def cancel(event):
        if isinstance(event, TaskStart):
            job.cancel()

    job = sky.Job(verb, on_event=cancel)
    with pytest.raises(sky.Cancelled), job:
        COMPUTE[verb](catalog, tmp_path)
    assert not [p for p in tmp_path.rglob("*.properties") if "v0" in str(p)]


@pytest.mark.parametrize("verb", PLAN)
def test_plans_and_their_explanations_run_nothing(catalog, verb):
    events = []
    with sky.Job(verb, on_event=events.append):
        plan = PLAN[verb](catalog)
        text = str(plan.explain())
        repr(plan)
    assert not events
    with sky.Job(verb, on_event=events.append):
        again = plan.select(plan.columns[:1])
        again.to_arrow()
    started = [event.stage for event in events if isinstance(event, StageStart)]
    assert len(started) >= text.count("before: ") + 1


def tables_of(catalog):
    yield from catalog.iter_tables()


def batches_of(catalog):
    yield from catalog.iter_batches(4, ["id", "lightcurve.mjd"], format="arrow")


def lines_of(catalog):
    out = CliRunner().invoke(cli, ["query", str(catalog._root), "id > 0", "--select", "id"])
    assert out.exit_code == 0
    yield from out.stdout.splitlines()


@pytest.mark.parametrize("results", [tables_of, batches_of, lines_of])
def test_few_results_wait_for_a_slow_one(catalog, survey, monkeypatch, results):
    """The first unit is slow: no more are begun than may wait, and all come in their order."""
    begun: list[int] = []
    crowded: list[bool] = []
    enough = threading.Event()
    first = threading.Lock()
    real = Scan.rows

    def slow(self, area, hints):
        begun.append(int(area.start[0]))
        if first.acquire(blocking=False):
            crowded.append(enough.wait(0.5))  # nothing sets it if the bound holds
        elif len(begun) > 5:
            enough.set()
        return real(self, area, hints)

    monkeypatch.setattr(Scan, "rows", slow)
    with sky.executor("threads", workers=2), tuned(unit_rows=1, least_unit_rows=1):
        found = list(results(catalog))
    assert crowded == [False]
    assert len(begun) > 10
    assert len(found) > 10
