"""A hub whose every way out ends on loopback: what each way shows of a value, seen from outside."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import requests as http

from feeds.client.match.matcher import Matcher
from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.request import Request
from schemas.tabular import ReportReader
from server.app import close, create_app
from server.features.dispatch.job import DispatchThread
from server.features.matching.evaluation import Evaluation
from server.features.matching.sets import SetMaker
from server.features.requests import desk
from server.features.requests.clock import RequestClock
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.results import Results
from server.settings import Settings
from server.setup import hub_of
from server.store import Store, collections, partners
from server.store.database.times import now
from server.store.item import Item
from server.store.matching import match_grants
from tests.contract.connectors import test_all_channels as channels
from tests.contract.connectors.contract import READER
from tests.mail_server import MailServer
from tests.registries import Registries, abuse_desk
from tests.safe_browsing_client import SafeBrowsingClient
from tests.unit.server.features.dispatch.conftest import approve_all

REPORTERS = ("First Bank", "Second Bank")
SENDER, HOST = REPORTERS[0], "Example Platform"
TAXII = "application/taxii+json;version=2.1"
_MINUTE = 60_000_000


class _Threading(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Print nothing."""


@contextmanager
def served(application: Any) -> Iterator[str]:
    """Serve a WSGI application on loopback until the end of the block."""
    with make_server("127.0.0.1", 0, application, _Threading, _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@dataclass
class WaysOut:
    """A hub, its partners' tokens, and the places where its ways end."""

    hub: Hub
    settings: Settings
    url: str
    peers: Mapping[str, Any]
    mail_server: MailServer
    registries: Registries
    folder: Path
    maker: SetMaker
    tokens: dict[str, str]

    def __post_init__(self) -> None:
        self._dispatch = DispatchThread(self.hub, self.settings)
        self._clock = RequestClock(self.hub)
        self._at = now()

    @property
    def store(self) -> Store:
        return self.hub.store

    def partner(self, name: str) -> Partner:
        with self.store.read() as tx:
            return partners.get(tx, name, gone=True)

    def report(self, name: str, kind: str, value: str, **columns: Any) -> Results:
        """Contribute a report for everybody."""
        given = {"reporter": name, "kind": kind, "tlp": "clear", "scam_type": "investment", "action": "block"}
        at = {"reported_at": timestamp.text(timestamp.now())}
        objects = to_stix(ReportReader({**given, **at, **columns}).report({"value": value}))
        with self.store.begin() as tx:
            return contribute(self.hub, tx, partners.get(tx, name), [Item.of(obj) for obj in objects])

    def demand(self, value: str, asks: str, **columns: Any) -> desk.Sent:
        """Send a notice to the host."""
        given = {
            **{"reporter": SENDER, "reported_at": timestamp.now(), "asks": asks, "of": value, "addressee": HOST},
            **{"reference": "CASE-1", "basis": "notice", "explanation": ["obtains-money"]},
        }
        with self.store.begin() as tx:
            sender = partners.get(tx, SENDER)
            return desk.send(self.hub, tx, sender, Request.model_validate({**given, **columns}))

    def cycle(self) -> None:
        """Do all that the hub does by itself within a cycle, and let the readers read."""
        # Mails wait for their approval, and are then sent.
        for _ in range(3):
            self._at += _MINUTE
            self._dispatch.step(self._at)
            approve_all(self.hub)
        for _ in range(2):
            self._clock.step()
        endings = channels._cycle(self.store, dict(self.peers), self.folder)
        assert set(endings.values()) == {"done"}, endings
        self.maker.make()

    def grade_of(self, kind: str, value: str) -> str | None:
        """Return the grade with which a partner's look-up answers."""
        return _answer(self, kind, value).get("grade")

    def seen(self, kind: str, value: str) -> dict[str, bool]:
        """Return, by way, whether a reader outside the hub is told to act on a value now."""
        return {way: look(self, kind, value) for way, look in OBSERVERS.items()}


def _get(world: WaysOut, path: str, name: str | None = READER, **more: Any) -> http.Response:
    headers = {"Authorization": f"Bearer {world.tokens[name]}"} if name else {}
    return http.get(world.url + path, headers={**headers, **more}, timeout=30)


def _word(value: str) -> str:
    """Return the part of a value that every format has."""
    return value.rpartition(":")[2]


def _in_collections(world: WaysOut, kind: str, value: str) -> bool:
    """TAXII and the active set agree, and everybody reads nothing that a partner does not."""
    paths = [f"/feed/collections/{alias}/objects/" for alias in ("takedown", "public")]
    latest = [{obj["id"]: obj for obj in _get(world, path, Accept=TAXII).json().get("objects", ())} for path in paths]
    listed, public = (
        any(_word(value) in obj.get("pattern", "") and not obj.get("revoked") for obj in objects.values())
        for objects in latest
    )
    active = _word(value) in _get(world, "/api/collections/takedown/active").text
    assert listed == active >= public, (listed, active, public)
    return listed


def _answer(world: WaysOut, kind: str, value: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {world.tokens[READER]}"}
    asked = {"values": [{"value": value, "kind": kind}]}
    [found] = http.post(f"{world.url}/api/lookup", json=asked, headers=headers, timeout=30).json()["results"]
    return dict(found)


def _in_answers(world: WaysOut, kind: str, value: str) -> bool:
    private = _answer(world, kind, value)
    [public] = http.get(f"{world.url}/api/check", {"value": value}, timeout=30).json()["results"]
    assert bool(private["listings"]) >= bool(public["listings"]), (private, public)
    return bool(private["listings"])


def _in_matching(world: WaysOut, kind: str, value: str) -> bool:
    with Matcher(world.url, world.tokens[READER], "takedown", None, allow_private=True, retries=0) as matcher:
        matcher.sync()
        [result] = matcher.match([value])
    return result.found


def _in_hash_prefixes(world: WaysOut, kind: str, value: str) -> bool:
    url = value if kind == "url" else f"https://{value}/"
    return SafeBrowsingClient(world.url).search(url)[url]


def _in_pushes(world: WaysOut, kind: str, value: str) -> bool:
    """All channels have it, or all have it corrected."""
    stated = {
        "webhook": _last(world.peers["webhook"].events, value, "event", "revoked"),
        "misp": any(
            _word(value) in str(attribute) and not attribute.get("deleted")
            for attribute in world.peers["misp"].attributes.values()
        ),
        "sentinel": _last(world.peers["sentinel"].objects, value, "revoked", True),
        "threatexchange": any(
            _word(value) in str(one) and one["status"] != "NON_MALICIOUS"
            for one in world.peers["threatexchange"].descriptors.values()
        ),
        "file": any(
            _word(value) in file.read_text()
            for file in world.folder.iterdir()
            if file.suffix == ".txt" and "change" not in file.name
        ),
    }
    if kind == "social-account":
        # ThreatExchange has no type for them.
        assert not stated.pop("threatexchange")
    assert len(set(stated.values())) == 1, stated
    return set(stated.values()) == {True}


def _last(sent: list[Any], value: str, name: str, over: Any) -> bool:
    """Return whether the newest version of an object that once named the value is in force."""
    ids_of = {_of(one)["id"] for one in sent if _word(value) in json.dumps(one)}
    newest = {_of(one)["id"]: one for one in sent if _of(one)["id"] in ids_of}
    return any(one.get(name) != over for one in newest.values())


def _of(sent: Any) -> Any:
    """Return the object in an event; other channels send the object itself."""
    return sent.get("object", sent)


def _in_requests(world: WaysOut, kind: str, value: str) -> bool:
    found = _get(world, "/api/requests", HOST).json()["requests"]
    return any(_word(value) in str(one) and one["state"] in ("open", "acknowledged") for one in found)


def _in_mails(world: WaysOut, kind: str, value: str) -> bool:
    """The subject of a mail names the value, and no later mail in its thread takes that back."""
    mails = world.mail_server.mails
    named = {str(mail["Message-ID"]) for mail in mails if value.replace(".", "[.]") in str(mail["Subject"])}
    followed = {str(mail["In-Reply-To"]) for mail in mails if mail["In-Reply-To"]}
    return not named <= followed


OBSERVERS: Mapping[str, Callable[[WaysOut, str, str], bool]] = {
    "collections": _in_collections,
    "hash-prefixes": _in_hash_prefixes,
    "look-ups": _in_answers,
    "mails": _in_mails,
    "private-matching": _in_matching,
    "pushes": _in_pushes,
    "requests": _in_requests,
}


@contextmanager
def ways_out(url: str, peers: Mapping[str, Any], folder: Path) -> Iterator[WaysOut]:
    """Serve a hub on a prepared store, with partners that report, read, host and match."""
    seed = folder / "seed"
    seed.write_text("5c" * 32)
    seed.chmod(0o600)
    out = folder / "out"
    out.mkdir()
    with ExitStack() as stack:
        mail_server = stack.enter_context(MailServer(folder).served())
        registries = stack.enter_context(Registries().served())
        registries.domain("lucky-prize-claim.com", abuse_desk("Registrar", "abuse@registrar.example"))
        settings = Settings(
            **{"database_url": url, "background": False, "access_log": "off", "match_seed_file": str(seed)},
            **{"mail_host": "localhost", "mail_port": mail_server.port, "mail_from": "reminders@hub.example"},
            **{"mail_ca_file": mail_server.certificate, "public_url": "https://hub.example", "owner": "Example Hub"},
            **{"dispatch": True, "dispatch_from": "abuse@hub.example", "dns_servers": [registries.resolver]},
            **{"rdap_bootstrap": f"{registries.url}/iana/", "rdap_allow_private": True},
            **{"registries_per_second": 1_000, "hold_examples": False, "erasure_wait_days": 0},
        )
        store = Store.open(url)
        stack.callback(store.close)
        hub, tokens = hub_of(settings, store), _joined(store)
        app = create_app(settings)
        stack.callback(close, app)
        evaluation = Evaluation(seed)
        stack.callback(evaluation.stop)
        at = stack.enter_context(served(app))
        yield WaysOut(hub, settings, at, peers, mail_server, registries, out, SetMaker(store, evaluation), tokens)


def _joined(store: Store) -> dict[str, str]:
    tokens = {}
    with store.begin() as tx:
        for name in REPORTERS:
            given = {"name": name, "kind": PartnerKind.BANK, "country": "TH", "identity": ids.identity(name)}
            tokens[name] = partners.add(tx, Partner(**given, trusted=True, vouched=True)).token
        tokens[READER] = partners.add(
            tx, Partner(name=READER, kind=PartnerKind.BANK, identity=ids.identity(READER), vouched=True)
        ).token
        host = Partner(
            name=HOST,
            kind=PartnerKind.PLATFORM,
            identity=ids.identity(HOST),
            vouched=True,
            institutions=("social-account:line",),
        )
        tokens[HOST] = partners.add(tx, host).token
        for alias in ("takedown", "public"):
            collections.grant(tx, READER, collections.get(tx, alias), read=True)
        match_grants.grant(tx, READER, collections.get(tx, "takedown"))
    return tokens
