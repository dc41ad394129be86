"""A trial of the guard: which of its lists would hold a report of a value, and why."""

from typing import NamedTuple

from pydantic import ValidationError

from schemas import kinds, timestamp
from schemas.errors import Rejected
from schemas.refang import refang
from schemas.report import Report
from schemas.tabular import ReportReader
from server.release.guard.allowlists import hub_values
from server.release.guard.harmless import match_harmless
from server.release.hub import Hub
from server.release.reasons import Reason
from server.store.database.engine import Tx
from server.store.database.times import now


class GuardTrial(NamedTuple):
    """The guard's decision on a report of a value as one of a kind: the rule that holds it, None if no rule does.

    ``message`` is the message to the sender.
    """

    kind: str
    value: str
    rule: str | None = None
    message: str = ""


def try_value(hub: Hub, tx: Tx, text: str) -> list[GuardTrial]:
    """Try a value, in any spelling, as each kind that accepts it; nothing is stored. Raises ``Rejected`` if
    none does.
    """
    reports = _reports(text)
    if not reports:
        raise Rejected("not-a-value", "this is not a value of any kind")
    return [try_report(hub, tx, report) for report in reports]


def try_report(hub: Hub, tx: Tx, report: Report) -> GuardTrial:
    """Try one report; nothing is stored."""
    facts = hub.facts.at(tx)
    found = (report.kind, report.value)
    has = {"has_delisted": facts.has_delisted, "has_erased": facts.has_erased}
    if found in hub_values.find_delisted(tx, [report], **has):
        return GuardTrial(*found, Reason.DELISTED.code, Reason.DELISTED.text())
    match = match_harmless(hub.allowlists, facts, report, now())
    return GuardTrial(*found, match.list, match.message) if match else GuardTrial(*found)


def _reports(text: str) -> list[Report]:
    """Return a report of the text for each kind that recognises it; if there is none, for each kind that accepts it."""
    plain = refang(text)
    every = kinds.every().values()
    recognised = [kind for kind in every if kind.recognises(plain)]
    found: dict[tuple[str, str], Report] = {}
    for kind in recognised or every:
        reader = ReportReader({"reporter": "hub", "kind": kind.name, "reported_at": timestamp.text(timestamp.now())})
        try:
            report = reader.report({"value": plain})
        except (Rejected, ValidationError):
            continue
        found.setdefault((report.kind, report.value), report)
    return list(found.values())
