"""The description of these endpoints, for the OpenAPI description of all that is served."""

import msgspec

from schemas.api.lookup import LookupAnswer, LookupRequest
from schemas.report import MAX_VALUE
from server.api.active_sets import ADDED_UP_TO, AS_OF, JSON_LINES
from server.api.openapi_parts import operation, plain
from server.taxii.openapi_schemas import STAMP, STRING, Schema, ref
from server.taxii.other_endpoints import Description
from server.taxii.response import JSON

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
                "get": operation("digest", "Get the digest of what is active in a collection", ref("digest"), 403, 404)
            },
            f"{collection}/active": {"get": _active()},
        },
        {**{name: plain(model) for name, model in models.items()}, "digest": _DIGEST},
    )


def _lookup() -> Schema:
    asked = operation("lookup", "Look values up", ref("LookupAnswer"), 400, 413, 415, 422)
    asked["responses"]["200"]["headers"] = _QUOTA
    asked["requestBody"] = {
        "required": True,
        "content": {JSON: {"schema": ref("LookupRequest"), "example": _EXAMPLE}},
    }
    return asked


def _check() -> Schema:
    asked = operation("check", "Check one value against what is public", ref("LookupAnswer"), 400)
    asked["security"] = []
    # A longer one makes a longer URL than is read, which is another refusal than that of a value.
    spelling = f"in any spelling, of {MAX_VALUE} characters at most"
    asked["parameters"] = [
        {"name": "value", "in": "query", "required": True, "schema": STRING, "description": spelling},
        {"name": "kind", "in": "query", "schema": STRING, "description": "the kind; else what the value looks like"},
    ]
    return asked


def _active() -> Schema:
    asked = operation("active", "Get the active set of a collection as one stream", STRING, 403, 404)
    success = asked["responses"]["200"]
    success["content"] = {JSON_LINES: {"schema": {"type": "string", "description": "a STIX object a line"}}}
    success["headers"] = {
        ADDED_UP_TO: {"description": "where TAXII goes on: its added_after", "schema": STAMP},
        AS_OF: {"description": "when the objects had not ended", "schema": STAMP},
    }
    return asked
