"""Other makers' STIX: their names for types and properties, and the places where they put a report's context.

The spellings of dogesec and txt2stix (older versions too), OpenCTI, MISP and abuse.ch are read.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from mappers import labels, pattern
from mappers.grammar import Comparison, Way
from mappers.pattern import Terms
from schemas.declaration import DeclaredField
from schemas.errors import Rejected
from schemas.report import FIELDS

_OPENCTI_TYPE = "x-opencti-"
_TYPES = {"hostname": "domain-name"}
_PROPERTIES = {
    ("bank-account", "iban_number"): "iban",
    ("cryptocurrency-wallet", "address"): "value",
    ("phone-number", "number"): "value",
}
_ENDPOINTS = {("network-traffic", "dst_ref.value"), ("network-traffic", "src_ref.value")}
_SENDERS = {
    ("email-message", "from_ref.value"),
    ("email-message", "sender_ref.value"),
    ("email-message", "additional_header_fields.reply_to"),
}
_CARDS = {"payment-card", "bank-card", "credit-card"}
_TOUCHED = {*_TYPES, *_CARDS, *(kind for kind, _ in _PROPERTIES), "email-message"}
_RECIPIENTS = ("to_refs", "cc_refs", "bcc_refs")
# The properties that identify an observable, where these are others than the value; the rest describes it.
_NAMING = {
    "bank-account": {"iban", "account_number", "bic"},
    "user-account": {"account_type", "user_id", "account_login"},
    "software": {"name"},
    "app": {"id"},
}
_VALUE = {"value"}

_WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_COUNTRY = re.compile("[A-Z]{2}")


def with_own_names(terms: Terms) -> Terms:
    """Return terms with our names of type and properties. Raises ``Rejected`` for a victim's data."""
    if terms.type not in _TOUCHED and not terms.type.startswith(_OPENCTI_TYPE):
        return terms
    asked = (_with_own_names(Comparison(terms.type, path, "=", text)) for path, text in terms.properties.items())
    return pattern.terms_of_way(tuple(asked))


def terms_of_value(way: Way) -> Terms:
    """Return the terms of the one observable that a way to match names, without conditions beside its value.

    ``LIKE '%.example.com'`` names the domain. Raises ``Rejected`` where no observable is named or several are, and for
    a victim's data.
    """
    named: dict[tuple[str, str], str] = {}
    if not way:
        raise pattern.not_comparable()
    for comparison in map(_with_own_names, way):
        text = _text(comparison)
        if comparison.path in _NAMING.get(comparison.type, _VALUE) and (
            named.setdefault((comparison.type, comparison.path), text) != text
        ):
            raise pattern.not_comparable("the pattern asks for two values of one thing")
    types = {kind for kind, _ in named}
    if not types:
        asked = "+".join(dict.fromkeys(f"{comparison.type}:{comparison.path}" for comparison in way))
        raise Rejected("not-a-kind", f"no kind of indicator is spelled {asked[:200]}")
    if len(types) > 1:
        raise pattern.not_comparable(f"the pattern asks for several things at once: {', '.join(sorted(types))}")
    return Terms(types.pop(), {path: text for (_, path), text in named.items()})


def report_fields(indicator: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report's fields from an indicator without our extension.

    ``valid_from`` is when the value was first seen. OpenCTI's score is a confidence too. Labels of our form hold the
    context where an extension of ours got lost on the way.
    """
    fields: dict[str, Any] = {"first_seen": indicator.get("valid_from"), "confidence": _confidence(indicator)}
    words = labels.read(label for label in indicator.get("labels") or () if isinstance(label, str))
    for label, name in labels.FIELD_OF_LABEL.items():
        if (word := words.get(label, [""])[0]) and _is_word(FIELDS[name], word):
            fields[name] = word
    if countries := [code for code in words.get("country", ()) if _COUNTRY.fullmatch(code)]:
        fields["countries"] = countries
    if "chain" in words:
        fields["details"] = {"chain": words["chain"][0]}
    return fields


def _confidence(indicator: Mapping[str, Any]) -> Any:
    if (confidence := indicator.get("confidence")) is not None:
        return confidence
    extensions = indicator.get("extensions") or {}
    scores = [indicator.get("x_opencti_score"), *(extension.get("score") for extension in extensions.values())]
    return next((score for score in scores if type(score) is int and 0 <= score <= 100), None)


def _is_word(field: DeclaredField, word: str) -> bool:
    return word in set(field.vocabulary or ()) if field.closed else _WORD.fullmatch(word) is not None


def _with_own_names(comparison: Comparison) -> Comparison:
    kind = comparison.type.removeprefix(_OPENCTI_TYPE)
    kind = _TYPES.get(kind, kind)
    if kind in _CARDS:
        message = "card numbers are not taken: they are somebody's, and every reader could pay with them"
        raise Rejected("personal-data", message)
    if kind == "email-message" and comparison.path.startswith(_RECIPIENTS):
        raise Rejected("personal-data", "recipients of mails are not taken: they are mostly victims")
    if (kind, comparison.path) in _SENDERS:
        return comparison._replace(type="email-addr", path="value")
    if (kind, comparison.path) in _ENDPOINTS:
        return comparison._replace(type=_type_of_address(comparison.text), path="value")
    return comparison._replace(type=kind, path=_PROPERTIES.get((kind, comparison.path), comparison.path))


def _type_of_address(text: str) -> str:
    try:
        return f"ipv{ip_address(text).version}-addr"
    except ValueError:
        return "domain-name"


def _text(comparison: Comparison) -> str:
    """Return the text that a property has to equal. Raises ``Rejected`` where many would match."""
    text = comparison.text
    if comparison.operator == "=":
        return text
    if comparison.operator == "LIKE":
        below = text.removeprefix("%.") if comparison.type == "domain-name" else text
        if not set("%_") & set(below):
            return below
    raise pattern.not_comparable()
