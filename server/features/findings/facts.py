"""The facts by which a provider decides about a reported account, within the limits of the contributors.

Kinds, numbers and times of all reports are in the provider's own collection already. Evidence and case references are
those that the provider reads in other collections, so nothing here tells more than the hub published to it. A fact that
is hidden and one that nobody gave are named alike in ``withheld``.
"""

from collections.abc import Mapping
from typing import Any

from schemas.api.accounts import AccountEntry, AccountFacts, AccountHold
from schemas.partner import Partner
from server.features.findings.accounts import ReportedAccount, readable_contexts
from server.features.findings.payments import payments_to
from server.release.hub import Hub
from server.release.session import ReleaseSession
from server.store.database.engine import Tx
from server.store.database.times import now, stamp

# The facts that a contributor's limits may withhold, in the order of display.
LIMITED = ("payments", "first_seen", "last_seen", "evidence", "case_references")
_MOST_EVIDENCE = 50


def entry_of(account: ReportedAccount, target: int) -> AccountEntry:
    """Return an account as the list shows it; a finding is due ``target`` (microseconds) after it was listed."""
    return AccountEntry(**_entry(account, target))


def facts_of(hub: Hub, tx: Tx, partner: Partner, account: ReportedAccount, target: int) -> AccountFacts:
    """Return all facts about an account of the partner."""
    subject, context = account.kept.subject, account.context
    session = ReleaseSession.open(hub, tx)
    [value] = session.load([subject])
    readable = readable_contexts(tx, partner, [subject]).get(subject, [])
    proofs = {proof["sha256"] for known in readable for proof in known.get("evidence", ())}
    references = {known["reference"] for known in readable if known.get("reference")}
    given: dict[str, Any] = {
        **_entry(account, target),
        "payments": payments_to(session, value, partner),
        "evidence": tuple(sorted(proofs))[:_MOST_EVIDENCE],
        "case_references": tuple(sorted(references)),
    }
    return AccountFacts(
        **given,
        scam_types=tuple(context.get("scam_types", ())),
        channel=context.get("channel"),
        payment_rail=context.get("payment_rail"),
        countries=tuple(context.get("countries", ())),
        valid_until=context.get("valid_until"),
        hold=_hold(context.get("hold")),
        withheld=tuple(name for name in LIMITED if not given[name]),
    )


def _entry(account: ReportedAccount, target: int) -> dict[str, Any]:
    kept, context = account.kept, account.context
    due = kept.since + target
    return {
        "listing": account.listing,
        "kind": account.kind,
        "value": account.value,
        "since": stamp(kept.since),
        "due": stamp(due),
        "late": (kept.answered or now()) > due,
        "code": kept.code,
        "answered": None if kept.answered is None else stamp(kept.answered),
        "reference": kept.reference,
        "grade": context.get("grade"),
        "disputed": context.get("disputed", False),
        "scam_type": context.get("scam_type"),
        "first_seen": context.get("first_seen"),
        "last_seen": context.get("last_seen"),
        "reporters": context.get("reporters"),
        "reporter_kinds": tuple(context.get("reporter_kinds", ())),
    }


def _hold(given: Mapping[str, Any] | None) -> AccountHold | None:
    if given is None:
        return None
    return AccountHold(until=given["until"], amount=given.get("amount"), currency=given.get("currency"))
