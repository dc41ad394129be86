"""Stored hub reports in the listings of a hub: one fusion for its readers, whichever hub has the reporters."""

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from sqlalchemy import Table, update

from mappers import extension, ids
from mappers.consensus import as_second_hand
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.hub_report import HubDecision, HubLimits, ReporterEntry, plain_token
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from schemas.vocabulary import Tlp
from server.features.federation import tables
from server.features.federation.fusion.explain import explain_origins
from server.features.federation.receiving import accept
from server.features.federation.tables import hub_origins
from server.release import review
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.retract import retract
from server.release.route.policy import Policy
from server.release.session import ReleaseSession
from server.store import Store, collections, listings, log, partners, reviews
from server.store.item import Item
from tests import initial_stores
from tests.other_hub import OtherHub
from tests.unit.server.release.hubs import NOBODY_NEW

SUBJECT = "domain:bad-shop.com"
DAY = timedelta(days=1)


class Desk:
    """A hub with two banks and a police, and peers whose hub reports a test delivers."""

    def __init__(self, store: Store, **settings: Any) -> None:
        self.store = store
        self.others = [OtherHub("Hub Cambodia"), OtherHub("Hub Laos", country="LA")]
        self.peers = tuple(other.peer(**{"count": "as-own", **settings}) for other in self.others)
        self.hub = Hub(store, Policy(newcomers=NOBODY_NEW), peers=self.peers)
        self.bank = self.joins("First Bank")
        self.joins("Second Bank", country="KH")
        self.joins("Police", kind="government")

    def joins(self, name: str, kind: str = "bank", country: str = "TH") -> Partner:
        partner = Partner(name=name, kind=PartnerKind(kind), country=country, identity=ids.identity(name))
        with self.store.begin() as tx:
            partners.add(tx, partner)
            collections.grant(tx, name, collections.get(tx, "takedown"), read=True)
        return partner

    def reports(self, confidence: int = 50, **columns: Any) -> dict[str, Any]:
        reported = timestamp.text(timestamp.now() - timedelta(hours=1))
        defaults = {"reporter": self.bank.name, "reported_at": reported, "kind": "domain", "tlp": "green", **columns}
        indicator = to_stix(ReportReader({**defaults, "confidence": str(confidence)}).report({"value": "bad-shop.com"}))
        self.posts(indicator[1])
        return indicator[1]

    def posts(self, obj: dict[str, Any]) -> None:
        with self.store.begin() as tx:
            assert not contribute(self.hub, tx, self.bank, [Item.of(obj)]).failed

    def delivers(self, body: bytes, place: int = 0) -> None:
        with self.store.begin() as tx:
            done = accept(self.hub, tx, self.peers[place], [body])
        assert (done.new, done.held, dict(done.refused)) == (1, 0, {})

    def listed(self, alias: str = "takedown") -> dict[str, Any] | None:
        with self.store.read() as tx:
            wanted = listings.ids(tx, SUBJECT)
            items = log.latest(tx, collections.get(tx, alias), wanted) if wanted else {}
        found = [msgspec.json.decode(item.body) for item in items.values() if not item.revoked]
        return found[0] if found else None

    def facts(self) -> tuple[int, str, int, int] | None:
        """Return confidence, grade, reporters and hubs of the listing."""
        obj = self.listed()
        if obj is None:
            return None
        ours = extension.context_of(obj)
        return obj["confidence"], ours["grade"], ours["reporters"], ours["hubs"]

    def private(self, name: str) -> dict[str, Any] | None:
        with self.store.read() as tx:
            alias = next((c.alias for c in collections.all_collections(tx) if (c.owner, c.use) == (name, "for")), None)
        return self.listed(alias) if alias else None

    def release(self) -> None:
        with self.store.begin() as tx:
            session, _ = ReleaseSession.open_locked(self.hub, tx, lambda _: (None, {SUBJECT}))
            session.release(session.load([SUBJECT]), "released anew")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(initial_stores.initial_url(request, tmp_path))
    yield opened
    opened.close()


def _entry(weight: int = 60, **more: Any) -> ReporterEntry:
    at = timestamp.now().replace(microsecond=0)
    return ReporterEntry(plain_token(b"secret", "bank", SUBJECT), weight, at, at + DAY, PartnerKind.BANK, **more)


def test_reports_of_three_hubs_are_one_listing(store: Store) -> None:
    desk = Desk(store)
    own = desk.reports(50)
    assert desk.facts() == (50, "warn", 1, 1)
    desk.delivers(desk.others[0].report("bad-shop.com", weight=50))
    assert desk.facts() == (75, "block", 2, 2)
    desk.delivers(desk.others[1].report("bad-shop.com", weight=50), 1)
    assert desk.facts() == (90, "block", 3, 3)
    # Retractions anywhere lower it again; only other hubs' reports are left here.
    desk.posts({**own, "modified": timestamp.text(timestamp.now()), "revoked": True})
    assert desk.facts() == (75, "block", 2, 2)
    with store.read() as tx:
        assert [(one.origin, one.counted) for one in explain_origins(desk.hub, tx, "bad-shop.com")] == [
            (desk.others[0].key.name, ["reports"]),
            (desk.others[1].key.name, ["reports"]),
        ]


def test_a_listing_of_another_hub_adds_nothing(store: Store) -> None:
    desk = Desk(store)
    desk.reports(40)
    echo = to_stix(
        ReportReader(
            {
                "reporter": "Second Bank",
                "reported_at": timestamp.text(timestamp.now() - timedelta(hours=1)),
                "kind": "domain",
                "tlp": "green",
                "confidence": "60",
            }
        ).report({"value": "bad-shop.com"})
    )[1]
    with store.begin() as tx:
        second = partners.get(tx, "Second Bank")
        assert not contribute(desk.hub, tx, second, [Item.of(as_second_hand(echo))]).failed
    # The larger confidence applies; it is no second reporter.
    assert desk.facts() == (60, "warn", 1, 1)


def test_limits_apply_to_each_reader_and_appear_in_its_listing(store: Store) -> None:
    desk = Desk(store)
    limits = HubLimits(only_partner_kinds=(PartnerKind.BANK,), not_to_countries=("KH",))
    body = desk.others[0].report("bad-shop.com", reports=(_entry(tlp=Tlp.AMBER, limits=limits),))
    desk.delivers(body)
    assert desk.listed() is None
    listed = desk.private("First Bank")
    assert listed is not None
    assert extension.context_of(listed)["sharing"] == {"only_partner_kinds": ["bank"], "not_to_countries": ["KH"]}
    assert desk.private("Second Bank") is None
    assert desk.private("Police") is None


def test_another_hubs_decision_is_reviewed_where_own_partners_report(store: Store) -> None:
    desk = Desk(store)
    at = timestamp.now().replace(microsecond=0)
    decision = HubDecision("review", at, at + DAY)
    desk.delivers(desk.others[0].report("bad-shop.com", hub_decision=decision))
    with store.read() as tx:
        assert reviews.all_reviews(tx, "open") == []
    desk.reports(80)
    found = desk.listed()
    assert found is not None
    assert extension.context_of(found)["disputed"] is True
    with store.read() as tx:
        [opened] = reviews.all_reviews(tx, "open")
    assert (opened.rule, opened.partner) == ("peer-found-wrong", desk.others[0].key.name)
    # A person here upholds the value: the decision of the other hub is answered.
    with store.begin() as tx:
        review.decide(desk.hub, tx, [opened.object_id], "approved", "operator")
    found = desk.listed()
    assert found is not None
    assert "disputed" not in extension.context_of(found)
    desk.release()
    with store.read() as tx:
        assert reviews.all_reviews(tx, "open") == []


def test_a_rejected_dispute_delists_also_what_other_hubs_report(store: Store) -> None:
    desk = Desk(store)
    at = timestamp.now().replace(microsecond=0)
    desk.reports(80)
    desk.delivers(desk.others[0].report("bad-shop.com", 2, hub_decision=HubDecision("operator", at, at + DAY)))
    with store.read() as tx:
        [opened] = reviews.all_reviews(tx, "open")
    with store.begin() as tx:
        review.decide(desk.hub, tx, [opened.object_id], "rejected", "operator")
    assert desk.listed() is None
    desk.release()
    assert desk.listed() is None
    with store.read() as tx:
        [explained] = explain_origins(desk.hub, tx, "bad-shop.com")
    assert "held by our guard" in explained.not_counted
    # A later report is held for review; a person may list it.
    body = desk.others[0].report("bad-shop.com", 2)
    with store.begin() as tx:
        assert accept(desk.hub, tx, desk.peers[0], [body]).held == 1
    with store.read() as tx:
        [held] = reviews.all_reviews(tx, "open")
    with store.begin() as tx:
        review.decide(desk.hub, tx, [held.object_id], "approved", "operator")
    assert desk.facts() == (90, "block", 2, 1)


def test_the_operator_retracts_a_value_that_only_another_hub_reports(store: Store) -> None:
    desk = Desk(store)
    desk.delivers(desk.others[0].report("bad-shop.com", 2))
    assert desk.facts() == (90, "block", 2, 1)
    with store.begin() as tx:
        assert [found.partner for found in retract(desk.hub, tx, "bad-shop.com")] == [desk.others[0].key.name]
    assert desk.listed() is None
    desk.release()
    assert desk.listed() is None


def test_an_origin_that_contradicts_itself_counts_nowhere(store: Store) -> None:
    desk = Desk(store)
    body = desk.others[0].report("bad-shop.com", 2)
    desk.delivers(body)
    with store.begin() as tx:
        tx.execute(update(hub_origins).values(state="contradicts"))
    desk.release()
    assert desk.listed() is None
    with store.read() as tx:
        [explained] = explain_origins(desk.hub, tx, "bad-shop.com")
        named = explain_origins(desk.hub, tx, orjson.loads(body)["id"])
    assert (explained.counted, explained.not_counted) == ([], ["contradicts itself"])
    assert named == [explained]


def test_a_stale_origin_blocks_nothing(store: Store) -> None:
    desk = Desk(store, lease=timedelta(hours=1))
    desk.delivers(desk.others[0].report("bad-shop.com", 2))
    assert desk.facts() == (90, "block", 2, 1)
    with store.begin() as tx:
        tx.execute(update(hub_origins).values(since=0))
    desk.release()
    assert desk.facts() == (90, "warn", 2, 1)


def test_a_hub_without_peers_reads_no_table_of_federation(initial_store: Path, tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{shutil.copy(initial_store, tmp_path / 'hub.db')}")
    desk = Desk(store)
    names = {table.name for table in vars(tables).values() if isinstance(table, Table)}
    for hub, expected in ((Hub(store, Policy(newcomers=NOBODY_NEW)), 0), (desk.hub, 1)):
        statements: list[str] = []
        with store.read() as tx:
            driver: Any = tx.connection.driver_connection
            driver.set_trace_callback(statements.append)
            ReleaseSession.open(hub, tx).load([SUBJECT])
            driver.set_trace_callback(None)
        assert statements
        assert len([statement for statement in statements if names & set(re.findall(r"\w+", statement))]) == expected
    store.close()
