"""Whether a reported value is a partner's own, as it registered it: its domain and what is below that, its accounts."""

import re
from collections.abc import Iterator, Mapping

from schemas.report import Report
from server.release.guard.allowlists.hit import AllowlistMatch
from server.store import mentions

_HOST = re.compile(r"[a-z][a-z0-9+.-]*://([^/:?#\[]+)")
PARTNERS_OWN = "partners-own"


def match_own_values(own: Mapping[str, str], report: Report) -> AllowlistMatch | None:
    """Give a hit where the value is one of ``own``, partners by subject, or on a host that is."""
    if own and any(subject in own for subject in _subjects(report)):
        return AllowlistMatch(
            PARTNERS_OWN, "this is a partner's own, as it registered it: somebody looks at it with that partner"
        )
    return None


def _subjects(report: Report) -> Iterator[str]:
    yield mentions.subject(report.kind, report.value)
    host = _host(report)
    while host:
        yield mentions.subject("domain", host)
        host = host.partition(".")[2]


def _host(report: Report) -> str:
    match report.kind:
        case "domain":
            return report.value
        case "email":
            return report.value.partition("@")[2]
        case "url" if found := _HOST.match(report.value):
            return found[1]
    return ""
