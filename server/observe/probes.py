"""What those who run the server ask of it: whether it lives, whether it is ready, and what it counts."""

import hmac
from typing import Any

from server.store import Store
from server.store.disk_space import DiskSpace

Probe = tuple[int, dict[str, str]]


def live() -> Probe:
    """Say that this process answers; nothing else is asked, so that a database that is away restarts nobody."""
    return 200, {"status": "ok"}


def ready(store: Store, bodies: DiskSpace) -> Probe:
    """Say whether requests can be answered: the database is there, has its tables, and there is room to write.

    ``bodies`` is where long bodies wait until they are read.
    """
    if not store.ready():
        return 503, {"status": "store unavailable"}
    if not store.has_room() or not bodies.is_there():
        return 503, {"status": "disk full"}
    return 200, {"status": "ok"}


def may_see_metrics(environ: dict[str, Any], token: str, *, from_here: bool) -> bool:
    """Tell whether a request may see the metrics, which name partners.

    It may from this machine itself, not through a proxy on it, and with the token of the settings from anywhere.
    """
    if from_here:
        return True
    scheme, _, given = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    proven = hmac.compare_digest(given.strip().encode("latin-1", "replace"), token.encode())
    return bool(token) and scheme.lower() == "bearer" and proven
