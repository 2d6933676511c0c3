"""Elements of XML: made, with text that XML can hold, and written."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from skyseries.formats.votable_fields import NOT_XML

__all__ = ["MEDIA_TYPE", "TYPE", "added", "harmless", "root", "serialized"]

MEDIA_TYPE = "text/xml;charset=UTF-8"

_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
TYPE = f"{{{_INSTANCE}}}type"
"""The attribute that says which type of a schema an element has."""


def harmless(text: str) -> str:
    """Return a text with a sign of replacement for each character that XML cannot hold."""
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def root(tag: str, prefixes: Mapping[str, str], **attributes: str) -> etree._Element:
    """Return the element around a document.

    Parameters
    ----------
    tag : str
        Its name, ``prefix:name`` where it is in one of the namespaces.
    prefixes : mapping of str to str
        The namespaces, by prefix, empty for that of elements without one.
    **attributes : str
    """
    prefix, _, name = tag.rpartition(":")
    spaces = {known or None: space for known, space in {"xsi": _INSTANCE, **prefixes}.items()}
    # lxml takes None for a prefix, its stubs do not say so
    element = etree.Element(f"{{{prefixes[prefix]}}}{name}", nsmap=spaces)  # type: ignore[arg-type]
    _set(element, attributes)
    return element


def added(
    parent: etree._Element,
    tag: str,
    text: object = None,
    attributes: Mapping[str, object] | None = None,
) -> etree._Element:
    """Add an element at the end of another one, and return it.

    Parameters
    ----------
    parent : Element
    tag : str
        As lxml has it, ``{namespace}name``.
    text : object, optional
        What stands in it; None: nothing.
    attributes : mapping of str to object, optional
        None: it does not have the attribute.
    """
    element = etree.SubElement(parent, tag)
    if text is not None:
        element.text = harmless(str(text))
    _set(element, attributes or {})
    return element


def _set(element: etree._Element, attributes: Mapping[str, object]) -> None:
    for name, value in attributes.items():
        if value is not None:
            element.set(name, harmless(str(value)))


def serialized(element: etree._Element) -> bytes:
    """Return the document of an element, UTF-8."""
    etree.indent(element)
    return etree.tostring(element, xml_declaration=True, encoding="UTF-8") + b"\n"
