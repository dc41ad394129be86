"""Reports as STIX indicators, and indicators read as reports."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from mappers import extension, foreign, ids, kinds, labels, marking, pattern, wording
from mappers.grammar import PatternBudget, Way
from mappers.kind import KindMapper
from mappers.observable import observable_object
from schemas import kinds as values, timestamp
from schemas.errors import Rejected, rejection_of
from schemas.kind import Normal
from schemas.report import FIELDS, Report, like
from schemas.vocabulary import Tlp

_based_on = ids.relationships_of("based-on")
OPENCTI = "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba"
_NOTHING: Mapping[str, Any] = MappingProxyType({})
# The fields in which reports of a template differ, and those that they share, as long as these are of such types.
_OF_VALUE = frozenset({"kind", "value", "details"})
_TIMES = frozenset(name for name, field in FIELDS.items() if field.is_time)
# The times in our extension, by the names that they have there.
_SEEN = {written: name for name, field in FIELDS.items() if field.is_time and (written := field.extension_property)}
_SHARED = frozenset(
    {
        "reporter",
        "confidence",
        "tlp",
        "lang",
        "scam_type",
        "channel",
        "payment_rail",
        "countries",
        "action",
        "description",
    }
)
_TYPES = frozenset({str, int, tuple, type(None), Tlp})
_NO_LIMITS = ("sharing", None)
# The properties in which the indicators of one maker about the same sort of thing differ.
_OF_ONE = frozenset({"id", "created", "modified", "name", "pattern", "valid_from", "valid_until"})


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
    """The parts that the objects of two reports share which differ only in their values."""

    creator: str
    reported: str
    name_prefix: str
    head: dict[str, Any]
    tail: dict[str, Any]
    extension: dict[str, Any]
    score: dict[str, Any]
    markings: list[str]


# A file of thousands of values has a few frames; a frame depends on every field but the value and its details.
_FRAMING = [field for field in Report.model_fields if field not in ("value", "details")]
frame_key = attrgetter(*_FRAMING)


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
    indicator_id = ids.indicator(frame.creator, spelled, seq)
    indicator = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": indicator_id,
        **frame.head,
        "name": frame.name_prefix + report.value,
        "pattern": spelled,
        **frame.tail,
        **({"labels": [*frame.tail["labels"], *labels.of_details(report.details)]} if report.details else {}),
        "extensions": {
            extension.ID: frame.extension | {"details": dict(report.details)} if report.details else frame.extension,
            OPENCTI: opencti(frame, terms.type),
        },
    }
    if profile is Profile.CORE:
        return [indicator]
    observable, relationship = basis_of_terms(mapper, terms, indicator)
    others = wording.language_contents(indicator, report) if profile is Profile.FULL else []
    return [observable, indicator, relationship, *others]


def terms_for(profile: Profile, mapper: KindMapper, normal: Normal) -> pattern.Terms:
    """Return the terms of a value in the spelling that readers of ``profile`` take."""
    return mapper.opencti(normal) if profile is Profile.OPENCTI else mapper.terms(normal)


def frame_of(report: Report) -> IndicatorFrame:
    """Return the parts that a report's objects share with those of reports that differ only in their values."""
    return _frame(frame_key(report))


def opencti(frame: IndicatorFrame, type_: str) -> dict[str, Any]:
    """Return OpenCTI's extension of an indicator whose value is spelled by an observable of that type."""
    return {**frame.score, "main_observable_type": type_.title().replace("Ipv", "IPv")}


def basis_of_terms(
    mapper: KindMapper, terms: pattern.Terms, indicator: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the observable of an indicator's ``terms``, and the relationship between the two."""
    observable = observable_object(mapper, terms)
    created = indicator["created"]
    relationship = {
        "type": "relationship",
        "spec_version": "2.1",
        "id": _based_on(indicator["id"], observable["id"]),
        "created_by_ref": indicator["created_by_ref"],
        "created": created,
        "modified": created,
        "relationship_type": "based-on",
        "source_ref": indicator["id"],
        "target_ref": observable["id"],
        "object_marking_refs": indicator["object_marking_refs"],
    }
    return observable, relationship


def from_stix(
    indicator: Mapping[str, Any], reporters: Mapping[str, str] = _NOTHING, *, budget: PatternBudget | None = None
) -> Report:
    """Return the report of an indicator of any maker.

    ``reporters`` names the identities by id; a reporter that it does not name is called by its id. Raises ``Rejected``
    where the indicator does not name a single value of a known kind, where it asks for more than the value, and where
    its pattern takes more than ``budget`` has left.
    """
    terms = foreign.with_own_names(pattern.read(_pattern(indicator), budget))
    mapper, normal = kinds.read(terms)
    known = _like_known(indicator, mapper.kind, normal) if reporters is _NOTHING else None
    return known or _report(_columns(indicator, reporters, _NOTHING), mapper, normal, indicator)


def all_from_stix(
    indicator: Mapping[str, Any],
    reporters: Mapping[str, str] = _NOTHING,
    markings: Mapping[str, Tlp] = _NOTHING,
) -> list[Report | Rejected]:
    """Return a report for each value of an indicator, or the reason why there is none, each reason once.

    A value is one that makes the pattern match by itself. Conditions beside a value (a port, the address of a name) are
    left out, and ``LIKE '%.example.com'`` means the domain: the reports claim more than the indicator does. Publish an
    indicator by ``from_stix`` instead. ``markings`` are the levels of other markings than TLP's own. Raises
    ``Rejected`` where there is no STIX pattern.
    """
    found: dict[tuple[str, str], Report | Rejected] = {}
    columns = None
    for way in pattern.ways(_pattern(indicator)):
        columns = columns or _columns(indicator, reporters, markings)
        try:
            report = _report(columns, *_meant(way), indicator)
        except Rejected as refusal:
            found.setdefault(("", str(refusal)), refusal)
        else:
            found.setdefault((report.kind, report.value), report)
    return list(found.values())


def _pattern(indicator: Mapping[str, Any]) -> str:
    if indicator.get("type") != "indicator" or indicator.get("pattern_type") != "stix":
        raise Rejected("not-an-indicator", "only indicators with a STIX pattern name a value: give pattern_type stix")
    spelled: str = indicator["pattern"]
    return spelled


def _meant(way: Way) -> tuple[KindMapper, Normal]:
    """Return the kind and value of a way to match: by its exact terms, else by the terms that name a value."""
    try:
        return kinds.read(pattern.terms_of_way(way))
    except Rejected:
        return kinds.read(foreign.terms_of_value(way))


def _reported(indicator: Mapping[str, Any]) -> Any:
    """Return the time of the report: that of this version, unless its validity was over by then."""
    modified, end = indicator.get("modified"), indicator.get("valid_until")
    over = isinstance(modified, str) and isinstance(end, str) and end <= modified
    return indicator.get("valid_from", modified) if over else modified


def _columns(indicator: Mapping[str, Any], reporters: Mapping[str, str], markings: Mapping[str, Tlp]) -> dict[str, Any]:
    """Return the report's fields that do not depend on its value."""
    context = indicator.get("extensions", {}).get(extension.ID, {})
    creator = indicator.get("created_by_ref", "")
    columns: dict[str, Any] = {
        **extension.report_fields(context),
        "details": context.get("details", {}),
        "reporter": reporters.get(creator, creator or "unknown"),
        "reported_at": _reported(indicator),
        "valid_until": indicator.get("valid_until"),
        "confidence": indicator.get("confidence"),
        "tlp": marking.tlp_of(indicator, markings) or Tlp.AMBER,
        "lang": indicator.get("lang", "en"),
        "sharing": extension.read_sharing(context, reporters),
    }
    if not context:
        columns |= foreign.report_fields(indicator)
    return columns


def _report(columns: Mapping[str, Any], mapper: KindMapper, normal: Normal, indicator: Mapping[str, Any]) -> Report:
    fields = _fields(columns, mapper.kind, normal, indicator)
    return _like_others(fields) or _validated(fields)


def _fields(columns: Mapping[str, Any], kind: str, normal: Normal, indicator: Mapping[str, Any]) -> dict[str, Any]:
    fields = {
        **columns,
        "kind": kind,
        "value": normal.value,
        "details": {**normal.details, **columns["details"]},
    }
    generated = wording.description(kind, fields.get("scam_type", "unknown"))
    if (description := indicator.get("description")) and description != generated:
        fields["description"] = description
    return fields


def _like_known(indicator: Mapping[str, Any], kind: str, normal: Normal) -> Report | None:
    """Return the report of an indicator that differs from one read before in its value and times alone, else None.

    Another maker's software writes all its indicators with the same few words. ``_report`` returns the same.
    """
    context = extension.context_of(indicator)
    times = {"reported_at": _reported(indicator), "valid_until": indicator.get("valid_until")}
    if context:
        times |= {name: context[written] for written, name in _SEEN.items() if written in context}
    else:
        times["first_seen"] = indicator.get("valid_from")
    given = context.get("details", _NOTHING)
    if not all(time is None or type(time) is str for time in times.values()):
        return None
    if not all(type(text) is str for text in given.values()):
        return None
    words = {name: word for name, word in indicator.items() if name not in _OF_ONE}
    if context:
        common = {name: word for name, word in context.items() if name not in _SEEN and name != "details"}
        words["extensions"] = {**indicator["extensions"], extension.ID: common}
    try:
        template, details = _form_of(orjson.dumps(words), kind, tuple(times))
    except TypeError:
        return None  # integers beyond 64 bits
    return None if template is None else like(template, normal.value, {**normal.details, **details, **given}, times)


@lru_cache(maxsize=8192)
def _form_of(words: bytes, kind: str, times: tuple[str, ...]) -> tuple[Report | None, Mapping[str, str]]:
    """Return the template of the reports of indicators with these properties, and the details that all of them have.

    ``times`` are the times that they have.
    """
    indicator = orjson.loads(words)
    fields = _fields(_columns(indicator, _NOTHING, _NOTHING), kind, Normal("", {}), indicator)
    return _template_of(fields | dict.fromkeys(times)), fields["details"]


def _validated(fields: Mapping[str, Any]) -> Report:
    try:
        return Report.model_validate(fields)
    except ValidationError as error:
        raise rejection_of(error, "indicator-form") from None


def _like_others(fields: Mapping[str, Any]) -> Report | None:
    """Return the valid report with these fields, from one that differs in its value and times alone; None if unusual.

    Most indicators of a batch are like others. ``_validated`` returns the same, and takes several times as long.
    """
    template = _template_of(fields)
    if template is None:
        return None
    times = {name: value for name, value in fields.items() if name in _TIMES}
    return like(template, fields["value"], fields["details"], times)


def _template_of(fields: Mapping[str, Any]) -> Report | None:
    """Return a valid report that differs from one with these fields in its value and times alone; None if unusual."""
    shared: list[tuple[str, type, Any]] = []
    times: list[str] = []
    for name, value in fields.items():
        type_ = type(value)
        if type_ is list and all(type(entry) is str for entry in value):
            type_, value = tuple, tuple(value)
        if name in _TIMES and (value is None or type_ is str):
            times.append(name)
        elif name in _SHARED and type_ in _TYPES:
            shared.append((name, type_, value))
        elif name not in _OF_VALUE and (name, value) != _NO_LIMITS:
            return None
    if not all(type(text) is str for text in fields["details"].values()):
        return None
    return _template(fields["kind"], tuple(shared), tuple(times))


@lru_cache(maxsize=4096)
def _template(kind: str, shared: tuple[tuple[str, type, Any], ...], times: tuple[str, ...]) -> Report | None:
    """Return a valid report of an example value, with these fields and some times; None where there is none."""
    example = next(example for example in values.get(kind).examples() if example.value is not None)
    fields: dict[str, Any] = dict.fromkeys(times) | {name: value for name, _, value in shared}
    tlp = fields["tlp"]
    fields |= {"kind": kind, "value": example.raw, "details": dict(example.given), "sharing": None}
    try:
        report = Report.model_validate({**fields, "reported_at": "2026-01-01T00:00:00Z"})
    except (ValidationError, Rejected):
        return None
    return report if report.kind == kind and report.tlp is tlp else None


@lru_cache(maxsize=4096)
def _frame(key: tuple[Any, ...]) -> IndicatorFrame:
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
        "labels": labels.of_report(report),
        "object_marking_refs": markings,
    }
    score: dict[str, Any] = {"extension_type": "property-extension", "detection": True}
    if report.confidence is not None:
        tail["confidence"] = score["score"] = report.confidence
    return IndicatorFrame(
        creator=creator,
        reported=reported,
        name_prefix=wording.name_prefix(report.kind, wording.language(report.lang)),
        head=head,
        tail=tail,
        extension=extension.of_report(report),
        score=score,
        markings=markings,
    )
