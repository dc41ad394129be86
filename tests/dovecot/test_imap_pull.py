"""``imap-pull`` reads from Dovecot: the contract of every pull, and what only a real server does."""

from collections.abc import Iterator
from typing import Any

import pytest

from server.store import Store
from tests.contract.connectors.conftest import furnished, pytest_generate_tests, store
from tests.contract.connectors.contract import PARTNER
from tests.contract.connectors.pulls import PullContract
from tests.contract.connectors.test_imap_pull import mail
from tests.dovecot.server import PASSWORD, Dovecot, served
from tests.running import run

__all__ = ["furnished", "pytest_generate_tests", "store"]
_USER = "reports"


class TestImapPullFromDovecot(PullContract):
    """The contract, over TLS."""

    connector = "imap-pull"
    url_gets_secret = False
    patience = 20.0
    secret = PASSWORD
    server: Dovecot
    environment: pytest.MonkeyPatch
    domains = 0
    date = "Thu, 01 Jan 2026 08:00:00 +0700"

    @pytest.fixture(autouse=True)
    def _server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        self.environment = monkeypatch
        monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
        with served() as server:
            self.server = server
            yield

    def table(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "tested",
            "connector": self.connector,
            "host": "localhost",
            "port": self.server.implicit,
            "ca_file": str(self.server.certificate),
            "user": _USER,
            "password": {"env": "MAIL_PASSWORD"},
            "contribute_as": PARTNER,
            "batch": 3,
            "timeout": "2s",
            "allow_private": True,
            **more,
        }

    def prepare(self, store: Store, count: int) -> None:
        if count > self.domains:
            lines = [f"h{number}.example.com" for number in range(self.domains, count)]
            self.server.deliver(_USER, mail(*lines, date=self.date).as_bytes())
            self.domains = count

    def prepare_with_a_bad_one(self, store: Store) -> None:
        self.server.deliver(_USER, mail("a.example.com", "what is this", "b.example.com").as_bytes())

    def prepare_with_a_shapeless_one(self, store: Store) -> None:
        made = mail()
        made.add_attachment('[{"domain": "a.example.com"}, true, {"domain": "b.example.com"}]', filename="a.json")
        self.server.deliver(_USER, made.as_bytes())

    def break_credentials(self) -> None:
        self.environment.setenv("MAIL_PASSWORD", "another")

    def kill_peer(self) -> None:
        self.server.kill()

    def silence_peer(self) -> None:
        self.server.freeze()

    def revive_peer(self) -> None:
        self.server.revive()

    def turn_clock(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        self.date = "Wed, 31 Dec 2025 06:00:00 +0700" if hours < 0 else "Fri, 02 Jan 2026 10:00:00 +0700"

    def test_starttls_and_no_mail_is_marked(self, store: Store) -> None:
        self.prepare(store, 2)
        result = run(store, self.feed(port=self.server.starttls, tls="starttls"))
        assert (result.ending, result.accepted) == ("done", 2), result.error
        [flags] = self.server.flags(_USER)
        assert b"Seen" not in flags

    def test_new_numbers_of_a_mailbox_report_nothing_twice(self, store: Store) -> None:
        self.prepare(store, 3)
        self.prepare(store, 5)
        assert run(store, self.feed()).accepted == 5
        before = self.arrived(store)
        self.server.forget_numbers(_USER)
        self.prepare(store, 6)
        result = run(store, self.feed())
        assert (result.ending, result.accepted) == ("done", 1), result.error
        assert self.arrived(store)[: len(before)] == before

    def test_mail_in_another_folder_is_not_read(self, store: Store) -> None:
        self.prepare(store, 2)
        result = run(store, self.feed(folder="Reports"))
        assert result.ending == "misconfigured"
        assert "no folder Reports" in str(result.error)
