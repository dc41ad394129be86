"""Personal data of victims and holders: found in what a contributed object says beside its value, and refused."""

import re
from collections.abc import Iterator, Mapping, Set
from functools import lru_cache
from typing import Any

from mappers import extension
from schemas.errors import Rejected
from schemas.report import FIELDS, Report
from server.release.guard.personal_data import free_text, numbers
from server.release.guard.personal_data.free_text import may_say, said_of_persons
from server.release.reasons import Reason

# Properties of the object itself that the guard and the rules have looked at, and that nobody publishes as they came.
_LOOKED_AT = frozenset(
    """type spec_version id created_by_ref created modified revoked valid_from valid_until pattern pattern_type
    pattern_version object_marking_refs indicator_types kill_chain_phases confidence""".split()  # noqa: SIM905
)
# Names of properties that we write ourselves: those of reports, and others.
_OURS = frozenset(property_ for field in FIELDS.values() if (property_ := field.extension_property)) | frozenset(
    """extension_type scam_category sha256 labels name description lang extensions detection score main_observable_type
    chain outcome outcome_reason amount currency until effective_from effective_until""".split()  # noqa: SIM905
)
# What says in an observable which one it is.
_NAMING = frozenset({"value", "iban", "account_number", "bic", "user_id", "account_login", "account_type"})
_OF_OBSERVABLES = _LOOKED_AT | _NAMING
_OF_ORGANISATIONS = _LOOKED_AT | {"contact_information"}
_NAMING_A_VALUE = frozenset({"indicator", "language-content"})
_OF_PERSONS = re.compile(
    r"(?:x_)?(?:\w+_)?(?:holder_name|account_holder|account_name|account_owner|card_?holder|cardholder_name"
    r"|card_number|card_no|pan|cvv2?|cvc2?|security_code|first_name|last_name|full_name|given_name|family_name|surname"
    r"|maiden_name|date_of_birth|birth_?date|birthday|dob|passport(?:_no|_number)?|national_id|citizen_id|id_card"
    r"|ssn|nric|aadhaar|victim(?:_(?:name|e?mail|phone|mobile|address|account|card|id|age))?|payee_name|beneficiary(?:_name)?|home_address|street_address)",
    re.IGNORECASE,
)
_LITERAL = re.compile(r"'((?:[^'\\]|\\['\\])*)'")
# Where reporters put the numbers of their cases, and what these look like.
_OF_CASES = frozenset({"external_id", *(name for name, field in FIELDS.items() if field.declaration.case_number)})
_CASE_NUMBER = re.compile(r"[A-Za-z]{0,8}[-_./#]?\d[\d\-_./]*")
_BEGINS = frozenset("0123456789+(")
_DIGITS_ALONE = re.compile(r"[+(]?\d[\d .\-()_]{0,20}")
_NOT_DIGITS = re.compile(r"\D")
_NAME = re.compile(r"[a-z_]{1,60}")
_FEW = 6
_SHORT = 200
_DEEPEST = 8
_LARGE = 1_000_000
_NOTHING: frozenset[str] = frozenset()

# The kind as which a scammer's own value of this sort is reported.
_KINDS = {free_text.MAILBOX: "email", free_text.TELEPHONE: "phone", numbers.IBAN: "bank-account"}

_Texts = list[tuple[str, str]]


def refuse_personal_data(obj: Mapping[str, Any], report: Report | None = None) -> None:
    """Raise ``Rejected`` where an object says who a victim or a holder is.

    The value of the ``report`` that it makes may be said in it; where none is given, what its pattern names. The
    message names the property and what seems to stand in it, never what stands there.
    """
    match obj.get("type"):
        case "payment-card":
            raise _refusal("type", numbers.CARD)
        case "identity" if obj.get("identity_class") == "individual":
            raise Reason.PERSON.rejected()
    texts: _Texts = []
    _gather(obj, texts)
    own: frozenset[str] | None = None
    regions: tuple[str, ...] = ()
    for place, text in texts:
        if place == "name" and not may_say(text[: text.rindex(" ")] if _ends_with_its_value(text, obj) else text):
            continue
        regions = regions or _regions(obj)
        if len(text) < _SHORT and said_of_persons(text, regions) is None:
            continue
        if place in _OF_CASES and _CASE_NUMBER.fullmatch(text):
            # By chance one of eleven is a sound national id too.
            if any(numbers.found(text, cards_alone=True)):
                raise _refusal(place, numbers.CARD)
            continue
        own = _own(obj, report) if own is None else own
        if (what := said_of_persons(text, regions, own)) is not None:
            raise _refusal(place, what)


def could_be_personal_number(reference: str) -> bool:
    """Tell whether the number of a case is one that a person has too: kept as it is, but nothing for others to read."""
    return may_say(reference) and said_of_persons(reference, ("TH",)) is not None


def _refusal(place: str, what: str) -> Rejected:
    if (kind := _KINDS.get(what)) is not None:
        return Reason.PERSONAL_DATA_OR_SCAMMERS.rejected(name=_shown_name(place), what=what, kind=kind)
    return Reason.PERSONAL_DATA.rejected(name=_shown_name(place), what=what)


def _gather(obj: Mapping[str, Any], texts: _Texts) -> None:
    """Collect the texts of an object that may say something, with the property that each is in.

    Refuses properties that are persons'.
    """
    skipped = _LOOKED_AT
    if "created" not in obj:
        skipped = _OF_OBSERVABLES
    elif obj.get("type") == "identity":
        skipped = _OF_ORGANISATIONS
    _members(obj, "", texts, 0, skipped)


def _members(said: Mapping[str, Any], place: str, texts: _Texts, depth: int, skipped: Set[str] = _NOTHING) -> None:
    digits = []
    for key, value in said.items():
        if key in skipped:
            continue
        if key not in _OURS:
            if value and _is_of_persons(key):
                raise _refusal(key, "what is a person's")
            if may_say(key):
                texts.append(("", key))
        if type(value) is not str:
            if value is not True and value is not False:
                _inner(place if key[:10] == "extension-" else key, value, texts, depth)
            continue
        if key == "name" or may_say(value):
            texts.append((key, value))
        if value[:1] in _BEGINS and key not in _OURS:
            digits.append(value)
    if len(digits) > 1:
        _together(place, digits, texts)


def _inner(place: str, value: Any, texts: _Texts, depth: int) -> None:
    if depth > _DEEPEST:
        raise Reason.NESTED_TOO_DEEP.rejected(name=_shown_name(place))
    if isinstance(value, dict):
        _members(value, place, texts, depth + 1)
    elif isinstance(value, list):
        digits = []
        for each in value:
            if type(each) is not str:
                _inner(place, each, texts, depth + 1)
                continue
            if may_say(each):
                texts.append((place, each))
            if each[:1] in _BEGINS:
                digits.append(each)
        if len(digits) > 1:
            _together(place, digits, texts)
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= _LARGE:
        texts.append((place, _written(value)))


def _together(place: str, values: list[str], texts: _Texts) -> None:
    """Collect what the digits of several texts say when they are read one after the other."""
    digits = [_NOT_DIGITS.sub("", each) for each in values if len(each) < _SHORT and _DIGITS_ALONE.fullmatch(each)]
    if len(digits) > 1:
        texts.append((place, "".join(digits)[:_SHORT]))


def _written(number: float) -> str:
    return str(int(number) if isinstance(number, float) and number.is_integer() else number)


def _shown_name(key: str) -> str:
    """Give a property's name as a message may show it."""
    return key if _NAME.fullmatch(key) else "a property"


@lru_cache(maxsize=4096)
def _is_of_persons(key: str) -> bool:
    return _OF_PERSONS.fullmatch(key) is not None


def _ends_with_its_value(name: str, obj: Mapping[str, Any]) -> bool:
    """Tell whether an indicator's name is some words and then its value, as ours are."""
    head, _, value = name.rpartition(" ")
    return bool(head) and len(value) >= _FEW and value in str(obj.get("pattern"))


def _own(obj: Mapping[str, Any], report: Report | None) -> frozenset[str]:
    """Give the value that an indicator may say, as it stands, in lower case, and its digits."""
    literals = [each for each in _values(obj, report) if len(each) >= _FEW]
    digits = (_NOT_DIGITS.sub("", each) for each in literals)
    return frozenset(literals) | {each.lower() for each in literals} | {each for each in digits if len(each) >= _FEW}


def _values(obj: Mapping[str, Any], report: Report | None) -> Iterator[str]:
    pattern = obj.get("pattern") if obj.get("type") in _NAMING_A_VALUE else None
    named = _LITERAL.findall(pattern) if isinstance(pattern, str) else []
    if report is None:
        yield from named
        return
    # A pattern may ask for more than the value; what else it names is nobody's to say.
    yield report.value
    yield from (each for each in named if each in report.value or report.value in each)


def _regions(obj: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the countries whose numbers are known without their code: Thailand, and those that the object concerns."""
    named = extension.context_of(obj).get("countries", ())
    return ("TH", *(each for each in named[:_FEW] if isinstance(each, str))) if isinstance(named, list) else ("TH",)
