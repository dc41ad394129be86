"""Receipts of what was taken back, closed in passing."""

from server.release.query import receipts
from server.store import Store


def settle(store: Store) -> int:
    """Settle the receipts, and say how many were closed; where there is none to settle, nothing is written."""
    with store.read() as tx:
        if not receipts.to_settle(tx):
            return 0
    with store.begin() as tx:
        return receipts.settle(tx)
