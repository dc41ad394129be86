"""Write a report as XARF v4 (https://xarf.org), validated against its published schemas."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from schemas.vocabulary import ScamType
from server.features.dispatch.records import Dispatch
from server.features.registries.names import host_of

_VERSION = "4.2.0"
# The words of XARF for the types of a page that defrauds; all others are "other".
_FRAUD: Mapping[str, str] = MappingProxyType(
    {
        ScamType.INVESTMENT: "investment",
        ScamType.MERCHANDISE: "shopping",
        ScamType.PROPERTY_RENTAL: "shopping",
        ScamType.EMPLOYMENT_TASK: "employment",
        ScamType.MULE_RECRUITMENT: "employment",
        ScamType.ADVANCE_FEE_PRIZE: "advance_fee",
        ScamType.CHARITY: "charity",
        ScamType.IMPERSONATION_GOVERNMENT: "government_impersonation",
        ScamType.IMPERSONATION_TECH_SUPPORT: "tech_support",
        ScamType.ROMANCE: "romance",
        ScamType.CRYPTO_DRAINER: "cryptocurrency",
    }
)
_DOMAIN = re.compile(r"^([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,}$")


class InvalidReport(ValueError):
    """A report does not follow XARF; the message names its fields."""


def xarf_of(row: Dispatch, made: int, organisation: str, sender: str) -> dict[str, Any]:
    """Return a report as XARF. Raises ``InvalidReport``.

    It has only what the public listing says: no reporter, no text of a partner, and no person. ``made`` is the moment
    of the mail in microseconds. The confidence is left out: the library reads only whole numbers there, and the schema
    wants a share of one.
    """
    facts, host = row.listed, host_of(row.subject)
    contact = {"org": organisation[:200], "contact": sender, "domain": sender.rpartition("@")[2]}
    kind, type_ = str(facts["kind"]), str(facts["type"])
    report: dict[str, Any] = {
        "xarf_version": _VERSION,
        "report_id": str(UUID(hex=row.id, version=4)),
        "timestamp": _text(int(facts["since"])),
        "reporter": contact,
        "sender": contact,
        "source_identifier": host.host if host else row.value,
        "evidence_source": "threat_intelligence",
        "description": f"Listed as a scam ({type_}) by {organisation[:200]}. Reference {row.reference}.",
        "tags": [f"scam:{type_}"],
    }
    if kind == "ip":
        report |= {"category": "reputation", "type": "threat_intelligence", "threat_type": "fraud"}
    else:
        report |= {
            "category": "content",
            "url": row.value if kind == "url" else f"http://{row.value}/",
            "verified_at": _text(made),
            "verification_method": "threat_intelligence",
        }
        if type_ == ScamType.CREDENTIAL_PHISHING:
            report |= {"type": "phishing"}
        else:
            report |= {"type": "fraud", "fraud_type": _FRAUD.get(type_, "other")}
        if host is not None and _DOMAIN.fullmatch(host.host):
            report["domain"] = host.host
    return validated(report)


def validated(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report that follows XARF. Raises ``InvalidReport``."""
    # Reading its schemas takes a tenth of a second; a hub that sends no reports does not.
    from xarf import parse

    found = parse(report)
    if found.errors or found.report is None:
        raise InvalidReport(", ".join(sorted({error.field for error in found.errors})) or "category")
    return report


def _text(micros: int) -> str:
    return datetime.fromtimestamp(micros // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
