"""The log on SQL: every version of every object of every collection, in one order."""

from server.store.database.engine import Store, StoreUnavailable, Tx

__all__ = ["Store", "StoreUnavailable", "Tx"]
