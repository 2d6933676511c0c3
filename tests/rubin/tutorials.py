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

NOT_SIMULATED = re.compile(
    r"tap_schema|ObsCore|CoaddPatches|Truth|TAP_UPLOAD|sqlite|observations|dp03|dbo\.|gaia|"
    r"IsolatedStar|ShearObject|identifications",
    re.IGNORECASE,
)
WRONG = "DiaObjectId, MAX(midpointMjdTai)"
"""Part of a query that no service can answer: a column beside an aggregate."""


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
        text = text.replace("GROUP BY v.visit", "GROUP BY v.visit, v.expMidptMJD, v.band")
        top = re.match(r"SELECT TOP (\d+) ", text)
        return f"SELECT {text[top.end() :]} LIMIT {top[1]}" if top else text


def tutorials(
    shared_data: Path, release: str, tables: Mapping[str, pa.Table]
) -> Iterator[Tutorial]:
    """Yield the queries on tables of a release that are simulated (`flat.flat_tables`)."""
    entries = json.loads((shared_data / "adql" / "rubin_tutorial_queries.json").read_text())
    for text in dict.fromkeys(entry["query"] for entry in entries):
        if f"{release}." in text and not NOT_SIMULATED.search(text) and WRONG not in text:
            yield Tutorial(release, filled(text, release, tables))


def filled(text: str, release: str, tables: Tables) -> str:
    """Return a query with something that is there in the place of each hole."""
    setting = SETTINGS[release]
    ss_object = setting.ss_object_ids[-1] if setting.ss_object_ids else 0
    asked = tables[re.search(rf"FROM {release}\.(\w+)", text)[1]]
    pair = {name: asked[name][0] for name in ("visit", "detector") if name in asked.column_names}
    if "visit" in pair and "detector = {}" not in text:
        pair["visit"] = pc.mode(asked["visit"])[0]["mode"]
    centre = "{}, {}".format(*_centre(text, setting, tables))
    rules = [
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
