"""The queries that Rubin's tutorials send: which ask simulated tables, with their holes filled."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from skyseries.timeseries.simulate.rubin.settings import SETTINGS, Setting
from tests.rubin.flat import GEOMETRY

REASONS = {
    r"sqlite_master|FROM observations": "a table of a database that a notebook makes",
    r"dp03_": "a release of which no table is described",
    r"ObsCore": "images, which are no catalog",
    r"dbo\.|gaia": "another archive's",
    r"DiaObjectId, MAX\(midpointMjdTai\)": "a column beside an aggregate, which no service answers",
}
"""What is not asked, and why."""
FROM = re.compile(r"\b(?:FROM|JOIN) (\w+\.\w+)", re.IGNORECASE)


POLYGON = "55.0, -37.0, 56.4, -37.0, 56.4, -36.0, 55.0, -36.0"
BOX = r"(\1 BETWEEN 55.0 AND 56.4 AND \2 BETWEEN -37.0 AND -36.0)"
"""The same for DuckDB: no position lies between the sides and the parallels."""

Tables = Mapping[str, pa.Table]


class Tutorial(NamedTuple):
    release: str
    text: str
    """ADQL, without holes."""

    @property
    def duckdb(self) -> str:
        """The same for DuckDB, with the macros of `flat`."""
        text = re.sub(r"\b(\d)AND\b", r"\1 AND", self.text)
        for name, macro in GEOMETRY.items():
            text = re.sub(rf"\b{name} ?\(", f"{macro}(", text)
        text = re.sub(r"\bDISTANCE ?\(", "m_distance(", text, flags=re.IGNORECASE)
        text = re.sub(r"JOIN (TAP_UPLOAD\.\w+ AS \w+) (?!ON)", r"CROSS JOIN \1 ", text)
        text = re.sub(r"\w+\(m_point\(\S+ (\w+), (\w+)\), POLYGON\(.*?\)\) ?= ?1", BOX, text)
        text = text.replace("numbered < 0.5", "NOT numbered")
        top = re.match(r"SELECT TOP (\d+) ", text)
        return f"SELECT {text[top.end() :]} LIMIT {top[1]}" if top else text


def queries(shared_data: Path) -> list[str]:
    """Return all queries, with their holes."""
    entries = json.loads((shared_data / "adql" / "rubin_tutorial_queries.json").read_text())
    return list(dict.fromkeys(entry["query"] for entry in entries))


def why_not(text: str) -> str | None:
    """Return why a query is not asked; None if it is."""
    return next((said for pattern, said in REASONS.items() if re.search(pattern, text)), None)


def tutorials(shared_data: Path, release: str, tables: Tables) -> Iterator[Tutorial]:
    """Yield the queries on tables of a release.

    Parameters
    ----------
    shared_data : path
    release : str
    tables : mapping
        Those that there are: of the release by name (`flat.flat_tables`), others as they are
        written (`beside.beside`).
    """
    known = {name if "." in name else f"{release}.{name}" for name in tables}
    for text in queries(shared_data):
        asked = FROM.findall(text)
        of_release = any(name.startswith(f"{release}.") for name in asked)
        if of_release and set(asked) <= known and not why_not(text):
            yield Tutorial(release, filled(text, release, tables))


def about_tables(shared_data: Path, release: str) -> list[str]:
    """Return the queries that ask what tables and columns a release has."""
    return [
        text
        for text in queries(shared_data)
        if "tap_schema" in text.lower() and re.search(rf"'{release}\b", text)
    ]


def filled(text: str, release: str, tables: Tables) -> str:
    """Return a query with something that is there in the place of each hole."""
    setting = SETTINGS[release]
    ss_object = setting.ss_object_ids[-1] if setting.ss_object_ids else 0
    text = text.replace("GROUP BY v.visit", "GROUP BY v.visit, v.expMidptMJD, v.band")  # as SQL
    first = FROM.search(text)[1]
    asked = tables.get(first.partition(".")[2], tables.get(first))
    pair = {name: asked[name][0] for name in ("visit", "detector") if name in asked.column_names}
    if "visit" in pair and "detector = {}" not in text:
        pair["visit"] = pc.mode(asked["visit"])[0]["mode"]
    centre = "{}, {}".format(*_centre(text, setting, tables))
    rules = [
        (r"POLYGON\('ICRS', \{\}\)", f"POLYGON('ICRS', {POLYGON})"),
        (r"CIRCLE\('ICRS', ?(\{\}, ?\{\}|%f, %f), ?(\{\}|%f)\)", f"CIRCLE('ICRS', {centre}, 0.4)"),
        (r"CIRCLE\('ICRS', ?\{\}, ?\{\}, ?([\d.]+)\)", rf"CIRCLE('ICRS', {centre}, \1)"),
        (r"CIRCLE\('ICRS', ?\{\}, ?\{\}\)", rf"CIRCLE('ICRS', {centre}, 0.4)"),
        (r"CIRCLE\('ICRS', ?\{\}, ?([\d.]+)\)", rf"CIRCLE('ICRS', {centre}, \1)"),
        (r"POINT\('ICRS', \{\}, \{\}\)", f"POINT('ICRS', {centre})"),
        (r"\bdiaObjectId IN \{\}", f"diaObjectId IN ({setting.dia_object_id}, 3)"),
        (r"\bobjectId IN \{\}", f"objectId IN ({setting.object_id}, 3)"),
        (r"parentObjectId = \{\}", f"parentObjectId = {setting.blend_id}"),
        (r"\bdiaObjectId = \{\}", f"diaObjectId = {setting.dia_object_id}"),
        (r"\bobjectId = \{\}", f"objectId = {setting.object_id}"),
        (r"\bobjectId=\d+", f"objectId={setting.object_id}"),
        (r"ssObjectId = \{\}", f"ssObjectId = {ss_object}"),
        *((rf"\b{name} = \{{\}}", f"{name} = {value}") for name, value in pair.items()),
        (r"SELECT \{\} FROM", "SELECT nDiaSources FROM"),
        (r", \{\}, \{\} FROM", ", psfFlux, psfFluxErr FROM"),
        (r", \{\} FROM", ", sss.diaSourceId FROM" if "sss" in text else ", nDiaSources FROM"),
        (r"\{\}_", "r_"),
        (r"TOP \{\}", "TOP 50"),
        (r"(filterName|band) = '\{\}' OR", r"\1 = 'g' OR"),
        (r"(filterName|band) = '\{\}'", r"\1 = 'r'"),
        (r"> \{\}", "> -1e9"),
        (r"< \{\}", "< 1e9"),
    ]
    for pattern, instead in rules:
        text = re.sub(pattern, instead, text)
    return text


def _centre(text: str, setting: Setting, tables: Tables) -> tuple[float, float]:
    """Return a position near which there is what is asked for, however small the cone is."""
    if "deblend" in text or "parentObjectId" in text:
        return setting.group[0] + 0.02, setting.group[1] - 0.02
    if "60818.7" in text:
        return setting.fields[1][:2]
    if "dias.ra" in text:
        source = tables["DiaSource"].filter(pc.field("band") == "r")
        return source["ra"][0].as_py(), source["dec"][0].as_py()
    if "0.00014" in text:
        return setting.star
    return setting.fields[0][:2]
