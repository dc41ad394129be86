"""Erasures across hubs: who has the tombstone, and who still reports the value."""

from sqlalchemy import insert, update

from server.features.federation.desk import erasures, knowledge
from server.features.federation.desk.erasures import ERASED, STILL_REPORTED, WAITING
from server.features.federation.tables import hub_reports
from server.release.hub import Hub
from server.store import Store, erased
from server.store.database.engine import Tx
from server.store.database.times import now
from tests.other_hub import OtherHub

KH, VN = OtherHub("Hub Cambodia"), OtherHub("Hub Vietnam", "VN")
ID = "indicator--11111111-1111-5111-8111-111111111111"


def own_report(tx: Tx, number: int, state: int, subject: str = "") -> None:
    row = {"origin": "own/log", "stream": "open", "id": ID, "number": number, "subject": subject}
    tx.execute(insert(hub_reports), [{**row, "body": b"{}", "peer": "", "received": 1, "state": state}])


def found(hub: Hub) -> dict[str, str]:
    with hub.store.read() as tx:
        [peers] = erasures.at_peers(hub, tx, erased.all_erasures(tx)).values()
    return {each.peer: each.state for each in peers}


def test_each_peer_is_followed_from_the_tombstone_to_its_answer(either_store: Store) -> None:
    hub = Hub(either_store, peers=(KH.peer(), VN.peer()))
    with either_store.begin() as tx:
        own_report(tx, 5, 1)
        record = erased.begin(tx, "domain", "court-order", "Anong", "Boon")
        erasures.note(tx, record.id, [ID, ID])
        knowledge.note(tx, KH.name, record.begun + 1_000)
    # The tombstone is not published yet, so that a later number of another report shows nothing.
    assert found(hub) == {KH.name: WAITING, VN.name: WAITING}
    published = record.begun + 2_000
    with either_store.begin() as tx:
        tx.execute(update(hub_reports).values(number=published))
    assert found(hub) == {KH.name: WAITING, VN.name: WAITING}
    with either_store.begin() as tx:
        knowledge.note(tx, KH.name, published)
        knowledge.note(tx, VN.name, published + 1, [ID])
    assert found(hub) == {KH.name: ERASED, VN.name: STILL_REPORTED}


def test_values_that_this_hub_still_reports_are_named_to_their_origin_alone(either_store: Store) -> None:
    with either_store.begin() as tx:
        erasures.keep(tx, KH.key.name, "indicator--a", "domain:still-here.com")
        erasures.keep(tx, KH.key.name, "indicator--b", "domain:no-longer-here.com")
        erasures.keep(tx, VN.key.name, "indicator--c", "domain:still-here.com")
        own_report(tx, now(), 0, "domain:still-here.com")
        assert erasures.retained(tx, KH.key.name) == ["indicator--a"]
        assert erasures.retained(tx, VN.key.name) == ["indicator--c"]
        tx.execute(update(hub_reports).values(state=1))
        assert not erasures.retained(tx, KH.key.name)
