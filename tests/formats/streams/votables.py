"""VOTables of every serialization, read by astropy and looked at by STILTS."""

from __future__ import annotations

import io
import json
import math
import re
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt
import pytest
from astropy.io.votable import parse

from skyseries.formats.streams import OVERFLOW, Document, Ending, Info
from skyseries.formats.times import TimeMeta, with_time_meta
from skyseries.schema import ColumnMeta, with_column_meta
from skyseries.schema.columns import declare, with_frame
from tests.formats.streams.contract import Contract, Rows, document_of


def parsed(document: bytes) -> Any:
    """Return what astropy makes of a document."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return parse(io.BytesIO(document))


def votlint(document: bytes, folder: Path) -> list[str]:
    """Return what STILTS has against a document."""
    if (stilts := shutil.which("stilts")) is None:
        pytest.skip("there is no stilts here (Debian package stilts)")
    path = folder / "t.vot"
    path.write_bytes(document)
    done = subprocess.run(
        [stilts, "votlint", str(path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return [line for line in done.stdout.splitlines() if not _IS_NEW.search(line)]


_IS_NEW = re.compile(r"'1\.5'|version: 1\.5|VOTable version|VOTable v1\.4|^$")
"""Of messages of a STILTS that does not know VOTable 1.5."""


def rich_table() -> pa.Table:
    """Return a table with a column of each kind."""
    fields = {
        "ra": (ColumnMeta("deg", "pos.eq.ra;meta.main"), pa.array([1.5, None, float("nan")])),
        "dec": (ColumnMeta("deg", "pos.eq.dec;meta.main"), pa.array([-1.5, 2.0, float("inf")])),
        "id": (ColumnMeta(ucd="meta.id"), pa.array([2**63 + 1, 1, None], pa.uint64())),
        "n": (ColumnMeta(), pa.array([1, None, -3], pa.int16())),
        "b": (ColumnMeta(), pa.array([True, None, False])),
        "t": (ColumnMeta(description="<text> & more"), pa.array(["\N{SUN} <&>", None, ""])),
        "when": (ColumnMeta(), pa.array([0, None, 10**9], pa.timestamp("ms"))),
        "c": (ColumnMeta("deg", xtype="circle"),
              pa.array([[1, 2, 3], None, [4, 5, 6]], pa.list_(pa.float64(), 3))),
        "m": (ColumnMeta(), pa.array([[[1, 2]] * 3, None, [[3, None]] * 3],
                                     pa.list_(pa.list_(pa.int32(), 2), 3))),
        "bools": (ColumnMeta(), pa.array([[True, None], [], None], pa.list_(pa.bool_()))),
        "l": (ColumnMeta("nJy"), pa.array([[1, None], [], None], pa.list_(pa.uint8()))),
        "lc": (ColumnMeta(), pa.array(
            [{"mjd": [1.5], "band": ["g"]}, None, {"mjd": [], "band": []}],
            pa.struct({"mjd": pa.list_(pa.float64()), "band": pa.list_(pa.string())}))),
    }  # fmt: skip
    schema = pa.schema(
        [with_column_meta(pa.field(k, a.type), meta) for k, (meta, a) in fields.items()]
    )
    whens = with_time_meta(schema.field("when"), TimeMeta("isot", "utc"))
    schema = schema.set(schema.get_field_index("when"), whens)
    mjd = with_time_meta(
        pa.field("mjd", pa.list_(pa.float64())), TimeMeta("mjd", "tai", "topocenter")
    )
    curve = pa.field("lc", pa.struct([mjd, ("band", pa.list_(pa.string()))]))
    schema = schema.set(schema.get_field_index("lc"), curve)
    return pa.table([array for _, array in fields.values()], schema=schema)


_RESERVED = {pa.int32(): -(2**31), pa.int64(): -(2**63)}
"""What stands for null in arrays of these."""


class VOTableContract(Contract):
    """How astropy reads."""

    def read(self, document: bytes) -> Rows:
        votable = parsed(document)
        (resource,) = votable.resources
        if any((i.name, i.value) == ("QUERY_STATUS", "ERROR") for i in resource.infos):
            raise ValueError("the query failed")
        table = resource.tables[0]
        columns = {f.name: [_cell(c) for c in table.array[f.ID]] for f in table.fields}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def shown(self, cell: Any, kind: pa.DataType) -> Any:
        if pt.is_dictionary(kind):
            kind = kind.value_type
        if pt.is_nested(kind):
            value = kind
            while pt.is_fixed_size_list(value) or (value is kind and pt.is_list(value)):
                value = value.value_type
            if pt.is_string(value) or pt.is_uint64(value) or pt.is_list(value):
                return "" if cell is None else json.dumps(cell, ensure_ascii=False)
            if cell and value in _RESERVED:
                cell = [None if v == _RESERVED[value] else v for v in cell]
            if pt.is_fixed_size_list(kind) and cell is None:
                cell = [None] * kind.list_size
            if pt.is_list(kind) and pt.is_fixed_size_list(kind.value_type):
                cell = cell and [v for part in cell for v in self.shown(part, kind.value_type)]
                kind = kind.value_type
            return [] if cell is None else [self.shown(v, kind.value_type) for v in cell]
        if pt.is_string(kind) or pt.is_null(kind):
            return cell or ""
        if pt.is_uint64(kind):
            return "" if cell is None else str(cell)
        if pt.is_timestamp(kind):
            return "" if cell is None else cell.isoformat(timespec="milliseconds")
        if pt.is_date(kind):
            return "" if cell is None else str(cell)
        if isinstance(cell, float) and math.isnan(cell):
            return None
        return cell

    def described(self, table: pa.Table, document: Document | None = None) -> dict[str, Any]:
        """Return the FIELDs by name."""
        found = parsed(document_of(self.encoder, table, document=document))
        return {field.name: field for field in found.get_first_table().fields}

    @pytest.mark.parametrize("version", ["1.4", "1.5"])
    @pytest.mark.parametrize("ending", [None, OVERFLOW, Ending.error("a < b & c")])
    def test_votlint(self, tmp_path: Path, version: str, ending: Ending | None) -> None:
        told = Document((Info("QUERY_STATUS", "OK"), Info("query", '<"&>', "x\x00 & y")), "d & e",
                        version)  # fmt: skip
        document = document_of(
            self.encoder, rich_table(), document=told, **({"ending": ending} if ending else {})
        )
        assert votlint(document, tmp_path) == []

    def test_votlint_without_rows(self, tmp_path: Path) -> None:
        assert votlint(document_of(self.encoder, rich_table()[:0]), tmp_path) == []

    def test_forms(self) -> None:
        fields = self.described(rich_table())
        forms = {name: (f.datatype, f.arraysize, f.xtype) for name, f in fields.items()}
        assert forms == {
            "ra": ("double", None, None), "dec": ("double", None, None), "id": ("char", "*", None),
            "n": ("short", None, None), "b": ("boolean", None, None),
            "t": ("unicodeChar", "*", None), "when": ("char", "*", "timestamp"),
            "c": ("double", "3", "circle"), "m": ("int", "2x3", None),
            "bools": ("boolean", "*", None), "l": ("short", "*", None),
            "lc.mjd": ("double", "*", None), "lc.band": ("unicodeChar", "*", None),
        }  # fmt: skip
        assert fields["l"].values.null == -32768
        assert fields["n"].values.null is None

    def test_text_that_is_ascii_by_nature(self) -> None:
        field = declare(pa.field("band", pa.string()), "char")
        table = pa.table([["g", "\N{GREEK SMALL LETTER ALPHA}b", None]], schema=pa.schema([field]))
        assert self.described(table)["band"].datatype == "char"
        read = self.read(document_of(self.encoder, table))
        assert [row["band"] for row in read] == ["g", "?b", ""]

    def test_status_is_told_behind_the_table(self) -> None:
        told = Document((Info("QUERY_STATUS", "OK"),))
        table = pa.table({"a": [1]})
        for ending, status in ((OVERFLOW, "OVERFLOW"), (Ending.error("no <disk>"), "ERROR")):
            document = document_of(self.encoder, table, document=told, ending=ending)
            before, behind = document.split(b"</TABLE>")
            assert b'value="OK"' in before
            (resource,) = parsed(document).resources
            assert [i.value for i in resource.infos] == ["OK", status]
            assert resource.infos[-1].content == (ending.text or None)
            assert status.encode() in behind

    def test_systems(self) -> None:
        mjd = with_time_meta(pa.field("mjd", pa.float64()), TimeMeta("mjd", "tai", "topocenter"))
        frame = with_frame(pa.field("l", pa.float64()), "galactic")
        ra = with_column_meta(pa.field("ra", pa.float64()), ColumnMeta(ucd="pos.eq.ra"))
        curve = pa.field("lc", pa.struct([mjd.with_type(pa.list_(pa.float64()))]))
        table = pa.table([[1.0], [1.0], [1.0], [{"mjd": [1.0]}]],
                         schema=pa.schema([ra, frame, mjd, curve]))  # fmt: skip
        votable = parsed(document_of(self.encoder, table))
        fields = {f.name: f.ref for f in votable.get_first_table().fields}
        (resource,) = votable.resources
        systems = {s.ID: s.system for s in resource.coordinate_systems}
        assert (systems[fields["ra"]], systems[fields["l"]]) == ("ICRS", "galactic")
        (time,) = resource.time_systems
        assert (time.timeorigin, time.timescale) == ("MJD-origin", "TAI")
        assert time.refposition == "TOPOCENTER"
        assert fields["mjd"] == fields["lc.mjd"] == time.ID

    def test_unknown_version(self) -> None:
        with pytest.raises(Exception, match="version"):
            self.encoder(pa.schema([("a", pa.int8())]), Document(votable_version="1.2"))


def _cell(cell: Any) -> Any:
    """Return a cell as Python has it, None where it is masked."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, np.ndarray) and cell.ndim:
        return [_cell(value) for value in cell]
    if cell is np.ma.masked or bool(np.all(np.ma.getmaskarray(np.ma.asarray(cell)))):
        return None
    if isinstance(cell, np.float32):
        return float(cell)
    return cell.item() if isinstance(cell, (np.generic, np.ndarray)) else cell
