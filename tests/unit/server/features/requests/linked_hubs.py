"""Hubs of several countries in one process that hand each other the messages of their direct streams."""

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import insert, update

from mappers import ids
from mappers.notes import RequestView
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.request import Request, RequestAnswer
from schemas.tlog.notes import COSIGNATURE, SignerKey
from server.features.federation import checking, receiving
from server.features.federation.publishing import publish_step
from server.features.federation.tables import hub_origins
from server.features.ledger.keys import LedgerKeys
from server.features.requests import desk, records as requests
from server.features.requests.records import StoredRequest
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.store import Store, collections, hub_identity, log, partners
from server.store.database.times import now
from server.store.ledger import keys as known_keys
from server.store.objects.query import Query
from server.store.release_tables import hub_identity as hub_identity_table
from tests.unit.server.release.hubs import hub_on

BICS = {"TH": "KASITHBK", "KH": "ABAAKHPP", "SG": "DBSSSGSG"}


def account(country: str, number: int) -> str:
    return f"{country}:{BICS[country]}:{1234567800 + number}"


@dataclass
class LinkedHub:
    """A hub of one country: its partners by name, what it sent to each peer, and what it refused."""

    country: str
    hub: Hub
    signer: SignerKey
    partners: dict[str, Partner] = field(default_factory=dict)
    sent: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)

    @cached_property
    def keys(self) -> LedgerKeys:
        """Return the keys of its ledger."""
        return LedgerKeys((self.signer,), SignerKey.make(f"{self.signer.name}/witness", COSIGNATURE))

    @property
    def reader(self) -> str:
        """Return the name of the partner as which the hub reads at others."""
        return f"Hub {self.country}"

    @property
    def identity(self) -> str:
        with self.hub.store.read() as tx:
            return hub_identity.identity(tx)

    def join(self, name: str, *, kind: PartnerKind = PartnerKind.BANK, **more: Any) -> Partner:
        partner = Partner(name=name, kind=kind, country=self.country, identity=ids.identity(name), **more)
        with self.hub.store.begin() as tx:
            partners.add(tx, partner)
        self.partners[name] = partner
        return partner

    def provider(self, name: str) -> Partner:
        return self.join(name, institutions=(BICS[self.country],))

    def ask(self, by: str, of: str, **columns: Any) -> str:
        at = timestamp.now()
        given = {
            **{"reporter": by, "reported_at": at, "asks": "freeze", "of": f"bank-account:{of}", "reference": "CASE-1"},
            **{"amount": "800000", "currency": "THB", "deadline": at + timedelta(hours=4)},
            "legal_basis": "scheme-rules",
        }
        return self._send(by, Request.model_validate({**given, **columns})).id

    def answer(self, by: str, id_: str, state: str, **columns: Any) -> RequestView:
        went_to = [{"of": f"bank-account:{of}", "amount": amount} for of, amount in columns.pop("went_to", {}).items()]
        amount = {"currency": "THB"} if "amount" in columns else {}
        given = {"reporter": by, "reported_at": timestamp.now(), "request": id_, "state": state, "went_to": went_to}
        return self._send(by, RequestAnswer.model_validate({**given, **amount, **columns}))

    def _send(self, by: str, content: Request | RequestAnswer) -> RequestView:
        with self.hub.store.begin() as tx:
            return desk.send(self.hub, tx, self.partners[by], content).view

    def show(self, by: str, id_: str) -> dict[str, Any]:
        with self.hub.store.read() as tx:
            return desk.show(tx, self.partners[by], id_).written()

    def requests_of(self, by: str) -> list[dict[str, Any]]:
        with self.hub.store.read() as tx:
            return [view.written() for view in desk.list_(tx, self.partners[by])]

    def stored(self) -> list[StoredRequest]:
        with self.hub.store.read() as tx:
            return requests.all_requests(tx, most=1_000)

    def peer(self, other: "LinkedHub") -> PeerHub:
        return next(peer for peer in self.hub.peers if peer.origin == other.signer.name)

    def outgoing(self, other: "LinkedHub") -> list[dict[str, Any]]:
        """Publish what waits, and return all that another hub reads here: its direct collection, and the open one."""
        publish_step(self.hub, self.keys)
        with self.hub.store.read() as tx:
            found = [collections.find_private(tx, other.reader, "hub-reports"), collections.get(tx, "hub-reports")]
            read = [orjson.loads(body) for one in found if one for body in log.page(tx, one, Query()).bodies]
        objects = [obj for obj in read if checking.is_of_hubs(obj)]
        self.sent[other.country] = objects
        return objects

    def receive(self, other: "LinkedHub", objects: Sequence[dict[str, Any]]) -> None:
        """Take objects that another hub delivers."""
        with self.hub.store.begin() as tx:
            self.refused += receiving.accept(self.hub, tx, self.peer(other), objects).refused


def exchange(*hubs: LinkedHub) -> None:
    """Hand over the direct streams, again and again as a whole, until no hub has news for another."""
    pairs = [(one, other) for one in hubs for other in hubs if one is not other]
    before = -1
    while before != (before := sum(len(one.sent.get(other.country, ())) for one, other in pairs)):
        for one, other in pairs:
            other.receive(one, one.outgoing(other))


@contextmanager
def linked(initial_store: Path, folder: Path, *countries: str) -> Iterator[list[LinkedHub]]:
    """Run a hub in each country, each a peer of all others."""
    made: list[LinkedHub] = []
    stores: list[Store] = []
    for country in countries:
        stores.append(Store.open(f"sqlite:///{shutil.copy(initial_store, folder / f'{country}.db')}"))
        with stores[-1].begin() as tx:
            # The copied stores are those of one hub.
            own = {"identity": ids.identity(f"Hub {country}"), "secret": country.encode() * 16}
            tx.execute(update(hub_identity_table).values(**own))
        made.append(LinkedHub(country, hub_on(stores[-1]), SignerKey.make(f"hub.example.{country.lower()}/log")))
    for one in made:
        peers = tuple(
            PeerHub(other.reader, other.signer.verifier, frozenset({other.country}), partner=other.reader)
            for other in made
            if other is not one
        )
        one.hub = replace(one.hub, peers=peers)
        with one.hub.store.begin() as tx:
            known_keys.add(tx, str(one.signer.verifier))
            collections.hub_reports(tx)
            for other in (other for other in made if other is not one):
                row = {"origin": other.signer.name, "identity": other.identity, "state": "", "since": now()}
                tx.execute(insert(hub_origins).values(**row))
        for peer in peers:
            one.join(peer.name, peer=True)
    try:
        yield made
    finally:
        for store in stores:
            store.close()
