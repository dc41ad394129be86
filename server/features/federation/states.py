"""The states of the origins, for operators: the desk, the metrics and the status."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.hub_report import OPEN
from server.features.federation import origins, settling, stored
from server.features.federation.checking import UNKNOWN_KEY
from server.features.federation.origins import CONTRADICTS, NEW_KEY, THROTTLED, Origin, Refusals
from server.release.hub import Hub
from server.release.peers import CountWord
from server.store.database.engine import Tx
from server.store.database.times import now

# The words of a state.
CURRENT = "current"
IS_STALE, IS_INCOMPLETE, IS_THROTTLED = "stale", "incomplete", "throttled"
IS_CONTRADICTORY, HAS_UNKNOWN_KEY = "contradicts itself", "unknown key"


class OriginState(NamedTuple):
    """The state of an origin with a ``[[peer]]`` table.

    ``words`` need attention; none means that it is current. ``number`` is that of its newest head, which arrived at
    ``heard`` (microseconds); both are None before the first. ``counted`` is how this hub counts it. ``delivered`` are
    the peers that delivered its reports, with the time of the last. ``incomplete`` are the peers that lack a part of
    its set. ``refused`` are the refused objects of this origin, by the peer that sent them.
    """

    origin: str
    peer: str
    identity: str | None
    words: Sequence[str]
    number: int | None
    heard: int | None
    reports: int
    counted: CountWord
    delivered: Mapping[str, int]
    incomplete: frozenset[str]
    refused: Sequence[Refusals]

    @property
    def state(self) -> str:
        """Return the state as one text."""
        return ", ".join(self.words) or CURRENT


def states(tx: Tx, hub: Hub, at: int | None = None) -> list[OriginState]:
    """Return the states of the origins of ``hub``, in the order of its ``[[peer]]`` tables."""
    at = now() if at is None else at
    known, gaps, delivered = origins.all_origins(tx), origins.gaps(tx), origins.deliveries(tx)
    refused = origins.all_refusals(tx)
    heads = {head.origin: head for head in settling.heads(tx) if head.stream == OPEN}
    contradicting, sizes = origins.contradicting(tx), stored.sizes(tx)
    found = []
    for peer in hub.peers:
        origin, name = known.get(peer.origin, Origin(peer.origin, since=at)), peer.origin
        head, mine = heads.get(name), [one for one in refused if one.origin == name]
        heard = None if head is None else head.received
        shown = {
            IS_STALE: origins.is_stale(peer, heard, origin.since, at),
            IS_INCOMPLETE: name in gaps,
            IS_THROTTLED: THROTTLED in origin.words,
            IS_CONTRADICTORY: CONTRADICTS in origin.words or name in contradicting,
            HAS_UNKNOWN_KEY: NEW_KEY in origin.words or _has_unknown_key(mine, heard),
        }
        found.append(
            OriginState(
                origin=name,
                peer=peer.name,
                identity=origin.identity,
                words=tuple(word for word, applies in shown.items() if applies),
                number=None if head is None else head.number,
                heard=heard,
                reports=sizes.get(name, 0),
                counted=peer.count,
                delivered=delivered.get(name, {}),
                incomplete=frozenset(gaps.get(name, ())),
                refused=mine,
            )
        )
    return found


def _has_unknown_key(refused: Sequence[Refusals], heard: int | None) -> bool:
    """Return whether objects signed by an unknown key of the origin arrived after its last head."""
    return any(one.reason == UNKNOWN_KEY and one.last > (heard or 0) for one in refused)
