"""The result of the last ledger check, and the lease for the next one."""

from collections.abc import Sequence
from typing import NamedTuple

from server.store import feed_state
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.feed_state import Lease
from server.store.ledger.checking import CheckedTree

# No feed can have this name.
_NAME = ":ledger-check"
_DAY = 86_400 * 1_000_000
# Renewed while the check runs.
LEASE_SECONDS = 60.0


class LedgerFindings(NamedTuple):
    """When the ledger was checked (microseconds since the epoch; 0: never), and the findings in each tree."""

    checked: int
    trees: tuple[CheckedTree, ...]

    @property
    def faults(self) -> int:
        """Return the number of faulty entries and objects. A broken tree counts as one."""
        return sum(tree.missing + tree.altered + tree.foreign + tree.broken for tree in self.trees)


def last(tx: Tx) -> LedgerFindings:
    """Return the findings of the last check."""
    stored = feed_state.load_checkpoint(tx, _NAME) or {"checked": 0, "trees": []}
    return LedgerFindings(stored["checked"], tuple(CheckedTree(**tree) for tree in stored["trees"]))


def store(tx: Tx, trees: Sequence[CheckedTree]) -> None:
    """Store the findings of a check that has just ended."""
    feed_state.save_checkpoint(tx, _NAME, {"checked": now(), "trees": [tree._asdict() for tree in trees]})


def is_due(tx: Tx) -> bool:
    """Return whether the last check is at least a day old."""
    return last(tx).checked <= now() - _DAY


def claim(tx: Tx, holder: str) -> Lease | None:
    """Return the lease of the next check, to be renewed, or None if another process is checking."""
    return feed_state.acquire_lease(tx, _NAME, holder, LEASE_SECONDS)
