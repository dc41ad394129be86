"""The OpenAPI 3.1 description of what is served here, at ``/openapi.json``, open to everybody."""

from typing import Any

import orjson
from flask import Flask, Response

from server.taxii.limits import API_ROOT
from server.taxii.media import TAXII

_Schema = dict[str, Any]

_STRING: _Schema = {"type": "string"}
_STAMP: _Schema = {"type": "string", "format": "date-time"}
_COUNT: _Schema = {"type": "integer", "minimum": 0}


def _object(required: dict[str, _Schema], optional: dict[str, _Schema] | None = None) -> _Schema:
    return {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required)}


def _list(of: _Schema) -> _Schema:
    return {"type": "array", "items": of, "minItems": 1}


def _ref(name: str) -> _Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_MORE: dict[str, _Schema] = {"more": {"type": "boolean"}, "next": _STRING}
_STIX = {"type": "object", "properties": {"type": _STRING, "id": _STRING}, "required": ["type", "id"]}
_DETAILS = _list(_object({"id": _STRING, "version": _STRING}, {"message": _STRING}))
_SCHEMAS: dict[str, _Schema] = {
    "error": _object({"title": _STRING}, {"description": _STRING, "error_id": _STRING, "http_status": _STRING}),
    "discovery": _object(
        {"title": _STRING},
        {"description": _STRING, "contact": _STRING, "default": _STRING, "api_roots": _list(_STRING)},
    ),
    "api-root": _object(
        {"title": _STRING, "versions": _list(_STRING), "max_content_length": {"type": "integer", "minimum": 1}},
        {"description": _STRING},
    ),
    "collection": _object(
        {"id": _STRING, "title": _STRING, "can_read": {"type": "boolean"}, "can_write": {"type": "boolean"}},
        {"description": _STRING, "alias": _STRING, "media_types": _list(_STRING)},
    ),
    "collections": _object({}, {"collections": _list(_ref("collection"))}),
    "envelope": _object({}, {**_MORE, "objects": _list(_STIX)}),
    "manifest": _object(
        {},
        {
            **_MORE,
            "objects": _list(
                _object({"id": _STRING, "date_added": _STAMP, "version": _STRING}, {"media_type": _STRING})
            ),
        },
    ),
    "versions": _object({}, {**_MORE, "versions": _list(_STRING)}),
    "status": _object(
        {
            "id": _STRING,
            "status": {"enum": ["complete", "pending"]},
            "total_count": _COUNT,
            "success_count": _COUNT,
            "failure_count": _COUNT,
            "pending_count": _COUNT,
        },
        {"request_timestamp": _STAMP, "successes": _DETAILS, "failures": _DETAILS, "pendings": _DETAILS},
    ),
}

_IN_PATH: dict[str, tuple[str, str]] = {
    "collection_id": ("the collection's id or alias", "9cfa669c-ee94-4ece-afd2-f8edac37d8fd"),
    "object_id": ("the STIX id", "indicator--c410e480-e42b-47d1-9476-85307c12bcbf"),
    "status_id": ("the id that the answer to a POST gave", "2d086da7-4bdc-4f91-900e-d77486753710"),
}
_IN_QUERY: dict[str, tuple[_Schema, str]] = {
    "added_after": (_STAMP, "only what was added after this moment"),
    "limit": ({"type": "integer", "minimum": 1}, "at most so many; the server has a limit of its own"),
    "next": (_STRING, "where the page before ended: its own next"),
    "match[id]": (_STRING, "STIX ids, separated by commas"),
    "match[type]": (_STRING, "STIX types, separated by commas"),
    "match[version]": (_STRING, "first, last, all, or timestamps, separated by commas"),
    "match[spec_version]": (_STRING, "2.0, 2.1, or both, separated by a comma"),
}
_PAGED = ("added_after", "limit", "next")
_OF_ONE = ("match[version]", "match[spec_version]")
_FILTERS = (*_PAGED, "match[id]", "match[type]", *_OF_ONE)

_DATED = {
    f"X-TAXII-Date-Added-{end}": {"description": f"when the {name} of the page was added", "schema": _STAMP}
    for end, name in (("First", "first"), ("Last", "last"))
}


def _content(schema: str) -> _Schema:
    return {TAXII: {"schema": _ref(schema)}}


def _operation(does: str, gives: str | None, *query: str, status: int = 200, dated: bool = False) -> _Schema:
    success: _Schema = {"description": "done" if gives is None else gives}
    if gives is not None:
        success["content"] = _content(gives)
    if dated:
        success["headers"] = _DATED
    return {
        "summary": does,
        "parameters": [
            {"name": name, "in": "query", "schema": _IN_QUERY[name][0], "description": _IN_QUERY[name][1]}
            for name in query
        ],
        "responses": {
            str(status): success,
            "default": {"description": "refused, with the reason", "content": _content("error")},
        },
    }


def _root() -> dict[str, _Schema]:
    collection = f"/{API_ROOT}/collections/{{collection_id}}/"
    added = _operation("Add objects", "status", status=202)
    added["requestBody"] = {"required": True, "content": _content("envelope")}
    one = f"{collection}objects/{{object_id}}/"
    return {
        "/taxii2/": {"get": _operation("Get what the server is and its API roots", "discovery")},
        f"/{API_ROOT}/": {"get": _operation("Get what the API root is", "api-root")},
        f"/{API_ROOT}/status/{{status_id}}/": {"get": _operation("Get what became of a POST", "status")},
        f"/{API_ROOT}/collections/": {"get": _operation("Get the collections", "collections")},
        collection: {"get": _operation("Get what a collection is", "collection")},
        f"{collection}manifest/": {"get": _operation("Get what is there", "manifest", *_FILTERS, dated=True)},
        f"{collection}objects/": {
            "get": _operation("Get objects", "envelope", *_FILTERS, dated=True),
            "post": added,
        },
        one: {
            "get": _operation("Get an object", "envelope", *_PAGED, *_OF_ONE, dated=True),
            "delete": _operation("Delete an object", None, *_OF_ONE),
        },
        f"{one}versions/": {
            "get": _operation("Get an object's versions", "versions", *_PAGED, "match[spec_version]", dated=True)
        },
    }


def describe() -> _Schema:
    """Give the description as OpenAPI has it."""
    paths = _root()
    for path, item in paths.items():
        named = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": _STRING,
                "description": said,
                "example": example,
            }
            for name, (said, example) in _IN_PATH.items()
            if f"{{{name}}}" in path
        ]
        if named:
            item["parameters"] = named
    return {
        "openapi": "3.1.0",
        "info": {"title": "Scamfeed", "version": "2.1", "summary": "TAXII 2.1 (OASIS Standard, 10 June 2021)"},
        "security": [{"basic": []}, {"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def register(app: Flask) -> None:
    """Let ``app`` hand the description out."""
    body = orjson.dumps(describe())

    @app.get("/openapi.json")
    def openapi() -> Response:
        return Response(body, content_type="application/json")
