"""Figures of the hubs with which this hub exchanges reports, read at each scrape."""

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric

from server.features.federation import states
from server.features.federation.desk import conflicts, queries
from server.observe.families import counter, gauge
from server.release.hub import Hub

_WORDS = (
    states.CURRENT,
    states.IS_STALE,
    states.IS_INCOMPLETE,
    states.IS_THROTTLED,
    states.IS_CONTRADICTORY,
    states.HAS_UNKNOWN_KEY,
)
_STATE = gauge("scamfeed_peer_state", "1 for each state of the peer", "peer", "state")
_REFUSED = counter(
    "scamfeed_peer_refused",
    "Refused objects, by the peer that sent them, the origin that they name, and the reason",
    "peer",
    "origin",
    "reason",
)
_CONFLICTS = gauge("scamfeed_peer_conflicts", "Values with different findings of two hubs, or of a hub and a bank here")
_OF_A_PEER = (
    gauge("scamfeed_peer_attention", "1 if scamfeed peer list shows that the peer needs attention", "peer"),
    gauge("scamfeed_peer_reports", "Hub reports of the peer that this hub has", "peer"),
    gauge("scamfeed_peer_heard_seconds", "Time since the newest head of the peer arrived", "peer"),
    gauge("scamfeed_peer_lag_seconds", "Time since the connector last read the peer", "peer"),
    gauge(
        "scamfeed_peer_behind_seconds",
        "Time between the newest report of this hub and the newest that the peer has of it",
        "peer",
    ),
    gauge("scamfeed_peer_unlinked_members", "Members of both hubs that are not linked", "peer"),
)


def peer_figures(hub: Hub) -> Iterable[Metric]:
    """Return the figures of each peer; a hub without peers has none, and asks the store nothing."""
    if not hub.peers:
        return []
    with hub.store.read() as tx:
        views, conflicting = queries.peer_views(hub, tx), conflicts.count(tx)
    state, refused = _STATE.empty(), _REFUSED.empty()
    of_peer = [family.empty() for family in _OF_A_PEER]
    for view in views:
        words = view.state.words or (states.CURRENT,)
        for word in _WORDS:
            state.add_metric((view.peer.name, word), float(word in words))
        values = (
            float(bool(view.reasons)),
            view.state.reports,
            None if view.state.heard is None else max(0, view.at - view.state.heard) / 1_000_000,
            None if view.health is None else view.health.lag,
            view.behind,
            len(view.overlap.unlinked),
        )
        for metric, value in zip(of_peer, values, strict=True):
            if value is not None:
                metric.add_metric((view.peer.name,), value)
        for one in view.sent:
            refused.add_metric((one.peer, one.origin, one.reason), one.objects)
    return [state, refused, *of_peer, _CONFLICTS.of(conflicting)]
