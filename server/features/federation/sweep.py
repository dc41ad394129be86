"""The background step: origins that became stale or current, dead hubs, and values that wait to be released."""

import time
from collections.abc import Iterable

from server.features.federation import copies, origins, pending, receiving, settling, stored
from server.features.federation.origins import CONTRADICTS, STALE, Origin
from server.jobs.repeated import RepeatedStep
from server.release.hub import Hub
from server.release.peers import peer_of
from server.store.database.times import now

_SECONDS = 1.0
_BETWEEN_LOOKS = 15.0
# Values that are released in one transaction.
_AT_ONCE = 200
# Tombstones that a head covers are kept for some days, so that peers that were away read them in order.
_DAYS_OF_TOMBSTONES = 7
_DAY = 86_400_000_000


class PeerSweep(RepeatedStep):
    """Releases again the values of origins whose state changed, a batch of values in each transaction.

    A hub without peers, and without reports of former ones, does nothing.
    """

    def __init__(self, hub: Hub) -> None:
        """Work on the store of ``hub``."""
        super().__init__("peer-sweep", _SECONDS, "peer sweep waits", "peer sweep failure")
        self._hub = hub
        self._looked = float("-inf")
        self._has_work = bool(hub.peers)

    def step(self) -> None:
        """Release values that wait; from time to time look at the states of the origins."""
        if not self._has_work and not self._knows_origins():
            # The thread ends.
            self._stopping.set()
            return
        self._has_work = True
        if time.monotonic() - self._looked >= _BETWEEN_LOOKS:
            look(self._hub)
            self._looked = time.monotonic()
        while copies.note_next(self._hub) and not self._stopping.is_set():
            pass
        while release_pending(self._hub) and not self._stopping.is_set():
            pass

    def _knows_origins(self) -> bool:
        with self._hub.store.read() as tx:
            return bool(origins.all_origins(tx))


def release_pending(hub: Hub, most: int = _AT_ONCE) -> bool:
    """Release some of the values that wait; return whether there may be more."""
    with hub.store.read() as tx:
        if not (noted := pending.to_release(tx, most)):
            return False
    with hub.store.begin() as tx:
        receiving.release(hub, tx, noted.keys())
        pending.released(tx, noted)
    return len(noted) == most


def look(hub: Hub, at: int | None = None) -> None:
    """Note which origins became stale or current, or are over, as of ``at`` (microseconds)."""
    at = now() if at is None else at
    with hub.store.read() as tx:
        own = origins.own(tx).origin
        known = {name: origin for name, origin in origins.all_origins(tx).items() if name != own}
        heads = settling.heads(tx)
        heard = origins.last_heard(tx)
        undecided = origins.contradicting(tx)
        before = at - _DAYS_OF_TOMBSTONES * _DAY
        old = stored.covered_tombstones(tx, before=before, most=1)
    changed = {
        name: words
        for name, origin in known.items()
        if (words := _words(hub, origin, heard.get(name), at, undecided)) != origin.words & {STALE, CONTRADICTS}
    }
    if changed:
        with hub.store.begin() as tx:
            for name in origins.lock(tx, changed):
                for word in (STALE, CONTRADICTS):
                    origins.set_word(tx, name, word, on=word in changed[name])
                pending.note_origin(tx, name)
    for name, origin in known.items():
        peer, mine = peer_of(hub.peers, name), [head for head in heads if head.origin == name]
        if peer is None or settling.is_over(peer, mine, heard.get(name), origin.since, at):
            forget(hub, name)
    if old:
        with hub.store.begin(in_passing=True) as tx:
            stored.drop(tx, stored.covered_tombstones(tx, before=before))


def forget(hub: Hub, origin: str) -> None:
    """Delete all reports of an origin, and release its values again."""
    more = True
    while more:
        with hub.store.begin() as tx:
            origins.lock(tx, [origin])
            found = stored.of_origin(tx, origin, _AT_ONCE)
            stored.drop(tx, found)
            receiving.release(hub, tx, {report.subject for report in found} - {""})
            more = bool(found)
            if not more:
                settling.forget(tx, origin, is_known=peer_of(hub.peers, origin) is not None)


def _words(hub: Hub, origin: Origin, heard: int | None, at: int, undecided: Iterable[str]) -> frozenset[str]:
    """Return the words of an origin's state that follow from the clock and from decisions."""
    peer = peer_of(hub.peers, origin.origin)
    stale = peer is not None and origins.is_stale(peer, heard, origin.since, at)
    applies = {STALE: stale, CONTRADICTS: origin.origin in undecided}
    return frozenset(word for word, does in applies.items() if does)
