"""Values that this hub itself knows as harmless: partners' own values, and values that the operator delisted."""

import re
from collections.abc import Iterable, Iterator, Mapping

from schemas import value_names
from schemas.report import Report
from server.release.fuse.statements import ReportedValue
from server.release.guard.allowlists.catalogue import AllowlistMatch
from server.release.reasons import Reason
from server.store import reviews, value_index
from server.store.database.engine import Tx
from server.store.erasure import erased

_URL_HOST = re.compile(r"[a-z][a-z0-9+.-]*://([^/:?#\[]+)")


def match_own_values(own: Mapping[str, str], report: Report) -> AllowlistMatch | None:
    """Match a value that a partner registered as its own, or that is on a host below a partner's own domain.

    ``own`` has the partners' names by the subjects of their values.
    """
    if own and any(subject in own for subject in subjects_of(report)):
        return AllowlistMatch(Reason.PARTNERS_OWN.code, Reason.PARTNERS_OWN.text())
    return None


def delist(tx: Tx, values: Iterable[ReportedValue]) -> None:
    """Record as delisted those of ``values`` of which no report stands: each later report is held for review."""
    reviews.delist(tx, {_first_name(value.subject) for value in values if not value.statements})


def forget_delisted(tx: Tx, values: Iterable[ReportedValue]) -> None:
    """Let reports of ``values``, in any spelling, pass again."""
    reviews.relist(tx, {name for value in values for name in value_names.names_of(*_kind_and_value(value.subject))})


def find_delisted(
    tx: Tx, reports: Iterable[Report], *, has_delisted: bool, has_erased: bool
) -> frozenset[tuple[str, str]]:
    """Return kind and value of those ``reports`` whose value was delisted or erased, in this spelling or another.

    Nothing is looked up where the hub has no delisted value, or no erased one.
    """
    if not (has_delisted or has_erased):
        return frozenset()
    names_of = {(report.kind, report.value): value_names.names_of(report.kind, report.value) for report in reports}
    names = {name for of_value in names_of.values() for name in of_value}
    found = reviews.delisted_among(tx, names) if has_delisted else set()
    if has_erased:
        found |= erased.erased_among(tx, names)
    return frozenset(value for value, names in names_of.items() if not found.isdisjoint(names))


def _first_name(subject: str) -> str:
    return value_names.names_of(*_kind_and_value(subject))[0]


def _kind_and_value(subject: str) -> tuple[str, str]:
    kind, _, value = subject.partition(":")
    return kind, value


def subjects_of(report: Report) -> Iterator[str]:
    """Yield the subject of a reported value, then those of its host and of each domain above that."""
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
        case "url" if found := _URL_HOST.match(report.value):
            return found[1]
    return ""
