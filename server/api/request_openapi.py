"""The description of requests between institutions, for the OpenAPI description of all that is served."""

from typing import Any

from schemas import request_schema
from schemas.request import RequestState
from server.release.requests.states import Role
from server.taxii.openapi_schemas import STRING, Schema, ref
from server.taxii.other_endpoints import Description
from server.taxii.response import JSON

_REFUSALS = (401, 406, 408, 414, 429, 431, 503)
_ONE = "/api/requests/{id}"
_STATE = "|".join(RequestState)
_PLACE = "^[0-9]{1,18}[.][0-9a-f-]{36}$"
_REFUSED: Schema = {"description": "a rule refuses it", "content": {JSON: {"schema": ref("error")}}}
_EXAMPLE = {
    "asks": "freeze",
    "of": {"kind": "bank-account", "value": "TH:KASITHBK:1234567890"},
    "reference": "C-2026-117",
    "amount": "800000",
    "currency": "THB",
    "deadline": "2026-12-01T12:00:00Z",
    "legal_basis": "scheme-rules",
}
_PAGE: Schema = {
    "type": "object",
    "properties": {
        "requests": {"type": "array", "items": ref("request_view")},
        "next": {"anyOf": [STRING, {"type": "null"}]},
    },
    "required": ["requests", "next"],
}


def description() -> Description:
    """Return the paths of these endpoints, and the schemas that they refer to."""
    listing = _operation(
        "requests", "List the requests that you sent, are asked by, or may follow", "request_page", 400
    )
    listing["parameters"] = [
        _in_query(
            "state",
            {"type": "string", "pattern": f"^(({_STATE})(,({_STATE}))*)?$"},
            f"of {', '.join(RequestState)}; several with commas",
        ),
        _in_query("role", {"enum": [str(role) for role in Role]}, "what you are to the request"),
        _in_query("limit", {"type": "integer", "minimum": 1, "maximum": 999_999_999}, "at most so many, and 1,000"),
        _in_query("next", {"type": "string", "pattern": _PLACE}, "where the page before this one ended"),
    ]
    carried = (400, 403, 413, 415)
    opened = _operation("open_request", "Send a request", "request_view", *carried, success="201")
    opened["requestBody"] = _body("sent_request", _EXAMPLE)
    answered = _operation("answer_request", "Take a request a step further", "request_view", 404, *carried)
    for refusable in (opened, answered):
        refusable["responses"]["409"] = _REFUSED
    answered["requestBody"] = _body("sent_request_answer", {"state": "agreed", "amount": "300000", "currency": "THB"})
    id_ = {"name": "id", "in": "path", "required": True, "schema": STRING, "description": "the id of the request"}
    return Description(
        {
            "/api/requests": {"get": listing, "post": opened},
            _ONE: {"parameters": [id_], "get": _operation("request", "Get a request", "request_view", 404)},
            f"{_ONE}/answers": {"parameters": [id_], "post": answered},
        },
        {
            "request_view": request_schema.of_view(),
            "request_page": _PAGE,
            "sent_request": request_schema.sent_request(),
            "sent_request_answer": request_schema.sent_answer(),
        },
    )


def _in_query(name: str, schema: Schema, meaning: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": meaning}


def _body(schema: str, example: dict[str, Any]) -> Schema:
    return {"required": True, "content": {JSON: {"schema": ref(schema), "example": example}}}


def _operation(id_: str, summary: str, result: str, *refused: int, success: str = "200") -> Schema:
    codes = sorted({*_REFUSALS, *refused})
    return {
        "operationId": id_,
        "summary": summary,
        "parameters": [],
        "responses": {
            success: {"description": "done", "content": {JSON: {"schema": ref(result)}}},
            **{str(code): {"$ref": f"#/components/responses/{code}"} for code in codes},
        },
    }
