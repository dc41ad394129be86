"""The OpenAPI 3.1 description of this server, public at ``/openapi.json``."""

from collections.abc import Callable
from functools import cache
from http import HTTPStatus

import orjson
from flask import Flask, Response

from server.web.api.openapi import Description
from server.web.taxii.limits import API_ROOT
from server.web.taxii.openapi_schemas import IN_QUERY, RESOURCES, STAMP, STRING, USUAL_ERRORS, Schema, ref
from server.web.taxii.response import JSON, TAXII

_IN_PATH: dict[str, tuple[str, str]] = {
    "collection_id": ("the collection's id or alias", "9cfa669c-ee94-4ece-afd2-f8edac37d8fd"),
    "object_id": ("the STIX id", "indicator--c410e480-e42b-47d1-9476-85307c12bcbf"),
    "status_id": ("the id from the response to a POST", "2d086da7-4bdc-4f91-900e-d77486753710"),
}
_PAGED = ("added_after", "limit", "next")
_OF_ONE = ("match[version]", "match[spec_version]")
_FILTERS = (*_PAGED, "match[id]", "match[type]", *_OF_ONE)

_EXAMPLE = {
    "objects": [
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": _IN_PATH["object_id"][1],
            "created": "2026-01-31T09:30:00.000Z",
            "modified": "2026-01-31T09:30:00.000Z",
            "pattern": "[domain-name:value = 'scam.example']",
            "pattern_type": "stix",
            "valid_from": "2026-01-31T09:30:00Z",
        }
    ]
}
_DATED = {
    f"X-TAXII-Date-Added-{end}": {"description": f"when the {name} of the page was added", "schema": STAMP}
    for end, name in (("First", "first"), ("Last", "last"))
}

_TAGGED = {
    "ETag": {"description": "the version of a large page", "schema": STRING},
    "Cache-Control": {"description": "the caches that may keep a large page, and for how long", "schema": STRING},
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "schema": STRING,
    "description": "the ETag of the client's page",
}

# Errors of requests that name an object, filter or have a body.
_NAMED, _FILTERED, _CARRIED = (404,), (400, 403, 404), (400, 403, 404, 413, 415, 422)
_NOTHING = Description({}, {})
_SECONDS: Schema = {"type": "integer", "minimum": 1}
_HEADERS: dict[int, Schema] = {
    401: {"WWW-Authenticate": {"description": "the accepted schemes", "required": True, "schema": STRING}},
    429: {"Retry-After": {"description": "seconds to wait", "required": True, "schema": _SECONDS}},
    503: {"Retry-After": {"description": "seconds to wait", "required": True, "schema": _SECONDS}},
}


def _content(schema: str) -> Schema:
    return {TAXII: {"schema": ref(schema)}}


def _refusals() -> dict[str, Schema]:
    """Describe each error once: in TAXII's type, and in plain JSON for endpoints outside TAXII."""
    return {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {**_content("error"), JSON: {"schema": ref("error")}},
            **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
        }
        for status in sorted({*USUAL_ERRORS, *_FILTERED, *_CARRIED})
    }


def _operation(
    id_: str,
    summary: str,
    result: str | None,
    *query: str,
    status: int = 200,
    dated: bool = False,
    refused: tuple[int, ...] = (),
    links: dict[str, Schema] | None = None,
    tagged: bool = False,
) -> Schema:
    success: Schema = {"description": "done" if result is None else result}
    if result is not None:
        success["content"] = _content(result)
    if dated:
        success["headers"] = _DATED
    if links:
        success["links"] = links
    if tagged:
        success["headers"] = success.get("headers", {}) | _TAGGED
    return {
        "operationId": id_,
        "summary": summary,
        "parameters": [*map(_parameter, query), *([_IF_NONE_MATCH] if tagged else [])],
        "responses": {
            str(status): success,
            **({"304": {"description": "the client has the current page", "headers": _TAGGED}} if tagged else {}),
            **{str(code): {"$ref": f"#/components/responses/{code}"} for code in sorted({*USUAL_ERRORS, *refused})},
        },
    }


def _parameter(name: str) -> Schema:
    schema, description = IN_QUERY[name]
    # A list is one parameter, its values separated by commas.
    form = {"style": "form", "explode": False} if name.startswith("match") else {}
    return {"name": name, "in": "query", "schema": schema, "description": description, **form}


def _next(operation: str, *path: str) -> dict[str, Schema]:
    """Return the link from a page to the next one."""
    path_parameters = {f"path.{name}": f"$request.path.{name}" for name in path}
    return {"next": {"operationId": operation, "parameters": {**path_parameters, "query.next": "$response.body#/next"}}}


def _root() -> dict[str, Schema]:
    collection = f"/{API_ROOT}/collections/{{collection_id}}/"
    one = f"{collection}objects/{{object_id}}/"
    status = {"operationId": "status", "parameters": {"path.status_id": "$response.body#/id"}}
    added = _operation(
        "add", "Add objects", "status", status=202, refused=_CARRIED, links={"status of the POST": status}
    )
    added["requestBody"] = {
        "required": True,
        "description": "uncompressed, or in gzip or zstd with a Content-Encoding",
        "content": {TAXII: {"schema": ref("contribution"), "example": _EXAMPLE}},
    }
    return {
        "/taxii2/": {"get": _operation("discovery", "Get the server and its API roots", "discovery")},
        f"/{API_ROOT}/": {"get": _operation("api-root", "Get the API root", "api-root")},
        f"/{API_ROOT}/status/{{status_id}}/": {
            "get": _operation("status", "Get the status of a POST", "status", refused=_NAMED)
        },
        f"/{API_ROOT}/collections/": {"get": _operation("collections", "Get the collections", "collections")},
        collection: {"get": _operation("collection", "Get a collection", "collection", refused=_NAMED)},
        f"{collection}manifest/": {
            "get": _operation(
                "manifest",
                "Get the manifest of a collection",
                "manifest",
                *_FILTERS,
                dated=True,
                refused=_FILTERED,
                links=_next("manifest", "collection_id"),
            )
        },
        f"{collection}objects/": {
            "get": _operation(
                "objects",
                "Get objects",
                "envelope",
                *_FILTERS,
                dated=True,
                refused=_FILTERED,
                links=_next("objects", "collection_id"),
                tagged=True,
            ),
            "post": added,
        },
        one: {
            "get": _operation("object", "Get an object", "envelope", *_PAGED, *_OF_ONE, dated=True, refused=_FILTERED),
            "delete": _operation("delete", "Delete an object", None, *_OF_ONE, refused=_FILTERED),
        },
        f"{one}versions/": {
            "get": _operation(
                "versions",
                "Get an object's versions",
                "versions",
                *_PAGED,
                "match[spec_version]",
                dated=True,
                refused=_FILTERED,
                links=_next("versions", "collection_id", "object_id"),
            )
        },
    }


def describe(others: Description = _NOTHING) -> Schema:
    """Return the OpenAPI description, including the endpoints outside TAXII."""
    paths = _root() | others.paths
    for path, item in paths.items():
        named = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": STRING,
                "description": description,
                "example": example,
            }
            for name, (description, example) in _IN_PATH.items()
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
            "schemas": RESOURCES | others.schemas,
            "responses": _refusals(),
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def register(app: Flask, others: Callable[[], Description]) -> None:
    """Let ``app`` serve the description, including other endpoints. It is made at the first request."""

    @cache
    def body() -> bytes:
        return orjson.dumps(describe(others()))

    @app.get("/openapi.json")
    def openapi() -> Response:
        return Response(body(), content_type="application/json")
