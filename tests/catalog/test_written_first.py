"""A result does not depend on whether the steps before it were written as a catalog first."""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.errors import InputError, SkyseriesError
from tests.pipelines.survey import same, small_parts, write_parts

EVERY = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "full" else 8
"""Of the verbs, each step is tried with one of so many, another part of them for each step."""

N = 60
BANDS = ["g", "r", "i", "G", "R", "I"]


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """Return a catalog of a small field, in several partitions, with ids above 2**53."""
    rng = np.random.default_rng(4)
    folder = tmp_path_factory.mktemp("field")
    mag = pa.array(rng.normal(20, 1, N), mask=rng.random(N) < 0.1)
    mag_field = pa.field("mag", pa.float64(), metadata={"unit": "mag"})
    ids, ra, dec = 2**60 + rng.permutation(N), rng.uniform(8, 12, N), rng.uniform(-2, 2, N)
    objects = pa.table({"id": ids, "ra": ra, "dec": dec}).append_column(mag_field, mag)
    n = 7 * N
    sources = pa.table(
        {
            "id": rng.choice(objects["id"].to_numpy(), n), "mjd": np.sort(rng.uniform(0, 50, n)),
            "band": rng.choice(["g", "r", "i"], n), "flux": rng.normal(1e3, 100, n),
            "flux_err": rng.uniform(1, 9, n),
        }
    )  # fmt: skip
    with small_parts():
        sky.import_catalog(
            write_parts(folder / "o", objects), folder / "c", id="id", time_scale="tai",
            lightcurves=write_parts(folder / "s", sources), max_rows=25, progress=False,
            durability="process",
        )  # fmt: skip
    return folder / "c"


@pytest.fixture(scope="module")
def stars(field):
    """Return a table near to every second object, with columns of its own."""
    rows = sky.open_catalog(field)["ra", "dec"].to_arrow()[::2]
    names = pa.array([f"star {i}" for i in range(len(rows))])
    return rows.append_column("name", names).append_column("z", pa.array(np.linspace(0, 3, 30)))


def mean_flux(time, flux, flux_err, band):
    return float(flux.mean()) if flux.size else None


STEPS = {
    "none": lambda c, _: c,
    "objects": lambda c, _: c.query("mag < 20.2"),
    "epochs": lambda c, _: c.query("lightcurve.band = 'r'"),
    "both": lambda c, _: c.query("mag < 21 AND lightcurve.flux > 990 AND COUNT(lightcurve.mjd)>4"),
    "no epochs": lambda c, _: c.query("lightcurve.flux > 1e30"),
    "nothing": lambda c, _: c.query("mag > 1e6"),
    "cone": lambda c, _: c.cone_search(10, 0, 5000),
    "slice": lambda c, _: c.slice_lightcurves(1, 4),
    "values": lambda c, _: c.assign({"mag": "mag - 9", "lightcurve.flux": "lightcurve.flux * 2"}),
    "bands": lambda c, _: c.assign({"lightcurve.band": "UPPER(lightcurve.band)"}),
    "fields": lambda c, _: c.assign({"lightcurve.snr": "lightcurve.flux / lightcurve.flux_err"}),
    "new ids": lambda c, _: c.assign(id="id + 1000"),
    "renamed": lambda c, _: c.rename({"mag": "gmag", "lightcurve": "lc"}),
    "id renamed": lambda c, _: c.rename({"id": "number"}),
    "exchanged": lambda c, _: c.assign(k="id + 3").rename({"k": "id", "id": "k"}),
    "some columns": lambda c, _: c.select(["id", "ra", "dec", "lightcurve.mjd", "lightcurve.flux"]),
    "no light curves": lambda c, _: c.drop("lightcurve"),
    "ids": lambda c, _: c.id_search(c.to_arrow()["id"].to_pylist()[5::3]),
    "sample": lambda c, _: c.sample(40, seed=3),
    "twice": lambda c, _: c.concat(c.query("mag < 20")).drop_duplicates("id"),
    "halves": lambda c, _: c.query("mag < 20").concat(c.query("NOT mag < 20 OR mag IS NULL")),
    "matched": lambda c, stars: c.crossmatch(stars, 1).query("z < 2"),
    "left": lambda c, stars: c.crossmatch(stars, 1, how="left").query("mag < 20.5"),
    "alone": lambda c, stars: c.crossmatch(stars, 1, how="anti"),
    "features": lambda c, _: c.features(["Mean", "Ndata"]).query("r_fluxMean > 1000"),
    "function": lambda c, _: c.map_lightcurves(mean_flux, schema=pa.float64(), names="m"),
}  # fmt: skip


def mag(catalog):
    return next((name for name in ("mag", "gmag") if name in catalog.columns), "dec")


def lc(catalog):
    return next(iter(catalog.lightcurve_columns), "lightcurve")


def rows(catalog):
    return catalog.to_arrow().to_pylist()


def in_any_order(catalog):
    return sorted(map(repr, rows(catalog)))


def curves_of(catalog, ids):
    """Return light curves by their ids, and the kind of error of those that are not there."""
    found = {}
    for id_ in [*ids, 5]:
        try:
            curve = catalog.lightcurve(id_)
        except SkyseriesError as error:
            found[id_] = type(error).__name__
            continue
        arrays = (curve.time, curve.value, curve.error, curve.bands)
        found[id_] = [curve.ra, curve.dec, *(None if a is None else a.tolist() for a in arrays)]
    return found


def described(catalog):
    """Return what info says, of which the number of rows may be left open."""
    said = catalog.info()
    assert said.rows in (None, len(catalog))
    assert said.most_rows is None or said.most_rows >= len(catalog)
    return said.columns, catalog.columns, catalog.lightcurve_columns


ALWAYS = {
    "rows": lambda c, _: rows(c),
    "length": lambda c, _: len(c),
    "light curves": curves_of,
    "info": lambda c, _: described(c),
}
VERBS = {
    "head": lambda c, _: c.head(7).to_dict("list"),
    "roles": lambda c, _: c.lightcurve_fields(),
    "ids": lambda c, ids: rows(c.id_search(ids)),
    "query": lambda c, _: rows(c.query(f"{mag(c)} < 20.4 AND {lc(c)}.flux > 1000")),
    "cone": lambda c, _: rows(c.cone_search(10, 0, 4000)),
    "describe": lambda c, _: c.describe().to_pylist(),
    "histogram": lambda c, _: [a.tolist() for a in c.histogram(mag(c), bins=7)],
    "histogram2d": lambda c, _: [a.tolist() for a in c.histogram2d("ra", "dec", bins=3)],
    "map": lambda c, _: c.sky_histogram(6).tolist(),
    "map of sums": lambda c, _: c.sky_histogram(5, weights=mag(c)).round(3).tolist(),
    "quantiles": lambda c, _: c.quantiles([mag(c)], [0, 0.3, 1]).to_pylist(),
    "counts": lambda c, _: c.value_counts(f"{lc(c)}.band").to_pylist(),
    "unique": lambda c, _: c.unique(f"{lc(c)}.band").to_pylist(),
    "groups": lambda c, _: c.group_by("FLOOR(dec) AS zone").aggregate(n="COUNT(*)").to_pylist(),
    "epochs": lambda c, _: c.aggregate(n="COUNT(*)", epochs=lc(c)).to_pylist(),
    "sorted": lambda c, _: c.sort_values("dec DESC", n=9).to_pylist(),
    "sample": lambda c, _: rows(c.sample(min(9, len(c)), seed=1)),
    "duplicates": lambda c, _: rows(c.drop_duplicates()),
    "batches": lambda c, _: [b.to_pylist() for b in c.iter_batches(20, format="arrow")],
    "features": lambda c, _: rows(c.features(["Max", "Ndata"], bands=BANDS)),
    "function": lambda c, _: rows(c.map_lightcurves(mean_flux, schema=pa.float64(), names="f")),
    "partitions": lambda c, _: sum(map(len, (rows(c.map_partitions(lambda rows: rows)),))),
    "match": lambda c, _: in_any_order(c.crossmatch(c["ra", "dec"], 2000, n_neighbors=3)),
    "self": lambda c, _: in_any_order(c.self_match(2000)),
    "astropy": lambda c, _: repr(c.to_astropy()),
}


def answer(verb, catalog, ids):
    """Return what a verb gives, or the kind of its error."""
    try:
        return verb(catalog, ids)
    except SkyseriesError as error:
        return type(error)


@pytest.mark.parametrize("name", STEPS)
def test_what_is_computed_is_that_of_the_written_rows(field, stars, tmp_path, name):
    whole = sky.open_catalog(field)
    ids = whole.to_arrow()["id"].to_pylist()[::15]
    steps = STEPS[name](whole, stars)
    steps.write_catalog(tmp_path / "c", "c", margin_arcsec=None, durability="process")
    written = sky.open_catalog(tmp_path / "c").select(steps.columns)
    first = list(STEPS).index(name) % EVERY
    verbs = ALWAYS | dict(list(VERBS.items())[first::EVERY])
    differ = {}
    for verb, ask in verbs.items():
        found, wanted = answer(ask, steps, ids), answer(ask, written, ids)
        if not same(found, wanted):
            differ[verb] = found, wanted
    assert not differ


def test_rows_that_were_moved_are_nowhere_but_where_they_are_filed(field):
    """Moved rows cannot be written as they are filed; what asks where they are says so."""
    moved = sky.open_catalog(field).assign(ra="ra + 1", dec="dec / 2")
    table = moved.drop("_healpix_29").to_arrow()
    again = sky.from_table(table)
    assert moved.histogram("ra", bins=4)[0].tolist() == again.histogram("ra", bins=4)[0].tolist()
    curve, row = moved.lightcurve(table["id"][7].as_py()), table.slice(7, 1).to_pylist()[0]
    assert (curve.ra, curve.dec) == (row["ra"], row["dec"])
    for ask in (
        lambda: moved.sky_histogram(6),
        lambda: moved.cone_search(10, 0, 100),
        lambda: moved.crossmatch(again),
        lambda: moved.set_lightcurve(refposition="topocenter").periods(barycentric=True),
        lambda: moved.merge_map(moved),
    ):
        with pytest.raises(InputError, match="replaced"):
            ask()
    assert again.sky_histogram(6).sum() == N
