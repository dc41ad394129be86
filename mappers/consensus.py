"""A consensus as STIX: the hub's indicator, and the ids under which others listed the value first."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from mappers import extension, indicator, kinds, pattern, wording
from mappers.pattern import Terms
from schemas import kinds as kinds_of_values, timestamp
from schemas.kind import NO_DETAILS, Normal
from schemas.records import ID
from schemas.report import Consensus, Referral, Report
from schemas.vocabulary import Tlp

ORIGIN = "scamfeed-origin"
_LISTING = re.compile(r"[0-9]{1,4}")
_NO_ORIGINS: frozenset[str] = frozenset()
# Appears in no object: every store has its own identity of the hub.
_HUB = "hub"
# The fields that do not differ from value to value.
_REST = slice(Consensus._fields.index("valid_until") + 1, None)
_NO_TIMES = (None, None, datetime.max.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_IN_REPORTS = (frozenset(Consensus._fields) & Report.model_fields.keys()) - {"value", "details"}


class ListingFrame(NamedTuple):
    """The parts that two consensus objects share which differ only in their values, ids and times.

    ``report`` is the consensus as a report without its value and times.
    """

    properties: dict[str, Any]
    name_prefix: str
    context: dict[str, Any]
    opencti: dict[str, Any]
    report: Report


def to_stix(
    consensus: Consensus,
    id_: str,
    hub: str,
    *,
    created: str,
    modified: str,
    tlp: Tlp,
    referral: Referral | None = None,
    seq: int = 0,
) -> dict[str, Any]:
    """Return the consensus as an indicator of the identity ``hub``, ready for JSON; ``ids.indicator`` gives its id.

    Parts are shared between results: change none of them in place. ``seq`` counts the listings after a revocation.
    ``mappers.indicator.from_stix`` reads the indicator as a report that asks for the grade.
    """
    terms = terms_of(consensus)
    frame = frame_of(consensus, terms.type, hub, tlp, referral, seq)
    return fill(frame, consensus, terms, id_, created, modified)


def terms_of(consensus: Consensus) -> Terms:
    """Return the terms that spell the value of a consensus."""
    return kinds.every()[consensus.kind].terms(Normal(consensus.value, consensus.details))


def frame_of(
    consensus: Consensus, type_: str, hub: str, tlp: Tlp, referral: Referral | None = None, seq: int = 0
) -> ListingFrame:
    """Return the frame of a consensus and all like it, whose values are spelled by observables of one type."""
    return _frame(consensus.kind, type_, consensus[_REST], hub, tlp, referral, seq)


def fill(
    frame: ListingFrame, consensus: Consensus, terms: Terms, id_: str, created: str, modified: str
) -> dict[str, Any]:
    """Return the indicator that ``to_stix`` returns, from the frame of the consensus and the terms of its value."""
    context, since = frame.context, timestamp.text(consensus.valid_from)
    for name, moment in (("first_seen", consensus.first_seen), ("last_seen", consensus.last_seen)):
        if moment:
            # Mostly it holds since it was first seen.
            written = since if moment is consensus.valid_from else timestamp.text(moment)
            context = {**context, name: written}
    stix_object = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": id_,
        **frame.properties,
        "created": created,
        "modified": modified,
        "name": frame.name_prefix + consensus.value,
        "pattern": pattern.write(terms),
        "valid_from": since,
        "valid_until": timestamp.text(consensus.valid_until),
    }
    if consensus.details:
        stix_object["labels"] = [*frame.properties["labels"], *extension.labels_of_details(consensus.details)]
        context = {**context, "details": dict(consensus.details)}
    stix_object["extensions"] = {extension.ID: context, indicator.OPENCTI: frame.opencti}
    return stix_object


def basis_of(
    stix_object: Mapping[str, Any], consensus: Consensus, terms: Terms
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the observable of a consensus indicator and the relationship to it, the same for all its versions."""
    return indicator.basis_of_terms(kinds.every()[consensus.kind], terms, stix_object)


def texts_of(frame: ListingFrame, stix_object: Mapping[str, Any], consensus: Consensus) -> list[dict[str, Any]]:
    """Return the texts of a consensus indicator in other languages."""
    if not wording.needs_language_contents(frame.report):
        return []
    report = frame.report.about(Normal(consensus.value, consensus.details))
    return wording.language_contents(stix_object, report)


def is_consensus(stix_object: Mapping[str, Any]) -> bool:
    """Return whether an indicator is a hub's consensus on the reports of others."""
    return isinstance(extension.context_of(stix_object).get("reporters"), int)


def is_second_hand(stix_object: Mapping[str, Any]) -> bool:
    """Return whether an indicator was made from other reports: it is a hub's listing, or its contributor says so."""
    context = extension.context_of(stix_object)
    return isinstance(context.get("grade"), str) or context.get("second_hand") is True


def may_be_second_hand(body: bytes) -> bool:
    """Return whether ``is_second_hand`` may be true of an indicator as the log has it, without decoding it."""
    return b'"grade"' in body or b'"second_hand"' in body


def as_second_hand(stix_object: dict[str, Any]) -> dict[str, Any]:
    """Return an indicator that says it was made from other reports; any other object unchanged."""
    if stix_object.get("type") != "indicator":
        return stix_object
    context = {"extension_type": extension.TYPE, **extension.context_of(stix_object), "second_hand": True}
    extensions = stix_object.get("extensions")
    others = extensions if isinstance(extensions, dict) else {}
    return {**stix_object, "extensions": {**others, extension.ID: context}}


def pattern_of(report: Report) -> str:
    """Return the pattern that identifies the consensus on a report's value: one for all normal forms of a thing."""
    value = kinds_of_values.get(report.kind).key(report.value)
    return pattern.write(kinds.every()[report.kind].terms(Normal(value, report.details)))


def pattern_by_name(consensus: Consensus) -> str:
    """Return the pattern of a consensus by the normal form that it shows."""
    return pattern.write(kinds.every()[consensus.kind].terms(Normal(consensus.value, consensus.details)))


@lru_cache(maxsize=4096)
def _frame(
    kind: str, type_: str, rest: tuple[Any, ...], hub: str, tlp: Tlp, referral: Referral | None, seq: int
) -> ListingFrame:
    """Return the frame of a kind's values that are spelled by observables of one type."""
    consensus = Consensus(kind, "", NO_DETAILS, *_NO_TIMES, *rest)
    report = _report(kind, rest, tlp)
    frame = indicator.frame_of(report)
    references = origin_references(consensus.origins)
    if referral:
        turn_to = {"source_name": referral.organisation, "description": f"For protection: {referral.contact}"}
        references.append(turn_to)
    words = {"grade": consensus.grade, "disputed": "yes" if consensus.disputed else None}
    properties = {
        **{name: value for name, value in frame.properties.items() if name not in indicator.OF_VALUE},
        "created_by_ref": hub,
        "labels": [*frame.properties["labels"], *extension.labels_of(words)[1:]],
        **({"external_references": references} if references else {}),
    }
    context = extension.build(
        grade=consensus.grade,
        reporters=consensus.reporters,
        reporter_kinds=consensus.reporter_kinds,
        scam_types=consensus.scam_types,
        disputed=consensus.disputed or None,
        holds=[hold.model_dump(mode="json", exclude_none=True) for hold in consensus.holds],
        listing=seq + 1 if seq else None,
        referral=referral._asdict() if referral else None,
    )
    opencti = indicator.opencti(frame, type_)
    return ListingFrame(properties, frame.name_prefix, {**frame.context, **context}, opencti, report)


@lru_cache(maxsize=4096)
def _report(kind: str, rest: tuple[Any, ...], tlp: Tlp) -> Report:
    """Return the consensus as a report without its value and times."""
    consensus = Consensus(kind, "", NO_DETAILS, *_NO_TIMES, *rest)
    fields = {name: getattr(consensus, name) for name in _IN_REPORTS}
    fields |= dict(consensus.further)
    fields |= {"reporter": _HUB, "reported_at": consensus.valid_from, "action": consensus.grade, "tlp": tlp}
    return Report.model_construct(value="", details=NO_DETAILS, **fields)


def origin_references(origins: Iterable[str]) -> list[dict[str, str]]:
    """Return the external references that name ``origins``."""
    return [{"source_name": ORIGIN, "external_id": origin} for origin in origins]


def listed_origins(stix_object: Mapping[str, Any]) -> list[str]:
    """Return the origins that an object of any maker names, in its order."""
    references = stix_object.get("external_references")
    return [
        reference["external_id"]
        for reference in (references if isinstance(references, list) else ())
        if isinstance(reference, dict)
        and reference.get("source_name") == ORIGIN
        and _is_origin(reference.get("external_id"))
    ]


def origins_of(stix_object: Mapping[str, Any]) -> frozenset[str]:
    """Return the origins that an object names, none where it is its maker's own statement."""
    return frozenset(listed_origins(stix_object)) if "external_references" in stix_object else _NO_ORIGINS


def _is_origin(text: Any) -> bool:
    """Return whether a text is an id, or a later listing of one, and no words for other readers."""
    if not isinstance(text, str):
        return False
    id_, _, listing = text.partition("/")
    return ID.fullmatch(id_) is not None and (id_ == text or _LISTING.fullmatch(listing) is not None)
