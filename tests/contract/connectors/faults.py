"""Contract tests of every connector whose peer has faults: the consequence of each fault."""

from typing import Protocol

import pytest

from server.store import Store
from tests.contract.connectors.contract import Contract, kept_checkpoint
from tests.running import run


class Misbehaving(Protocol):
    """A peer whose ``fault`` names its misbehaviour, or is empty for normal responses."""

    fault: str


class MisbehavingContract(Contract):
    """Tests with a peer that refuses, is dead or is silent, according to its ``fault``."""

    peer: Misbehaving
    # The peer's response to unknown credentials.
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
    """Tests with an ``HttpPeer``: none of its wrong responses is accepted."""

    @pytest.mark.long_but("503", "html", "cut")
    @pytest.mark.parametrize("fault", ["500", "503", "429", "html", "half", "cut"])
    def test_a_passing_fault_is_tried_later(self, store: Store, fault: str) -> None:
        self.prepare(store, 2)
        self.peer.fault = fault
        # In one batch, because some peers are not contacted for a batch without indicators.
        result = run(store, self.feed(batch=1000))
        assert (result.ending, result.read) == ("try-later", 0)
        assert kept_checkpoint(store) is None
        self.peer.fault = ""
        assert run(store, self.feed()).ending == "done"
        assert len(self.arrived(store)) == 2

    @pytest.mark.long_but("401", "404", "moved")
    @pytest.mark.parametrize("fault", ["401", "403", "404", "405", "406", "410", "moved"])
    def test_lasting_fault_is_misconfigured(self, store: Store, fault: str) -> None:
        self.peer.fault = fault
        self.check_misconfigured(store)

    def test_busy_peer_is_retried_at_once(self, store: Store) -> None:
        self.prepare(store, 2)
        self.peer.fault = "once-503"
        assert run(store, self.feed(retries=2)).ending == "done"
        assert len(self.arrived(store)) == 2

    def check_misconfigured(self, store: Store) -> None:
        """Check that the fault ends the run as misconfigured, without showing a secret."""
        self.prepare(store, 2)
        result = run(store, self.feed())
        assert result.ending == "misconfigured"
        assert self.secret not in str(result.error)
