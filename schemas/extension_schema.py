"""The JSON Schema of the scam report context: the properties that reports, records and the hub have in STIX."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from schemas import request_schema
from schemas.declaration import DeclaredField
from schemas.feedback import MOST_CHARACTERS, FeedbackEvent, FeedbackReason
from schemas.fields import Evidence, Hold
from schemas.partner import FocalFunction, PartnerKind
from schemas.qualification import QualificationCode
from schemas.report import FIELDS
from schemas.sharing import Sharing
from schemas.vocabulary import (
    FUNDS_HELD,
    WORD_SCHEMA,
    Action,
    OutcomeReason,
    OutcomeWord,
    ReferralAnswer,
    SharingPurpose,
)

VERSION = "1.4.0"
# The order of the properties in the schema as it was first published; later ones follow.
_FIRST = [
    "extension_type",
    "kind",
    "details",
    "scam_category",
    "scam_type",
    "channel",
    "payment_rail",
    "requested_action",
    "holder_status",
    "countries",
    "first_seen",
    "last_seen",
    "evidence",
    "reference",
    "sharing",
    "focal_points",
    "outcome",
    "outcome_reason",
    "effective_from",
    "effective_until",
    "source",
    "target",
    "amount",
    "currency",
    "hold",
]

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
_EVIDENCE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "reference": {"type": "string", "maxLength": 2000},
    },
    "required": ["sha256"],
    "additionalProperties": False,
}
_QUESTION = {"type": "string", "pattern": "^[a-z]{20}$"}
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}


def _open(words: Any, meaning: str) -> dict[str, Any]:
    return {**WORD_SCHEMA, "description": _preferring(words, meaning)}


def _preferring(words: Any, meaning: str) -> str:
    return f"{meaning}; preferred: {', '.join(words)}"


def _closed(words: Any, meaning: str) -> dict[str, Any]:
    return {"enum": [str(word) for word in words], "description": meaning}


def _sharing() -> dict[str, Any]:
    partners = {"type": "array", "items": {"type": "string", "maxLength": 100}, "minItems": 1}
    countries = {"type": "array", "items": {"type": "string", "pattern": "^[A-Z]{2}$"}, "minItems": 1}
    return {
        "type": "object",
        "description": "",
        "properties": {
            "only_partners": {**partners, "description": "ids of identities: these and no others"},
            "not_to_partners": {**partners, "description": "ids of identities: never these"},
            "only_partner_kinds": {"type": "array", "items": {"enum": [str(kind) for kind in PartnerKind]}},
            "only_countries": countries,
            "not_to_countries": countries,
            "purposes": {"type": "array", "items": _open(SharingPurpose, "what it may be used for")},
            "onward": {"type": "boolean", "description": "whether those whom it reaches may pass it on"},
        },
        "additionalProperties": False,
    }


def _feedback() -> dict[str, Any]:
    """Return the schema of the feedback in the hub's notes."""
    return {
        "type": "object",
        "properties": {
            "event": _closed(FeedbackEvent, "what became of them"),
            "by_kind": _closed(PartnerKind, "what the partner is whose doing it was"),
            "outcome": _closed([*OutcomeWord, FUNDS_HELD], "what that partner did"),
            "code": {**WORD_SCHEMA, "description": "the keeping institution's answer, or the state of a request"},
            "reason": _open([*FeedbackReason, *OutcomeReason], "why"),
            "message": {"type": "string", "maxLength": MOST_CHARACTERS, "description": "a line for the reader"},
            "question": {**_QUESTION, "description": "the id of what is asked or answered"},
            "at": {**_TIME, "description": "when the hub learned of it"},
            "count": {"type": "integer", "minimum": 1, "description": "of how many objects it is said"},
            "references": {**_TEXTS, "description": "the reader's own reference of each object that has one, by id"},
        },
        "required": ["event", "at", "count"],
        "additionalProperties": False,
        "description": "of a note by the hub: what became of the reader's own contributions in object_refs",
    }


def _referred() -> dict[str, Any]:
    """Return the schema of a referral of a coerced holder, in the hub's notes; nothing about the person has room."""
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
            "role": _closed(["referrer", "focal-point"], "what the reader is: who referred, or was referred to"),
            "listing": {"type": "string", "maxLength": 100, "description": "the listing, where the reader may read it"},
            "organisation": {"type": "string", "maxLength": 100, "description": "who was referred to"},
            "at": {**_TIME, "description": "when the hub was told of it"},
            "answer": _closed(ReferralAnswer, "what the focal point answered"),
            "answered": {**_TIME, "description": "when"},
        },
        "required": ["id", "role", "organisation", "at"],
        "dependentRequired": {"answer": ["answered"], "answered": ["answer"]},
        "additionalProperties": False,
        "description": "of a note by the hub: a holder who acts under coercion was referred for protection",
    }


def _of_a_consensus() -> dict[str, Any]:
    """Return the schemas of the properties that only the hub's own indicators have."""
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
            "items": WORD_SCHEMA,
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
        "sandbox": {"const": True, "description": "a synthetic listing to rehearse with: nothing of it is real"},
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


# By the type of a report's field, where it is more than a text, a number or a point in time.
_OF_TYPE: Mapping[Any, Mapping[str, Any]] = {
    Decimal: _AMOUNT,
    Evidence: _EVIDENCE,
    Hold: _HOLD,
    Mapping: _TEXTS,
    Sharing: _sharing(),
    bool: {"type": "boolean"},
    datetime: _TIME,
}
_BOUNDS = {"ge": "minimum", "le": "maximum", "max_length": "maxLength"}


def _of_field(field: DeclaredField) -> dict[str, Any]:
    """Return the schema of the property that carries a report's field."""
    one = _of_type(field)
    whole = {"type": "array", "items": one, "minItems": 1} if field.many else one
    words = field.vocabulary if not field.closed else None
    return {**whole, "description": _preferring(words, field.meaning) if words else field.meaning}


def _of_type(field: DeclaredField) -> Mapping[str, Any]:
    if field.declaration.schema or field.type in _OF_TYPE:
        return field.declaration.schema or _OF_TYPE[field.type]
    if field.closed:
        return {"enum": [str(word) for word in field.vocabulary or ()]}
    schema: dict[str, Any] = {"type": "integer" if field.type is int else "string"}
    if (pattern := field.constraint("pattern")) and not field.is_free_text:
        schema["pattern"] = pattern
    bounds = {keyword: field.constraint(name) for name, keyword in _BOUNDS.items()}
    return schema | {keyword: bound for keyword, bound in bounds.items() if bound is not None}


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of the context."""
    end = {
        "type": "object",
        "properties": {"kind": WORD_SCHEMA, "details": _TEXTS},
        "required": ["kind"],
        "additionalProperties": False,
    }
    properties: dict[str, Any] = {
        "extension_type": {"const": "property-extension"},
        **{name: _of_field(field) for field in FIELDS.values() if (name := field.extension_property)},
        "scam_category": {
            "enum": ["products-services", "relationship-trust", "other"],
            "description": "the Fed ScamClassifier's category of scam_type",
        },
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
            "description": "of an organisation: a role's address, page or hotline for each function, never a person",
        },
        "outcome": _closed(
            [*OutcomeWord, FUNDS_HELD],
            f"what the author of an opinion did about the indicator; {FUNDS_HELD} was the word of held before",
        ),
        "outcome_reason": _open(OutcomeReason, "why"),
        "qualification": _closed(QualificationCode, "what the author of an opinion found, which keeps the account"),
        "effective_from": {**_TIME, "description": "from when the outcome holds"},
        "effective_until": {**_TIME, "description": "when a block or a hold of funds ends"},
        "source": {**end, "description": "of a flow: what the observable is that the money came from"},
        "target": {**end, "description": "of a flow: what the observable is that the money went to"},
        "amount": {
            **_AMOUNT,
            "description": "of a flow or an outcome: how much; rounded to two digits unless both ends are wallets",
        },
        "currency": _CURRENCY,
        **_of_a_consensus(),
        "feedback": _feedback(),
        "request": request_schema.of_request(),
        "request_answer": request_schema.of_answer(),
        "referred": _referred(),
        "question": {"const": True, "description": "of a note: a question to the reporters of a listing"},
        "answer_to": {**_QUESTION, "description": "of a note: the question, in feedback, that it answers"},
        "transfers": {"type": "integer", "minimum": 1, "description": "of a flow: in how many transfers"},
        "count": {
            "type": "integer",
            "minimum": 1,
            "description": "of an outcome: how many payments, accounts, messages; never shown to others below 5",
        },
        "victims": {
            "type": "integer",
            "minimum": 1,
            "description": "of an outcome: how many people, each once; never shown to others below 5",
        },
        "period_from": {"type": "string", "format": "date", "description": "first day (UTC) of an outcome's totals"},
        "period_to": {"type": "string", "format": "date", "description": "last day of them"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scam report context",
        "type": "object",
        "properties": {name: properties[name] for name in dict.fromkeys([*_FIRST, *properties])},
        "required": ["extension_type"],
        "dependentRequired": {"amount": ["currency"], "currency": ["amount"]},
        "additionalProperties": False,
    }


@cache
def text() -> str:
    """Return the schema as one line of JSON."""
    return json.dumps(schema(), ensure_ascii=False, separators=(",", ":"))
