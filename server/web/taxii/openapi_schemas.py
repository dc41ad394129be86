"""JSON Schemas of TAXII's resources and parameters, and the usual errors, for the OpenAPI description."""

from typing import Any

Schema = dict[str, Any]

# The statuses of errors that every request can have.
USUAL_ERRORS = (401, 406, 408, 414, 429, 431, 503)

STRING: Schema = {"type": "string"}
STAMP: Schema = {"type": "string", "format": "date-time"}
_UUID: Schema = {"type": "string", "format": "uuid"}
_FLAG: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}


def _object(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    return {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required)}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of, "minItems": 1}


def ref(name: str) -> Schema:
    """Refer to one of ``RESOURCES``."""
    return {"$ref": f"#/components/schemas/{name}"}


_MORE: dict[str, Schema] = {"more": _FLAG, "next": STRING}
_STIX: Schema = _object({"type": STRING, "id": STRING}, {"spec_version": STRING})
_DETAILS = _list(_object({"id": STRING, "version": STAMP}, {"message": STRING}))

RESOURCES: dict[str, Schema] = {
    "error": _object(
        {"title": STRING, "error_id": _UUID, "http_status": {"type": "string", "pattern": "^[45][0-9][0-9]$"}},
        {"description": STRING, "error_code": STRING},
    ),
    "discovery": _object(
        {"title": STRING},
        {"description": STRING, "contact": STRING, "default": STRING, "api_roots": _list(STRING)},
    ),
    "api-root": _object(
        {"title": STRING, "versions": _list(STRING), "max_content_length": {"type": "integer", "minimum": 1}},
        {"description": STRING},
    ),
    "collection": _object(
        {"id": _UUID, "title": STRING, "can_read": _FLAG, "can_write": _FLAG},
        {"description": STRING, "alias": STRING, "media_types": _list(STRING)},
    ),
    "collections": _object({}, {"collections": _list(ref("collection"))}),
    "envelope": _object({}, {**_MORE, "objects": _list(_STIX)}),
    "contribution": _object(
        {
            "objects": {
                "type": "array",
                "minItems": 1,
                "items": {},
                "description": "STIX objects, up to the maximum of the API root; others are listed among the "
                "failures without affecting the rest",
            }
        }
    ),
    "manifest": _object(
        {},
        {
            **_MORE,
            "objects": _list(_object({"id": STRING, "date_added": STAMP, "version": STAMP, "media_type": STRING})),
        },
    ),
    "versions": _object({}, {**_MORE, "versions": _list(STAMP)}),
    "status": _object(
        {
            "id": _UUID,
            "status": {"enum": ["complete", "pending"]},
            "request_timestamp": STAMP,
            "total_count": _COUNT,
            "success_count": _COUNT,
            "failure_count": _COUNT,
            "pending_count": _COUNT,
        },
        {
            "successes": _DETAILS,
            "failures": _DETAILS,
            "pendings": _DETAILS,
            # If there are very many failures, it replaces most of their list: counts by reason, and the first ones.
            "x_scamfeed_failure_reasons": {"type": "object", "additionalProperties": _COUNT},
            "x_scamfeed_first_failures": _DETAILS,
        },
    ),
}

# In a list of the URL a value must not be blank, and ends at a comma.
_BLANK = r"\u0000\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_WORD: Schema = {"type": "string", "pattern": rf"^[^,\u0000]*[^,{_BLANK}][^,\u0000]*$"}
_WORDS: Schema = _list(_WORD)
_VERSIONS: Schema = {
    "type": "array",
    "uniqueItems": True,
    "oneOf": [
        {"items": {"const": "all"}, "minItems": 1, "maxItems": 1},
        _list({"anyOf": [{"enum": ["first", "last"]}, STAMP]}),
    ],
}

# Each parameter with its schema and purpose.
IN_QUERY: dict[str, tuple[Schema, str]] = {
    "added_after": (STAMP, "only objects added after this moment"),
    "limit": ({"type": "integer", "minimum": 1}, "maximum number of objects; the server has its own limit"),
    "next": (STRING, "the next of the previous page, unchanged"),
    "match[id]": (_WORDS, "STIX ids, separated by commas"),
    "match[type]": (_WORDS, "STIX types, separated by commas"),
    "match[version]": (_VERSIONS, "first, last or timestamps, separated by commas; or all"),
    "match[spec_version]": (_WORDS, "2.0, 2.1, or both, separated by a comma"),
}
