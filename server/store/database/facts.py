"""The versions of the facts that change rarely, as a transaction finds them."""

from server.store.database import fact_versions
from server.store.database.direct import fetch
from server.store.database.engine import Tx


def versions(tx: Tx) -> dict[str, int]:
    """Return the version of each of the ``Facts``, by name."""
    return dict(fetch(tx, fact_versions.ALL))
