"""Objects that have light curves in a column already: sorted, checked, and imported again."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.errors import InputError
from tests.pipelines.survey import check_valid, primary, random_survey, write_parts

CURVES = [
    {"mjd": [2.0, 1.0], "flux": [20.0, 10.0]},
    None,
    {"mjd": [], "flux": []},
    {"mjd": None, "flux": None},
    {"mjd": [1.0, 3.0, 2.0, 2.0], "flux": [1.0, 4.0, 2.0, 3.0]},
]
SORTED = [
    {"mjd": [1.0, 2.0], "flux": [10.0, 20.0]},
    None,
    {"mjd": [], "flux": []},
    {"mjd": None, "flux": None},
    {"mjd": [1.0, 2.0, 2.0, 3.0], "flux": [1.0, 2.0, 3.0, 4.0]},
]


def table(name, curves, type_=None) -> pa.Table:
    n = len(curves)
    place = {"id": list(range(n)), "ra": [10.0 + i for i in range(n)], "dec": [0.0] * n}
    return pa.table({**place, name: pa.array(curves, type_)})


def imported(tmp_path, rows, **options) -> sky.Catalog:
    given = write_parts(tmp_path / "in", rows, [2])
    sky.import_catalog(given, tmp_path / "c", id="id", progress=False, **options)
    check_valid(tmp_path / "c")
    return sky.open_catalog(tmp_path / "c")


@pytest.mark.parametrize("name", ["lightcurve", "lc"])
def test_unsorted_epochs_are_sorted_as_a_written_catalog_has_them(tmp_path, name):
    rows = table(name, CURVES)
    catalog = imported(tmp_path, rows)
    found = catalog.sort_values("id")[name].to_pylist()
    assert found == SORTED
    sky.from_table(rows).write_catalog(tmp_path / "w", id="id")
    written = sky.open_catalog(tmp_path / "w").sort_values("id")[name].to_pylist()
    assert written == found
    assert catalog.lightcurve_fields(name).time == "mjd"


def test_lists_whose_times_are_not_known_keep_their_order(tmp_path):
    curves = [{"when": [2.0, 1.0], "what": [1.0, 2.0]}]
    assert imported(tmp_path, table("x", curves)).to_arrow()["x"].to_pylist() == curves


@pytest.mark.parametrize("large", [False, True])
def test_lists_of_fixed_size_are_lists(tmp_path, large):
    type_ = pa.struct([("mjd", pa.list_(pa.float64(), 2)), ("flux", pa.list_(pa.float64(), 2))])
    if large:
        type_ = pa.struct([(n, pa.large_list(pa.float64())) for n in ("mjd", "flux")])
    catalog = imported(tmp_path, table("lc", [CURVES[0]] * 3, type_))
    assert catalog.lightcurve_columns == ["lc"]
    assert catalog.to_arrow()["lc"].to_pylist() == [SORTED[0]] * 3


@pytest.mark.parametrize(
    "curve", [{"mjd": [1.0, 2.0], "flux": [1.0]}, {"mjd": None, "flux": [1.0]}]
)
@pytest.mark.parametrize("name", ["lc", "lightcurve"])
def test_lists_of_different_lengths_are_refused(tmp_path, curve, name):
    rows = table(name, [*CURVES, curve])
    with pytest.raises(InputError, match=rf"part1.parquet: column '{name}': light curve \d has"):
        imported(tmp_path, rows, executor="serial")
    with pytest.raises(InputError, match=rf"column '{name}': light curve \d has"):
        sky.from_table(rows).write_catalog(tmp_path / "w")


def test_the_name_is_taken_only_where_light_curves_are_made(tmp_path):
    rows = table("lightcurve", CURVES)
    epochs = pa.table({"id": [0], "mjd": [1.0], "flux": [1.0]})
    with pytest.raises(InputError, match="have a column 'lightcurve' already"):
        imported(tmp_path, rows, lightcurves=write_parts(tmp_path / "s", epochs))
    both = imported(
        tmp_path, rows, lightcurves=write_parts(tmp_path / "s", epochs), lightcurve_name="more"
    )
    assert both.lightcurve_columns == ["lightcurve", "more"]
    assert len(both.lightcurve(0, column="more")) == 1


def test_our_leaves_are_imported_again(tmp_path):
    objects, sources = random_survey(60)
    given = write_parts(tmp_path / "o", objects)
    epochs = write_parts(tmp_path / "s", sources)
    sky.import_catalog(
        given, tmp_path / "a", id="id", lightcurves=epochs, max_rows=9, progress=False
    )
    leaves = str(primary(tmp_path / "a") / "dataset" / "**" / "Npix=*.parquet")
    report = sky.import_catalog(leaves, tmp_path / "b", id="id", max_rows=20, progress=False)
    assert "left out, for HATS has these names: '_healpix_29'" in report.summary()
    check_valid(tmp_path / "b")
    first, again = (sky.open_catalog(tmp_path / name) for name in "ab")
    assert again.sort_values("id").equals(first.sort_values("id"))


def test_catalogs_of_others_with_lists_of_fixed_size(tmp_path):
    catalog = imported(tmp_path, table("lc", [SORTED[0]] * 3))
    fixed = pa.struct([("mjd", pa.list_(pa.float64(), 2)), ("flux", pa.list_(pa.float64(), 2))])
    for leaf in (primary(tmp_path / "c") / "dataset").rglob("Npix=*.parquet"):
        rows = pq.ParquetFile(leaf).read()
        place = rows.schema.get_field_index("lc")
        rows = rows.set_column(place, "lc", pa.array(rows["lc"].to_pylist(), fixed))
        pq.write_table(rows, leaf)
        pq.write_metadata(rows.schema, primary(tmp_path / "c") / "dataset" / "_common_metadata")
    opened = sky.open_catalog(primary(tmp_path / "c"))
    assert opened.lightcurve_columns == ["lc"]
    assert opened.to_arrow()["lc"].to_pylist() == catalog.to_arrow()["lc"].to_pylist()
    later = opened.query("lc.mjd > 1").to_arrow()["lc"].to_pylist()
    assert later == [{"mjd": [2.0], "flux": [20.0]}] * 3
