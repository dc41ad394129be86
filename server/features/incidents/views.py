"""An incident as pages, commands and the API show it: a partner sees its own reports, and no other partner."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select

from server.features.incidents import action, carrying_out, records
from server.features.incidents.records import Decision, Incident, IncidentDecision, PlacedReport
from server.store import collections, inbox
from server.store.database.engine import Tx
from server.store.database.times import stamp
from server.store.proposals.proposals import Proposal
from server.store.release_tables import receipts, retractions

_OF_PARTNERS = ("values", "without_report", "kinds", "states", "first", "last")


class DecisionProgress(NamedTuple):
    """A decision with its progress: ``state`` is running, paused or done; ``left_out`` are numbers by reason."""

    decision: IncidentDecision
    state: str
    done: int
    left_out: Mapping[str, int]

    @property
    def handled(self) -> int:
        """Return the number of reports that were looked at."""
        return self.done + sum(self.left_out.values())


class ReaderReceipts(NamedTuple):
    """The receipts of a reader for the delistings of an incident, and how many of them are closed."""

    reader: str
    receipts: int
    closed: int
    last_closed: int | None


class IncidentView(NamedTuple):
    """An incident with its decisions, its open proposal, the possible decisions, and its receipts.

    ``partners`` and ``receipts`` are empty for a partner, and so are the collections in the summary. ``unconfirmed``
    and the listed values are of the collections that it may read.
    """

    incident: Incident
    summary: Mapping[str, Any]
    partners: Mapping[str, int]
    decisions: Sequence[DecisionProgress]
    proposal: Proposal | None
    possible: Sequence[Decision]
    receipts: Sequence[ReaderReceipts]
    unconfirmed: int

    @property
    def state(self) -> str:
        """Return selecting, ready, proposed, or the state of the last decision."""
        if self.decisions and self.decisions[-1].state != "done":
            return self.decisions[-1].state
        if self.proposal is not None:
            return "proposed"
        return "done" if self.decisions else self.incident.state


def view(tx: Tx, found: Incident, partner: str | None) -> IncidentView:
    """Return an incident as a partner, or else an operator, sees it."""
    decisions = [_progress(tx, one) for one in records.decisions_of(tx, [found.id]).get(found.id, [])]
    known = receipts_of(tx, found, partner) if decisions else []
    summary = dict(found.summary)
    if partner is not None:
        summary = {name: summary[name] for name in _OF_PARTNERS} | {"listed": summary.get("listed_to_owner", 0)}
    last = decisions[-1] if decisions else None
    may_decide = found.state == "ready" and (last is None or last.state == "done")
    return IncidentView(
        found,
        summary,
        {} if partner is not None else records.partners_of(tx, found.id),
        decisions,
        action.open_proposal(tx, found.id),
        carrying_out.AFTER[last.decision.decision if last else None] if may_decide else (),
        [] if partner is not None else known,
        sum(one.receipts - one.closed for one in known),
    )


def _progress(tx: Tx, decision: IncidentDecision) -> DecisionProgress:
    state = carrying_out.progress(tx, decision)
    if state is None:
        counts = dict(decision.counts)
        return DecisionProgress(decision, "done", counts.pop("done", 0), counts)
    return DecisionProgress(decision, "paused" if state["paused"] else "running", state["done"], state["left_out"])


def receipts_of(tx: Tx, found: Incident, partner: str | None = None) -> list[ReaderReceipts]:
    """Return the receipts for the delistings of an incident by reader, the most open ones first.

    For a partner only those of the collections that it may read.
    """
    r, gone = receipts.c, retractions.c
    asked = (
        select(r.partner, func.count(), func.count(r.closed), func.max(r.closed))
        .join_from(receipts, retractions, (gone.object_id == r.object_id) & (gone.collection == r.collection))
        .where(gone.opened >= found.made, gone.reason == carrying_out.note_of(found))
        .group_by(r.partner)
    )
    if partner is not None:
        asked = asked.where(r.collection.in_([one.id for one in collections.readable(tx, partner)]))
    rows = [ReaderReceipts._make(row) for row in tx.execute(asked)]
    return sorted(rows, key=lambda row: (row.closed - row.receipts, row.reader))


def as_json(shown: IncidentView) -> dict[str, Any]:
    """Return an incident as JSON values."""
    found = shown.incident
    summary = {**shown.summary, "first": stamp(shown.summary["first"]), "last": stamp(shown.summary["last"])}
    chosen = {
        name: stamp(value) if name in ("since", "until") else value for name, value in sorted(found.chosen.items())
    }
    return {
        "id": found.id,
        "state": shown.state,
        "reason": found.reason,
        "made": stamp(found.made),
        "made_by": found.made_by,
        "chosen": chosen,
        "reports": found.reports,
        "digest": found.digest.hex(),
        **summary,
        **({"partners": dict(shown.partners)} if shown.partners else {}),
        "decisions": [
            {
                "decision": one.decision.decision,
                "state": one.state,
                "decided_by": one.decision.decided_by,
                "begun": stamp(one.decision.begun),
                "ended": None if one.decision.ended is None else stamp(one.decision.ended),
                "done": one.done,
                "left_out": dict(one.left_out),
            }
            for one in shown.decisions
        ],
        "proposal": None if shown.proposal is None else shown.proposal.id,
        "proposed": None if shown.proposal is None else shown.proposal.arguments["decision"],
        **(
            {
                "receipts": [
                    {"reader": one.reader, "receipts": one.receipts, "closed": one.closed} for one in shown.receipts
                ]
            }
            if shown.receipts
            else {}
        ),
        "unconfirmed_receipts": shown.unconfirmed,
    }


def report_as_json(report: PlacedReport) -> dict[str, Any]:
    """Return a selected report as JSON values."""
    kind, _, value = report.subject.partition(":")
    named = {"place": report.place, "id": inbox.object_id(report.key), "kind": kind, "value": value}
    left_out = {} if report.left_out is None else {"left_out": report.left_out}
    return {**named, "received": stamp(report.received), **left_out}
