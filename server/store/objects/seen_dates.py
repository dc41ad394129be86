"""The newest ``date_added`` of each log that this process has assigned or read.

A database that lost its last rows in a failover assigns later dates than these, whatever its clock shows.
"""

from server.store.database.engine import Tx

# The attribute of a store's dialect, which all connections to the store have in common.
_SEEN = "scamfeed_seen_dates"


def note(tx: Tx, log: int, date_added: int) -> int:
    """Note a date of a log, and return the newest one noted so far."""
    of_store: dict[int, int] = vars(tx.dialect).setdefault(_SEEN, {})
    newest = of_store.get(log, 0)
    if date_added > newest:
        newest = of_store[log] = date_added
    return newest
