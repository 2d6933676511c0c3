"""Faults to plant in a catalog, one at a time, and what `validate_catalog` must call each."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from skyseries.hats.partitions import Cell
from skyseries.spatial.healpix import radec_to_hpx
from tests.hats.small import FIRST_ID, ROW, N, edit_properties, leaves, rewrite, set_value, swapped


def forget_statistics(root: Path) -> None:
    """Take away what else would tell that rows were changed."""
    (root / "v000001/survey/per_partition_statistics.parquet").unlink()


def delete_leaf(root):
    leaves(root)[2].unlink()


def truncate_leaf(root):
    leaf = leaves(root)[2]
    leaf.write_bytes(leaf.read_bytes()[:-50])


def garble_leaf(root):
    leaf = leaves(root)[0]
    content = bytearray(leaf.read_bytes())
    content[100:900] = bytes(800)
    leaf.write_bytes(bytes(content))


def swap_rows(root):
    forget_statistics(root)
    rewrite(leaves(root)[0], swapped)


def change_healpix(root):
    forget_statistics(root)

    def change(table):
        return set_value(table, "_healpix_29", ROW, table["_healpix_29"][ROW].as_py() + 1)

    rewrite(leaves(root)[0], change)


def move_row(root):
    forget_statistics(root)
    a, b = leaves(root)[:2]
    row = pq.read_table(a, partitioning=None).slice(ROW, 1)
    rewrite(a, lambda t: pa.concat_tables([t.slice(0, ROW), t.slice(ROW + 1)]))
    rewrite(b, lambda t: pa.concat_tables([t, row]).sort_by("_healpix_29"))


def lose_row(root):
    forget_statistics(root)
    rewrite(leaves(root)[0], lambda t: pa.concat_tables([t.slice(0, ROW), t.slice(ROW + 1)]))


def nan_position(root):
    forget_statistics(root)
    rewrite(leaves(root)[0], lambda t: set_value(t, "ra", ROW, float("nan")))


def null_position(root):
    forget_statistics(root)
    rewrite(leaves(root)[0], lambda t: set_value(t, "dec", ROW, None))


def unequal_lists(root):
    forget_statistics(root)

    def change(table):
        value = table["lightcurve"][ROW].as_py()
        return set_value(table, "lightcurve", ROW, value | {"flux": [*value["flux"], 1.0]})

    rewrite(leaves(root)[0], change)


def times_backward(root):
    forget_statistics(root)

    def change(table):
        curves = table["lightcurve"].to_pylist()
        row = next(i for i in range(ROW, len(curves)) if len(curves[i]["mjd"]) > 1)
        value = table["lightcurve"][row].as_py()
        return set_value(table, "lightcurve", row, value | {"mjd": value["mjd"][::-1]})

    rewrite(leaves(root)[0], change)


def other_schema(root):
    forget_statistics(root)
    column = pa.field("mag", pa.float64())
    rewrite(leaves(root)[0], lambda t: t.set_column(3, column, t["mag"].cast(pa.float64())))


def column_missing(root):
    forget_statistics(root)
    rewrite(leaves(root)[0], lambda t: t.drop_columns(["mag"]))


def wrong_nrows(root):
    edit_properties(root, "survey", hats_nrows=str(N + 1))


def wrong_margin_nrows(root):
    edit_properties(root, "survey_900arcs", hats_nrows="3")


def wrong_index_nrows(root):
    edit_properties(root, "survey_id_index", hats_nrows="3")


def nrows_no_number(root):
    edit_properties(root, "survey", hats_nrows="many")


def stray_leaf(root):
    leaf = leaves(root)[0]
    shutil.copy(leaf, leaf.with_name("Npix=77777.parquet"))


def unlisted_partition(root):
    info = root / "v000001/survey/partition_info.csv"
    info.write_text("\n".join(info.read_text().splitlines()[:-1]) + "\n")


def overlapping_partitions(root):
    info = root / "v000001/survey/partition_info.csv"
    order, npix = info.read_text().splitlines()[1].split(",")
    info.write_text(info.read_text() + f"{int(order) + 1},{int(npix) * 4 + 1}\n")


def no_such_cell(root):
    info = root / "v000001/survey/partition_info.csv"
    info.write_text(info.read_text() + "0,12\n")


def no_partition_info(root):
    (root / "v000001/survey/partition_info.csv").unlink()


def no_common_metadata(root):
    (root / "v000001/survey/dataset/_common_metadata").unlink()


def no_index_common_metadata(root):
    (root / "v000001/survey_id_index/dataset/_common_metadata").unlink()


def no_index_metadata(root):
    (root / "v000001/survey_id_index/dataset/_metadata").unlink()


def broken_common_metadata(root):
    (root / "v000001/survey/dataset/_common_metadata").write_bytes(b"PAR1 no PAR1")


def broken_metadata(root):
    (root / "v000001/survey/dataset/_metadata").write_bytes(b"PAR1")


def stale_metadata(root):
    folder = root / "v000001/survey"
    pq.write_metadata(
        pq.read_schema(folder / "dataset/_common_metadata"), folder / "dataset/_metadata"
    )


def stale_statistics(root):
    path = root / "v000001/survey/per_partition_statistics.parquet"
    rewrite(path, lambda t: set_value(t, "mag::max_value", 0, 99.0))


def statistics_of_other_cell(root):
    path = root / "v000001/survey/per_partition_statistics.parquet"
    rewrite(path, lambda t: set_value(t, "Npix", 0, 123456))


def no_properties(root):
    (root / "v000001/survey/hats.properties").unlink()
    (root / "v000001/survey/properties").unlink()


def no_legacy_properties(root):
    (root / "v000001/survey/properties").unlink()


def legacy_properties_differ(root):
    edit_properties(root, "survey", both=False, hats_max_rows="1")


def no_ra_column(root):
    edit_properties(root, "survey", hats_col_ra="right_ascension")


def ra_not_named(root):
    edit_properties(root, "survey", hats_col_ra=None)


def binary_properties(root):
    (root / "v000001/survey/hats.properties").write_bytes(b"\xff\xfe\x00")


def no_margin_threshold(root):
    edit_properties(root, "survey_900arcs", hats_margin_threshold=None)


def drop_margin_row(root):
    rewrite(leaves(root, "survey_900arcs")[0], lambda t: t.slice(1))


def delete_margin_leaf(root):
    leaves(root, "survey_900arcs")[0].unlink()


def change_margin_row(root):
    rewrite(leaves(root, "survey_900arcs")[0], lambda t: set_value(t, "mag", 0, 1.0))


def change_margin_flux(root):
    def change(table):
        value = table["lightcurve"][1].as_py()
        return set_value(table, "lightcurve", 1, value | {"flux": [0.0] * len(value["flux"])})

    rewrite(leaves(root, "survey_900arcs")[0], change)


def repeat_margin_row(root):
    leaf = leaves(root, "survey_900arcs")[0]
    rewrite(leaf, lambda t: pa.concat_tables([t.slice(0, 1), t]))


def own_row_in_margin(root):
    leaf = leaves(root, "survey_900arcs")
    own = {path.name: path for path in leaves(root)}
    mine = next(path for path in leaf if path.name in own)
    row = pq.read_table(own[mine.name], partitioning=None).slice(2, 1)
    rewrite(mine, lambda t: pa.concat_tables([t, row]).sort_by("_healpix_29"))


def far_row_in_margin(root):
    def change(table):
        row = table.slice(0, 1)
        row = set_value(set_value(row, "ra", 0, 200.0), "dec", 0, -50.0)
        hpx = int(radec_to_hpx([200.0], [-50.0])[0])
        return pa.concat_tables([table, set_value(row, "_healpix_29", 0, hpx)]).sort_by(
            "_healpix_29"
        )

    rewrite(leaves(root, "survey_900arcs")[0], change)


def margin_of_fewer_columns(root):
    common = root / "v000001/survey_900arcs/dataset/_common_metadata"
    (root / "v000001/survey_900arcs/dataset/_metadata").unlink()
    for path in [*leaves(root, "survey_900arcs"), common]:
        rewrite(path, lambda t: t.drop_columns(["lightcurve"]))


def margin_over_partitions(root):
    folder = root / "v000001/survey_900arcs"
    own = {Cell(*map(int, line.split(","))) for line in
           (root / "v000001/survey/partition_info.csv").read_text().splitlines()[1:]}  # fmt: skip
    inside = next(cell for cell in sorted(own) if cell.order)
    (folder / "partition_info.csv").write_text(
        f"Norder,Npix\n{inside.order + 1},{inside.npix * 4}\n"
    )
    shutil.rmtree(folder / "dataset")
    leaf = folder / f"dataset/Norder={inside.order + 1}/Dir=0/Npix={inside.npix * 4}.parquet"
    leaf.parent.mkdir(parents=True)
    schema = pq.read_schema(root / "v000001/survey/dataset/_common_metadata")
    pq.write_metadata(schema, folder / "dataset/_common_metadata")
    pq.write_table(schema.empty_table(), leaf)
    edit_properties(root, "survey_900arcs", hats_nrows="0")


def index_part(root: Path) -> Path:
    return root / "v000001/survey_id_index/dataset/index/part.0.parquet"


def rewrite_index(root: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change the index and its _metadata alike, as a writer with a bug would."""
    rewrite(index_part(root), change)
    footer = pq.read_metadata(index_part(root))
    footer.set_file_path("index/part.0.parquet")
    footer.write_metadata_file(root / "v000001/survey_id_index/dataset/_metadata")
    edit_properties(root, "survey_id_index", hats_nrows=str(footer.num_rows))


def drop_index_row(root):
    rewrite_index(root, lambda t: pa.concat_tables([t.slice(0, 10), t.slice(11)]))


def index_row_twice(root):
    rewrite_index(root, lambda t: pa.concat_tables([t.slice(0, 10), t.slice(9)]))


def index_row_unknown(root):
    rewrite_index(root, lambda t: set_value(t, "id", N - 1, FIRST_ID + N + 5))


def index_row_elsewhere(root):
    def change(table):
        cells = zip(table["Norder"].to_pylist(), table["Npix"].to_pylist(), strict=True)
        here, other = (c := list(cells))[7], next(x for x in c if x != c[7])
        assert here != other
        return set_value(set_value(table, "Norder", 7, other[0]), "Npix", 7, other[1])

    rewrite_index(root, change)


def index_row_nowhere(root):
    rewrite_index(root, lambda t: set_value(t, "Npix", 7, 11))


def index_row_other_cell(root):
    rewrite_index(root, lambda t: set_value(t, "_healpix_29", 7, t["_healpix_29"][7].as_py() + 1))


def index_unsorted(root):
    rewrite_index(root, swapped)


def index_bounds_stale(root):
    """The part has other ids than _metadata says: a look-up would not find them."""
    rewrite(index_part(root), lambda t: set_value(t, "id", N - 1, t["id"][N - 1].as_py() + 1))


def index_part_missing(root):
    index_part(root).unlink()


def index_part_stray(root):
    shutil.copy(index_part(root), index_part(root).with_name("part.1.parquet"))


def index_of_other_column(root):
    edit_properties(root, "survey_id_index", hats_index_column="name")


def index_without_npix(root):
    for path in (index_part(root), root / "v000001/survey_id_index/dataset/_common_metadata"):
        rewrite(path, lambda t: t.drop_columns(["Npix"]))


def rewrite_map(root, change):
    from astropy.io import fits

    path = root / "v000001/survey/point_map.fits"
    with fits.open(path) as hdus:
        hdus = fits.HDUList([hdu.copy() for hdu in hdus])
    change(hdus[1].data)
    hdus.writeto(path, overwrite=True)


def map_without_rows(root):
    def change(data):
        data["VALUE"][0] = 0

    rewrite_map(root, change)


def map_counts_too_many(root):
    def change(data):
        data["VALUE"][0] += 1

    rewrite_map(root, change)


def map_missing(root):
    (root / "v000001/survey/point_map.fits").unlink()


def map_broken(root):
    (root / "v000001/survey/point_map.fits").write_bytes(b"SIMPLE")


def edit_collection(root: Path, old: str, new: str) -> None:
    path = root / "collection.properties"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def collection_without_margin_folder(root):
    shutil.rmtree(root / "v000001/survey_900arcs")


def collection_without_version(root):
    shutil.rmtree(root / "v000001")


def collection_default_margin(root):
    edit_collection(root, "default_margin=v000001/", "default_margin=")


def collection_default_index(root):
    edit_collection(root, "default_index=id", "default_index=name")


def collection_without_primary(root):
    edit_collection(root, "hats_primary_table_url", "hats_table_url")


def collection_garbled(root):
    edit_collection(root, "hats_primary_table_url=", "hats_primary_table_url ")


def margin_is_no_margin(root):
    edit_collection(root, "v000001/survey_900arcs", "v000001/survey")


FAULTS = {
    delete_leaf: {"missing-leaf", "row-count"},
    truncate_leaf: {"broken-leaf", "row-count"},
    garble_leaf: {"broken-leaf"},
    swap_rows: {"unsorted"},
    change_healpix: {"wrong-healpix", "index-missing", "index-unknown"},
    move_row: {"wrong-partition", "metadata-groups", "index-missing", "index-unknown"},
    lose_row: {"metadata-groups", "row-count", "index-unknown", "map-counts"},
    nan_position: {"bad-position"},
    null_position: {"bad-position"},
    unequal_lists: {"unequal-lists"},
    times_backward: {"unsorted-times"},
    other_schema: {"leaf-schema"},
    column_missing: {"leaf-schema"},
    wrong_nrows: {"row-count"},
    wrong_margin_nrows: {"row-count"},
    wrong_index_nrows: {"row-count"},
    nrows_no_number: {"bad-property"},
    stray_leaf: {"stray-file"},
    unlisted_partition: {
        "stray-file", "metadata-path", "statistics-cell", "row-count", "map-counts", "index-place",
        "margin-row-unknown",
    },
    overlapping_partitions: {"cannot-open"},
    no_such_cell: {"no-cell", "missing-leaf"},
    no_partition_info: {"no-partition-info"},
    no_common_metadata: {"no-common-metadata"},
    no_index_common_metadata: {"no-common-metadata"},
    no_index_metadata: {"no-metadata"},
    broken_common_metadata: {"cannot-open"},
    broken_metadata: {"broken-metadata"},
    stale_metadata: {"metadata-groups"},
    stale_statistics: {"statistics-rows"},
    statistics_of_other_cell: {"statistics-cell", "statistics-rows"},
    no_properties: {"no-properties"},
    no_legacy_properties: {"missing-properties-file"},
    legacy_properties_differ: {"legacy-properties"},
    no_ra_column: {"no-position-column", "margin-columns"},
    ra_not_named: {"missing-property"},
    binary_properties: {"broken-properties"},
    no_margin_threshold: {"missing-property"},
    drop_margin_row: {"margin-row-missing", "metadata-groups", "row-count"},
    delete_margin_leaf: {"missing-leaf", "row-count"},
    change_margin_row: {"margin-row-changed"},
    change_margin_flux: {"margin-row-changed"},
    repeat_margin_row: {"margin-row-unknown", "metadata-groups", "row-count"},
    own_row_in_margin: {"margin-row-at-home", "metadata-groups", "row-count"},
    far_row_in_margin: {"margin-row-unknown", "metadata-groups", "row-count"},
    margin_of_fewer_columns: {"margin-schema"},
    margin_over_partitions: {"margin-cell", "margin-row-missing"},
    drop_index_row: {"index-missing"},
    index_row_twice: {"index-unknown"},
    index_row_unknown: {"index-missing", "index-unknown"},
    index_row_elsewhere: {"index-missing", "index-unknown"},
    index_row_nowhere: {"index-missing", "index-place"},
    index_row_other_cell: {"index-missing", "index-unknown"},
    index_unsorted: {"index-unsorted"},
    index_bounds_stale: {"index-bounds", "index-missing", "index-unknown"},
    index_part_missing: {"missing-leaf"},
    index_part_stray: {"stray-file"},
    index_of_other_column: {"index-columns"},
    index_without_npix: {"index-columns"},
    map_without_rows: {"map-coverage"},
    map_counts_too_many: {"map-counts"},
    map_missing: {"missing-map"},
    map_broken: {"broken-map"},
    collection_without_margin_folder: {"no-properties"},
    collection_without_version: {"no-properties"},
    collection_default_margin: {"collection-names"},
    collection_default_index: {"collection-names"},
    collection_without_primary: {"broken-collection"},
    collection_garbled: {"broken-collection"},
    margin_is_no_margin: {"wrong-kind"},
}  # fmt: skip
