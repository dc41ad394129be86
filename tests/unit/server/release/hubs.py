"""Hubs for tests of the release rules."""

from server.release.fuse.newcomers import NewcomerRule
from server.release.hub import Hub
from server.release.route.policy import Policy
from server.store import Store

# Test partners represent long-standing members.
NOBODY_NEW = NewcomerRule(days=0)


def hub_on(store: Store, policy: Policy | None = None) -> Hub:
    """Return a hub without newcomers, or with another policy."""
    return Hub(store, policy or Policy(newcomers=NOBODY_NEW))
