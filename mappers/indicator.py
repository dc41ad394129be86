"""A report as STIX, and STIX as a report again."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import ValidationError

from mappers import extension, ids, kinds, marking, pattern, wording
from mappers.kind import KindMapper
from schemas import timestamp
from schemas.errors import Rejected
from schemas.kind import Normal
from schemas.report import Report
from schemas.vocabulary import Tlp

OPENCTI = "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba"


class Profile(StrEnum):
    """Which objects a reader can take.

    ``full``: observable, indicator and the relationship between them. ``core``: what every STIX 2.1 parser takes, so
    the indicator alone. ``opencti``: full, in the spelling that OpenCTI can store.
    """

    FULL = "full"
    CORE = "core"
    OPENCTI = "opencti"


class _Frame(NamedTuple):
    """All that is the same in the objects of two reports that differ only in their values."""

    creator: str
    reported: str
    name_prefix: str
    head: dict[str, Any]
    tail: dict[str, Any]
    extension: dict[str, Any]
    score: dict[str, Any]
    markings: list[str]


# A file of thousands of values has one frame or a few; what makes up a frame is every field but the value's own.
_FRAMING = [field for field in Report.model_fields if field not in ("value", "details")]
_frame_key = attrgetter(*_FRAMING)


def to_stix(report: Report, profile: Profile = Profile.FULL, *, seq: int = 0) -> list[dict[str, Any]]:
    """Give the STIX objects of one report, ready for JSON: the indicator, and what ``profile`` puts around it.

    Parts are shared between results: change none of them in place. ``seq`` counts the creator's listings of this
    value; a new one is needed after a revocation, which is for ever (STIX 2.1 §3.6).
    """
    mapper = kinds.every()[report.kind]
    normal = Normal(report.value, report.details)
    terms = mapper.opencti(normal) if profile is Profile.OPENCTI else mapper.terms(normal)
    frame = _frame(_frame_key(report))
    spelled = pattern.write(terms)
    indicator_id = ids.indicator(frame.creator, spelled, seq)
    indicator = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": indicator_id,
        **frame.head,
        "name": frame.name_prefix + report.value,
        "pattern": spelled,
        **frame.tail,
        "extensions": {
            extension.ID: frame.extension | {"details": dict(report.details)} if report.details else frame.extension,
            OPENCTI: {**frame.score, "main_observable_type": terms.type.title()},
        },
    }
    if profile is Profile.CORE:
        return [indicator]
    observable, relationship = _basis(mapper, terms, indicator)
    return [observable, indicator, relationship]


def basis(indicator: Mapping[str, Any], report: Report) -> list[dict[str, Any]]:
    """Give what an indicator is based on, made from the report that it says: the observable and the relationship."""
    mapper = kinds.every()[report.kind]
    return list(_basis(mapper, mapper.terms(Normal(report.value, report.details)), indicator))


def _basis(
    mapper: KindMapper, terms: pattern.Terms, indicator: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    observable: dict[str, Any] = {
        "type": terms.type,
        "spec_version": "2.1",
        "id": mapper.observable_id(terms),
        **terms.properties,
    }
    if mapper.new_sco and terms.type != "user-account":
        observable["extensions"] = {mapper.new_sco: {"extension_type": "new-sco"}}
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


def from_stix(indicator: Mapping[str, Any], reporters: Mapping[str, str] = MappingProxyType({})) -> Report:
    """Give back the report that an indicator says, ours or anybody's.

    ``reporters`` names the identities by id; a reporter that it does not name is called by its id. Raises ``Rejected``
    where the indicator names no single value of a known kind.
    """
    if indicator.get("type") != "indicator" or indicator.get("pattern_type") != "stix":
        raise Rejected("not-an-indicator", "only indicators with a STIX pattern say which value is meant")
    mapper, normal = kinds.read(pattern.read(indicator["pattern"]))
    ours = indicator.get("extensions", {}).get(extension.ID, {})
    creator = indicator.get("created_by_ref", "")
    columns: dict[str, Any] = {
        **extension.read(ours),
        "kind": mapper.kind,
        "value": normal.value,
        "details": {**normal.details, **ours.get("details", {})},
        "reporter": reporters.get(creator, creator or "unknown"),
        "reported_at": indicator.get("modified"),
        "valid_until": indicator.get("valid_until"),
        "confidence": indicator.get("confidence"),
        "tlp": marking.tlp_of(indicator) or Tlp.AMBER,
        "lang": indicator.get("lang", "en"),
    }
    if not ours:
        columns["first_seen"] = indicator.get("valid_from")
    generated = wording.description(mapper.kind, columns.get("scam_type", "unknown"))
    if (description := indicator.get("description")) and description != generated:
        columns["description"] = description
    try:
        return Report.model_validate(columns)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        column = ".".join(str(part) for part in first["loc"])
        raise Rejected("indicator-form", f"{column}: {first['msg']}") from None


@lru_cache(maxsize=4096)
def _frame(key: tuple[Any, ...]) -> _Frame:
    report = Report.model_construct(**dict(zip(_FRAMING, key, strict=True)))
    creator = ids.identity(report.reporter)
    reported = timestamp.text(report.reported_at)
    markings = [marking.ref(report.tlp)]
    valid_from: datetime = report.first_seen or report.reported_at
    head = {"created_by_ref": creator, "created": reported, "modified": reported, "lang": report.lang}
    tail: dict[str, Any] = {
        "description": report.description or wording.description(report.kind, report.scam_type),
        "indicator_types": ["malicious-activity"],
        "pattern_type": "stix",
        "pattern_version": "2.1",
        "valid_from": timestamp.text(valid_from),
        "valid_until": timestamp.text(report.valid_until),
        "kill_chain_phases": [{"kill_chain_name": "mitre-f3", "phase_name": kinds.every()[report.kind].phase}],
        "labels": _labels(report),
        "object_marking_refs": markings,
    }
    score: dict[str, Any] = {"extension_type": "property-extension", "detection": True}
    if report.confidence is not None:
        tail["confidence"] = score["score"] = report.confidence
    return _Frame(
        creator=creator,
        reported=reported,
        name_prefix=wording.name_prefix(report.kind),
        head=head,
        tail=tail,
        extension=extension.write(report),
        score=score,
        markings=markings,
    )


def _labels(report: Report) -> list[str]:
    """Say the context in words too, for clients that show labels and no extensions."""
    labels = ["scam", f'scam:type="{report.scam_type}"']
    for name in ("channel", "payment_rail", "action", "holder_status"):
        if (word := getattr(report, name)) is not None:
            labels.append(f'scam:{name.replace("_", "-")}="{word}"')
    return labels
