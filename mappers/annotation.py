"""Annotations (sightings, opinions, notes, cases, flows) as a hub publishes them: rebuilt from known properties."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from mappers import annotation_properties as words, extension, labels, marking
from schemas.errors import Rejected
from schemas.qualification import QualificationCode
from schemas.record import SMALLEST_CELL
from schemas.vocabulary import CaseContext, OpinionWord, Tlp, scam_category

_Take = Callable[[Any], Any]
_ALL: Mapping[str, _Take] = MappingProxyType(
    {
        "type": words.same,
        "spec_version": words.spec_version,
        "id": words.ref,
        "created_by_ref": words.ref,
        "created": words.moment,
        "modified": words.moment,
        "revoked": words.flag,
        "lang": words.lang,
        "confidence": words.percentage,
    }
)
_OF_TYPE: Mapping[str, Mapping[str, _Take]] = MappingProxyType(
    {
        "sighting": {
            "description": words.text,
            "first_seen": words.moment,
            "last_seen": words.moment,
            "count": words.count,
            "sighting_of_ref": words.ref,
            "where_sighted_refs": words.places,
            "summary": words.flag,
        },
        "opinion": {"explanation": words.text, "opinion": words.one_of(OpinionWord), "object_refs": words.refs},
        "note": {"abstract": words.text, "content": words.long_text, "object_refs": words.refs},
        "grouping": {
            "name": words.line,
            "description": words.text,
            "context": words.one_of(CaseContext),
            "object_refs": words.refs,
        },
        "relationship": {
            "relationship_type": words.related,
            "description": words.text,
            "source_ref": words.ref,
            "target_ref": words.ref,
            "start_time": words.moment,
            "stop_time": words.moment,
        },
    }
)
_IN_CONTEXT: Mapping[str, Mapping[str, _Take]] = MappingProxyType(
    {
        "sighting": {},
        "opinion": {
            "outcome": words.outcome,
            "outcome_reason": words.word,
            "qualification": words.one_of(QualificationCode),
            "effective_from": words.moment,
            "effective_until": words.moment,
            "count": words.count,
            "victims": words.count,
            "amount": words.amount,
            "currency": words.currency,
            "period_from": words.day,
            "period_to": words.day,
        },
        "note": {},
        "grouping": {
            "scam_type": words.word,
            "countries": words.countries,
            "first_seen": words.moment,
            "last_seen": words.moment,
            "evidence": words.evidence,
        },
        "relationship": {
            "source": words.end,
            "target": words.end,
            "amount": words.amount,
            "currency": words.currency,
            "transfers": words.count,
            "first_seen": words.moment,
            "last_seen": words.moment,
        },
    }
)
_IN_EVERY_CONTEXT: Mapping[str, _Take] = MappingProxyType({"reference": words.line, "sharing": words.sharing})
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
_NAME = re.compile(r"[a-z0-9_]{1,40}")
_MOST_NAMES = 10
SMALL_CELLS = (
    f"its totals count, and are shown to nobody else: they are of fewer than {SMALLEST_CELL}, or do not say of how many"
)


class Rebuilt(NamedTuple):
    """An annotation as it is published, and the names of the properties that are left out.

    ``small_cells``: totals are left out because few people or cases are behind them.
    """

    obj: dict[str, Any]
    left_out: tuple[str, ...] = ()
    small_cells: bool = False

    @property
    def message(self) -> str | None:
        """Return the message to the author about properties that are left out, None where all are published."""
        messages = [f"published without what is not known here: {names_for_message(self.left_out)}"] * bool(
            self.left_out
        )
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
        raise Rejected("not-publishable", f"{wrong[0]}: cannot be published in this form: {words.BOUNDS}")
    if obj["type"] == "grouping":
        made.setdefault("context", CaseContext.UNSPECIFIED.value)
    context, missed_in_context = _published_context(obj, withheld)
    small_cells = obj["type"] == "opinion" and words.leave_out_small_cells(context)
    missed += [f"extensions.{name}" for name in missed_in_context]
    shown = _labels(obj["type"], context)
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
    plain = [name for name in names if all(_NAME.fullmatch(part) for part in re.split(r"[. ]", name))]
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
    words.minimise(context)
    return context, missed


def _withhold(context: dict[str, Any], withheld: Callable[[str], bool]) -> list[str]:
    """Remove the references that are not for others; return where they stood."""
    missed = []
    if withheld(context.get("reference", "")):
        del context["reference"]
        missed.append("reference")
    for proof in context.get("evidence", ()):
        if withheld(proof.get("reference", "")):
            del proof["reference"]
            missed.append("evidence.reference")
    return missed


def _labels(type_: str, context: Mapping[str, Any]) -> list[str] | None:
    match type_:
        case "opinion":
            names = {"outcome": "outcome", "reason": "outcome_reason", "qualification": "qualification"}
            return labels.of({label: context.get(name) for label, name in names.items()})
        case "grouping":
            return labels.of({"type": context.get("scam_type")}, context.get("countries", ()))
        case "relationship":
            return labels.of({"flow": "transfer"})
    return None


def _is_published(label: Any, shown: list[str] | tuple[str, ...]) -> bool:
    """Return whether a label is published, or was read as a marking."""
    return isinstance(label, str) and (label in shown or label == labels.PREFIX or marking.tlp_named(label) is not None)


def _has_other_extensions(extensions: Any) -> bool:
    return isinstance(extensions, Mapping) and any(name != extension.ID for name in extensions)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
