"""Statements that run on this service, as HTML with RDFa (DALI 1.1, section 2.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lxml import etree

from skyseries.server.documents.descriptions import TableSample
from skyseries.server.documents.page import html, page, written
from skyseries.server.documents.statements import Example, example_statements

__all__ = ["examples"]

_VOCABULARY = "http://www.ivoa.net/rdf/examples#"
_CAPABILITY = "ivo://ivoa.net/std/TAP"


def examples(samples: Sequence[TableSample], title: str = "Examples of statements") -> bytes:
    """Return the page.

    Parameters
    ----------
    samples : sequence of TableSample
    title : str
    """
    document, main = page(title)
    html(main, "p", "Statements in ADQL that run on this service and give rows.")
    listed = html(main, "div", vocab=_VOCABULARY)
    for number, example in enumerate(example_statements(samples), 1):
        _add(listed, f"example-{number}", example)
    return written(document)


def _add(parent: etree._Element, identifier: str, example: Example) -> None:
    element = html(parent, "section", id=identifier, resource=f"#{identifier}", typeof="example")
    html(element, "h2", example.name, property="name")
    html(element, "pre", example.query, property="query", tabindex="0")
    about = html(element, "p", "Tables: ")
    _tables(about, example.tables)
    html(html(element, "p", "For "), "code", _CAPABILITY, property="capability")


def _tables(parent: etree._Element, names: Iterable[str]) -> None:
    for place, name in enumerate(names):
        if place:
            parent[-1].tail = ", "
        html(parent, "code", name, property="table")
