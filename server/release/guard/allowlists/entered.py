"""The allowlist that operators enter by hand: entries with a reason and an optional end, and the values they hold."""

from collections.abc import Mapping
from datetime import timedelta

from pydantic import ValidationError

from schemas.errors import Rejected
from schemas.records import Subject
from schemas.report import Report
from server.release.guard.allowlists.catalogue import AllowlistMatch
from server.release.guard.allowlists.hub_values import subjects_of
from server.release.reasons import Reason
from server.store import value_index
from server.store.allowlist.entries import AllowlistEntry
from server.store.database.times import now

LONGEST_REASON = 200
MOST_DAYS = 3_650
_DAY = timedelta(days=1) // timedelta(microseconds=1)


class BadEntry(ValueError):
    """The entry cannot be made; the message says what to change."""


def entry_of(value: str, reason: str, by: str, *, days: int | None = None, below: bool = False) -> AllowlistEntry:
    """Return the entry of a value, with or without its kind in front, for some days or for ever. Raises
    ``BadEntry``.
    """
    kind, subject = read_subject(value)
    reason = " ".join(reason.split())
    if not reason or len(reason) > LONGEST_REASON:
        raise BadEntry(f"reason: 1 to {LONGEST_REASON} characters that explain why the value is harmless")
    if below and kind != "domain":
        raise BadEntry("only a domain has hosts below it")
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise BadEntry(f"days: 1 to {MOST_DAYS}, or none for an entry without an end")
    moment = now()
    return AllowlistEntry(subject, below, reason, by, moment, None if days is None else moment + days * _DAY)


def read_subject(value: str) -> tuple[str, str]:
    """Return the kind of a value, with or without its kind in front, and its name in the index. Raises ``BadEntry``."""
    try:
        subject = Subject.model_validate(value)
    except Rejected as refusal:
        raise BadEntry(f"value: {refusal.message}") from None
    except ValidationError as error:
        raise BadEntry(f"value: {error.errors(include_input=False)[0]['msg']}") from None
    if subject.kind is None or subject.value is None:
        raise BadEntry("value: an object's id is not a value; give the domain or the account itself")
    return subject.kind, value_index.subject_of(subject.kind, subject.value)


def match_entry(allowed: Mapping[str, AllowlistEntry], report: Report, moment: int) -> AllowlistMatch | None:
    """Match a value that has an entry at that moment (microseconds), or a host below a domain that has one."""
    if not allowed:
        return None
    for place, subject in enumerate(subjects_of(report)):
        entry = allowed.get(subject)
        if entry is not None and (entry.below or not place) and (entry.until is None or entry.until > moment):
            return AllowlistMatch(Reason.OPERATORS_ENTRY.code, Reason.OPERATORS_ENTRY.text())
    return None
