"""Indicators of any maker read as reports: ours, and those that put a report's context elsewhere.

The spellings of dogesec and txt2stix (older versions too), OpenCTI, MISP and abuse.ch are read.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from mappers import extension, kinds, marking, pattern, wording
from mappers.kind import KindMapper
from mappers.pattern import Comparison, PatternBudget, Terms, Way
from schemas.errors import Rejected, rejection_of
from schemas.fields import DeclaredField
from schemas.kind import Normal
from schemas.report import FIELDS, Report
from schemas.vocabulary import Tlp

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
_NOTHING: Mapping[str, Any] = MappingProxyType({})

_WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_COUNTRY = re.compile("[A-Z]{2}")


def from_stix(
    indicator: Mapping[str, Any], reporters: Mapping[str, str] = _NOTHING, *, budget: PatternBudget | None = None
) -> Report:
    """Return the report of an indicator of any maker.

    ``reporters`` names the identities by id; a reporter that it does not name is called by its id. Raises ``Rejected``
    where the indicator does not name a single value of a known kind, where it asks for more than the value, and where
    its pattern takes more than ``budget`` has left.
    """
    terms = with_own_names(pattern.read(_pattern(indicator), budget))
    return _report(_columns(indicator, reporters, _NOTHING), *kinds.read(terms), indicator)


def all_from_stix(
    indicator: Mapping[str, Any],
    reporters: Mapping[str, str] = _NOTHING,
    markings: Mapping[str, Tlp] = _NOTHING,
) -> list[Report | Rejected]:
    """Return a report for each value of an indicator, or the reason why there is none, each reason once.

    A value is one that makes the pattern match by itself. Conditions beside a value (a port, the address of a name) are
    left out, and ``LIKE '%.example.com'`` means the domain: the reports claim more than the indicator does. Publish an
    indicator by ``from_stix`` instead. ``markings`` are the levels of other markings than TLP's own. Raises
    ``Rejected`` where there is no STIX pattern.
    """
    found: dict[tuple[str, str], Report | Rejected] = {}
    columns = None
    for way in pattern.ways(_pattern(indicator)):
        columns = columns or _columns(indicator, reporters, markings)
        try:
            report = _report(columns, *_meant(way), indicator)
        except Rejected as refusal:
            found.setdefault(("", str(refusal)), refusal)
        else:
            found.setdefault((report.kind, report.value), report)
    return list(found.values())


def _pattern(indicator: Mapping[str, Any]) -> str:
    if indicator.get("type") != "indicator" or indicator.get("pattern_type") != "stix":
        raise Rejected("not-an-indicator", "only indicators with a STIX pattern name a value: give pattern_type stix")
    spelled: str = indicator["pattern"]
    return spelled


def _meant(way: Way) -> tuple[KindMapper, Normal]:
    """Return the kind and value of a way to match: by its exact terms, else by the terms that name a value."""
    try:
        return kinds.read(pattern.terms_of_way(way))
    except Rejected:
        return kinds.read(terms_of_value(way))


def _reported(indicator: Mapping[str, Any]) -> Any:
    """Return the time of the report: that of this version, unless its validity was over by then."""
    modified, end = indicator.get("modified"), indicator.get("valid_until")
    over = isinstance(modified, str) and isinstance(end, str) and end <= modified
    return indicator.get("valid_from", modified) if over else modified


def _columns(indicator: Mapping[str, Any], reporters: Mapping[str, str], markings: Mapping[str, Tlp]) -> dict[str, Any]:
    """Return the report's fields that do not depend on its value."""
    context = indicator.get("extensions", {}).get(extension.ID, {})
    creator = indicator.get("created_by_ref", "")
    columns: dict[str, Any] = {
        **extension.report_fields(context),
        "details": context.get("details", {}),
        "reporter": reporters.get(creator, creator or "unknown"),
        "reported_at": _reported(indicator),
        "valid_until": indicator.get("valid_until"),
        "confidence": indicator.get("confidence"),
        "tlp": marking.tlp_of(indicator, markings) or Tlp.AMBER,
        "lang": indicator.get("lang", "en"),
        "sharing": extension.read_sharing(context, reporters),
    }
    if not context:
        columns |= foreign_fields(indicator)
    return columns


def _report(columns: Mapping[str, Any], mapper: KindMapper, normal: Normal, indicator: Mapping[str, Any]) -> Report:
    fields = {
        **columns,
        "kind": mapper.kind,
        "value": normal.value,
        "details": {**normal.details, **columns["details"]},
    }
    generated = wording.description(mapper.kind, fields.get("scam_type", "unknown"))
    if (description := indicator.get("description")) and description != generated:
        fields["description"] = description
    try:
        return Report.model_validate(fields)
    except ValidationError as error:
        raise rejection_of(error, "indicator-form") from None


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


def foreign_fields(indicator: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report's fields from an indicator without our extension.

    ``valid_from`` is when the value was first seen. OpenCTI's score is a confidence too. Labels of our form hold the
    context where an extension of ours got lost on the way.
    """
    fields: dict[str, Any] = {"first_seen": indicator.get("valid_from"), "confidence": _confidence(indicator)}
    words = extension.read_labels(label for label in indicator.get("labels") or () if isinstance(label, str))
    for label, name in extension.FIELD_OF_LABEL.items():
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
    scores = [indicator.get("x_opencti_score"), *(other.get("score") for other in extensions.values())]
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
