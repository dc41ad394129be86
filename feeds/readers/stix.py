"""STIX objects as reports: indicators and MISP's own objects become reports; others are refused with a reason."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from feeds.readers import misp, streams
from feeds.readers.columns.vocabulary import scam_type_of_tags, tags_say_innocent
from feeds.readers.rows import FileRow, ReportRow, Unreadable
from feeds.readers.source import Source
from mappers import consensus, extension, marking
from mappers.report_reader import all_from_stix, from_stix
from schemas.errors import Rejected
from schemas.report import Report
from schemas.vocabulary import ScamType, Tlp

# Keys under which bundles, TAXII envelopes and uploads to Sentinel have their objects.
_LISTS = frozenset({"objects", "stixobjects"})
# Types that only accompany other objects and make no statement of their own.
_BESIDE = ("bundle", "identity", "extension-definition", "language-content", "relationship")
# Keys of the last envelope of a collection, which has no objects.
_PAGE = frozenset({"more", "next"})
# Items refused for this reason do not appear in the rejects.
_PERSONAL = "personal-data"
_NOBODY: Mapping[str, str] = MappingProxyType({})
_SHAPES: Mapping[str, type] = {
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


# Maximum number of objects that wait for the definition of a marking, so that memory stays bounded.
_MOST_WAITING = 10_000


def rows(source: Source) -> Iterator[FileRow]:
    """Yield the reports of a bundle, an envelope, a list of objects or lines of objects, like ``rows_of_objects``.

    Rows are numbered like the objects.
    """
    return rows_of_objects(streams.items(source, _LISTS))


def rows_of_objects(items: Iterable[streams.JsonItem | streams.MalformedLine]) -> Iterator[FileRow]:
    """Yield the reports of the indicators among ``items``, and a reason for each other object.

    Nothing is yielded for identities, markings, relationships and other objects that only accompany indicators. Objects
    with a marking that is defined after them come last.
    """
    markings: dict[str, Tlp] = {}
    waiting: list[streams.JsonItem] = []
    for item in items:
        if isinstance(item, streams.MalformedLine):
            yield item.refused("object")
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
    """Yield the reports of one indicator, or the reason why it has none.

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
    words = (*indicator.get("labels", ()), *indicator.get("indicator_types", ()))
    if why := _why_no_scam(indicator, words):
        yield _refused(number, obj, "not-a-scam", why)
        return
    stated = {"tlp": Tlp.RED} if marking.unknown_refs(indicator, markings) else {}
    raw, second_hand = "", consensus.is_second_hand(indicator)
    for report in reports:
        if isinstance(report, Report):
            scam_type = scam_type_of_tags(words) if report.scam_type == ScamType.UNKNOWN else ""
            changes = {**stated, "scam_type": scam_type} if scam_type else stated
            yield ReportRow(number, report.changed(changes) if changes else report, second_hand=second_hand)
        else:
            raw = raw or streams.raw_text(obj)
            yield Unreadable.of(number, "" if report.reason == _PERSONAL else raw, report.reason, report.message)


def _why_no_scam(indicator: Mapping[str, Any], words: Iterable[str]) -> str:
    """Return why an indicator with these labels is not about a scam, "" if it may be."""
    if extension.context_of(indicator).get("sandbox") is True:
        return "a synthetic listing of a sandbox, which is not real: read another collection"
    return "the indicator states that this is not a scam: leave such indicators out" if tags_say_innocent(words) else ""


def _level(obj: Mapping[str, Any], markings: Mapping[str, Tlp]) -> Tlp | None:
    """Return the TLP of an object; RED, the most restrictive one, if the level of its marking is unknown."""
    return Tlp.RED if marking.unknown_refs(obj, markings) else marking.tlp_of(obj, markings)


def report_of(indicator: Mapping[str, Any], reporters: Mapping[str, str] = _NOBODY) -> Report:
    """Return the report of an indicator; ``reporters`` are the names of identities, by id.

    For a revoked indicator this is its report before the revocation. Raises ``Rejected`` if it has none.
    """
    properties = _checked(indicator)
    if properties.get("revoked") is True:
        # The last version of a revoked indicator ends at its creation: such a report would be empty.
        properties.pop("valid_until", None)
    return from_stix(properties, reporters)


def _checked(indicator: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that have a value, each of the type that STIX requires. Raises ``Rejected``."""
    properties = {name: value for name, value in indicator.items() if value is not None}
    # STIX 2.0 has only its own pattern type, and no property for it.
    properties = properties if "spec_version" in properties else {"pattern_type": "stix", **properties}
    wrong = [name for name, value in properties.items() if name in _SHAPES and not _has_shape(value, _SHAPES[name])]
    if wrong:
        name = next(name for name in _SHAPES if name in wrong)
        raise Rejected("indicator-form", f"{name}: missing, or not of the type that STIX gives it")
    if "pattern" not in properties:
        raise Rejected("indicator-form", "pattern: missing, or not of the type that STIX gives it")
    return properties


def _has_shape(value: object, shape: type) -> bool:
    """Return whether a value and its parts are of a type."""
    if type(value) is not shape:
        return False
    if isinstance(value, str):
        return True
    if isinstance(value, list):
        return all(isinstance(text, str) for text in value)
    parts = value.values() if isinstance(value, dict) else ()
    return all(isinstance(part, dict) and _has_extension_shape(part) for part in parts)


def _has_extension_shape(properties: Mapping[str, Any]) -> bool:
    return isinstance(properties.get("details", {}), dict) and isinstance(properties.get("scam_type", ""), str)


def _why_no_indicator(obj: Mapping[str, Any]) -> str:
    if "media_type" in obj and "type" not in obj:
        return "a manifest only lists objects: request the objects themselves"
    if "spec_version" not in obj or "created" not in obj:
        return "an observable states that something was seen, not that it served a scam: only an indicator states that"
    return "not an indicator: only indicators state that a value served a scam"


def _refused(number: int, value: object, reason: str, message: str) -> Unreadable:
    return Unreadable.of(number, "" if reason == _PERSONAL else streams.raw_text(value), reason, message)
