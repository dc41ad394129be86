"""What holds for every pull."""

from abc import abstractmethod
from typing import Any

import pytest

import feeds.pulling
from feeds.runner import run
from server.store import Store, dead_letters
from tests.contract.connectors.contract import Contract, kept_checkpoint, latest


class PullContract(Contract):
    """A pull brings ``takedown`` what its peer has."""

    @abstractmethod
    def prepare_with_a_bad_one(self, store: Store) -> None:
        """Put two good items where the connector takes them from, and a bad one between them."""

    def arrived(self, store: Store) -> list[str]:
        """Give the patterns of the indicators that nobody took back."""
        return [obj["pattern"] for obj in latest(store) if obj["type"] == "indicator" and not obj.get("revoked")]

    def test_a_bad_item_does_not_stop_the_others(self, store: Store) -> None:
        self.prepare_with_a_bad_one(store)
        result = run(store, self.feed())
        assert (result.read, result.accepted, result.rejected, result.ending) == (3, 2, 1, "done")
        assert len(self.arrived(store)) == 2

    def test_an_item_that_upsets_our_own_rules_is_put_aside_alone(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.prepare(store, 7)
        real = feeds.pulling.contribute

        def contribute(tx: Any, partner: Any, items: Any) -> Any:
            if any(b"'h4.example.com'" in item.body for item in items):
                raise ZeroDivisionError
            return real(tx, partner, items)

        monkeypatch.setattr(feeds.pulling, "contribute", contribute)
        result = run(store, self.feed())
        assert (result.ending, result.rejected) == ("done", 1)
        assert len(set(self.arrived(store))) == 6
        assert kept_checkpoint(store) is not None
        with store.read() as tx:
            letters = dead_letters.of(tx, "tested")
        assert [letter.reason for letter in letters] == ["ZeroDivisionError"]
        assert b"h4.example.com" in letters[0].body


class RevokingPullContract(PullContract):
    """A pull from a peer that can take back what it said."""

    @abstractmethod
    def revoke(self, number: int) -> None:
        """Let the peer take back the item of that number, which it had prepared before."""

    def test_what_the_peer_takes_back_is_taken_back_here(self, store: Store) -> None:
        self.prepare(store, 4)
        run(store, self.feed())
        self.revoke(2)
        result = run(store, self.feed())
        assert result.ending == "done", result.error
        assert self.arrived(store) == [f"[domain-name:value = 'h{n}.example.com']" for n in (0, 1, 3)]
