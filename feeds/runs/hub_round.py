"""One round with another hub: its heads, the additions to its hub reports, and the sets that are not complete here."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

import msgspec

from feeds.errors import TryLater
from feeds.runs.run import RunContext
from feeds.transport.hub import HeadsAnswer, PeerClient
from schemas.hub_report import OPEN
from server.features.federation import heads, origins, receiving, replaced, settling
from server.features.federation.completing import Completion, ReceivedSet
from server.features.federation.desk import knowledge
from server.features.federation.heads import HeadsTaken
from server.features.federation.receiving import Accepted
from server.release.peers import PeerHub
from server.store import Tx, feed_state

# Heads may change while the additions are read.
_MOST_PASSES = 3
# A set that a peer does not have whole is read again when its head changes, and after this many seconds.
_TRY_AGAIN_SECONDS = 3_600
_MOST_TRIED = 1_000


class _Place(msgspec.Struct):
    """The checkpoint: the tag of the last heads, the place in each collection, and sets to look at.

    ``newest`` are the streams whose newest head the peer has. ``tried`` are sets that were not those of their
    heads: a digest of the head, and when (seconds). ``moving`` are streams for which the peer has newer reports than
    their heads and no complete set, and since when. ``keys`` is a digest of the keys that were trusted then.
    """

    tag: str = ""
    keys: str = ""
    collections: dict[str, dict[str, Any]] = {}
    newest: list[tuple[str, str]] = []
    tried: dict[str, tuple[str, float]] = {}
    moving: dict[str, float] = {}


class PeerRound:
    """One round with a peer. Each page and its place are stored in one transaction."""

    def __init__(
        self,
        work: RunContext,
        peer: PeerHub,
        client: PeerClient,
        batch: int,
        replaces: Mapping[str, tuple[str, ...]],
    ) -> None:
        """Read at most ``batch`` objects at once.

        ``replaces`` are the partners whose reports end once the set of an origin is complete, by origin.
        """
        self._work = work
        self._peer = peer
        self._client = client
        self._batch = batch
        self._replaces = dict(replaces)
        with work.store.read() as tx:
            kept = feed_state.load_checkpoint(tx, work.run.feed)
            trusted = sorted(str(key) for key in origins.trusted_keys(tx, work.hub).values())
        self._place = msgspec.convert(kept or {}, _Place)
        keys = hashlib.sha256("\n".join(trusted).encode()).hexdigest()
        if self._place.keys != keys:
            # Heads and sets that were refused may count now.
            self._place.tag, self._place.tried, self._place.keys = "", {}, keys

    def run(self) -> None:
        """Do the round. Raises ``TryLater`` and ``Misconfigured``."""
        for _ in range(_MOST_PASSES):
            is_changed = self._take_heads()
            self._take_additions()
            if self._work.stopped() or not is_changed or not self._unmatched():
                break
        for origin, stream in self._unmatched():
            if not self._work.stopped():
                self._complete(origin, stream)

    def _take_heads(self) -> bool:
        answer = self._client.heads(self._place.tag)
        if answer is None:
            return False
        with self._transaction() as tx:
            taken = heads.take_heads(self._work.hub, tx, self._peer, answer.heads)
            knowledge.note(tx, self._peer.name, answer.number or 0, answer.retained)
            self._place.tag = answer.tag
            self._place.newest = sorted(taken.newest)
            known = self._place.collections
            self._place.collections = {alias: known.get(alias, {}) for alias in _usable(answer)}
        self._work.run.reasons.update(taken.refused)
        return True

    def _take_additions(self) -> None:
        for alias, place in sorted(self._place.collections.items()):
            for page in self._client.pages(alias, place, self._batch):
                if page.objects:
                    accepted = self._accept(alias, page.objects, page.checkpoint)
                    if accepted.wait:
                        raise TryLater(f"{self._peer.name}: has used up its quota", after=accepted.wait)
                if self._work.stopped():
                    return

    def _accept(self, alias: str, objects: list[Any], checkpoint: dict[str, Any]) -> Accepted:
        checked = receiving.check_page(self._work.hub, objects)
        with self._transaction() as tx:
            accepted = receiving.accept(self._work.hub, tx, self._peer, checked)
            if not accepted.wait:
                self._place.collections[alias] = checkpoint
        self._count(len(objects), accepted)
        return accepted

    def _count(self, read: int, accepted: Accepted) -> None:
        if accepted.wait:
            return
        run = self._work.run
        run.read += read
        run.accepted += accepted.new
        run.reasons.update(accepted.refused)
        self._work.progress(run)

    def _unmatched(self) -> list[tuple[str, str]]:
        """Return the streams that differ from the newest head, which the peer has, and are to be read whole."""
        if not self._place.newest:
            return []
        with self._work.store.read() as tx:
            found = heads.unmatched(tx, HeadsTaken(set(self._place.newest)))
            return [of for of in found if not self._is_tried(tx, *of)]

    def _is_tried(self, tx: Tx, origin: str, stream: str) -> bool:
        digest, at = self._place.tried.get(f"{origin} {stream}", ("", 0.0))
        return digest == _head_digest(tx, origin, stream) and time.time() - at < _TRY_AGAIN_SECONDS

    def _complete(self, origin: str, stream: str) -> None:
        """Read the peer's set of a stream; it counts only if it is the one that the head signs."""
        hub, store = self._work.hub, self._work.store
        with store.read() as tx:
            received = ReceivedSet(hub, tx, self._peer, origin, stream)
            digest = _head_digest(tx, origin, stream)
        lines = self._client.set_lines(origin, stream)
        left = self._peer.most_reports
        while (bodies := list(islice(lines, self._batch))) and left > 0:
            left -= len(bodies)
            page = receiving.check_page(hub, bodies)
            while True:
                with self._transaction() as tx:
                    accepted = received.take(tx, page)
                if not accepted.wait:
                    break
                self._work.stop.wait(accepted.wait)
                if self._work.stopped():
                    return
            self._count(len(bodies), accepted)
            if self._work.stopped():
                return
        place, at = f"{origin} {stream}", time.time()
        with self._transaction() as tx:
            tried, moving = self._place.tried, self._place.moving
            since = moving.pop(place, at)
            result = received.finish(tx, patient=at - since < _TRY_AGAIN_SECONDS)
            tried.pop(place, None)
            if result is Completion.MOVED:
                self._place.moving = dict(list({**moving, place: since}.items())[-_MOST_TRIED:])
            elif result is Completion.INCOMPLETE:
                tried[place] = digest, at
                self._place.tried = dict(list(tried.items())[-_MOST_TRIED:])
        if result is Completion.INCOMPLETE:
            self._work.run.reasons["incomplete-set"] += 1

    @contextmanager
    def _transaction(self) -> Iterator[Tx]:
        """Open a transaction that also stores the place, and ends the reports that complete sets replace."""
        with self._work.transaction() as tx:
            before = {origin for origin in self._replaces if settling.completed(tx, origin).get(OPEN)}
            yield tx
            for origin, partners in self._replaces.items():
                if origin not in before and settling.completed(tx, origin).get(OPEN):
                    for partner in partners:
                        replaced.end_reports(self._work.hub, tx, partner, origin)
            feed_state.save_checkpoint(tx, self._work.run.feed, msgspec.to_builtins(self._place))


def _usable(answer: HeadsAnswer) -> list[str]:
    """Return the collections of hub reports that a peer names, and no others."""
    return [alias for alias in answer.collections if alias.startswith("hub-reports")][:2]


def _head_digest(tx: Tx, origin: str, stream: str) -> str:
    head = settling.head_of(tx, origin, stream)
    return hashlib.sha256(head.body).hexdigest() if head is not None else ""
