"""Different findings on one value are shown until they agree."""

from datetime import timedelta

from schemas import timestamp
from schemas.hub_report import HubFinding
from schemas.vocabulary import QualificationCode
from server.features.federation import receiving
from server.features.federation.desk import conflicts
from server.release.hub import Hub
from server.store import Store, collections
from tests.other_hub import OtherHub

KH, VN = OtherHub("Hub Cambodia", "TH"), OtherHub("Hub Vietnam", "TH")
ACCOUNT = "TH:KASITHBK:4567890123"


def deliver(hub: Hub, by: OtherHub, code: QualificationCode) -> None:
    at = timestamp.now()
    finding = HubFinding(code, at, at + timedelta(days=30), "TH:004")
    body = by.report(ACCOUNT, kind="bank-account", finding=finding)
    peer = next(peer for peer in hub.peers if peer.name == by.name)
    with hub.store.begin() as tx:
        collections.hub_reports(tx)
        assert receiving.accept(hub, tx, peer, [body]).new == 1


def test_conflict_of_two_hubs_lasts_until_they_agree(either_store: Store) -> None:
    hub = Hub(either_store, peers=(KH.peer(), VN.peer()))
    deliver(hub, KH, QualificationCode.GENUINE)
    with either_store.read() as tx:
        assert conflicts.count(tx) == 0
    deliver(hub, VN, QualificationCode.FRAUD)
    with either_store.read() as tx:
        [found] = conflicts.latest(tx, 10)
    assert (found.kind, found.value) == ("bank-account", ACCOUNT)
    assert found.findings == {KH.key.name: "genuine", VN.key.name: "fraud"}
    deliver(hub, VN, QualificationCode.GENUINE)
    with either_store.read() as tx:
        assert conflicts.count(tx) == 0
