"""Properties of annotations: functions that return the published form of a value, or raise for a wrong one."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mappers import extension, ids
from schemas import kinds, timestamp
from schemas.fields import Amount, Currency, Evidence
from schemas.record import minimised_amount, shown_totals
from schemas.sharing import Sharing
from schemas.subject import ID
from schemas.text import visible
from schemas.vocabulary import OutcomeWord, SharingPurpose

FLOW = "related-to"
_TEXT, _LONG, _LINE, _WORD = 2_000, 10_000, 200, 60
_MOST_REFS, _MOST_PLACES, _MOST_EVIDENCE, _MOST_COUNTRIES = 10_000, 100, 50, 60
_MOST = 999_999_999
_TOTALS = ("count", "victims", "amount", "currency", "period_from", "period_to")
# From here on a count could be somebody's number; three digits of it are enough.
_MANY = 1_000_000
BOUNDS = f"texts have up to {_TEXT:,} characters, the content of a note {_LONG:,}, lists up to {_MOST_REFS:,} ids"

_LANG = re.compile(r"[a-z]{2,3}(-[A-Za-z]{4})?(-(?:[A-Za-z]{2}|\d{3}))?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_PURPOSES = frozenset(SharingPurpose)
_OPEN_WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_COUNTRY = re.compile(r"[A-Z]{2}")
_LINE_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_AMOUNT: TypeAdapter[Decimal] = TypeAdapter(Amount)
_CURRENCY: TypeAdapter[str] = TypeAdapter(Currency)


def same(value: Any) -> str:
    """Return the type, which was checked before."""
    return str(value)


def related(value: Any) -> str:
    """Return the one relationship type of flows."""
    if value != FLOW:
        raise ValueError("no flow")
    return FLOW


def spec_version(value: Any) -> str:
    """Return the version of STIX."""
    if value not in ("2.0", "2.1"):
        raise ValueError("no version of STIX")
    return str(value)


def ref(value: Any) -> str:
    """Return an id."""
    if not (isinstance(value, str) and ID.fullmatch(value)):
        raise ValueError("no id")
    return value


def refs(value: Any) -> list[str]:
    """Return a list of ids. Raises ``ValueError`` for other entries, and for more than a case may have."""
    if not (isinstance(value, list) and 0 < len(value) <= _MOST_REFS):
        raise ValueError("no list of ids, or too long a one")
    return [ref(entry) for entry in value]


def places(value: Any) -> list[str]:
    """Return a list of ids of identities and locations."""
    found = refs(value)
    if len(found) > _MOST_PLACES or not all(place.startswith(("identity--", "location--")) for place in found):
        raise ValueError("no list of identities and locations")
    return found


def moment(value: Any) -> str:
    """Return a time as STIX writes it, to the microsecond at most, as versions may differ in that."""
    if not isinstance(value, str):
        raise TypeError("no time")
    read = timestamp.text(timestamp.parse(value))
    return value if _MOMENT.fullmatch(value) else read


def flag(value: Any) -> bool:
    """Return a boolean."""
    if not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return value


def percentage(value: Any) -> int:
    """Return a number from 0 to 100."""
    return _within(value, 100)


def count(value: Any) -> int:
    """Return a count, from a million on rounded to three digits: more digits could be somebody's number."""
    number = _within(value, _MOST)
    return number if number < _MANY else number - number % 10 ** (len(str(number)) - 3)


def lang(value: Any) -> str:
    """Return the tag of a language, as ``th`` or ``zh-Hant-TW``."""
    if not (isinstance(value, str) and is_lang(value)):
        raise ValueError("no language")
    return value


def is_lang(tag: str) -> bool:
    """Return whether a tag names a language, with its script and country at most."""
    return _LANG.fullmatch(tag) is not None


def text(value: Any) -> str:
    """Return a text without invisible characters."""
    return _written(value, _TEXT, _CONTROLS)


def long_text(value: Any) -> str:
    """Return the text of a note."""
    return _written(value, _LONG, _CONTROLS)


def line(value: Any) -> str:
    """Return a text of one line."""
    return _written(value, _LINE, _LINE_BREAKS)


def word(value: Any) -> str:
    """Return a word of an open vocabulary."""
    if not (isinstance(value, str) and len(value) <= _WORD and _OPEN_WORD.fullmatch(value)):
        raise ValueError("no word")
    return value


def one_of(vocabulary: type[StrEnum]) -> Callable[[Any], str]:
    """Return the function that accepts the words of a closed vocabulary."""
    known = frozenset(vocabulary)

    def take(value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise ValueError("no word of the vocabulary")
        return str(value)

    return take


def outcome(value: Any) -> str:
    """Return the word of an outcome; the word that it had in versions before is written as it is now."""
    if not isinstance(value, str):
        raise TypeError("no word")
    return str(OutcomeWord(value))


def day(value: Any) -> str:
    """Return a day."""
    if not (isinstance(value, str) and _DAY.fullmatch(value)):
        raise ValueError("no day")
    return date.fromisoformat(value).isoformat()


def countries(value: Any) -> list[str]:
    """Return a list of country codes."""
    if not (isinstance(value, list) and len(value) <= _MOST_COUNTRIES):
        raise ValueError("no list of countries")
    if not all(isinstance(code, str) and _COUNTRY.fullmatch(code) for code in value):
        raise ValueError("no code of a country")
    return list(value)


def evidence(value: Any) -> list[dict[str, Any]]:
    """Return a list of evidence: hashes, each with the reference by which its holder finds it."""
    if not (isinstance(value, list) and len(value) <= _MOST_EVIDENCE):
        raise ValueError("no list of evidence")
    try:
        proofs = [Evidence.model_validate(entry) for entry in value]
    except ValidationError:
        raise ValueError("no evidence") from None
    if any(proof.sha256.isdecimal() for proof in proofs):
        raise ValueError("no hash: those have letters")
    return [proof.model_dump(exclude_none=True) for proof in proofs]


def end(value: Any) -> dict[str, Any]:
    """Return an end of a flow: its kind, and those of its details that are words."""
    if not (isinstance(value, Mapping) and isinstance(value.get("kind"), str)):
        raise TypeError("no end of a flow")
    details = value.get("details", {})
    known = kinds.get(value["kind"])
    if not isinstance(details, Mapping):
        raise TypeError("no details")
    words = {name: word(detail) for name, detail in details.items() if name in known.columns}
    return {"kind": known.name, **({"details": words} if words else {})}


def amount(value: Any) -> str:
    """Return an amount of money."""
    return str(_validated(_AMOUNT, value))


def currency(value: Any) -> str:
    """Return the code of a currency or coin."""
    return str(_validated(_CURRENCY, value))


def minimise(context: dict[str, Any]) -> None:
    """Round the amount of a flow, unless both ends are wallets."""
    if "amount" in context:
        ends = {context[name]["kind"] for name in ("source", "target") if name in context}
        context["amount"] = format(minimised_amount(Decimal(context["amount"]), ends), "f")


def leave_out_small_cells(context: dict[str, Any]) -> bool:
    """Remove an outcome's totals where few people or cases are behind them; return whether there were any."""
    totals = {name: context.pop(name) for name in _TOTALS if name in context}
    if "amount" not in totals or "currency" not in totals:
        totals.pop("amount", None)
        totals.pop("currency", None)
    shown = shown_totals(totals)
    context.update(shown)
    return bool(totals) and not shown


def sharing(value: Any) -> dict[str, Any]:
    """Return sharing limits in closed words, with partners by id.

    Where a limit would lose all its words that way, the object may not be passed on at all.
    """
    if not isinstance(value, Mapping):
        raise TypeError("no limits")
    read = Sharing.model_validate(value)
    limits = extension.write_sharing(read)
    for name in ("only_partners", "not_to_partners"):
        if name in limits:
            limits[name] = sorted(
                {partner if ID.fullmatch(partner) else ids.identity(partner) for partner in limits[name]}
            )
    if "purposes" in limits:
        known = [word for word in limits.pop("purposes") if word in _PURPOSES]
        limits |= {"purposes": known} if known else {"onward": False}
    return limits


def _within(value: Any, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError("no such number")
    return value


def _written(value: Any, longest: int, forbidden: re.Pattern[str]) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    seen = visible(value)
    if not 0 < len(seen) <= longest or forbidden.search(seen):
        raise ValueError("no text, too long a one, or one with characters that no text has")
    return seen


def _validated(form: TypeAdapter[Any], value: Any) -> Any:
    try:
        return form.validate_python(value)
    except ValidationError:
        raise ValueError("not of its form") from None
