"""Refuse contributed objects that contain personal data of victims or account holders."""

import re
from collections.abc import Iterator, Mapping, Set
from functools import lru_cache
from typing import Any

from mappers import extension
from schemas.errors import Rejected
from schemas.report import FIELDS, Report
from server.release.guard.personal_data import documents, free_text, neighbours, numbers
from server.release.guard.personal_data.free_text import find_personal_data, may_contain_personal_data
from server.release.reasons import Reason

# Common properties of STIX: the guard and the rules check them, and they are never published as received.
_COMMON_PROPERTIES = frozenset(
    """type spec_version id created_by_ref created modified revoked valid_from valid_until pattern pattern_type
    pattern_version object_marking_refs indicator_types kill_chain_phases confidence""".split()  # noqa: SIM905
)
# Names of properties that Scamfeed's own objects have: those of reports, and others.
_OWN_PROPERTIES = frozenset(
    property_ for field in FIELDS.values() if (property_ := field.extension_property)
) | frozenset(
    """extension_type scam_category sha256 labels name description lang extensions detection score main_observable_type
    chain outcome outcome_reason amount currency until effective_from effective_until count victims period_from
    period_to""".split()  # noqa: SIM905
)
# Scamfeed's own properties that are no free text.
_NOT_BESIDE = _OWN_PROPERTIES - {"name", "description", "labels"}
# Properties that identify an observable.
_IDENTIFYING = frozenset({"value", "iban", "account_number", "bic", "user_id", "account_login", "account_type"})
_SKIPPED_IN_OBSERVABLES = _COMMON_PROPERTIES | _IDENTIFYING
_SKIPPED_IN_IDENTITIES = _COMMON_PROPERTIES | {"contact_information"}
_TYPES_WITH_A_VALUE = frozenset({"indicator", "language-content"})
_PERSONAL_PROPERTY = re.compile(
    r"(?:x_)?(?:\w+_)?(?:holder_name|account_holder|account_name|account_owner|card_?holder|cardholder_name"
    r"|card_number|card_no|pan|cvv2?|cvc2?|security_code|first_name|last_name|full_name|given_name|family_name|surname"
    r"|maiden_name|date_of_birth|birth_?date|birthday|dob|passport(?:_no|_number)?|national_id|citizen_id|id_card"
    r"|ssn|nric|aadhaar|victim(?:_(?:name|e?mail|phone|mobile|address|account|card|id|age))?|payee_name|beneficiary(?:_name)?|home_address|street_address)",
    re.IGNORECASE,
)
_LITERAL = re.compile(r"'((?:[^'\\]|\\['\\])*)'")
# Properties for the reporters' case numbers, and the form of these.
_CASE_PROPERTIES = frozenset(
    {"external_id", *(field.extension_property for field in FIELDS.values() if field.declaration.case_number)}
)
_CASE_NUMBER = re.compile(r"[A-Za-z]{0,8}[-_./#]?\d[\d\-_./]*")
_AMOUNT = re.compile(r"\d{1,16}(\.\d{1,18})?")
_NUMBER_STARTS = frozenset("0123456789+(")
_DIGITS_ONLY = re.compile(r"[+(]?\d[\d .\-()_]{0,20}")
_NOT_DIGITS = re.compile(r"\D")
_PROPERTY_NAME = re.compile(r"[a-z_]{1,60}")
_MIN_LENGTH = 6
_MAX_REGIONS = 6
_SHORT_TEXT = 200
_MAX_DEPTH = 8
_LARGE_NUMBER = 1_000_000
_NOTHING: frozenset[str] = frozenset()

# The kind for reporting a scammer's own value of this sort.
_KINDS = {free_text.MAILBOX: "email", free_text.TELEPHONE: "phone", numbers.IBAN: "bank-account"}

_Texts = list[tuple[str, str]]  # property name and text


def refuse_personal_data(obj: Mapping[str, Any], report: Report | None = None) -> None:
    """Raise ``Rejected`` if an object contains personal data of a victim or of an account holder.

    An indicator may repeat its own value: that of its ``report``, or without a report the values in its pattern. The
    message names the property and the sort of data, and never repeats the data.
    """
    match obj.get("type"):
        case "payment-card":
            raise _refusal("type", numbers.CARD)
        case "identity" if obj.get("identity_class") == "individual":
            raise Reason.PERSON.rejected()
    own: frozenset[str] | None = None
    regions: tuple[str, ...] = ()
    for name, text in _collect(obj):
        if name == "name" and not may_contain_personal_data(_without_value(text, obj)):
            continue
        regions = regions or _regions(obj)
        if len(text) < _SHORT_TEXT and find_personal_data(text, regions) is None:
            continue
        if _is_case_number_or_amount(name, text):
            # One in eleven case numbers and large amounts has the check digit of a national id by chance: refuse only
            # cards.
            if any(numbers.find_numbers(text, cards_only=True)):
                raise _refusal(name, numbers.CARD)
            continue
        own = _own_spellings(obj, report) if own is None else own
        if (what := find_personal_data(text, regions, own)) is not None:
            raise _refusal(name, what)


def _is_case_number_or_amount(name: str, text: str) -> bool:
    form = _AMOUNT if name == "amount" else _CASE_NUMBER if name in _CASE_PROPERTIES else None
    return form is not None and form.fullmatch(text) is not None


def could_be_personal_number(reference: str) -> bool:
    """Return whether a case number could also be a person's number: then it is stored, and not published."""
    return may_contain_personal_data(reference) and find_personal_data(reference, ("TH",)) is not None


def _refusal(name: str, what: str) -> Rejected:
    if (kind := _KINDS.get(what)) is not None:
        return Reason.PERSONAL_DATA_OR_SCAMMERS.rejected(name=_shown_name(name), what=what, kind=kind)
    return Reason.PERSONAL_DATA.rejected(name=_shown_name(name), what=what)


def _collect(obj: Mapping[str, Any]) -> _Texts:
    """Return the texts of an object that need to be searched. Raises ``Rejected`` if a property's name means personal
    data.
    """
    texts: _Texts = []
    skipped = _COMMON_PROPERTIES
    if "created" not in obj:
        skipped = _SKIPPED_IN_OBSERVABLES
    elif obj.get("type") == "identity":
        skipped = _SKIPPED_IN_IDENTITIES
    _collect_members(obj, "", texts, 0, skipped)
    for _, text in texts:
        if documents.may_be_number(text):
            return [*texts, *neighbours.pairs(obj, _NOT_BESIDE, skipped)]
    return texts


def _collect_members(
    members: Mapping[str, Any], parent: str, texts: _Texts, depth: int, skipped: Set[str] = _NOTHING
) -> None:
    digits = []
    for key, value in members.items():
        if key in skipped:
            continue
        is_foreign = key not in _OWN_PROPERTIES
        if is_foreign:
            _collect_key(key, value, texts)
        if type(value) is str:
            if key == "name" or may_contain_personal_data(value):
                texts.append((key, value))
            if is_foreign and value[:1] in _NUMBER_STARTS:
                digits.append(value)
        elif value is not True and value is not False:
            _collect_value(parent if key[:10] == "extension-" else key, value, texts, depth)
    if len(digits) > 1:
        _collect_joined(parent, digits, texts)


def _collect_key(key: str, value: Any, texts: _Texts) -> None:
    if value and _is_personal_property(key):
        raise _refusal(key, "personal data")
    if may_contain_personal_data(key):
        texts.append(("", key))
    if isinstance(value, str | int) and _names_document(key):
        texts.append((key, f"{_spaced(key)}: {value}"))


def _collect_value(name: str, value: Any, texts: _Texts, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise Reason.NESTED_TOO_DEEP.rejected(name=_shown_name(name))
    if isinstance(value, dict):
        _collect_members(value, name, texts, depth + 1)
    elif isinstance(value, list):
        _collect_list(name, value, texts, depth)
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= _LARGE_NUMBER:
        texts.append((name, str(int(value) if isinstance(value, float) and value.is_integer() else value)))


def _collect_list(name: str, items: list[Any], texts: _Texts, depth: int) -> None:
    digits = []
    for item in items:
        if type(item) is not str:
            _collect_value(name, item, texts, depth + 1)
            continue
        if may_contain_personal_data(item):
            texts.append((name, item))
        if item[:1] in _NUMBER_STARTS:
            digits.append(item)
    if len(digits) > 1:
        _collect_joined(name, digits, texts)


def _collect_joined(name: str, texts_of_digits: list[str], texts: _Texts) -> None:
    """Collect the digits of several texts joined, as a reader would join the parts of one number."""
    digits = [
        _NOT_DIGITS.sub("", text)
        for text in texts_of_digits
        if len(text) < _SHORT_TEXT and _DIGITS_ONLY.fullmatch(text)
    ]
    if len(digits) > 1:
        texts.append((name, "".join(digits)[:_SHORT_TEXT]))


def _shown_name(key: str) -> str:
    """Return a property's name for a message; omit a name that could itself be personal data."""
    return key if _PROPERTY_NAME.fullmatch(key) else "a property"


@lru_cache(maxsize=4096)
def _is_personal_property(key: str) -> bool:
    return _PERSONAL_PROPERTY.fullmatch(key) is not None


@lru_cache(maxsize=4096)
def _names_document(key: str) -> bool:
    return documents.names_document(_spaced(key))


def _spaced(key: str) -> str:
    return key.removeprefix("x_").replace("_", " ")


def _without_value(name: str, obj: Mapping[str, Any]) -> str:
    """Return an indicator's name without the value at its end ("Phishing page https://…"), if it has one."""
    words, _, value = name.rpartition(" ")
    has_value = bool(words) and len(value) >= _MIN_LENGTH and value in str(obj.get("pattern"))
    return words if has_value else name


def _own_spellings(obj: Mapping[str, Any], report: Report | None) -> frozenset[str]:
    """Return the values that an indicator may repeat: unchanged, in lower case, and only their digits."""
    values = [value for value in _own_values(obj, report) if len(value) >= _MIN_LENGTH]
    digits = (_NOT_DIGITS.sub("", value) for value in values)
    return (
        frozenset(values)
        | {value.lower() for value in values}
        | {number for number in digits if len(number) >= _MIN_LENGTH}
    )


def _own_values(obj: Mapping[str, Any], report: Report | None) -> Iterator[str]:
    pattern = obj.get("pattern") if obj.get("type") in _TYPES_WITH_A_VALUE else None
    literals = _LITERAL.findall(pattern) if isinstance(pattern, str) else []
    if report is None:
        yield from literals
        return
    # A pattern may have literals other than the value; these may not be repeated.
    yield report.value
    yield from (literal for literal in literals if literal in report.value or report.value in literal)


def _regions(obj: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the countries whose numbers are found without a country code: Thailand, and the object's countries."""
    countries = extension.context_of(obj).get("countries", ())
    if not isinstance(countries, list):
        return ("TH",)
    return ("TH", *(country for country in countries[:_MAX_REGIONS] if isinstance(country, str)))
