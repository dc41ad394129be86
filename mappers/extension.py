"""What STIX has no property for: one property extension that carries the report's own words."""

from collections.abc import Mapping
from typing import Any

from mappers import identity
from schemas import timestamp
from schemas.report import Report
from schemas.vocabulary import scam_category

ID = "extension-definition--dec54698-24b9-4642-b284-0ebb7e140e8c"
PROJECT = "Scamfeed"
_TIMES = ("first_seen", "last_seen")
_WORDS = ("scam_type", "channel", "payment_rail", "holder_status", "reference")


def write(report: Report) -> dict[str, Any]:
    """Give the extension's properties for an indicator; those that the report leaves open are left out."""
    properties: dict[str, Any] = {
        "extension_type": "property-extension",
        "kind": report.kind,
        "scam_category": scam_category(report.scam_type),
    }
    for name in _WORDS:
        if (word := getattr(report, name)) is not None:
            properties[name] = str(word)
    for name in _TIMES:
        if (moment := getattr(report, name)) is not None:
            properties[name] = timestamp.text(moment)
    if report.action is not None:
        properties["requested_action"] = report.action.value  # STIX 2.1 §3.1 reserves "action"
    if report.countries:
        properties["countries"] = list(report.countries)
    if report.evidence:
        properties["evidence"] = [proof.model_dump(exclude_none=True) for proof in report.evidence]
    return properties


def read(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Give back the report's columns that ``write`` put into the extension."""
    columns = {name: properties[name] for name in (*_WORDS, *_TIMES, "countries", "evidence") if name in properties}
    if "requested_action" in properties:
        columns["action"] = properties["requested_action"]
    return columns


def definition() -> dict[str, Any]:
    """Give the extension definition, which the specification asks to be shared with the objects that use it."""
    maker = identity.to_stix(PROJECT)
    return {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": ID,
        "created_by_ref": maker["id"],
        "created": maker["created"],
        "modified": maker["modified"],
        "name": "Scam report context",
        "description": "What a scam report says beside its value: the scam's type, channel and payment rail, when it "
        "was seen, what is asked of the reader, the account holder's status, evidence by hash.",
        "schema": "https://scamfeed.invalid/schemas/scam-report-context.schema.json",
        "version": "1.0.0",
        "extension_types": ["property-extension"],
        "object_marking_refs": maker["object_marking_refs"],
    }
