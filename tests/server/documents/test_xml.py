"""Text that XML cannot hold is made harmless, all else comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from skyseries.server.documents.xml import TYPE, added, harmless, root, serialized

SPACE = {"": "http://example.org/a", "b": "http://example.org/b"}


@given(st.text(st.characters()), st.text(st.characters()))
def test_any_text_is_written(text, value):
    document = root("all", SPACE)
    added(document, "one", text, {"value": value})
    read = etree.fromstring(serialized(document))[0]
    assert (read.text or "") == harmless(text)
    assert read.get("value") == harmless(value)


@pytest.mark.parametrize(
    "bad", ["\x00", "\x0b", "\x1f", "\ufffe", "\uffff", chr(0xD800), chr(0xDFFF)]
)
def test_characters_that_xml_cannot_hold_are_replaced(bad):
    assert harmless(f"a{bad}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_what_xml_can_hold_stays():
    text = "tab\t line\n return\r <&\"'> é \U0001f52d \ue000 \ufffd"
    assert harmless(text) == text


def test_elements_are_in_their_namespaces():
    document = root("b:all", SPACE, version="1")
    added(document, "one", 2, {TYPE: "b:kind", "left": None})
    read = etree.fromstring(serialized(document))
    assert read.tag == "{http://example.org/b}all"
    assert read.get("version") == "1"
    assert read[0].attrib == {"{http://www.w3.org/2001/XMLSchema-instance}type": "b:kind"}
    assert read[0].text == "2"
