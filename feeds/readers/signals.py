"""Signals of exchanges: their types by kind, and a report as a signal."""

from datetime import UTC
from typing import Any

from schemas.report import Report
from schemas.vocabulary import ScamType

# The types of the Global Signal Exchange, by kind.
GSE_TYPES = {"url": "url", "domain": "domain name", "ip": "ip address"}
# The kinds of ThreatExchange's types:
# https://developers.facebook.com/docs/threat-exchange/reference/apis/indicator-type
THREAT_TYPES = {
    "DOMAIN": "domain",
    "URI": "url",
    "RAW_URI": "url",
    "UNCLICKABLE_URL": "url",
    "EMAIL_ADDRESS": "email",
    "IP_ADDRESS": "ip",
}


def signal_of(report: Report) -> dict[str, Any]:
    """Return a report of one of the ``GSE_TYPES`` as a signal."""
    abuse = "impersonation" if report.scam_type.startswith("impersonation-") else "scam"
    signal: dict[str, Any] = {
        "signal": report.value,
        "report_date": report.reported_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "abuse_type": "phishing" if report.scam_type == ScamType.CREDENTIAL_PHISHING else abuse,
        "signal_type": GSE_TYPES[report.kind],
    }
    if report.confidence is not None:
        signal["confidence_score"] = report.confidence
    return signal
