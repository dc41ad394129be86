"""What STIX has no property for: one property extension that carries the words of reports and records."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from mappers import identity, sharing_limits
from schemas import extension_schema, timestamp
from schemas.report import Report
from schemas.sharing import Sharing
from schemas.vocabulary import Action, scam_category

ID = "extension-definition--dec54698-24b9-4642-b284-0ebb7e140e8c"
PROJECT = "Scamfeed"
_TYPE = "property-extension"
_NOTHING: Mapping[str, Any] = MappingProxyType({})
# When what the definition says was last changed.
_MODIFIED = "2026-11-26T01:40:00.000Z"
_SAID = ("scam_type", "channel", "payment_rail", "holder_status", "reference", "first_seen", "last_seen", "countries")


def write(report: Report) -> dict[str, Any]:
    """Give the extension's properties for an indicator; those that the report leaves open are left out."""
    return of(
        kind=report.kind,
        scam_category=scam_category(report.scam_type),
        requested_action=report.action,  # STIX 2.1 §3.1 reserves "action"
        evidence=[proof.model_dump(exclude_none=True) for proof in report.evidence],
        sharing=sharing_limits.write(report.sharing),
        hold=report.hold.model_dump(mode="json", exclude_none=True) if report.hold else None,
        **{name: getattr(report, name) for name in _SAID},
    )


def read(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Give back the report's columns that ``write`` put into the extension.

    The hold that a hub passes on beside the word of several is none of the report that these come to.
    """
    columns = {name: properties[name] for name in (*_SAID, "evidence", "hold") if name in properties}
    if properties.get("reporters", 1) != 1 or ("grade" in properties and properties["grade"] == Action.BLOCK):
        columns.pop("hold", None)
    if "requested_action" in properties:
        columns["action"] = properties["requested_action"]
    return columns


def of(**words: Any) -> dict[str, Any]:
    """Give the extension's properties of some words, of which None and what is empty is left out."""
    return {
        "extension_type": _TYPE,
        **{name: _plain(word) for name, word in words.items() if word not in (None, (), [], {})},
    }


def found(stix_object: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the extension's properties that an object carries, none where it carries none."""
    extensions = stix_object.get("extensions")
    properties = extensions.get(ID) if isinstance(extensions, Mapping) else None
    return properties if isinstance(properties, Mapping) else {}


def sharing(stix_object: Mapping[str, Any], reporters: Mapping[str, str] = _NOTHING) -> Sharing | None:
    """Give the limits that an object of any type carries, None where it carries none; ``reporters`` names identities.

    Raises ``Rejected`` where they cannot be read: what is not understood cannot be kept.
    """
    return sharing_limits.of(found(stix_object), reporters)


def _plain(word: Any) -> Any:
    if isinstance(word, datetime):
        return timestamp.text(word)
    if isinstance(word, tuple):
        return list(word)
    return str(word) if isinstance(word, str) else word


def definition() -> dict[str, Any]:
    """Give the extension definition, which the specification asks to be shared with the objects that use it.

    Its ``schema`` is the JSON Schema itself, so that who has the objects can check them.
    """
    maker = identity.to_stix(PROJECT)
    return {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": ID,
        "created_by_ref": maker["id"],
        "created": maker["created"],
        "modified": _MODIFIED,
        "name": "Scam report context",
        "description": "What a scam report says beside its value: the scam's type, channel and payment rail, when it "
        "was seen, what is asked of the reader, the account holder's status, evidence by hash; and what became of it.",
        "schema": extension_schema.text(),
        "version": extension_schema.VERSION,
        "extension_types": [_TYPE],
        "object_marking_refs": maker["object_marking_refs"],
    }
