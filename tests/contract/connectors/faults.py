"""What holds for every connector whose peer misbehaves as it is told: what each of its faults leads to."""

from typing import Protocol

import pytest

from server.store import Store
from tests.contract.connectors.contract import Contract, kept_checkpoint
from tests.running import run


class Misbehaving(Protocol):
    """A peer whose ``fault`` says what it does instead of answering; empty where it is well."""

    fault: str


class MisbehavingContract(Contract):
    """Its peer is refusing, dead or silent as ``fault`` says."""

    peer: Misbehaving
    # What the peer answers to whom it does not know.
    unknown = "401"

    def break_credentials(self) -> None:
        self.peer.fault = self.unknown

    def kill_peer(self) -> None:
        self.peer.fault = "cut"

    def silence_peer(self) -> None:
        self.peer.fault = "silent"

    def revive_peer(self) -> None:
        self.peer.fault = ""


class FaultsContract(MisbehavingContract):
    """Its peer is an ``HttpPeer``, none of whose answers but the right one is taken for one."""

    # What no message may show.
    secret = "s3cret"

    @pytest.mark.parametrize("fault", ["500", "503", "429", "html", "half", "cut"])
    def test_whatever_passes_is_tried_later(self, store: Store, fault: str) -> None:
        self.prepare(store, 2)
        self.peer.fault = fault
        # In one batch: what has no indicator in it some peers are not asked about.
        result = run(store, self.feed(batch=1000))
        assert (result.ending, result.read) == ("try-later", 0)
        assert kept_checkpoint(store) is None
        self.peer.fault = ""
        assert run(store, self.feed()).ending == "done"
        assert len(self.arrived(store)) == 2

    @pytest.mark.parametrize("fault", ["401", "403", "404", "405", "406", "410", "moved"])
    def test_whatever_stays_is_the_operators_to_mend(self, store: Store, fault: str) -> None:
        self.peer.fault = fault
        self.check_that_it_stays(store)

    def test_a_busy_peer_is_asked_again_at_once(self, store: Store) -> None:
        self.prepare(store, 2)
        self.peer.fault = "once-503"
        assert run(store, self.feed(retries=2)).ending == "done"
        assert len(self.arrived(store)) == 2

    def check_that_it_stays(self, store: Store) -> None:
        """Find that what ails the peer is no reason to try again, but a person's work."""
        self.prepare(store, 2)
        result = run(store, self.feed())
        assert result.ending == "misconfigured"
        assert self.secret not in str(result.error)
