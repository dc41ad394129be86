"""The operators' view of each peer: its states, reports, refusals, deliveries, lag and knowledge."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select

from schemas.tlog.notes import VerifierKey
from server.features.federation import decisions, origins, states
from server.features.federation.desk import knowledge
from server.features.federation.desk.knowledge import PeerKnowledge
from server.features.federation.members import overlaps
from server.features.federation.members.overlaps import KnownOverlap
from server.features.federation.origins import RESTORED, Refusals
from server.features.federation.states import CURRENT, OriginState
from server.features.federation.tables import hub_publishing
from server.release.hub import Hub
from server.release.peer_feeds import feed_name
from server.release.peers import PeerHub
from server.store import feed_state
from server.store.database.engine import Tx
from server.store.database.times import now, stamp
from server.store.feed_state import FeedHealth

_SECOND = 1_000_000
# Refused objects need attention for a day after the last one.
_RECENT = 86_400 * _SECOND
_SUMMARY = ("peer", "state", "reports", "heard_seconds", "lag_seconds", "attention")


class OwnReportTotals(NamedTuple):
    """This hub as an origin: the newest number that it gave, and whether it was restored from a backup."""

    origin: str
    number: int
    is_restored: bool


class PeerView(NamedTuple):
    """A peer as operators see it.

    ``sent`` are the refused objects that this peer delivered, of any origin. ``health`` is the state of the connector
    that reads it, None without one. ``known`` is what it last said about this hub. ``behind`` is the time in seconds by
    which its copy of this hub's reports is older than the newest, None if unknown.
    """

    peer: PeerHub
    state: OriginState
    sent: Sequence[Refusals]
    health: FeedHealth | None
    known: PeerKnowledge | None
    behind: float | None
    overlap: KnownOverlap
    contradictions: Sequence[tuple[int, str, int]]
    new_key: VerifierKey | None
    at: int

    @property
    def refused(self) -> list[Refusals]:
        """Return the refused objects of this origin, and those that this peer sent of others, each once."""
        return list(dict.fromkeys((*self.state.refused, *self.sent)))

    @property
    def reasons(self) -> list[str]:
        """Return why the peer needs attention: its states, refused objects, its connection, and unlinked members."""
        found = list(self.state.words)
        if any(refused.last > self.at - _RECENT for refused in self.sent):
            found.append("refused objects")
        if self.health is not None and self.health.breaker != "closed":
            found.append("connection")
        if self.state.counted == "as-own" and self.overlap.unlinked:
            found.append("unlinked members")
        return found


def own_reports(tx: Tx) -> OwnReportTotals | None:
    """Return this hub as an origin, None before it publishes."""
    row = tx.execute(select(hub_publishing.c.key, hub_publishing.c.number)).first()
    if row is None:
        return None
    origin = VerifierKey.parse(row.key).name
    known = origins.all_origins(tx).get(origin)
    return OwnReportTotals(origin, row.number, known is not None and RESTORED in known.words)


def peer_views(hub: Hub, tx: Tx) -> list[PeerView]:
    """Return the peers of the settings, in their order."""
    if not hub.peers:
        return []
    at, own, known = now(), own_reports(tx), knowledge.all_knowledge(tx)
    refused, health = origins.all_refusals(tx), feed_state.health_of_feeds(tx)
    found = []
    for peer, state in zip(hub.peers, states.states(tx, hub, at), strict=True):
        knows = known.get(peer.name)
        found.append(
            PeerView(
                peer,
                state,
                [one for one in refused if one.peer == peer.name],
                _health(peer, health),
                knows,
                None if own is None or knows is None else max(0, own.number - knows.number) / _SECOND,
                overlaps.find(tx, peer.origin),
                decisions.open_contradictions(tx, peer.origin),
                decisions.waiting_key(tx, peer.origin),
                at,
            )
        )
    return found


def summaries(hub: Hub, tx: Tx) -> list[dict[str, Any]]:
    """Return the state of each peer, its reports and lags, and why it needs attention."""
    rows = map(row, peer_views(hub, tx))
    return [{name: found[name] for name in _SUMMARY} for found in rows]


def needs_attention(views: Iterable[PeerView], own: OwnReportTotals | None) -> bool:
    """Return whether an operator has to look at a peer, or at this hub's own reports."""
    return any(view.reasons for view in views) or (own is not None and own.is_restored)


def row(view: PeerView) -> dict[str, Any]:
    """Return a peer as JSON."""
    state, peer = view.state, view.peer
    number = state.number
    return {
        "peer": peer.name,
        "origin": peer.origin,
        "identity": state.identity,
        "state": state.state,
        "states": list(state.words) or [CURRENT],
        "attention": view.reasons,
        "number": number,
        "number_age_seconds": None if number is None else max(0, view.at - number) // _SECOND,
        "heard": None if state.heard is None else stamp(state.heard),
        "heard_seconds": None if state.heard is None else max(0, view.at - state.heard) // _SECOND,
        "reports": state.reports,
        "count": state.counted,
        "countries": sorted(peer.countries),
        "tlp": peer.tlp,
        "limits": peer.limits,
        "delivered_by": {name: stamp(last) for name, last in sorted(state.delivered.items())},
        "incomplete_at": sorted(state.incomplete),
        "refused": [refusal(one) for one in view.refused],
        "lag_seconds": None if view.health is None else view.health.lag,
        "connection": None if view.health is None else view.health.breaker,
        "number_of_this_hub": None if view.known is None else view.known.number,
        "behind_seconds": view.behind,
        "still_reported_there": 0 if view.known is None else len(view.known.retained),
        "contradictions": [{"number": at, "peer": by, "received": stamp(when)} for at, by, when in view.contradictions],
        "new_key": None if view.new_key is None else str(view.new_key),
        "unlinked_members": len(view.overlap.unlinked),
    }


def refusal(one: Refusals) -> dict[str, Any]:
    """Return refused objects as JSON: the peer that sent them, their origin if it is known, the reason, one example."""
    return {
        "peer": one.peer,
        "origin": one.origin or None,
        "reason": one.reason,
        "objects": one.objects,
        "last": stamp(one.last),
        "example": one.example or None,
    }


def _health(peer: PeerHub, health: Mapping[str, FeedHealth]) -> FeedHealth | None:
    """Return the health of the connector that reads a peer."""
    return health.get(feed_name(peer)) if peer.url else None
