"""STIX objects as reports: those of indicators, and of MISP's own objects; every other object has its reason."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import orjson

from feeds.readers import json_stream, misp
from feeds.readers.columns.vocabulary import scam_type_of_tags, tags_say_innocent
from feeds.readers.rows import MAX_RAW, FileRow, ReportRow, Unreadable
from feeds.readers.source import Source
from mappers import marking
from mappers.indicator import all_from_stix, from_stix
from schemas.errors import Rejected
from schemas.report import Report
from schemas.vocabulary import ScamType, Tlp

# Under which names bundles, TAXII envelopes and uploads to Sentinel keep their objects.
_LISTS = frozenset({"objects", "stixobjects"})
# These are there for the sake of others, and say nothing by themselves, as comments do.
_BESIDE = ("bundle", "identity", "extension-definition", "language-content", "relationship")
# What the last envelope of a collection says, which holds no objects.
_PAGE = frozenset({"more", "next"})
# What is refused for this reason is not repeated.
_PERSONAL = "personal-data"
_NOBODY: Mapping[str, str] = MappingProxyType({})
_SHAPES = {
    "created_by_ref": str,
    "pattern": str,
    "pattern_type": str,
    "modified": str,
    "valid_from": str,
    "valid_until": str,
    "lang": str,
    "description": str,
    "extensions": dict,
    "object_marking_refs": list,
    "indicator_types": list,
    "labels": list,
}


# Those beyond that are taken as they come: memory is for a part of a file.
_MOST_WAITING = 10_000


def rows(source: Source) -> Iterator[FileRow]:
    """Yield the reports of a bundle, an envelope, a list of objects or objects one a line, as ``rows_of_objects`` does.

    Rows are numbered as the objects are.
    """
    return rows_of_objects(json_stream.items(source, _LISTS))


def rows_of_objects(items: Iterable[json_stream.JsonItem | json_stream.MalformedLine]) -> Iterator[FileRow]:
    """Yield the reports that the indicators among ``items`` state, and a reason for each other object.

    Nothing is yielded for identities, markings, relationships and other objects that only stand beside indicators.
    Objects that bear a marking which is defined after them come last.
    """
    markings: dict[str, Tlp] = {}
    waiting: list[json_stream.JsonItem] = []
    for item in items:
        if isinstance(item, json_stream.MalformedLine):
            yield Unreadable.of(item.number, item.raw, "malformed-json", "the line is no JSON: one object a line")
        elif not isinstance(item.value, dict):
            yield _refused(item.number, item.value, "not-a-record", "not an object of STIX")
        elif item.value.get("type") == "marking-definition":
            if level := marking.tlp_of_source_marking(item.value):
                markings[str(item.value.get("id"))] = level
        elif item.value.get("type") not in _BESIDE and not item.value.keys() <= _PAGE:
            if len(waiting) < _MOST_WAITING and marking.unknown_refs(item.value, markings):
                waiting.append(item)
            else:
                yield from rows_of(item.number, item.value, markings)
    for item in waiting:
        yield from rows_of(item.number, item.value, markings)


def rows_of(number: int, obj: Mapping[str, Any], markings: Mapping[str, Tlp]) -> Iterator[FileRow]:
    """Yield the reports of one indicator, or the reason why it states none.

    ``markings`` are the TLP levels of the source's own marking definitions, by id.
    """
    if obj.get("type") in misp.STIX_TYPES:
        for row in misp.rows_of_stix(obj, _level(obj, markings)):
            yield row._replace(line=number)
        return
    if obj.get("type") != "indicator":
        yield _refused(number, obj, "not-an-indicator", _why_no_indicator(obj))
        return
    if obj.get("revoked") is True:
        yield _refused(number, obj, "revoked", "its creator revoked the indicator: retract the reports made of it")
        return
    try:
        indicator = _checked(obj)
        reports = all_from_stix(indicator, markings=markings)
    except Rejected as refusal:
        yield _refused(number, obj, refusal.reason, refusal.message)
        return
    words = [*indicator.get("labels", ()), *indicator.get("indicator_types", ())]
    if tags_say_innocent(words):
        yield _refused(number, obj, "not-a-scam", "the indicator says that this is no scam: leave such ones out")
        return
    stated = {"tlp": Tlp.RED} if marking.unknown_refs(indicator, markings) else {}
    raw = ""
    for report in reports:
        if isinstance(report, Report):
            scam_type = scam_type_of_tags(words) if report.scam_type == ScamType.UNKNOWN else ""
            changes = {**stated, "scam_type": scam_type} if scam_type else stated
            yield ReportRow(number, report.changed(changes) if changes else report)
        else:
            raw = raw or _raw(obj)
            yield Unreadable.of(number, "" if report.reason == _PERSONAL else raw, report.reason, report.message)


def _level(obj: Mapping[str, Any], markings: Mapping[str, Tlp]) -> Tlp | None:
    """Give the level of an object; RED, so that nobody reads it, where it bears a marking of which none is known."""
    return Tlp.RED if marking.unknown_refs(obj, markings) else marking.tlp_of(obj, markings)


def report_of(indicator: Mapping[str, Any], reporters: Mapping[str, str] = _NOBODY) -> Report:
    """Give the report that an indicator says, whatever it is made of; ``reporters`` names the identities by id.

    Of one that was taken back it is what it said until then. Raises ``Rejected`` where it says none.
    """
    said = _checked(indicator)
    if said.get("revoked") is True:
        # Its last version ended when it was made, so that nothing holds from then on.
        said.pop("valid_until", None)
    return from_stix(said, reporters)


def _checked(indicator: Mapping[str, Any]) -> dict[str, Any]:
    """Give the properties that are there, each of the type that STIX gives it. Raises ``Rejected``."""
    said = {name: value for name, value in indicator.items() if value is not None}
    # STIX 2.0 knows no other patterns than its own, and does not say so.
    said = said if "spec_version" in said else {"pattern_type": "stix", **said}
    wrong = ""
    for name, shape in _SHAPES.items():
        if name in said and not _has_shape(said[name], shape):
            wrong = name
            break
    if wrong or "pattern" not in said:
        raise Rejected("indicator-form", f"{wrong or 'pattern'}: missing, or not of the type that STIX gives it")
    return said


def _has_shape(value: object, shape: type) -> bool:
    if type(value) is not shape or shape is str:
        return type(value) is shape
    if isinstance(value, list):
        return all(isinstance(text, str) for text in value)
    if isinstance(value, dict):
        return all(isinstance(part, dict) and _has_our_shape(part) for part in value.values())
    return True


def _has_our_shape(said: Mapping[str, Any]) -> bool:
    return isinstance(said.get("details", {}), dict) and isinstance(said.get("scam_type", ""), str)


def _why_no_indicator(obj: Mapping[str, Any]) -> str:
    if "media_type" in obj and "type" not in obj:
        return "an entry of a manifest names an object and does not say it: ask for the objects themselves"
    if "spec_version" not in obj or "created" not in obj:
        return "an observable says that something was seen, not that it served a scam: only an indicator says so"
    return "only indicators say of a value that it served a scam"


def _refused(number: int, value: object, reason: str, message: str) -> Unreadable:
    return Unreadable.of(number, "" if reason == _PERSONAL else _raw(value), reason, message)


def _raw(value: object) -> str:
    try:
        return orjson.dumps(value).decode()[:MAX_RAW]
    except TypeError:
        return repr(value)[:MAX_RAW]
