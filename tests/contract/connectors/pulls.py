"""Contract tests of every pull."""

import time
from abc import abstractmethod
from typing import Any

import pytest

import feeds.runs.pull
from server.release.hub import Hub
from server.release.retract import retract
from server.store import Store, feed_state, partners
from tests.contract.connectors.contract import PARTNER, Contract, kept_checkpoint, latest, versions
from tests.running import run


class PullContract(Contract):
    """A pull that fills ``takedown`` from its peer."""

    @abstractmethod
    def prepare_with_a_bad_one(self, store: Store) -> None:
        """Put two good items at the connector's source, with a bad one between them."""

    @abstractmethod
    def prepare_with_a_shapeless_one(self, store: Store) -> None:
        """Put two good items at the connector's source, with a malformed one between them.

        It is no object, or lacks a mandatory field. The peer itself would never send it.
        """

    def arrived(self, store: Store) -> list[str]:
        """Return the patterns of the indicators that are not retracted."""
        return [obj["pattern"] for obj in latest(store) if obj["type"] == "indicator" and not obj.get("revoked")]

    def test_a_bad_item_does_not_stop_the_others(self, store: Store) -> None:
        self.prepare_with_a_bad_one(store)
        result = run(store, self.feed())
        assert (result.read, result.accepted, result.rejected, result.ending) == (3, 2, 1, "done")
        assert len(self.arrived(store)) == 2

    def test_an_item_of_another_shape_does_not_stop_the_others(self, store: Store) -> None:
        self.prepare_with_a_shapeless_one(store)
        result = run(store, self.feed())
        assert (result.accepted, result.rejected, result.ending) == (2, 1, "done"), result.error
        assert len(self.arrived(store)) == 2
        self.prepare(store, 5)
        assert run(store, self.feed()).ending == "done"
        assert "[domain-name:value = 'h4.example.com']" in self.arrived(store)

    def test_item_that_crashes_a_rule_becomes_a_dead_letter_alone(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.prepare(store, 7)
        real = feeds.runs.pull.take_all

        def take_all(hub: Any, tx: Any, partner: Any, parts: Any) -> Any:
            parts = list(parts)
            if any(b"'h4.example.com'" in submission.item.body for part in parts for submission in part.submissions):
                raise ZeroDivisionError
            return real(hub, tx, partner, parts)

        monkeypatch.setattr(feeds.runs.pull, "take_all", take_all)
        result = run(store, self.feed())
        assert (result.ending, result.rejected) == ("done", 1)
        assert len(set(self.arrived(store))) == 6
        assert kept_checkpoint(store) is not None
        with store.read() as tx:
            letters = feed_state.find_dead_letters(tx, "tested")
        assert [letter.reason for letter in letters] == ["ZeroDivisionError"]
        assert b"h4.example.com" in letters[0].body


class RevokingPullContract(PullContract):
    """A pull from a peer that can revoke its items."""

    @abstractmethod
    def revoke(self, number: int) -> None:
        """Let the peer revoke the earlier item with this number."""

    @abstractmethod
    def list_again(self, number: int) -> None:
        """Let the peer send the item with this number again, possibly after revoking it."""

    def test_an_item_that_the_peer_revokes_is_delisted(self, store: Store) -> None:
        self.prepare(store, 4)
        run(store, self.feed())
        self.revoke(2)
        result = run(store, self.feed())
        assert result.ending == "done", result.error
        assert self.arrived(store) == [f"[domain-name:value = 'h{n}.example.com']" for n in (0, 1, 3)]

    def test_an_item_revoked_before_the_first_run_is_not_listed(self, store: Store) -> None:
        self.prepare(store, 4)
        self.revoke(1)
        result = run(store, self.feed())
        assert result.ending == "done", result.error
        assert self.arrived(store) == [f"[domain-name:value = 'h{n}.example.com']" for n in (0, 2, 3)]

    def test_an_item_reported_and_revoked_within_one_batch_is_not_listed(self, store: Store) -> None:
        self.prepare(store, 1)
        self.revoke(0)
        assert run(store, self.feed()).ending == "done"
        assert self.arrived(store) == []
        self.prepare(store, 5)
        assert run(store, self.feed()).ending == "done"
        assert "[domain-name:value = 'h4.example.com']" in self.arrived(store)
        assert "[domain-name:value = 'h0.example.com']" not in self.arrived(store)

    def test_an_item_revoked_and_reported_again_within_one_batch_is_listed(self, store: Store) -> None:
        self.prepare(store, 1)
        run(store, self.feed())
        self.revoke(0)
        time.sleep(0.002)  # no two versions of an object have the same millisecond
        self.list_again(0)
        assert run(store, self.feed()).ending == "done"
        assert self.arrived(store) == ["[domain-name:value = 'h0.example.com']"]

    def test_an_item_reported_again_after_its_revocation_gets_a_new_listing(self, store: Store) -> None:
        self.prepare(store, 4)
        run(store, self.feed())
        for _ in range(3):
            self.revoke(2)
            run(store, self.feed())
            assert sorted(self.arrived(store)) == [f"[domain-name:value = 'h{n}.example.com']" for n in (0, 1, 3)]
            self.list_again(2)
            result = run(store, self.feed())
            assert (result.ending, result.rejected) == ("done", 0)
            assert sorted(self.arrived(store)) == [f"[domain-name:value = 'h{n}.example.com']" for n in range(4)]
        listings = [obj for obj in latest(store) if obj.get("pattern") == "[domain-name:value = 'h2.example.com']"]
        assert [obj.get("revoked", False) for obj in listings] == [True, True, True, False]
        there = versions(store)
        run(store, self.feed())
        assert versions(store) == there

    def test_a_value_retracted_here_stays_delisted_while_the_peer_reports_it(self, store: Store) -> None:
        self.prepare(store, 4)
        run(store, self.feed())
        self.retract(store, 2)
        self.list_again(2)
        result = run(store, self.feed())
        assert result.ending == "done", result.error
        assert sorted(self.arrived(store)) == [f"[domain-name:value = 'h{n}.example.com']" for n in (0, 1, 3)]

    def test_a_new_listing_retracted_here_stays_delisted_too(self, store: Store) -> None:
        self.prepare(store, 4)
        run(store, self.feed())
        self.revoke(2)
        run(store, self.feed())
        self.list_again(2)
        run(store, self.feed())
        self.retract(store, 2)
        self.list_again(2)
        run(store, self.feed())
        assert len(self.arrived(store)) == 3

    def retract(self, store: Store, number: int) -> None:
        """Retract the peer's report here."""
        with store.begin() as tx:
            assert retract(Hub(store), tx, f"h{number}.example.com", partners.get(tx, PARTNER))
