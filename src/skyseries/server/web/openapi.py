"""The description of the JSON resources, OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

import skyseries

__all__ = ["openapi"]

_TEXT = {"type": "string"}
_MAYBE = {"type": ["string", "null"]}
_COUNT = {"type": "integer", "minimum": 0}


def openapi(title: str, url: str) -> dict[str, Any]:
    """Return the document.

    Parameters
    ----------
    title : str
    url : str
        Of the service.
    """
    query = [
        _parameter("QUERY", "A statement of ADQL.", required=True),
        _parameter("LANG", "ADQL, ADQL-2.0 or ADQL-2.1."),
    ]
    cursor = _parameter("cursor", "That the page before has told.", required=True)
    size = _parameter("size", "Rows of a page, 100 if not given, 10,000 at most.")
    explanation = _get("What a statement would read and do.", "Explanation", 400, 413, 500, 503)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": skyseries.__version__},
        "servers": [{"url": url}],
        "paths": {
            "/api/catalogs": {"get": _get("Schemas, and their tables.", "Schemas")},
            "/api/catalogs/{name}": {
                "get": _get("The columns and keys of a table.", "Table", 404)
                | {"parameters": [_parameter("name", "Of the table.", where="path")]}
            },
            "/api/names": {
                "get": _get("Names of tables, columns and functions that begin so.", "Names", 400)
                | {"parameters": [_parameter("prefix", "In any case.")]}
            },
            "/api/explain": {
                "get": explanation | {"parameters": query},
                "post": explanation | {"requestBody": _form(QUERY=_TEXT, LANG=_TEXT)},
            },
            "/api/rows": {
                "get": _get("Another page of a result.", "Page", 202, 400, 404, 413, 500, 503)
                | {"parameters": [cursor, size]},
                "post": _get("The first page of a result.", "Page", 202, 400, 413, 500, 503)
                | {"requestBody": _form(QUERY=_TEXT, MAXREC=_COUNT, SIZE=_COUNT)},
            },
        },
        "components": {"schemas": _SCHEMAS},
    }


def _parameter(
    name: str, text: str, *, where: str = "query", required: bool = False
) -> dict[str, Any]:
    return {
        "name": name,
        "in": where,
        "required": required or where == "path",
        "description": text,
        "schema": _TEXT,
    }


def _get(summary: str, schema: str, *errors: int) -> dict[str, Any]:
    answers = {"200": _answer("It is here.", schema)}
    answers |= {str(status): _answer("It cannot be done.", "Error") for status in errors}
    if 202 in errors:
        answers["202"] = _answer("The statement still runs: ask again.", "Page")
    return {"summary": summary, "responses": answers}


def _answer(text: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": text, "content": content}


def _form(**properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": ["QUERY"]}
    return {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


_SCHEMAS = {
    "Schemas": _object(
        schemas=_list(
            _object(
                name=_TEXT,
                description=_MAYBE,
                tables=_list(_object(name=_TEXT, type=_TEXT, description=_MAYBE, columns=_COUNT)),
            )
        )
    ),
    "Table": _object(name=_TEXT, columns=_list({"type": "object"}), keys=_list({"type": "object"})),
    "Names": _object(
        names=_list(_object(name=_TEXT, kind=_TEXT, of=_TEXT)), more={"type": "boolean"}
    ),
    "Explanation": _object(
        text=_TEXT,
        bytes={"type": ["integer", "null"]},
        columns=_list(_TEXT),
        scans=_list(
            _object(
                catalog=_TEXT,
                partitions=_COUNT,
                all_partitions=_COUNT,
                bytes=_COUNT,
                columns=_list(_TEXT),
            )
        ),
    ),
    "Page": {
        "type": "object",
        "properties": {
            "phase": _TEXT,
            "cursor": {"type": ["string", "null"]},
            "first": _COUNT,
            "rows": {"type": ["integer", "null"]},
            "overflow": {"type": "boolean"},
            "page": {"type": "object"},
        },
        "required": ["phase", "cursor", "rows"],
    },
    "Error": _object(status=_TEXT, kind=_TEXT, message=_TEXT),
}
