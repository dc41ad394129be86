"""Is this a STIX object at all? The common rules every object has to keep, whatever its type."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

from schemas.errors import Rejected
from server.store.item import Item, compact, spec_version
from server.store.times import parse

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_TYPE = re.compile(r"[a-z0-9][a-z0-9-]{0,249}")
_ID = re.compile(rf"([a-z0-9][a-z0-9-]{{0,249}})--{_UUID}")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", re.ASCII)

# STIX 2.1 §3.2: these have created and modified; what is new in 2.1 has a spec_version without exception.
_VERSIONED_SINCE_2_0 = frozenset(
    {
        "attack-pattern",
        "campaign",
        "course-of-action",
        "identity",
        "indicator",
        "intrusion-set",
        "malware",
        "observed-data",
        "report",
        "threat-actor",
        "tool",
        "vulnerability",
        "relationship",
        "sighting",
    }
)
_VERSIONED_SINCE_2_1 = frozenset(
    {
        "extension-definition",
        "grouping",
        "infrastructure",
        "language-content",
        "location",
        "malware-analysis",
        "note",
        "opinion",
    }
)
# STIX 2.1 §6: observables have neither.
_OBSERVABLES = frozenset(
    {
        "artifact",
        "autonomous-system",
        "directory",
        "domain-name",
        "email-addr",
        "email-message",
        "file",
        "ipv4-addr",
        "ipv6-addr",
        "mac-addr",
        "mutex",
        "network-traffic",
        "process",
        "software",
        "url",
        "user-account",
        "windows-registry-key",
        "x509-certificate",
    }
)
_MARKING = "marking-definition"
_SPEC_VERSIONS = frozenset(("2.0", "2.1"))


def is_standard(type_: str) -> bool:
    """Tell whether STIX itself has objects of that type, so that its parsers take them."""
    return type_ in _VERSIONED_SINCE_2_0 or type_ in _VERSIONED_SINCE_2_1 or type_ in _OBSERVABLES or type_ == _MARKING


def check(raw: bytes | Mapping[str, Any]) -> Item:
    """Take one object as a partner sent it, as JSON text or parsed, or raise ``Rejected``.

    What the specification does not know passes: types, extensions, properties. The text is kept value for value; only
    white space goes. No message repeats a value.
    """
    if not isinstance(raw, bytes):
        if not _finite(raw):
            _not_a_number("")
        return _look(raw, compact(raw))
    body, obj = _parse(raw)
    if not isinstance(obj, dict):
        raise Rejected("not-an-object", "A STIX object is a JSON object.")
    return _look(obj, body)


def id_and_version(raw: bytes) -> tuple[str | None, int | None]:
    """Say by which id and version a refused object could be known to its sender, as far as it has them."""
    try:
        _, obj = _parse(raw)
    except Rejected:
        return None, None
    if not isinstance(obj, dict):
        return None, None
    id_ = obj.get("id")
    named = id_ if isinstance(id_, str) and _ID.fullmatch(id_) else None
    for name in ("modified", "created"):
        try:
            moment = _moment(obj, name)
        except Rejected:
            continue
        if moment is not None:
            return named, moment
    return named, None


def _look(obj: Mapping[str, Any], body: bytes) -> Item:
    kind = _type(obj)
    _identifier(obj, kind)
    spec = _spec_version(obj, kind)
    version = _version(obj, kind)
    revoked = obj.get("revoked", False)
    if not isinstance(revoked, bool):
        raise Rejected("malformed-revoked", "The property revoked is true or false.")
    return Item(obj["id"], kind, spec, version, revoked, body)


def _type(obj: Mapping[str, Any]) -> str:
    kind = obj.get("type")
    if kind is None:
        raise Rejected("missing-type", "Every STIX object has a type.")
    if not isinstance(kind, str) or _TYPE.fullmatch(kind) is None:
        raise Rejected("malformed-type", "A type is lower-case letters, digits and hyphens.")
    if kind == "bundle":
        raise Rejected("bundle", "A bundle is no object of a collection; send the objects in it.")
    return kind


def _identifier(obj: Mapping[str, Any], kind: str) -> None:
    id_ = obj.get("id")
    if id_ is None:
        raise Rejected("missing-id", "Every STIX object has an id.")
    match = _ID.fullmatch(id_) if isinstance(id_, str) else None
    if match is None:
        raise Rejected("malformed-id", "An id is the object's type, two hyphens and a UUID.")
    if match[1] != kind:
        raise Rejected("id-of-another-type", "The id has to begin with the object's type.")


def _spec_version(obj: Mapping[str, Any], kind: str) -> str:
    said = obj.get("spec_version")
    if "spec_version" not in obj:
        if kind in _VERSIONED_SINCE_2_1:
            raise Rejected("missing-spec-version", f"An object of type {kind} has a spec_version.")
        return spec_version(obj)
    if not isinstance(said, str) or said not in _SPEC_VERSIONS:
        raise Rejected("unknown-spec-version", "The spec_version is 2.1; STIX 2.0 objects have none.")
    return said


def _version(obj: Mapping[str, Any], kind: str) -> int | None:
    created, modified = _moment(obj, "created"), _moment(obj, "modified")
    if kind in _OBSERVABLES and created is None and modified is None:
        return None
    versioned = kind in _VERSIONED_SINCE_2_0 or kind in _VERSIONED_SINCE_2_1
    # A type that the specification does not know has both, or, as an observable, neither.
    if created is None and (versioned or kind == _MARKING or modified is not None):
        raise Rejected("missing-created", "An object with versions has the property created.")
    if modified is None and (versioned or (created is not None and kind != _MARKING)):
        raise Rejected("missing-modified", "An object with versions has the property modified.")
    if created is not None and modified is not None and modified < created:
        raise Rejected("modified-before-created", "The property modified is not before created.")
    return created if modified is None else modified


def _moment(obj: Mapping[str, Any], name: str) -> int | None:
    text = obj.get(name)
    if name not in obj:
        return None
    if not isinstance(text, str) or _STAMP.fullmatch(text) is None:
        raise Rejected(f"malformed-{name}", f"The property {name} is a timestamp like 2026-01-31T09:30:00.000Z.")
    try:
        return parse(text)
    except ValueError as error:
        raise Rejected(f"malformed-{name}", f"The property {name} is no moment of the calendar.") from error


def _parse(raw: bytes) -> tuple[bytes, Any]:
    """Read JSON text: the text without white space, and its value."""
    try:
        body = msgspec.json.format(raw, indent=-1)
        obj = msgspec.json.decode(body)
        # What is written back as it came has lost nothing, so no key was given twice.
        if msgspec.json.encode(obj) == body:
            return body, obj
        # Every key ends in `":`. Where that is found no more often than there are keys, none was given twice; strings
        # may hold it too, and then the careful reader looks.
        if body.count(b'":') == _count_keys(obj):
            return body, obj
    except (msgspec.MsgspecError, ValueError, RecursionError):
        # Numbers out of range and lone surrogates are JSON too; NaN is not.
        pass
    return _parse_carefully(raw)


def _parse_carefully(raw: bytes) -> tuple[bytes, Any]:
    try:
        text = raw.decode()
        obj = json.loads(text, object_pairs_hook=_unique, parse_constant=_not_a_number, parse_int=str, parse_float=str)
        return _strip(text).encode(), obj
    except RecursionError as error:
        raise Rejected("too-deep", "The object is nested too deeply.") from error
    except ValueError as error:
        raise Rejected("malformed-json", "The object is not JSON.") from error


_OUTSIDE = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+', re.DOTALL)


def _strip(text: str) -> str:
    return _OUTSIDE.sub(lambda match: match[1] or "", text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    obj = dict(pairs)
    if len(obj) != len(pairs):
        _twice()
    return obj


def _not_a_number(_name: str) -> NoReturn:
    raise Rejected("not-a-number", "NaN and Infinity are not JSON.")


def _twice() -> NoReturn:
    raise Rejected("duplicate-key", "A property is given twice.")


def _finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(_finite(inner) for inner in value.values())
    return not isinstance(value, list | tuple) or all(_finite(inner) for inner in value)


def _count_keys(value: Any) -> int:
    """Count the keys of all objects in ``value``."""
    if isinstance(value, dict):
        total = len(value)
        for inner in value.values():
            if isinstance(inner, dict | list):
                total += _count_keys(inner)
        return total
    return (
        sum(_count_keys(inner) for inner in value if isinstance(inner, dict | list)) if isinstance(value, list) else 0
    )
