"""STIX objects of any producer read as records."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import ValidationError

from mappers import common_objects, extension, kinds, marking, wording
from mappers.kinds import kind_and_value
from mappers.records import ANSWER, FIELDS_OF_CASE, FINDING, REQUEST, TOTALS
from schemas.errors import Rejected, rejection_of
from schemas.records import Case, Flow, Opinion, Outcome, Qualification, Record, Sighting
from schemas.request import Request, RequestAnswer
from schemas.vocabulary import (
    FINDINGS,
    FUNDS_HELD,
    CaseContext,
    OutcomeWord,
    QualificationCode,
    ScamType,
    Tlp,
)

R = TypeVar("R", bound=Record)

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def from_stix(
    stix_object: Mapping[str, Any],
    reporters: Mapping[str, str] = _NOTHING,
    objects: Mapping[str, Mapping[str, Any]] = _NOTHING,
) -> Sequence[Record]:
    """Return the records of an object of any producer: one, or for an opinion one for each indicator.

    ``reporters`` maps ids to the names of identities; ``objects`` are accompanying objects by id. Raises ``Rejected``
    for objects that are not records.
    """
    match stix_object.get("type"):
        case "sighting":
            return [_read_sighting(stix_object, reporters, objects)]
        case "opinion" if is_finding(stix_object):
            return _read_findings(stix_object, reporters)
        case "opinion":
            return read_opinions(stix_object, reporters)
        case "relationship":
            return [_read_flow(stix_object, objects, reporters)]
        case "grouping":
            return [_read_case(stix_object, reporters)]
        case "note" if is_request(stix_object):
            return [read_request(stix_object, reporters)]
    raise Rejected("not-a-record", "only sightings, opinions, groupings, flows and requests are records")


def is_finding(stix_object: Mapping[str, Any]) -> bool:
    """Return whether an object is the finding of a provider, in any form."""
    return stix_object["type"] == "opinion" and FINDING in extension.context_of(stix_object)


def is_request(stix_object: Mapping[str, Any]) -> bool:
    """Return whether a note is a request or a response to one."""
    return not {REQUEST, ANSWER}.isdisjoint(extension.context_of(stix_object))


def _check(stix_object: Mapping[str, Any]) -> None:
    """Raise ``Rejected`` if a property of the object does not have the type that STIX requires."""
    for name in ("id", "created_by_ref", "modified", "lang", "context", "opinion"):
        if not isinstance(stix_object.get(name, ""), str):
            raise Rejected("record-form", f"{name}: has to be text")
    for name in ("object_marking_refs", "object_refs", "where_sighted_refs"):
        _refs(stix_object, name)


def _refs(stix_object: Mapping[str, Any], name: str) -> list[str]:
    """Return an object's list of ids, empty if it is missing. Raises ``Rejected`` for another shape."""
    found = stix_object.get(name, [])
    if not (isinstance(found, list) and all(isinstance(ref, str) for ref in found)):
        raise Rejected("record-form", f"{name}: has to be a list of ids")
    return found


def _indicators(stix_object: Mapping[str, Any], called: str) -> list[str]:
    about = [ref for ref in _refs(stix_object, "object_refs") if ref.startswith("indicator--")]
    if not about:
        raise Rejected("not-about-an-indicator", f"the {called} is about other objects than indicators")
    return about


def _read(model: type[R], stix_object: Mapping[str, Any], reporters: Mapping[str, str], **columns: Any) -> R:
    """Return the record of ``columns`` and the object's own properties. Raises ``Rejected``."""
    creator = stix_object.get("created_by_ref") or "unknown"
    known = {
        "reporter": reporters.get(creator, creator),
        "reported_at": stix_object.get("modified"),
        "tlp": marking.tlp_of(stix_object) or Tlp.AMBER,
        "lang": stix_object.get("lang", "en"),
        "sharing": extension.read_sharing(extension.context_of(stix_object), reporters),
        **columns,
    }
    try:
        return model.model_validate({name: column for name, column in known.items() if column is not None})
    except ValidationError as error:
        raise rejection_of(error, "record-form") from None


def _read_sighting(
    stix_object: Mapping[str, Any], reporters: Mapping[str, str], objects: Mapping[str, Mapping[str, Any]]
) -> Sighting:
    _check(stix_object)
    places = _refs(stix_object, "where_sighted_refs")
    creator = stix_object.get("created_by_ref")
    elsewhere = [ref for ref in places if ref.startswith("identity--") and ref != creator]
    countries = [common_objects.country_of(ref, objects) for ref in places if ref.startswith("location--")]
    return _read(
        Sighting,
        stix_object,
        reporters,
        of={"ref": stix_object.get("sighting_of_ref")},
        count=stix_object.get("count", 1),
        first_seen=stix_object.get("first_seen"),
        last_seen=stix_object.get("last_seen"),
        seen_by=reporters.get(elsewhere[0], elsewhere[0]) if elsewhere else None,
        countries=[country for country in countries if country],
        description=stix_object.get("description"),
        reference=extension.context_of(stix_object).get("reference"),
    )


def read_opinions(stix_object: Mapping[str, Any], reporters: Mapping[str, str] = _NOTHING) -> list[Outcome | Opinion]:
    """Return the outcomes or opinions in a STIX opinion of any maker, one for each of its indicators.

    An outcome with totals is one, however many indicators it is about. ``reporters`` names the identities by id. Raises
    ``Rejected`` where it is about no indicator.
    """
    _check(stix_object)
    about = _indicators(stix_object, "opinion")
    first = _read_opinion(stix_object, about[0], reporters, about[1:])
    if isinstance(first, Outcome) and first.has_totals:
        return [first]
    return [_read_opinion(stix_object, ref, reporters) for ref in about]


def _read_opinion(
    stix_object: Mapping[str, Any], of: str, reporters: Mapping[str, str], others: Sequence[str] = ()
) -> Outcome | Opinion:
    context = extension.context_of(stix_object)
    explanation = stix_object.get("explanation")
    columns = {"of": {"ref": of}, "reference": context.get("reference"), "description": explanation}
    if "outcome" not in context:
        return _read(Opinion, stix_object, reporters, **columns, opinion=stix_object.get("opinion"))
    word = context["outcome"]
    known = isinstance(word, str) and (word in set(OutcomeWord) or word == FUNDS_HELD)
    if known and explanation == wording.outcome(OutcomeWord(word)):
        columns["description"] = None
    has_totals = any(name in context for name in ("count", "victims", "amount"))
    return _read(
        Outcome,
        stix_object,
        reporters,
        **columns,
        outcome=word,
        reason=context.get("outcome_reason"),
        effective_from=context.get("effective_from"),
        effective_until=context.get("effective_until"),
        others=[{"ref": ref} for ref in others] if has_totals and others else None,
        **{name: context.get(name) for name in TOTALS},
    )


def _read_findings(stix_object: Mapping[str, Any], reporters: Mapping[str, str]) -> list[Qualification]:
    _check(stix_object)
    about = _indicators(stix_object, "answer")
    context, explanation = extension.context_of(stix_object), stix_object.get("explanation")
    code = context.get(FINDING)
    generated = (
        isinstance(code, str) and code in set(FINDINGS) and explanation == FINDINGS[QualificationCode(code)].meaning
    )
    columns = {"reference": context.get("reference"), "description": None if generated else explanation, "code": code}
    return [_read(Qualification, stix_object, reporters, of={"ref": of}, **columns) for of in about]


def _read_flow(
    relationship: Mapping[str, Any], objects: Mapping[str, Mapping[str, Any]], reporters: Mapping[str, str]
) -> Flow:
    """Return the flow of a relationship. Raises ``Rejected`` for others, and where an observable is missing."""
    _check(relationship)
    context = extension.context_of(relationship)
    if not {"source", "target"} <= context.keys():
        raise Rejected("not-a-flow", "the relationship has no source and target of money in the extension")
    description = relationship.get("description")
    named = [end.get("kind") if isinstance(end, Mapping) else None for end in (context["source"], context["target"])]
    if all(kind in kinds.every() for kind in named) and description == wording.flow(*map(str, named)):
        description = None
    return _read(
        Flow,
        relationship,
        reporters,
        source=_value(relationship.get("source_ref"), context["source"], objects),
        target=_value(relationship.get("target_ref"), context["target"], objects),
        amount=context.get("amount"),
        currency=context.get("currency"),
        count=context.get("transfers", 1),
        first_seen=context.get("first_seen", relationship.get("start_time")),
        last_seen=context.get("last_seen", relationship.get("stop_time")),
        reference=context.get("reference"),
        description=description,
    )


def _value(ref: Any, end: Any, objects: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    if not isinstance(ref, str) or ref not in objects:
        raise Rejected("observable-missing", "the observable is not among the objects: give it with the relationship")
    kind, text = kind_and_value(objects[ref])
    details = end.get("details") if isinstance(end, Mapping) else None
    return {"kind": kind, "value": text, **({"details": details} if details else {})}


def _read_case(grouping: Mapping[str, Any], reporters: Mapping[str, str]) -> Case:
    _check(grouping)
    properties = extension.context_of(grouping)
    known = {name: properties[name] for name in (*FIELDS_OF_CASE, "evidence") if name in properties}
    context = grouping.get("context")
    return _read(
        Case,
        grouping,
        reporters,
        name=grouping.get("name") or grouping.get("id"),
        context=context if context in set(CaseContext) else CaseContext.UNSPECIFIED,
        members=[{"ref": ref} for ref in _refs(grouping, "object_refs")],
        description=grouping.get("description"),
        **{"scam_type": ScamType.UNKNOWN.value, **known},
    )


def read_request(note: Mapping[str, Any], reporters: Mapping[str, str] = _NOTHING) -> Request | RequestAnswer:
    """Return the request or the response of a note. Raises ``Rejected``."""
    _check(note)
    context = extension.context_of(note)
    sent = context.get(REQUEST, context.get(ANSWER))
    if not isinstance(sent, Mapping) or (REQUEST in context and ANSWER in context):
        raise Rejected("not-a-request", "the note has no request, or answer to one, in the extension")
    columns = {name: value for name, value in sent.items() if value is not None}
    if ANSWER in context:
        return _read(RequestAnswer, note, reporters, **columns)
    for name in ("addressee", "also_to"):
        if name in columns:
            columns[name] = _named(columns[name], reporters)
    return _read(Request, note, reporters, **columns)


def _named(value: Any, reporters: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_named(entry, reporters) for entry in value]
    return reporters.get(value, value) if isinstance(value, str) else value
