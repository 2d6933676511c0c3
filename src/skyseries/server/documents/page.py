"""Pages for people: HTML that is XML too, without scripts, with one small style."""

from __future__ import annotations

import base64
import hashlib

from lxml import etree

from skyseries.server.documents.xml import added, root

__all__ = ["CONTENT_SECURITY_POLICY", "MEDIA_TYPE", "STYLE_HASH", "html", "page", "written"]

MEDIA_TYPE = "text/html;charset=UTF-8"
_NAMESPACE = "http://www.w3.org/1999/xhtml"

_STYLE = """
:root { color-scheme: light dark; --line: #c4cad4; --soft: #f3f5f8; --link: #0b57a4 }
@media (prefers-color-scheme: dark) {
  :root { --line: #4a5261; --soft: #1f242d; --link: #8fc1ff }
}
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif }
h1 { line-height: 1.2 }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line) }
a { color: var(--link) }
pre { padding: .75rem; background: var(--soft); border: 1px solid var(--line); overflow-x: auto }
code, pre { font: .9rem/1.4 ui-monospace, monospace }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
caption { text-align: left; padding: .5rem 0 }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top }
td:last-child { min-width: 14rem }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
"""
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
"""Of the style, for the policy of the page."""
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src '{STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def page(title: str) -> tuple[etree._Element, etree._Element]:
    """Return a page with a title, and its part for what is said."""
    document = root("html", {"": _NAMESPACE}, lang="en")
    head = html(document, "head")
    html(head, "meta", charset="utf-8")
    html(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    html(head, "title", title)
    html(head, "style", _STYLE)
    main = html(html(document, "body"), "main")
    html(main, "h1", title)
    return document, main


def html(
    parent: etree._Element, tag: str, text: object = None, **attributes: str
) -> etree._Element:
    """Add an element of HTML, and return it; ``class_`` is the attribute ``class``."""
    given = {name.rstrip("_"): value for name, value in attributes.items()}
    return added(parent, f"{{{_NAMESPACE}}}{tag}", text, given)


def written(document: etree._Element) -> bytes:
    """Return a page as bytes."""
    etree.indent(document)
    text = etree.tostring(document, encoding="UTF-8", doctype="<!DOCTYPE html>")
    # browsers take a declaration of XML for a comment that is wrong
    return text.removeprefix(b"<?xml version='1.0' encoding='UTF-8'?>\n") + b"\n"
