"""The JSON Schemas of requests and answers in the extension: as partners send them, and as their parties read them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from schemas.request import MOST_DESTINATIONS, LegalBasis, RequestReason, RequestState, RequestWord

_TIME = {"type": "string", "format": "date-time"}
_AMOUNT = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}
_CURRENCY = {"type": "string", "pattern": "^[A-Z0-9]{2,12}$"}
_NAME = {"type": "string", "maxLength": 100}
_LINE = {"type": "string", "maxLength": 200}
_ID = {"type": "string", "pattern": "^[0-9a-f-]{36}$"}
_NUMBER = {"type": "integer", "minimum": 1}
_STATE = {"enum": [str(state) for state in RequestState]}
_REASON = {"enum": [str(reason) for reason in RequestReason]}
_ROLE = {"enum": ["sender", "addressee", "follower"]}
_BY = {"enum": ["sender", "addressee", "hub"]}
_NOT_ASKED = {"enum": ["was-here-before", "too-many-hops", "too-many-requests", "yours", "sender-left"]}
_VALUE = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "maxLength": 60},
        "value": {"type": "string", "maxLength": 2048},
        "details": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["kind", "value"],
    "additionalProperties": False,
}
_DESTINATIONS = {
    "type": "array",
    "minItems": 1,
    "maxItems": MOST_DESTINATIONS,
    "items": {
        "type": "object",
        "properties": {"of": _VALUE, "amount": _AMOUNT, "next": _ID, "not_asked": _NOT_ASKED},
        "required": ["of", "amount"],
        "additionalProperties": False,
    },
}
_STEP = {
    "type": "object",
    "properties": {
        "state": _STATE,
        "at": _TIME,
        "by": _BY,
        "amount": _AMOUNT,
        "currency": _CURRENCY,
        "reason": _REASON,
        "went_to": _DESTINATIONS,
    },
    "required": ["state", "at", "by"],
    "additionalProperties": False,
}
_ASKED: Mapping[str, Any] = MappingProxyType(
    {
        "asks": {"enum": [str(word) for word in RequestWord]},
        "of": _VALUE,
        "reference": _LINE,
        "amount": _AMOUNT,
        "currency": _CURRENCY,
        "uetr": _ID,
        "end_to_end_id": {"type": "string", "maxLength": 35},
        "transaction_hash": {"type": "string", "maxLength": 88},
        "deadline": _TIME,
        "legal_basis": {"enum": [str(basis) for basis in LegalBasis]},
        "legal_reference": _LINE,
        "until": _TIME,
        "addressee": _NAME,
        "also_to": {"type": "array", "items": _NAME, "minItems": 1, "maxItems": 10},
    }
)
# What the hub adds for those who read a request.
_READ: Mapping[str, Any] = MappingProxyType(
    {
        "id": _ID,
        "role": _ROLE,
        "state": _STATE,
        "sender": _NAME,
        "hop": _NUMBER,
        "chain": _ID,
        "earlier": _ID,
        "agreed": _AMOUNT,
        "done": _AMOUNT,
        "overdue": {"type": "boolean"},
        "opened": _TIME,
        "changed": _TIME,
        "steps": {"type": "array", "items": _STEP, "minItems": 1},
    }
)
_ALWAYS = ("asks", "of", "reference", "deadline", "legal_basis")


def of_request() -> dict[str, Any]:
    """Return the schema of the property ``request``."""
    return {
        "type": "object",
        "properties": {**_ASKED, **_READ},
        "required": list(_ALWAYS),
        "additionalProperties": False,
        "description": "of a note: what one institution asks another, and how far that has come",
    }


def of_answer() -> dict[str, Any]:
    """Return the schema of the property ``request_answer``."""
    return {
        "type": "object",
        "properties": {
            "request": _ID,
            "state": {"enum": [str(state) for state in RequestState if state is not RequestState.OPEN]},
            "amount": _AMOUNT,
            "currency": _CURRENCY,
            "reason": _REASON,
            "went_to": _DESTINATIONS,
        },
        "required": ["request", "state"],
        "additionalProperties": False,
        "description": "of a note that a partner sends: the next step of a request",
    }


def of_view() -> dict[str, Any]:
    """Return the schema of a request as one of its parties reads it beside TAXII."""
    required = [*_ALWAYS, "id", "role", "state", "sender", "addressee", "hop", "opened", "changed", "steps"]
    return {**of_request(), "required": required}


def sent_request() -> dict[str, Any]:
    """Return the schema of a request as a partner sends it beside TAXII."""
    return {"type": "object", "properties": dict(_ASKED), "required": list(_ALWAYS), "additionalProperties": False}


def sent_answer() -> dict[str, Any]:
    """Return the schema of an answer as a partner sends it beside TAXII, under the id of the request."""
    whole = of_answer()
    properties = {name: schema for name, schema in whole["properties"].items() if name != "request"}
    return {"type": "object", "properties": properties, "required": ["state"], "additionalProperties": False}
