"""Personal data of victims and holders: found in what a contributed object says beside its value, and refused."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import phonenumbers
from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher, PhoneNumberType

from mappers import extension
from schemas.errors import Rejected
from server.release import persons_names, persons_numbers

# Properties that say no text of anybody's: ids, times, closed vocabularies, the value itself.
_STRUCTURAL = frozenset(
    """type spec_version id created_by_ref created modified revoked confidence lang valid_from valid_until pattern
    pattern_type pattern_version indicator_types kill_chain_phases object_marking_refs granular_markings object_refs
    object_ref sighting_of_ref where_sighted_refs observed_data_refs source_ref target_ref relationship_type opinion
    context extension_type kind scam_type scam_category channel payment_rail requested_action holder_status countries
    first_seen last_seen first_observed last_observed count sha256 hashes outcome outcome_reason effective_from
    effective_until amount currency transfers detection score main_observable_type value schema definition
    definition_type tlp_2_0 identity_class sectors country region number_observed start_time stop_time
    extension_types extension_properties defanged account_login account_number account_type iban bic user_id""".split()  # noqa: SIM905
)
_OF_PERSONS = re.compile(
    r"(?:x_)?(?:\w+_)?(?:holder_name|account_holder|account_name|account_owner|card_?holder|cardholder_name"
    r"|card_number|card_no|pan|cvv2?|cvc2?|security_code|first_name|last_name|full_name|given_name|family_name|surname"
    r"|maiden_name|date_of_birth|birth_?date|birthday|dob|passport(?:_no|_number)?|national_id|citizen_id|id_card"
    r"|ssn|nric|aadhaar|victim(?:_(?:name|e?mail|phone|mobile|address|account|card|id|age))?|payee_name|beneficiary(?:_name)?|home_address|street_address)",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d(?:[\s().\-/]{0,3}\d){6}")
_LITERAL = re.compile(r"'((?:[^'\\]|\\['\\])*)'")
# Where reporters put the numbers of their cases, and what these look like.
_OF_CASES = frozenset({"reference", "external_id"})
_CASE_NUMBER = re.compile(r"[A-Za-z]{0,8}[-_./#]?\d[\d\-_./]*")
_MAILBOX = re.compile(r"(?<![\w.+@/-])([A-Za-z0-9][A-Za-z0-9._%+-]{0,63})@((?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24})\b")
_ROLES = frozenset({"abuse", "postmaster", "hostmaster", "webmaster", "noc", "security", "cert", "csirt", "soc", "git"})
_ADDRESS = re.compile(r"\S+")
_BLANKS = re.compile(r"\s{4,}")
_URL = re.compile(r"(?:https?|hxxps?|ftp)(?:\[?:\]?//)\S+", re.IGNORECASE)
# Seven digits to fifteen, as telephone numbers have (E.164).
_LIKE_A_NUMBER = re.compile(r"(?<![\d\w.])\+?\(?\d(?:[\s().\-/]{0,3}\d){6,14}(?![\d\w])")
_NOT_DIGITS = re.compile(r"\D")
_BUSINESS = {
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.UAN,
}
_FEW = 6
_NOTHING: frozenset[str] = frozenset()
_LONGEST = 20_000
_SHORT = 200
_TRIES = 500
_DEEPEST = 8

_INSTEAD = {
    "a person's e-mail address": "take it out; a scammer's own is reported as an indicator of its own (email)",
    "a person's telephone number": "take it out; a scammer's own is reported as an indicator of its own (phone)",
}
_OUT = "take it out: no personal data of victims and holders is kept, here or anywhere"


def refuse(obj: Mapping[str, Any]) -> None:
    """Raise ``Rejected`` where an object says who a victim or a holder is.

    The message names the property and what seems to stand in it, never what stands there.
    """
    match obj.get("type"):
        case "payment-card":
            raise _refusal("type", persons_numbers.CARD)
        case "identity" if obj.get("identity_class") == "individual":
            raise Rejected("personal-data", "identity_class: a person: name the organisation that somebody acts for")
    texts: list[tuple[str, str]] = []
    _gather(obj, texts, obj.get("type") == "identity")
    own: frozenset[str] = _NOTHING
    regions: tuple[str, ...] = ()
    for place, text in texts:
        if not (_may_say_once(text) if len(text) < _SHORT else _may_say(text)):
            continue
        if place == "name" and _ends_with_its_value(text, obj) and not _may_say_once(text[: text.rindex(" ")]):
            continue
        regions = regions or _regions(obj)
        if len(text) < _SHORT and _said_once(text, regions) is None:
            continue
        if place in _OF_CASES and _CASE_NUMBER.fullmatch(text):
            # By chance one of eleven is a sound national id too.
            if any(persons_numbers.found(text, cards_alone=True)):
                raise _refusal(place, persons_numbers.CARD)
            continue
        own = own or _own(obj)
        if (what := _said(text, regions, own)) is not None:
            raise _refusal(place, what)


def _refusal(place: str, what: str) -> Rejected:
    return Rejected("personal-data", f"{_named(place)}: there seems to be {what} in it: {_INSTEAD.get(what, _OUT)}")


def _gather(obj: Mapping[str, Any], texts: list[tuple[str, str]], of_organisation: bool) -> None:
    """Collect the texts of an object with the property that each is in; refuses properties that are persons'."""
    for key, value in obj.items():
        if key in _STRUCTURAL or (of_organisation and key == "contact_information"):
            continue
        if value and _is_of_persons(key):
            raise _refusal(key, "what is a person's")
        _inner(key, value, texts, 0)


def _inner(place: str, value: Any, texts: list[tuple[str, str]], depth: int) -> None:
    if isinstance(value, str):
        texts.append((place, value))
    elif depth > _DEEPEST:
        raise Rejected("personal-data", f"{_named(place)}: nested too deep to be read for personal data; write it flat")
    elif isinstance(value, dict):
        for key, each in value.items():
            if key in _STRUCTURAL:
                continue
            if not key.isidentifier() and key[:10] != "extension-":
                texts.append((place, key))
            if each and _is_of_persons(key):
                raise _refusal(key, "what is a person's")
            _inner(place if key[:10] == "extension-" else key, each, texts, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _inner(place, each, texts, depth + 1)
    elif isinstance(value, int) and not isinstance(value, bool):
        texts.append((place, str(value)))


def _named(key: str) -> str:
    """Give a property's name as a message may show it."""
    return key if re.fullmatch(r"[a-z_]{1,60}", key) else "a property"


@lru_cache(maxsize=4096)
def _is_of_persons(key: str) -> bool:
    return _OF_PERSONS.fullmatch(key) is not None


def _may_say(text: str) -> bool:
    """Tell, quickly, whether a text has anything in it that is looked for. Most have not."""
    if text.startswith("http") and _ADDRESS.fullmatch(text):
        return "@" in text or "%40" in text
    if "@" in text or "＠" in text or _DIGITS.search(text) is not None:
        return True
    folded = text.lower()
    if any(stem in folded for stem in persons_names.STEMS):
        return True
    if not text.isascii() and any(stem in folded for stem in persons_names.STEMS_BEYOND_ASCII):
        return True
    return persons_numbers.LETTERED.search(text) is not None


# A batch's labels and descriptions are mostly the same.
_may_say_once = lru_cache(maxsize=4096)(_may_say)


def _ends_with_its_value(name: str, obj: Mapping[str, Any]) -> bool:
    """Tell whether an indicator's name is some words and then its value, as ours are."""
    head, _, value = name.rpartition(" ")
    return bool(head) and len(value) >= _FEW and value in str(obj.get("pattern"))


def _own(obj: Mapping[str, Any]) -> frozenset[str]:
    """Give what an indicator's pattern names, as it stands and in lower case, and its digits: its value may be said."""
    pattern = obj.get("pattern")
    literals = [each for each in _LITERAL.findall(pattern) if len(each) >= _FEW] if isinstance(pattern, str) else []
    digits = (_NOT_DIGITS.sub("", each) for each in literals)
    return frozenset(literals) | {each.lower() for each in literals} | {each for each in digits if len(each) >= _FEW}


def _regions(obj: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the countries whose numbers are known without their code: Thailand, and those that the object concerns."""
    named = extension.found(obj).get("countries", ())
    return ("TH", *(each for each in named[:_FEW] if isinstance(each, str))) if isinstance(named, list) else ("TH",)


def _said(text: str, regions: tuple[str, ...], own: frozenset[str] = _NOTHING) -> str | None:
    """Give what a text says of a person, None where it says nothing that is seen."""
    if len(text) > _LONGEST:
        starts = range(0, len(text), _LONGEST - _SHORT)
        return next(filter(None, (_said(text[start : start + _LONGEST], regions, own) for start in starts)), None)
    plain = _BLANKS.sub("   ", unicodedata.normalize("NFKC", text))
    if not plain.isascii():
        plain = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in plain)
    if any(_is_a_persons(match, own) for match in _MAILBOX.finditer(plain)):
        return "a person's e-mail address"
    # Addresses of pages have numbers and words of all kinds.
    plain = _URL.sub(" ", plain)
    for each in own:
        plain = plain.replace(each, " ")
    if _DIGITS.search(plain) or persons_numbers.LETTERED.search(plain):
        for what, number in persons_numbers.found(plain):
            if not _is_own(number, own):
                return what
        if _LIKE_A_NUMBER.search(plain) and any(_numbers(plain, regions, own)):
            return "a person's telephone number"
    return "a person's name" if persons_names.is_said(plain) else None


# Most of what looks like something is the same in a batch, and nothing.
_said_once = lru_cache(maxsize=4096)(_said)


def _is_a_persons(match: re.Match[str], own: frozenset[str]) -> bool:
    return match[1].lower() not in _ROLES and not any(match[0].lower() in each for each in own)


def _is_own(number: str, own: frozenset[str]) -> bool:
    number = number.lower()
    return any(number in each or (len(each) >= _FEW and each in number) for each in own)


def _numbers(text: str, regions: tuple[str, ...], own: frozenset[str]) -> Iterator[str]:
    """Give the telephone numbers in a text, international ones and those of some countries, but the indicator's own."""
    found = list(PhoneNumberMatcher(text, None, leniency=Leniency.VALID, max_tries=_TRIES))
    for region in regions:
        national = PhoneNumberMatcher(text, region, leniency=Leniency.STRICT_GROUPING, max_tries=_TRIES)
        # Without it, every row of digits of that length would be a number.
        found += [each for each in national if each.raw_string.startswith("0")]
    for match in found:
        number = phonenumbers.format_number(match.number, PhoneNumberFormat.E164)
        own_number = _is_own(number[1:], own) or _is_own(str(match.number.national_number), own)
        if phonenumbers.number_type(match.number) not in _BUSINESS and not own_number:
            yield number
