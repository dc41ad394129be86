"""Probes for the operator: health, readiness, and access to the metrics."""

import hmac
from typing import Any

from server.observe.readiness import Readiness
from server.store import Store
from server.store.database.engine import DiskSpace

Probe = tuple[int, dict[str, str]]


def live() -> Probe:
    """Return that this process answers. An unreachable database is no reason to restart it."""
    return 200, {"status": "ok"}


def ready(readiness: Readiness, store: Store, bodies: DiskSpace) -> Probe:
    """Return whether requests can be answered: the store can be read and written, and its disk has room.

    ``bodies`` is the folder of long bodies that wait to be read.
    """
    if not readiness.ready():
        return 503, {"status": "store unavailable"}
    if not store.has_disk_space() or not bodies.has_space():
        return 503, {"status": "disk full"}
    return 200, {"status": "ok"}


def can_read(reads: Store) -> Probe:
    """Return whether reads can be answered, for example by a replica while the primary is down."""
    return (200, {"status": "ok"}) if reads.ready() else (503, {"status": "store unavailable"})


def may_see_metrics(environ: dict[str, Any], token: str, *, is_local: bool) -> bool:
    """Return whether a request may see the metrics, which contain partner names.

    Allowed from this machine, unless the request came through a proxy on it. Allowed from anywhere with the token of
    the settings.
    """
    if is_local:
        return True
    scheme, _, given = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    proven = hmac.compare_digest(given.strip().encode("latin-1", "replace"), token.encode())
    return bool(token) and scheme.lower() == "bearer" and proven
