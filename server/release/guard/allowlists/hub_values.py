"""Values that this hub itself knows as harmless: partners' own values, and values that the operator delisted."""

import re
from collections.abc import Iterable, Iterator, Mapping

from schemas.report import Report
from schemas.site import names_of, spellings_of
from server.release.fuse.statements import ReportedValue
from server.release.guard.allowlists.catalogue import AllowlistMatch
from server.release.reasons import Reason
from server.store import erased, reviews, value_index
from server.store.database.engine import Tx

_URL_HOST = re.compile(r"[a-z][a-z0-9+.-]*://([^/:?#\[]+)")


def match_own_values(own: Mapping[str, str], report: Report) -> AllowlistMatch | None:
    """Match a value that a partner registered as its own, or a host below a partner's own domain.

    ``own`` has the partners' names by the subjects of their values.
    """
    if own and any(subject in own for subject in subjects_of(report)):
        return AllowlistMatch(Reason.PARTNERS_OWN.code, Reason.PARTNERS_OWN.text())
    return None


def delist(tx: Tx, values: Iterable[ReportedValue]) -> None:
    """Record as delisted those ``values`` that no partner of this hub reports: each later report is held for review."""
    reviews.delist(tx, {_first_name(value.subject) for value in values if not value.own})


def forget_delisted(tx: Tx, values: Iterable[ReportedValue]) -> None:
    """Let reports of ``values``, in any spelling, pass again."""
    reviews.relist(tx, {name for value in values for name in names_of(*_kind_and_value(value.subject))})


def find_delisted(
    tx: Tx, reports: Iterable[Report], *, has_delisted: bool, has_erased: bool
) -> frozenset[tuple[str, str]]:
    """Return kind and value of those ``reports`` whose value was delisted or erased, in this or another spelling.

    If the hub has no delisted or no erased values, these are not looked up.
    """
    if not (has_delisted or has_erased):
        return frozenset()
    spelled = {(report.kind, report.value): spellings_of(report.kind, report.value) for report in reports}
    names = {name for of_value in spelled.values() for name in of_value}
    found = reviews.delisted_among(tx, names) if has_delisted else set()
    if has_erased:
        found |= erased.erased_among(tx, names)
    return frozenset(value for value, names in spelled.items() if not found.isdisjoint(names))


def delisted_subjects(tx: Tx, subjects: Iterable[str]) -> set[str]:
    """Return those values that are delisted, in this or another spelling."""
    names = {subject: spellings_of(*_kind_and_value(subject)) for subject in subjects}
    found = reviews.delisted_among(tx, {name for of_value in names.values() for name in of_value})
    return {subject for subject, of_value in names.items() if not found.isdisjoint(of_value)}


def _first_name(subject: str) -> str:
    return names_of(*_kind_and_value(subject))[0]


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
