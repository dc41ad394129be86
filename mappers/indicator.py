"""Reports as STIX indicators."""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

import orjson

from mappers import extension, ids, kinds, marking, pattern, wording
from mappers.kind import KindMapper
from mappers.kinds import observable_object
from schemas import timestamp
from schemas.kind import Normal
from schemas.report import Report

OPENCTI = "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba"


class Profile(StrEnum):
    """The objects that a reader can take.

    ``full``: observable, indicator and the relationship between them, and the texts in other languages. ``core``: the
    indicator alone, which every STIX 2.1 parser takes. ``opencti``: observable, indicator and relationship, in the
    spelling that OpenCTI can store.
    """

    FULL = "full"
    CORE = "core"
    OPENCTI = "opencti"


class IndicatorFrame(NamedTuple):
    """The parts that the objects of two reports share which differ only in their values.

    ``properties`` are the indicator's, in their order, with empty texts for those ``OF_VALUE``.
    """

    creator: str
    name_prefix: str
    properties: dict[str, Any]
    context: dict[str, Any]
    score: dict[str, Any]
    has_texts: bool


OF_VALUE = ("id", "name", "pattern")
# A file of thousands of values has a few frames; a frame depends on every field but the value and its details.
_FRAMING = [field for field in Report.model_fields if field not in ("value", "details")]
_frame_key = attrgetter(*_FRAMING)


def to_stix(report: Report, profile: Profile = Profile.FULL, *, seq: int = 0) -> list[dict[str, Any]]:
    """Return the STIX objects of one report, ready for JSON: the indicator, and those that ``profile`` adds.

    Parts are shared between results: change none of them in place. ``seq`` counts the creator's listings of this value;
    a new one is needed after a revocation, which is for ever (STIX 2.1 §3.6).
    """
    mapper = kinds.every()[report.kind]
    normal = Normal(report.value, report.details)
    terms = terms_for(profile, mapper, normal)
    frame = frame_of(report)
    spelled = pattern.write(terms)
    indicator = frame.properties.copy()
    indicator["id"] = ids.indicator(frame.creator, spelled, seq)
    indicator["name"] = frame.name_prefix + report.value
    indicator["pattern"] = spelled
    indicator["extensions"] = {extension.ID: frame.context, OPENCTI: opencti(frame, terms.type)}
    if report.details:
        indicator["labels"] = [*frame.properties["labels"], *extension.labels_of_details(report.details)]
        indicator["extensions"][extension.ID] = frame.context | {"details": dict(report.details)}
    if profile is Profile.CORE:
        return [indicator]
    observable, relationship = basis_of_terms(mapper, terms, indicator)
    if profile is Profile.FULL and frame.has_texts:
        return [observable, indicator, relationship, *wording.language_contents(indicator, report)]
    return [observable, indicator, relationship]


def write(report: Report, profile: Profile = Profile.FULL, separator: bytes = b"\n") -> bytes:
    """Return the objects of a report as JSON, with a separator between them."""
    return separator.join(map(orjson.dumps, to_stix(report, profile)))


def terms_for(profile: Profile, mapper: KindMapper, normal: Normal) -> pattern.Terms:
    """Return the terms of a value in the spelling that readers of ``profile`` take."""
    return mapper.opencti(normal) if profile is Profile.OPENCTI else mapper.terms(normal)


def frame_of(report: Report) -> IndicatorFrame:
    """Return the parts that a report's objects share with those of reports that differ only in their values."""
    return _frame(_frame_key(report))


def opencti(frame: IndicatorFrame, type_: str) -> dict[str, Any]:
    """Return OpenCTI's extension of an indicator whose value is spelled by an observable of that type."""
    return {**frame.score, "main_observable_type": _main_observable_type(type_)}


@lru_cache(maxsize=64)
def _main_observable_type(type_: str) -> str:
    return type_.title().replace("Ipv", "IPv")


def basis_of_terms(
    mapper: KindMapper, terms: pattern.Terms, indicator: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the observable of an indicator's ``terms``, and the relationship between the two."""
    observable = observable_object(mapper, terms)
    created = indicator["created"]
    relationship = {
        "type": "relationship",
        "spec_version": "2.1",
        "id": ids.relationship("based-on", indicator["id"], observable["id"]),
        "created_by_ref": indicator["created_by_ref"],
        "created": created,
        "modified": created,
        "relationship_type": "based-on",
        "source_ref": indicator["id"],
        "target_ref": observable["id"],
        "object_marking_refs": indicator["object_marking_refs"],
    }
    return observable, relationship


@lru_cache(maxsize=4096)
def _frame(key: tuple[Any, ...]) -> IndicatorFrame:
    report = Report.model_construct(**dict(zip(_FRAMING, key, strict=True)))
    creator = ids.identity(report.reporter)
    reported = timestamp.text(report.reported_at)
    properties: dict[str, Any] = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "",
        "created_by_ref": creator,
        "created": reported,
        "modified": reported,
        "lang": report.lang,
        "name": "",
        "pattern": "",
        "description": report.description or wording.description(report.kind, report.scam_type),
        "indicator_types": ["malicious-activity"],
        "pattern_type": "stix",
        "pattern_version": "2.1",
        "valid_from": timestamp.text(report.first_seen or report.reported_at),
        "valid_until": timestamp.text(report.valid_until),
        "kill_chain_phases": [{"kill_chain_name": "mitre-f3", "phase_name": kinds.every()[report.kind].phase}],
        "labels": extension.labels_of_report(report),
        "object_marking_refs": [marking.ref(report.tlp)],
    }
    score: dict[str, Any] = {"extension_type": "property-extension", "detection": True}
    if report.confidence is not None:
        properties["confidence"] = score["score"] = report.confidence
    return IndicatorFrame(
        creator=creator,
        name_prefix=wording.name_prefix(report.kind, wording.language(report.lang)),
        properties=properties,
        context=extension.context_of_report(report),
        score=score,
        has_texts=wording.needs_language_contents(report),
    )
