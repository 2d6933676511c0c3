"""What says its unit is converted, in every verb; what is missing is never a value."""

from __future__ import annotations

import datetime as dt

import astropy.units as u
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from astropy.coordinates import Angle, SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time, TimeDelta
from astropy.utils.masked import Masked

import skyseries as sky
from skyseries.errors import CatalogError, InputError, QueryError, SchemaError


def table(units=None, **columns):
    """Return an Arrow table whose fields say their units."""
    units = units or {}
    arrays = [pa.array(values) for values in columns.values()]
    said = [{"unit": units[name]} if units.get(name) else None for name in columns]
    fields = [
        pa.field(name, array.type, metadata=one)
        for name, array, one in zip(columns, arrays, said, strict=True)
    ]
    return pa.table(arrays, schema=pa.schema(fields))


def ids(catalog):
    return sorted(catalog.to_arrow()["id"].to_pylist())


STARS = sky.from_table(
    table(id=[1, 2, 3, 4], ra=[15.0, 1.0, 2.0, 350.0], dec=[0.0] * 4, name=["a", "b", "c", "d"])
)

# --- positions and regions ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "searched",
    [
        lambda: STARS.cone_search(15, 0, 3600),
        lambda: STARS.cone_search(1 * u.hourangle, 0 * u.deg, 1 * u.deg),
        lambda: STARS.cone_search(Angle("1h"), Angle("0d"), 60 * u.arcmin),
        lambda: STARS.cone_search(SkyCoord(15 * u.deg, 0 * u.deg), 3600),
        lambda: STARS.cone_search(SkyCoord(15 * u.deg, 0 * u.deg).galactic, 1 * u.deg),
        lambda: STARS.cone_search(ra=SkyCoord(15 * u.deg, 0 * u.deg), radius_arcsec=3600),
        lambda: STARS.box_search([14, 16] * u.deg, (-60 * u.arcmin, 60 * u.arcmin)),
        lambda: STARS.box_search(SkyCoord([14, 16] * u.deg, [-1, 1] * u.deg)),
        lambda: STARS.polygon_search(SkyCoord([14, 16, 15] * u.deg, [-1, -1, 1] * u.deg)),
        lambda: STARS.polygon_search(np.radians([(14, -1), (16, -1), (15, 1)]) * u.rad),
    ],
)
def test_regions_take_angles_and_coordinates(searched):
    assert ids(searched()) == [1]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: STARS.cone_search("10h", "0d", 5), "ra must be a number .* not '10h'"),
        (lambda: STARS.cone_search(10, 0), "radius_arcsec must be a number"),
        (lambda: STARS.cone_search(10, 0, 5 * u.s), "radius_arcsec is in the unit 's'"),
        (lambda: STARS.cone_search(SkyCoord([1, 2] * u.deg, [1, 2] * u.deg), 5), "one position"),
        (lambda: STARS.box_search(1, 2), "ra must be a pair"),
        (lambda: STARS.box_search((1, 2), "ab"), "dec must be"),
        (lambda: STARS.polygon_search(None), "vertices"),
        (lambda: STARS.polygon_search([(0, 0), (1, 0), "a"]), "vertex 2"),
        (lambda: STARS.pixel_search([(1, 2, 3)]), "pairs"),
        (lambda: STARS.pixel_search([(1, 2.5)]), "whole numbers, not 2.5"),
        (lambda: STARS.pixel_search(np.ma.array([(1, 2)], mask=[(0, 1)])), "whole numbers"),
        (lambda: STARS.search((1, 2)), "a region"),
    ],
)
def test_what_is_no_region(wrong, words):
    with pytest.raises(InputError, match=words):
        wrong()


@pytest.mark.parametrize(("unit", "factor"), [("rad", np.pi / 180), ("hourangle", 1 / 15)])
def test_positions_of_tables_are_converted_for_every_verb(unit, factor):
    other = table({"ra": unit, "dec": "arcmin"}, ra=[15.0 * factor], dec=[0.0], x=[7])
    assert ids(STARS.crossmatch(other, 1)) == [1]
    assert ids(STARS.crossmatch_many({"o": other}, 1, how="inner")) == [1]
    assert len(sky.from_table(other).cone_search(15, 0, 1)) == 1
    assert ids(STARS.crossmatch(SkyCoord([15.0] * u.deg, [0.0] * u.deg), 1)) == [1]


def test_a_catalog_on_disk_is_in_degrees(tmp_path):
    STARS.write_catalog(tmp_path / "c")
    opened = sky.open_catalog(tmp_path / "c")
    assert len(opened) == 4
    for file in tmp_path.glob("c/**/_common_metadata"):
        schema = pa.parquet.read_schema(file)
        place = schema.get_field_index("ra")
        field = schema.field(place).with_metadata({"unit": "rad"})
        pa.parquet.write_metadata(schema.set(place, field), file)
    with pytest.raises(CatalogError, match="'ra' says that it is in 'rad'"):
        sky.open_catalog(tmp_path / "c")


# --- ids ----------------------------------------------------------------------------------------

_BIG = 2**62 + 1
WITH_IDS = sky.from_table(table(id=[_BIG, _BIG + 1], ra=[1.0, 2.0], dec=[0.0, 0.0]))


@pytest.mark.parametrize(
    "asked",
    [
        np.array([_BIG]), pd.Series([_BIG]), pd.Series([_BIG], dtype="Int64"), pl.Series([_BIG]),
        pa.array([_BIG]), pa.chunked_array([[_BIG]]), pa.scalar(_BIG), {_BIG}, pd.Index([_BIG]),
        MaskedColumn([_BIG]), Masked(np.array([_BIG])), np.uint64(_BIG), np.array([_BIG], object),
    ],
    ids=lambda asked: type(asked).__name__,
)  # fmt: skip
def test_ids_of_every_container(asked):
    assert ids(WITH_IDS.id_search(asked, "id")) == [_BIG]


@pytest.mark.parametrize(
    "asked",
    [
        np.ma.array([_BIG, _BIG + 1], mask=[0, 1]), MaskedColumn([_BIG, _BIG + 1], mask=[0, 1]),
        Masked(np.array([_BIG, 1]), mask=[0, 1]), pd.Series([_BIG, None], dtype="Int64"),
        pl.Series([_BIG, None]), pa.array([_BIG, None]), [_BIG, None], np.ma.masked, [pd.NA],
    ],
    ids=lambda asked: type(asked).__name__,
)  # fmt: skip
def test_missing_ids_are_told(asked):
    with pytest.raises(SchemaError, match="missing"):
        WITH_IDS.id_search(asked, "id")


def test_a_table_is_no_row_of_ids():
    with pytest.raises(InputError, match="one of its columns"):
        STARS.id_search(pd.DataFrame({"name": ["a"]}), "name")


# --- masks and containers -----------------------------------------------------------------------

_X, _RA, _GONE = [5.0, 6.0], [15.0, 1.0], np.array([False, True])


def _masked_astropy():
    made = Table({"id": [1, 2], "dec": [0.0, 0.0]})
    made["ra"], made["x"] = MaskedColumn(_RA, mask=_GONE), MaskedColumn(_X, mask=_GONE)
    return made


_NULL = {"id": [1, 2], "ra": [15.0, None], "dec": [0.0, 0.0], "x": [5.0, None]}
CONTAINERS = {
    "dict": {
        "id": [1, 2],
        "ra": np.ma.array(_RA, mask=_GONE),
        "dec": [0.0, 0.0],
        "x": np.ma.array(_X, mask=_GONE),
    },
    "astropy": _masked_astropy(),
    "quantities": QTable(
        {
            "id": [1, 2],
            "ra": Masked(_RA * u.deg, mask=_GONE),
            "dec": [0, 0] * u.deg,
            "x": Masked(_X, mask=_GONE),
        }
    ),
    "pandas": pd.DataFrame(_NULL).convert_dtypes(),
    "polars": pl.DataFrame(_NULL).with_columns(pl.Series("s", ["a", "b"])),
    "arrow": pa.table(_NULL),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_masked_positions_match_nothing_and_masked_values_are_null(name):
    other = CONTAINERS[name]
    plain = {"how": "left", "suffixes": ("", "_r")}
    assert STARS.crossmatch(other, 5, **plain).to_arrow()["x"].null_count == 3
    assert ids(STARS.crossmatch(other, 5)) == [1]
    joined = STARS.join(other, on="id", suffixes=("", "_r")).to_arrow()
    assert dict(zip(joined["id"].to_pylist(), joined["x"].to_pylist(), strict=True)) == {
        1: 5.0,
        2: None,
    }
    found = STARS.merge_asof(other, left_on="ra", right_on="x", by="id", suffixes=("", "_r"))
    assert sorted(found.to_arrow()["x"].drop_null().to_pylist()) == [5.0]
    assert ids(STARS.crossmatch_many({"o": other}, 5, how="inner")) == [1]
    assert len(sky.from_table(other).cone_search(1, 0, 3600)) == 0


# --- errors, radii, densities -------------------------------------------------------------------

GAIA = sky.from_table(
    table(
        {"e": "mas", "e2": "mas", "a": "arcsec"},
        id=[1], ra=[10.0], dec=[0.0], e=[100.0], e2=[0.0], a=[0.1], plain=[0.1], text=["x"],
    )
)  # fmt: skip
NEAR = table(ra=[10 + 1 / 3600], dec=[0.0])


def probability(error, **options):
    options = {"right_error": 0.3, "density": 1.0} | options
    found = GAIA.crossmatch(NEAR, 5, left_error=error, **options)
    return found.to_arrow()["_match_probability"].to_pylist()[0]


@pytest.mark.parametrize(
    "error",
    [
        "e", "1 * e", "plain", "a", "SQRT(e * e + e2 * e2)", "SQRT(POWER(e, 2) + POWER(e2, 2))",
        "COALESCE(e, 5)", "IN_UNIT(e, 'arcsec')", "IN_UNIT(a, 'arcmin')", 100 * u.mas,
        0.1 / 3600 * u.deg, "SQRT(POWER(IN_UNIT(e, 'arcsec'), 2) + 0 * plain)",
    ],
)  # fmt: skip
def test_errors_are_in_the_unit_that_they_say(error):
    assert probability(error) == pytest.approx(probability(0.1), rel=1e-12)


def test_other_arguments_of_a_weighted_match():
    wanted = probability(0.1)
    assert probability("e", density=3600 / u.deg**2) == pytest.approx(wanted, rel=1e-12)
    assert probability("e", right_error=300 * u.mas) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: probability("e / 1000"), r"IN_UNIT\(column, 'arcsec'\)"),
        (lambda: probability("plain * e"), r"does not follow .*\(mas\)"),
        (lambda: probability(-1), "0 or more"),
        (lambda: probability([1]), "left_error must be a number"),
        (lambda: probability("e > 1"), "boolean, not a number"),
        (lambda: probability("e", density=1 * u.m), "density is in the unit 'm'"),
        (lambda: probability("e", prior="x"), "prior must be a number"),
        (lambda: GAIA.crossmatch(NEAR, "text"), "text, not a number"),
        (lambda: GAIA.crossmatch(NEAR, None), "radius_arcsec must be a number"),
        (lambda: GAIA.crossmatch(NEAR, 5, n_neighbors="2"), "n_neighbors must be a number"),
        (lambda: GAIA.crossmatch(NEAR, 5, suffixes="ab"), "suffixes must be a pair"),
        (lambda: GAIA.crossmatch_many([NEAR]), "others must be"),
    ],
)
def test_what_is_no_measure(wrong, words):
    with pytest.raises(InputError, match=words):
        wrong()


@pytest.mark.parametrize(
    ("radius", "found"),
    [
        ("e", 0), ("10 * e", 1), (1 * u.arcmin, 1), (0.5 * u.arcsec, 0), ("11 * a", 1), (1.1, 1),
        (1 * u.deg, 1),
    ],
)  # fmt: skip
def test_radii(radius, found):
    near = table(ra=[10 + 0.9 / 3600], dec=[0.0])
    assert len(GAIA.crossmatch(near, radius)) == found
    assert len(GAIA.crossmatch(near, 5, min_radius_arcsec=1 * u.arcsec)) == 0


# --- proper motions and epochs ------------------------------------------------------------------


def star(unit, motion, **columns):
    said = {"pmra": unit, "pmdec": unit}
    units = said | columns.pop("units", {})
    return sky.from_table(
        table(units, id=[1], ra=[10.0], dec=[0.0], pmra=[motion], pmdec=[0.0], **columns)
    )


NOW = table(ra=[10 + 16 / 3600], dec=[0.0])


def moved(left, **options):
    options = {"left_pm": ("pmra", "pmdec"), "left_epoch": 2000.0, "right_epoch": 2016.0} | options
    return len(left.crossmatch(NOW, 1, **options))


@pytest.mark.parametrize(
    ("unit", "motion"),
    [
        ("", 1000.0), ("mas/yr", 1000.0), ("mas.yr**-1", 1000.0), ("arcsec/yr", 1.0),
        ("deg/yr", 1 / 3600), ("arcsec/century", 100.0), ("mas/d", 1000 / 365.25),
    ],
)  # fmt: skip
def test_proper_motions_in_any_unit(unit, motion):
    assert moved(star(unit, motion)) == 1
    assert moved(star(unit, motion / 2)) == 0


@pytest.mark.parametrize(
    "epoch",
    ["J2000", "2000.0", "J2000.0", 2000 * u.yr, Time("J2000"), dt.date(2000, 1, 1), np.int64(2000)],
)
def test_epochs_in_any_form(epoch):
    assert moved(star("", 1000.0), left_epoch=epoch) == 1


@pytest.mark.parametrize(
    ("name", "unit", "value"),
    [
        ("ep", "yr", 2000.0), ("ep", "", 2000.0), ("mjd", "", 51544.5), ("ep", "d", 51544.5),
        ("jd", "d", 2451545.0), ("ep", "d", 2451545.0), ("ep", "s", 51544.5 * 86400.0),
        ("ep", "BJD - 2457000, days", -5455.0),
    ],
)  # fmt: skip
def test_epochs_in_a_column(name, unit, value):
    left = star("", 1000.0, units={name: unit}, **{name: [value]})
    assert moved(left, left_epoch=name) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"left_epoch": 51544.5}, "looks like MJD, which is the year 2000"),
        ({"left_epoch": 2451545.0}, "looks like JD, which is the year 2000"),
        ({"left_epoch": "ep"}, "column 'ep' goes from 51544.5 .* looks like MJD"),
        ({"left_epoch": 15 * u.m}, "left_epoch is in the unit 'm'"),
        ({"left_epoch": "nope"}, "no column 'nope'"),
        ({"left_epoch": "word"}, "string, not a number"),
        ({"left_pm": "pmra"}, "left_pm must be a pair"),
        ({"left_pm": ("pmra", "word")}, "string, not a number"),
        ({"left_pm": ("pmra", "dist")}, "'dist' is in the unit 'pc'"),
        ({"left_pm": None}, "epochs have an effect with proper motions only"),
        ({"left_pm": ("ep", "pmdec")}, "faster than any star's"),
    ],
)
def test_motions_that_cannot_be(options, words):
    left = star("", 1000.0, units={"dist": "pc"}, ep=[51544.5], word=["x"], dist=[1.0])
    with pytest.raises(InputError, match=words):
        moved(left, **options)


def test_a_filter_helps_where_the_recorded_epochs_are_no_years(tmp_path):
    rows = table(
        id=[1, 2], ra=[10.0, 11.0], dec=[0.0, 0.0], pmra=[1e3, 1e3], pmdec=[0.0, 0.0],
        ep=[2000.0, -999.0],
    )  # fmt: skip
    sky.from_table(rows).write_catalog(tmp_path / "c", margin_arcsec=1 * u.arcmin)
    catalog = sky.open_catalog(tmp_path / "c")
    with pytest.raises(InputError, match="from -999 to 2000"):
        moved(catalog, left_epoch="ep")
    assert moved(catalog.query("ep > 0"), left_epoch="ep") == 1


# --- times that meet ----------------------------------------------------------------------------


def next_in_time(left, right, left_on, right_on, **options):
    found = left.merge_asof(
        right, left_on=left_on, right_on=right_on, by="id", direction="nearest", **options
    )
    return found.to_arrow()["x"].to_pylist()


@pytest.mark.parametrize(
    ("left_unit", "right_unit", "factor", "tolerance"),
    [
        ("d", "h", 24.0, 0.01), ("", "h", 24.0, 0.01), ("h", "d", 1 / 24, 36 * u.s),
        ("d", "", 1.0, TimeDelta(60, format="sec")), ("s", "yr", 1 / 31557600, 1e-3),
        ("d", "d", 1.0, dt.timedelta(seconds=1)),
    ],
)  # fmt: skip
def test_times_of_both_sides_in_one_unit(left_unit, right_unit, factor, tolerance):
    left = sky.from_table(
        table({"t": left_unit}, id=[1, 1], ra=[10.0] * 2, dec=[0.0] * 2, t=[1.0, 2.0])
    )
    right = table({"s": right_unit}, id=[1, 1], s=[factor, 2 * factor], x=[7.0, 8.0])
    assert next_in_time(left, right, "t", "s", tolerance=tolerance) == [7.0, 8.0]


def test_formats_scales_and_kinds_of_times():
    left = sky.from_table(table(id=[1], ra=[10.0], dec=[0.0], mjd=[51544.5]))
    jd = table(id=[1], jd=[2451545.0], x=[9.0])
    assert next_in_time(left, jd, "mjd", "jd", tolerance=1e-3) == [9.0]
    utc = Table({"id": [1], "t": Time([2451545.0], format="jd", scale="utc"), "x": [9.0]})
    tai = Table(
        {"id": [1], "ra": [1.0], "dec": [0.0], "t": Time([51544.5], format="mjd", scale="tai")}
    )
    assert next_in_time(left, utc, "mjd", "t", tolerance=1e-3) == [9.0]
    with pytest.raises(SchemaError, match=r"tai .* utc"):
        next_in_time(sky.from_table(tai), utc, "t", "t", suffixes=("", "_r"))
    stamps = pa.array([dt.datetime(2020, 1, 1)], pa.timestamp("us"))
    stamped = sky.from_table({"id": [1], "ra": [1.0], "dec": [0.0], "t": stamps})
    later = {"id": [1], "x": [9.0], "s": pa.array([dt.datetime(2020, 1, 1, 0, 0, 1)])}
    for tolerance in (1 * u.s, dt.timedelta(seconds=1), np.timedelta64(1, "s"), 1e9):
        assert next_in_time(stamped, later, "t", "s", tolerance=tolerance) == [9.0]
    assert next_in_time(stamped, later, "t", "s", tolerance=999 * u.ms) == [None]
    for wrong in ("x", -1, 1 * u.m):
        with pytest.raises(InputError, match="tolerance"):
            next_in_time(left, jd, "mjd", "jd", tolerance=wrong)


@pytest.mark.parametrize(("unit", "factor"), [("h", 24.0), ("s", 86400.0), ("d", 1.0)])
@pytest.mark.parametrize("as_catalog", [False, True])
def test_sources_become_light_curves_of_days_and_magnitudes(unit, factor, as_catalog):
    sources = table(
        {"mjd": unit, "mag": "mmag", "magerr": "mag"},
        id=[1, 1], mjd=[2 * factor, factor], mag=[15000.0, 16000.0], magerr=[0.1, 0.2],
        ra=[15.0] * 2, dec=[0.0] * 2,
    )  # fmt: skip
    right = sky.from_table(sources) if as_catalog else sources
    made = STARS.join_lightcurves(right, on="id", columns=["mjd", "mag", "magerr"])
    first = made.id_search(1, "id").to_arrow()["lightcurve"][0].as_py()
    assert first["mjd"] == pytest.approx([1.0, 2.0])
    assert (first["mag"], first["magerr"]) == ([16.0, 15.0], [0.2, 0.1])
    with pytest.raises(InputError, match="within_arcsec"):
        STARS.join_lightcurves(right, on="id", within_arcsec=1 * u.s)


@pytest.mark.parametrize(("unit", "factor"), [("", 1.0), ("rad", np.pi / 180), ("arcmin", 60.0)])
def test_positions_of_epochs(unit, factor):
    fields = [
        pa.field(name, pa.list_(pa.float64()), metadata={"unit": unit if name != "mjd" else "d"})
        for name in ("mjd", "ra", "dec")
    ]
    values = [pa.array([v]) for v in ([1.0, 2.0], [15 * factor, factor], [0.0, 0.0])]
    curves = pa.StructArray.from_arrays(values, fields=fields)
    schema = pa.schema([("id", pa.int64()), ("ra", "f8"), ("dec", "f8"), ("lc", curves.type)])
    rows = pa.table([pa.array([1]), pa.array([15.0]), pa.array([0.0]), curves], schema=schema)
    catalog = sky.from_table(rows)
    coord = SkyCoord(15 * u.deg, 0 * u.deg)
    found = catalog.search_epochs(coord, 2 * u.arcsec, columns="id")
    assert found.to_arrow()["mjd"].to_pylist() == [1.0]
    for options, words in (({}, "give columns="), ({"fields": "ra"}, "fields must be a pair")):
        with pytest.raises(InputError, match=words):
            catalog.search_epochs(15, 0, 5, **options)


# --- what else is given -------------------------------------------------------------------------

_WRONG = """head("5") | head(2.5) | aggregate("COUNT(*)") | group_by(5) | select(5) | select([1])
drop(5) | rename("m") | assign("x") | value_counts(5) | sort_values(5) | sort_values("ra", n="2")
sort_values("ra", ascending=None) | quantiles("ra", "a") | quantiles("ra", None) | describe(5)
histogram("ra", bins="a") | histogram("ra", bins=2.5) | histogram("ra", range=5)
sky_histogram("a") | sample("a") | sample(fraction="a") | sample(2, seed="x") | drop_duplicates()
drop_duplicates(5) | iter_batches("a") | iter_batches(5, epochs=1.5) | query(5) | concat(5)
join({"id": [1]}, on=5) | join({"id": [1]}, on="id", suffixes="ab") | merge_map(5) | self_match(1)
crossmatch(5) | write_catalog("x", margin_arcsec="a") | __getitem__(0) | __getitem__(True)
__getitem__(slice(2)) | __iter__() | __lt__(5) | __sub__(1)"""


@pytest.mark.parametrize("call", [c.strip() for c in _WRONG.replace("\n", "|").split("|")])
def test_wrong_arguments_are_errors_of_ours(call):
    with pytest.raises(InputError):
        eval(f"STARS.{call}")  # noqa: S307 - the texts above


def test_columns_without_a_name_and_rows_without_one():
    with pytest.raises(SchemaError, match=r"give it a name, as 'ra\*2 AS x'"):
        STARS.select(["ra*2"])
    with pytest.raises(InputError, match="iter_tables"):
        list(STARS)
    with pytest.raises(InputError, match=r"query\("):
        _ = STARS["ra"] < 16


def test_histograms_take_edges_with_units():
    catalog = sky.from_table(table({"m": "mag"}, ra=[1.0] * 3, dec=[0.0] * 3, m=[15.0, 16.0, 17.0]))
    counts, edges = catalog.histogram("m", bins=[15000, 16000, 17000] * u.mmag)
    assert (counts.tolist(), edges.tolist()) == ([1, 2], [15.0, 16.0, 17.0])
    counts, _ = catalog.histogram("m", bins=2, range=[15, 17] * u.mag)
    assert counts.tolist() == [1, 2]
    with pytest.raises(InputError, match="no unit of mag"):
        catalog.histogram("m", bins=[1, 2] * u.s)


def test_values_that_cannot_be_calculated_name_the_column():
    catalog = sky.from_table({"ra": [1.0], "dec": [0.0], "my id": ["99999999999999999999"]})
    with pytest.raises(QueryError, match='a value of "my id" cannot be calculated') as caught:
        catalog.query('CAST("my id" AS BIGINT) > 5').to_arrow()
    assert "c0" not in str(caught.value)
    assert not getattr(caught.value, "__notes__", [])
