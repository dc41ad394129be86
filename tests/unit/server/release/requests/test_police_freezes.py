"""Freezes by police: what they hold, for whom, through what, and until when."""

from datetime import timedelta
from typing import Any

import pytest

from mappers import extension, ids, records as record_mapper
from mappers.indicator import to_stix
from schemas import tabular, timestamp
from schemas.partner import Partner, PartnerKind
from schemas.qualification import QualificationCode
from schemas.tabular import ReportReader
from server.release.answering import GivenAnswer, answer_all
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.requests.ageing import age
from server.release.requests.assign import assign
from server.release.retract import retract
from server.store import Store, collections, partners
from server.store.database.times import now
from server.store.item import Item
from server.store.requests import requests
from tests.unit.server.release.hubs import hub_on
from tests.unit.server.release.requests.test_requests import DAY, A, answered, asked, notes, read, registered, sent

HOUR = DAY // 24


@pytest.fixture
def hub(store: Store) -> Hub:
    return hub_on(store)


@pytest.fixture
def police(store: Store) -> Partner:
    return registered(store, "Police", PartnerKind.GOVERNMENT, authority=("bank-account",))


@pytest.fixture
def keeper(store: Store) -> Partner:
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
    """Return what the extension of the partner's own listing of the account has, None where it has none (any more)."""
    found = [obj for obj in read(hub, partner, "for") if obj["type"] == "indicator" and not obj.get("revoked")]
    return dict(extension.context_of(found[-1])) if found else None


def report(hub: Hub, partner: Partner, **columns: str) -> None:
    defaults = {"reporter": partner.name, "reported_at": timestamp.text(timestamp.now()), "tlp": "amber", **columns}
    made = ReportReader(defaults).report({"kind": "bank-account", "value": A})
    with hub.store.begin() as tx:
        contribute(hub, tx, partner, [Item.of(obj) for obj in to_stix(made)])


def doubt(hub: Hub, partner: Partner, listing: str) -> None:
    defaults = {"reporter": partner.name, "reported_at": timestamp.text(timestamp.now())}
    record = tabular.read_record("outcome", {"of": listing, "outcome": "false-positive"}, defaults)
    with hub.store.begin() as tx:
        contribute(hub, tx, partner, [Item.of(obj) for obj in record_mapper.to_stix(record)])


def test_a_freeze_by_police_holds_the_amount_for_the_bank_that_is_asked(
    hub: Hub, police: Partner, keeper: Partner
) -> None:
    frozen(hub, police)
    found = listed(hub, keeper)
    assert found is not None
    assert found["grade"] == "hold"
    assert (found["hold"]["amount"], found["hold"]["currency"], found["hold"]["reference"]) == (
        "50000",
        "THB",
        "CASE-1",
    )


def test_it_holds_for_nobody_else(hub: Hub, police: Partner, keeper: Partner, reporter: Partner) -> None:
    frozen(hub, police)
    assert read(hub, reporter, "for") == []
    assert read(hub, reporter) == []
    with hub.store.read() as tx:
        assert collections.find_private(tx, reporter.name, "for") is None


def test_those_whom_the_police_let_follow_it_have_the_hold_too(
    hub: Hub, police: Partner, keeper: Partner, reporter: Partner
) -> None:
    frozen(hub, police, also_to=["Reporting Bank"])
    found = listed(hub, reporter)
    assert found is not None
    assert found["grade"] == "hold"
    assert [note["role"] for note in notes(hub, reporter)] == ["follower"]


@pytest.mark.parametrize("partner", [{"kind": PartnerKind.BANK}, {"kind": PartnerKind.GOVERNMENT}])
def test_who_has_no_authority_asks_and_holds_nothing(
    hub: Hub, store: Store, keeper: Partner, partner: dict[str, Any]
) -> None:
    asking = registered(store, "Somebody", **partner)
    frozen(hub, asking, reporter="Somebody")
    assert len(notes(hub, keeper)) == 1
    assert listed(hub, keeper) is None


def test_it_outlives_those_who_corroborated_and_take_back(
    hub: Hub, police: Partner, keeper: Partner, reporter: Partner
) -> None:
    report(hub, reporter)
    frozen(hub, police)
    with hub.store.begin() as tx:
        retract(hub, tx, A, reporter)
    found = listed(hub, keeper)
    assert found is not None
    assert found["grade"] == "hold"


def test_it_outlives_doubts_which_show_all_the_same(
    hub: Hub, police: Partner, keeper: Partner, reporter: Partner
) -> None:
    report(hub, reporter)
    frozen(hub, police)
    [listing] = [obj["id"] for obj in read(hub, keeper, "for") if obj["type"] == "indicator"]
    doubt(hub, keeper, listing)
    found = listed(hub, keeper)
    assert found is not None
    assert found["grade"] == "hold"
    assert found.get("disputed") is True


def test_it_outlives_a_trusted_partners_dispute(hub: Hub, store: Store, police: Partner, keeper: Partner) -> None:
    with store.begin() as tx:
        partners.change(tx, keeper.model_copy(update={"trusted": True}))
        keeper = partners.get(tx, keeper.name)
    frozen(hub, police)
    [listing] = [obj["id"] for obj in read(hub, keeper, "for") if obj["type"] == "indicator"]
    doubt(hub, keeper, listing)
    found = listed(hub, keeper)
    assert found is not None
    assert found["grade"] == "hold"


def test_it_ends_by_itself(hub: Hub, police: Partner, keeper: Partner) -> None:
    frozen(hub, police)
    age(hub, now() + 11 * HOUR)
    assert listed(hub, keeper) is not None
    age(hub, now() + 13 * HOUR)
    assert listed(hub, keeper) is None
    assert age(hub, now() + 13 * HOUR) == 0


def test_after_it_the_account_stands_as_others_report_it(
    hub: Hub, police: Partner, keeper: Partner, reporter: Partner
) -> None:
    report(hub, reporter, only_partners="Keeping Bank")
    before = listed(hub, keeper)
    frozen(hub, police)
    age(hub, now() + 13 * HOUR)
    after = listed(hub, keeper)
    assert before is not None
    assert after is not None
    assert (after["grade"], after.get("hold")) == (before["grade"], before.get("hold"))


def test_the_police_lift_it_by_closing_the_request(hub: Hub, police: Partner, keeper: Partner) -> None:
    id_ = frozen(hub, police)
    sent(hub, keeper, answered(id_, "agreed"))
    assert listed(hub, keeper) is not None
    sent(hub, police, answered(id_, "closed"))
    assert listed(hub, keeper) is None


def test_a_bank_that_disagrees_lifts_nothing(hub: Hub, police: Partner, keeper: Partner) -> None:
    id_ = frozen(hub, police)
    sent(hub, keeper, answered(id_, "disagreed", reason="holder-legitimate"))
    assert listed(hub, keeper) is not None


def test_an_account_that_a_bank_names_as_the_next_is_not_held_by_that(
    hub: Hub, store: Store, police: Partner, keeper: Partner
) -> None:
    next_bank = registered(store, "Next Bank", institutions=("GSBATHBK",))
    id_ = frozen(hub, police)
    went_to = [{"of": "bank-account:TH:GSBATHBK:012345678901", "amount": "50000"}]
    sent(hub, keeper, answered(id_, "agreed", went_to=went_to))
    assert [note["asks"] for note in notes(hub, next_bank)] == ["freeze"]
    assert listed(hub, next_bank) is None


def test_a_hold_that_the_guard_keeps_back_is_named_with_the_request(
    hub: Hub, store: Store, police: Partner, keeper: Partner
) -> None:
    frozen(hub, police, reference="CASE-0")
    with store.begin() as tx:
        retract(hub, tx, A, None, "found wrong")
    until = timestamp.now() + timedelta(hours=12)
    again = sent(hub, police, asked(reporter="Police", legal_basis="police-order", until=until, reference="CASE-2"))
    assert "the hold: held for review" in again.message
    assert ids.identity("Police") not in again.message


def test_a_keeper_that_is_not_asked_reads_nothing_of_it(
    hub: Hub, police: Partner, keeper: Partner, reporter: Partner
) -> None:
    frozen(hub, police, addressee="Reporting Bank")
    found = listed(hub, reporter)
    assert found is not None
    assert found["grade"] == "hold"
    assert (read(hub, keeper, "for"), read(hub, keeper, "accounts"), read(hub, keeper)) == ([], [], [])


def test_the_keepers_genuine_disputes_it_and_lifts_it_not(hub: Hub, police: Partner, keeper: Partner) -> None:
    frozen(hub, police)
    [listing] = [obj["id"] for obj in read(hub, keeper, "accounts") if obj["type"] == "indicator"]
    with hub.store.begin() as tx:
        [done] = answer_all(hub, tx, keeper, [GivenAnswer(listing, QualificationCode.GENUINE)])
    assert done.refused is None
    found = listed(hub, keeper)
    assert found is not None
    assert (found["grade"], found.get("disputed")) == ("hold", True)


def test_a_freeze_that_nobody_answers_stays_open_to_be_lifted(hub: Hub, police: Partner, keeper: Partner) -> None:
    id_ = frozen(hub, police, until=timestamp.now() + timedelta(days=60))
    age(hub, now() + 40 * DAY)
    assert listed(hub, keeper) is not None
    sent(hub, police, answered(id_, "closed"))
    assert listed(hub, keeper) is None


def test_a_keeper_reads_nothing_of_a_freeze_that_an_operator_assigns_to_another(
    hub: Hub, police: Partner, keeper: Partner, reporter: Partner
) -> None:
    id_ = frozen(hub, police, addressee="A bank that is not here")
    with hub.store.begin() as tx:
        assign(hub, tx, id_, reporter, "Anong")
    assert (listed(hub, reporter) or {})["grade"] == "hold"
    assert read(hub, keeper, "accounts") == []


def test_none_of_several_keepers_reads_a_freeze_that_another_is_asked_for(
    hub: Hub, store: Store, police: Partner, keeper: Partner, reporter: Partner
) -> None:
    second = registered(store, "Second Keeper", institutions=("KASITHBK",))
    frozen(hub, police, addressee="Reporting Bank")
    assert (read(hub, keeper, "accounts"), read(hub, second, "accounts")) == ([], [])


def test_a_freeze_ends_at_its_own_time_where_the_police_left_before(hub: Hub, police: Partner, keeper: Partner) -> None:
    id_ = frozen(hub, police)
    with hub.store.begin() as tx:
        partners.remove(tx, police.name)
    age(hub, now() + 11 * HOUR)
    assert listed(hub, keeper) is not None
    age(hub, now() + 2 * DAY)
    age(hub, now() + 2 * DAY)
    assert listed(hub, keeper) is None
    with hub.store.read() as tx:
        assert requests.find(tx, [id_])[id_].state == "closed"


def test_a_freeze_of_a_value_that_was_cleared_ends_like_others(hub: Hub, police: Partner, keeper: Partner) -> None:
    id_ = frozen(hub, police)
    with hub.store.begin() as tx:
        retract(hub, tx, A, None, "objection")
    assert listed(hub, keeper) is None
    age(hub, now() + 13 * HOUR)
    with hub.store.read() as tx:
        assert requests.find(tx, [id_])[id_].hold is None
