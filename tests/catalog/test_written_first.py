"""A result does not depend on whether the steps before it were written as a catalog first."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.errors import CatalogError, SkyseriesError
from tests.pipelines.survey import same


@pytest.fixture(scope="module")
def other(survey):
    """Return a table near to every second object, with rows of its own."""
    rows = survey.rows[::2]
    return pa.table(
        {
            "ra": [row["ra"] for row in rows], "dec": [row["dec"] for row in rows],
            "name": [f"star {i}" for i in range(len(rows))], "z": np.linspace(0, 3, len(rows)),
        }
    )  # fmt: skip


def mean_flux(time, flux, flux_err, band):
    return float(flux.mean()) if flux.size else None


STEPS = {
    "none": lambda c, _: c,
    "objects": lambda c, _: c.query("mag < 20.2"),
    "epochs": lambda c, _: c.query("lightcurve.band = 'r'"),
    "both": lambda c, _: c.query("mag < 21 AND lightcurve.flux > 0 AND COUNT(lightcurve.mjd) > 4"),
    "no epochs": lambda c, _: c.query("lightcurve.flux > 1e30"),
    "nothing": lambda c, _: c.query("mag > 1e6"),
    "cone": lambda c, _: c.cone_search(0, 0, 300_000),
    "slice": lambda c, _: c.slice_lightcurves(1, 4),
    "new values": lambda c, _: c.assign(
        {"mag": "mag - 100", "lightcurve.flux": "lightcurve.flux * 10"}
    ),
    "new bands": lambda c, _: c.assign({"lightcurve.band": "UPPER(lightcurve.band)"}),
    "new fields": lambda c, _: c.assign({"lightcurve.snr": "lightcurve.flux / lightcurve.flux_err"}),
    "new ids": lambda c, _: c.assign(id="id + 1000"),
    "renamed": lambda c, _: c.rename({"mag": "gmag", "_healpix_29": "cell"}).drop("cell"),
    "exchanged": lambda c, _: c.rename({"mag": "rmag", "id": "mag"}).rename({"rmag": "id"}),
    "few columns": lambda c, _: c.select(["id", "ra", "dec", "lightcurve.mjd", "lightcurve.flux"]),
    "no light curves": lambda c, _: c.drop("lightcurve"),
    "ids": lambda c, _: c.id_search(c.to_arrow()["id"].to_pylist()[5:60:3]),
    "sample": lambda c, _: c.sample(40, seed=3),
    "twice": lambda c, _: c.concat(c.query("mag < 20")).drop_duplicates("id"),
    "two halves": lambda c, _: c.query("mag < 20").concat(c.query("mag >= 20")),
    "matched": lambda c, o: c.crossmatch(o, 1).query("z < 2"),
    "matched, left": lambda c, o: c.crossmatch(o, 1, how="left").query("mag < 20.5"),
    "not matched": lambda c, o: c.crossmatch(o, 1, how="anti"),
    "features": lambda c, _: c.features(["Mean", "Ndata"]).query("r_fluxMean > 0"),
    "function": lambda c, _: c.map_lightcurves(mean_flux, schema=pa.float64()),
}  # fmt: skip


def number_of(catalog):
    return "gmag" if "gmag" in catalog.columns else "mag" if "mag" in catalog.columns else "ra"


def curve_of(catalog):
    """Return every light curve by its id, and what is said of ids that are not there."""
    found = {}
    for id_ in [*IDS, 5]:
        try:
            curve = catalog.lightcurve(id_)
        except SkyseriesError as error:
            found[id_] = type(error).__name__
            continue
        arrays = (curve.time, curve.value, curve.error, curve.bands)
        found[id_] = [curve.ra, curve.dec, *(None if a is None else a.tolist() for a in arrays)]
    return found


VERBS = {
    "rows": lambda c: c.to_arrow().to_pylist(),
    "len": len,
    "columns": lambda c: (c.columns, c.lightcurve_columns),
    "head": lambda c: c.head(7).to_dict("list"),
    "roles": lambda c: c.lightcurve_fields(),
    "light curves": curve_of,
    "ids": lambda c: c.id_search(IDS[:50]).to_arrow().to_pylist(),
    "query": lambda c: c.query(f"{number_of(c)} < 20.4").to_arrow().to_pylist(),
    "cone": lambda c: c.cone_search(0, 0, 200_000).to_arrow().to_pylist(),
    "describe": lambda c: c.describe().to_pylist(),
    "histogram": lambda c: [a.tolist() for a in c.histogram(number_of(c), bins=7)],
    "histogram2d": lambda c: [a.tolist() for a in c.histogram2d("ra", "dec", bins=3)],
    "map": lambda c: c.sky_histogram(2).tolist(),
    "map of sums": lambda c: c.sky_histogram(1, weights=number_of(c)).round(3).tolist(),
    "quantiles": lambda c: c.quantiles([number_of(c)], [0, 0.3, 1]).to_pylist(),
    "counts": lambda c: c.value_counts("lightcurve.band").to_pylist(),
    "unique": lambda c: c.unique("lightcurve.band").to_pylist(),
    "groups": lambda c: c.group_by("FLOOR(dec / 30) AS zone").aggregate(n="COUNT(*)").to_pylist(),
    "epochs": lambda c: c.aggregate(n="COUNT(*)", f="MAX(lightcurve.flux)", epochs="lightcurve")
    .to_pylist(),
    "sorted": lambda c: c.sort_values("dec DESC", n=9).to_pylist(),
    "sample": lambda c: c.sample(9, seed=1).to_arrow().to_pylist() if len(c) > 9 else None,
    "duplicates": lambda c: c.drop_duplicates().to_arrow().to_pylist(),
    "features": lambda c: c.features(["Max", "Ndata"], bands=None).drop("lightcurve").to_arrow()
    .to_pylist(),
    "function": lambda c: c.map_lightcurves(mean_flux, schema=pa.float64(), names="m")["m"].to_arrow()
    .to_pylist(),
    "match": lambda c: c.crossmatch(c["ra", "dec"], 1, suffixes=("", "_b")).to_arrow().to_pylist(),
    "self": lambda c: len(c.self_match(100_000)),
    "info": lambda c: (rows_of(c), c.info().columns),
    "astropy": lambda c: repr(c.to_astropy()),
}  # fmt: skip

IDS: list[int] = []


def rows_of(catalog):
    """Return what info says of the rows: the right number, or none."""
    said = catalog.info()
    assert said.rows in (None, len(catalog))
    assert said.most_rows is None or said.most_rows >= len(catalog)
    return len(catalog)


def answer(verb, catalog):
    """Return what a verb gives, or the kind of its error."""
    try:
        return verb(catalog)
    except SkyseriesError as error:
        return type(error).__name__


@pytest.mark.parametrize("name", STEPS)
def test_what_is_computed_is_that_of_the_written_rows(survey, other, tmp_path, name):
    IDS[:] = [row["id"] for row in survey.rows[::12]]
    steps = STEPS[name](sky.open_catalog(survey.path), other)
    id_ = "id" if "id" in steps.columns else None
    steps.write_catalog(tmp_path / "c", "survey", id=steps._id_name() if id_ else None)
    written = sky.open_catalog(tmp_path / "c")
    if "_healpix_29" not in steps.columns:
        written = written.drop("_healpix_29")
    else:
        written = written.select(steps.columns)
    differ = {
        verb: (found, wanted)
        for verb, ask in VERBS.items()
        if not same(found := answer(ask, steps), wanted := answer(ask, written))
    }
    assert not differ
