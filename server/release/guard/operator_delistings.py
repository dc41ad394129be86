"""What the operator found to be no scam's: a report of it, in any spelling and by anybody, waits for a person."""

from collections.abc import Iterable

from schemas import value_names
from schemas.report import Report
from server.release.fuse.statements import ReportedValue
from server.store import delisted
from server.store.store import Tx

DELISTED = "delisted"
DELISTED_MESSAGE = (
    "this hub's operator found this value to be no scam's, in this spelling or another: somebody looks at it; say in "
    "the description what is new"
)


def delist(tx: Tx, values: Iterable[ReportedValue]) -> None:
    """Remember of these values, as far as nobody's report of them stands, that they are no scam's."""
    delisted.note(tx, {_name(value.subject) for value in values if not value.claims})


def forget_delisted(tx: Tx, values: Iterable[ReportedValue]) -> None:
    """Let reports of these values be heard again, in each spelling."""
    delisted.forget(tx, {name for value in values for name in value_names.names(*_kind_and_value(value.subject))})


def find_delisted(tx: Tx, reports: Iterable[Report]) -> frozenset[tuple[str, str]]:
    """Return the kinds and values of those of the reports that are of a delisted value."""
    if not delisted.has_any(tx):
        return frozenset()
    names = {(report.kind, report.value): value_names.names(report.kind, report.value) for report in reports}
    there = delisted.among(tx, {name for each in names.values() for name in each})
    return frozenset(of for of, each in names.items() if not there.isdisjoint(each))


def _name(subject: str) -> str:
    return value_names.names(*_kind_and_value(subject))[0]


def _kind_and_value(subject: str) -> tuple[str, str]:
    kind, _, value = subject.partition(":")
    return kind, value
