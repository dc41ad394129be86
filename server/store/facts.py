"""The versions of the facts that change rarely, as a transaction finds them."""

from server.store import fact_versions
from server.store.direct import fetch
from server.store.engine import Tx


def versions(tx: Tx) -> dict[str, int]:
    """Return the version of each of the ``Facts``, by name."""
    return dict(fetch(tx, fact_versions.ALL))
