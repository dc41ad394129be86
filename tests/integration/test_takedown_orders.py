"""Takedown orders over real sockets: byte-exact over TAXII and the API, with a clock that survives kills."""

import hashlib
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from taxii2client.v21 import Collection, as_pages

from mappers import extension, ids
from mappers.notes import note_id
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from server.features.requests import records as stored_requests
from server.store import Store, collections, log, partners
from server.store.objects.query import EVERY, Query
from tests.initial_stores import initial_url
from tests.ports import free_port
from tests.processes import Forked, serve_hub

# Each differs from another one only by characters that look alike: 1 I l |, 0 O, Cyrillic, Thai digits.
ALIKE = ("1", "I", "l", "|", "0", "O", "o", "а", "А", "๑", "๐", "%D0%B0")  # look-alikes on purpose
LOCATIONS = [
    f"https://shop.example.com/{ALIKE[n % 12]}{ALIKE[n // 12 % 12]}/{n}?q={ALIKE[n % 7]}" for n in range(1_000)
]
DIGESTS = {hashlib.sha256(location.encode()).hexdigest() for location in LOCATIONS}
PATIENCE = 60.0
MANY = 40
HOUR = 3_600_000_000
POLICE, TAXII_HOST, API_HOST = "Cyber Police", "Taxii Platform", "Api Platform"


class Node:
    """A server of a stored hub, which can be killed and started again."""

    def __init__(self, database: str, log: Path) -> None:
        self._given = ({"database_url": database}, log)
        self.tokens: dict[str, str] = {}
        self.passwords: dict[str, tuple[str, str]] = {}
        self.start()

    def start(self) -> None:
        settings, log = self._given
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = Forked(serve_hub, settings, self.port, 1, 4, log=log)
        soon(self._answers)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/health", timeout=60).status_code == 200
        except requests.RequestException:
            return False

    def kill(self) -> None:
        """Kill the server and its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.process.kill()
        self.process.wait(60)
        for child in children:
            subprocess.run(["kill", "-9", child], check=False, capture_output=True)  # noqa: S607

    def call(self, method: str, path: str, by: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.tokens[by]}"}
        answer = requests.request(method, f"{self.url}{path}", json=body, headers=headers, timeout=120)
        assert answer.ok, answer.text
        return answer.json()


def soon(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (result := found()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return result


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return initial_url(request, tmp_path)


@pytest.fixture
def node(url: str, tmp_path: Path) -> Iterator[Node]:
    tokens: dict[str, str] = {}
    passwords: dict[str, tuple[str, str]] = {}
    with closing(Store.open(url)) as store, store.begin() as tx:
        for name, kind, authority in (
            (POLICE, PartnerKind.GOVERNMENT, ("url",)),
            (TAXII_HOST, PartnerKind.PLATFORM, ()),
            (API_HOST, PartnerKind.PLATFORM, ()),
        ):
            partner = Partner(name=name, kind=kind, identity=ids.identity(name), authority=authority)
            made = partners.add(tx, partner)
            tokens[name], passwords[name] = made.token, (made.user, made.password)
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
    served = Node(url, tmp_path / "hub.log")
    served.tokens = tokens
    served.passwords = passwords
    yield served
    served.kill()


def order(node: Node, addressee: str, locations: Sequence[str] = LOCATIONS, **more: Any) -> list[dict[str, Any]]:
    common = {
        **{"asks": "take-down", "basis": "order", "authority": "Criminal Court", "legal_basis": "court-order"},
        **{"legal_reference": "DES-2026-117", "explanation": ["obtains-money"], "addressee": addressee},
        **{"reference": f"CASE of {addressee}", "deadline": "2h", **more},
    }
    body = {"order": common, "locations": locations}
    results: list[dict[str, Any]] = node.call("POST", "/api/requests/orders", POLICE, body)["results"]
    return results


@pytest.mark.long
def test_thousand_orders_arrive_byte_for_byte_and_their_clock_survives_a_kill(node: Node, tmp_path: Path) -> None:
    for host in (TAXII_HOST, API_HOST):
        results = order(node, host)
        assert [result for result in results if "request" not in result] == []
    assert order(node, API_HOST) == results
    # Over the API.
    read: list[dict[str, Any]] = []
    page = node.call("GET", "/api/requests?role=addressee&limit=300", API_HOST)
    while True:
        read += page["requests"]
        if page["next"] is None:
            break
        page = node.call("GET", f"/api/requests?role=addressee&limit=300&next={page['next']}", API_HOST)
    check_exact(read)
    # Over TAXII, by a client that knows nothing of this project.
    user, password = node.passwords[TAXII_HOST]
    alias = soon(lambda: own_collection(node, TAXII_HOST))
    collection = Collection(f"{node.url}/feed/collections/{alias}/", user=user, password=password)
    objects = [obj for part in as_pages(collection.get_objects, per_request=400) for obj in part["objects"]]
    notes = {obj["id"]: extension.context_of(obj)["request"] for obj in objects if obj["type"] == "note"}
    check_exact(list(notes.values()))
    # Each clock runs from the read.
    soon(lambda: served(node, API_HOST) == {"api"} and served(node, TAXII_HOST) == {"taxii"})
    before = times(node)
    assert len(before) == 2_000
    node.kill()
    node.start()
    assert times(node) == before
    assert {due - served_at for served_at, due in map(seconds, before.values())} == {7_200}


@pytest.mark.long
@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.timeout(400)
def test_orders_that_become_overdue_while_the_whole_server_is_dead_are_found_within_a_minute(
    node: Node, url: str
) -> None:
    asked = [result["request"] for result in order(node, API_HOST, LOCATIONS[:MANY])]
    node.call("GET", f"/api/requests?role=addressee&limit={MANY}", API_HOST)
    soon(lambda: served(node, API_HOST) == {"api"})
    before = times(node)
    node.kill()
    # While it is dead, three hours pass.
    pass_hours(url, asked, 3)
    node.start()
    began = time.monotonic()
    for by in (POLICE, API_HOST):
        soon(lambda by=by: [one["overdue"] for one in mine(node, by)] == [True] * MANY)
    soon(lambda: f"scamfeed_requests_overdue {MANY}.0" in requests.get(f"{node.url}/metrics", timeout=60).text)
    assert time.monotonic() - began < PATIENCE
    moved = {id_: tuple(seconds(clock)) for id_, clock in times(node).items()}
    assert moved == {id_: tuple(moment - 3 * 3_600 for moment in seconds(clock)) for id_, clock in before.items()}
    # The parties are told by the clock in the server, which is killed in between.
    for least in (1, MANY // 2):
        soon(lambda least=least: told(url, asked) >= least)
        node.kill()
        node.start()
    soon(lambda: told(url, asked) == MANY)
    assert notes_of_each(url, asked) == {(POLICE, 2), (API_HOST, 2)}


def pass_hours(url: str, ids_: Sequence[str], hours: int) -> None:
    """Move the moments of these requests into the past."""
    past = hours * HOUR
    with closing(Store.open(url)) as store, store.begin() as tx:
        for stored in stored_requests.find(tx, ids_).values():
            assert stored.served_at is not None
            moved = {"opened": stored.opened - past, "changed": stored.changed - past}
            moved |= {"served_at": stored.served_at - past, "deadline": stored.deadline - past}
            stored_requests.change(tx, stored._replace(**moved))


def told(url: str, ids_: Sequence[str]) -> int:
    with closing(Store.open(url)) as store, store.read() as tx:
        return sum(stored.reminded for stored in stored_requests.find(tx, ids_).values())


def notes_of_each(url: str, ids_: Sequence[str]) -> set[tuple[str, int]]:
    """Return how many notes about a request each party has: the same for all requests."""
    found = set()
    with closing(Store.open(url)) as store, store.read() as tx:
        for party in (POLICE, API_HOST):
            collection = collections.private_collection(tx, party, "requests")
            records = log.manifest(tx, collection, Query(limit=10 * MANY, versions=EVERY)).records
            of_each = Counter(record.id for record in records)
            found |= {(party, of_each[note_id(id_)]) for id_ in ids_}
    return found


def own_collection(node: Node, partner: str) -> str | None:
    headers = {"Authorization": f"Bearer {node.tokens[partner]}", "Accept": "application/taxii+json;version=2.1"}
    listed = requests.get(f"{node.url}/feed/collections/", headers=headers, timeout=60).json()["collections"]
    return next((one["id"] for one in listed if one.get("alias", "").startswith("requests-")), None)


def check_exact(found: list[dict[str, Any]]) -> None:
    assert len(found) == 1_000
    assert sorted(one["location"].encode() for one in found) == sorted(location.encode() for location in LOCATIONS)
    assert {one["location_sha256"] for one in found} == DIGESTS


def mine(node: Node, by: str = POLICE) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    path = f"/api/requests?role={'sender' if by == POLICE else 'addressee'}&limit=1000"
    page = node.call("GET", path, by)
    while True:
        found += page["requests"]
        if page["next"] is None:
            return found
        page = node.call("GET", f"{path}&next={page['next']}", by)


def served(node: Node, host: str) -> set[str | None]:
    return {one.get("served_by") for one in mine(node) if one["reference"] == f"CASE of {host}"}


def times(node: Node) -> dict[str, tuple[str, str]]:
    return {one["id"]: (one["served_at"], one["due_at"]) for one in mine(node)}


def seconds(moments: tuple[str, str]) -> tuple[int, int]:
    first, second = (int(timestamp.parse(text).timestamp()) for text in moments)
    return first, second
