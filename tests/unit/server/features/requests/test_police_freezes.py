"""Police freezes: the amount held, the bank, the collections, and the end."""

from datetime import timedelta
from typing import Any

import pytest

from mappers import extension, ids, records as record_mapper
from mappers.indicator import to_stix
from schemas import tabular, timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from schemas.vocabulary import QualificationCode
from server.features.allowlists.operations import AddAllowlistEntry
from server.features.findings.answering import GivenAnswer, answer_all
from server.features.requests import records as requests
from server.features.requests.ageing import age
from server.features.requests.assign import assign
from server.features.requests.clock import RequestClock
from server.operations.operation import Actor
from server.operations.run import run
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.retract import retract
from server.store import Store, collections, partners
from server.store.database.times import now
from server.store.item import Item
from tests.unit.server.features.requests.test_requests import (
    DAY,
    A,
    answered,
    asked,
    notes,
    read,
    registered,
    seen,
    sent,
)
from tests.unit.server.release.hubs import hub_on

HOUR = DAY // 24


@pytest.fixture
def hub(store: Store) -> Hub:
    return hub_on(store)


@pytest.fixture
def police(store: Store) -> Partner:
    return registered(store, "Police", PartnerKind.GOVERNMENT, authority=("bank-account",))


@pytest.fixture
def provider(store: Store) -> Partner:
    found = registered(store, "Keeping Bank", institutions=("KASITHBK",))
    with store.begin() as tx:
        collections.grant(tx, found.name, collections.get(tx, "mule-accounts"), read=True)
    return found


@pytest.fixture
def reporter(store: Store) -> Partner:
    return registered(store, "Reporting Bank")


def frozen(hub: Hub, police: Partner, **columns: Any) -> str:
    until = timestamp.now() + timedelta(hours=12)
    given = {"reporter": "Police", "legal_basis": "police-order", "amount": "50000", "until": until, **columns}
    return sent(hub, police, asked(**given)).view.id


def listed(hub: Hub, partner: Partner) -> dict[str, Any] | None:
    """Return the extension in the partner's own listing of the account, or None if it has none."""
    found = [obj for obj in read(hub, partner, "for") if obj["type"] == "indicator" and not obj.get("revoked")]
    return dict(extension.context_of(found[-1])) if found else None


def report(hub: Hub, partner: Partner, **columns: str) -> None:
    defaults = {"reporter": partner.name, "reported_at": timestamp.text(timestamp.now()), "tlp": "amber", **columns}
    made = ReportReader(defaults).report({"kind": "bank-account", "value": A})
    with hub.store.begin() as tx:
        contribute(hub, tx, partner, [Item.of(obj) for obj in to_stix(made)])


def dispute(hub: Hub, partner: Partner, listing: str) -> None:
    defaults = {"reporter": partner.name, "reported_at": timestamp.text(timestamp.now())}
    record = tabular.read_record("outcome", {"of": listing, "outcome": "false-positive"}, defaults)
    with hub.store.begin() as tx:
        contribute(hub, tx, partner, [Item.of(obj) for obj in record_mapper.to_stix(record)])


def test_police_freeze_holds_the_amount_for_the_addressed_bank(hub: Hub, police: Partner, provider: Partner) -> None:
    frozen(hub, police)
    found = listed(hub, provider)
    assert found is not None
    assert found["grade"] == "hold"
    assert (found["hold"]["amount"], found["hold"]["currency"], found["hold"]["reference"]) == (
        "50000",
        "THB",
        "CASE-1",
    )


def test_freeze_holds_for_no_other_partner(hub: Hub, police: Partner, provider: Partner, reporter: Partner) -> None:
    frozen(hub, police)
    assert read(hub, reporter, "for") == []
    assert read(hub, reporter) == []
    with hub.store.read() as tx:
        assert collections.find_private(tx, reporter.name, "for") is None


def test_followers_named_by_the_police_have_the_hold_too(
    hub: Hub, police: Partner, provider: Partner, reporter: Partner
) -> None:
    frozen(hub, police, also_to=["Reporting Bank"])
    found = listed(hub, reporter)
    assert found is not None
    assert found["grade"] == "hold"
    assert [note["role"] for note in notes(hub, reporter)] == ["follower"]


@pytest.mark.parametrize("partner", [{"kind": PartnerKind.BANK}, {"kind": PartnerKind.GOVERNMENT}])
def test_request_without_authority_holds_nothing(
    hub: Hub, store: Store, provider: Partner, partner: dict[str, Any]
) -> None:
    asking = registered(store, "Somebody", **partner)
    frozen(hub, asking, reporter="Somebody", legal_basis="statute")
    assert len(notes(hub, provider)) == 1
    assert listed(hub, provider) is None


def test_freeze_outlives_retracted_corroboration(
    hub: Hub, police: Partner, provider: Partner, reporter: Partner
) -> None:
    report(hub, reporter)
    frozen(hub, police)
    with hub.store.begin() as tx:
        retract(hub, tx, A, reporter)
    found = listed(hub, provider)
    assert found is not None
    assert found["grade"] == "hold"


def test_freeze_outlives_disputes_that_stay_visible(
    hub: Hub, police: Partner, provider: Partner, reporter: Partner
) -> None:
    report(hub, reporter)
    frozen(hub, police)
    [listing] = [obj["id"] for obj in read(hub, provider, "for") if obj["type"] == "indicator"]
    dispute(hub, provider, listing)
    found = listed(hub, provider)
    assert found is not None
    assert found["grade"] == "hold"
    assert found.get("disputed") is True


def test_freeze_outlives_a_dispute_of_a_trusted_partner(
    hub: Hub, store: Store, police: Partner, provider: Partner
) -> None:
    with store.begin() as tx:
        partners.change(tx, provider.model_copy(update={"trusted": True}))
        provider = partners.get(tx, provider.name)
    frozen(hub, police)
    [listing] = [obj["id"] for obj in read(hub, provider, "for") if obj["type"] == "indicator"]
    dispute(hub, provider, listing)
    found = listed(hub, provider)
    assert found is not None
    assert found["grade"] == "hold"


def test_freeze_expires(hub: Hub, police: Partner, provider: Partner) -> None:
    frozen(hub, police)
    age(hub, now() + 11 * HOUR)
    assert listed(hub, provider) is not None
    age(hub, now() + 13 * HOUR)
    assert listed(hub, provider) is None
    assert age(hub, now() + 13 * HOUR) == 0


def test_account_follows_other_reports_after_the_freeze(
    hub: Hub, police: Partner, provider: Partner, reporter: Partner
) -> None:
    report(hub, reporter, only_partners="Keeping Bank")
    before = listed(hub, provider)
    frozen(hub, police)
    age(hub, now() + 13 * HOUR)
    after = listed(hub, provider)
    assert before is not None
    assert after is not None
    assert (after["grade"], after.get("hold")) == (before["grade"], before.get("hold"))


def test_the_police_lift_it_by_closing_the_request(hub: Hub, police: Partner, provider: Partner) -> None:
    id_ = frozen(hub, police)
    sent(hub, provider, answered(id_, "agreed"))
    assert listed(hub, provider) is not None
    sent(hub, police, answered(id_, "closed"))
    assert listed(hub, provider) is None


def test_a_bank_that_disagrees_lifts_nothing(hub: Hub, police: Partner, provider: Partner) -> None:
    id_ = frozen(hub, police)
    sent(hub, provider, answered(id_, "disagreed", reason="holder-legitimate"))
    assert listed(hub, provider) is not None


def test_next_account_named_by_a_bank_is_not_held(hub: Hub, store: Store, police: Partner, provider: Partner) -> None:
    next_bank = registered(store, "Next Bank", institutions=("GSBATHBK",))
    id_ = frozen(hub, police)
    went_to = [{"of": "bank-account:TH:GSBATHBK:012345678901", "amount": "50000"}]
    sent(hub, provider, answered(id_, "agreed", went_to=went_to))
    assert [note["asks"] for note in notes(hub, next_bank)] == ["information"]
    [hop] = [view for view in seen(hub, police) if view["state"] == "unconfirmed"]
    sent(hub, police, answered(hop["id"], "open"))
    assert [note["asks"] for note in notes(hub, next_bank)] == ["freeze"]
    assert listed(hub, next_bank) is None


def test_hold_kept_by_the_guard_is_named_with_the_request(
    hub: Hub, store: Store, police: Partner, provider: Partner
) -> None:
    frozen(hub, police, reference="CASE-0")
    with store.begin() as tx:
        retract(hub, tx, A, None, "found wrong")
    until = timestamp.now() + timedelta(hours=12)
    again = sent(hub, police, asked(reporter="Police", legal_basis="police-order", until=until, reference="CASE-2"))
    assert "the hold: held for review" in again.message
    assert ids.identity("Police") not in again.message


def test_unaddressed_provider_sees_no_freeze(hub: Hub, police: Partner, provider: Partner, reporter: Partner) -> None:
    frozen(hub, police, addressee="Reporting Bank")
    found = listed(hub, reporter)
    assert found is not None
    assert found["grade"] == "hold"
    assert (read(hub, provider, "for"), read(hub, provider, "accounts"), read(hub, provider)) == ([], [], [])


def test_finding_genuine_disputes_a_freeze_without_lifting_it(hub: Hub, police: Partner, provider: Partner) -> None:
    frozen(hub, police)
    [listing] = [obj["id"] for obj in read(hub, provider, "accounts") if obj["type"] == "indicator"]
    with hub.store.begin() as tx:
        [done] = answer_all(hub, tx, provider, [GivenAnswer(listing, QualificationCode.GENUINE)])
    assert done.refused is None
    found = listed(hub, provider)
    assert found is not None
    assert (found["grade"], found.get("disputed")) == ("hold", True)


def test_unanswered_freeze_can_still_be_lifted(hub: Hub, police: Partner, provider: Partner) -> None:
    id_ = frozen(hub, police, until=timestamp.now() + timedelta(days=60))
    age(hub, now() + 40 * DAY)
    assert listed(hub, provider) is not None
    sent(hub, police, answered(id_, "closed"))
    assert listed(hub, provider) is None


def test_freeze_by_order_holds_the_money_of_an_account_that_is_entered_as_harmless(
    hub: Hub, police: Partner, provider: Partner
) -> None:
    frozen(hub, police)
    run(hub, AddAllowlistEntry(value=f"bank-account:{A}", reason="a tax office"), Actor.system("Anong"))
    assert (listed(hub, provider) or {})["grade"] == "hold"


def test_freeze_that_is_no_order_ends_with_its_hold_for_a_coerced_holder(
    hub: Hub, police: Partner, provider: Partner
) -> None:
    id_ = frozen(hub, police, legal_basis="mutual-agreement")
    with hub.store.read() as tx:
        assert requests.find(tx, [id_])[id_].hold is not None
    report(hub, provider, holder_status="coerced")
    RequestClock(hub).step()
    with hub.store.read() as tx:
        found = requests.find(tx, [id_])[id_]
    assert (found.state, found.hold, found.hold_until) == ("closed", None, None)


def test_provider_sees_no_freeze_assigned_to_another(
    hub: Hub, police: Partner, provider: Partner, reporter: Partner
) -> None:
    id_ = frozen(hub, police, addressee="A bank that is not here")
    with hub.store.begin() as tx:
        assign(hub, tx, id_, reporter)
    assert (listed(hub, reporter) or {})["grade"] == "hold"
    assert read(hub, provider, "accounts") == []


def test_other_providers_see_no_freeze_addressed_to_one(
    hub: Hub, store: Store, police: Partner, provider: Partner, reporter: Partner
) -> None:
    second = registered(store, "Second Keeper", institutions=("KASITHBK",))
    frozen(hub, police, addressee="Reporting Bank")
    assert (read(hub, provider, "accounts"), read(hub, second, "accounts")) == ([], [])


def test_freeze_expires_after_the_police_left(hub: Hub, police: Partner, provider: Partner) -> None:
    id_ = frozen(hub, police)
    with hub.store.begin() as tx:
        partners.remove(tx, police.name)
    age(hub, now() + 11 * HOUR)
    assert listed(hub, provider) is not None
    age(hub, now() + 2 * DAY)
    age(hub, now() + 2 * DAY)
    assert listed(hub, provider) is None
    with hub.store.read() as tx:
        assert requests.find(tx, [id_])[id_].state == "closed"


def test_freeze_of_a_cleared_value_expires(hub: Hub, police: Partner, provider: Partner) -> None:
    id_ = frozen(hub, police)
    with hub.store.begin() as tx:
        retract(hub, tx, A, None, "objection")
    assert listed(hub, provider) is None
    age(hub, now() + 13 * HOUR)
    with hub.store.read() as tx:
        assert requests.find(tx, [id_])[id_].hold is None
