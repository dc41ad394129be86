"""The context of a report or record as shared objects carry it: one flat set of words, as a JSON Schema."""

import json
from functools import cache
from typing import Any

from schemas.feedback import FeedbackEvent
from schemas.partner import FocalFunction, PartnerKind
from schemas.vocabulary import Action, Channel, HolderStatus, OutcomeReason, OutcomeWord, PaymentRail, Purpose, ScamType

VERSION = "1.3.0"

_WORD = {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 60}
_TIME = {"type": "string", "format": "date-time"}
_AMOUNT = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}
_CURRENCY = {"type": "string", "pattern": "^[A-Z0-9]{2,12}$", "description": "ISO 4217, or a coin's symbol"}
_HOLD: dict[str, Any] = {
    "type": "object",
    "properties": {
        "amount": _AMOUNT,
        "currency": _CURRENCY,
        "reference": {"type": "string", "maxLength": 200},
        "until": _TIME,
    },
    "required": ["until"],
    "dependentRequired": {"amount": ["currency"], "currency": ["amount"]},
    "additionalProperties": False,
}
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}


def _open(words: Any, meaning: str) -> dict[str, Any]:
    return {**_WORD, "description": f"{meaning}; preferred: {', '.join(words)}"}


def _closed(words: Any, meaning: str) -> dict[str, Any]:
    return {"enum": [str(word) for word in words], "description": meaning}


def _sharing() -> dict[str, Any]:
    partners = {"type": "array", "items": {"type": "string", "maxLength": 100}, "minItems": 1}
    countries = {"type": "array", "items": {"type": "string", "pattern": "^[A-Z]{2}$"}, "minItems": 1}
    return {
        "type": "object",
        "description": "the contributor's limits to who may hear of it; a reader has to keep every one",
        "properties": {
            "only_partners": {**partners, "description": "ids of identities: these and no others"},
            "not_to_partners": {**partners, "description": "ids of identities: never these"},
            "only_partner_kinds": {"type": "array", "items": {"enum": [str(kind) for kind in PartnerKind]}},
            "only_countries": countries,
            "not_to_countries": countries,
            "purposes": {"type": "array", "items": _open(Purpose, "what it may be used for")},
            "onward": {"type": "boolean", "description": "whether those whom it reaches may pass it on"},
        },
        "additionalProperties": False,
    }


def _feedback() -> dict[str, Any]:
    """Give what the hub's notes say of what became of contributions."""
    return {
        "type": "object",
        "properties": {
            "event": _closed(FeedbackEvent, "what became of them"),
            "by_kind": _closed(PartnerKind, "what the partner is whose doing it was"),
            "outcome": _closed(OutcomeWord, "what that partner did"),
            "at": {**_TIME, "description": "when the hub learned of it"},
            "count": {"type": "integer", "minimum": 1, "description": "of how many objects it is said"},
        },
        "required": ["event", "at", "count"],
        "additionalProperties": False,
        "description": "of a note by the hub: what became of the reader's own contributions in object_refs",
    }


def _of_a_consensus() -> dict[str, Any]:
    """Give what only the hub says: what it makes of all that its partners say of one value."""
    return {
        "grade": _closed(Action, "what a reader may do about it at most"),
        "reporters": {"type": "integer", "minimum": 1, "description": "how many say so, independently of each other"},
        "reporter_kinds": {
            "type": "array",
            "items": {"enum": [str(kind) for kind in PartnerKind]},
            "minItems": 1,
            "description": "what they are",
        },
        "scam_types": {
            "type": "array",
            "items": _WORD,
            "minItems": 1,
            "description": "what reporters call the scam beside scam_type",
        },
        "disputed": {"const": True, "description": "somebody holds it for a false positive"},
        "holds": {
            "type": "array",
            "items": _HOLD,
            "minItems": 2,
            "description": "all that is asked to be held, where hold is one of several",
        },
        "listing": {"type": "integer", "minimum": 2, "description": "how often it was listed, taken back between"},
        "referral": {
            "type": "object",
            "properties": {
                "organisation": {"type": "string", "maxLength": 100},
                "contact": {"type": "string", "maxLength": 300},
            },
            "required": ["organisation", "contact"],
            "additionalProperties": False,
            "description": "whom to turn to for the protection of a holder who acts under coercion",
        },
    }


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
        "sharing": _sharing(),
        "focal_points": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "function": _closed(FocalFunction, "what one turns to it for"),
                    "contact": {"type": "string", "maxLength": 200},
                },
                "required": ["function", "contact"],
                "additionalProperties": False,
            },
            "minItems": 1,
            "description": "of an organisation: a role's address or a page for each function, never a person",
        },
        "outcome": _closed(OutcomeWord, "what the author of an opinion did about the indicator"),
        "outcome_reason": _open(OutcomeReason, "why"),
        "effective_from": {**_TIME, "description": "from when the outcome holds"},
        "effective_until": {**_TIME, "description": "when a block or a hold of funds ends"},
        "source": {**end, "description": "of a flow: what the observable is that the money came from"},
        "target": {**end, "description": "of a flow: what the observable is that the money went to"},
        "amount": {**_AMOUNT, "description": "of a flow: how much; rounded to two digits unless both ends are wallets"},
        "currency": _CURRENCY,
        "hold": {**_HOLD, "description": "which amount to hold, for which case, and until when, whatever the grade"},
        **_of_a_consensus(),
        "feedback": _feedback(),
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
