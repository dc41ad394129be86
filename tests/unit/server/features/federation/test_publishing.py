"""A hub publishes its own partners' reports: the streams, the times, the numbers and the heads."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event

from mappers import extension, hub_report as mapper, ids, records as records_to_stix
from mappers.indicator import to_stix
from schemas import hub_head, hub_report, tabular, timestamp
from schemas.hub_head import SignedHubHead
from schemas.hub_report import EXTENSION, OPEN, SignedReport
from schemas.partner import Partner, PartnerKind
from schemas.records import Feedback, FeedbackEvent, FeedbackReason
from schemas.tabular import ReportReader
from schemas.tlog.notes import COSIGNATURE, SignerKey
from schemas.vocabulary import Tlp
from server.features.federation import own_heads, own_reports, own_state, publishing, stored
from server.features.federation.members import linking
from server.features.federation.publishing import is_due, publish_step
from server.features.federation.tables import hub_heads, hub_origins, hub_pending, hub_publishing
from server.features.ledger.keys import HsmLogKey, LedgerKeys
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.release.retract import retract_all
from server.release.route.policy import Policy
from server.store import Store, collections, hub_identity, log, partners
from server.store.database.times import now, stix_stamp
from server.store.item import Item
from server.store.ledger import keys as known_keys
from tests.postgres import Postgres
from tests.soft_hsm import SoftHsm
from tests.unit.server.release.hubs import NOBODY_NEW

KEYS = LedgerKeys((SignerKey.make("hub.example.th/log"),), SignerKey.make("hub.example.th/witness", COSIGNATURE))
PEER_SIGNER = SignerKey.make("hub.example.kh/log")
PEER_IDENTITY = "identity--22222222-2222-4222-8222-222222222222"
PEER = PeerHub(
    "Hub Cambodia", PEER_SIGNER.verifier, frozenset({"KH"}), tlp="amber", limits=True, partner="Hub Cambodia"
)
DOMAIN = "bad-shop.com"
ACCOUNT = {"value": "4567890123", "kind": "bank-account", "bank": "KBANK", "country": "TH"}
ACCOUNT_SUBJECT = "bank-account:TH:KASITHBK:4567890123"


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, initial_store: Path, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        opened = Store.open(f"sqlite:///{shutil.copy(initial_store, tmp_path / 'hub.db')}")
        yield opened
        opened.close()
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.database(request.getfixturevalue("postgres_initial"))
    opened = Store.open(server.url(name))
    yield opened
    opened.close()
    server.drop(name)


class Desk:
    """A hub with partners and one peer, whose published reports a test reads."""

    def __init__(self, store: Store, *, peers: tuple[PeerHub, ...] = (PEER,)) -> None:
        self.store = store
        self.hub = Hub(store, Policy(newcomers=NOBODY_NEW), peers=peers)
        self.joins("Hub Cambodia", kind="research", country="KH", peer=True)
        with store.begin() as tx:
            tx.execute(hub_origins.insert().values(origin=PEER.origin, identity=PEER_IDENTITY, state="", since=now()))
            known_keys.add(tx, str(KEYS.log[0].verifier))

    def joins(self, name: str, kind: str = "bank", country: str = "TH", **more: Any) -> Partner:
        partner = Partner(name=name, kind=PartnerKind(kind), country=country, identity=ids.identity(name), **more)
        with self.store.begin() as tx:
            partners.add(tx, partner)
            for alias in ("takedown", "mule-accounts") if not more.get("peer") else ():
                collections.grant(tx, name, collections.get(tx, alias), read=True)
        return partner

    def posts(self, by: Partner, *objects: dict[str, Any]) -> None:
        with self.store.begin() as tx:
            assert not contribute(self.hub, tx, by, [Item.of(obj) for obj in objects]).failed

    def reports(self, by: Partner, value: str = DOMAIN, kind: str = "domain", **columns: Any) -> dict[str, Any]:
        reported = timestamp.text(timestamp.now() - timedelta(days=1))
        defaults = {"reporter": by.name, "reported_at": reported, "kind": kind, "tlp": "green", **columns}
        indicator = to_stix(ReportReader(defaults).report({"value": value}))[1]
        self.posts(by, indicator)
        return indicator

    def revokes(self, by: Partner, obj: dict[str, Any]) -> None:
        self.posts(by, {**obj, "modified": timestamp.text(timestamp.now()), "revoked": True})

    def records(self, by: Partner, which: str, **columns: Any) -> None:
        defaults = {"reporter": by.name, "reported_at": timestamp.text(timestamp.now()), "tlp": "green"}
        self.posts(by, records_to_stix.to_stix(tabular.read_record(which, columns, defaults))[-1])

    def publishes(self, keys: LedgerKeys = KEYS) -> int:
        return publish_step(self.hub, keys)

    def stream(self, name: str = OPEN) -> list[SignedReport]:
        """Return the reports in a stream that are not empty, each verified and in its collection under its number."""
        with self.store.read() as tx:
            rows = [row for row in stored.every(tx, KEYS.log[0].name, name) if row.state != stored.EMPTY]
            collection = (
                collections.hub_reports(tx)
                if name == OPEN
                else collections.find_private(tx, "Hub Cambodia", "hub-reports")
            )
            assert collection is not None or not rows
            added = log.added(tx, collection, [row.id for row in rows]) if collection is not None else {}
        for row in rows:
            assert added[row.id] == row.number
            hub_report.read(row.body).verify(KEYS.log[0].verifier)
        return [hub_report.read(row.body) for row in rows]

    def entries(self, name: str = OPEN) -> list[hub_report.ReporterEntry]:
        """Return the entries of the only report in a stream; none if there is no report."""
        found = self.stream(name)
        assert len(found) <= 1
        return list(found[0].report.reports) if found and found[0].report else []

    def only(self, name: str = OPEN) -> hub_report.HubReport:
        [found] = self.stream(name)
        assert found.report is not None
        return found.report

    def listing(self, alias: str) -> str:
        """Return the id of the only active listing in a collection."""
        with self.store.read() as tx:
            page = log.page(tx, collections.get(tx, alias), log.Query(types=("indicator",)))
        [found] = [obj["id"] for obj in map(json.loads, page.bodies) if not obj.get("revoked")]
        return str(found)

    def private(self, partner: Partner, use: collections.PrivateUse) -> str:
        with self.store.read() as tx:
            found = collections.find_private(tx, partner.name, use)
        assert found is not None
        return found.alias

    def versions(self) -> list[dict[str, Any]]:
        """Return all versions in the collection of the open stream."""
        with self.store.read() as tx:
            page = log.page(tx, collections.hub_reports(tx), log.Query(versions=log.EVERY))
        return [json.loads(body) for body in page.bodies]

    def head(self, name: str = OPEN) -> SignedHubHead:
        with self.store.read() as tx:
            body = tx.execute(hub_heads.select().where(hub_heads.c.stream == name)).one().body
        found = hub_head.read_head(body)
        rows = self.stream(name)
        assert found.head.reports == len(rows)
        assert found.head.digest == hub_head.set_digest([(row.id, row.number) for row in rows])
        return found

    def receives(self, subject: str, body: bytes, origin: str = PEER.origin, stream: str = OPEN) -> None:
        """Store a report of another hub, as if received, and look at its value again."""
        signed = hub_report.read(body)
        row = stored.StoredReport(origin, stream, signed.id, signed.number, subject, body, "Hub Cambodia", now(), 0)
        if signed.revoked:
            row = row._replace(state=stored.EMPTY)
        with self.store.begin() as tx:
            known = stored.find(tx, origin, stream, [signed.id])
            stored.put(tx, [row], {found[:3]: found for found in known.values()})
            publishing.pending.note(tx, [subject], release=False)


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


@pytest.fixture
def bank(desk: Desk) -> Partner:
    return desk.joins("First Bank", vouched=True)


@pytest.fixture
def other(desk: Desk) -> Partner:
    return desk.joins("Second Bank", vouched=True)


def test_report_is_published_signed_with_its_date_as_number(desk: Desk, bank: Partner) -> None:
    desk.reports(bank, confidence="60", scam_type="investment", countries="TH")
    assert desk.publishes() == 1
    [found] = desk.stream()
    assert found.report is not None
    [entry] = found.report.reports
    assert (entry.weight, entry.kind, entry.authority, entry.newcomer) == (60, PartnerKind.BANK, False, False)
    assert entry.at.second == entry.until.second == 0
    context = extension.context_of(found.obj)
    assert (context["scam_type"], context["countries"], context["reporters"]) == ("investment", ["TH"], 1)
    with desk.store.read() as tx:
        assert found.identity == hub_identity.identity(tx)
    assert b"First Bank" not in found.body
    head = desk.head().head
    assert (head.number, head.every) == (found.number, own_heads.EVERY)
    assert desk.publishes() == 0


def test_second_reporter_and_retractions_make_versions_and_the_last_is_revoked(
    desk: Desk, bank: Partner, other: Partner
) -> None:
    first = desk.reports(bank, confidence="30")
    desk.publishes()
    before = desk.only().number
    second = desk.reports(other, confidence="50")
    assert desk.publishes() == 1
    assert [entry.weight for entry in desk.entries()] == [50, 30]
    assert desk.only().number > before
    desk.revokes(bank, first)
    desk.publishes()
    assert [entry.weight for entry in desk.entries()] == [50]
    desk.revokes(other, second)
    desk.publishes()
    assert desk.stream() == []
    last = desk.versions()[-1]
    assert last["revoked"]
    assert "reports" not in last["extensions"][EXTENSION]["hub_report"]
    assert desk.head().head.number == last["extensions"][EXTENSION]["hub_report"]["number"]
    hub_report.read(json.dumps(last).encode()).verify(KEYS.log[0].verifier)


def test_value_reported_again_after_its_end_gets_another_id(desk: Desk, bank: Partner) -> None:
    report = desk.reports(bank)
    desk.publishes()
    [ended] = desk.stream()
    desk.revokes(bank, report)
    desk.publishes()
    desk.posts(bank, {**report, "id": ids.indicator(bank.identity, report["pattern"], 1)})
    desk.publishes()
    [again] = desk.stream()
    assert again.id != ended.id


# The columns of a report, and the stream that it belongs to; "": none.
STREAMS = [
    ({"tlp": "clear"}, OPEN),
    ({"tlp": "green"}, OPEN),
    ({"tlp": "amber"}, PEER_IDENTITY),
    ({"tlp": "amber+strict"}, ""),
    ({"tlp": "red"}, ""),
    ({"only_countries": "KH"}, PEER_IDENTITY),
    ({"only_countries": "TH,VN"}, ""),
    ({"not_to_countries": "KH"}, ""),
    ({"not_to_countries": "VN"}, PEER_IDENTITY),
    ({"only_partner_kinds": "bank"}, PEER_IDENTITY),
    ({"purposes": "law-enforcement"}, PEER_IDENTITY),
    ({"only_partners": "Second Bank"}, ""),
    ({"not_to_partners": "Second Bank"}, ""),
    ({"onward": "no"}, ""),
]


def test_marking_and_limits_decide_on_the_stream(desk: Desk, bank: Partner, other: Partner) -> None:
    wanted = {f"shop-{place}.com": stream for place, (_, stream) in enumerate(STREAMS)}
    for (columns, _), value in zip(STREAMS, wanted, strict=True):
        desk.reports(bank, value, **columns)
    desk.publishes()
    found = dict.fromkeys(wanted, "")
    for stream in (OPEN, PEER_IDENTITY):
        for report in desk.stream(stream):
            found[mapper.value_of(report).value] += stream
            assert report.report is not None
            [entry] = report.report.reports
            columns, _ = STREAMS[list(wanted).index(mapper.value_of(report).value)]
            assert (entry.limits is None) == ("tlp" in columns)
    assert found == wanted


def test_peer_without_the_agreement_receives_no_restricted_report(store: Store) -> None:
    desk = Desk(store, peers=(replace(PEER, tlp="green", limits=False),))
    bank = desk.joins("First Bank", vouched=True)
    desk.reports(bank, tlp="amber")
    desk.reports(bank, "limited-shop.com", only_countries="KH")
    desk.publishes()
    assert desk.stream() == desk.stream(PEER_IDENTITY) == []


def test_narrower_marking_ends_the_report_in_the_open_stream(desk: Desk, bank: Partner) -> None:
    report = desk.reports(bank)
    desk.publishes()
    desk.posts(
        bank,
        {
            **report,
            "modified": timestamp.text(timestamp.now()),
            "object_marking_refs": ["marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"],
        },
    )
    desk.publishes()
    assert desk.stream() == []
    assert desk.versions()[-1]["revoked"]


def test_held_report_is_not_published_before_its_approval(desk: Desk, bank: Partner) -> None:
    desk.reports(bank, "wikipedia.org")
    desk.publishes()
    assert desk.stream() == []


def test_change_of_times_alone_makes_no_version(desk: Desk, bank: Partner) -> None:
    report = desk.reports(bank)
    desk.publishes()
    later = timestamp.text(timestamp.now())
    desk.posts(
        bank,
        {
            **report,
            "modified": later,
            "valid_until": timestamp.text(timestamp.parse(report["valid_until"]) + timedelta(days=1)),
        },
    )
    assert desk.publishes() == 0
    desk.posts(
        bank,
        {
            **report,
            "modified": timestamp.text(timestamp.now()),
            "valid_until": timestamp.text(timestamp.parse(report["valid_until"]) - timedelta(days=1)),
        },
    )
    assert desk.publishes() == 1


def test_report_that_reached_its_end_is_published_as_empty(desk: Desk, bank: Partner) -> None:
    desk.reports(bank, valid_until=timestamp.text(timestamp.now() + timedelta(hours=2)))
    desk.publishes()
    assert len(desk.stream()) == 1
    with timestamp.frozen_at(timestamp.now() + timedelta(hours=3)):
        assert is_due(desk.hub)
        assert desk.publishes() == 1
        assert desk.stream() == []
        assert desk.versions()[-1]["revoked"]
        assert not is_due(desk.hub)


def _foreign(number: int, *, stream: str = OPEN, ended: bool = False) -> bytes:
    """Return a report of the account by the peer, or its end."""
    nonce = hub_report.nonce(b"secret of the peer", ACCOUNT_SUBJECT)
    until = timestamp.now() + timedelta(days=30)
    entry = hub_report.ReporterEntry("A" * 18, 60, timestamp.now(), until, PartnerKind.BANK)
    report = hub_report.HubReport(
        version=1, stream=stream, number=number, nonce=nonce, reports=() if ended else (entry,)
    )
    about = own_reports.naming("bank-account", "TH:KASITHBK:4567890123", {}, timestamp.now())
    id_ = hub_report.report_id(PEER.origin, nonce)
    times = {"created": timestamp.now(), "modified": stix_stamp(number), "until": until}
    return hub_report.sign(mapper.to_stix(report, about, id_, PEER_IDENTITY, tlp=Tlp.GREEN, **times), PEER_SIGNER)


def _sends(desk: Desk, number: int, *, stream: str = OPEN, ended: bool = False) -> None:
    desk.receives(ACCOUNT_SUBJECT, _foreign(number, stream=stream, ended=ended), stream=stream)


def test_disputes_sightings_and_findings_are_published_with_the_accusation(
    desk: Desk, bank: Partner, other: Partner
) -> None:
    keeper = desk.joins("Keeping Bank", vouched=True, institutions=("KASITHBK",))
    desk.reports(bank, **ACCOUNT)
    listed = desk.listing("mule-accounts")
    desk.records(other, "outcome", of=listed, outcome="false-positive", at=timestamp.text(timestamp.now()))
    desk.records(desk.joins("Third Bank", vouched=True), "sighting", of=listed, count="3")
    desk.publishes()
    [dispute], [sighting] = desk.only().disputes, desk.only().sightings
    assert (dispute.word, dispute.decides, sighting.count) == ("disputed", False, 3)
    desk.records(keeper, "qualification", of=desk.listing(desk.private(keeper, "accounts")), code="genuine")
    desk.publishes()
    finding = desk.only().finding
    assert finding is not None
    assert (finding.code, finding.provider) == ("genuine", "KASITHBK")
    assert len(desk.entries()) == 1


def test_protections_start_and_stop_with_another_hubs_accusation(desk: Desk, bank: Partner) -> None:
    keeper = desk.joins("Keeping Bank", vouched=True, institutions=("KASITHBK",))
    report = desk.reports(bank, **ACCOUNT, tlp="amber")
    desk.reports(bank, "other-shop.com")
    desk.records(keeper, "qualification", of=desk.listing(desk.private(keeper, "accounts")), code="genuine")
    desk.publishes()
    [direct] = desk.stream(PEER_IDENTITY)
    assert direct.report is not None
    assert direct.report.finding is not None
    assert [found for found in desk.stream() if b"bank-account" in found.body] == []
    _sends(desk, 1_000)
    desk.publishes()
    [protection] = [found for found in desk.stream() if b"bank-account" in found.body]
    assert protection.report is not None
    assert protection.report.reports == ()
    assert protection.report.finding is not None
    assert protection.obj["confidence"] == 0
    assert desk.only(PEER_IDENTITY).finding is None
    assert desk.publishes() == 0
    _sends(desk, 2_000, ended=True)
    desk.publishes()
    assert [found for found in desk.stream() if b"bank-account" in found.body] == []
    assert desk.only(PEER_IDENTITY).finding is not None
    desk.revokes(bank, report)
    desk.publishes()
    assert desk.stream(PEER_IDENTITY) == []


def test_accusation_in_a_direct_stream_is_answered_there(desk: Desk, bank: Partner, other: Partner) -> None:
    keeper = desk.joins("Keeping Bank", vouched=True, institutions=("KASITHBK",))
    desk.reports(bank, **ACCOUNT, only_partners="Second Bank")
    desk.records(keeper, "qualification", of=desk.listing(desk.private(keeper, "accounts")), code="genuine")
    with desk.store.read() as tx:
        own = hub_identity.identity(tx)
    _sends(desk, 1_000, stream=own)
    desk.publishes()
    assert desk.stream() == []
    assert desk.only(PEER_IDENTITY).finding is not None
    assert desk.only(PEER_IDENTITY).reports == ()
    assert other.name == "Second Bank"


def test_coerced_holder_is_spared_in_the_open_stream_while_others_accuse(desk: Desk, other: Partner) -> None:
    trusted = desk.joins("Refuge", kind="government", authority=("bank-account",))
    desk.reports(other, **ACCOUNT)
    desk.publishes()
    assert len(desk.entries()) == 1
    sign = desk.reports(trusted, **ACCOUNT, holder_status="coerced", action="hold")
    desk.publishes()
    assert desk.stream() == []
    direct = desk.only(PEER_IDENTITY)
    assert (len(direct.reports), direct.spare_until is not None) == (2, True)
    _sends(desk, 1_000)
    desk.publishes()
    assert desk.only().spare_until is not None
    assert desk.only().reports == ()
    desk.revokes(trusted, sign)
    desk.publishes()
    assert desk.only().spare_until is None
    assert len(desk.only().reports) == 1


def test_hold_of_any_amount_and_coin_is_readable_elsewhere(desk: Desk, bank: Partner) -> None:
    until = timestamp.text(timestamp.now() + timedelta(days=2))
    amount = "123456789012345678901234567890.123456789012345678"
    columns = {"hold_amount": amount, "hold_currency": "USD1", "hold_until": until, "action": "hold"}
    desk.reports(bank, **ACCOUNT, **columns)
    desk.publishes()
    [entry] = desk.only().reports
    assert entry.hold is not None
    assert (entry.hold.amount, entry.hold.currency) == (amount, "USD1")


@pytest.mark.parametrize("word", ["operator", "objection"])
def test_hub_decision_is_published_while_others_accuse(desk: Desk, bank: Partner, word: str) -> None:
    desk.reports(bank, **ACCOUNT)
    _sends(desk, 1_000)
    desk.publishes()
    with desk.store.begin() as tx:
        values = ["4567890123 KBANK", desk.listing("mule-accounts")]
        told = Feedback(FeedbackEvent.RETRACTED, reason=FeedbackReason(word))
        retract_all(desk.hub, tx, values, reason="wrong", feedback=told)
    desk.publishes()
    found = desk.only()
    assert found.reports == ()
    assert found.hub_decision is not None
    assert found.hub_decision.word == word
    _sends(desk, 2_000, ended=True)
    desk.publishes()
    assert desk.stream() == []


def test_only_the_heaviest_reporters_are_listed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hub_report.MOST_REPORTERS == 50
    monkeypatch.setattr(own_reports, "MOST_REPORTERS", 3)
    for place in range(5):
        desk.reports(desk.joins(f"Bank {place}", vouched=True), confidence=str(10 + place))
    desk.publishes()
    found = desk.only()
    assert ([entry.weight for entry in found.reports], found.more) == ([14, 13, 12], 2)


def test_weights_are_rounded_to_the_step_and_linked_tokens_match_across_hubs(desk: Desk, bank: Partner) -> None:
    desk.hub = replace(desk.hub, weight_step=5)
    with desk.store.begin() as tx:
        linking.link(tx, bank.counts_as, linking.secret_of("a" * 64))
    desk.reports(bank, confidence="63")
    desk.publishes()
    [entry] = desk.entries()
    assert entry.weight == 65
    assert entry.by == hub_report.linked_token(linking.secret_of("A" * 64), f"domain:{DOMAIN}")


def test_public_list_has_the_same_token_at_every_hub(desk: Desk, bank: Partner) -> None:
    with desk.store.begin() as tx:
        linking.link(tx, bank.counts_as, linking.secret_of_list("urlhaus"))
    desk.reports(bank)
    desk.publishes()
    [entry] = desk.entries()
    assert entry.by == hub_report.public_token("urlhaus", f"domain:{DOMAIN}")
    assert hub_report.token_type(entry.by) is hub_report.TokenType.PUBLIC


def test_reports_of_peers_and_fused_listings_are_not_passed_on(desk: Desk, bank: Partner) -> None:
    with desk.store.read() as tx:
        peer = partners.get(tx, "Hub Cambodia")
    desk.reports(peer, "shop-of-the-peer.com")
    report = desk.reports(bank, "shop-of-a-mirror.com")
    context = extension.context_of(report)
    fused = {**context, "grade": "block", "reporters": 3}
    later = timestamp.text(timestamp.now())
    desk.posts(bank, {**report, "modified": later, "extensions": {**report["extensions"], extension.ID: fused}})
    desk.publishes()
    assert desk.stream() == []


def test_key_in_an_hsm_signs_reports_and_heads(desk: Desk, bank: Partner, hsm: SoftHsm) -> None:
    key = HsmLogKey.of("hub.example.th/log", hsm.make_key(f"hub-reports-{uuid4()}"))
    with desk.store.begin() as tx:
        known_keys.retire(tx, str(KEYS.log[0].verifier), now() - 1)
        known_keys.add(tx, str(key.verifier))
    desk.reports(bank)
    assert desk.publishes(LedgerKeys((key,), KEYS.witness)) == 1
    with desk.store.read() as tx:
        [row] = stored.every(tx, key.name, OPEN)
        head = tx.execute(hub_heads.select().where(hub_heads.c.stream == OPEN)).one().body
    hub_report.read(row.body).verify(key.verifier)
    hub_head.read_head(head).verify(key.verifier)


def test_peer_that_becomes_known_receives_earlier_reports(desk: Desk, bank: Partner) -> None:
    with desk.store.begin() as tx:
        tx.execute(hub_origins.update().values(identity=None))
    desk.reports(bank, tlp="amber")
    desk.publishes()
    assert desk.stream(PEER_IDENTITY) == []
    with desk.store.begin() as tx:
        tx.execute(hub_origins.update().values(identity=PEER_IDENTITY))
    desk.publishes()
    assert len(desk.entries(PEER_IDENTITY)) == 1
    assert desk.publishes() == 0


def test_hourly_head_has_the_same_number(desk: Desk, bank: Partner) -> None:
    desk.reports(bank)
    desk.publishes()
    before = desk.head().head
    with timestamp.frozen_at(timestamp.now() + timedelta(minutes=61)):
        assert desk.publishes() == 0
        after = desk.head().head
        assert (after.number, after.digest) == (before.number, before.digest)
        assert after.at > before.at
        assert not is_due(desk.hub)


def test_restored_hub_signs_a_head_above_all_numbers_even_if_nothing_remains(desk: Desk, bank: Partner) -> None:
    report = desk.reports(bank)
    desk.publishes()
    desk.revokes(bank, report)
    desk.publishes()
    before = desk.head().head.number
    with desk.store.begin() as tx:
        own_state.sign_anew(tx)
    desk.publishes()
    assert desk.head().head.reports == 0
    assert desk.head().head.number > before


def test_announced_end_is_in_the_heads(desk: Desk) -> None:
    desk.publishes()
    ends = now() + 86_400_000_000
    with desk.store.begin() as tx:
        own_state.announce_end(tx, ends)
    desk.publishes()
    found = desk.head().head.ends
    assert found is not None
    assert abs(found.timestamp() * 1e6 - ends) < 1_000


def test_rotation_announces_the_new_key_then_signs_everything_again(desk: Desk, bank: Partner) -> None:
    desk.reports(bank)
    desk.publishes()
    number = desk.only().number
    following, recovery = SignerKey.make("hub.example.th/log"), SignerKey.make("hub.example.th/recovery")
    both = LedgerKeys((following, *KEYS.log), KEYS.witness)
    week = 7 * 86_400_000_000
    with desk.store.begin() as tx:
        known_keys.add(tx, str(following.verifier))
        known_keys.retire(tx, str(KEYS.log[0].verifier), now() + week)
        own_state.announce_rotation(tx, KEYS, following, recovery)
    desk.publishes(both)
    head = desk.head()
    head.verify(KEYS.log[0].verifier)
    assert head.head.confirms_next(KEYS.log[0].verifier, recovery.verifier) == following.verifier
    assert desk.only().number == number
    with timestamp.frozen_at(timestamp.now() + timedelta(days=4)):
        assert desk.publishes(both) == 1
        with desk.store.read() as tx:
            [row] = stored.every(tx, following.name, OPEN)
        again = hub_report.read(row.body)
        again.verify(following.verifier)
        assert again.report is not None
        assert again.report.number > number


def test_erasure_publishes_a_tombstone_without_the_value(desk: Desk, bank: Partner) -> None:
    report = desk.reports(bank)
    desk.publishes()
    [before] = desk.stream()
    desk.revokes(bank, report)
    with desk.store.begin() as tx:
        publishing.erase(tx, [f"domain:{DOMAIN}"], "court order 17/2026")
    desk.publishes()
    last = desk.versions()[-1]
    signed = hub_report.read(json.dumps(last).encode())
    signed.verify(KEYS.log[0].verifier)
    assert (signed.id, signed.revoked) == (before.id, True)
    assert signed.report is not None
    assert signed.report.erased == hub_report.Erased("court-order")
    assert DOMAIN not in json.dumps(last)
    assert desk.head().head.number == signed.number
    with desk.store.read() as tx:
        assert [row.subject for row in stored.every(tx, KEYS.log[0].name, OPEN)] == [""]
    assert desk.publishes() == 0


def test_hub_without_peers_writes_nothing_and_runs_no_statement(initial_store: Path, tmp_path: Path) -> None:
    opened = Store.open(f"sqlite:///{shutil.copy(initial_store, tmp_path / 'hub.db')}")
    desk = Desk(opened, peers=())
    bank = desk.joins("First Bank", vouched=True)
    with opened.begin() as tx:
        partners.change(tx, partners.get(tx, "Hub Cambodia").model_copy(update={"peer": False}))
    statements: list[str] = []

    def trace(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(statements.append)

    event.listen(opened._engine, "checkout", trace)
    report = desk.reports(bank)
    desk.revokes(bank, report)
    assert any("value_index" in statement for statement in statements)
    assert [statement for statement in statements if "hub_" in statement and "hub_identity" not in statement] == []
    event.remove(opened._engine, "checkout", trace)
    assert desk.publishes() == 0
    with opened.read() as tx:
        for table in (hub_pending, hub_publishing, hub_heads):
            assert tx.execute(table.select()).all() == []
    opened.close()
