"""Two partners rehearse over real sockets: each gets its own pages, and only a reacting client passes."""

from typing import Any

import pytest
import requests

from mappers import extension, ids
from mappers.records import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.records import Outcome
from server.features.sandbox import play, script
from server.setup import set_up
from server.store import Store, collections, partners
from server.store.credentials import Credentials
from server.store.database.times import now
from server.store.sandbox import certificates, runs
from tests.integration.access.conftest import TAXII, Hub, Serve, eventually
from tests.times import text_ago

MINUTE = 60 * 1_000_000
NAMES = ("First Bank", "Second Bank")
WORDS = {"block": "blocked", "hold": "held"}
STRANGER = "indicator--00000000-0000-4000-8000-000000000009"


class SocketClient:
    """A client that polls its sandbox, acts by the grade, and lifts its action when a listing ends."""

    def __init__(self, hub: Hub, name: str, credentials: Credentials) -> None:
        with hub.store.read() as tx:
            collection = runs.collection_of(tx, name)
        assert collection is not None
        self.name, self.url = name, f"{hub.url}/feed/collections/{collection.id}/objects/"
        self.session = requests.Session()
        self.session.auth = (credentials.user, credentials.password)
        self.session.headers["User-Agent"] = "socket-client/2.0"
        self.after: str | None = None
        self.acted: set[str] = set()

    def poll(self) -> list[dict[str, Any]]:
        """Read the new objects page by page."""
        found: list[dict[str, Any]] = []
        position: dict[str, str] = {"added_after": self.after} if self.after else {}
        while True:
            response = self.session.get(self.url, params={"limit": "10000", **position}, timeout=60)
            assert response.status_code == 200, response.text
            page = response.json()
            found += page.get("objects", [])
            self.after = response.headers.get("X-TAXII-Date-Added-Last", self.after)
            if not page.get("more"):
                return found
            position = {"next": page["next"]}

    def react(self, objects: list[dict[str, Any]]) -> None:
        """Send an outcome for each listing that expects one."""
        answers = []
        for obj in objects:
            if obj["type"] != "indicator":
                continue
            context = extension.context_of(obj)
            over = obj.get("revoked") or context.get("disputed")
            word = "restored" if over and obj["id"] in self.acted else None if over else WORDS.get(context["grade"])
            if word:
                self.acted.add(obj["id"])
                answers.append(self.outcome(obj["id"], word, None if over else obj["valid_until"]))
        if answers:
            status = self.post(answers)
            assert status["success_count"] == len(answers), status

    def outcome(self, of: str, word: str, until: str | None = None) -> dict[str, Any]:
        given = {"of": {"ref": of}, "outcome": word, "effective_until": until}
        stated = {**given, "reporter": self.name, "reported_at": timestamp.text(timestamp.now()), "tlp": "amber"}
        return to_stix(Outcome.model_validate({name: value for name, value in stated.items() if value}))[-1]

    def post(self, objects: list[dict[str, Any]]) -> dict[str, Any]:
        response = self.session.post(self.url, json={"objects": objects}, headers={"Content-Type": TAXII}, timeout=60)
        assert response.status_code == 202, response.text
        found: dict[str, Any] = response.json()
        return found


@pytest.fixture(scope="module")
def hub(serve_all: Serve) -> Hub:
    return serve_all()


@pytest.fixture(scope="module")
def clients(hub: Hub) -> dict[str, SocketClient]:
    set_up(hub.store)
    made: dict[str, SocketClient] = {}
    for name in NAMES:
        with hub.store.begin() as tx:
            partner = Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name), vouched=True)
            credentials = partners.add(tx, partner)
            play.start(tx, name)
        made[name] = SocketClient(hub, name, credentials)
    return made


def test_correct_client_passes_over_real_sockets(hub: Hub, clients: dict[str, SocketClient]) -> None:
    client = clients[NAMES[0]]
    client.react(client.poll())
    eventually(lambda: _began(hub.store) is not None)
    for minute in sorted({minute for minute, _, _ in script.CHANGES}):
        with hub.store.begin() as tx:
            run = runs.find(tx, client.name)
            assert run is not None
            play.advance(tx, run, (run.began or 0) + minute * MINUTE)
        client.react(client.poll())
    eventually(lambda: _certified(hub.store, client.name))
    with hub.store.read() as tx:
        certificate = certificates.find(tx, client.name)
        assert certificate is not None
        assert certificate.agent == "socket-client/2.0"
        assert certificates.find(tx, NAMES[1]) is None


def test_short_pages_make_a_client_follow_next(clients: dict[str, SocketClient]) -> None:
    client = clients[NAMES[1]]
    page = client.session.get(client.url, params={"limit": "10000"}, timeout=60).json()
    assert (len(page["objects"]), page["more"]) == (10, True)


def test_sandbox_is_private_to_its_partner(hub: Hub, clients: dict[str, SocketClient]) -> None:
    first, second = (clients[name] for name in NAMES)
    hidden = second.session.get(first.url, timeout=60)
    absent = second.session.get(first.url.replace(first.url.split("/")[-3], STRANGER[11:]), timeout=60)
    assert (hidden.status_code, hidden.json()["title"]) == (absent.status_code, absent.json()["title"])
    assert hidden.status_code == 404
    assert second.session.post(first.url, json={"objects": []}, headers={"Content-Type": TAXII}).status_code == 404
    with hub.store.begin() as tx:
        collection = runs.collection_of(tx, first.name)
        assert collection is not None
        with pytest.raises(collections.UnknownCollection):
            collections.grant(tx, second.name, collection, read=True)


def test_posts_get_inbox_responses_and_are_not_published(hub: Hub, clients: dict[str, SocketClient]) -> None:
    client = clients[NAMES[1]]
    before = _added(hub.store)
    reported_at = text_ago(days=31)
    good = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "indicator--00000000-0000-4000-8000-000000000001",
        "created": reported_at,
        "modified": reported_at,
        "name": "Scam domain",
        "pattern": "[domain-name:value = 'bad.example.com']",
        "pattern_type": "stix",
        "valid_from": reported_at,
        "created_by_ref": ids.identity(client.name),
    }
    bad = good | {"id": "indicator--00000000-0000-4000-8000-000000000002", "pattern": "[domain-name:value = 'co.th']"}
    status = client.post([good, bad, client.outcome(STRANGER, "blocked")])
    assert _added(hub.store) == before
    (success,) = status["successes"]
    assert (success["id"], "sandbox" in success["message"]) == (good["id"], True)
    assert status["failure_count"] + status["pending_count"] == 2
    with hub.store.read() as tx:
        assert [answer.object_id for answer in runs.answers_of(tx, client.name)] == [runs.UNKNOWN]
    deleted = client.session.delete(f"{client.url}{good['id']}/", timeout=60)
    assert deleted.status_code in (403, 404)


def _added(store: Store) -> dict[str, int]:
    with store.read() as tx:
        return {collection.alias: collection.last_added for collection in collections.all_collections(tx)}


def _began(store: Store) -> int | None:
    with store.read() as tx:
        run = runs.find(tx, NAMES[0])
        assert run is not None
        return run.began


def _certified(store: Store, name: str) -> bool:
    with store.begin() as tx:
        run = runs.find(tx, name)
        assert run is not None
        if run.ended is None:
            # The time that the server's clock will show later.
            play.advance(tx, run, now() + script.LAST_MINUTE * MINUTE)
        return certificates.find(tx, name) is not None
