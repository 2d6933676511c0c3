"""What is said of a catalog beside its files: it holds above them, and what is wrong is named."""

from __future__ import annotations

import hashlib
import pickle
from collections import ChainMap

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import skyseries as sky
from skyseries.errors import CatalogError, InputError
from skyseries.hats.metadata import METADATA_FILE
from skyseries.schema import ColumnMeta, column_meta
from skyseries.schema.columns import KEYS
from skyseries.schema.metadata import Metadata, metadata_of, parse_metadata, to_toml
from skyseries.schema.tables import ForeignKey
from tests.hats import small
from tests.pipelines.survey import write_parts

TOML = """\
# kept as it is
title = "Stars"
licence = "CC-BY-4.0"
schema = "stars"

[columns.mag]
unit = "mmag"
ucd = "phot.mag;em.opt.V"
description = 'The "mean" magnitude'
utype = "a:b.c"

[columns]
"lightcurve.flux" = { unit = "uJy" }

[tables.star]
key = ["id"]

[tables.epoch]
nested = "lightcurve"
from_object = { star = "id" }
roles = { time = "mjd", flux = "flux" }
[[tables.epoch.keys]]
columns = ["star"]
table = "star"
to = ["id"]
"""


def digests(folder) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != METADATA_FILE]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("metadata")
    sky.import_catalog(
        write_parts(folder / "o", small.objects()), folder / "survey", id="id",
        lightcurves=write_parts(folder / "s", small.sources()), progress=False,
        durability="process", metadata={"title": "First", "columns": {"mag": {"unit": "mag"}}},
    )  # fmt: skip
    return folder / "survey"


@pytest.fixture
def toml(tmp_path):
    def written(text: str):
        (tmp_path / "said.toml").write_text(text)
        return tmp_path / "said.toml"

    return written


def test_what_an_import_was_told(path):
    sky.annotate(path, {"title": "First", "columns": {"mag": {"unit": "mag"}}})
    catalog = sky.open_catalog(path)
    assert catalog.metadata == Metadata("First", columns={"mag": ColumnMeta("mag")})
    assert column_meta(catalog.schema.field("mag")).unit == "mag"


def test_it_is_said_anew_without_touching_the_rows(path, toml):
    before = digests(path)
    plain = sky.open_catalog(path).to_arrow()
    sky.annotate(path, toml(TOML))
    assert digests(path) == before
    assert (path / METADATA_FILE).read_text() == TOML
    catalog = sky.open_catalog(path)
    said = catalog.metadata
    assert (said.title, said.licence, said.schema) == ("Stars", "CC-BY-4.0", "stars")
    epoch = said.tables["epoch"]
    assert epoch.keys == (ForeignKey(("star",), "star", ("id",)),)
    assert epoch.from_object == {"star": "id"}
    mean = ColumnMeta("mmag", "phot.mag;em.opt.V", 'The "mean" magnitude', "a:b.c")
    found = pickle.loads(pickle.dumps(catalog)).to_arrow()  # noqa: S301 - our own
    for schema in (catalog.schema, found.schema, catalog.query("mag < 20").schema):
        assert column_meta(schema.field("mag")) == mean
        assert column_meta(schema.field("lightcurve").type.field("flux")).unit == "uJy"
    assert found.equals(plain)
    assert 'The "mean" magnitude' in repr(catalog.info())
    assert sky.validate_catalog(path).ok
    sky.annotate(path, {})
    assert sky.open_catalog(path).schema.equals(plain.schema)
    assert column_meta(sky.open_catalog(path).schema.field("mag")) == ColumnMeta()


@pytest.mark.parametrize("library", [pa.table, pd.DataFrame, dict])
def test_a_table_of_columns(path, library):
    said = {"name": ["mag", "lightcurve.mjd"], "unit": ["mag", None], "description": ["m", "t"]}
    sky.annotate(path, library(said))
    schema = sky.open_catalog(path).schema
    assert column_meta(schema.field("mag")) == ColumnMeta("mag", "", "m")
    assert column_meta(schema.field("lightcurve").type.field("mjd")).description == "t"


def test_written_catalogs_carry_what_was_said_of_their_columns(path, toml, tmp_path):
    sky.annotate(path, toml(TOML))
    sky.open_catalog(path).query("id < 1152921504606847000").write_catalog(tmp_path / "w")
    schema = sky.open_catalog(tmp_path / "w").schema
    assert column_meta(schema.field("mag")).unit == "mmag"
    assert column_meta(schema.field("lightcurve").type.field("flux")).unit == "uJy"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = 3", r"line 1: title: must be text, not 3"),
        ("\nlicense = 'x'", r"line 2: license: is no key that is known; did you mean 'licence'"),
        ("[columns.mag]\nunits = 'mag'", r"line 2: columns.mag.units: .*did you mean 'unit'"),
        ("[columns.mag]\nunit = 'mga'", r"line 2: columns.mag.unit: there is no unit 'mga'"),
        ("[columns.mga]\nunit = 'mag'", r"line 1: columns.mga: .* did you mean 'mag'"),
        ("[columns]\n\n'lightcurve.flx' = {}", r"line 3: columns.lightcurve.flx: .*'lightcurve.fl"),
        ("[tables.a]\nkey = ['ids']", r"line 2: tables.a.key: .*'ids'; did you mean 'id'"),
        ("[tables.a]\nnested = 'lightcurv'", r"line 2: tables.a.nested: .* mean 'lightcurve'"),
        ("[tables.a]\nroles = {tme = 'id'}", r"line 2: tables.a.roles.tme: is no role; did you"),
        ("[tables.a]\nroles = {time = 'mjd'}", r"line 2: tables.a.roles: there is no column 'mjd'"),
        ("[tables.a]\nnested = 'lightcurve'\nfrom_object = {mjd = 'id'}",
         r"line 3: tables.a.from_object: an epoch has 'mjd' already: give 'id' another name"),
        ("[tables.a]\nnested = 'lightcurve'\nfrom_object = {a = 'lightcurve'}", "a light curve"),
        ("[tables.a]\nnested = 'lightcurve'\nfrom_object = {a = 'id', b = 'id'}", "more than once"),
        ("[tables.a]\n[tables.b]", r"line 2: tables.b: is of the catalog's rows, as 'a' is"),
        ("[tables.a]\nkeys = [{columns = ['id']}]", r"line 2: .*the key 'table' is missing"),
        ("[tables.a]\nkeys = [{columns = ['id'], table = 'b', to = []}]", r"line 2: .* as many"),
        ("[tables.a]\nkeys = [3]", r"line 2: tables.a.keys: must be a table, not 3"),
        ("columns = 3", r"line 1: columns: must be a table, not 3"),
        ("title = ", r"is no TOML: Invalid value"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(path, toml, text, message):
    before = sky.open_catalog(path).metadata
    with pytest.raises(InputError, match=rf"said.toml.*{message}"):
        sky.annotate(path, toml(text))
    assert sky.open_catalog(path).metadata == before


def test_tables_that_say_something_else(path):
    with pytest.raises(InputError, match="units: is no key that is known; did you mean 'unit'"):
        sky.annotate(path, {"name": ["mag"], "units": ["mag"]})
    with pytest.raises(InputError, match="names one of them twice"):
        sky.annotate(path, {"name": ["mag", "mag"]})
    with pytest.raises(InputError, match="cannot be read"):
        sky.annotate(path, path / "nothing.toml")
    with pytest.raises(InputError, match="there is no column 'mga'; did you mean 'mag'"):
        sky.annotate(path, {"columns": {"mga": {}}})


def test_files_that_were_edited_or_are_out_of_date(path):
    (path / METADATA_FILE).write_text("[columns.gone]\nunit = 'mag'\n[columns.mag]\nunit = 'mag'")
    with pytest.warns(UserWarning, match=r"columns.gone: there is no column 'gone'.* is ignored"):
        catalog = sky.open_catalog(path)
    assert column_meta(catalog.schema.field("mag")).unit == "mag"
    (path / METADATA_FILE).write_text("title = 'x'\n[colums.mag]")
    with pytest.raises(CatalogError, match=r"metadata.toml, line 2: colums: .*'columns'.* anew"):
        sky.open_catalog(path)
    sky.annotate(path, {})


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAME = TEXT.filter(bool)
META = st.fixed_dictionaries({}, optional=dict.fromkeys(set(KEYS) - {"unit"}, TEXT))
TABLE = st.fixed_dictionaries(
    {},
    optional={
        "title": TEXT, "nested": NAME, "key": st.lists(TEXT, max_size=2),
        "roles": st.fixed_dictionaries({}, optional={"ra": NAME}),
        "from_object": st.dictionaries(TEXT, NAME, max_size=2),
        "keys": st.lists(
            st.fixed_dictionaries({"columns": st.lists(TEXT, min_size=1), "table": NAME}),
            max_size=2,
        ),
    },
)  # fmt: skip


@given(
    st.fixed_dictionaries({}, optional={"title": TEXT, "citation": TEXT}),
    st.dictionaries(TEXT, META, max_size=3),
    st.dictionaries(TEXT, TABLE.filter(lambda table: "nested" in table), max_size=3),
)
def test_what_is_written_reads_the_same(texts, columns, tables):
    said = metadata_of(dict(ChainMap(texts, {"columns": columns, "tables": tables})))
    assert parse_metadata(to_toml(said)) == said
