"""Columns that astropy writes as several: masked ones (data and mask), times (two doubles).

What belongs together stands under ``__serialized_columns__`` in the YAML header of ECSV, and in
the metadata of the Parquet files that astropy writes. A mask becomes nulls, so that what lies
under it is never read; the two parts of a time become one MJD. The parts of a SkyCoord
(``sky.ra``, ``sky.dec``) are plain columns as they are, and say their frame if it is not ICRS.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from skyseries.formats.nulls import lists_like
from skyseries.formats.times import MJD_ZERO, TimeMeta, with_time_meta
from skyseries.lazy import pc
from skyseries.schema import ColumnMeta, with_column_meta
from skyseries.schema.columns import with_frame

__all__ = ["Mixins", "find_mixins", "nulls_under_mask"]

_KEY = "__serialized_columns__"


@dataclass(frozen=True)
class Mixins:
    """Which columns of a file make one column, and what is said of its times."""

    masks: Mapping[str, str] = field(default_factory=dict)
    """From a column to that of its mask."""
    times: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """From a column to the two whose sum is its Julian date."""
    about: Mapping[str, TimeMeta] = field(default_factory=dict)
    spans: Mapping[str, str] = field(default_factory=dict)
    """The units of columns that are spans of time."""
    frames: Mapping[str, str] = field(default_factory=dict)
    """The frames of columns that are parts of positions, where these are not ICRS."""
    json: frozenset[str] = frozenset()
    """Columns whose cells are JSON: what astropy writes of columns of Python's objects."""

    def __bool__(self) -> bool:
        known = (self.masks, self.times, self.about, self.spans, self.frames, self.json)
        return any(map(bool, known))

    def logical(self, schema: pa.Schema) -> pa.Schema:
        """Return the columns that are meant, from those of the file."""
        firsts = {first: name for name, (first, _) in self.times.items()}
        hidden = {*self.masks.values(), *(second for _, second in self.times.values())}
        fields = []
        for column in schema:
            if column.name in firsts:
                column = pa.field(firsts[column.name], pa.float64(), metadata={b"unit": b"d"})
            elif column.name in hidden:
                continue
            column = with_column_meta(column, ColumnMeta(unit=self.spans.get(column.name, "")))
            if frame := self.frames.get(column.name):
                column = with_frame(column, frame)
            fields.append(with_time_meta(column, self.about.get(column.name, TimeMeta())))
        return pa.schema(fields)

    def physical(self, target: pa.Schema, schema: pa.Schema) -> pa.Schema:
        """Return the columns to read for a target: types of the target where they are the same."""
        fields: dict[str, pa.Field] = {}
        for column in target:
            if parts := self.times.get(column.name):
                fields.update((part, pa.field(part, pa.float64())) for part in parts)
            else:
                fields[column.name] = column
        for name in list(fields):
            if mask := self.masks.get(name):
                fields[mask] = schema.field(mask)
        return pa.schema(list(fields.values()))

    def combine(self, batch: pa.RecordBatch, target: pa.Schema) -> pa.RecordBatch:
        """Return the target's columns from those that `physical` asked for."""

        def part(name: str) -> pa.Array:
            mask = self.masks.get(name)
            column = batch.column(name)
            return column if mask is None else nulls_under_mask(column, batch.column(mask))

        arrays = []
        for column in target:
            if parts := self.times.get(column.name):
                first, second = map(part, parts)
                is_date = column.name in self.about
                zero = pa.scalar(MJD_ZERO if is_date else 0.0)
                arrays.append(pc.add(pc.subtract(first, zero), second))
            elif column.name in self.json:
                arrays.append(_plain_text(part(column.name)))
            else:
                arrays.append(part(column.name))
        return pa.RecordBatch.from_arrays(arrays, names=target.names)


def _plain_text(cells: pa.Array) -> pa.Array:
    """Return JSON cells with texts as they are, null as null, and all else as JSON."""
    found = []
    for cell in cells.to_pylist():
        value = None if cell is None else json.loads(cell)
        found.append(value if value is None or isinstance(value, str) else cell)
    return pa.array(found, cells.type)


def nulls_under_mask(data: pa.Array, mask: pa.Array) -> pa.Array:
    """Return the cells with null where the mask is true; a mask of lists is one of their values."""
    if pt.is_nested(mask.type):
        if pt.is_fixed_size_list(data.type):
            data = data.cast(pa.list_(data.type.value_field))
        return lists_like(data, nulls_under_mask(data.flatten(), mask.flatten()))
    return pc.if_else(pc.fill_null(mask, False), pa.scalar(None, data.type), data)


def find_mixins(meta: Any) -> Mixins:
    """Read what the ``meta`` of a YAML header says of columns that belong together."""
    pairs = meta.items() if isinstance(meta, Mapping) else meta or ()
    said = next((value for key, value in pairs if key == _KEY), None)
    if not isinstance(said, Mapping):
        return Mixins()
    masks: dict[str, str] = {}
    times: dict[str, tuple[str, str]] = {}
    about: dict[str, TimeMeta] = {}
    spans: dict[str, str] = {}
    frames: dict[str, str] = {}
    for name, spec in said.items():
        _find_masks(spec, masks)
        kind = str(spec.get("__class__", "")).rpartition(".")[2]
        if kind == "SkyCoord" and (frame := str(spec.get("frame", "icrs"))) != "icrs":
            frames |= {part: frame for value in spec.values() if (part := _column(value))}
        if kind not in ("Time", "TimeDelta"):
            continue
        first, second = _column(spec.get("jd1")), _column(spec.get("jd2"))
        if first and second:
            times[name] = (first, second)
        elif kind == "TimeDelta":
            spans[name] = {"sec": "s", "jd": "d"}.get(str(spec.get("format")), "")
        if kind == "Time":
            format_ = "mjd" if first else str(spec.get("format", ""))
            about[name] = TimeMeta(format_, str(spec.get("scale", "")).lower())
    return Mixins(masks, times, about, spans, frames)


def _find_masks(spec: Any, masks: dict[str, str]) -> None:
    if not isinstance(spec, Mapping):
        return
    data, mask = _column(spec.get("data")), _column(spec.get("mask"))
    if data and mask:
        masks[data] = mask
    for part in spec.values():
        _find_masks(part, masks)


def _column(spec: Any) -> str:
    """Return the column in the file that holds a part, behind its mask or not."""
    if not isinstance(spec, Mapping):
        return ""
    return str(spec["name"]) if "name" in spec else _column(spec.get("data") or spec.get("value"))
