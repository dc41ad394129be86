"""The common rules for STIX objects of every type."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

from schemas.errors import Rejected
from server.release.reasons import Reason
from server.store.database.times import parse
from server.store.item import Item, compact, spec_version

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_TYPE = re.compile(r"[a-z0-9][a-z0-9-]{0,249}")
_ID = re.compile(rf"([a-z0-9][a-z0-9-]{{0,249}})--{_UUID}")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", re.ASCII)

# STIX 2.1 §3.2: these types have created and modified. Types that are new in 2.1 always have a spec_version.
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
# STIX 2.1 §6: observables have neither created nor modified.
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
_MALFORMED = {"created": Reason.MALFORMED_CREATED, "modified": Reason.MALFORMED_MODIFIED}
_SPEC_VERSIONS = frozenset(("2.0", "2.1"))


def is_standard(type_: str) -> bool:
    """Return whether STIX 2.1 defines this type, so that every STIX parser can read its objects."""
    return type_ in _VERSIONED_SINCE_2_0 or type_ in _VERSIONED_SINCE_2_1 or type_ in _OBSERVABLES or type_ == _MARKING


def check(raw: bytes | Mapping[str, Any]) -> Item:
    """Check one object as a partner sent it, JSON text or parsed, and return it as an item. Raises ``Rejected``.

    Types, extensions and properties unknown to the specification pass. The text keeps every value as sent, without
    white space. Messages never repeat a value.
    """
    if not isinstance(raw, bytes):
        if not _finite(raw):
            _not_a_number("")
        return _checked(raw, compact(raw))
    body, obj = _parse(raw)
    if not isinstance(obj, dict):
        raise Reason.NOT_AN_OBJECT.rejected()
    return _checked(obj, body)


def id_and_version(raw: bytes) -> tuple[str | None, int | None]:
    """Return id and version of a refused object, so that its sender can recognise it; each is None if missing."""
    try:
        _, obj = _parse(raw)
    except Rejected:
        return None, None
    if not isinstance(obj, dict):
        return None, None
    id_ = obj.get("id")
    valid_id = id_ if isinstance(id_, str) and _ID.fullmatch(id_) else None
    for name in ("modified", "created"):
        try:
            moment = _moment(obj, name)
        except Rejected:
            continue
        if moment is not None:
            return valid_id, moment
    return valid_id, None


def _checked(obj: Mapping[str, Any], body: bytes) -> Item:
    kind = _type(obj)
    _identifier(obj, kind)
    spec = _spec_version(obj, kind)
    version = _version(obj, kind)
    revoked = obj.get("revoked", False)
    if not isinstance(revoked, bool):
        raise Reason.MALFORMED_REVOKED.rejected()
    return Item(obj["id"], kind, spec, version, revoked, body)


def _type(obj: Mapping[str, Any]) -> str:
    kind = obj.get("type")
    if kind is None:
        raise Reason.MISSING_TYPE.rejected()
    if not isinstance(kind, str) or _TYPE.fullmatch(kind) is None:
        raise Reason.MALFORMED_TYPE.rejected()
    if kind == "bundle":
        raise Reason.BUNDLE.rejected()
    return kind


def _identifier(obj: Mapping[str, Any], kind: str) -> None:
    id_ = obj.get("id")
    if id_ is None:
        raise Reason.MISSING_ID.rejected()
    match = _ID.fullmatch(id_) if isinstance(id_, str) else None
    if match is None:
        raise Reason.MALFORMED_ID.rejected()
    if match[1] != kind:
        raise Reason.ID_OF_ANOTHER_TYPE.rejected()


def _spec_version(obj: Mapping[str, Any], kind: str) -> str:
    given = obj.get("spec_version")
    if "spec_version" not in obj:
        if kind in _VERSIONED_SINCE_2_1:
            raise Reason.MISSING_SPEC_VERSION.rejected(type=kind)
        return spec_version(obj)
    if not isinstance(given, str) or given not in _SPEC_VERSIONS:
        raise Reason.UNKNOWN_SPEC_VERSION.rejected()
    return given


def _version(obj: Mapping[str, Any], kind: str) -> int | None:
    created, modified = _moment(obj, "created"), _moment(obj, "modified")
    _check_presence(kind, created, modified)
    if created is not None and modified is not None and modified < created:
        raise Reason.MODIFIED_BEFORE_CREATED.rejected()
    return created if modified is None else modified


def _check_presence(kind: str, created: int | None, modified: int | None) -> None:
    """Refuse an object without ``created`` or ``modified``, if its type has them."""
    if kind in _OBSERVABLES and created is None and modified is None:
        return
    is_versioned = kind in _VERSIONED_SINCE_2_0 or kind in _VERSIONED_SINCE_2_1
    # A type unknown to the specification has both properties, or neither like an observable.
    needs_created = is_versioned or kind == _MARKING or modified is not None
    needs_modified = is_versioned or (created is not None and kind != _MARKING)
    if created is None and needs_created:
        raise Reason.MISSING_CREATED.rejected()
    if modified is None and needs_modified:
        raise Reason.MISSING_MODIFIED.rejected()


def _moment(obj: Mapping[str, Any], name: str) -> int | None:
    text = obj.get(name)
    if name not in obj:
        return None
    if not isinstance(text, str) or _STAMP.fullmatch(text) is None:
        raise _MALFORMED[name].rejected()
    try:
        return parse(text)
    except ValueError as error:
        raise _MALFORMED[name].rejected() from error


def _parse(raw: bytes) -> tuple[bytes, Any]:
    """Return JSON text without white space, and its value. Raises ``Rejected``."""
    try:
        body = msgspec.json.format(raw, indent=-1)
        obj = msgspec.json.decode(body)
        # Encoding returns the same text, so decoding lost nothing and no key was given twice.
        if msgspec.json.encode(obj) == body:
            return body, obj
        # Every key ends in `":`. If the text contains that as often as there are keys, no key was given twice. Strings
        # may contain it too; then the careful parser decides.
        if body.count(b'":') == _count_keys(obj):
            return body, obj
    except (msgspec.MsgspecError, ValueError, RecursionError):
        # Numbers out of range and lone surrogates are JSON too; NaN is not. The careful parser decides.
        pass
    return _parse_carefully(raw)


def _parse_carefully(raw: bytes) -> tuple[bytes, Any]:
    try:
        text = raw.decode()
        obj = json.loads(text, object_pairs_hook=_unique, parse_constant=_not_a_number, parse_int=str, parse_float=str)
        return _strip(text).encode(), obj
    except RecursionError as error:
        raise Reason.TOO_DEEP.rejected() from error
    except ValueError as error:
        raise Reason.NOT_JSON.rejected() from error


_OUTSIDE = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+', re.DOTALL)


def _strip(text: str) -> str:
    return _OUTSIDE.sub(lambda match: match[1] or "", text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    obj = dict(pairs)
    if len(obj) != len(pairs):
        raise Reason.DUPLICATE_KEY.rejected()
    return obj


def _not_a_number(_name: str) -> NoReturn:
    raise Reason.NOT_A_NUMBER.rejected()


def _finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(_finite(inner) for inner in value.values())
    return not isinstance(value, list | tuple) or all(_finite(inner) for inner in value)


def _count_keys(value: Any) -> int:
    """Return the number of keys of all objects in ``value``."""
    if isinstance(value, dict):
        total = len(value)
        for inner in value.values():
            if isinstance(inner, dict | list):
                total += _count_keys(inner)
        return total
    return (
        sum(_count_keys(inner) for inner in value if isinstance(inner, dict | list)) if isinstance(value, list) else 0
    )
