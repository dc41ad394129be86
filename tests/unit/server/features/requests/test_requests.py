"""Requests between institutions by the rules of a hub."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from mappers import extension, ids
from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner, PartnerKind
from schemas.request import Request, RequestAnswer
from server.features.requests import desk, records as requests
from server.features.requests.ageing import age
from server.release.hub import Hub, RequestLimits
from server.store import Store, collections, hub_identity, log, partners
from server.store.database.times import now
from server.store.objects.query import Query
from tests.unit.server.release.hubs import hub_on

A, B, C, D, E, F = (f"TH:KASITHBK:123456789{digit}" for digit in range(6))
DAY = 86_400_000_000


def registered(store: Store, name: str, kind: PartnerKind = PartnerKind.BANK, **more: Any) -> Partner:
    partner = Partner(name=name, kind=kind, country="TH", identity=ids.identity(name), **more)
    with store.begin() as tx:
        partners.add(tx, partner)
    return partner


@pytest.fixture
def hub(store: Store) -> Hub:
    return hub_on(store)


@pytest.fixture
def victims(store: Store) -> Partner:
    return registered(store, "Victims Bank")


@pytest.fixture
def provider(store: Store) -> Partner:
    return registered(store, "Keeping Bank", institutions=("KASITHBK",))


@pytest.fixture
def stranger(store: Store) -> Partner:
    return registered(store, "Strange Bank")


def asked(**columns: Any) -> Request:
    at = timestamp.now()
    given = {
        "reporter": "Victims Bank",
        "reported_at": at,
        "asks": "freeze",
        "of": f"bank-account:{A}",
        "reference": "CASE-1",
        "amount": "800000",
        "currency": "THB",
        "deadline": at + timedelta(hours=4),
        "legal_basis": "scheme-rules",
    }
    return Request.model_validate({**given, **columns})


def answered(id_: str, state: str, **columns: Any) -> RequestAnswer:
    given = {"reporter": "Keeping Bank", "reported_at": timestamp.now(), "request": id_, "state": state}
    return RequestAnswer.model_validate({**given, **columns})


def sent(hub: Hub, partner: Partner, content: Request | RequestAnswer) -> desk.Sent:
    with hub.store.begin() as tx:
        return desk.send(hub, tx, partner, content)


def seen(hub: Hub, partner: Partner) -> list[dict[str, Any]]:
    with hub.store.read() as tx:
        return [view.written() for view in desk.list_(tx, partner)]


def read(hub: Hub, partner: Partner, use: Any = "requests") -> list[dict[str, Any]]:
    """Return the objects in a private collection as pulled by the partner."""
    with hub.store.read() as tx:
        found = collections.find_private(tx, partner.name, use)
        return [] if found is None else [msgspec.json.decode(body) for body in log.page(tx, found, Query()).bodies]


def notes(hub: Hub, partner: Partner) -> list[dict[str, Any]]:
    return [extension.context_of(obj)["request"] for obj in read(hub, partner) if obj["type"] == "note"]


def test_request_is_sent_to_the_provider_of_the_account(hub: Hub, victims: Partner, provider: Partner) -> None:
    opened = sent(hub, victims, asked())
    assert opened.view.state == "open"
    assert opened.view.addressee == "keeper"
    [note] = notes(hub, provider)
    assert note["role"] == "addressee"
    assert (note["sender"], note["reference"], note["amount"]) == ("Victims Bank", "CASE-1", "800000")
    assert [entry["role"] for entry in notes(hub, victims)] == ["sender"]


def test_request_is_invisible_to_others(hub: Hub, victims: Partner, provider: Partner, stranger: Partner) -> None:
    opened = sent(hub, victims, asked())
    assert seen(hub, stranger) == []
    assert read(hub, stranger) == []
    with hub.store.read() as tx, pytest.raises(Rejected) as hidden:
        desk.show(tx, stranger, opened.view.id)
    with hub.store.read() as tx, pytest.raises(Rejected) as absent:
        desk.show(tx, stranger, "00000000-0000-4000-8000-000000000000")
    assert str(hidden.value) == str(absent.value)


def test_outsider_cannot_answer_a_request(hub: Hub, victims: Partner, provider: Partner, stranger: Partner) -> None:
    opened = sent(hub, victims, asked())
    refusals = []
    for id_ in (opened.view.id, "00000000-0000-4000-8000-000000000000"):
        with pytest.raises(Rejected) as refused:
            sent(hub, stranger, answered(id_, "acknowledged"))
        refusals.append(str(refused.value))
    assert len(set(refusals)) == 1
    assert seen(hub, provider)[0]["state"] == "open"


def test_a_request_that_finds_no_addressee_looks_like_one_that_does(
    hub: Hub, victims: Partner, provider: Partner
) -> None:
    answers = [
        sent(hub, victims, asked(reference="1")),
        sent(hub, victims, asked(reference="2", of="bank-account:DE89370400440532013000")),
        sent(hub, victims, asked(reference="3", addressee="Nobody Here")),
    ]
    assert [answer.view.state for answer in answers] == ["open"] * 3
    assert len({answer.message.replace(answer.view.id, "") for answer in answers}) == 1
    assert {frozenset(answer.view.written()) for answer in answers} == {frozenset(answers[0].view.written())}
    with hub.store.read() as tx:
        (warning,) = hub_identity.all_warnings(tx)
    assert warning._replace(first=0, last=0) == ("unknown-recipient", 0, 0, 1, "Victims Bank")


def test_repeated_request_opens_nothing(hub: Hub, victims: Partner, provider: Partner) -> None:
    request = asked()
    first, again = sent(hub, victims, request), sent(hub, victims, request)
    assert first.view.id == again.view.id
    assert len(notes(hub, provider)) == 1


def test_a_request_is_answered_step_by_step_and_partly(hub: Hub, victims: Partner, provider: Partner) -> None:
    id_ = sent(hub, victims, asked()).view.id
    sent(hub, provider, answered(id_, "acknowledged"))
    sent(hub, provider, answered(id_, "agreed", amount="300000", currency="THB"))
    sent(hub, provider, answered(id_, "done"))
    final = sent(hub, victims, answered(id_, "closed")).view.written()
    assert (final["state"], final["agreed"], final["done"]) == ("closed", "300000", "300000")
    told = [(step["state"], step["by"], step.get("amount")) for step in final["steps"]]
    assert told == [
        ("open", "sender", "800000"),
        ("acknowledged", "addressee", None),
        ("agreed", "addressee", "300000"),
        ("done", "addressee", "300000"),
        ("closed", "sender", None),
    ]
    assert final["steps"][-1]["reason"] == "settled"
    assert notes(hub, provider)[0]["state"] == "closed"


@pytest.mark.parametrize(
    ("before", "state", "by", "reason"),
    [
        ([], "done", "keeper", "wrong-step"),
        (["agreed"], "acknowledged", "keeper", "wrong-step"),
        (["agreed", "done"], "acknowledged", "keeper", "wrong-step"),
        ([], "closed", "keeper", "not-the-party"),
        ([], "agreed", "victims", "not-the-party"),
    ],
)
def test_forbidden_step_names_the_allowed_ones(
    hub: Hub, victims: Partner, provider: Partner, before: list[str], state: str, by: str, reason: str
) -> None:
    id_ = sent(hub, victims, asked()).view.id
    for step in before:
        sent(hub, provider, answered(id_, step))
    with pytest.raises(Rejected) as refused:
        sent(hub, {"keeper": provider, "victims": victims}[by], answered(id_, state))
    assert refused.value.reason == reason
    assert "you may respond with: " in refused.value.message


def test_withdrawn_request_cannot_be_answered(hub: Hub, victims: Partner, provider: Partner) -> None:
    id_ = sent(hub, victims, asked()).view.id
    assert sent(hub, victims, answered(id_, "closed")).view.steps[-1].reason == "withdrawn"
    with pytest.raises(Rejected, match="nothing more"):
        sent(hub, provider, answered(id_, "agreed"))


def test_repeated_response_changes_nothing(hub: Hub, victims: Partner, provider: Partner) -> None:
    id_ = sent(hub, victims, asked()).view.id
    answer = answered(id_, "agreed", amount="1", currency="THB")
    first = sent(hub, provider, answer)
    assert sent(hub, provider, answer).view.steps == first.view.steps
    with pytest.raises(Rejected, match="wrong-step"):
        sent(hub, provider, answered(id_, "agreed", amount="2", currency="THB"))


@pytest.mark.parametrize("columns", [{"amount": "800001", "currency": "THB"}, {"amount": "1", "currency": "USD"}])
def test_agreed_amount_cannot_exceed_the_request(
    hub: Hub, victims: Partner, provider: Partner, columns: dict[str, str]
) -> None:
    id_ = sent(hub, victims, asked()).view.id
    with pytest.raises(Rejected, match="wrong-amount"):
        sent(hub, provider, answered(id_, "agreed", **columns))


def test_forwarded_money_is_requested_at_the_next_account(
    hub: Hub, store: Store, victims: Partner, provider: Partner
) -> None:
    next_bank = registered(store, "Next Bank", institutions=("GSBATHBK",))
    id_ = sent(hub, victims, asked(also_to=["Strange Bank"])).view.id
    went_to = [{"of": "bank-account:TH:GSBATHBK:012345678901", "amount": "500000"}]
    view = sent(hub, provider, answered(id_, "agreed", went_to=went_to)).view.written()
    assert view["agreed"] == "300000"
    assert view["steps"][-1]["went_to"] == [
        {"of": {"kind": "bank-account", "value": "TH:GSBATHBK:012345678901"}, "amount": "500000"}
    ]
    [hop] = notes(hub, next_bank)
    assert (hop["reference"], hop["amount"], hop["hop"], hop["sender"]) == ("CASE-1", "500000", 2, "Victims Bank")
    assert not {"chain", "earlier", "also_to"} & hop.keys()
    assert id_ not in str(hop)
    chain = [entry["chain"] for entry in seen(hub, victims)]
    assert chain == [id_, id_]


def test_forwarded_amount_cannot_exceed_the_received_one(hub: Hub, victims: Partner, provider: Partner) -> None:
    id_ = sent(hub, victims, asked()).view.id
    went_to = [{"of": f"bank-account:{B}", "amount": "500000"}]
    with pytest.raises(Rejected, match="wrong-amount"):
        sent(hub, provider, answered(id_, "agreed", amount="300001", currency="THB", went_to=went_to))


def _follow(hub: Hub, provider: Partner, victims: Partner, accounts: list[str]) -> list[dict[str, Any]]:
    """Let the provider respond to each new request that all money went to the next account."""
    id_ = sent(hub, victims, asked(asks="trace")).view.id
    entries: list[dict[str, Any]] = []
    for account in accounts:
        went_to = [{"of": f"bank-account:{account}", "amount": "800000"}]
        sent(hub, provider, answered(id_, "agreed", went_to=went_to))
        with hub.store.read() as tx:
            [entry] = desk.show(tx, victims, id_).steps[-1].went_to
        entries.append(dict(entry))
        id_ = entry.get("next", id_)
    return entries


def test_money_is_followed_over_five_accounts_and_no_further(hub: Hub, victims: Partner, provider: Partner) -> None:
    entries = _follow(hub, provider, victims, [B, C, D, E, F])
    assert ["next" in entry for entry in entries] == [True] * 4 + [False]
    assert entries[-1]["not_asked"] == "too-many-hops"


def test_returned_money_is_not_followed(hub: Hub, victims: Partner, provider: Partner) -> None:
    assert _follow(hub, provider, victims, [B, A])[-1]["not_asked"] == "was-here-before"


def test_the_requests_of_one_chain_are_bounded(hub: Hub, victims: Partner, provider: Partner) -> None:
    waiting = [sent(hub, victims, asked(amount="1000000")).view.id]
    opened, number = 1, 0
    while waiting:
        with hub.store.read() as tx:
            amount = desk.show(tx, provider, waiting[0]).request.amount
        assert amount is not None
        went_to = [
            {"of": f"bank-account:TH:KASITHBK:{2_000_000_000 + number + place}", "amount": str(amount / 20)}
            for place in range(20)
        ]
        number += 20
        id_ = waiting.pop(0)
        sent(hub, provider, answered(id_, "agreed", went_to=went_to))
        with hub.store.read() as tx:
            entries = desk.show(tx, victims, id_).steps[-1].went_to
        waiting += [entry["next"] for entry in entries if "next" in entry][:1]
        opened += sum("next" in entry for entry in entries)
    assert opened <= 100


def test_the_later_hops_of_all_requests_of_a_day_are_bounded(store: Store, victims: Partner, provider: Partner) -> None:
    hub = Hub(store, request_limits=RequestLimits(per_day=2))
    asking = [sent(hub, victims, asked(reference=f"CASE-{number}")).view.id for number in range(2)]
    reasons = []
    for id_ in asking:
        went_to = [{"of": f"bank-account:TH:KASITHBK:{5_000_000_000 + number}", "amount": "100"} for number in range(8)]
        sent(hub, provider, answered(id_, "agreed", went_to=went_to))
        [view] = [view for view in seen(hub, victims) if view["id"] == id_]
        reasons += [entry.get("not_asked") for entry in view["steps"][-1]["went_to"]]
    assert reasons == [None] * 10 + ["too-many-requests"] * 6


def test_addressee_that_names_many_accounts_uses_only_its_own_limit(
    store: Store, victims: Partner, provider: Partner
) -> None:
    hub = Hub(store, request_limits=RequestLimits(per_day=2, open_at_once=0))
    other = registered(store, "Other Bank", institutions=("BKKBTHBK",))
    told = []
    for partner, bank, number in ((provider, "KASITHBK", 0), (other, "BKKBTHBK", 1)):
        of = f"bank-account:TH:{bank}:{6_000_000_000 + number}"
        id_ = sent(hub, victims, asked(reference=f"CASE-{number}", of=of)).view.id
        went_to = [{"of": f"bank-account:TH:SICOTHBK:{7_000_000_000 + place}", "amount": "100"} for place in range(12)]
        sent(hub, partner, answered(id_, "agreed", went_to=went_to))
        [view] = [view for view in seen(hub, victims) if view["id"] == id_]
        told.append(sum("next" in entry for entry in view["steps"][-1]["went_to"]))
    assert told == [10, 10]


def test_many_targets_of_one_answer_are_refused() -> None:
    went_to = [{"of": f"bank-account:TH:KASITHBK:{2_000_000_000 + place}", "amount": "1"} for place in range(21)]
    with pytest.raises(ValueError, match="went_to"):
        answered("00000000-0000-4000-8000-000000000000", "agreed", went_to=went_to)


def test_daily_requests_of_a_partner_are_limited(store: Store, victims: Partner, provider: Partner) -> None:
    hub = Hub(store, request_limits=RequestLimits(per_day=2, open_at_once=0))
    for number in range(2):
        sent(hub, victims, asked(reference=f"C-{number}"))
    with pytest.raises(Rejected, match="too-many-requests"):
        sent(hub, victims, asked(reference="C-3"))


def test_partners_of_one_organisation_share_the_daily_limit(store: Store, victims: Partner, provider: Partner) -> None:
    branch = registered(store, "Victims Branch", organisation="Victims Bank")
    hub = Hub(store, request_limits=RequestLimits(per_day=2, open_at_once=0))
    sent(hub, victims, asked(reference="1"))
    sent(hub, branch, asked(reference="2", reporter="Victims Branch"))
    for partner in (victims, branch):
        with pytest.raises(Rejected, match="too-many-requests"):
            sent(hub, partner, asked(reference="3", reporter=partner.name))


def test_open_requests_of_a_partner_are_limited(store: Store, victims: Partner, provider: Partner) -> None:
    hub = Hub(store, request_limits=RequestLimits(per_day=0, open_at_once=1))
    id_ = sent(hub, victims, asked(reference="C-1")).view.id
    with pytest.raises(Rejected, match="too-many-requests"):
        sent(hub, victims, asked(reference="C-2"))
    sent(hub, victims, answered(id_, "closed"))
    assert sent(hub, victims, asked(reference="C-2")).view.state == "open"


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"deadline": timestamp.now() - timedelta(hours=1)}, "request-times"),
        ({"deadline": timestamp.now() + timedelta(days=400)}, "request-times"),
        ({"until": timestamp.now() + timedelta(days=200)}, "request-times"),
        ({"reference": "1101700230708"}, "personal-number"),
        ({"addressee": "Victims Bank"}, "request-to-yourself"),
    ],
)
def test_invalid_request_is_refused_with_its_reason(
    hub: Hub, victims: Partner, provider: Partner, columns: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Rejected) as refused:
        sent(hub, victims, asked(**columns))
    assert refused.value.reason == reason


def test_researchers_send_no_requests(hub: Hub, store: Store) -> None:
    university = registered(store, "University", PartnerKind.RESEARCH)
    with pytest.raises(Rejected, match="no-institution"):
        sent(hub, university, asked())


def test_passed_deadline_is_reported_once(hub: Hub, victims: Partner, provider: Partner) -> None:
    sent(hub, victims, asked())
    later = now() + DAY
    assert age(hub, later) == 1
    assert age(hub, later) == 0
    assert len(notes(hub, provider)) == 1
    with hub.store.read() as tx:
        found = requests.current(tx, later)
    assert (found.open, found.overdue) == (1, 1)


def test_unanswered_request_is_closed_in_the_end(hub: Hub, victims: Partner, provider: Partner) -> None:
    sent(hub, victims, asked())
    sent(hub, victims, asked(reference="C-2", addressee="Nobody Here"))
    age(hub, now() + 40 * DAY)
    found = seen(hub, victims)
    assert [(entry["state"], entry["steps"][-1]["reason"]) for entry in found] == [("closed", "unanswered")] * 2


def test_both_sides_get_feedback_on_events(hub: Hub, victims: Partner, provider: Partner) -> None:
    id_ = sent(hub, victims, asked()).view.id
    sent(hub, provider, answered(id_, "disagreed", reason="no-funds"))
    [requested] = [
        extension.context_of(obj)["feedback"] for obj in read(hub, provider, "outcomes") if "abstract" in obj
    ]
    [answer] = [extension.context_of(obj)["feedback"] for obj in read(hub, victims, "outcomes") if "abstract" in obj]
    assert (requested["event"], requested["code"]) == ("requested", "open")
    assert (answer["event"], answer["code"], answer["reason"]) == ("answered", "disagreed", "no-funds")
    assert list(answer["references"].values()) == ["CASE-1"]


@pytest.mark.parametrize("steps", [[], ["agreed"], ["agreed", "done"], ["disagreed"]], ids=str)
@pytest.mark.parametrize("addressee_left", [False, True])
def test_requests_of_a_former_partner_are_closed_a_day_later(
    hub: Hub, victims: Partner, provider: Partner, steps: list[str], *, addressee_left: bool
) -> None:
    id_ = sent(hub, victims, asked()).view.id
    for step in steps:
        sent(hub, provider, answered(id_, step, **({"reason": "no-funds"} if step == "disagreed" else {})))
    with hub.store.begin() as tx:
        partners.remove(tx, victims.name)
        if addressee_left:
            partners.remove(tx, provider.name)
    age(hub)
    with hub.store.read() as tx:
        assert requests.find(tx, [id_])[id_].state == [*["open"], *steps][-1]
    age(hub, now() + DAY + DAY // 24)
    with hub.store.read() as tx:
        assert requests.find(tx, [id_])[id_].state == "closed"
    if not addressee_left:
        assert notes(hub, provider)[-1]["state"] == "closed"
    assert age(hub, now() + DAY + DAY // 24) == 0


PAYMENT = {"message_id": "A-1", "transaction_id": "TX-1", "reason": "FRAD", "account": "123-4-56789-0"}


def test_parties_read_the_payment_of_a_request_and_of_its_response(
    hub: Hub, victims: Partner, provider: Partner
) -> None:
    opened = sent(hub, victims, asked(payment=PAYMENT))
    said = {"message_id": "B-1", "reason": "AM04"}
    sent(hub, provider, answered(opened.view.id, "disagreed", reason="no-funds", payment=said))
    for partner in (victims, provider):
        (view,) = seen(hub, partner)
        assert (view["payment"], view["steps"][-1]["payment"]) == (PAYMENT, said)


def test_hop_does_not_carry_the_payment_to_the_account_before(hub: Hub, victims: Partner, provider: Partner) -> None:
    opened = sent(hub, victims, asked(payment=PAYMENT))
    went_to = [{"of": {"kind": "bank-account", "value": "TH:GSBATHBK:012345678901"}, "amount": "100"}]
    sent(hub, provider, answered(opened.view.id, "agreed", amount="1000", currency="THB", went_to=went_to))
    assert [view.get("payment") for view in seen(hub, victims) if view["hop"] == 2] == [None]


def test_payment_of_another_account_is_refused() -> None:
    with pytest.raises(Rejected, match="account-conflict"):
        asked(payment={"account": "9876543210"})


def test_number_of_a_person_in_a_payment_is_refused(hub: Hub, victims: Partner) -> None:
    with pytest.raises(Rejected, match=r"payment\.transaction_id"):
        sent(hub, victims, asked(payment={"transaction_id": "1101700203450"}))


def test_request_under_a_used_id_opens_nothing_and_changes_nothing(hub: Hub, victims: Partner) -> None:
    request, id_ = asked(), "note--3f0c6c5e-8f5e-4b1a-9d55-6a6f3a1c2b11"
    with hub.store.begin() as tx:
        first = desk.send(hub, tx, victims, request, id_)
        again = desk.send(hub, tx, victims, request, id_)
        with pytest.raises(Rejected, match="request-changed"):
            desk.send(hub, tx, victims, asked(amount="1"), id_)
    assert first.view.id == again.view.id
