"""Requests about harmless values, and against coerced holders, by the gate of the hub."""

from typing import Any

import pytest

from mappers.indicator import to_stix
from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from schemas.takedown import ServedBy, TakedownBasis
from server.features.allowlists.operations import AddAllowlistEntry
from server.features.erasures import plan
from server.features.proposals.operations import ConfirmProposal
from server.features.requests import order_files, records as requests
from server.features.requests.ageing import age
from server.features.requests.assign import assign
from server.features.requests.clock import RequestClock
from server.features.requests.ending import end_expired, note_ended
from server.features.requests.gone import record_back
from server.features.requests.operations import AssignRequest, RefuseRequest, ReleaseRequest, SendSeveral
from server.features.requests.serving import served
from server.operations.dual_control import NotAllowed
from server.operations.operation import Actor
from server.operations.run import run
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.results import Results
from server.store import Store, collections, partners
from server.store.database.times import now
from server.store.item import Item
from server.store.operators.users import OperatorRole
from server.store.proposals.proposals import Proposal
from tests import times
from tests.unit.server.features.requests import test_requests
from tests.unit.server.features.requests.test_requests import DAY, A, notes, registered, seen, sent
from tests.unit.server.features.requests.test_takedowns import answered, asked, hub, notice, platform, police, stored

__all__ = ["hub", "platform", "police"]
PLACE = "https://scam-shop.com/pay"
FRONT = "https://www.wikipedia.org/"
FIRST, SECOND = Actor("Anong", OperatorRole.ANALYST), Actor("Boonmee", OperatorRole.APPROVER)


def reason_of(hub: Hub, id_: str) -> tuple[str, str | None]:
    with hub.store.read() as tx:
        last = requests.steps(tx, [id_])[id_][-1]
    return last.state, last.reason


@pytest.mark.parametrize("basis", ["notice", "terms", "order"])
@pytest.mark.parametrize(
    ("of", "asks"),
    [
        (FRONT, "take-down"),
        ("domain:wikipedia.org", "suspend"),
        ("domain:krungthai.com", "block-page"),
        ("https://krungthai.com/", "block-page"),
    ],
)
def test_demand_on_a_harmless_value_reaches_nobody(
    hub: Hub, police: Partner, platform: Partner, of: str, asks: str, basis: str
) -> None:
    demand = asked(of=of, asks=asks) if basis == "order" else notice(of=of, asks=asks)
    done = sent(hub, police, demand.model_copy(update={"basis": TakedownBasis(basis)}))
    assert (done.view.state, done.held != "") == ("held", True)
    assert (notes(hub, platform), seen(hub, platform)) == ([], [])
    assert [note["state"] for note in notes(hub, police)] == ["held"]
    assert reason_of(hub, done.view.id) == ("held", "harmless-value")
    # The sender reads the same reason as for a report of the value.
    assert done.held in done.message
    assert done.written()["held"] == {"reason": done.held, "message": done.message}


@pytest.mark.parametrize("basis", ["notice", "order"])
def test_block_of_a_shared_domain_is_refused_but_its_page_may_be_blocked(
    hub: Hub, police: Partner, platform: Partner, basis: str
) -> None:
    demand = asked if basis == "order" else notice
    with pytest.raises(Rejected, match=r"shared-domain: .* name the page"):
        sent(hub, police, demand(of="domain:facebook.com", asks="block-page"))
    page = sent(hub, police, demand(of="https://www.facebook.com/groups/12345/posts/1", asks="block-page"))
    assert (page.view.state, page.held) == ("open", "")
    assert len(notes(hub, platform)) == 1


def test_notice_is_released_by_one_operator(hub: Hub, police: Partner, platform: Partner) -> None:
    id_ = sent(hub, police, notice(of=FRONT, deadline="2h")).view.id
    view = run(hub, ReleaseRequest(id=id_), Actor.system("Anong"))
    assert not isinstance(view, Proposal)
    assert (view.state, view.addressee) == ("open", "Example Platform")
    [note] = notes(hub, platform)
    assert (note["state"], note["location"]) == ("open", FRONT)
    assert sent(hub, platform, answered(id_, "removed")).view.state == "done"
    with pytest.raises(Rejected):
        run(hub, ReleaseRequest(id=id_), Actor.system("Anong"))


def test_order_is_released_by_two_operators(hub: Hub, police: Partner, platform: Partner) -> None:
    id_ = sent(hub, police, asked(of=FRONT)).view.id
    proposal = run(hub, ReleaseRequest(id=id_), FIRST)
    assert isinstance(proposal, Proposal)
    assert (stored(hub, id_).state, notes(hub, platform)) == ("held", [])
    with pytest.raises(NotAllowed):
        run(hub, ConfirmProposal(id=proposal.id), FIRST._replace(right=OperatorRole.APPROVER))
    run(hub, ConfirmProposal(id=proposal.id), SECOND)
    [note] = notes(hub, platform)
    assert (note["state"], note["basis"]) == ("open", "order")


def test_refused_notice_tells_only_its_sender(hub: Hub, police: Partner, platform: Partner) -> None:
    id_ = sent(hub, police, notice(of=FRONT)).view.id
    run(hub, RefuseRequest(id=id_), Actor.system("Anong"))
    assert reason_of(hub, id_) == ("closed", "not-released")
    assert notes(hub, platform) == []
    with pytest.raises(Rejected):
        run(hub, RefuseRequest(id=id_), Actor.system("Anong"))


def test_sender_withdraws_a_held_request_and_an_old_one_is_closed(hub: Hub, police: Partner) -> None:
    first, second = (sent(hub, police, notice(of=FRONT, reference=name)).view.id for name in ("A", "B"))
    closing = answered(first, reporter=police.name, state="closed")
    assert sent(hub, police, closing).view.state == "closed"
    with pytest.raises(Rejected, match="wrong-step"):
        sent(hub, police, answered(second, reporter=police.name, state="open"))
    age(hub, now() + 400 * DAY)
    assert reason_of(hub, second) == ("closed", "unanswered")


def test_held_request_counts_towards_the_open_ones_and_has_no_other_party(
    hub: Hub, police: Partner, platform: Partner
) -> None:
    follower = registered(hub.store, "Other Platform", PartnerKind.PLATFORM)
    id_ = sent(hub, police, notice(of=FRONT, also_to=["Other Platform"])).view.id
    with hub.store.read() as tx:
        assert requests.parties(tx, id_) == {police.name: "sender"}
        assert requests.still_open(tx, [police.name]) == 0
        assert requests.all_requests(tx, unaddressed=True, most=9) == []
    with hub.store.begin() as tx, pytest.raises(Rejected):
        assign(hub, tx, id_, platform)
    assert RequestClock(hub).work(now())
    run(hub, ReleaseRequest(id=id_), Actor.system("Anong"))
    assert [note["role"] for note in notes(hub, follower)] == ["follower"]


def test_row_of_a_file_is_held_alone(hub: Hub, police: Partner, platform: Partner) -> None:
    common = {"asks": "take-down", "basis": "notice", "explanation": "obtains-money", "reference": "CASE-1"}
    text = f"location\nhttps://scam-shop.com/a\n{FRONT}\n"
    rows = order_files.read_order(text, police, common | {"addressee": platform.name})
    contents = tuple(row.content for row in rows if row.content)
    first, held = run(hub, SendSeveral(partner=police, contents=contents), Actor.system("Anong"))
    assert (first.reason, held.reason != "", held.id != "") == ("", True, True)
    assert [note["location"] for note in notes(hub, platform)] == ["https://scam-shop.com/a"]


def test_notice_ends_when_an_operator_enters_the_value_as_harmless(
    hub: Hub, police: Partner, platform: Partner, bank: Partner
) -> None:
    place = "https://scam-shop.com/pay"
    report(hub, bank, "url", place)
    open_, order = sent(hub, police, notice(of=place)).view.id, sent(hub, police, asked(of=place)).view.id
    run(hub, AddAllowlistEntry(value=place, reason="a page of ours"), Actor.system("Anong"))
    RequestClock(hub).step()
    assert reason_of(hub, open_) == ("closed", "harmless-value")
    assert reason_of(hub, order) == ("open", "harmless-value")
    [told] = [note for note in notes(hub, platform) if note["id"] == open_]
    assert told["steps"][-1]["reason"] == "harmless-value"
    assert sent(hub, police, notice(of=place, reference="B")).view.state == "held"


@pytest.fixture
def bank(store: Store) -> Partner:
    return registered(store, "First Bank", trusted=True)


@pytest.fixture
def provider(store: Store) -> Partner:
    found = registered(store, "Keeping Bank", institutions=("KASITHBK",))
    with store.begin() as tx:
        collections.grant(tx, found.name, collections.get(tx, "mule-accounts"), read=True)
    return found


def report(hub: Hub, partner: Partner, kind: str, value: str, **more: Any) -> None:
    done = sent_report(hub, partner, kind, value, **more)
    assert [*done.failed, *done.held] == []


def sent_report(hub: Hub, partner: Partner, kind: str, value: str, **more: Any) -> Results:
    reader = ReportReader({"reporter": partner.name, "kind": kind, "tlp": "green", "scam_type": "investment", **more})
    given = reader.report({"value": value, "reported_at": timestamp.text(timestamp.now())})
    with hub.store.begin() as tx:
        return contribute(hub, tx, partner, [Item.of(obj) for obj in to_stix(given)])


@pytest.mark.parametrize("asks", ["freeze", "trace", "information"])
def test_notice_against_a_coerced_holder_is_refused_and_others_pass(
    hub: Hub, bank: Partner, provider: Partner, asks: str
) -> None:
    report(hub, provider, "bank-account", A, holder_status="coerced")
    demand = test_requests.asked(reporter=bank.name, asks=asks)
    if asks == "freeze":
        with pytest.raises(Rejected, match=r"holder-coerced|demand-held"):
            sent_or_held(hub, bank, demand)
        assert notes(hub, provider) == []
    else:
        assert sent(hub, bank, demand).view.state == "open"


def test_sender_that_may_not_read_of_the_coercion_reads_nothing_of_it(
    hub: Hub, bank: Partner, provider: Partner
) -> None:
    report(hub, provider, "bank-account", A, holder_status="coerced")
    done = sent(hub, bank, test_requests.asked(reporter=bank.name))
    assert (done.view.state, done.held) == ("held", "demand-held")
    assert "coer" not in str(done.written())
    assert notes(hub, provider) == []


def sent_or_held(hub: Hub, partner: Partner, demand: Any) -> None:
    done = sent(hub, partner, demand)
    if done.held:
        raise Rejected(done.held, done.message)


def test_order_against_a_coerced_holder_passes(hub: Hub, store: Store, provider: Partner) -> None:
    authority = registered(store, "Police", PartnerKind.GOVERNMENT, authority=("bank-account",))
    report(hub, provider, "bank-account", A, holder_status="coerced")
    done = sent(hub, authority, test_requests.asked(reporter="Police", legal_basis="police-order"))
    assert (done.view.state, len(notes(hub, provider))) == ("open", 1)


@pytest.mark.parametrize("reads", [True, False])
def test_open_freeze_ends_when_the_holder_is_found_to_be_coerced(
    hub: Hub, bank: Partner, provider: Partner, reads: bool
) -> None:
    if reads:
        with hub.store.begin() as tx:
            collections.grant(tx, bank.name, collections.get(tx, "mule-accounts"), read=True)
    id_ = sent(hub, bank, test_requests.asked(reporter=bank.name)).view.id
    report(hub, provider, "bank-account", A, holder_status="coerced")
    if reads:
        report(hub, bank, "bank-account", A, holder_status="coerced")
    RequestClock(hub).step()
    assert reason_of(hub, id_) == ("closed", "holder-coerced" if reads else "found-wrong")
    assert [note["state"] for note in notes(hub, provider)] == ["closed"]
    assert ("coer" in str(notes(hub, bank))) is reads


@pytest.mark.parametrize("reads", [True, False])
def test_money_is_not_followed_to_a_coerced_holder(hub: Hub, bank: Partner, provider: Partner, reads: bool) -> None:
    id_ = sent(hub, bank, test_requests.asked(reporter=bank.name)).view.id
    next_ = registered(hub.store, "Next Bank", institutions=("BKKBTHBK",))
    account = "TH:BKKBTHBK:1234567890"
    report(hub, bank if reads else next_, "bank-account", account, holder_status="coerced")
    went_to = [{"of": f"bank-account:{account}", "amount": "100"}]
    sent(hub, provider, test_requests.answered(id_, "agreed", went_to=went_to))
    [hop] = [view for view in seen(hub, bank) if view["hop"] == 2]
    assert (hop["state"], hop["steps"][0]["reason"]) == ("held", "found-wrong")
    assert notes(hub, next_) == []


def test_request_that_is_held_or_was_says_the_same_when_it_is_sent_again(
    hub: Hub, police: Partner, platform: Partner
) -> None:
    demand = notice(of=FRONT, deadline="2h")
    first, again = (sent(hub, police, demand) for _ in range(2))
    assert (first.held != "", again) == (True, first)
    [row] = run(hub, SendSeveral(partner=police, contents=(demand,)), Actor.system("Anong"))
    assert (row.id, row.reason, row.message) == (first.view.id, first.held, first.message)
    run(hub, ReleaseRequest(id=first.view.id), Actor.system("Anong"))
    assert (sent(hub, police, demand).view.id, len(notes(hub, platform))) == (first.view.id, 1)


def test_freeze_that_was_released_is_the_same_when_it_is_sent_again(hub: Hub, bank: Partner, provider: Partner) -> None:
    run(hub, AddAllowlistEntry(value=f"bank-account:{A}", reason="a tax office"), Actor.system("Anong"))
    demand = test_requests.asked(reporter=bank.name)
    id_ = sent(hub, bank, demand).view.id
    due = stored(hub, id_).deadline
    run(hub, ReleaseRequest(id=id_), Actor.system("Anong"))
    assert stored(hub, id_).deadline > due
    assert sent(hub, bank, demand).view.id == id_


def test_released_request_does_not_end_with_the_report_of_another(
    hub: Hub, police: Partner, platform: Partner, bank: Partner
) -> None:
    run(hub, AddAllowlistEntry(value=PLACE, reason="a page of ours"), Actor.system("Anong"))
    id_ = sent(hub, police, notice(of=PLACE)).view.id
    run(hub, ReleaseRequest(id=id_), Actor.system("Anong"))
    assert sent_report(hub, bank, "url", PLACE).held
    with hub.store.begin() as tx:
        note_ended(tx, [stored(hub, id_).subject], now())
    RequestClock(hub).step()
    assert reason_of(hub, id_) == ("open", None)


def test_notice_about_a_value_that_nobody_reports_ends_when_it_is_entered_as_harmless(
    hub: Hub, police: Partner, platform: Partner
) -> None:
    open_, order = sent(hub, police, notice(of=PLACE)).view.id, sent(hub, police, asked(of=PLACE)).view.id
    run(hub, AddAllowlistEntry(value=PLACE, reason="a page of ours"), Actor.system("Anong"))
    RequestClock(hub).step()
    assert reason_of(hub, open_) == ("closed", "harmless-value")
    assert reason_of(hub, order) == ("open", "harmless-value")


@pytest.mark.parametrize("basis", ["notice", "order"])
def test_notice_about_a_harmless_value_is_not_asked_again_when_the_value_is_back(
    hub: Hub, police: Partner, platform: Partner, basis: str
) -> None:
    id_ = sent(hub, police, (asked if basis == "order" else notice)(of=PLACE)).view.id
    sent(hub, platform, answered(id_, "already-gone"))
    run(hub, AddAllowlistEntry(value=PLACE, reason="a page of ours"), Actor.system("Anong"))
    with hub.store.begin() as tx:
        again = record_back(hub, tx, stored(hub, id_).subject)
    assert again == ([id_] if basis == "order" else [])


def test_request_about_a_value_that_became_harmless_is_held_where_it_would_be_assigned(
    hub: Hub, police: Partner, platform: Partner
) -> None:
    id_ = sent(hub, police, asked(of=PLACE, addressee=None)).view.id
    run(hub, AddAllowlistEntry(value=PLACE, reason="a page of ours"), Actor.system("Anong"))
    view = run(hub, AssignRequest(id=id_, to=platform.name), Actor.system("Anong"))
    assert (view.state, reason_of(hub, id_), notes(hub, platform)) == ("held", ("held", "harmless-value"), [])
    proposal = run(hub, ReleaseRequest(id=id_), FIRST)
    assert isinstance(proposal, Proposal)
    run(hub, ConfirmProposal(id=proposal.id), SECOND)
    run(hub, AssignRequest(id=id_, to=platform.name), Actor.system("Anong"))
    assert [note["state"] for note in notes(hub, platform)] == ["open"]


def test_request_to_a_partner_that_left_goes_back_to_its_sender(hub: Hub, police: Partner, platform: Partner) -> None:
    id_ = sent(hub, police, notice(of=PLACE)).view.id
    with hub.store.begin() as tx:
        served(tx, [id_], ServedBy.API)
        partners.remove(tx, platform.name)
    RequestClock(hub).step()
    assert reason_of(hub, id_) == ("open", "addressee-left")
    found = stored(hub, id_)
    assert (found.addressee, found.served_at) == (None, None)
    # There is time to assign it, although it was nearly due.
    assert found.deadline > now() + 20 * DAY
    other = registered(hub.store, "Other Platform", PartnerKind.PLATFORM)
    with hub.store.begin() as tx:
        assign(hub, tx, id_, other)
    assert [note["id"] for note in notes(hub, other)] == [id_]


def test_overdue_notice_about_expired_reports_is_closed(
    hub: Hub, police: Partner, platform: Partner, bank: Partner
) -> None:
    report(hub, bank, "url", PLACE, valid_until=times.text_ahead(days=1))
    notice_, order = (sent(hub, police, demand(of=PLACE)).view.id for demand in (notice, asked))
    for id_ in (notice_, order):
        with hub.store.begin() as tx:
            served(tx, [id_], ServedBy.API)
    assert end_expired(hub, now()) == 0
    assert end_expired(hub, now() + 100 * DAY) == 1
    assert reason_of(hub, notice_) == ("closed", "listing-ended")
    assert reason_of(hub, order) == ("open", None)


def test_erasure_closes_a_held_request_and_does_not_wait_for_it(hub: Hub, police: Partner) -> None:
    id_ = sent(hub, police, notice(of=FRONT)).view.id
    with hub.store.begin() as tx:
        found = plan.of(tx, [stored(hub, id_).subject])
        assert [request.id for request in found.open_requests] == [id_]
        assert found.delays(now(), 3) == []


def test_overdue_notice_does_not_end_with_the_expired_report_of_another_since(
    hub: Hub, police: Partner, platform: Partner, bank: Partner
) -> None:
    id_ = sent(hub, police, notice(of=PLACE)).view.id
    report(hub, bank, "url", PLACE, valid_until=times.text_ahead(days=1))
    with hub.store.begin() as tx:
        served(tx, [id_], ServedBy.API)
    assert end_expired(hub, now() + 100 * DAY) == 0
    assert stored(hub, id_).state == "open"
