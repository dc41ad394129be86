"""Objects that a hub publishes again: annotations rebuilt from known properties, revoked objects as tombstones."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from mappers import extension, ids, marking
from schemas import kinds, timestamp
from schemas.errors import Rejected
from schemas.fields import Amount, Currency, Evidence, Sharing
from schemas.records import ID, SMALLEST_CELL, minimised_amount, shown_totals
from schemas.text import visible
from schemas.vocabulary import (
    CaseContext,
    OpinionWord,
    OutcomeWord,
    QualificationCode,
    SharingPurpose,
    Tlp,
    scam_category,
)

FLOW = "related-to"
_TEXT, _LONG_TEXT, _LINE, _WORD = 2_000, 10_000, 200, 60
_MOST_REFS, _MOST_PLACES, _MOST_EVIDENCE, _MOST_COUNTRIES = 10_000, 100, 50, 60
_MOST = 999_999_999
_TOTALS = ("count", "victims", "amount", "currency", "period_from", "period_to")
# From here on a count could be somebody's number; three digits of it are enough.
_MANY = 1_000_000
BOUNDS = f"texts have up to {_TEXT:,} characters, the content of a note {_LONG_TEXT:,}, lists up to {_MOST_REFS:,} ids"

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
    return _written(value, _LONG_TEXT, _CONTROLS)


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


_Take = Callable[[Any], Any]
_ALL: Mapping[str, _Take] = MappingProxyType(
    {
        "type": same,
        "spec_version": spec_version,
        "id": ref,
        "created_by_ref": ref,
        "created": moment,
        "modified": moment,
        "revoked": flag,
        "lang": lang,
        "confidence": percentage,
    }
)
_OF_TYPE: Mapping[str, Mapping[str, _Take]] = MappingProxyType(
    {
        "sighting": {
            "description": text,
            "first_seen": moment,
            "last_seen": moment,
            "count": count,
            "sighting_of_ref": ref,
            "where_sighted_refs": places,
            "summary": flag,
        },
        "opinion": {"explanation": text, "opinion": one_of(OpinionWord), "object_refs": refs},
        "note": {"abstract": text, "content": long_text, "object_refs": refs},
        "grouping": {
            "name": line,
            "description": text,
            "context": one_of(CaseContext),
            "object_refs": refs,
        },
        "relationship": {
            "relationship_type": related,
            "description": text,
            "source_ref": ref,
            "target_ref": ref,
            "start_time": moment,
            "stop_time": moment,
        },
    }
)
_IN_CONTEXT: Mapping[str, Mapping[str, _Take]] = MappingProxyType(
    {
        "sighting": {},
        "opinion": {
            "outcome": outcome,
            "outcome_reason": word,
            "qualification": one_of(QualificationCode),
            "effective_from": moment,
            "effective_until": moment,
            "count": count,
            "victims": count,
            "amount": amount,
            "currency": currency,
            "period_from": day,
            "period_to": day,
        },
        "note": {},
        "grouping": {
            "scam_type": word,
            "countries": countries,
            "first_seen": moment,
            "last_seen": moment,
            "evidence": evidence,
        },
        "relationship": {
            "source": end,
            "target": end,
            "amount": amount,
            "currency": currency,
            "transfers": count,
            "first_seen": moment,
            "last_seen": moment,
        },
    }
)
_IN_EVERY_CONTEXT: Mapping[str, _Take] = MappingProxyType({"reference": line, "sharing": sharing})
# Without these an object has no content.
_REQUIRED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sighting": ("sighting_of_ref",),
        "opinion": ("opinion", "object_refs"),
        "note": ("content", "object_refs"),
        "grouping": ("object_refs",),
        "relationship": ("relationship_type", "source_ref", "target_ref"),
    }
)
# The hub writes these itself, from the other properties.
_REWRITTEN = frozenset({"labels", "extensions", "object_marking_refs", "granular_markings"})
_REWRITTEN_IN_CONTEXT = frozenset({"extension_type", "scam_category"})
_PLAIN_NAME = re.compile(r"[a-z0-9_]{1,40}")
_MOST_NAMES = 10
SMALL_CELLS = (
    f"its totals count, but are not shown to others: they cover fewer than {SMALLEST_CELL}, or an unknown number"
)


class Rebuilt(NamedTuple):
    """A published annotation, and the names of the properties that are left out.

    ``small_cells``: totals are left out because they cover few people or cases.
    """

    obj: dict[str, Any]
    left_out: tuple[str, ...] = ()
    small_cells: bool = False

    @property
    def message(self) -> str | None:
        """Return the message to the author about properties that are left out, None if all are published."""
        messages = [f"published without unknown properties: {names_for_message(self.left_out)}"] * bool(self.left_out)
        return "; ".join([*messages, *([SMALL_CELLS] if self.small_cells else [])]) or None


def rebuild(obj: Mapping[str, Any], tlp: Tlp, withheld: Callable[[str], bool] = lambda _: False) -> Rebuilt:
    """Return an annotation as the hub publishes it at ``tlp``: known properties, of known types and lengths.

    References for which ``withheld`` returns true are left out, of the object and of its evidence. Raises ``Rejected``
    for objects of other types, and for one that lacks a required property.
    """
    known = _OF_TYPE.get(obj["type"])
    if known is None:
        raise Rejected("not-an-annotation", "only sightings, opinions, notes, groupings and flows are annotations")
    made: dict[str, Any] = {}
    missed = _take(obj, {**_ALL, **known}, made, _REWRITTEN)
    wrong = [name for name in _REQUIRED[obj["type"]] if name not in made]
    if wrong:
        raise Rejected("not-publishable", f"{wrong[0]}: cannot be published in this form: {BOUNDS}")
    if obj["type"] == "grouping":
        made.setdefault("context", CaseContext.UNSPECIFIED.value)
    context, missed_in_context = _published_context(obj, withheld)
    small_cells = obj["type"] == "opinion" and leave_out_small_cells(context)
    missed += [f"extensions.{name}" for name in missed_in_context]
    shown = _labels_of_type(obj["type"], context)
    if shown is not None:
        made["labels"] = shown
    if any(not _is_published(label, shown or ()) for label in _listed(obj.get("labels"))):
        missed.append("labels")
    if _has_other_extensions(obj.get("extensions")):
        missed.append("extensions of others")
    made["object_marking_refs"] = [marking.ref(tlp)]
    if context:
        made["extensions"] = {extension.ID: extension.build(**context)}
    return Rebuilt(made, tuple(missed), small_cells)


def names_for_message(names: tuple[str, ...]) -> str:
    """Return the names of properties for a message to their author, as far as the names are harmless."""
    plain = [name for name in names if all(_PLAIN_NAME.fullmatch(part) for part in re.split(r"[. ]", name))]
    shown = plain[:_MOST_NAMES]
    more = len(names) - len(shown)
    return ", ".join([*shown, *([f"{more} more" if shown else f"{more} of other names"] if more else [])])


def _take(
    properties: Mapping[str, Any], known: Mapping[str, _Take], made: dict[str, Any], rewritten: frozenset[str]
) -> list[str]:
    """Add the known and well-formed properties of ``properties`` to ``made``; return the names of the others."""
    missed = []
    for name, value in properties.items():
        if name in rewritten:
            continue
        take = known.get(name)
        try:
            if take is None:
                raise ValueError(name)
            made[name] = take(value)
        except (Rejected, ValueError, TypeError):
            missed.append(name)
    return missed


def _published_context(obj: Mapping[str, Any], withheld: Callable[[str], bool]) -> tuple[dict[str, Any], list[str]]:
    """Return the published properties of our extension, and the names of those that are left out."""
    known = {**_IN_EVERY_CONTEXT, **_IN_CONTEXT[obj["type"]]}
    context: dict[str, Any] = {}
    missed = _take(extension.context_of(obj), known, context, _REWRITTEN_IN_CONTEXT)
    missed += _withhold(context, withheld)
    if "scam_type" in context:
        context["scam_category"] = scam_category(context["scam_type"])
    minimise(context)
    return context, missed


def _withhold(context: dict[str, Any], withheld: Callable[[str], bool]) -> list[str]:
    """Remove the references that others may not read; return their places."""
    missed = []
    if withheld(context.get("reference", "")):
        del context["reference"]
        missed.append("reference")
    for proof in context.get("evidence", ()):
        if withheld(proof.get("reference", "")):
            del proof["reference"]
            missed.append("evidence.reference")
    return missed


def _labels_of_type(type_: str, context: Mapping[str, Any]) -> list[str] | None:
    match type_:
        case "opinion":
            names = {"outcome": "outcome", "reason": "outcome_reason", "qualification": "qualification"}
            return extension.labels_of({label: context.get(name) for label, name in names.items()})
        case "grouping":
            return extension.labels_of({"type": context.get("scam_type")}, context.get("countries", ()))
        case "relationship":
            return extension.labels_of({"flow": "transfer"})
    return None


def _is_published(label: Any, shown: list[str] | tuple[str, ...]) -> bool:
    """Return whether a label is published, or was read as a marking."""
    return isinstance(label, str) and (
        label in shown or label == extension.LABEL_PREFIX or marking.tlp_named(label) is not None
    )


def _has_other_extensions(extensions: Any) -> bool:
    return isinstance(extensions, Mapping) and any(name != extension.ID for name in extensions)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


# A pattern that nothing matches: the digest of no file.
_NOTHING = f"[file:hashes.'SHA-256' = '{'0' * 64}']"
_KEPT = ("type", "spec_version", "id", "created_by_ref", "created", "modified", "revoked", "object_marking_refs")
_ERASED = "Erased"
# All other types identify their subject by ids that can be computed from the value, so that these are removed.
TOMBSTONE_TYPES = frozenset(("indicator", "sighting", "opinion", "note", "grouping", "language-content"))


def tombstone(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Return a revoked object with only the properties that its type requires, none of which contains a value.

    ``obj`` is the last version of an object that the hub published; its version stays the same.
    """
    left = {name: obj[name] for name in _KEPT if name in obj} | {"revoked": True}
    match obj["type"]:
        case "indicator":
            begin = timestamp.parse(obj["valid_from"])
            end = timestamp.parse(obj.get("valid_until", obj["modified"]))
            times = {"valid_from": timestamp.text(begin), "valid_until": timestamp.text(end)}
            return left | {
                "name": _ERASED,
                "pattern": _NOTHING,
                "pattern_type": "stix",
                "pattern_version": "2.1",
                **times,
            }
        case "sighting":
            return left | {"sighting_of_ref": obj["sighting_of_ref"]}
        case "opinion":
            return left | {"opinion": "neutral", "object_refs": obj["object_refs"]}
        case "note":
            return left | {"content": _ERASED, "object_refs": obj["object_refs"]}
        case "grouping":
            return left | {"context": "unspecified", "name": _ERASED, "object_refs": obj["object_refs"]}
        case "language-content":
            return left | {"object_ref": obj["object_ref"], "contents": {"en": {"name": _ERASED}}}
    return left
