"""Rubin's schemas: what must hold of each, and that what Rubin's tutorials name is there."""

from __future__ import annotations

import json
import re

import astropy.units as u
import pyarrow as pa
import pytest

from skyseries.errors import InputError
from skyseries.schema import column_meta, rubin
from skyseries.schema.rubin.names import expand

TABLES = [
    pytest.param(release, table, id=f"{release.name}.{table.name}")
    for release in rubin.releases()
    for table in release.tables.values()
]
LARGE = ("Object", "Source", "ForcedSource", "DiaObject", "DiaSource", "ForcedSourceOnDiaObject")
WORD = re.compile(r"[A-Za-z]\w*")
UCD = re.compile(r"([a-z]+[a-z0-9]*(\.[a-zA-Z0-9-]+)*)(;[a-z]+(\.[a-zA-Z0-9-]+)*)*")


@pytest.mark.parametrize(("release", "table"), TABLES)
def test_columns_are_legal(release, table):
    names = [name.lower() for name in table.columns]  # as ADQL compares them
    assert len(set(names)) == len(names)
    for column in table.columns.values():
        assert WORD.fullmatch(column.name)
        assert column_meta(column.field) == column.meta
        u.Unit(column.meta.unit)
        assert not column.meta.ucd or UCD.fullmatch(column.meta.ucd)
        assert "{" not in column.name + column.meta.description


@pytest.mark.parametrize(("release", "table"), TABLES)
def test_keys_and_roles_name_columns(release, table):
    info = table.info
    assert info.description.strip()
    assert {*info.key, *info.roles.values()} <= set(table.columns)
    for key in info.keys:
        there = release.table(key.table).columns
        for name, other in zip(key.columns, key.to, strict=True):
            kinds = {table.columns[name].type, there[other].type}
            assert len(kinds) == 1 or kinds <= {"short", "int", "long"}
    if {"ra", "dec"} & set(info.roles):
        units = {table.columns[info.roles[role]].meta.unit for role in ("ra", "dec")}
        assert units == {"deg"}
    if table.name in LARGE:
        assert {"ra", "dec"} <= set(info.roles) or "coord_ra" not in table.columns


def test_what_is_known_of_some_columns():
    dp02, dp1, dp2 = rubin.releases()
    assert [len(r.table("Object").columns) for r in (dp02, dp1, dp2)] == [991, 1296, 1248]
    assert [len(r.table("ForcedSource").columns) for r in (dp02, dp1, dp2)] == [39, 28, 26]
    flux = dp1.table("Object").column("g_psfFluxErr")
    assert (flux.type, flux.meta.unit, flux.principal) == ("float", "nJy", False)
    assert flux.meta.description == "Error of psfFlux, in g"
    assert dp1.table("Object").column("coord_ra").meta.ucd == "pos.eq.ra;meta.main"
    assert dp02.table("DiaObject").column("gPSFluxStetsonJ").field.type == pa.float64()
    assert dp02.table("DiaSource").info.roles["time"] == "midPointTai"
    assert dp2.table("Object").column("u_ap03Flux").meta.description == (
        "Flux in a circle of 03 pixels, in u"
    )


def test_errors_name_the_nearest():
    with pytest.raises(InputError, match="no data release 'dp3'; did you mean 'dp2'"):
        rubin.release("dp3")
    with pytest.raises(InputError, match="dp1 has no table 'ForcdSource'; did you mean 'Forced"):
        rubin.release("dp1").table("ForcdSource")
    with pytest.raises(InputError, match="no column 'g_psfflux'; did you mean 'g_psfFlux'"):
        rubin.release("dp1").table("Object").column("g_psfflux")


def test_patterns_of_names():
    assert [name for name, _ in expand("plain")] == ["plain"]
    names = [name for name, _ in expand("{ugrizy}_ap{03,06}Flux{,Err}")]
    assert len(names) == 24
    assert names[:3] == ["u_ap03Flux", "u_ap03FluxErr", "u_ap06Flux"]


@pytest.mark.data
def test_columns_of_rubin_s_tutorials_are_there_and_described(shared_data):
    asked = json.loads((shared_data / "adql" / "rubin_tutorial_queries.json").read_text())
    plain = re.compile(r"SELECT (?:TOP \d+ )?(.+?) FROM (dp02_dc2_catalogs|dp1|dp2)\.(\w+)\b")
    seen = 0
    for query in (entry["query"] for entry in asked):
        found = plain.match(query)
        if not found or " JOIN " in query or found[3] == "ObsCore":
            continue
        table = rubin.release(found[2]).table(found[3])
        names = {name.lower(): name for name in table.columns}
        for item in found[1].split(","):
            word = re.fullmatch(r"(?:\w+\.)?(\w+)(?: (?:AS|as) \w+)?", item.strip())
            if word and not word[1].isdigit():
                name = names[word[1].lower()]
                assert table.column(name).meta.description, (table.name, name)
                seen += 1
    assert seen > 300
