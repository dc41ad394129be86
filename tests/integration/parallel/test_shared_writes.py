"""Contributions of several partners that share a transaction: each succeeds, fails and is recorded as if alone."""

import io
import json
import random
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text

from mappers import extension, ids
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from server.app import close, create_app
from server.operations.shared_writes import SharedWrites, _Waiting
from server.release.hub import Hub
from server.settings import Settings
from server.setup import set_up
from server.store import Store, Tx, audit, collections, log, partners
from server.store.audit import AuditEvent
from server.store.objects.query import EVERY, Query
from server.web.taxii.application import TaxiiApplication
from server.web.taxii.endpoints import ObjectEndpoints
from tests.postgres import Postgres
from tests.times import text_ago

TAXII = "application/taxii+json;version=2.1"
INBOX = "/feed/collections/inbox/objects/"
PATIENCE = 60.0
NAMES = [f"Bank {letter}" for letter in "ABCDEF"]
REPORTED_AT = text_ago(days=31)


def await_(is_there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_there():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Together(SharedWrites):
    """Begins the next transaction when as many contributions wait as ``number`` says, and ``before`` has run."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._at_once = 1
        self.number = 1
        self.sizes: list[int] = []
        self.before: Callable[[], None] = lambda: None

    def _gathered(self, first: _Waiting) -> list[_Waiting]:
        await_(lambda: len(self._queue) + 1 >= self.number)
        self.number = 1
        self.before()
        group = super()._gathered(first)
        self.sizes.append(len(group))
        return group


class Answer(NamedTuple):
    status: int
    body: dict[str, Any]

    @property
    def outcome(self) -> tuple[Any, ...]:
        """The answer without times and the random id of the status."""
        kept = {name: value for name, value in self.body.items() if name not in ("id", "request_timestamp", "error_id")}
        return self.status, json.dumps(kept, sort_keys=True)


@dataclass
class World:
    """An application on a store, and partners that post to it."""

    application: TaxiiApplication
    store: Store
    shared: Together
    tokens: dict[str, str]
    numbers: dict[str, int] = field(default_factory=dict)

    def post(self, name: str, *objects: dict[str, Any]) -> Answer:
        body = json.dumps({"objects": objects}).encode()
        said: list[str] = []
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": INBOX,
            "QUERY_STRING": "",
            "HTTP_AUTHORIZATION": f"Bearer {self.tokens[name]}",
            "HTTP_ACCEPT": TAXII,
            "CONTENT_TYPE": TAXII,
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": "hub.example",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
        }
        answered = b"".join(self.application(environ, lambda status, headers: said.append(status)))
        return Answer(int(said[0][:3]), json.loads(answered))

    def post_together(self, posts: Sequence[tuple[str, Sequence[dict[str, Any]]]], number: int = 0) -> list[Answer]:
        """Send all at once; the transaction begins when ``number`` of them wait, by default all."""
        self.shared.number = number or len(posts)
        with ThreadPoolExecutor(len(posts)) as threads:
            tasks = [threads.submit(self.post, name, *objects) for name, objects in posts]
            return [task.result(PATIENCE) for task in tasks]

    def in_inbox(self) -> list[str]:
        with self.store.read() as tx:
            page = log.page(tx, collections.get(tx, "inbox"), Query(versions=EVERY, limit=10_000))
        return sorted(body.decode() for body in page.bodies)

    def published(self) -> dict[str, list[str]]:
        """Return the newest versions in each collection without their times.

        The feedback of one transaction is one note about several objects; it is compared by object.
        """
        found = {}
        with self.store.read() as tx:
            for collection in collections.all_collections(tx):
                if collection.filled_by_release:
                    page = log.page(tx, collection, Query(limit=10_000))
                    found[collection.alias] = sorted(each for body in page.bodies for each in _without_times(body))
        return found

    def recorded(self) -> list[tuple[Any, ...]]:
        """Return the audit entries of all POSTs without their times and references."""
        with self.store.read() as tx:
            events = audit.since(tx, "127.0.0.1", 0)
        return sorted(
            (event.partner, event.method, event.route, event.status, event.objects, event.requests) for event in events
        )

    def entries_of(self, answer: Answer) -> list[AuditEvent]:
        with self.store.read() as tx:
            return [event for event in audit.since(tx, "127.0.0.1", 0) if event.reference == answer.body["id"]]


def _without_times(body: bytes) -> Iterator[str]:
    obj = json.loads(body)
    for name in ("created", "modified", "valid_from", "valid_until"):
        obj.pop(name, None)
    feedback = obj.get("extensions", {}).get(extension.ID, {}).get("feedback", {})
    for name in ("at", "count"):
        feedback.pop(name, None)
    for ref in obj.pop("object_refs", [""]):
        if obj["type"] == "note":
            obj |= {"id": "", "external_references": [], "object_refs": [ref]}
        yield json.dumps(obj, sort_keys=True)


def report(name: str, value: str, version: int = 0, **more: Any) -> dict[str, Any]:
    """Return a partner's indicator about a domain, with the same id for each version."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid5(uuid.NAMESPACE_URL, f'{name} {value}')}",
        "created_by_ref": ids.identity(name),
        "created": REPORTED_AT,
        "modified": timestamp.text(timestamp.parse(REPORTED_AT) + timedelta(days=1, seconds=version)),
        "pattern": f"[domain-name:value = '{value}']",
        "pattern_type": "stix",
        "valid_from": REPORTED_AT,
        "confidence": 60 + version,
        "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
        **more,
    }


def furnish(url: str) -> dict[str, str]:
    store, tokens = Store.open(url), {}
    set_up(store)
    with store.begin() as tx:
        for name in NAMES:
            made = Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name), vouched=True)
            tokens[name] = partners.add(tx, made).token
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
    store.close()
    return tokens


@contextmanager
def opened(url: str, tokens: dict[str, str], **settings: Any) -> Iterator[World]:
    app = create_app(Settings(database_url=url, background=False, quota_objects_per_day=100, **settings))
    try:
        application = app.wsgi_app
        assert isinstance(application, TaxiiApplication)
        objects: ObjectEndpoints = application._objects
        shared = objects._shared = Together(objects._hub)
        world = World(application, app.extensions["scamfeed-store"], shared, tokens)
        # The first posts make collections, after which the hub reads again which partners are new.
        for name in (*NAMES, NAMES[0]):
            assert world.post(name, report(name, f"first-of-{name[-1].lower()}.example.com")).status == 202
        shared.sizes.clear()
        yield world
    finally:
        close(app)


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Return a function that makes a copy of a hub with partners, the same each time."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            first = f"sqlite:///{tmp_path / 'first.db'}"
            tokens = furnish(first)

            def copy() -> str:
                file = tmp_path / f"{uuid.uuid4()}.db"
                shutil.copy(tmp_path / "first.db", file)
                return f"sqlite:///{file}"
        else:
            server: Postgres = request.getfixturevalue("postgres")
            first = server.database(request.getfixturevalue("postgres_template"))
            tokens = furnish(server.url(first))

            def copy() -> str:
                name = server.database(first)
                stack.callback(server.drop, name)
                return server.url(name)

            stack.callback(server.drop, first)
        copy.tokens = tokens  # type: ignore[attr-defined]
        yield copy


@pytest.fixture
def world(urls: Any) -> Iterator[World]:
    with opened(urls(), urls.tokens) as world:
        yield world


def test_waiting_contributions_share_one_transaction(world: World) -> None:
    answers = world.post_together([(name, [report(name, f"{name[-1].lower()}.example.com")]) for name in NAMES])
    assert world.shared.sizes == [len(NAMES)]
    for name, answer in zip(NAMES, answers, strict=True):
        assert answer.status == 202
        assert answer.body["success_count"] == 1
        [entry] = world.entries_of(answer)
        assert (entry.partner, entry.objects, entry.status) == (name, 1, 202)
    assert len(world.in_inbox()) == 2 * len(NAMES)


def test_refused_object_stops_no_other(world: World) -> None:
    wrong = report("Bank B", "wrong.example.com", created_by_ref=ids.identity("Bank C"))
    answers = world.post_together(
        [
            ("Bank A", [report("Bank A", "a.example.com")]),
            ("Bank B", [wrong]),
            ("Bank C", [report("Bank C", "c.example.com")]),
        ]
    )
    assert world.shared.sizes == [3]
    assert [answer.body["failure_count"] for answer in answers] == [0, 1, 0]
    assert [answer.body["success_count"] for answer in answers] == [1, 0, 1]


def test_older_version_stops_no_other(world: World) -> None:
    new, old = (report("Bank A", "versions.example.com", version) for version in (5, 3))
    world.post("Bank A", new)
    alone = world.post("Bank A", report("Bank A", "versions.example.com", 2))
    old_answer, other = world.post_together([("Bank A", [old]), ("Bank B", [report("Bank B", "b.example.com")])])
    assert world.shared.sizes[-1] == 2
    assert {**old_answer.body, "successes": 0, "pendings": 0}.keys() == {
        **alone.body,
        "successes": 0,
        "pendings": 0,
    }.keys()
    assert other.body["success_count"] == 1


def test_used_up_quota_stops_no_other(world: World) -> None:
    for start in range(0, 90, 10):
        many = [report("Bank A", f"v{start + place}.example.com") for place in range(10)]
        assert world.post("Bank A", *many).status == 202
    before = len(world.in_inbox())
    # Eight of a hundred objects are left.
    ten = [report("Bank A", f"w{place}.example.com") for place in range(10)]
    over, other = world.post_together([("Bank A", ten), ("Bank B", [report("Bank B", "b.example.com")])])
    assert over.status == 429
    assert other.body["success_count"] == 1
    assert len(world.in_inbox()) == before + 1
    # The refused objects were not counted.
    assert world.post("Bank A", *ten[:8]).status == 202
    assert world.post("Bank A", ten[8]).status == 429


def test_right_revoked_meanwhile_stops_no_other(world: World) -> None:
    def revoke(tx: Tx) -> None:
        collections.revoke(tx, "Bank B", collections.get(tx, "inbox"), read=True, write=True)

    def revoke_now() -> None:
        world.shared.before = lambda: None
        with world.store.begin() as tx:
            revoke(tx)

    before = world.recorded()
    posts = [(name, [report(name, f"{name[-1].lower()}.example.com")]) for name in NAMES[:3]]
    if world.store.is_sqlite:
        # The shared transaction waits for this one, while the heads have been checked.
        with ThreadPoolExecutor(3) as threads, world.store.begin() as tx:
            tasks = [threads.submit(world.post, name, *objects) for name, objects in posts]
            await_(lambda: len(world.shared._queue) == 2)
            revoke(tx)
            finish = threads.submit(lambda: [task.result(PATIENCE) for task in tasks])
        answers = finish.result(PATIENCE)
    else:
        world.shared.before = revoke_now
        answers = world.post_together(posts)
    assert [answer.status for answer in answers] == [202, 404, 202]
    assert len(world.recorded()) == len(before) + 2


def fail_for(world: World, name: str) -> None:
    """Let the database fail when it stores a status of this partner."""
    with world.store.begin() as tx:
        if world.store.is_sqlite:
            tx.exec_driver_sql(
                f"CREATE TRIGGER failing BEFORE INSERT ON statuses WHEN NEW.partner = '{name}'"
                " BEGIN SELECT RAISE(ABORT, 'failing'); END"
            )
            return
        tx.execute(
            text(
                "CREATE FUNCTION failing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                f" IF NEW.partner = '{name}' THEN RAISE EXCEPTION 'failing'; END IF; RETURN NEW; END $$"
            )
        )
        tx.execute(text("CREATE TRIGGER failing BEFORE INSERT ON statuses FOR EACH ROW EXECUTE FUNCTION failing()"))


def test_error_in_the_database_stops_no_other(world: World) -> None:
    fail_for(world, "Bank B")
    posts = [(name, [report(name, f"{name[-1].lower()}.example.com")]) for name in NAMES[:4]]
    before = len(world.in_inbox())
    answers = world.post_together(posts)
    assert world.shared.sizes == [4]
    assert [answer.status for answer in answers] == [202, 500, 202, 202]
    assert len(world.in_inbox()) == before + 3
    assert all(len(world.entries_of(answer)) == 1 for answer in answers if answer.status == 202)
    # Its next contributions can no longer disturb others.
    posts = [(name, [report(name, f"{name[-1].lower()}2.example.com")]) for name in NAMES[:4]]
    answers = world.post_together(posts, number=3)
    assert [answer.status for answer in answers] == [202, 500, 202, 202]
    assert world.shared.sizes[1:] == [3]


def test_partner_that_contributes_elsewhere_delays_no_other(world: World) -> None:
    if world.store.is_sqlite:
        posts = [(name, [report(name, f"{name[-1].lower()}.example.com")]) for name in NAMES[:3]]
        assert [answer.status for answer in world.post_together(posts)] == [202] * 3
        return
    # The end of the transaction comes before that of the threads.
    with ThreadPoolExecutor(3) as threads, world.store.begin() as tx:
        partners.lock(tx, ["Bank B"])
        tx.execute(text("SELECT 1"))
        world.shared.number = 3
        posts = [(name, [report(name, f"{name[-1].lower()}.example.com")]) for name in NAMES[:3]]
        a, b, c = [threads.submit(world.post, name, *objects) for name, objects in posts]
        await_(lambda: bool(world.shared.sizes))
        assert a.result(PATIENCE).status == c.result(PATIENCE).status == 202
        assert not b.done()
    assert b.result(PATIENCE).status == 202


def test_contributions_about_one_value_do_not_share(world: World) -> None:
    posts = [(name, [report(name, "same.example.com")]) for name in NAMES[:3]]
    answers = world.post_together(posts)
    assert [answer.status for answer in answers] == [202] * 3
    assert world.shared.sizes == [1, 1, 1]


def test_one_partner_has_one_place(world: World) -> None:
    posts = [("Bank A", [report("Bank A", f"many{place}.example.com")]) for place in range(4)]
    posts.append(("Bank B", [report("Bank B", "b.example.com")]))
    answers = world.post_together(posts)
    assert [answer.status for answer in answers] == [202] * 5
    assert sorted(world.shared.sizes) == [1, 1, 1, 2]


def history(seed: int) -> list[list[tuple[str, list[dict[str, Any]]]]]:
    """Return rounds of posts: in each, every partner contributes about values of which no other contributes."""
    chosen = random.Random(seed)  # noqa: S311 - the same each time
    values = [f"v{number}.example.com" for number in range(12)]
    rounds = []
    for _ in range(8):
        mine = chosen.sample(values, len(NAMES))
        posts = []
        for name, value in zip(NAMES, mine, strict=True):
            objects = [report(name, value, chosen.randrange(4))]
            match chosen.randrange(5):
                case 0:
                    objects[0]["created_by_ref"] = ids.identity("Bank X")
                case 1:
                    objects.append(report(name, f"own-of-{name[-1].lower()}.example.com", chosen.randrange(9)))
                case 2:
                    objects[0]["pattern"] = "[domain-name:value = "
            posts.append((name, objects))
        rounds.append(posts)
    return rounds


@pytest.mark.long_but("1")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shared_and_single_transactions_have_equal_results(urls: Any, seed: int) -> None:
    with opened(urls(), urls.tokens) as alone, opened(urls(), urls.tokens) as together:
        for posts in history(seed):
            one_by_one = [alone.post(name, *objects) for name, objects in posts]
            # Those that cannot be read may not share.
            readable = sum(all(obj["pattern"].endswith("]") for obj in objects) for _, objects in posts)
            at_once = together.post_together(posts, number=readable)
            assert [answer.outcome for answer in at_once] == [answer.outcome for answer in one_by_one]
        assert max(together.shared.sizes) > 3
        assert together.in_inbox() == alone.in_inbox()
        assert together.published() == alone.published()
        assert together.recorded() == alone.recorded()


KILLED = """
import os, signal, sys, threading
sys.path.insert(0, os.getcwd())
from tests.integration.parallel import test_shared_writes as shared
from server.operations import shared_writes

class Killed(shared_writes._Waiting):
    def tell(self, state):
        os.kill(os.getpid(), signal.SIGKILL)

url, shared.REPORTED_AT, tokens = *sys.argv[1:3], dict(pair.split("=") for pair in sys.argv[3:])
with shared.opened(url, tokens) as world:
    shared_writes._Waiting = Killed
    world.post_together([(name, [shared.report(name, f"{name[-1].lower()}.example.com")]) for name in shared.NAMES])
"""


@pytest.mark.long
def test_killed_after_the_commit_everything_is_stored_once(urls: Any) -> None:
    url = urls()
    given = [f"{name}={token}" for name, token in urls.tokens.items()]
    killed = subprocess.run([sys.executable, "-c", KILLED, url, REPORTED_AT, *given], check=False, timeout=PATIENCE)
    assert killed.returncode == -signal.SIGKILL
    with opened(url, urls.tokens) as world:
        assert len(world.in_inbox()) == 2 * len(NAMES)
        own = [event for event in world.recorded() if event[0] == "Bank A"]
        # Two of each ``opened``, and the killed one.
        assert own == [("Bank A", "POST", "objects", 202, 1, 1)] * 5
        answers = world.post_together([(name, [report(name, f"{name[-1].lower()}.example.com")]) for name in NAMES])
        assert all(answer.body["success_count"] == 1 for answer in answers)
        assert len(world.in_inbox()) == 2 * len(NAMES)


def test_two_workers_share_values_and_partners(urls: Any) -> None:
    url = urls()
    with opened(url, urls.tokens) as first, opened(url, urls.tokens) as second, ThreadPoolExecutor(12) as threads:
        tasks = [
            threads.submit(
                world.post,
                name,
                report(name, f"shared{number % 5}.example.com", number % 9),
                report(name, f"{name[-1]}{number}.example.com".lower()),
            )
            for number in range(8)
            for name in NAMES
            for world in (first, second)
        ]
        answers = [task.result(PATIENCE) for task in tasks]
        assert {answer.status for answer in answers} == {202}
        assert {answer.body["failure_count"] for answer in answers} == {0}
        bodies = first.in_inbox()
        assert len(bodies) == len(set(bodies))
        stored = {(json.loads(body)["id"], json.loads(body)["modified"]) for body in bodies}
        for name in NAMES:
            for number in range(8):
                own = report(name, f"{name[-1]}{number}.example.com".lower())
                assert (own["id"], own["modified"]) in stored
        assert all(len(first.entries_of(answer)) == 1 for answer in answers)
