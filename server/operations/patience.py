"""Write transactions that begin anew where other writers hold the same values."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from server.store import Store, Tx
from server.store.database.engine import Contended

_TRIES = 5
_Done = TypeVar("_Done")


def write_patiently(store: Store, do: Callable[[Tx], _Done]) -> _Done:
    """Return what is done in a transaction of its own, begun anew where it meets others. Raises ``Contended``."""
    for _ in range(_TRIES):
        with suppress(Contended), store.begin() as tx:
            return do(tx)
    with store.begin() as tx:
        return do(tx)
