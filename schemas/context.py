"""The context of a report or record as shared objects carry it: one flat set of words, as a JSON Schema."""

import json
from functools import cache
from typing import Any

from schemas.vocabulary import Action, Channel, HolderStatus, Outcome, OutcomeReason, PaymentRail, ScamType

VERSION = "1.1.0"

_WORD = {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 60}
_TIME = {"type": "string", "format": "date-time"}
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}


def _open(words: Any, meaning: str) -> dict[str, Any]:
    return {**_WORD, "description": f"{meaning}; preferred: {', '.join(words)}"}


def _closed(words: Any, meaning: str) -> dict[str, Any]:
    return {"enum": [str(word) for word in words], "description": meaning}


@cache
def schema() -> dict[str, Any]:
    """Give the JSON Schema of the context: which properties there may be, and what they say."""
    end = {
        "type": "object",
        "properties": {"kind": _WORD, "details": _TEXTS},
        "required": ["kind"],
        "additionalProperties": False,
    }
    properties: dict[str, Any] = {
        "extension_type": {"const": "property-extension"},
        "kind": {**_WORD, "description": "what the indicator's value is"},
        "details": {**_TEXTS, "description": "what the kind knows beside its value: a wallet's chain, an app's store"},
        "scam_category": {
            "enum": ["products-services", "relationship-trust", "other"],
            "description": "the Fed ScamClassifier's category of scam_type",
        },
        "scam_type": _open(ScamType, "what the scam pretends to be"),
        "channel": _open(Channel, "where the victim was met"),
        "payment_rail": _closed(PaymentRail, "how the money moved"),
        "requested_action": _closed(Action, "what the reporter asks of who reads it"),
        "holder_status": _closed(HolderStatus, "what is known of who holds the account"),
        "countries": {
            "type": "array",
            "items": {"type": "string", "pattern": "^[A-Z]{2}$"},
            "minItems": 1,
            "description": "countries that it concerns (ISO 3166-1 alpha-2)",
        },
        "first_seen": {**_TIME, "description": "when it was first seen, to the reporter's knowledge"},
        "last_seen": {**_TIME, "description": "when it was last seen"},
        "evidence": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                    "reference": {"type": "string", "maxLength": 2000},
                },
                "required": ["sha256"],
                "additionalProperties": False,
            },
            "minItems": 1,
            "description": "evidence by hash; the thing itself stays with who holds it",
        },
        "reference": {"type": "string", "maxLength": 200, "description": "the reporter's own number for it"},
        "outcome": _closed(Outcome, "what the author of an opinion did about the indicator"),
        "outcome_reason": _open(OutcomeReason, "why"),
        "effective_from": {**_TIME, "description": "from when the outcome holds"},
        "effective_until": {**_TIME, "description": "when a block or a hold of funds ends"},
        "source": {**end, "description": "of a flow: what the observable is that the money came from"},
        "target": {**end, "description": "of a flow: what the observable is that the money went to"},
        "amount": {
            "type": "string",
            "pattern": r"^[0-9]+(\.[0-9]+)?$",
            "description": "of a flow: how much; rounded to two digits unless both ends are wallets",
        },
        "currency": {"type": "string", "pattern": "^[A-Z0-9]{2,12}$", "description": "ISO 4217, or a coin's symbol"},
        "transfers": {"type": "integer", "minimum": 1, "description": "of a flow: in how many transfers"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scam report context",
        "type": "object",
        "properties": properties,
        "required": ["extension_type"],
        "dependentRequired": {"amount": ["currency"], "currency": ["amount"]},
        "additionalProperties": False,
    }


@cache
def text() -> str:
    """Give the schema as one line of JSON."""
    return json.dumps(schema(), ensure_ascii=False, separators=(",", ":"))
