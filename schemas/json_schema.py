"""JSON Schemas of the models and of the scam report context; run as a program, writes them."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from schemas import kinds, tabular, timestamp
from schemas.fields import DeclaredField, Evidence, Hold, Paid, Sharing
from schemas.hub_report import HubReport
from schemas.partner import FocalFunction, Partner, PartnerKind
from schemas.payment import Payment
from schemas.records import MOST_CHARACTERS, FeedbackEvent, FeedbackReason
from schemas.report import FIELDS, Report
from schemas.request import MOST_DESTINATIONS, SET_BY_HUB, LegalBasis, RequestReason, RequestState, RequestWord
from schemas.takedown import MOST_OF_LOCATION, ServedBy, TakedownBasis, TakedownGround, TakedownResponse
from schemas.vocabulary import (
    FUNDS_HELD,
    WORD_SCHEMA,
    Action,
    OutcomeReason,
    OutcomeWord,
    QualificationCode,
    ReferralAnswer,
    SharingPurpose,
)

_TIME = {"type": "string", "format": "date-time"}
_AMOUNT = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}
_CURRENCY_CODE = {"type": "string", "pattern": "^[A-Z0-9]{2,12}$"}
_NAME = {"type": "string", "maxLength": 100}
# Of a sender at another hub, with the name of the hub.
_SENDER = {"type": "string", "maxLength": 203}
_LINE = {"type": "string", "maxLength": 200}
_ID = {"type": "string", "pattern": "^[0-9a-f-]{36}$"}
_NUMBER = {"type": "integer", "minimum": 1}
_STATE = {"enum": [str(state) for state in RequestState]}
_REASON = {"enum": [str(reason) for reason in RequestReason]}
_ROLE = {"enum": ["sender", "addressee", "follower"]}
_BY = {"enum": ["sender", "addressee", "hub"]}
_NOT_ASKED = {"enum": ["was-here-before", "too-many-hops", "too-many-requests", "yours", "sender-left"]}
_VALUE_SCHEMA = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "maxLength": 60},
        "value": {"type": "string", "maxLength": 2048},
        "details": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["kind", "value"],
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
_COUNTRIES = {
    "type": "array",
    "items": {"type": "string", "pattern": "^[A-Z]{2}$"},
    "minItems": 1,
    "maxItems": 60,
    "uniqueItems": True,
}
_DESTINATIONS = {
    "type": "array",
    "minItems": 1,
    "maxItems": MOST_DESTINATIONS,
    "items": {
        "type": "object",
        "properties": {"of": _VALUE_SCHEMA, "amount": _AMOUNT, "next": _ID, "not_asked": _NOT_ASKED},
        "required": ["of", "amount"],
        "additionalProperties": False,
    },
}
_PAYMENT = {
    "type": "object",
    "properties": {
        name: {**next(part for part in field["anyOf"] if part["type"] != "null"), "description": field["description"]}
        for name, field in Payment.model_json_schema()["properties"].items()
    },
    "minProperties": 1,
    "additionalProperties": False,
    "description": "a payment and a message about it by ISO 20022 (iso20022.md)",
}
# The parts of a response to a takedown request.
_RESPONDED: Mapping[str, Any] = MappingProxyType(
    {
        "response": {"enum": [str(word) for word in TakedownResponse]},
        "reference": _LINE,
        "territory": _COUNTRIES,
        "right_addressee": _NAME,
    }
)
_STEP = {
    "type": "object",
    "properties": {
        "state": _STATE,
        "at": _TIME,
        "by": _BY,
        "amount": _AMOUNT,
        "currency": _CURRENCY_CODE,
        "reason": _REASON,
        "went_to": _DESTINATIONS,
        "payment": _PAYMENT,
        **_RESPONDED,
    },
    "required": ["state", "at", "by"],
    "additionalProperties": False,
}
_TIME_OR_DURATION = {"anyOf": [_TIME, {"type": "string", "pattern": f"^{timestamp.DURATION}$"}]}
_ASKED: Mapping[str, Any] = MappingProxyType(
    {
        "asks": {"enum": [str(word) for word in RequestWord]},
        "of": _VALUE_SCHEMA,
        "reference": _LINE,
        "amount": _AMOUNT,
        "currency": _CURRENCY_CODE,
        "uetr": _ID,
        "end_to_end_id": {"type": "string", "maxLength": 35},
        "transaction_hash": {"type": "string", "maxLength": 88},
        "deadline": _TIME,
        "legal_basis": {"enum": [str(basis) for basis in LegalBasis]},
        "legal_reference": _LINE,
        "until": _TIME,
        "addressee": _NAME,
        "also_to": {"type": "array", "items": _NAME, "minItems": 1, "maxItems": 10},
        "payment": _PAYMENT,
        "basis": {"enum": [str(basis) for basis in TakedownBasis]},
        "authority": _LINE,
        "location": {"type": "string", "minLength": 1, "maxLength": MOST_OF_LOCATION},
        "explanation": {
            "type": "array",
            "items": {"enum": [str(ground) for ground in TakedownGround]},
            "minItems": 1,
            "uniqueItems": True,
        },
        "scam_type": WORD_SCHEMA,
        "territory": _COUNTRIES,
        "evidence": {
            "type": "array",
            "items": _EVIDENCE,
            "minItems": 1,
            "maxItems": 20,
        },
        "allowed": {"type": "string", "pattern": f"^{timestamp.DURATION}$"},
        "restores": _ID,
    }
)
# Properties that the hub adds for readers of a request.
_READ: Mapping[str, Any] = MappingProxyType(
    {
        "id": _ID,
        "role": _ROLE,
        "state": _STATE,
        "sender": _SENDER,
        "hop": _NUMBER,
        "named_by": _NAME,
        "authority_known": {"type": "boolean"},
        "hub": _NAME,
        "beyond": {
            "type": "object",
            "properties": {"went_on": _AMOUNT, "held": _AMOUNT, "done": _AMOUNT},
            "required": ["went_on"],
            "additionalProperties": False,
            "description": "sums of money that went on, as the addressee's hub tells them",
        },
        "chain": _ID,
        "earlier": _ID,
        "agreed": _AMOUNT,
        "done": _AMOUNT,
        "overdue": {"type": "boolean"},
        "location_sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "response": _RESPONDED["response"],
        "served_at": _TIME,
        "served_by": {"enum": [str(channel) for channel in ServedBy]},
        "due_at": _TIME,
        "opened": _TIME,
        "changed": _TIME,
        "steps": {"type": "array", "items": _STEP, "minItems": 1},
    }
)
_ALWAYS = ("asks", "reference")
# Of an unconfirmed hop its addressee reads nothing of the order.
_ALWAYS_READ = ("asks", "of")


def request_schema() -> dict[str, Any]:
    """Return the schema of the property ``request``."""
    return {
        "type": "object",
        "properties": {**_ASKED, **_READ},
        "required": list(_ALWAYS_READ),
        "additionalProperties": False,
        "description": "a request of one institution to another, and its state (requests.md)",
    }


def answer_schema() -> dict[str, Any]:
    """Return the schema of the property ``request_answer``."""
    return {
        "type": "object",
        "properties": {
            "request": _ID,
            "state": {"enum": [str(state) for state in RequestState if state not in SET_BY_HUB]},
            "amount": _AMOUNT,
            "currency": _CURRENCY_CODE,
            "reason": _REASON,
            "went_to": _DESTINATIONS,
            "payment": _PAYMENT,
            **_RESPONDED,
        },
        "required": ["request", "state"],
        "additionalProperties": False,
        "description": "the next step of a request, sent by a partner (requests.md)",
    }


def request_view_schema() -> dict[str, Any]:
    """Return the schema of a request as one of its parties reads it beside TAXII."""
    required = [*_ALWAYS_READ, "id", "role", "state", "sender", "addressee", "hop", "opened", "changed", "steps"]
    return {**request_schema(), "required": required}


def sent_request_schema() -> dict[str, Any]:
    """Return the schema of a request as a partner sends it beside TAXII.

    One about money also needs ``of``, ``deadline`` and ``legal_basis``, a takedown request ``basis`` and a value or its
    ``location``; the model checks that.
    """
    times = {"deadline": _TIME_OR_DURATION, "until": _TIME_OR_DURATION}
    return {"type": "object", "properties": {**_ASKED, **times}, "required": [*_ALWAYS], "additionalProperties": False}


def common_answer_schema() -> dict[str, Any]:
    """Return the schema of a partner's common response to several requests: without amounts and destinations."""
    whole = sent_answer_schema()
    names = ("state", "reason", *_RESPONDED)
    return {**whole, "properties": {name: whole["properties"][name] for name in names}}


def sent_answer_schema() -> dict[str, Any]:
    """Return the schema of an answer as a partner sends it beside TAXII, under the id of the request.

    It has a state, or a response to a takedown request, from which the state follows.
    """
    whole = answer_schema()
    properties = {name: schema for name, schema in whole["properties"].items() if name != "request"}
    return {"type": "object", "properties": properties, "required": [], "additionalProperties": False}


EXTENSION_VERSION = "1.6.0"
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
    "paid",
]

_INDICATOR, _HUB, _NOTE, _OPINION, _FLOW = (
    "indicator",
    "indicator by the hub",
    "note",
    "opinion",
    "relationship",
)
# The objects that have each property.
ON_OBJECTS: Mapping[str, str] = {
    "extension_type": "all",
    "scam_category": "indicator, grouping",
    "scam_type": "indicator, grouping",
    "countries": "indicator, grouping, identity",
    "first_seen": "indicator, relationship, grouping",
    "last_seen": "indicator, relationship, grouping",
    "evidence": "indicator, grouping",
    "reference": "all",
    "sharing": "all",
    "amount": "relationship, opinion",
    "currency": "relationship, opinion",
    "focal_points": "identity",
    **dict.fromkeys(
        (
            "kind",
            "details",
            "channel",
            "payment_rail",
            "requested_action",
            "holder_status",
            "hold",
            "paid",
            "second_hand",
        ),
        _INDICATOR,
    ),
    **dict.fromkeys(
        (
            "grade",
            "reporters",
            "hubs",
            "reporter_kinds",
            "scam_types",
            "disputed",
            "holds",
            "sandbox",
            "listing",
            "referral",
            "hub_report",
        ),
        _HUB,
    ),
    "referral": _HUB,
    **dict.fromkeys(("request", "request_answer", "question", "answer_to"), _NOTE),
    **dict.fromkeys(("feedback", "referred"), "note by the hub"),
    **dict.fromkeys(
        ("outcome", "outcome_reason", "qualification", "effective_from", "effective_until", "count", "victims"),
        _OPINION,
    ),
    **dict.fromkeys(("period_from", "period_to"), _OPINION),
    **dict.fromkeys(("source", "target", "transfers"), _FLOW),
}

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
_PAID: dict[str, Any] = {
    "type": "object",
    "properties": {"amount": _AMOUNT, "currency": _CURRENCY},
    "required": ["amount", "currency"],
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
            "purposes": {"type": "array", "items": _open(SharingPurpose, "permitted purposes")},
            "onward": {"type": "boolean", "description": "whether readers may pass it on"},
        },
        "additionalProperties": False,
    }


def _feedback() -> dict[str, Any]:
    """Return the schema of the feedback in the hub's notes."""
    return {
        "type": "object",
        "properties": {
            "event": _closed(FeedbackEvent, "what happened to the reports"),
            "by_kind": _closed(PartnerKind, "kind of the partner that caused it"),
            "outcome": _closed([*OutcomeWord, FUNDS_HELD], "outcome of that partner"),
            "code": {**WORD_SCHEMA, "description": "the provider's finding, or the state of a request"},
            "reason": _open([*FeedbackReason, *OutcomeReason], "reason"),
            "message": {"type": "string", "maxLength": MOST_CHARACTERS, "description": "a line for the reader"},
            "question": {**_QUESTION, "description": "the id of the question"},
            "at": {**_TIME, "description": "time at which the hub learned of it"},
            "count": {"type": "integer", "minimum": 1, "description": "number of objects concerned"},
            "references": {**_TEXTS, "description": "the reader's own reference of each object that has one, by id"},
        },
        "required": ["event", "at", "count"],
        "additionalProperties": False,
        "description": "events of the reader's own contributions in `object_refs` (contributions.md#feedback)",
    }


def _referred() -> dict[str, Any]:
    """Return the schema of a referral of a coerced holder, in the hub's notes; nothing about the person has room."""
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
            "role": _closed(["referrer", "focal-point"], "role of the reader"),
            "listing": {"type": "string", "maxLength": 100, "description": "the listing, if the reader may read it"},
            "organisation": {
                "type": "string",
                "maxLength": 100,
                "description": "organisation that receives the referral",
            },
            "at": {**_TIME, "description": "time at which the hub learned of it"},
            "answer": _closed(ReferralAnswer, "response of the focal point"),
            "answered": {**_TIME, "description": "time of the response"},
        },
        "required": ["id", "role", "organisation", "at"],
        "dependentRequired": {"answer": ["answered"], "answered": ["answer"]},
        "additionalProperties": False,
        "description": "a holder under coercion was referred for protection (partners.md#refer-a-coerced-holder)",
    }


def _hub_report() -> dict[str, Any]:
    """Return the schema of the report of a hub's partners for other hubs, from its declaration."""
    (_, parts) = msgspec.json.schema_components([HubReport], ref_template="{name}")

    def plain(node: Any) -> Any:
        if isinstance(node, list):
            return [plain(entry) for entry in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return plain(parts[node["$ref"]])
        if "anyOf" in node:
            return plain(next(choice for choice in node["anyOf"] if choice != {"type": "null"}))
        left = {name: part for name, part in node.items() if name not in ("title", "description", "default")}
        if "properties" in left:
            left["properties"] = {name: plain(part) for name, part in left["properties"].items()}
        return {name: part if name == "properties" else plain(part) for name, part in left.items()}

    schema: dict[str, Any] = plain(parts["HubReport"])
    schema["required"] += ["key", "signature"]
    return {**schema, "description": "report of a hub's partners for other hubs, signed (federation.md)"}


def _of_a_consensus() -> dict[str, Any]:
    """Return the schemas of the properties that only the hub's own indicators have."""
    return {
        "grade": _closed(Action, "strongest action that a reader may take; `requested_action` has the same word"),
        "reporters": {
            "type": "integer",
            "minimum": 1,
            "description": "number of independent organisations that report the value",
        },
        "hubs": {
            "type": "integer",
            "minimum": 1,
            "description": "number of hubs whose partners report it, of a hub that exchanges reports with others",
        },
        "reporter_kinds": {
            "type": "array",
            "items": {"enum": [str(kind) for kind in PartnerKind]},
            "minItems": 1,
            "description": "their kinds",
        },
        "scam_types": {
            "type": "array",
            "items": WORD_SCHEMA,
            "minItems": 1,
            "description": "further reported types of the scam",
        },
        "disputed": {"const": True, "description": "a partner calls it a false positive"},
        "holds": {
            "type": "array",
            "items": _HOLD,
            "minItems": 2,
            "description": "all holds, if there are several; `hold` is the one that ends last",
        },
        "sandbox": {
            "const": True,
            "description": "synthetic, for rehearsals (sandbox.md): take no real action because of it",
        },
        "hub_report": _hub_report(),
        "listing": {
            "type": "integer",
            "minimum": 2,
            "description": "2 or more: the value was delisted before, and is listed again",
        },
        "referral": {
            "type": "object",
            "properties": {
                "organisation": {"type": "string", "maxLength": 100},
                "contact": {"type": "string", "maxLength": 300},
            },
            "required": ["organisation", "contact"],
            "additionalProperties": False,
            "description": "organisation that protects a holder under coercion",
        },
    }


# By the type of a report's field, where it is more than a text, a number or a point in time.
_OF_TYPE: Mapping[Any, Mapping[str, Any]] = {
    Decimal: _AMOUNT,
    Evidence: _EVIDENCE,
    Hold: _HOLD,
    Paid: _PAID,
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
def extension_schema() -> dict[str, Any]:
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
            "description": "category of `scam_type` in the Fed ScamClassifier",
        },
        "focal_points": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "function": _closed(FocalFunction, "function"),
                    "contact": {"type": "string", "maxLength": 200},
                },
                "required": ["function", "contact"],
                "additionalProperties": False,
            },
            "minItems": 1,
            "description": "contact of a role for each function of an organisation, never of a person",
        },
        "outcome": _closed(
            [*OutcomeWord, FUNDS_HELD],
            f"what the author did about the indicator; in versions before 1.4.0 `held` is `{FUNDS_HELD}`",
        ),
        "outcome_reason": _open(OutcomeReason, "reason of the outcome"),
        "qualification": _closed(QualificationCode, "the provider's finding (providers.md)"),
        "effective_from": {**_TIME, "description": "start of the outcome"},
        "effective_until": {**_TIME, "description": "end of a block or a hold of funds"},
        "source": {**end, "description": "the sending observable of a flow"},
        "target": {**end, "description": "the receiving observable of a flow"},
        "amount": {
            **_AMOUNT,
            "description": "amount of a flow or an outcome, rounded to two digits unless both ends are wallets",
        },
        "currency": _CURRENCY,
        **_of_a_consensus(),
        "second_hand": {
            "const": True,
            "description": "made from other reports, such as a hub's listing: it adds nothing to others' reports",
        },
        "feedback": _feedback(),
        "request": request_schema(),
        "request_answer": answer_schema(),
        "referred": _referred(),
        "question": {
            "const": True,
            "description": "a question to the reporters of a listing, never published (records.md#questions)",
        },
        "answer_to": {**_QUESTION, "description": "the `question` of the feedback that the note answers"},
        "transfers": {"type": "integer", "minimum": 1, "description": "number of transfers of a flow"},
        "count": {
            "type": "integer",
            "minimum": 1,
            "description": "payments, accounts or messages of an outcome; shown from 5 on",
        },
        "victims": {
            "type": "integer",
            "minimum": 1,
            "description": "people of an outcome, each once; shown from 5 on",
        },
        "period_from": {"type": "string", "format": "date", "description": "first day (UTC) of an outcome's totals"},
        "period_to": {"type": "string", "format": "date", "description": "last day of these totals"},
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
def extension_schema_text() -> str:
    """Return the schema as one line of JSON."""
    return json.dumps(extension_schema(), ensure_ascii=False, separators=(",", ":"))


FOLDER = Path(__file__).parent / "json"
_MODELS = {"report": Report, "partner": Partner, **tabular.RECORDS}


def documents() -> dict[str, str]:
    """Return the text of each schema by its file name."""
    texts = {f"{name}.schema.json": _text(_document(model)) for name, model in _MODELS.items()}
    return {**texts, "scam-report-context.schema.json": _text(extension_schema())}


def _document(model: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model.model_json_schema(mode="validation"),
    }
    if model is Report:
        # A sender may leave these out: they follow from the kind.
        schema["required"] = [name for name in schema["required"] if name != "valid_until"]
        schema["properties"]["kind"]["enum"] = list(kinds.every())
        schema["properties"]["details"]["description"] = "; ".join(
            f"{kind.name}: {column}: {meaning}"
            for kind in kinds.every().values()
            for column, meaning in kind.columns.items()
        )
    if subject := schema.get("$defs", {}).get("Subject"):
        subject["properties"]["kind"]["anyOf"][0]["enum"] = list(kinds.every())
        schema["$defs"]["Subject"] = {"anyOf": [subject, {"type": "string", "minLength": 1}]}
    return schema


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
