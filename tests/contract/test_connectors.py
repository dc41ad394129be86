"""What every connector promises: a suite that each inherits, with the peer that is its own."""

import http.server
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from feeds import connectors
from feeds.connector import Connector, FeedSettings, Misconfigured, Pull, Push, build
from feeds.runner import Run, run
from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.reading import Reader
from server.release.contribute import contribute
from server.release.retract import retract
from server.store import Store, checkpoints, collections, deliveries, log, partners
from server.store.item import Item
from server.store.query import ALL

PARTNER = "Example Telecom"
READER = "Example Bank"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'hub.db'}")
    opened.migrate()
    with opened.begin() as tx:
        collections.create_defaults(tx)
        partners.add(tx, Partner(name=PARTNER, kind=PartnerKind.TELECOM, identity=ids.identity(PARTNER)))
        partners.add(tx, Partner(name=READER, kind=PartnerKind.BANK, identity=ids.identity(READER)))
        partners.grant(tx, READER, collections.get(tx, "takedown"), read=True)
    yield opened
    opened.close()


def patterns(store: Store, alias: str = "takedown") -> list[str]:
    """Give the patterns of a collection's latest indicators, in the order they were added."""
    with store.read() as tx:
        page = log.page(tx, collections.get(tx, alias), ALL)
    objects = map(orjson.loads, page.bodies)
    return [obj["pattern"] for obj in objects if obj["type"] == "indicator"]


def versions(store: Store) -> int:
    with store.read() as tx:
        return sum(len(log.page(tx, each, ALL).bodies) for each in collections.every(tx))


def kept_checkpoint(store: Store, feed: str) -> dict[str, Any] | None:
    with store.read() as tx:
        return checkpoints.load(tx, feed)


class Crash(BaseException):
    """The process dies."""


class Contract(ABC):
    """What holds for pulls and pushes alike. Subclasses say what the peer is."""

    connector: str

    @abstractmethod
    def table(self, **more: Any) -> dict[str, Any]:
        """Give a configuration that works, with three items a batch."""

    @abstractmethod
    def arrived(self, store: Store) -> list[str]:
        """Give what has come over, in order."""

    @abstractmethod
    def break_credentials(self) -> None:
        """Let the peer refuse us."""

    @abstractmethod
    def kill_peer(self) -> None:
        """Let the peer not answer."""

    @abstractmethod
    def prepare(self, store: Store, count: int) -> None:
        """Put ``count`` items where the connector takes them from."""

    def feed(self, **more: Any) -> Connector[FeedSettings]:
        return build(self.table(**more))

    def test_an_unknown_key_is_named(self) -> None:
        with pytest.raises(Misconfigured, match="colour: no such setting; there are name, "):
            self.feed(colour="red")

    def test_a_missing_key_is_named(self) -> None:
        table = self.table()
        del table["name"]
        with pytest.raises(Misconfigured, match="name: Field required"):
            build(table)

    def test_nothing_to_do_ends_well(self, store: Store) -> None:
        result = run(store, self.feed())
        assert (result.ending, result.read, result.error) == ("done", 0, None)

    def test_everything_arrives(self, store: Store) -> None:
        self.prepare(store, 7)
        result = run(store, self.feed())
        assert result.ending == "done", result.error
        assert result.accepted == result.read
        assert len(self.arrived(store)) == 7

    def test_a_repeat_changes_nothing(self, store: Store) -> None:
        self.prepare(store, 7)
        run(store, self.feed())
        before, there = self.arrived(store), versions(store)
        again = run(store, self.feed())
        assert (again.read, again.error) == (0, None)
        assert (self.arrived(store), versions(store)) == (before, there)

    def test_a_dry_run_leaves_nothing(self, store: Store) -> None:
        self.prepare(store, 7)
        there = versions(store)
        result = run(store, self.feed(), dry_run=True)
        assert result.read >= 7
        assert result.accepted == result.read
        assert versions(store) == there
        assert kept_checkpoint(store, "tested") is None
        with store.read() as tx:
            assert checkpoints.last_runs(tx) == {}

    def test_a_stop_ends_between_two_batches_and_the_next_run_goes_on(self, store: Store) -> None:
        self.prepare(store, 7)
        stop = threading.Event()
        stop.set()
        readings = []
        for _ in range(20):
            result = run(store, self.feed(), stop=stop)
            readings.append(result.read)
            if len(self.arrived(store)) == 7:
                break
            if isinstance(self.feed(), Push):
                stop.clear()
        assert len(self.arrived(store)) == len(set(self.arrived(store))) == 7

    def test_a_crash_after_any_batch_loses_nothing(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepare(store, 7)
        saved = 0
        real = checkpoints.save

        def save(tx: Any, feed: str, checkpoint: dict[str, Any]) -> None:
            nonlocal saved
            saved += 1
            if saved % 2 == 0:
                raise Crash
            real(tx, feed, checkpoint)

        monkeypatch.setattr(checkpoints, "save", save)
        crashes = 0
        for _ in range(20):
            try:
                result = run(store, self.feed())
            except Crash:
                crashes += 1
                continue
            assert result.ending == "done", result.error
            break
        assert crashes >= 1
        assert len(set(self.arrived(store))) == 7

    def test_wrong_credentials_are_the_operators_to_mend(self, store: Store) -> None:
        self.prepare(store, 2)
        self.break_credentials()
        result = run(store, self.feed())
        assert result.ending == "misconfigured"
        assert kept_checkpoint(store, "tested") is None

    def test_a_dead_peer_is_tried_later_from_the_same_checkpoint(self, store: Store) -> None:
        self.prepare(store, 4)
        run(store, self.feed())
        before = kept_checkpoint(store, "tested")
        self.prepare(store, 6)
        self.kill_peer()
        result = run(store, self.feed())
        assert result.ending == "try-later"
        assert kept_checkpoint(store, "tested") == before

    def test_every_run_is_remembered_and_logged_in_one_line(
        self, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.prepare(store, 7)
        with caplog.at_level("INFO"):
            result: Run = run(store, self.feed())
        lines = [record.getMessage() for record in caplog.records if record.name == "feeds.runner"]
        assert len(lines) == 1
        assert lines[0].startswith(f"run ended feed=tested connector={self.connector} ending=done read={result.read} ")
        with store.read() as tx:
            kept = checkpoints.last_runs(tx)["tested"]
        assert (kept.read, kept.accepted, kept.rejected, kept.error) == (result.read, result.accepted, 0, None)

    def test_an_unknown_partner_is_the_operators_to_mend(self, store: Store) -> None:
        setting = "contribute_as" if isinstance(self.feed(), Pull) else "partner"
        result = run(store, self.feed(**{setting: "Nobody"}))
        assert result.ending == "misconfigured"
        assert f"{setting}: there is no partner 'Nobody'" in str(result.error)

    def test_a_fault_of_our_own_is_logged_and_not_shown(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.prepare(store, 2)
        feed = self.feed()

        def fail(*_: Any) -> Any:
            raise RuntimeError("1234567890")

        monkeypatch.setattr(feed, "pull" if isinstance(feed, Pull) else "push", fail)
        result = run(store, feed)
        assert (result.ending, result.error) == ("failed", "unexpected RuntimeError: see the log")
        assert "Traceback" in caplog.text


class PullContract(Contract):
    """What holds for pulls."""

    @abstractmethod
    def prepare_with_a_bad_one(self, store: Store) -> None:
        """Put two good items where the connector takes them from, and a bad one between them."""

    def arrived(self, store: Store) -> list[str]:
        return patterns(store)

    def test_a_bad_item_does_not_stop_the_others(self, store: Store) -> None:
        self.prepare_with_a_bad_one(store)
        result = run(store, self.feed())
        assert (result.read, result.accepted, result.rejected, result.ending) == (3, 2, 1, "done")
        assert len(patterns(store)) == 2


class PushContract(Contract):
    """What holds for pushes; three partners' reports are in the collection."""

    @abstractmethod
    def objects(self) -> list[dict[str, Any]]:
        """Give the objects that arrived at the peer, in order."""

    @abstractmethod
    def refuse(self, pattern: str) -> None:
        """Let the peer refuse the indicator of that pattern."""

    def arrived(self, store: Store) -> list[str]:
        return [obj["pattern"] for obj in self.objects() if obj["type"] == "indicator" and not obj.get("revoked")]

    def prepare(self, store: Store, count: int) -> None:
        reader = Reader({"reporter": PARTNER, "kind": "domain", "reported_at": timestamp.text(timestamp.now())})
        objects = [obj for n in range(count) for obj in to_stix(reader.report({"value": f"h{n}.example.com"}))]
        with store.begin() as tx:
            contribute(tx, partners.get(tx, PARTNER), [Item.of(obj) for obj in objects])

    def test_a_refused_object_does_not_stop_the_others(self, store: Store) -> None:
        self.prepare(store, 7)
        self.refuse("[domain-name:value = 'h3.example.com']")
        result = run(store, self.feed())
        assert (result.ending, result.rejected) == ("done", 1)
        assert len(self.arrived(store)) == 6

    def test_what_the_peer_said_is_kept_for_each_object(self, store: Store) -> None:
        self.prepare(store, 3)
        self.refuse("[domain-name:value = 'h1.example.com']")
        run(store, self.feed())
        with store.read() as tx:
            page = log.page(tx, collections.get(tx, "takedown"), ALL)
            items = [Item.of_bytes(body) for body in page.bodies]
            sent = {each.object_id: each.answer for each in deliveries.sent(tx, "tested", READER, items)}
        assert sent.keys() == {item.id for item in items}
        assert sorted({answer.split(":")[0] for answer in sent.values()}) == ["failed", "success"]

    def test_revocations_come_first(self, store: Store) -> None:
        self.prepare(store, 4)
        run(store, self.feed(batch=1000))
        before = len(self.objects())
        reader = Reader({"reporter": PARTNER, "kind": "domain", "reported_at": timestamp.text(timestamp.now())})
        with store.begin() as tx:
            who = partners.get(tx, PARTNER)
            contribute(tx, who, [Item.of(obj) for obj in to_stix(reader.report({"value": "new.example.com"}))])
            gone = next(obj["id"] for obj in self.objects() if obj["type"] == "indicator")
            retract(tx, gone, who)
        run(store, self.feed(batch=1000))
        news = self.objects()[before:]
        assert (news[0]["id"], news[0]["revoked"]) == (gone, True)
        assert [obj.get("pattern") for obj in news if obj["type"] == "indicator"][1:] == [
            "[domain-name:value = 'new.example.com']"
        ]

    def test_only_what_the_partner_may_read_is_pushed(self, store: Store) -> None:
        self.prepare(store, 3)
        with store.begin() as tx:
            partners.grant(tx, READER, collections.get(tx, "inbox"), read=True)
        for alias, fault in (("wallets", "may not read wallets"), ("inbox", "is an inbox"), ("x", "no coll")):
            result = run(store, self.feed(collection=alias))
            assert result.ending == "misconfigured"
            assert fault in str(result.error)
        assert self.objects() == []

    def test_another_collection_is_pushed_from_its_beginning(self, store: Store) -> None:
        self.prepare(store, 3)
        run(store, self.feed())
        with store.begin() as tx:
            partners.grant(tx, READER, collections.get(tx, "takedown-full"), read=True)
        result = run(store, self.feed(collection="takedown-full"))
        assert result.ending == "done"
        assert result.read > 6


class TestFilePull(PullContract):
    """A folder as the peer."""

    connector = "file-pull"

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "drop"
        self.folder.mkdir()

    def table(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "tested",
            "connector": self.connector,
            "path": str(self.folder),
            "contribute_as": PARTNER,
            "batch": 3,
            **more,
        }

    def prepare(self, store: Store, count: int) -> None:
        lines = "".join(f"h{number}.example.com\n" for number in range(count))
        (self.folder / f"{count}.txt").write_text(lines)

    def prepare_with_a_bad_one(self, store: Store) -> None:
        (self.folder / "bad.txt").write_text("a.example.com\nwhat is this\nb.example.com\n")

    def break_credentials(self) -> None:
        for each in self.folder.iterdir():
            each.unlink()
        self.folder.rmdir()

    def kill_peer(self) -> None:
        # What a network drive that went away looks like.
        feed_open = Path.open

        def broken(path: Path, *args: Any, **more: Any) -> Any:
            if path.parent == self.folder:
                raise OSError(5, "Input/output error")
            return feed_open(path, *args, **more)

        self._patch.setattr(Path, "open", broken)

    @pytest.fixture(autouse=True)
    def _patching(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch


@dataclass
class Peer:
    """A TAXII server that does as it is told."""

    url: str = ""
    fault: str = ""
    refused: set[str] = field(default_factory=set)
    whole: bool = False
    pending: int = 0
    objects: list[dict[str, Any]] = field(default_factory=list)
    envelopes: list[int] = field(default_factory=list)
    limit: int = 1 << 20
    seen: list[str | None] = field(default_factory=list)
    asked: int = 0

    def take(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """Take an envelope."""
        objects = orjson.loads(body)["objects"]
        bad = [obj for obj in objects if obj.get("pattern") in self.refused]
        if bad and self.whole:
            return 422, {"title": "No"}
        self.envelopes.append(len(body))
        self.objects += [obj for obj in objects if obj not in bad]
        status = {
            "id": "2d086da7-4bdc-4f91-900e-d77486753710",
            "status": "complete",
            "total_count": len(objects),
            "success_count": len(objects) - len(bad),
            "failure_count": len(bad),
            "pending_count": 0,
            "failures": [{"id": obj["id"], "version": obj["modified"], "message": "not wanted"} for obj in bad],
        }
        if self.pending:
            status |= {"status": "pending", "pending_count": len(objects), "success_count": 0}
        return 202, status


class Handler(http.server.BaseHTTPRequestHandler):
    """Speaks HTTP for a peer."""

    peer: Peer

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        if not self._fails():
            info = {"id": "room", "title": "Room", "can_read": True, "can_write": self.peer.fault != "read-only"}
            root = {"title": "Root", "versions": ["application/taxii+json;version=2.1"]}
            if self.path.endswith(("/collections/room/", "/collections/alias/")):
                self._answer(200, info)
            elif "/status/" in self.path:
                self.peer.pending -= 1
                done = {"status": "complete" if self.peer.pending <= 0 else "pending"}
                counts = dict.fromkeys(["total_count", "success_count", "failure_count", "pending_count"], 0)
                self._answer(200, {"id": "x", **counts, **done})
            elif self.path == "/api/":
                self._answer(200, {**root, "max_content_length": self.peer.limit})
            else:
                self._answer(404, {"title": "No"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._fails():
            self._answer(*self.peer.take(body))

    def _fails(self) -> bool:
        self.peer.asked += 1
        self.peer.seen.append(self.headers.get("Authorization"))
        fault = self.peer.fault
        if fault == "slow":
            time.sleep(1)
        elif fault == "cut":
            self.connection.close()
        elif fault == "moved":
            self.send_response(308)
            self.send_header("Location", "https://elsewhere.example/")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif fault.isdecimal():
            self._answer(int(fault), {"title": "No"})
        elif fault == "once-503":
            self.peer.fault = ""
            self._answer(503, {"title": "Busy"}, {"Retry-After": "0"})
        elif fault == "html":
            self._answer(200, b"<html>")
        else:
            return False
        return True

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "Application/TAXII+JSON; Version=2.1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class TestTaxiiPush(PushContract):
    """A TAXII server as the peer."""

    connector = "taxii-push"
    peer: Peer

    @pytest.fixture(autouse=True)
    def _server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        self.peer = Peer()
        handler = type("Bound", (Handler,), {"peer": self.peer})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.peer.url = f"http://127.0.0.1:{self.server.server_address[1]}/api/collections/room/"
        monkeypatch.setenv("PEER_PASSWORD", "s3cret")
        thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        thread.start()
        yield
        self.server.shutdown()
        self.server.server_close()
        thread.join()

    def table(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "tested",
            "connector": self.connector,
            "url": self.peer.url,
            "user": "hub",
            "password": {"env": "PEER_PASSWORD"},
            "partner": READER,
            "collection": "takedown",
            "batch": 3,
            "timeout": "300ms",
            "retries": 0,
            **more,
        }

    def objects(self) -> list[dict[str, Any]]:
        return self.peer.objects

    def arrived(self, store: Store) -> list[str]:
        # At least once: what came again is the same version of the same object.
        return list(dict.fromkeys(super().arrived(store)))

    def refuse(self, pattern: str) -> None:
        self.peer.refused.add(pattern)

    def break_credentials(self) -> None:
        self.peer.fault = "401"

    def kill_peer(self) -> None:
        self.peer.fault = "cut"

    @pytest.mark.parametrize("fault", ["slow", "cut", "500", "503", "429", "html"])
    def test_whatever_passes_is_tried_later(self, store: Store, fault: str) -> None:
        self.prepare(store, 2)
        self.peer.fault = fault
        assert run(store, self.feed()).ending == "try-later"
        self.peer.fault = ""
        assert run(store, self.feed()).ending == "done"
        assert len(self.arrived(store)) == 2

    @pytest.mark.parametrize("fault", ["401", "403", "404", "406", "moved", "read-only"])
    def test_whatever_stays_is_the_operators_to_mend(self, store: Store, fault: str) -> None:
        self.prepare(store, 2)
        self.peer.fault = fault
        result = run(store, self.feed())
        assert result.ending == "misconfigured"
        assert "s3cret" not in str(result.error)

    def test_a_busy_peer_is_asked_again_at_once(self, store: Store) -> None:
        self.prepare(store, 2)
        self.peer.fault = "once-503"
        assert run(store, self.feed(retries=2)).ending == "done"
        assert len(self.arrived(store)) == 2

    def test_an_object_that_spoils_its_envelope_is_found(self, store: Store) -> None:
        self.prepare(store, 20)
        self.peer.whole = True
        for number in (3, 11):
            self.refuse(f"[domain-name:value = 'h{number}.example.com']")
        result = run(store, self.feed(batch=1000))
        assert (result.ending, result.rejected) == ("done", 2)
        assert len(self.arrived(store)) == 18

    def test_a_peer_that_refuses_everything_is_not_asked_about_each(self, store: Store) -> None:
        self.prepare(store, 60)
        self.peer.whole = True
        for number in range(60):
            self.refuse(f"[domain-name:value = 'h{number}.example.com']")
        result = run(store, self.feed(batch=1000))
        assert result.ending == "try-later"
        assert self.peer.asked < 100

    def test_envelopes_are_no_larger_than_the_peer_takes(self, store: Store) -> None:
        self.prepare(store, 20)
        self.peer.limit = 5000
        assert run(store, self.feed(batch=1000)).ending == "done"
        assert len(self.arrived(store)) == 20
        assert max(self.peer.envelopes) <= 5000

    def test_an_object_larger_than_the_peer_takes_is_refused_alone(self, store: Store) -> None:
        self.prepare(store, 3)
        self.peer.limit = 900
        result = run(store, self.feed(batch=1000))
        assert result.ending == "done"
        assert result.rejected >= 1
        assert result.accepted + result.rejected == result.read

    def test_a_peer_that_takes_its_time_is_waited_for(self, store: Store) -> None:
        self.prepare(store, 1)
        self.peer.pending = 1
        result = run(store, self.feed(batch=1000))
        assert (result.ending, result.rejected) == ("done", 0)

    def test_a_peer_that_is_never_ready_is_not_waited_for_for_ever(self, store: Store) -> None:
        self.prepare(store, 1)
        self.peer.pending = 1_000_000
        result = run(store, self.feed(batch=1000, wait="10ms"))
        assert (result.ending, result.rejected) == ("done", 0)

    def test_an_api_root_and_a_collection_name_the_same_place(self, store: Store) -> None:
        self.prepare(store, 2)
        root = self.peer.url.removesuffix("collections/room/")
        assert run(store, self.feed(url=root, peer_collection="alias")).ending == "done"
        assert len(self.arrived(store)) == 2

    def test_a_token_goes_instead_of_a_password(self, store: Store) -> None:
        table = self.table(token={"env": "PEER_PASSWORD"})
        del table["user"], table["password"]
        self.prepare(store, 1)
        assert run(store, build(table)).ending == "done"
        assert set(self.peer.seen) == {"Bearer s3cret"}

    def test_secrets_are_read_for_each_run(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepare(store, 1)
        feed = self.feed()
        monkeypatch.delenv("PEER_PASSWORD")
        result = run(store, feed)
        assert result.ending == "misconfigured"
        assert "PEER_PASSWORD" in str(result.error)
        monkeypatch.setenv("PEER_PASSWORD", "new")
        assert run(store, feed).ending == "done"

    def test_a_url_without_a_server_behind_it(self, store: Store) -> None:
        self.prepare(store, 1)
        assert run(store, self.feed(url="http://127.0.0.1:9/api/collections/room/")).ending == "try-later"

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
    def test_credentials_go_over_http_to_this_machine(self, host: str) -> None:
        self.feed(url=f"http://{host}/api/collections/room/")

    def test_credentials_go_over_http_where_that_is_wanted(self) -> None:
        self.feed(url="http://peer.example/api/collections/room/", allow_http=True)
        self.feed(url="http://peer.example/api/collections/room/", user=None, password=None)

    @pytest.mark.parametrize(
        ("more", "fault"),
        [
            ({"password": "s3cret"}, "a secret is never written here"),
            ({"password": {"env": "A", "file": "b"}}, "give either"),
            ({"user": None}, "user and password come together"),
            ({"token": {"env": "A"}}, "or token"),
            ({"timeout": "soon"}, "not a duration"),
            ({"url": "ftp://x/"}, "url"),
            ({"url": "http://[::1/x/"}, "url: not a URL"),
            ({"url": "https://scamfeed:s3cret@peer.example/x/"}, "url: no user or password in it"),
            ({"url": "http://peer.example/x/"}, "set allow_http"),
            ({"url": "http://127.0.0.1.peer.example/x/"}, "set allow_http"),
            ({"every": "5m", "cron": "* * * * *"}, "not both"),
        ],
    )
    def test_a_bad_setting_is_named_and_no_secret_shown(self, more: dict[str, Any], fault: str) -> None:
        with pytest.raises(Misconfigured, match=fault) as raised:
            self.feed(**more)
        assert "s3cret" not in str(raised.value)


def test_every_connector_has_its_suite() -> None:
    tested = {suite.connector for base in (PullContract, PushContract) for suite in base.__subclasses__()}
    assert tested == connectors.every().keys()
