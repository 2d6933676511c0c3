"""One file for each star: the id stands in the name of the file."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.csv as csv
import pytest

import skyseries as sky
from skyseries.errors import InputError
from tests.pipelines.meaning import run

NAMES = ["LMC-CEP-0001", "LMC-CEP-0002"]


def write_stars(folder, suffix, names=NAMES):
    folder.mkdir()
    for k, name in enumerate(names):
        rows = [f"{2450000.5 + i:.2f} {15 + k + 0.1 * i:.2f} 0.01" for i in range(3 + k)]
        (folder / f"{name}{suffix}").write_text("\n".join(rows) + "\n")
    return folder / f"*{suffix}"


ROLES = {
    "source_id": "_filename", "time": "col1", "mag": "col2", "mag_err": "col3",
    "time_format": "HJD",
}  # fmt: skip


def test_blank_separated_files_beside_a_table_of_objects(tmp_path):
    csv.write_csv(
        pa.table({"name": NAMES, "RAJ2000": [80.1, 80.2], "DEJ2000": [-69.2, -69.3]}),
        tmp_path / "o.csv",
    )
    pattern = write_stars(tmp_path / "stars", ".dat")
    report = run(tmp_path, tmp_path / "o.csv", str(pattern), id="name", **ROLES)
    assert (report.rows, report.epochs) == (2, 7)
    curve = sky.open_catalog(tmp_path / "c").lightcurve(NAMES[1])
    assert curve.value.tolist() == pytest.approx([16.0, 16.1, 16.2, 16.3])
    assert (curve.fields.time_format, curve.fields.refposition) == ("jd", "heliocenter")


def test_one_star_at_a_position_that_is_given(tmp_path):
    pattern = write_stars(tmp_path / "stars", ".txt", NAMES[:1])
    run(tmp_path, None, str(pattern), ra=80.1, dec=-69.2, **ROLES)
    cat = sky.open_catalog(tmp_path / "c")
    assert len(cat.cone_search(80.1, -69.2, 1)) == 1
    assert len(cat.lightcurve(NAMES[0])) == 3


def test_files_of_other_stars_are_orphans(tmp_path):
    objects = pa.table({"name": ["elsewhere"], "ra": [1.0], "dec": [2.0]})
    pattern = write_stars(tmp_path / "stars", ".dat")
    with pytest.raises(InputError, match="first with _filename = 'LMC-CEP-0001'"):
        run(tmp_path, objects, str(pattern), id="name", orphans="error", **ROLES)
