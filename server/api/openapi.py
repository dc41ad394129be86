"""The description of these endpoints, for the OpenAPI description of all that is served."""

from typing import Any

import msgspec

from schemas.lookup import LookupAnswer, LookupRequest
from schemas.report import MAX_VALUE
from server.api.active_sets import ADDED_UP_TO, AS_OF, JSON_LINES
from server.taxii.openapi_schemas import STAMP, STRING, Schema, ref
from server.taxii.other_endpoints import Description
from server.taxii.response import JSON

_REFUSALS = (401, 406, 408, 414, 429, 431, 503)
_COUNT: Schema = {"type": "integer", "minimum": 0}
_QUOTA = {
    "RateLimit-Policy": {"description": "the quota of the partner, in values a minute", "schema": STRING},
    "RateLimit": {"description": "what is left of it, and for how many seconds", "schema": STRING},
}
_EXAMPLE = {
    "values": [
        {"value": "1234567890", "kind": "bank-account", "details": {"bank": "004", "country": "TH"}},
        {"value": "hxxps://shop[.]example[.]com"},
    ]
}
_DIGEST: Schema = {
    "type": "object",
    "properties": {
        "as_of": STAMP,
        "added_up_to": STAMP,
        "active": _COUNT,
        "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "heartbeat": {"anyOf": [STAMP, {"type": "null"}]},
    },
    "required": ["as_of", "added_up_to", "active", "digest", "heartbeat"],
}


def description() -> Description:
    """Return the paths of these endpoints, and the schemas that they refer to."""
    _, models = msgspec.json.schema_components(
        (LookupRequest, LookupAnswer), ref_template="#/components/schemas/{name}"
    )
    collection = "/api/collections/{collection_id}"
    return Description(
        {
            "/api/lookup": {"post": _lookup()},
            "/api/check": {"get": _check()},
            f"{collection}/digest": {
                "get": _operation("digest", "Get the digest of what is active in a collection", ref("digest"), 403, 404)
            },
            f"{collection}/active": {"get": _active()},
        },
        {**{name: _plain(model) for name, model in models.items()}, "digest": _DIGEST},
    )


def _lookup() -> Schema:
    asked = _operation("lookup", "Look values up", ref("LookupAnswer"), 400, 413, 415, 422)
    asked["responses"]["200"]["headers"] = _QUOTA
    asked["requestBody"] = {
        "required": True,
        "content": {JSON: {"schema": ref("LookupRequest"), "example": _EXAMPLE}},
    }
    return asked


def _check() -> Schema:
    asked = _operation("check", "Check one value against what is public", ref("LookupAnswer"), 400)
    asked["security"] = []
    # A longer one makes a longer URL than is read, which is another refusal than that of a value.
    spelling = f"in any spelling, of {MAX_VALUE} characters at most"
    asked["parameters"] = [
        {"name": "value", "in": "query", "required": True, "schema": STRING, "description": spelling},
        {"name": "kind", "in": "query", "schema": STRING, "description": "the kind; else what the value looks like"},
    ]
    return asked


def _active() -> Schema:
    asked = _operation("active", "Get the active set of a collection as one stream", STRING, 403, 404)
    success = asked["responses"]["200"]
    success["content"] = {JSON_LINES: {"schema": {"type": "string", "description": "a STIX object a line"}}}
    success["headers"] = {
        ADDED_UP_TO: {"description": "where TAXII goes on: its added_after", "schema": STAMP},
        AS_OF: {"description": "when the objects had not ended", "schema": STAMP},
    }
    return asked


def _operation(id_: str, summary: str, result: Schema, *refused: int) -> Schema:
    codes = sorted({*_REFUSALS, *refused})
    return {
        "operationId": id_,
        "summary": summary,
        "parameters": [],
        "responses": {
            "200": {"description": "done", "content": {JSON: {"schema": result}}},
            **{str(code): {"$ref": f"#/components/responses/{code}"} for code in codes},
        },
    }


def _plain(model: dict[str, Any]) -> dict[str, Any]:
    """Return a schema whose description is one text for people."""
    if "description" not in model:
        return model
    return {**model, "description": " ".join(model["description"].replace("``", "").split())}
