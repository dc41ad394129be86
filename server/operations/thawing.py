"""List values again that a proposal froze, once it is decided or has lapsed."""

from collections.abc import Collection

from server.release.hub import Hub
from server.release.session import ReleaseSession
from server.store import value_index
from server.store.database.engine import Tx
from server.store.proposals import frozen

_AT_ONCE = 100
_REASON = "decided"


def thaw(hub: Hub, tx: Tx, of: Collection[str] | None = None) -> None:
    """List values that are no longer frozen, as far as the rules admit: of these proposals, or of all, up to a
    hundred.
    """
    subjects = frozen.take_over(tx, of, _AT_ONCE)
    if subjects:
        value_index.lock(tx, subjects)
        session = ReleaseSession.open(hub, tx)
        session.release(session.load(subjects), _REASON)


def thaw_lapsed(hub: Hub) -> None:
    """Do the same for all lapsed proposals, in transactions of their own; there is mostly nothing to write."""
    with hub.store.read() as tx:
        has_ended = frozen.has_ended(tx)
    while has_ended:
        with hub.store.begin() as tx:
            thaw(hub, tx)
            has_ended = frozen.has_ended(tx)
