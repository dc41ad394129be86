"""A hold by an authority is kept in addition to the consensus, and expires."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from mappers import consensus, extension, ids
from mappers.report_reader import from_stix
from schemas import timestamp
from schemas.fields import Hold
from schemas.partner import Partner
from schemas.vocabulary import Action, Tlp
from server.release.fuse.consensus import fuse
from server.release.fuse.statements import Statement
from server.store import Store
from tests.times import text_ago, text_ahead
from tests.unit.server.release.statement_examples import NOON, partner, report

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Held = Callable[[str], dict[str, dict[str, Any]]]
Listed = Callable[..., str]
Withdraws = Callable[[Partner, dict[str, Any]], None]

DAY = timedelta(days=1)
OF_POLICE = Hold(until=NOON + 3 * DAY, amount="800000", currency="THB", reference="case 7")
OF_COURT = Hold(until=NOON + 9 * DAY, amount="1200", currency="THB", reference="order 2")
ACCOUNT = {"value": "DE89370400440532013000", "kind": "bank-account", "reported_at": text_ago(days=60)}


def holding(number: int, hold: Hold, kind: str = "bank-account", **columns: Any) -> Statement:
    return report(number, kind, by=partner(number, authority=(kind,)), hold=hold, **columns)


@pytest.mark.parametrize("kind", ["bank-account", "wallet"])
@pytest.mark.parametrize("confidence", [None, 10, 80, 99], ids=str)
def test_hold_survives_reports_of_others(kind: str, confidence: int | None) -> None:
    reports = [holding(1, OF_POLICE, kind), report(2, kind, confidence=confidence)]
    fused = fuse(reports, at=NOON)
    assert (fused.hold, fused.holds, fused.reporters) == (OF_POLICE, (), 2)


def test_holds_of_several_authorities_are_listed_latest_end_first() -> None:
    reports = [holding(1, OF_POLICE), holding(2, OF_COURT), report(3, "bank-account")]
    fused = fuse(reports, at=NOON)
    assert (fused.hold, fused.holds) == (OF_COURT, (OF_COURT, OF_POLICE))


def test_two_desks_of_one_organisation_have_separate_holds() -> None:
    desks = [
        report(
            number, "bank-account", by=partner(number, authority=("bank-account",), organisation="Police"), hold=hold
        )
        for number, hold in ((1, OF_POLICE), (2, OF_COURT))
    ]
    fused = fuse(desks, at=NOON)
    assert (fused.reporters, fused.holds) == (1, (OF_COURT, OF_POLICE))


def test_listing_follows_the_consensus_after_the_hold() -> None:
    reports = [holding(1, OF_POLICE), report(2, "bank-account", confidence=80)]
    fused = fuse(reports, at=NOON)
    assert fused.valid_until == NOON + 90 * DAY
    later = NOON + 4 * DAY
    assert fuse(reports, at=later).hold is None
    assert fuse([reports[1]], at=later) == fuse([report(2, "bank-account", confidence=80)], at=later)


def test_hold_without_authority_applies_to_its_reporter_only() -> None:
    reports = [report(1, "bank-account", hold=OF_POLICE), report(2, "bank-account")]
    assert fuse(reports[:1], at=NOON).hold == OF_POLICE
    assert fuse(reports, at=NOON).hold is None


@pytest.mark.parametrize("confidence", [5, 20])
def test_hold_with_authority_prevents_block_for_others(confidence: int) -> None:
    reports = [holding(1, OF_POLICE, confidence=95), report(2, "bank-account", confidence=confidence)]
    assert fuse(reports, at=NOON).grade is Action.HOLD


@pytest.mark.parametrize("others", [0, 1, 2])
def test_a_listing_with_holds_is_read_as_a_report(others: int) -> None:
    """At any grade: a hold in addition to several reports does not end their combined report."""
    reports = [
        holding(1, OF_POLICE),
        *(report(2 + number, "bank-account", confidence=80) for number in range(others)),
    ]
    fused = fuse(reports, at=NOON)
    hub, moment = "identity--a3a1f7c0-0000-4000-8000-000000000000", timestamp.text(NOON)
    id_ = ids.indicator(hub, consensus.pattern_of(reports[0].report))
    obj = consensus.to_stix(fused, id_, hub, created=moment, modified=moment, tlp=Tlp.AMBER)
    assert extension.context_of(obj)["hold"]["amount"] == "800000"
    read = from_stix(obj)
    assert (read.action, read.valid_until) == (fused.grade, fused.valid_until)
    assert read.hold == (OF_POLICE if others == 0 else None)


@pytest.fixture
def police(joins: Joins) -> Partner:
    return joins("Police", "government", ["mule-accounts"], authority=("bank-account",))


@pytest.fixture
def bank(joins: Joins) -> Partner:
    return joins("First Bank", reads=["mule-accounts"])


HELD = {
    "hold_amount": "800000",
    "hold_currency": "THB",
    "hold_until": text_ahead(days=3650),
    "hold_reference": "case 7",
}


@pytest.mark.parametrize("order", ["the police first", "the bank first"])
def test_readers_see_the_hold_with_the_finding_of_the_bank(
    police: Partner, bank: Partner, reports: Reports, held_by: Held, listed: Listed, order: str
) -> None:
    steps = [lambda: reports(police, **ACCOUNT, **HELD), lambda: reports(bank, **ACCOUNT, confidence="90")]
    for step in steps if order == "the police first" else reversed(steps):
        indicator = step()
    ours = extension.context_of(held_by("mule-accounts")[listed(indicator)])
    assert ours["hold"] == {
        "amount": "800000",
        "currency": "THB",
        "until": HELD["hold_until"],
        "reference": "case 7",
    }
    assert ours["reporters"] == 2


def test_requester_ends_its_hold(
    police: Partner, bank: Partner, reports: Reports, withdraws: Withdraws, held_by: Held, listed: Listed
) -> None:
    asked = reports(police, **ACCOUNT, **HELD)
    reports(bank, **ACCOUNT, confidence="90")
    withdraws(police, asked)
    listing = held_by("mule-accounts")[listed(asked)]
    assert (listing.get("revoked", False), "hold" in extension.context_of(listing)) == (False, False)


def test_dispute_of_the_consensus_leaves_the_hold(
    store: Store,
    joins: Joins,
    police: Partner,
    bank: Partner,
    reports: Reports,
    records_of: Reports,
    held_by: Held,
    listed: Listed,
) -> None:
    trusted = joins("Registry", "platform", ["mule-accounts"], trusted=True)
    asked = reports(police, **ACCOUNT, **HELD)
    reports(bank, **ACCOUNT, confidence="90")
    records_of(trusted, "outcome", of=listed(asked), outcome="false-positive")
    listing = held_by("mule-accounts")[listed(asked)]
    ours = extension.context_of(listing)
    assert (listing.get("revoked", False), ours["grade"], ours["reporters"]) == (False, "hold", 1)
    assert ours["hold"]["amount"] == "800000"
