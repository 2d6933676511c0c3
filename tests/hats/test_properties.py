"""Properties files: what is written is read, here and by the library that HATS uses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.errors import CatalogError
from skyseries.hats.properties import (
    format_properties,
    now,
    parse_properties,
    read_properties,
    split_list,
)
from skyseries.store.files import Location

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
KEYS = TEXT.filter(bool)


@given(st.dictionaries(KEYS, TEXT))
def test_round_trip(properties):
    assert parse_properties(format_properties(properties, "title")) == properties


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,10}", fullmatch=True), TEXT))
def test_jproperties_reads_ours(properties):
    jproperties = pytest.importorskip("jproperties")
    reader = jproperties.Properties()
    reader.load(format_properties(properties, "title"))
    assert {key: reader[key].data for key in reader} == properties


@given(
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,10}", fullmatch=True),
        TEXT.map(lambda text: text.rstrip(" ")).filter(str.strip),
    )
)
def test_what_jproperties_writes_is_read(properties):
    """But for blanks at the end of a line, which it keeps and we take for an accident."""
    jproperties = pytest.importorskip("jproperties")
    import io

    writer = jproperties.Properties()
    for key, value in properties.items():
        writer[key] = value
    stream = io.BytesIO()
    writer.store(stream, encoding="utf-8", timestamp=False)
    assert parse_properties(stream.getvalue().decode("utf-8")) == properties


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_comments_and_separators(end):
    lines = [
        "#comment = no", "! neither=this", "", "  a=1", "b = two words ", "c:3", "d : 4=5",
        "e=", "f=x:y=z", r"g\=h=7", r"i=tab\there", r"j=C:\\data\\", "k=last",
    ]  # fmt: skip
    assert parse_properties(end.join(lines)) == {
        "a": "1", "b": "two words", "c": "3", "d": "4=5", "e": "", "f": "x:y=z", "g=h": "7",
        "i": "tab\there", "j": "C:\\data\\", "k": "last",
    }  # fmt: skip


def test_continued_lines():
    assert parse_properties("a=one, \\\n    two\\\n\tthree\nb=2") == {
        "a": "one, twothree",
        "b": "2",
    }


def test_unicode_escapes():
    assert parse_properties(r"a=\u00e9t\u00E9") == {"a": "été"}


def test_none_is_left_out():
    assert format_properties({"a": None, "b": 0}, "title") == "#title\nb=0\n"


def test_a_line_without_separator_is_named():
    with pytest.raises(CatalogError, match=r"here, line 2.*'nonsense'"):
        parse_properties("a=1\nnonsense\n", "here")


def test_read_properties_takes_the_first_file(tmp_path):
    root = Location(str(tmp_path))
    assert read_properties(root, ("one", "two")) is None
    (tmp_path / "two").write_text("a=2")
    assert read_properties(root, ("one", "two")) == {"a": "2"}
    (tmp_path / "one").write_text("a=1")
    assert read_properties(root, ("one", "two")) == {"a": "1"}


def test_a_binary_file_is_no_properties_file(tmp_path):
    (tmp_path / "one").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogError, match="one is no text"):
        read_properties(Location(str(tmp_path)), ("one",))


def test_split_list():
    assert split_list("a b,c ;\nd") == ["a", "b", "c", "d"]
    assert split_list("") == split_list(None) == []


def test_now_is_in_utc():
    assert len(now()) == len("2025-10-06T14:20UTC")
    assert now().endswith("UTC")
