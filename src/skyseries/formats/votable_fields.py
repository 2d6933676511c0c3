"""The columns of a VOTable: FIELD elements to Arrow fields and back.

VOTable 1.5 (IVOA Recommendation), sections 2 (primitive types), 4.1 (FIELD), 5 (data).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa

from skyseries.errors import InputError, SchemaError
from skyseries.formats.ascii import ascii_unit
from skyseries.formats.times import TimeMeta, format_of, with_time_meta
from skyseries.formats.votable_types import Form
from skyseries.schema import ColumnMeta, column_meta, with_column_meta

__all__ = [
    "NOT_XML",
    "VOTableField",
    "check_names",
    "field_xml",
    "is_xml_name",
    "local_name",
    "parse_fields",
    "xml_text",
]

_ARROW_TYPES = {
    "boolean": pa.bool_(), "bit": pa.bool_(), "unsignedByte": pa.uint8(), "short": pa.int16(),
    "int": pa.int32(), "long": pa.int64(), "char": pa.string(), "unicodeChar": pa.string(),
    "float": pa.float32(), "double": pa.float64(),
}  # fmt: skip

NOT_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""Characters that no XML holds, not even escaped."""


@dataclass
class VOTableField:
    """One FIELD element; what stands in its children is filled in while they are read."""

    name: str
    datatype: str
    arraysize: str = ""
    unit: str = ""
    ucd: str = ""
    ref: str = ""
    """ID of the frame of its times or positions."""
    null: str | None = None
    """The text that stands for null (VALUES null=...), a whole number in decimals."""
    xtype: str = ""
    utype: str = ""
    time: TimeMeta = field(default_factory=TimeMeta)
    description: list[str] = field(default_factory=list)

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, str]) -> VOTableField:
        """Read the attributes of a FIELD."""
        return cls(
            name=attributes.get("name") or attributes.get("ID", ""),
            datatype=attributes.get("datatype", ""),
            arraysize=attributes.get("arraysize", "").strip(),
            unit=attributes.get("unit", "").strip(),
            ucd=attributes.get("ucd", "").strip(),
            ref=attributes.get("ref", ""),
            xtype=attributes.get("xtype", "").strip().lower(),
            utype=attributes.get("utype", "").strip(),
        )

    def set_null(self, text: str | None) -> None:
        """Take in what stands for null."""
        is_hexadecimal = text is not None and re.fullmatch(r"[+-]?0[xX][0-9a-fA-F]+", text.strip())
        self.null = str(int(text, 16)) if text and is_hexadecimal else text

    @property
    def is_text(self) -> bool:
        """Whether a cell is text."""
        return self.datatype in ("char", "unicodeChar")

    @property
    def count(self) -> int | None:
        """Values of a cell: 1 for a scalar, None if each cell says how many."""
        if "*" in self.arraysize:
            return None
        total = 1
        for size in re.findall(r"[0-9]+", self.arraysize):
            total *= int(size)
        return total

    @property
    def is_list(self) -> bool:
        """Whether a cell is an array of numbers."""
        return not self.is_text and self.arraysize not in ("", "1")

    @property
    def inner_sizes(self) -> tuple[int, ...]:
        """Lengths of all dimensions but the outermost of an array of fixed shape."""
        sizes = () if "*" in self.arraysize else re.findall(r"[0-9]+", self.arraysize)
        return tuple(map(int, sizes[:-1])) if self.is_list else ()

    def value_type(self, path: str) -> pa.DataType:
        """Return the Arrow type of one value; SchemaError for complex numbers."""
        if self.datatype not in _ARROW_TYPES:
            raise SchemaError(
                f"{path}: column {self.name!r} has the VOTable type {self.datatype!r}, "
                "which is not read"
            )
        if self.is_text and "x" in self.arraysize:
            raise SchemaError(
                f"{path}: column {self.name!r} is an array of texts "
                f"(arraysize {self.arraysize!r}), which is not read"
            )
        return _ARROW_TYPES[self.datatype]

    def arrow_field(self, path: str) -> pa.Field:
        """Return the Arrow field with unit, UCD and description."""
        value = self.value_type(path)
        text = " ".join("".join(self.description).split())
        xtype = "" if self.xtype == "timestamp" else self.xtype
        meta = ColumnMeta(self.unit, self.ucd, text, self.utype, xtype)
        whole = pa.list_(value) if self.is_list else value
        for _ in self.inner_sizes:
            whole = pa.list_(whole)
        plain = pa.field(self.name, whole)
        return with_time_meta(with_column_meta(plain, meta), self._time_meta())

    def _time_meta(self) -> TimeMeta:
        if self.xtype == "timestamp" and self.is_text:
            return replace(self.time, format="isot", origin="")
        return replace(self.time, format=format_of(self.time.origin, self.unit))


def local_name(tag: str) -> str:
    """Return the name of an element without its namespace prefix."""
    return tag.rpartition(":")[2]


def parse_fields(text: bytes, path: str) -> list[pa.Field]:
    """Return the columns of a VOTable without data (VOTable in Parquet)."""
    fields: list[VOTableField] = []
    inside: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        inside.append(local_name(tag))
        if inside[-1] == "FIELD":
            fields.append(VOTableField.from_attributes(attributes))

    def characters(data: str) -> None:
        if inside[-2:] == ["FIELD", "DESCRIPTION"]:
            fields[-1].description.append(data)

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda tag: inside.pop()
    parser.CharacterDataHandler = characters
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise InputError(f"the VOTable in the metadata of {path} is broken: {error}") from error
    known = (item for item in fields if item.datatype in _ARROW_TYPES)
    return [
        item.arrow_field(path) for item in known if not (item.is_text and "x" in item.arraysize)
    ]


def check_names(names: Sequence[str]) -> None:
    """Raise InputError if XML cannot hold one of these names of columns."""
    for name in names:
        if not is_xml_name(name):
            raise InputError(f"VOTable cannot hold the name {name!r}: rename this column")


def is_xml_name(name: str) -> bool:
    """Whether XML can hold the name of a column."""
    return bool(name.strip()) and not NOT_XML.search(name)


def xml_text(text: str) -> str:
    """Return a text without the characters that XML cannot hold."""
    return NOT_XML.sub("", text)


def field_xml(column: pa.Field, form: Form, ref: str = "") -> str:
    """Return the FIELD element of a column; `ref` is the ID of the system that it refers to."""
    meta, name = column_meta(column), column.name
    attributes = {
        "name": name, "datatype": form.datatype, "arraysize": form.arraysize, "xtype": form.xtype,
        "unit": ascii_unit(" ".join(meta.unit.split()), "vounit", name),
        "ucd": meta.ucd, "utype": meta.utype, "ref": ref,
    }  # fmt: skip
    told = " ".join(f"{key}={quoteattr(text)}" for key, text in attributes.items() if text)
    inside = f'<VALUES null="{form.null}"/>' if form.null is not None else ""
    if meta.description:
        inside = f"<DESCRIPTION>{escape(xml_text(meta.description))}</DESCRIPTION>{inside}"
    return f"<FIELD {told}>{inside}</FIELD>" if inside else f"<FIELD {told}/>"
