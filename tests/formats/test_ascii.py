from __future__ import annotations

import warnings
from pathlib import Path

import astropy.units as u
import pyarrow as pa
import pytest
from astropy.io import fits
from astropy.table import Table

from skyseries.errors import InputError
from skyseries.formats import read_table, write_table
from skyseries.formats.ascii import ascii_text
from skyseries.schema import ColumnMeta, column_meta, with_column_meta

UNITS = [
    ("\N{MICRO SIGN}Jy", u.uJy), ("\N{GREEK SMALL LETTER MU}Jy", u.uJy), ("\u00c5", u.AA),
    ("\N{ANGSTROM SIGN}", u.AA), ("\N{MICRO SIGN}as", u.uas), ("\N{DEGREE SIGN}", u.deg),
    ("\N{PRIME}", u.arcmin), ("\N{DOUBLE PRIME}", u.arcsec), ("\N{MICRO SIGN}m", u.um),
    ("km s\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT ONE}", u.km / u.s), ("deg\u00b2", u.deg**2),
    ("erg/cm\u00b2/s", u.erg / u.cm**2 / u.s), ("M\N{SUN}", u.Msun),
    ("10\u207b\u00b3 Jy", 1e-3 * u.Jy), ("K\N{MIDDLE DOT}km/s", u.K * u.km / u.s),
]  # fmt: skip


def _table(unit: str = "", description: str = "", name: str = "f") -> pa.Table:
    field = with_column_meta(pa.field(name, pa.float64()), ColumnMeta(unit, "", description))
    return pa.table([[1.0]], schema=pa.schema([field]))


@pytest.mark.parametrize(("text", "unit"), UNITS)
@pytest.mark.parametrize("suffix", ["fits", "vot"])
def test_units_are_read_by_astropy(tmp_path: Path, text: str, unit: u.Unit, suffix: str) -> None:
    write_table(_table(text), tmp_path / f"t.{suffix}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", u.UnitsWarning)  # Angstrom is deprecated in VOTable
        assert u.isclose(1 * Table.read(tmp_path / f"t.{suffix}")["f"].unit, 1 * unit)
    written = column_meta(read_table(tmp_path / f"t.{suffix}").schema.field("f")).unit
    assert written.isascii()


@pytest.mark.parametrize("text", ["nJy", "BJD - 2457000, days", "ANGSTROM", "counts/s"])
@pytest.mark.parametrize("suffix", ["fits", "vot"])
def test_units_in_ascii_stay_as_they_are(tmp_path: Path, text: str, suffix: str) -> None:
    write_table(_table(text), tmp_path / f"t.{suffix}")
    assert column_meta(read_table(tmp_path / f"t.{suffix}").schema.field("f")).unit == text


@pytest.mark.parametrize("suffix", ["fits", "vot"])
def test_unit_that_nobody_knows_is_left_out(tmp_path: Path, suffix: str) -> None:
    with pytest.warns(UserWarning, match=r"'f': its unit 'fo\N{LATIN SMALL LETTER O WITH ACUTE}'"):
        write_table(_table("fo\N{LATIN SMALL LETTER O WITH ACUTE}"), tmp_path / f"t.{suffix}")
    assert column_meta(read_table(tmp_path / f"t.{suffix}").schema.field("f")).unit == ""


def test_descriptions(tmp_path: Path) -> None:
    text = "Flux of \u03b1 Cen \u00b1 0.1\u00b0, d'apr\u00e8s \u201cOp\u00edk\u201d, \u65e5"
    assert ascii_text(text) == 'Flux of alpha Cen +- 0.1 deg, d\'apres "Opik", '
    write_table(_table(description=text), tmp_path / "t.fits")
    assert fits.getheader(tmp_path / "t.fits", 1)["TCOMM1"] == ascii_text(text).strip()
    write_table(_table(description=f"{text} & <b> \x01"), tmp_path / "t.vot")
    meta = column_meta(read_table(tmp_path / "t.vot").schema.field("f"))
    assert meta.description == f"{text} & <b>"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([f"c{i}" for i in range(1000)], "999 columns at most, not 1000: choose fewer"),
        (["x" * 69], "68 letters at most: rename 'xxx"),
        ([""], "empty or end with blanks: rename ''"),
        (["a "], "rename 'a '"),
        (["\u03b1"], "only ASCII names"),
        (["Flux", "b", "flux"], "rename 'Flux' or 'flux'"),
        (["a\nb"], "rename 'a"),
    ],
)
def test_names_that_fits_does_not_hold(tmp_path: Path, names: list[str], message: str) -> None:
    table = pa.table([[1.0]] * len(names), names)
    with pytest.raises(InputError, match=message):
        write_table(table, tmp_path / "t.fits")
    assert list(tmp_path.iterdir()) == []


def test_most_and_longest_names_of_fits(tmp_path: Path) -> None:
    names = [f"{i:068d}" for i in range(999)]
    write_table(pa.table([[i] for i in range(999)], names), tmp_path / "t.fits")
    assert Table.read(tmp_path / "t.fits").colnames == names
    assert read_table(tmp_path / "t.fits").column_names == names


@pytest.mark.parametrize("name", ["", " ", "a\x01b"])
def test_names_that_votable_does_not_hold(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="VOTable cannot hold the name"):
        write_table(pa.table([[1.0]], [name]), tmp_path / "t.vot")
    assert list(tmp_path.iterdir()) == []
    write_table(pa.table([[1.0]], [name]), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").column_names == [name]
