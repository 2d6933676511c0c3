"""Statements that run on what is served and give rows: what one asks first of a survey."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from skyseries.server.documents.descriptions import TableSample, Value

__all__ = ["Example", "example_statements", "literal"]

_RADIUS = 0.1
"""Degrees of the cones."""
_FIELD = 1.0
"""Degrees of the fields whose objects are counted."""
_ORDER = 8
"""Of HEALPix cells, 0.2 degrees wide."""


@dataclass(frozen=True)
class Example:
    """A statement that is shown."""

    name: str
    query: str
    tables: tuple[str, ...]


def example_statements(samples: Sequence[TableSample]) -> Iterator[Example]:
    """Yield the statements, those of a table together.

    Parameters
    ----------
    samples : sequence of TableSample
    """
    by_name = {sample.name: sample for sample in samples}
    for sample in samples:
        yield from _of_rows(sample)
        if sample.objects in by_name:
            yield from _of_epochs(sample, by_name[sample.objects])
    schema = "SELECT table_name, table_type, description FROM TAP_SCHEMA.tables"
    yield Example("The tables of this service", schema, ("TAP_SCHEMA.tables",))


def _of_rows(sample: TableSample) -> Iterator[Example]:
    if not sample.objects:
        yield _first(sample)
    yield from _of_id(sample)
    if not sample.objects and _has(sample.roles, "ra", "dec") and _has(sample.values, "ra", "dec"):
        yield _in_a_cone(sample)
        yield _counted_by_cells(sample)
        yield from _counted_by_brightness(sample)
        yield from _of_curves(sample)


def _has(known: Mapping[str, object], *names: str) -> bool:
    return all(name in known for name in names)


def _first(sample: TableSample) -> Example:
    query = f"SELECT TOP 10 {_listed(sample.columns)}\nFROM {sample.name}"
    return Example(f"Ten rows of {sample.name}", query, (sample.name,))


def _of_id(sample: TableSample) -> Iterator[Example]:
    if _has(sample.roles, "id") and _has(sample.values, "id"):
        row = literal(sample.values["id"])
        query = (
            f"SELECT {_listed(sample.columns)}\nFROM {sample.name}\n"
            f"WHERE {sample.roles['id']} = {row}"
        )
        yield Example(f"One row of {sample.name} by its id", query, (sample.name,))


def _in_a_cone(sample: TableSample) -> Example:
    query = f"SELECT TOP 1000 {_listed(sample.columns)}\nFROM {sample.name}\n{_near(sample)}"
    return Example(f"{sample.name} around a position", query, (sample.name,))


def _near(sample: TableSample, radius: float = _RADIUS, alias: str = "") -> str:
    """Return the condition that rows lie around that of the sample."""
    ra, dec = (alias + sample.roles[name] for name in ("ra", "dec"))
    there = ", ".join(_degrees(sample.values[name]) for name in ("ra", "dec"))
    # the frame may be left out in ADQL 2.1, in 2.0 it may not
    return f"WHERE CONTAINS(POINT('ICRS', {ra}, {dec}), CIRCLE('ICRS', {there}, {radius})) = 1"


def _degrees(value: Value) -> str:
    return f"{float(value):.4f}"


def _counted_by_cells(sample: TableSample) -> Example:
    cell = f"ivo_healpix_index({_ORDER}, {sample.roles['ra']}, {sample.roles['dec']})"
    query = _counted(sample, f"{cell} AS healpix", "healpix")
    return Example(f"{sample.name} counted by HEALPix cells of order {_ORDER}", query,
                   (sample.name,))  # fmt: skip


def _counted_by_brightness(sample: TableSample) -> Iterator[Example]:
    if _has(sample.roles, "brightness"):
        half = f"FLOOR(2 * {sample.roles['brightness']}) / 2 AS bin"
        query = _counted(sample, half, "bin")
        yield Example(f"{sample.name} counted by half magnitudes", query, (sample.name,))


def _counted(sample: TableSample, value: str, name: str) -> str:
    """Return how often each value is there (ADQL 2.0 groups by columns only)."""
    inner = f"  SELECT {value}\n  FROM {sample.name}\n  {_near(sample, _FIELD)}"  # noqa: S608
    lines = (f"SELECT {name}, COUNT(*) AS n", "FROM (", inner, ") AS near",
             f"GROUP BY {name}", f"ORDER BY {name}")  # fmt: skip
    return "\n".join(lines)


def _of_curves(sample: TableSample) -> Iterator[Example]:
    if not _has(sample.roles, "id", "curve"):
        return
    curve, band = sample.roles["curve"], sample.values.get("band")
    shown = [sample.roles["id"], f"LC_N_OBS({curve}) AS n_obs"]
    of_band = "" if band is None else f", {literal(band)}"
    shown.append(f"LC_STETSON_J({curve}{of_band}) AS stetson_j")
    shown.append(f"LC_PERIOD({curve}) AS period")
    query = f"SELECT TOP 10 {_listed(shown)}\nFROM {sample.name}\n{_near(sample)}"
    name = f"Features and periods of the light curves of {sample.name}"
    yield Example(name, query, (sample.name,))


def _of_epochs(sample: TableSample, objects: TableSample) -> Iterator[Example]:
    own, other = sample.roles.get("object"), objects.roles.get("id")
    seen = [sample.roles[name] for name in ("time", "band", "value") if name in sample.roles]
    if own is None or other is None or not seen or "id" not in objects.values:
        return
    row = literal(objects.values["id"])
    order = f"\nORDER BY {sample.roles['time']}" if "time" in sample.roles else ""
    query = f"SELECT {_listed(seen)}\nFROM {sample.name}\nWHERE {own} = {row}{order}"
    yield Example(f"The light curve of one object, of {sample.name}", query, (sample.name,))
    if _has(objects.roles, "ra", "dec") and _has(objects.values, "ra", "dec"):
        shown = [f"o.{objects.roles[name]}" for name in ("id", "ra", "dec")]
        query = (
            f"SELECT TOP 1000 {_listed([*shown, *(f'e.{name}' for name in seen)])}\n"
            f"FROM {objects.name} AS o\nJOIN {sample.name} AS e ON e.{own} = o.{other}\n"
            f"{_near(objects, alias='o.')}"
        )
        name = f"{objects.name} around a position, with their epochs of {sample.name}"
        yield Example(name, query, (objects.name, sample.name))


def literal(value: Value) -> str:
    """Return a value as it is written in statements."""
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def _listed(columns: Iterable[str]) -> str:
    """Return columns side by side, a few in each line."""
    given = list(columns)
    lines = [", ".join(given[start : start + 5]) for start in range(0, len(given), 5)]
    return ",\n       ".join(lines)
