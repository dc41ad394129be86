"""Requests with a side at another hub on both databases: sent, received, followed, closed and forgotten."""

from datetime import timedelta
from typing import Any

import pytest

from mappers import ids
from schemas import timestamp
from schemas.errors import Rejected
from schemas.hub_message import HubMessage
from schemas.partner import Partner, PartnerKind
from schemas.request import Request, RequestAnswer
from schemas.tlog.notes import SignerKey
from server.features.requests import desk, records as requests
from server.features.requests.hooks import RequestMessages
from server.release.context import open_context
from server.release.hooks import PeerTaking
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.store import Store, collections, partners
from server.store.database.times import now
from server.store.peer_messages import messages

KHMER = PeerHub("Hub Cambodia", SignerKey.make("hub.example.kh/log").verifier, frozenset({"KH"}))
LION = PeerHub("Hub Singapore", SignerKey.make("hub.example.sg/log").verifier, frozenset({"SG"}))
THREAD = "11111111-1111-4111-8111-111111111111"
DAY = 86_400_000_000


@pytest.fixture
def hub(store: Store) -> Hub:
    with store.begin() as tx:
        collections.create_defaults(tx)
        for name, more in (("Victims Bank", {}), ("Keeping Bank", {"institutions": ("KASITHBK",)})):
            partners.add(
                tx, Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name), **more)
            )
    return Hub(store, peers=(KHMER, LION))


def received(hub: Hub, kind: str, content: dict[str, Any], thread: str = THREAD) -> list[str]:
    """Take a message from Cambodia, and return the reasons of refusals."""
    refused: list[str] = []

    def refuse(_: HubMessage, refusal: Rejected) -> None:
        refused.append(refusal.reason)

    message = HubMessage(KHMER.origin, ids.identity("Hub"), ids.identity("Here"), now(), kind, thread, content)
    with hub.store.begin() as tx:
        RequestMessages().take(PeerTaking(hub, tx, KHMER, open_context(hub, tx), refuse), [message])()
    return refused


def waiting(hub: Hub, peer: PeerHub) -> list[tuple[str, str]]:
    with hub.store.read() as tx:
        return [(one.kind, one.content) for one in messages.waiting(tx, peer.origin, 10)]


def test_money_of_a_request_from_a_hub_is_followed_to_another(hub: Hub) -> None:
    at = timestamp.now()
    asked = {
        **{"asks": "freeze", "of": {"kind": "bank-account", "value": "TH:KASITHBK:1234567890"}, "reference": "C-1"},
        **{"amount": "100", "currency": "THB", "legal_basis": "statute"},
        "deadline": timestamp.text(at + timedelta(hours=1)),
    }
    opened = {"state": "open", "request": asked, "by": {"name": "Khmer Bank", "kind": "bank"}, "hops_left": 4}
    assert received(hub, "request", opened) == []
    assert received(hub, "request", opened) == []
    with hub.store.begin() as tx:
        [root] = requests.all_requests(tx, most=10)
        given = {"reporter": "Keeping Bank", "reported_at": at, "request": root.id, "state": "agreed"}
        went_to = [{"of": "bank-account:SG:DBSSSGSG:1234567890", "amount": "60"}]
        answer = RequestAnswer.model_validate({**given, "amount": "40", "currency": "THB", "went_to": went_to})
        desk.send(hub, tx, partners.get(tx, "Keeping Bank"), answer)
    [(kind, sent)] = waiting(hub, LION)
    assert (kind, '"amount":"60"' in sent, "Khmer" in sent) == ("request", True, False)
    [(kind, told)] = waiting(hub, KHMER)
    assert (kind, told.count("SG")) == ("response", 0)
    assert '"went_on":"60"' in told
    assert received(hub, "request", {"state": "closed", "reason": "settled"}) == []
    assert waiting(hub, LION) == [("request", '{"reason":"settled","state":"closed"}')]
    with hub.store.begin() as tx:
        assert {request.state for request in requests.all_requests(tx, most=10)} == {"closed"}
        assert requests.forget(tx, before=now() + DAY) == 2
        assert messages.forget(tx, before=now() + DAY) == 2
    assert waiting(hub, LION) == []


def test_the_newest_number_of_a_message_counts(store: Store) -> None:
    with store.begin() as tx:
        assert [messages.take(tx, "hub", THREAD, "request", number) for number in (5, 5, 4, 6)] == [
            True,
            False,
            False,
            True,
        ]
        assert messages.put(tx, "hub", THREAD, "request", {"a": 1})
        assert not messages.put(tx, "hub", THREAD, "request", {"a": 1})
        [first] = messages.waiting(tx, "hub", 10)
        assert messages.put(tx, "hub", THREAD, "request", {"a": 2})
        messages.published(tx, "hub", first, 7)
        assert messages.is_waiting(tx, ["hub", "other"])
        [second] = messages.waiting(tx, "hub", 10)
        messages.published(tx, "hub", second, 8)
        assert not messages.is_waiting(tx, ["hub", "other"])
        assert messages.lock(tx, "hub", THREAD, "request")


def test_a_sent_request_has_an_addressee_and_is_not_unaddressed(hub: Hub) -> None:
    at = timestamp.now()
    given = {"reporter": "Victims Bank", "reported_at": at, "asks": "information", "reference": "C-1"}
    more = {"of": "bank-account:KH:ABAAKHPP:123456789", "deadline": at + timedelta(hours=1), "legal_basis": "statute"}
    with hub.store.begin() as tx:
        desk.send(hub, tx, partners.get(tx, "Victims Bank"), Request.model_validate({**given, **more}))
        assert requests.all_requests(tx, unaddressed=True, most=10) == []
        assert requests.current(tx, now()).unaddressed == 0
