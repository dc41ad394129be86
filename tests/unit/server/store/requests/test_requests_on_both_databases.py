"""Requests between institutions on both databases: a whole one, two concurrent responses, and deletions."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from mappers import ids
from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner, PartnerKind
from schemas.request import Request, RequestAnswer
from server.features.requests import desk, records as requests
from server.features.requests.ageing import age
from server.features.requests.assign import assign
from server.release.hub import Hub
from server.store import Store, StoreUnavailable, collections, partners
from server.store.database.times import now

ACCOUNT, NEXT = "bank-account:TH:KASITHBK:1234567890", "bank-account:TH:GSBATHBK:012345678901"
DAY = 86_400_000_000


@pytest.fixture
def hub(store: Store) -> Hub:
    with store.begin() as tx:
        collections.create_defaults(tx)
    return Hub(store)


def joined(hub: Hub, name: str, kind: PartnerKind = PartnerKind.BANK, **more: Any) -> Partner:
    partner = Partner(name=name, kind=kind, country="TH", identity=ids.identity(name), **more)
    with hub.store.begin() as tx:
        partners.add(tx, partner)
    return partner


def ask(hub: Hub, partner: Partner, **columns: Any) -> str:
    at = timestamp.now()
    given = {"reporter": partner.name, "reported_at": at, "asks": "freeze", "of": ACCOUNT, "reference": "C-1"}
    more = {"deadline": at + timedelta(hours=1), "legal_basis": "police-order", "amount": "100", "currency": "THB"}
    with hub.store.begin() as tx:
        return desk.send(hub, tx, partner, Request.model_validate({**given, **more, **columns})).view.id


def answer(hub: Hub, partner: Partner, id_: str, **columns: Any) -> None:
    given = {"reporter": partner.name, "reported_at": timestamp.now(), "request": id_}
    with hub.store.begin() as tx:
        desk.send(hub, tx, partner, RequestAnswer.model_validate({**given, **columns}))


def test_police_freeze_continues_and_ends(hub: Hub) -> None:
    police = joined(hub, "Police", PartnerKind.GOVERNMENT, authority=("bank-account",))
    provider = joined(hub, "Keeping Bank", institutions=("KASITHBK",))
    joined(hub, "Next Bank", institutions=("GSBATHBK",))
    id_ = ask(hub, police, until=timestamp.now() + timedelta(hours=2))
    answer(hub, provider, id_, state="agreed", went_to=[{"of": NEXT, "amount": "60"}])
    with hub.store.read() as tx:
        assert requests.current(tx, now())[:2] == (0, 0)
        assert requests.current(tx, now())[4:6] == (1, 1)
        assert len(requests.of_chain(tx, id_)) == 2
    assert age(hub, now() + DAY) == 1
    with hub.store.read() as tx:
        assert requests.current(tx, now()).holding == 0
    answer(hub, police, id_, state="closed")
    with hub.store.begin() as tx:
        assert requests.forget(tx, before=now() + DAY) == 1
        assert list(requests.of_chain(tx, id_)) != [id_]


def test_one_of_two_concurrent_responses_is_accepted(hub: Hub) -> None:
    victims = joined(hub, "Victims Bank")
    provider = joined(hub, "Keeping Bank", institutions=("KASITHBK",))
    id_ = ask(hub, victims, legal_basis="statute")
    start, outcomes = threading.Barrier(2), []

    def give(**columns: Any) -> None:
        start.wait()
        for _ in range(20):
            try:
                answer(hub, provider, id_, **columns)
                outcomes.append("taken")
            except Rejected as refusal:
                outcomes.append(refusal.reason)
            except StoreUnavailable:
                continue
            return

    threads = [
        threading.Thread(target=give, kwargs={"state": "agreed"}),
        threading.Thread(target=give, kwargs={"state": "disagreed", "reason": "no-funds"}),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["taken", "wrong-step"]
    with hub.store.read() as tx:
        assert len(requests.steps(tx, [id_])[id_]) == 2


def test_operator_assigns_a_request_to_the_provider_of_the_account(hub: Hub) -> None:
    police = joined(hub, "Police", PartnerKind.GOVERNMENT, authority=("bank-account",))
    id_ = ask(hub, police, until=timestamp.now() + timedelta(hours=2))
    provider = joined(hub, "Keeping Bank")
    with hub.store.read() as tx:
        assert requests.current(tx, now()).unaddressed == 1
        assert [stored.id for stored in requests.all_requests(tx, unaddressed=True, most=5)] == [id_]
    with hub.store.begin() as tx:
        assert assign(hub, tx, id_, provider).hold is not None
    answer(hub, provider, id_, state="acknowledged")
    with hub.store.begin() as tx, pytest.raises(Rejected, match="unknown-request"):
        assign(hub, tx, id_, provider)
