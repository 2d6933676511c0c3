"""What becomes of rows without position, repeated ids, repeated epochs, and orphans."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.config import tuned
from skyseries.errors import InputError
from tests.pipelines.survey import (
    check_leaves,
    check_valid,
    expected_rows,
    primary,
    properties,
    random_survey,
    read_rows,
    same,
    small_parts,
    write_parts,
)

NAN = float("nan")


@pytest.fixture(autouse=True)
def _small():
    with small_parts():
        yield


def run(folder, objects, sources=None, cuts=(), source_cuts=(), **options):
    if sources is not None:
        options["lightcurves"] = write_parts(folder / "s", sources, source_cuts)
    options = {"id": "id", "executor": "serial", "progress": False, **options}
    return sky.import_catalog(write_parts(folder / "o", objects, cuts), folder / "c", **options)


# -- rows without a position --------------------------------------------------------------------


@pytest.fixture
def unplaced():
    return pa.table(
        {
            "id": [1, 2, 3, 4, 5],
            "ra": [10.0, NAN, None, 20.0, float("inf")],
            "dec": [1.0, 2.0, 3.0, None, 5.0],
        }
    )


def test_nan_positions_are_an_error_that_names_file_and_count(tmp_path, unplaced):
    with pytest.raises(InputError, match=r"part0\.parquet: 4 rows have no position.*ra = nan"):
        run(tmp_path, unplaced)
    assert not (tmp_path / "c/collection.properties").exists()


@pytest.mark.parametrize("policy", ["drop", "keep"])
def test_nan_positions_are_dropped_or_kept_aside(tmp_path, unplaced, policy):
    report = run(tmp_path, unplaced, cuts=[2, 3], on_nan_position=policy, max_rows=1)
    assert (report.rows, report.input_rows, report.bad_positions) == (1, 5, 4)
    assert [row["id"] for row in read_rows(primary(tmp_path / "c"))] == [1]
    aside = tmp_path / "c/v000001/c_unplaced.parquet"
    if policy == "keep":
        assert same(pq.read_table(aside).to_pylist(), unplaced.slice(1).to_pylist())
        assert any("4 rows without a position are in" in note for note in report.notes)
    else:
        assert not aside.exists()
        assert any("4 rows without a position dropped" in note for note in report.notes)
    check_valid(tmp_path / "c")


def test_sources_of_a_dropped_object_are_orphans(tmp_path, unplaced):
    sources = pa.table({"id": [1, 2, 2], "mjd": [1.0, 2.0, 3.0], "flux": [1.0, 2.0, 3.0]})
    report = run(tmp_path, unplaced, sources, on_nan_position="drop")
    assert (report.epochs, report.orphans, report.sources) == (1, 2, 3)


@pytest.mark.parametrize("policy", ["error", "drop", "keep"])
@pytest.mark.parametrize("dec", [91.0, -90.000001, float("inf")])
def test_no_policy_takes_a_declination_beyond_the_poles(tmp_path, policy, dec):
    table = pa.table({"id": [1, 2], "ra": [1.0, 2.0], "dec": [3.0, dec]})
    with pytest.raises(InputError, match=r"part0\.parquet: dec = .* is not a declination"):
        run(tmp_path, table, on_nan_position=policy)


# -- repeated ids -------------------------------------------------------------------------------


@pytest.fixture(params=[pa.int64(), pa.uint64(), pa.string()])
def repeated(request):
    ids = pa.array([7, 8, 7, 9, 8, 7]).cast(request.param)
    n = len(ids)
    return pa.table(
        {"id": ids, "ra": [10.0, 20, 30, 40, 50, 60], "dec": [0.0] * n, "k": list(range(n))}
    )


@pytest.mark.parametrize("cuts", [[], [1, 2, 4]])
def test_repeated_ids_are_an_error_that_names_one(tmp_path, repeated, cuts):
    with pytest.raises(InputError, match=r"'id'.*'?[78]'? is repeated"):
        run(tmp_path, repeated, cuts=cuts)


@pytest.mark.parametrize("cuts", [[], [1], [2, 4], [1, 2, 3, 4, 5]])
def test_of_repeated_ids_the_first_row_stays(tmp_path, repeated, cuts):
    report = run(tmp_path, repeated, cuts=cuts, on_repeated_id="drop", max_rows=2)
    assert sorted(row["k"] for row in read_rows(primary(tmp_path / "c"))) == [0, 1, 3]
    assert (report.rows, report.input_rows, report.repeated_ids) == (3, 6, 3)
    assert any("3 rows with a repeated id dropped" in note for note in report.notes)
    check_leaves(primary(tmp_path / "c"), 2)
    check_valid(tmp_path / "c")


@pytest.mark.parametrize("cuts", [[], [1], [1, 2]])
def test_the_first_row_that_has_a_position_stays(tmp_path, cuts):
    table = pa.table({"id": [7, 7, 7], "ra": [NAN, 1.0, 2.0], "dec": [0.0] * 3, "k": [0, 1, 2]})
    report = run(tmp_path, table, cuts=cuts, on_repeated_id="drop", on_nan_position="drop")
    assert [row["k"] for row in read_rows(primary(tmp_path / "c"))] == [1]
    assert (report.bad_positions, report.repeated_ids) == (1, 1)


@pytest.mark.parametrize("id_index", [True, None])
@pytest.mark.parametrize("cuts", [[], [1, 2, 4]])
def test_repeated_ids_are_kept_and_counted(tmp_path, repeated, cuts, id_index):
    report = run(tmp_path, repeated, cuts=cuts, on_repeated_id="keep", id_index=id_index)
    assert same(read_rows(primary(tmp_path / "c")), expected_rows(repeated))
    assert (report.rows, report.repeated_ids) == (6, 3)
    assert any("3 rows with a repeated id kept" in note for note in report.notes)
    check_valid(tmp_path / "c")


def test_light_curves_of_a_repeated_id_go_to_the_first_along_the_sky(tmp_path, repeated):
    sources = pa.table(
        {
            "id": repeated["id"].take(pa.array([0, 1, 0, 3])),
            "mjd": [4.0, 3, 2, 1],
            "flux": [1.0] * 4,
        }
    )
    run(tmp_path, repeated, sources, on_repeated_id="keep", max_rows=1)
    rows = read_rows(primary(tmp_path / "c"))
    seen = set()
    for row in rows:
        first = row["id"] not in seen
        seen.add(row["id"])
        wanted = {"7": [2.0, 4.0], "8": [3.0], "9": [1.0]}[str(row["id"])] if first else []
        assert row["lightcurve"]["mjd"] == wanted


def test_null_ids_are_an_error_whatever_the_policy(tmp_path):
    table = pa.table({"id": [0, None, 2], "ra": [1.0, 2, 3], "dec": [0.0] * 3})
    sources = pa.table({"id": [0, None], "mjd": [1.0, 2], "flux": [1.0, 2]})
    for policy in ("error", "drop", "keep"):
        with pytest.raises(InputError, match=r"part0\.parquet: 1 rows have no id \(null\)"):
            run(tmp_path, table, sources, on_repeated_id=policy)


@pytest.mark.parametrize("ids", [[5, None, 5, None, 2], [None] * 5, ["b", None, "b", "", "a"]])
def test_source_rows_need_no_id(tmp_path, ids):
    table = pa.table({"id": ids, "ra": [1.0, 200, 3, 4, 5], "dec": [0.0] * 5})
    with tuned(index_part_rows=2):
        report = run(tmp_path, table, kind="source", max_rows=2)
    repeated = 0 if ids[0] is None else 1
    assert (report.rows, report.index_rows, report.repeated_ids) == (5, 5, repeated)
    assert same(read_rows(primary(tmp_path / "c")), expected_rows(table))
    check_valid(tmp_path / "c")


# -- repeated epochs ----------------------------------------------------------------------------

TWICE = pa.table(
    {
        "id": [1] * 9 + [2] * 3,
        "mjd": [5.0, 5, 5, 5, 5, 5, None, None, NAN, 5, 5, 6],
        "band": ["g", "r", "g", None, "r", None, "g", "g", "g", "g", "g", "g"],
        "flux": [float(k) for k in range(12)],
    }
)
"""Rows 2, 4, 5 and 10 repeat object, time and band; the bands of one time are mixed up."""
TWO = pa.table({"id": [1, 2, 3], "ra": [1.0, 2.0, 3.0], "dec": [0.0, 0.0, 0.0]})


@pytest.mark.parametrize("cuts", [[], [1, 3, 5]])
@pytest.mark.parametrize("policy", ["drop", "keep"])
def test_repeated_epochs(tmp_path, policy, cuts):
    report = run(tmp_path, TWO, TWICE, source_cuts=cuts, on_duplicate_epoch=policy)
    kept = TWICE
    if policy == "drop":
        kept = TWICE.take(pa.array([0, 1, 3, 6, 7, 8, 9, 11]))
    assert same(read_rows(primary(tmp_path / "c")), expected_rows(TWO, kept))
    assert (report.epochs, report.repeated_epochs, report.sources) == (kept.num_rows, 4, 12)
    assert any("4 repeated epochs" in note for note in report.notes)
    check_valid(tmp_path / "c")


def test_repeated_epochs_are_an_error_that_says_when(tmp_path):
    with pytest.raises(InputError, match=r"epochs are repeated, the first at mjd = 5\.0"):
        run(tmp_path, TWO, TWICE, on_duplicate_epoch="error")


def test_without_bands_the_time_decides(tmp_path):
    report = run(tmp_path, TWO, TWICE.drop_columns(["band"]), on_duplicate_epoch="drop")
    assert report.repeated_epochs == 6


# -- orphans ------------------------------------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["numbers", "text"])
def with_orphans(request):
    objects, sources = random_survey(30, text_ids=request.param)
    stray = sources.slice(0, 12)
    ids = [f"lost {i // 2}" if request.param else -1 - i // 2 for i in range(10)] + [None, None]
    stray = stray.set_column(0, "id", pa.array(ids, stray["id"].type))
    return objects, sources, stray, pa.concat_tables([stray.slice(0, 7), sources, stray.slice(7)])


def test_orphans_are_an_error_that_names_one(tmp_path, with_orphans):
    objects, _, _, everything = with_orphans
    with pytest.raises(
        InputError,
        match=r"[57] sources have no object, the first with id = (-4|'lost 3'|-1|'lost 0')",
    ):
        run(tmp_path, objects, everything, source_cuts=[20], orphans="error")


@pytest.mark.parametrize("policy", ["drop", "keep"])
def test_orphans_are_dropped_or_kept_as_rows(tmp_path, with_orphans, policy):
    objects, sources, stray, everything = with_orphans
    report = run(tmp_path, objects, everything, source_cuts=[3, 50], orphans=policy)
    assert same(read_rows(primary(tmp_path / "c")), expected_rows(objects, sources))
    assert (report.orphans, report.sources) == (12, everything.num_rows)
    assert report.epochs == sources.num_rows
    aside = tmp_path / "c/v000001/orphans.parquet"
    if policy == "keep":
        assert same(pq.read_table(aside).to_pylist(), stray.to_pylist())
        assert any("12 sources without an object are in" in note for note in report.notes)
    else:
        assert not aside.exists()
        assert any("12 sources without an object dropped" in note for note in report.notes)


@pytest.mark.parametrize("max_rows", [1, 100])
def test_orphans_with_positions_are_a_source_catalog(tmp_path, with_orphans, max_rows):
    objects, sources, stray, everything = with_orphans
    n = everything.num_rows
    ra = [float(k * 7 % 360) if k % 5 else NAN for k in range(n)]
    everything = everything.append_column("ra", pa.array(ra))
    everything = everything.append_column("dec", pa.array([float(k % 80) for k in range(n)]))
    report = run(tmp_path, objects, everything, source_cuts=[9], max_rows=max_rows)
    lost = [k for k in range(n) if k < 7 or k >= 7 + sources.num_rows]
    placed = everything.take(pa.array([k for k in lost if k % 5]))
    root = tmp_path / "c/v000001/orphans"
    assert same(read_rows(root), expected_rows(placed))
    assert properties(root)["dataproduct_type"] == "source"
    assert len(sky.open_catalog(root)) == placed.num_rows
    check_leaves(root, max_rows)
    check_valid(root)
    unplaced = pq.read_table(tmp_path / "c/v000001/orphans_unplaced.parquet")
    assert unplaced.num_rows == len(stray) - placed.num_rows
    assert report.orphans == len(lost) == 12


@pytest.mark.parametrize(("unit", "placed"), [("hourangle", True), ("h", False), ("m", False)])
def test_orphans_are_placed_by_what_is_an_angle(tmp_path, with_orphans, unit, placed):
    objects, _, _, everything = with_orphans
    hours = pa.field("ra", pa.float64(), metadata={"unit": unit})
    everything = everything.append_column(hours, pa.array([12.0] * everything.num_rows))
    everything = everything.append_column("dec", pa.array([1.0] * everything.num_rows))
    report = run(tmp_path, objects, everything)
    beside = any("orphans.parquet (they have no columns" in note for note in report.notes)
    assert beside != placed
    if placed:
        table = sky.open_catalog(tmp_path / "c" / report.version / "orphans").to_arrow()
        assert table["ra"].to_pylist() == [180.0] * 12


@pytest.mark.parametrize(
    ("object_type", "source_type", "stray"),
    [(pa.uint64(), pa.int64(), -1), (pa.int64(), pa.uint64(), 2**64 - 1),
     (pa.int16(), pa.int64(), 2**40 + 1), (pa.uint8(), pa.int8(), -1)],
)  # fmt: skip
def test_integers_of_another_type_match_by_value(tmp_path, object_type, source_type, stray):
    """-1 has the bits of 2**64 - 1, and 2**40 + 1 ends in those of 1."""
    twin = {-1: 2**64 - 1, 2**64 - 1: -1}.get(stray, 1)
    ids = [1, 2, twin] if object_type.bit_width == 64 else [1, 2, 3]
    objects = pa.table({"id": pa.array(ids, object_type), "ra": [1.0, 2, 3], "dec": [0.0] * 3})
    sources = pa.table(
        {"id": pa.array([stray, 1], source_type), "mjd": [1.0, 2.0], "flux": [1.0, 2.0]}
    )
    report = run(tmp_path, objects, sources)
    assert (report.orphans, report.epochs) == (1, 1)
    rows = {row["id"]: row["lightcurve"]["mjd"] for row in read_rows(primary(tmp_path / "c"))}
    assert rows == {ids[0]: [2.0], ids[1]: [], ids[2]: []}
