"""The pages of peers show states, refused objects with their senders, and the acts that two persons decide."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from flask import Flask

from mappers import consensus, ids
from mappers.indicator import to_stix
from schemas import hub_report, timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.app import close, create_app
from server.features.federation import heads, leftovers, origins, receiving
from server.features.federation.desk import conflicts, knowledge
from server.features.federation.members import linking, overlaps
from server.release.contribute import contribute
from server.release.hub import Hub
from server.settings import Settings
from server.store import Store, collections, partners
from server.store.item import Item
from server.store.operators.users import OperatorRole, PartnerRole
from tests.other_hub import OtherHub
from tests.unit.server.web.shell.people import Visitor, visitor_of

KH, VN = OtherHub("Hub Cambodia"), OtherHub("Hub Vietnam", "VN")


@pytest.fixture
def app(initial_store: Path, tmp_path: Path) -> Iterator[Flask]:
    url = f"sqlite:///{shutil.copy(initial_store, tmp_path / 'hub.db')}"
    peers = [KH.table(count="as-own"), VN.table()]
    app = create_app(Settings(database_url=url, access_log="off", background=False, peer=peers))
    yield app
    close(app)


@pytest.fixture
def store(app: Flask) -> Store:
    found: Store = app.extensions["scamfeed-store"]
    return found


@pytest.fixture
def hub(store: Store) -> Hub:
    return Hub(store, peers=(KH.peer(count="as-own"), VN.peer()))


def receive(hub: Hub, by: OtherHub, *objects: bytes) -> None:
    peer = next(peer for peer in hub.peers if peer.name == by.name)
    with hub.store.begin() as tx:
        collections.hub_reports(tx)
        receiving.accept(hub, tx, peer, objects)


def operator(app: Flask, role: OperatorRole, name: str) -> Visitor:
    return visitor_of(app, role, name=name)


def test_list_and_page_of_a_peer_show_its_state(app: Flask, store: Store, hub: Hub) -> None:
    receive(hub, KH, KH.report("bad-one-shop.com"), KH.report("bad-two-shop.com", 3))
    with store.begin() as tx:
        heads.take_heads(hub, tx, hub.peers[0], [KH.head()])
        knowledge.note(tx, KH.name, 1_764_400_000_000_000, ["indicator--1", "indicator--2"])
    # Vietnam alters a report of Cambodia: the page names Vietnam.
    receive(hub, VN, KH.report("altered-shop.com").replace(b"altered-shop", b"changed-shop"))
    visitor = operator(app, OperatorRole.VIEWER, "Anong")
    page = visitor.get("/console/peers").text
    assert "Hub Cambodia" in page
    assert "hub-vietnam.example/log" in page
    assert page.count("altered: the signature is wrong") == 1
    row = page.partition("altered: the signature is wrong")[0].rpartition("<tr>")[2]
    assert "Hub Vietnam" in row
    assert "hub-cambodia.example/log" in row
    one = visitor.get("/console/peers/Hub%20Cambodia").text
    assert "<dd>2</dd>" in one
    assert "Erased here, still reported there" in one
    thai = visitor.get("/console/peers/Hub%20Cambodia?lang=th").text
    assert "รายงานของศูนย์นั้นที่นี่" in thai
    assert "Its reports here" not in thai
    assert visitor.get("/console/peers/Nowhere").status_code == 404
    figures = visitor.get("/metrics").text
    assert 'scamfeed_peer_state{peer="Hub Cambodia",state="current"} 1.0' in figures
    assert 'scamfeed_peer_reports{peer="Hub Cambodia"} 2.0' in figures
    sender = (
        'scamfeed_peer_refused_total{origin="hub-cambodia.example/log",peer="Hub Vietnam",reason="bad-signature"} 1.0'
    )
    assert sender in figures


def test_two_persons_count_a_contradictory_peer_again(app: Flask, store: Store, hub: Hub) -> None:
    body = KH.report("bad-one-shop.com")
    twin = hub_report.sign({**orjson.loads(body), "confidence": 61}, KH.key)
    receive(hub, KH, body)
    receive(hub, VN, twin)
    with store.read() as tx:
        assert origins.contradicting(tx) == {KH.key.name}
    first = operator(app, OperatorRole.APPROVER, "Boon")
    second = operator(app, OperatorRole.APPROVER, "Chai")
    place = "/console/peers/Hub Cambodia"
    page = first.get(place).text
    assert "contradicts itself" in page
    assert "delivered by Hub Vietnam" in page
    proposed = first.send(f"{place}/decide", place).headers["Location"]
    assert proposed.startswith("/console/proposals/")
    assert "counts again" in second.get(proposed).text
    with store.read() as tx:
        assert origins.contradicting(tx) == {KH.key.name}
    assert second.send(f"{proposed}/confirm", proposed).status_code in (200, 303)
    with store.read() as tx:
        assert not origins.contradicting(tx)
    assert first.send(f"{place}/decide", "/console/peers").status_code == 409


def test_throttle_is_lifted_and_viewers_cannot(app: Flask, store: Store, hub: Hub) -> None:
    with store.begin() as tx:
        origins.lock(tx, [KH.key.name])
        origins.set_word(tx, KH.key.name, origins.THROTTLED)
        overlaps.store(tx, KH.key.name, "there", [])
        conflicts.note(tx, {"bank-account:TH:KASITHBK:1234567890": {"": "genuine", KH.key.name: "confirmed-fraud"}})
    place = "/console/peers/Hub Cambodia"
    viewer, approver = operator(app, OperatorRole.VIEWER, "Dara"), operator(app, OperatorRole.APPROVER, "Ekk")
    assert "Lift the throttle" not in viewer.get(place).text
    assert viewer.client.post(f"{place}/lift").status_code in (400, 403)
    assert approver.send(f"{place}/lift", place).status_code == 303
    assert "throttled" not in approver.get(place).text
    assert "Different findings on one value" in viewer.get("/console/peers").text
    with store.begin() as tx:
        conflicts.note(tx, {"bank-account:TH:KASITHBK:1234567890": {"": "genuine"}})
        assert conflicts.count(tx) == 0


def test_partner_links_itself_on_its_own_page(app: Flask, store: Store) -> None:
    with store.begin() as tx:
        partners.add(tx, Partner(name="First Bank", kind=PartnerKind.BANK, identity=ids.identity("First Bank")))
    admin = visitor_of(app, PartnerRole.ADMIN, "First Bank", name="Fon")
    reader = visitor_of(app, PartnerRole.READER, "First Bank", name="Gai")
    assert "which values your organisation reported at several of them" in admin.get("/partner/link").text
    assert "Secret of your organisation" not in reader.get("/partner/link").text
    assert admin.send("/partner/link/set", "/partner/link", secret="too short").status_code == 422
    assert admin.send("/partner/link/set", "/partner/link", secret="5c" * 32).status_code == 303
    with store.read() as tx:
        link = linking.find(tx, "first bank")
    assert link is not None
    assert link.secret == linking.secret_of("5C" * 32)
    page = admin.get("/partner/link").text
    assert "linked" in page
    assert "5c5c" not in page
    assert reader.client.post("/partner/link/end").status_code in (400, 403)
    assert admin.send("/partner/link/end", "/partner/link").status_code == 303
    assert admin.send("/partner/link/end", "/partner/link").status_code == 409
    with store.read() as tx:
        assert linking.find(tx, "first bank") is None


def test_explain_shows_each_origin(app: Flask, hub: Hub) -> None:
    receive(hub, VN, KH.report("bad-one-shop.com", 2))
    visitor = operator(app, OperatorRole.ANALYST, "Somsak")
    page = visitor.send("/console/explain", about="bad-one-shop.com").text
    assert "hub-cambodia.example/log" in page
    assert "<code>reports</code>" in page
    assert str(KH.number) in page


def test_trial_and_overlap_of_a_peer_are_on_the_pages(app: Flask, store: Store, hub: Hub) -> None:
    receive(hub, KH, KH.report("bad-one-shop.com"))
    with store.begin() as tx:
        overlaps.store(tx, KH.key.name, "here", [])
    visitor = operator(app, OperatorRole.ANALYST, "Anong")
    assert "not compared yet" in visitor.get("/console/peers").text
    page = visitor.get("/console/peers/Hub%20Cambodia").text
    assert "/console/peers/Hub%20Cambodia/trial?count=not" in page
    trial = visitor.get("/console/peers/Hub%20Cambodia/trial?count=not").text
    assert "bad-one-shop.com" in trial
    assert "1 would change" in trial
    assert "ผลของวิธีนับแบบอื่น" in visitor.get("/console/peers/Hub%20Cambodia/trial?count=not&lang=th").text
    assert visitor.get("/console/peers/Hub%20Cambodia/trial?count=double").status_code == 404


def report(hub: Hub, by: str, *values: str, second_hand: bool) -> None:
    """Let a new or a known partner report domains, as its own findings or as copies of other reports."""
    bank = Partner(name=by, kind=PartnerKind.BANK, identity=ids.identity(by), vouched=True)
    given = {"reporter": by, "kind": "domain", "tlp": "green", "reported_at": timestamp.text(timestamp.now())}
    reader = ReportReader(given)
    objects = [obj for value in values for obj in to_stix(reader.report({"value": value}))]
    with hub.store.begin() as tx:
        if by not in partners.load_registry(tx).partners:
            partners.add(tx, bank)
        contribute(hub, tx, bank, [Item.of(consensus.as_second_hand(obj) if second_hand else obj) for obj in objects])


def test_leftovers_are_listed_a_part_at_a_time(app: Flask, hub: Hub) -> None:
    report(hub, "Old hub", *(f"left-{place}-shop.com" for place in range(3)), second_hand=True)
    page = operator(app, OperatorRole.ANALYST, "Anong").get("/console/peers/all/leftovers").text
    assert [page.count(f"left-{place}-shop.com") for place in range(3)] == [1, 1, 1]
    assert "Old hub" in page
    assert "Look at more values" not in page


def test_only_values_with_a_copy_are_loaded_for_leftovers(hub: Hub) -> None:
    report(hub, "First bank", *(f"own-{place}-shop.com" for place in range(40)), second_hand=False)
    receive(hub, KH, KH.report("peer-1-shop.com"), KH.report("peer-2-shop.com"))
    report(hub, "Old hub", "own-1-shop.com", "left-1-shop.com", second_hand=True)
    [batch] = leftovers.find(hub)
    assert batch.looked_at >= 41
    assert batch.loaded == 2
    assert [leftover.subject for leftover in batch.found] == ["domain:left-1-shop.com"]


def test_reports_of_a_partner_that_copies_are_leftovers(hub: Hub) -> None:
    report(hub, "Pulled hub", "pulled-1-shop.com", second_hand=False)
    report(hub, "First bank", "own-1-shop.com", second_hand=False)
    [batch] = leftovers.find(replace(hub, copies=frozenset({"Pulled hub"})))
    assert [leftover.subject for leftover in batch.found] == ["domain:pulled-1-shop.com"]
    assert [each.found for each in leftovers.find(hub)] == [[]]


@pytest.mark.parametrize("place", ["--1", "-2", "x", "9" * 19, "٣"], ids=["twice", "below", "word", "beyond", "arabic"])
def test_place_that_is_no_number_of_a_value_is_not_found(app: Flask, place: str) -> None:
    page = operator(app, OperatorRole.ANALYST, "Anong").get(f"/console/peers/all/leftovers?after={place}")
    assert page.status_code == 404
