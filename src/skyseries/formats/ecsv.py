"""The YAML header of ECSV (and of the Parquet files that astropy writes): types and units.

ECSV: Enhanced Character-Separated Values, version 1.0 (Astropy Proposal for Enhancement 6).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from skyseries.errors import SchemaError
from skyseries.formats.mixins import Mixins, find_mixins
from skyseries.schema import ColumnMeta, with_column_meta

__all__ = ["EcsvHeader", "parse_header"]

_TYPES = {
    "bool": pa.bool_(), "string": pa.string(), "str": pa.string(),
    "int8": pa.int8(), "int16": pa.int16(), "int32": pa.int32(), "int64": pa.int64(),
    "uint8": pa.uint8(), "uint16": pa.uint16(), "uint32": pa.uint32(), "uint64": pa.uint64(),
    "float16": pa.float32(), "float32": pa.float32(), "float64": pa.float64(),
}  # fmt: skip
_SUBTYPE = re.compile(r"\s*([a-z0-9]+)\s*\[.*\]\s*")


@dataclass(frozen=True)
class EcsvHeader:
    """What the header says."""

    schema: pa.Schema
    """The columns as they stand in the file."""
    delimiter: str
    mixins: Mixins = field(default_factory=Mixins)


def parse_header(text: str, path: str) -> EcsvHeader:
    """Read the YAML header, without its comment signs.

    Raises
    ------
    SchemaError
        If it is not YAML, lists no columns, or a column has a type that Arrow lacks.
    """
    import yaml  # type: ignore[import-untyped]

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Reads tags that are not known (units, times) as the plain data under them."""

    Loader.add_multi_constructor("!", _construct_plain)
    try:
        header = yaml.load(text, Loader)  # noqa: S506 - a subclass of the safe loader
        columns = header["datatype"]
        delimiter = header.get("delimiter", " ")
        fields = [_field(column, path) for column in columns]
        mixins = replace(find_mixins(header.get("meta")), json=_json_columns(columns))
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise SchemaError(f"the ECSV header of {path} cannot be read: {error}") from error
    return EcsvHeader(pa.schema(fields), delimiter, mixins)


def _construct_plain(loader: Any, suffix: str, node: Any) -> Any:
    kind = type(node).__name__
    if kind == "MappingNode":
        return loader.construct_mapping(node, deep=True)
    if kind == "SequenceNode":
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


def _json_columns(columns: list[dict[str, Any]]) -> frozenset[str]:
    kinds = {str(c["name"]): (str(c["datatype"]), str(c.get("subtype") or "")) for c in columns}
    return frozenset(name for name, kind in kinds.items() if kind == ("string", "json"))


def _field(column: dict[str, Any], path: str) -> pa.Field:
    name, datatype = str(column["name"]), str(column["datatype"])
    kind = _TYPES.get(datatype)
    subtype = str(column.get("subtype") or "")
    if subtype and (match := _SUBTYPE.fullmatch(subtype)):
        value = _TYPES.get(match[1])
        depth = subtype.count(",") + 1
        kind = value
        for _ in range(depth):
            kind = None if kind is None else pa.list_(kind)
    if kind is None:
        raise SchemaError(
            f"{path}: column {name!r} has the type {subtype or datatype}, which is not read"
        )
    unit = column.get("unit") or ""
    if isinstance(unit, dict):
        unit = unit.get("unit", "")
    meta = ColumnMeta(unit=str(unit), description=str(column.get("description") or ""))
    return with_column_meta(pa.field(name, kind), meta)
