"""A request and its response between two hubs over real sockets."""

from datetime import timedelta
from typing import Any

from mappers import ids
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.request import Request, RequestAnswer
from server.features.federation import messages
from server.features.federation.streams import HubStream
from server.features.requests import desk
from server.store import partners
from server.store.database.times import now
from tests.integration.federation.conftest import MakeHub
from tests.integration.federation.exchanging import ExchangingHub


def publish_messages(hub: ExchangingHub, to: ExchangingHub) -> None:
    peer = next(peer for peer in hub.hub.peers if peer.origin == to.origin)
    with hub.store.begin() as tx:
        messages.publish(tx, [HubStream(to.identity, peer)], hub.identity, hub.key, now())


def sees(hub: ExchangingHub, name: str) -> dict[str, Any]:
    with hub.store.read() as tx:
        [view] = desk.list_(tx, partners.get(tx, name))
    return view.written()


def test_a_request_and_its_response_travel_in_the_direct_streams(make_hub: MakeHub) -> None:
    khmer, thai = make_hub("kh"), make_hub("th")
    for one, other, country in ((khmer, thai, "TH"), (thai, khmer, "KH")):
        one.knows(other, other.serve_at, countries=[country])
    for hub in (khmer, thai):
        hub.serve()
    thai.join("Victims Bank")
    with khmer.store.begin() as tx:
        provider = Partner(
            name="Khmer Bank", kind=PartnerKind.BANK, identity=ids.identity("Khmer Bank"), institutions=("ABAAKHPP",)
        )
        partners.add(tx, provider)
    at = timestamp.now()
    request = Request.model_validate(
        {
            **{"reporter": "Victims Bank", "reported_at": at, "asks": "freeze", "reference": "C-1", "currency": "THB"},
            **{"of": "bank-account:KH:ABAAKHPP:000123456", "amount": "800000", "legal_basis": "scheme-rules"},
            "deadline": at + timedelta(hours=4),
        }
    )
    with thai.store.begin() as tx:
        desk.send(thai.hub, tx, partners.get(tx, "Victims Bank"), request)
    publish_messages(thai, khmer)
    assert khmer.pull().error is None
    asked = sees(khmer, "Khmer Bank")
    assert (asked["sender"], asked["amount"]) == ("Victims Bank (Hub th)", "800000")
    answer = {"reporter": "Khmer Bank", "reported_at": at, "request": asked["id"], "state": "agreed"}
    with khmer.store.begin() as tx:
        given = RequestAnswer.model_validate({**answer, "amount": "300000", "currency": "THB"})
        desk.send(khmer.hub, tx, provider, given)
    publish_messages(khmer, thai)
    done = thai.pull()
    assert done.error is None
    assert (sees(thai, "Victims Bank")["state"], sees(thai, "Victims Bank")["agreed"]) == ("agreed", "300000")
    assert thai.pull().error is None
    assert sees(thai, "Victims Bank")["steps"][-1]["state"] == "agreed"
