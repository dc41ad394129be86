"""Hubs in one process that exchange hub reports, and one hub that has all their partners: the oracle."""

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import insert, update

from mappers import extension, ids, records as records_to_stix
from mappers.indicator import to_stix
from schemas import tabular, timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from schemas.tlog.notes import COSIGNATURE, NoteSignature, SignerKey
from schemas.vocabulary import QualificationCode
from server.features.erasures import job
from server.features.erasures.action import ACTION
from server.features.federation import completing, heads, receiving, settling, stored, sweep
from server.features.federation.publishing import publish_step
from server.features.federation.tables import partner_links
from server.features.findings.answering import GivenAnswer, answer_all
from server.features.ledger.keys import LedgerKeys
from server.operations import dual_control
from server.release import review
from server.release.contribute import contribute
from server.release.fuse.statements import COERCED
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.store import Store, collections, listings, log, partners, reviews
from server.store.database.times import now
from server.store.item import Item
from server.store.ledger import keys as known_keys
from server.store.objects.query import Query
from server.store.release_tables import hub_identity as identity_row
from server.store.reviews import UnknownReview
from tests.unit.server.release.hubs import hub_on

COUNTRIES = ("TH", "KH", "VN", "SG", "MY", "LA")
SHARED = ("takedown", "mule-accounts")
# The end of the names of an organisation's partners that is a member of every hub.
EVERYWHERE = "Everywhere"
# The decision of readers: the confidence and the grade of a listing; None if no shared collection lists the value.
Listed = tuple[int, str] | None


class Killed(Exception):
    """The process ends in the middle of a transaction."""


class DyingKey:
    """A key whose process ends at one of its next signatures."""

    def __init__(self, key: SignerKey, signatures: int) -> None:
        self._key, self._left = key, signatures

    def __getattr__(self, name: str) -> Any:
        return getattr(self._key, name)

    def sign(self, text: str) -> NoteSignature:
        self._left -= 1
        if self._left < 0:
            raise Killed
        return self._key.sign(text)


class Said(NamedTuple):
    """A report, an opinion or a finding in force, and its place in the order of all of them."""

    place: int
    partner: Partner
    value: "Value"
    obj: dict[str, Any] | None = None
    columns: tuple[tuple[str, str], ...] = ()
    code: QualificationCode | None = None


class Value(NamedTuple):
    """A value by its columns, and its name in the index."""

    columns: tuple[tuple[str, str], ...]
    subject: str


VALUES = (
    Value((("value", "bad-one-shop.com"), ("kind", "domain")), "domain:bad-one-shop.com"),
    Value((("value", "bad-two-shop.com"), ("kind", "domain")), "domain:bad-two-shop.com"),
    Value(
        (("value", "4567890123"), ("kind", "bank-account"), ("bank", "KBANK"), ("country", "TH")),
        "bank-account:TH:KASITHBK:4567890123",
    ),
    Value((("value", "+66812345678"), ("kind", "phone")), "phone:+66812345678"),
)
# Reported with sharing limits only.
LIMITED = Value((("value", "bad-limited-shop.com"), ("kind", "domain")), "domain:bad-limited-shop.com")
ERASED = Value((("value", "bad-erased-shop.com"), ("kind", "domain")), "domain:bad-erased-shop.com")


class TestHub:
    """A hub with three partners, the reports in force there, and its peers."""

    __test__ = False

    def __init__(self, url: str, name: str, country: str, *, own: bool = True) -> None:
        self.name, self.country, self.url = name, country, url
        self.store = Store.open(url)
        host = f"{name.lower()}.example"
        log_key, witness = SignerKey.make(f"{host}/log"), SignerKey.make(f"{host}/witness", COSIGNATURE)
        self.keys = LedgerKeys((log_key,), witness)
        self.origin = log_key.name
        self.said: dict[tuple[str, str, str], Said] = {}
        self.cursors: dict[tuple[str, str], int] = {}
        # A new identity and secret: all stores are copies.
        secret = sha256(name.encode()).digest()
        self.identity = ids.identity(f"hub {name}")
        with self.store.begin() as tx:
            tx.execute(update(identity_row).values(identity=self.identity, name=name, secret=secret))
            known_keys.add(tx, str(log_key.verifier))
        self.partners: list[Partner] = []
        if own:
            bank = self.join(f"{name} Bank", "bank", institutions=("KASITHBK",) if country == "TH" else ())
            self.partners = [bank, self.join(f"{name} Platform", "platform"), self.join(f"{name} {EVERYWHERE}", "bank")]
        self.hub = hub_on(self.store)

    @property
    def file(self) -> Path:
        """Return the file of the store, on SQLite."""
        return Path(self.url.removeprefix("sqlite:///"))

    def join(self, name: str, kind: str, **more: Any) -> Partner:
        given = {"name": name, "kind": PartnerKind(kind), "country": self.country, "identity": ids.identity(name)}
        partner = Partner(**{**given, **more})
        with self.store.begin() as tx:
            partners.add(tx, partner)
            for alias in SHARED if not more.get("peer") else ():
                collections.grant(tx, name, collections.get(tx, alias), read=True)
        return partner

    def link(self, partner: Partner, secret: bytes) -> None:
        with self.store.begin() as tx:
            tx.execute(insert(partner_links).values(partner=partner.counts_as, secret=secret, created=now()))

    def meets(self, others: Iterable["TestHub"], **settings: Any) -> None:
        """Configure all other hubs as origins; each of them may read here."""
        peers = []
        for other in others:
            self.join(f"Hub {other.name}", "research", peer=True, country=other.country)
            key = other.keys.log[0].verifier
            given = {"count": "as-own", "tlp": "amber", "limits": True, **settings}
            countries = frozenset({other.country})
            peers.append(PeerHub(f"Hub {other.name}", key, countries, partner=f"Hub {other.name}", **given))
        self.hub = Hub(self.store, self.hub.policy, peers=tuple(peers))

    def peer(self, other: "TestHub") -> PeerHub:
        return next(peer for peer in self.hub.peers if peer.origin == other.origin)

    # What partners do.

    def report(self, partner: Partner, value: Value, place: int, **columns: str) -> None:
        defaults = {"reporter": partner.name, "reported_at": timestamp.text(timestamp.now()), "tlp": "green"}
        columns = {**defaults, **dict(value.columns), **columns}
        name = columns.pop("value")
        obj = to_stix(ReportReader(columns).report({"value": name}))[1]
        self.post(partner, obj)
        # A person approves what a partner reports again after a retraction. A sign of coercion stays one, as at the
        # hub with all partners.
        with suppress(UnknownReview), self.store.begin() as tx:
            held = [found for found in reviews.all_reviews(tx, "open") if found.object_id.endswith(obj["id"])]
            if not any(found.rule == COERCED for found in held):
                review.decide(self.hub, tx, [obj["id"]], "approved", "operator")
        self.said[partner.name, value.subject, "report"] = Said(place, partner, value, obj)

    def retract(self, partner: Partner, value: Value) -> None:
        found = self.said.pop((partner.name, value.subject, "report"), None)
        if found is not None and found.obj is not None:
            self.post(partner, {**found.obj, "modified": timestamp.text(timestamp.now()), "revoked": True})

    def doubt(self, partner: Partner, value: Value, place: int, word: str) -> None:
        """Let a partner disagree with the newest listing of a value that all read, if there is one."""
        with self.store.read() as tx:
            shared = listings.find(tx, [value.subject]).get(value.subject, {}).get("", ())
        if not shared or self.listed(value) is None:
            return
        columns = {"of": shared[-1], "opinion": word}
        defaults = {"reporter": partner.name, "reported_at": timestamp.text(timestamp.now()), "tlp": "green"}
        self.post(partner, records_to_stix.to_stix(tabular.read_record("opinion", columns, defaults))[-1])
        self.said[partner.name, value.subject, "opinion"] = Said(place, partner, value, None, (("opinion", word),))

    def answer(self, partner: Partner, value: Value, place: int, code: QualificationCode) -> bool:
        with self.store.begin() as tx:
            [result] = answer_all(self.hub, tx, partner, [GivenAnswer(frozenset((value.subject,)), code)])
        if result.refused is None:
            self.said[partner.name, value.subject, "finding"] = Said(place, partner, value, None, (), code)
        return result.refused is None

    def erase(self, value: Value) -> None:
        """Erase a value by two persons, and all that partners of this hub reported of it."""
        arguments = {"subjects": [value.subject], "reason": "court-order", "proposed": now()}
        with self.store.begin() as tx:
            made = dual_control.propose(self.hub, tx, ACTION, arguments, "Anong")
            dual_control.confirm(self.hub, tx, {ACTION.name: ACTION}, made.id, "Somchai")
        self.said = {key: said for key, said in self.said.items() if key[1] != value.subject}
        self.run_erasures()

    def run_erasures(self) -> None:
        """Do the work of erasures that have begun."""
        with self.store.read() as tx:
            left = job.unfinished(tx)
        for erasure in left:
            for _ in job.run(self.hub, erasure):
                pass
        if left:
            job.rewrite_files(self.store)

    def names(self, text: str) -> bool:
        """Return whether the files of the store contain a text."""
        self.store.close()
        files = (self.file, self.file.with_name(f"{self.file.name}-wal"))
        return any(text.encode() in file.read_bytes() for file in files if file.exists())

    def post(self, partner: Partner, obj: dict[str, Any]) -> None:
        with self.store.begin() as tx:
            done = contribute(self.hub, tx, partner, [Item.of(obj)])
        assert not done.failed, done.failed

    # The acts of the hub.

    def publish(self) -> int:
        """Publish this hub's own reports, and release the values that wait."""
        while sweep.release_pending(self.hub):
            pass
        return publish_step(self.hub, self.keys)

    def die_publishing(self, signatures: int) -> None:
        """Begin to publish, end the process after so many signatures, and open the store again."""
        keys = self.keys._replace(log=(DyingKey(self.keys.log[0], signatures),))
        with suppress(Killed):
            publish_step(self.hub, keys)
        self._open()

    def _open(self) -> None:
        self.store.close()
        self.store = Store.open(self.url)
        self.hub = Hub(self.store, self.hub.policy, peers=self.hub.peers)

    def look(self, at: int | None = None) -> None:
        """Note which origins are stale at a moment (microseconds), now by default."""
        sweep.look(self.hub, at)

    def listed(self, value: Value) -> Listed:
        """Return what the shared collections list of a value."""
        with self.store.read() as tx:
            wanted = listings.ids(tx, value.subject)
            for alias in SHARED:
                for item in log.latest(tx, collections.get(tx, alias), wanted).values():
                    if not item.revoked:
                        obj = msgspec.json.decode(item.body)
                        return obj["confidence"], extension.context_of(obj)["grade"]
        return None

    def read(self, other: "TestHub", link: "Link") -> int:
        """Do one round with another hub, as the connector does; return the number of new reports."""
        peer, new = self.peer(other), 0
        with self.store.begin() as tx:
            taken = heads.take_heads(self.hub, tx, peer, link.heads(other.heads_for(self)))
        for name in ("open", "direct"):
            bodies, last = other.page(self, name, self.cursors.get((other.name, name), 0))
            objects = link.objects(bodies)
            with suppress(Killed), self.store.begin() as tx:
                if objects:
                    new += receiving.accept(self.hub, tx, peer, objects).new
                link.may_kill()
                self.cursors[other.name, name] = last
        with self.store.read() as tx:
            unmatched = heads.unmatched(tx, taken)
        for origin, stream in unmatched:
            objects = link.objects(other.active(origin, stream))
            with suppress(Killed), self.store.begin() as tx:
                completing.complete(self.hub, tx, peer, origin, stream, objects)
                link.may_kill()
        return new

    # What it serves.

    def heads_for(self, reader: "TestHub") -> list[bytes]:
        with self.store.read() as tx:
            every = settling.heads(tx)
        mine = [head for head in every if head.origin == self.origin and head.stream == reader.identity]
        return [head.body for head in (*(head for head in every if head.stream == "open"), *mine)]

    def page(self, reader: "TestHub", name: str, after: int) -> tuple[list[bytes], int]:
        with self.store.read() as tx:
            if name == "open":
                collection = collections.hub_reports(tx)
            else:
                collection = collections.find_private(tx, f"Hub {reader.name}", "hub-reports")
            if collection is None:
                return [], after
            page = log.page(tx, collection, Query(after=after))
        return page.bodies, page.last or after

    def active(self, origin: str, stream: str) -> list[bytes]:
        with self.store.read() as tx:
            return [row.body for row in stored.every(tx, origin, stream) if row.state != stored.EMPTY and row.body]

    # Backups.

    def backup(self) -> "Backup":
        copy = self.file.with_suffix(".backup")
        copy.unlink(missing_ok=True)
        with sqlite3.connect(self.file) as source, sqlite3.connect(copy) as target:
            source.backup(target)
        source.close()
        target.close()
        return Backup(copy, dict(self.said), dict(self.cursors))

    def restore(self, backup: "Backup") -> None:
        self.store.close()
        for ending in ("", "-wal", "-shm"):
            Path(f"{self.file}{ending}").unlink(missing_ok=True)
        shutil.copy(backup.file, self.file)
        self._open()
        self.said, self.cursors = dict(backup.said), dict(backup.cursors)


class Backup(NamedTuple):
    """A copy of a hub's store, with the accusations in force."""

    file: Path
    said: dict[tuple[str, str, str], Said]
    cursors: dict[tuple[str, str], int]


@dataclass
class Link:
    """A direction between two hubs: it may kill the reader, and a hostile one changes the objects."""

    kill: Callable[[], bool] = lambda: False
    objects: Callable[[list[bytes]], list[bytes]] = lambda bodies: bodies
    heads: Callable[[list[bytes]], list[bytes]] = lambda bodies: bodies

    def may_kill(self) -> None:
        if self.kill():
            raise Killed


@dataclass
class Network:
    """Hubs, and the links over which each reads another."""

    hubs: Sequence[TestHub]
    links: dict[tuple[int, int], Link]
    down: set[frozenset[int]] = field(default_factory=set)

    def round(self) -> int:
        """Publish at all hubs, and let each read its neighbours once; return the number of new versions anywhere."""
        new = sum(hub.publish() for hub in self.hubs)
        for (reader, other), link in self.links.items():
            if frozenset((reader, other)) not in self.down:
                new += self.hubs[reader].read(self.hubs[other], link)
        return new

    def longest_path(self) -> int:
        """Return the number of hops of the longest shortest path."""
        neighbours: dict[int, set[int]] = {}
        for reader, other in self.links:
            neighbours.setdefault(reader, set()).add(other)
        longest = 0
        for start in neighbours:
            seen, layer, hops = {start}, {start}, 0
            while layer := {far for near in layer for far in neighbours[near]} - seen:
                seen |= layer
                hops += 1
            longest = max(longest, hops)
        return longest


def topology(name: str, number: int) -> list[tuple[int, int]]:
    """Return the undirected links of a topology of that many hubs."""
    every = range(number)
    links = {
        "line": [(at, at + 1) for at in every[:-1]],
        "ring": [(at, (at + 1) % number) for at in every],
        "star": [(0, at) for at in every[1:]],
        "mesh": [(one, other) for one in every for other in every if one < other],
        "diamond": [(0, 1), (0, 2), (1, 3), (2, 3), *((3, at) for at in every[4:])],
        "tree": [((at - 1) // 2, at) for at in every[1:]],
    }[name]
    return sorted({(min(link), max(link)) for link in links if max(link) < number and link[0] != link[1]})


def oracle(url: str, hubs: Sequence[TestHub], *, linked: bool) -> TestHub:
    """Return one hub with the partners of all hubs, which repeated all that is in force there.

    Doubts follow the reports, because only listed values can be doubted. A ``linked`` organisation is one organisation
    there.
    """
    one = TestHub(url, "Oracle", "ZZ", own=False)
    known = {}
    for hub in hubs:
        for partner in hub.partners:
            is_linked = linked and partner.name.endswith(EVERYWHERE)
            more = {"organisation": EVERYWHERE} if is_linked else {"organisation": partner.organisation}
            more |= {"institutions": partner.institutions, "country": hub.country}
            known[partner.name] = one.join(partner.name, partner.kind, **more)
    every = sorted(
        (said for hub in hubs for said in hub.said.values()), key=lambda said: (said.obj is None, said.place)
    )
    for said in every:
        partner = known[said.partner.name]
        if said.obj is not None:
            one.post(partner, said.obj)
            one.said[partner.name, said.value.subject, "report"] = said
        elif said.code is not None:
            assert one.answer(partner, said.value, said.place, said.code)
        else:
            one.doubt(partner, said.value, said.place, dict(said.columns)["opinion"])
    return one
