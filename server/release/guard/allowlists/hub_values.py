"""Values that this hub itself knows as harmless: partners' own values, and values that the operator delisted."""

import re
from collections.abc import Iterable, Iterator, Mapping

from schemas import value_names
from schemas.report import Report
from server.release.fuse.statements import ReportedValue
from server.release.guard.allowlists.catalogue import AllowlistMatch
from server.store import reviews, value_index
from server.store.engine import Tx

DELISTED = "delisted"
DELISTED_MESSAGE = (
    "this hub's operator found this value to be no scam's, in this spelling or another: somebody looks at it; say in "
    "the description what is new"
)


def delist(tx: Tx, values: Iterable[ReportedValue]) -> None:
    """Remember of these values, as far as nobody's report of them stands, that they are no scam's."""
    reviews.delist(tx, {_name(value.subject) for value in values if not value.claims})


def forget_delisted(tx: Tx, values: Iterable[ReportedValue]) -> None:
    """Let reports of these values be heard again, in each spelling."""
    reviews.relist(tx, {name for value in values for name in value_names.names(*_kind_and_value(value.subject))})


def find_delisted(tx: Tx, reports: Iterable[Report]) -> frozenset[tuple[str, str]]:
    """Return the kinds and values of those of the reports that are of a delisted value."""
    if not reviews.has_delisted(tx):
        return frozenset()
    names = {(report.kind, report.value): value_names.names(report.kind, report.value) for report in reports}
    there = reviews.delisted_among(tx, {name for each in names.values() for name in each})
    return frozenset(of for of, each in names.items() if not there.isdisjoint(each))


def _name(subject: str) -> str:
    return value_names.names(*_kind_and_value(subject))[0]


def _kind_and_value(subject: str) -> tuple[str, str]:
    kind, _, value = subject.partition(":")
    return kind, value


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
    yield value_index.subject_of(report.kind, report.value)
    host = _host(report)
    while host:
        yield value_index.subject_of("domain", host)
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
