"""The first page of an archive: what is served, and how to reach it."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from skyseries.server.documents.clients import client_lines
from skyseries.server.documents.descriptions import CatalogFacts, TableFacts, TableSample
from skyseries.server.documents.page import html, page, written

__all__ = ["landing"]

_RESOURCES = {
    "examples": "statements that run and give rows",
    "tables": "all tables and their columns (VOSI)",
    "capabilities": "what the service can do (VOSI)",
    "availability": "whether it works (VOSI)",
}


def landing(
    url: str,
    catalogs: Sequence[CatalogFacts],
    samples: Sequence[TableSample] = (),
    *,
    title: str = "Survey archive",
    software: str = "",
) -> bytes:
    """Return the page.

    Parameters
    ----------
    url : str
        Of TAP.
    catalogs : sequence of CatalogFacts
    samples : sequence of TableSample
        For the lines that reach the service.
    title : str
    software : str
        Name and version of what serves.
    """
    document, main = page(title)
    about = html(main, "p", "Tables of the sky, to be asked in ADQL 2.1 by the Table Access"
                 " Protocol of the Virtual Observatory, at ")  # fmt: skip
    html(about, "a", url, href=url)
    _catalogs(main, catalogs)
    html(main, "h2", "How to reach it")
    for lines in client_lines(url, catalogs, samples):
        html(main, "h3", lines.program)
        if lines.how:
            html(main, "p", lines.how)
        html(main, "pre", lines.text, tabindex="0")
    _resources(main, url)
    if software:
        html(main, "p", f"Served by {software}")
    return written(document)


def _catalogs(main: etree._Element, catalogs: Sequence[CatalogFacts]) -> None:
    html(main, "h2", "What is served")
    if not catalogs:
        html(main, "p", "No catalog yet.")
    for catalog in catalogs:
        html(main, "h3", catalog.title or catalog.name)
        if catalog.description:
            html(main, "p", catalog.description)
        facts = "; ".join(_facts(catalog))
        if facts:
            html(main, "p", facts)
        _tables(main, catalog)


def _facts(catalog: CatalogFacts) -> list[str]:
    area = "" if catalog.area is None else f"{_number(catalog.area)} square degrees"
    told = {"Version": catalog.version, "Area": area, "Licence": catalog.licence,
            "To be cited": catalog.citation, "Files": catalog.files}  # fmt: skip
    return [f"{name}: {text}" for name, text in told.items() if text]


def _tables(main: etree._Element, catalog: CatalogFacts) -> None:
    around = html(main, "div", class_="wide", tabindex="0", role="region",
                  **{"aria-label": f"Tables of {catalog.name}"})  # fmt: skip
    table = html(around, "table")
    html(table, "caption", f"Tables of {catalog.name}")
    head = html(html(table, "thead"), "tr")
    for name, kind in (("Table", ""), ("Rows", "number"), ("Columns", "number"), ("What", "")):
        html(head, "th", name, scope="col", **({"class": kind} if kind else {}))
    body = html(table, "tbody")
    for each in catalog.tables:
        _row(body, each)


def _row(body: etree._Element, table: TableFacts) -> None:
    row = html(body, "tr")
    html(html(row, "th", scope="row"), "code", table.name)
    html(row, "td", "not counted" if table.rows is None else f"{table.rows:,}", class_="number")
    html(row, "td", f"{table.columns:,}", class_="number")
    html(row, "td", table.description or "\N{EN DASH}")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _resources(main: etree._Element, url: str) -> None:
    html(main, "h2", "More")
    listed = html(main, "ul")
    for name, text in _RESOURCES.items():
        item = html(listed, "li")
        html(item, "a", name, href=f"{url}/{name}").tail = f": {text}"
