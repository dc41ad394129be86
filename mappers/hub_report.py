"""Hub reports as STIX indicators: written from known fields, and the value that one names."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from mappers import annotation, extension, kinds, marking, pattern
from mappers.report_reader import from_stix
from schemas import timestamp
from schemas.errors import Rejected
from schemas.hub_report import HubReport, SignedReport
from schemas.kind import Normal
from schemas.report import Consensus, Report
from schemas.vocabulary import Tlp

_SUSPECTED, _UNKNOWN = ["malicious-activity"], ["unknown"]
# The properties of a report's context that a hub report may have.
_CONTEXT = (
    *("kind", "scam_category", "scam_type", "scam_types", "channel", "payment_rail", "requested_action"),
    *("reporters", "countries", "details", "evidence", "first_seen", "last_seen"),
)
_MOST_EVIDENCE = 20


def to_stix(
    report: HubReport,
    consensus: Consensus,
    id_: str,
    hub: str,
    *,
    tlp: Tlp,
    created: datetime,
    modified: str,
    until: datetime,
) -> dict[str, Any]:
    """Return a hub report as an indicator of the identity ``hub``, still to be signed.

    ``consensus`` is the origin's own, without wording. A hub report without reporter entries has confidence 0, and asks
    nothing of readers that do not know hubs.
    """
    accuses = bool(report.reports)
    value = kinds.every()[consensus.kind].terms(Normal(consensus.value, consensus.details))
    first_seen, last_seen = (
        timestamp.text(moment) if moment and accuses else None for moment in (consensus.first_seen, consensus.last_seen)
    )
    context = extension.build(
        kind=consensus.kind,
        details=dict(consensus.details),
        **(
            {
                "scam_type": consensus.scam_type,
                "scam_types": consensus.scam_types,
                "channel": consensus.channel,
                "payment_rail": consensus.payment_rail,
                "requested_action": consensus.grade,
                "reporters": consensus.reporters,
                "countries": consensus.countries,
                "evidence": [{"sha256": proof.sha256} for proof in consensus.evidence[:_MOST_EVIDENCE]],
                "first_seen": first_seen,
                "last_seen": last_seen,
            }
            if accuses
            else {}
        ),
    )
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": id_,
        "created_by_ref": hub,
        "created": timestamp.text(created),
        "modified": modified,
        "indicator_types": _SUSPECTED if accuses else _UNKNOWN,
        "confidence": consensus.confidence if accuses else 0,
        "pattern": pattern.write(value),
        "pattern_type": "stix",
        "valid_from": timestamp.text(min(consensus.valid_from, created)),
        "valid_until": timestamp.text(max(until, created)),
        "object_marking_refs": [marking.ref(tlp)],
        **({"revoked": True} if report.is_empty else {}),
        "extensions": {extension.ID: {**context, "hub_report": property_of(report)}},
    }


def property_of(report: HubReport) -> dict[str, Any]:
    """Return the property ``hub_report``, without a signature."""
    unsigned = msgspec.structs.replace(report, key="", signature="")
    written: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(unsigned))
    return written


def ended(obj: Mapping[str, Any], report: HubReport, modified: str) -> dict[str, Any]:
    """Return the last version of a published hub report, still to be signed: revoked, without entries.

    For an erasure, all data about the value is left out too.
    """
    context = obj["extensions"][extension.ID]
    if report.erased is None:
        left = {name: context[name] for name in ("extension_type", "kind", "details") if name in context}
        bare = {name: value for name, value in obj.items() if name != "confidence"}
    else:
        left = {"extension_type": extension.TYPE}
        bare = annotation.tombstone(obj)
        bare = {name: bare[name] for name in obj if name in bare}
    return {
        **bare,
        "modified": modified,
        "revoked": True,
        "extensions": {extension.ID: {**left, "hub_report": property_of(report)}},
    }


def value_of(signed: SignedReport) -> Report:
    """Return the value and the facts of a hub report, as a report of its origin without entries.

    Raises ``Rejected`` for one that names no value of a known kind, or has facts of another form.
    """
    obj = {name: value for name, value in signed.obj.items() if name != "revoked"}
    context = dict(extension.context_of(obj))
    context.pop("hub_report", None)
    if any(proof.keys() != {"sha256"} for proof in context.get("evidence", ())):
        raise Rejected("hub-report-form", "evidence in a hub report consists of hashes")
    report = from_stix({**obj, "extensions": {extension.ID: context}})
    if pattern.write(kinds.every()[report.kind].terms(Normal(report.value, report.details))) != obj["pattern"]:
        raise Rejected("hub-report-form", "the pattern is not the canonical one of its value")
    return report
