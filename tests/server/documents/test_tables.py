"""The tables of VOSI are those of TAP_SCHEMA, to the last name."""

from io import BytesIO

import pytest
from lxml import etree
from pyvo.io.vosi import parse_tables

import skyseries as sky
from skyseries.server.documents.tables import table_document, tables_document
from tests.server.documents.conftest import ODD, schema_of
from tests.server.documents.standards import check

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


def read(document):
    return {table.name: table for table in parse_tables(BytesIO(document).read).iter_tables()}


def rows(archive, name, **wanted):
    found = archive.schema[name].to_pylist()
    return [row for row in found if all(row[key] == value for key, value in wanted.items())]


def shown(text):
    """Return a text as a document has it."""
    return (text or "").replace("\x01", "\N{REPLACEMENT CHARACTER}")


def test_all_tables_are_there_in_their_schemas(archive):
    document = etree.fromstring(tables_document(archive.schema))
    found = [
        (schema.findtext("name"), table.findtext("name"), table.get("type"))
        for schema in document
        for table in schema.findall("table")
    ]
    assert found == [
        (row["schema_name"], shown(row["table_name"]), row["table_type"])
        for row in rows(archive, "tables")
    ]
    assert [schema.findtext("name") for schema in document] == ["survey", "odd", "tap_schema"]


def test_columns_are_those_of_tap_schema(archive):
    document = etree.fromstring(tables_document(archive.schema))
    found = [
        {
            "table_name": table.findtext("name"),
            "column_name": column.findtext("name"),
            **{key: column.findtext(key) or "" for key in ("description", "unit", "ucd", "utype")},
            "datatype": column.findtext("dataType"),
            "arraysize": column.find("dataType").get("arraysize", ""),
            "xtype": column.find("dataType").get("extendedType", ""),
            "kind": column.find("dataType").get(f"{XSI}type"),
            **{flag: int(flag in [f.text for f in column.findall("flag")])
               for flag in ("indexed", "principal")},
            "std": int(column.get("std") == "true"),
        }
        for table in document.iter("table")
        for column in table.findall("column")
    ]  # fmt: skip
    texts = ("table_name", "column_name", "description", "unit", "ucd", "utype", "datatype",
             "arraysize", "xtype")  # fmt: skip
    assert found == [
        {name: shown(row[name]) for name in texts}
        | {name: row[name] for name in ("indexed", "principal", "std")}
        | {"kind": "vs:VOTableType"}
        for row in rows(archive, "columns")
    ]


def test_keys_are_those_of_tap_schema(archive):
    document = etree.fromstring(tables_document(archive.schema))
    found = {
        (
            table.findtext("name"),
            key.findtext("targetTable"),
            pair.findtext("fromColumn"),
            pair.findtext("targetColumn"),
        )
        for table in document.iter("table")
        for key in table.findall("foreignKey")
        for pair in key.findall("fkColumn")
    }
    keys = {row["key_id"]: row for row in rows(archive, "keys")}
    assert found == {
        (keys[row["key_id"]]["from_table"], keys[row["key_id"]]["target_table"],
         row["from_column"], row["target_column"])
        for row in rows(archive, "key_columns")
    }  # fmt: skip
    assert ("survey.Object_lc", "survey.Object", "objectId", "objectId") in found


def test_without_detail_there_are_names_only(archive):
    document = etree.fromstring(tables_document(archive.schema, "min"))
    tables = list(document.iter("table"))
    assert len(tables) == len(rows(archive, "tables"))
    assert {child.tag for table in tables for child in table} <= {"name", "description", "utype"}


@pytest.mark.parametrize("detail", ["min", "max"])
def test_the_schemas_hold(archive, detail):
    check(tables_document(archive.schema, detail))


def test_one_table_is_found_by_its_name(archive):
    every = read(tables_document(archive.schema))
    for row in rows(archive, "tables"):
        document = table_document(archive.schema, row["table_name"])
        check_name = shown(row["table_name"])
        table = etree.fromstring(document)
        assert table.tag.endswith("}table")
        assert table.findtext("name") == check_name
        names = [column.findtext("name") for column in table.findall("column")]
        assert names == [column.name for column in every[check_name].columns]
    assert table_document(archive.schema, "SURVEY.object") == table_document(
        archive.schema, "survey.Object"
    )
    assert table_document(archive.schema, "survey.nothing") is None


def test_one_table_fits_the_schema(archive):
    check(table_document(archive.schema, "survey.Object_lc"))


def test_of_two_names_that_differ_by_case_the_exact_one_is_meant(archive):
    tables = archive.schema["tables"].slice(0, 1)
    twice = archive.schema | {
        "tables": tables.from_pylist(
            [row | {"table_name": name} for row in tables.to_pylist() for name in ("A", "a")],
            tables.schema,
        )
    }
    assert etree.fromstring(table_document(twice, "a")).findtext("name") == "a"
    assert etree.fromstring(table_document(twice, "A")).findtext("name") == "A"


def test_names_are_as_statements_have_them(archive):
    doubled = ODD.replace('"', '""')
    odd = f'odd."{doubled}"'
    columns = [row["column_name"] for row in rows(archive, "columns", table_name=odd)]
    assert columns == ["ra", "dec", f'"{doubled}"', '"flux"', '"Flux"', '"2first"']
    for row in rows(archive, "columns"):
        column, table = row["column_name"], row["table_name"]
        text = f"SELECT TOP 1 {column} FROM {table}"
        assert sky.sql(text, archive.catalogs).to_arrow().num_columns == 1


def test_arrays_of_a_fixed_size_say_it(archive):
    [row] = rows(archive, "columns", column_name='"2first"')
    assert (row["datatype"], row["arraysize"], row["size"]) == ("double", "2", 2)


def test_an_empty_archive_describes_itself():
    schema = schema_of({})
    found = read(tables_document(schema))
    assert set(found) == {
        f"tap_schema.{name}" for name in ("schemas", "tables", "columns", "keys", "key_columns")
    }
    assert '"size"' in [column.name for column in found["tap_schema.columns"].columns]
    check(tables_document(schema))
    check(tables_document(schema, "min"))


def test_pyvo_reads_types_and_flags(archive):
    table = read(tables_document(archive.schema))["survey.Object_lc"]
    columns = {column.name: column for column in table.columns}
    assert columns["ra"].datatype.content == "double"
    assert columns["ra"].unit == "deg"
    assert "indexed" in columns["objectId"].flags
    [key] = table.foreignkeys
    assert key.targettable == "survey.Object"
