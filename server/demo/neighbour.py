"""A second hub, in another country: a report of its bank travels to the demo hub, a clearance follows it, and a request
of the bank reaches the demo hub.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson

from feeds.connectors import build
from feeds.runs.runner import run as run_feed
from mappers import extension
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.request import Request
from schemas.tabular import ReportReader
from schemas.tlog.notes import SignerKey
from schemas.vocabulary import QualificationCode
from server.demo.site import DemoHub
from server.features.federation import origins
from server.features.federation.publishing import publish_step
from server.features.findings.answering import GivenAnswer, answer_all
from server.features.ledger.sealer import LedgerRules
from server.features.partners.grants import give_to_peer
from server.features.requests import desk, records as requests
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.peers import PeerHub, is_remote
from server.store import collections, hub_identity, listings, log
from server.store.item import Item
from server.store.objects.query import Query

_COUNTRY, _HOST = "MY", "hub.example.my"
_ACCOUNT, _BANK = "512345678901", "MBBEMYKL"
_SUBJECT = f"bank-account:{_COUNTRY}:{_BANK}:{_ACCOUNT}"
_ASKED = "bank-account:TH:KASITHBK:5123456789"
_VALUE_FIELDS = {"kind": "bank-account", "bank": _BANK, "country": _COUNTRY}


class Neighbour:
    """The exchange between the demo hub and a hub in Malaysia."""

    def __init__(self, home: DemoHub, folder: Path) -> None:
        """Make the other hub, which the demo hub reads as a peer."""
        self._home = home
        self._folder = folder
        self.hub = DemoHub("Demo hub Malaysia", folder, country=_COUNTRY)
        self._hub = self.hub.hub
        self._keys = LedgerRules(folder / "scamfeed-ledger.key", _HOST).keys(self.hub.store)
        self._peer = PeerHub(self.hub.name, self._keys.log[0].verifier, frozenset({_COUNTRY}), "as-own")

    def exchange(self, tell: Callable[[str], None]) -> dict[str, bool]:
        """Let a report, a clearance and a request arrive at the demo hub; return whether they did."""
        home = self.hub.add_partner(self._home.name, PartnerKind.GOVERNMENT, peer=True)
        with self.hub.store.begin() as tx:
            give_to_peer(tx, home.partner.name)
        token = self._folder / "token"
        token.write_text(home.credentials.token, encoding="utf-8")
        reporter = self.hub.add_partner("Malaysia bank", PartnerKind.BANK, write=("inbox",)).partner
        provider = self.hub.add_partner(
            "Account-holding bank", PartnerKind.BANK, write=("inbox",), institutions=(_BANK,)
        ).partner
        self.hub.start()
        tell("a bank in Malaysia reports an account at its own hub, and the demo hub reads it there")
        columns = {"reporter": reporter.name, "reported_at": timestamp.text(timestamp.now()), "tlp": "green"}
        report = ReportReader({**columns, **_VALUE_FIELDS}).report({"value": _ACCOUNT})
        with self.hub.store.begin() as tx:
            contribute(self.hub.hub, tx, reporter, [Item.of(obj) for obj in to_stix(report)])
        error = self._travel(str(token))
        listed = self._grades()
        tell("the account-holding bank in Malaysia clears its customer, and the clearance follows the report")
        with self.hub.store.begin() as tx:
            answer_all(self.hub.hub, tx, provider, [GivenAnswer(frozenset({_SUBJECT}), QualificationCode.GENUINE)])
        error = self._travel(str(token)) or error
        cleared = self._grades()
        tell("a bank in Malaysia asks for a freeze of a Thai account, and the request reaches the demo hub")
        self._ask(reporter)
        error = self._travel(str(token)) or error
        with self._home.store.read() as tx:
            asked = [request.state for request in requests.all_requests(tx, most=1_000) if is_remote(request.sender)]
        return {
            "the report of another hub's bank is listed": error is None and listed == [("step-up", False)],
            "its provider's clearance follows it": error is None and cleared == [("investigate", True)],
            "the request of another hub's bank arrives": error is None and asked == ["open"],
        }

    def _ask(self, bank: Partner) -> None:
        """Send a request for an account whose provider is at the demo hub, from now on a peer of the other hub."""
        # The other hub reads nothing here, so it needs no real key of the demo hub.
        home = PeerHub(
            *(self._home.name, SignerKey.make("hub.example.th/log").verifier, frozenset({"TH"})),
            partner=self._home.name,
        )
        self._hub = replace(self._hub, peers=(home,))
        with self._home.store.read() as tx:
            identity = hub_identity.identity(tx)
        at = timestamp.now()
        request = Request.model_validate(
            {
                **{"reporter": bank.name, "reported_at": at, "asks": "freeze", "of": _ASKED, "reference": "CASE-1"},
                **{"amount": "800000", "currency": "THB", "legal_basis": "scheme-rules"},
                "deadline": at + timedelta(hours=4),
            }
        )
        with self.hub.store.begin() as tx:
            origins.learn(tx, origins.lock(tx, [home.origin])[home.origin], identity=identity)
            desk.send(self._hub, tx, bank, request)

    def _travel(self, token: str) -> str | None:
        """Publish at the other hub, and read there; return the error of the reading."""
        publish_step(self._hub, self._keys)
        table = {
            "name": "peer-demo-hub-malaysia",
            "connector": "hub-pull",
            "peer": self._peer.name,
            "url": f"{self.hub.address}/feed/",
            "token": {"file": token},
            "allow_private": True,
        }
        return run_feed(Hub(self._home.store, peers=(self._peer,)), build(table)).error

    def _grades(self) -> list[tuple[str, bool]]:
        """Return the grade of each listing of the account at the demo hub, and whether it is disputed."""
        with self._home.store.read() as tx:
            ids = tuple(sorted(listings.ids(tx, _SUBJECT)))
            asked = Query(ids=ids, types=("indicator",), revoked=False)
            bodies = log.page(tx, collections.get(tx, "mule-accounts"), asked).bodies if ids else []
        found = [extension.context_of(orjson.loads(body)) for body in bodies]
        return [(str(context["grade"]), context.get("disputed") is True) for context in found]
