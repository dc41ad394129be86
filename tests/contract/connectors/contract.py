"""Contract tests of every connector, pull or push. A suite describes the peer and inherits the tests."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from feeds.connector import Connector, FeedSettings, Misconfigured, Pull, Push
from feeds.connectors import build
from feeds.runs.runner import Run
from server.store import Store, collections, feed_state, log
from server.store.objects.query import ALL, Query
from tests.running import run

PARTNER = "Example Telecom"
READER = "Example Bank"


def latest(store: Store, alias: str = "takedown") -> list[dict[str, Any]]:
    """Return the newest version of each object of a collection, in the order of ``date_added``."""
    with store.read() as tx:
        return [orjson.loads(body) for body in log.page(tx, collections.get(tx, alias), Query()).bodies]


def versions(store: Store) -> int:
    """Count the object versions of all collections."""
    with store.read() as tx:
        return sum(len(log.page(tx, collection, ALL).bodies) for collection in collections.all_collections(tx))


def kept_checkpoint(store: Store, feed: str = "tested") -> dict[str, Any] | None:
    """Return the checkpoint from which the next run continues."""
    with store.read() as tx:
        return feed_state.load_checkpoint(tx, feed)


class Crash(BaseException):
    """The process dies."""


class Contract(ABC):
    """Tests for pulls and pushes. A suite describes its peer by implementing the abstract methods."""

    connector: str
    # Whether a run may repeat some items of the last one, for a peer whose clock has whole seconds.
    looks_again = False
    # The timeout that ``table`` sets, which no healthy peer on this machine reaches, however busy the machine is.
    timeout = "30s"
    # Seconds that a run may take with a silent peer, and a much shorter timeout.
    patience = 60.0
    impatient = "300ms"

    # Whether a secret of the settings is sent to their ``url``.
    url_gets_secret = True

    # Refused changes of the configuration, each with a part of its message.
    bad_settings: Sequence[tuple[dict[str, Any], str]] = (({"every": "soon"}, "every: .*not a duration"),)
    # Text that no message may contain.
    secret = "s3cret"

    @abstractmethod
    def table(self, **more: Any) -> dict[str, Any]:
        """Return a working configuration named ``tested`` with three items per batch."""

    @abstractmethod
    def arrived(self, store: Store) -> list[str]:
        """Return the received patterns in order."""

    @abstractmethod
    def prepare(self, store: Store, count: int) -> None:
        """Put the domains ``h0.example.com`` to ``h{count - 1}.example.com`` at the connector's source.

        In a later call with a larger count, the first ones already exist.
        """

    @abstractmethod
    def break_credentials(self) -> None:
        """Let the peer refuse our credentials."""

    @abstractmethod
    def kill_peer(self) -> None:
        """Let the peer close connections without a response."""

    @abstractmethod
    def silence_peer(self) -> None:
        """Let the peer accept connections and send nothing."""

    @abstractmethod
    def revive_peer(self) -> None:
        """Let the peer respond again."""

    @abstractmethod
    def turn_clock(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        """Set the clock that dates items from now on: the peer's for a pull, ours for a push."""

    def feed(self, **more: Any) -> Connector[FeedSettings]:
        return build(self.table(**more))

    def test_an_unknown_key_is_named(self) -> None:
        with pytest.raises(Misconfigured, match=r"colour: no such setting; there are .*name"):
            self.feed(colour="red")

    def test_a_missing_key_is_named(self) -> None:
        table = self.table()
        del table["name"]
        with pytest.raises(Misconfigured, match="name: Field required"):
            build(table)

    def test_a_bad_setting_is_named_and_no_secret_shown(self, bad_setting: tuple[dict[str, Any], str]) -> None:
        changes, message = bad_setting
        with pytest.raises(Misconfigured, match=message) as raised:
            self.feed(**changes)
        assert self.secret not in str(raised.value)

    def test_every_setting_has_a_description(self) -> None:
        fields = self.feed().settings_model.model_fields
        assert [name for name, field in fields.items() if not field.description] == []

    def test_secrets_are_not_sent_in_clear_unless_configured(self) -> None:
        table = self.table()
        has_secret = any(isinstance(value, dict) and value.keys() & {"env", "file"} for value in table.values())
        assert self.url_gets_secret is (has_secret and isinstance(table.get("url"), str))
        if not self.url_gets_secret:
            return
        table["url"] = urlsplit(table["url"])._replace(scheme="http", netloc="elsewhere.example").geturl()
        with pytest.raises(Misconfigured, match="url: http:// sends the credentials unencrypted"):
            build(table)
        assert build({**table, "allow_http": True})

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
        assert (again.read if not self.looks_again else 0, again.error) == (0, None)
        assert (self.arrived(store), versions(store)) == (before, there)

    def test_a_dry_run_leaves_nothing(self, store: Store) -> None:
        self.prepare(store, 7)
        there = versions(store)
        result = run(store, self.feed(), dry_run=True)
        assert result.read >= 7
        assert result.accepted == result.read
        assert versions(store) == there
        assert kept_checkpoint(store) is None
        with store.read() as tx:
            assert feed_state.last_runs(tx) == {}

    def test_stop_takes_effect_between_batches_and_the_next_run_continues(self, store: Store) -> None:
        self.prepare(store, 7)
        stop = threading.Event()
        stop.set()
        for _ in range(20):
            run(store, self.feed(), stop=stop)
            if len(self.arrived(store)) == 7:
                break
            if isinstance(self.feed(), Push):
                stop.clear()
        assert len(self.arrived(store)) == len(set(self.arrived(store))) == 7

    def test_a_crash_after_any_batch_loses_nothing(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepare(store, 7)
        saved = 0
        real = feed_state.save_checkpoint

        def save(tx: Any, feed: str, checkpoint: dict[str, Any]) -> None:
            nonlocal saved
            saved += 1
            if saved % 2 == 0:
                raise Crash
            real(tx, feed, checkpoint)

        monkeypatch.setattr(feed_state, "save_checkpoint", save)
        crashes = 0
        for _ in range(20):
            try:
                result = run(store, self.feed())
            except Crash:
                crashes += 1
                continue
            # A peer may drop the interrupted transfer. The run is then retried later, as on a schedule.
            assert result.ending in ("done", "try-later"), result.error
            if result.ending == "done":
                break
        assert crashes >= 1
        assert result.ending == "done"
        assert len(set(self.arrived(store))) == 7

    def test_wrong_credentials_are_misconfigured(self, store: Store) -> None:
        self.prepare(store, 2)
        self.break_credentials()
        result = run(store, self.feed())
        assert result.ending == "misconfigured"
        assert kept_checkpoint(store) is None

    def test_a_dead_peer_is_tried_later_from_the_same_checkpoint(self, store: Store) -> None:
        self.prepare(store, 4)
        run(store, self.feed())
        before = kept_checkpoint(store)
        self.prepare(store, 6)
        self.kill_peer()
        result = run(store, self.feed())
        assert result.ending == "try-later"
        assert kept_checkpoint(store) == before
        self.revive_peer()
        assert run(store, self.feed()).ending == "done"
        assert len(set(self.arrived(store))) == 6

    def test_silent_peer_times_out(self, store: Store) -> None:
        self.prepare(store, 2)
        self.silence_peer()
        self.timeout = self.impatient
        result = run(store, self.feed())
        assert result.ending == "try-later"
        assert (result.ended - result.started).total_seconds() < self.patience
        self.revive_peer()
        self.timeout = Contract.timeout
        assert run(store, self.feed()).ending == "done"
        assert len(set(self.arrived(store))) == 2

    @pytest.mark.long_but("-26.0")
    @pytest.mark.parametrize("hours", [-26.0, 26.0])
    def test_wrong_clock_loses_nothing(self, store: Store, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        self.prepare(store, 3)
        run(store, self.feed())
        self.turn_clock(monkeypatch, hours)
        self.prepare(store, 5)
        run(store, self.feed())
        self.turn_clock(monkeypatch, 0)
        self.prepare(store, 7)
        run(store, self.feed())
        assert len(set(self.arrived(store))) == 7

    def test_every_run_is_stored_and_logged_in_one_line(self, store: Store, caplog: pytest.LogCaptureFixture) -> None:
        self.prepare(store, 7)
        with caplog.at_level("INFO"):
            result: Run = run(store, self.feed())
        lines = [record.getMessage() for record in caplog.records if record.name == "feeds.runs.runner"]
        assert len(lines) == 1
        assert lines[0].startswith(f"run ended feed=tested connector={self.connector} ending=done read={result.read} ")
        with store.read() as tx:
            kept = feed_state.last_runs(tx)["tested"]
        assert (kept.read, kept.accepted, kept.rejected, kept.error) == (result.read, result.accepted, 0, None)

    def test_unknown_partner_is_misconfigured(self, store: Store) -> None:
        setting = "contribute_as" if isinstance(self.feed(), Pull) else "partner"
        result = run(store, self.feed(**{setting: "Nobody"}))
        assert result.ending == "misconfigured"
        assert f"{setting}: there is no partner 'Nobody'" in str(result.error)

    def test_internal_error_is_logged_and_not_shown(
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
