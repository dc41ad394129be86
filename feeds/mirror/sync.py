"""A sync: every hub is read up to its end, what came is made visible at once, and each copy is compared with its hub.

The order within a hub's round: new private collections are filled as far as half a minute takes, and what is new of the
copies that are seen already is staged; then all that is whole is made visible in one transaction. So an indicator that
moves from a shared collection to a private one is at no moment in neither. Other new collections, which may be large,
are filled after that.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from feeds.connector import Misconfigured, TryLater, duration
from feeds.http.taxii_pages import TaxiiPage
from feeds.ledger.heads import BrokenLog
from feeds.mirror.copies import CollectionCopy, CopyWriter
from feeds.mirror.entries import MirrorEntry, entry_of, milliseconds
from feeds.mirror.hub_client import DigestBehind, HubClient, HubDigest, OfferedCollection, in_a_line
from feeds.mirror.log_check import LogCheck, LogMemory
from feeds.mirror.settings import MirroredHub
from schemas.api import set_digest
from schemas.errors import Rejected

logger = logging.getLogger(__name__)

T = TypeVar("T")

_PRIVATE = ("for-", "accounts-")
_FULL = "-full"
_ALL = "*"
_FILL_SECONDS = 30.0
_BATCH = 5_000
# So many of the objects that a log does not have are named in a line.
_MOST_NAMED = 3
# More than any hub has: what a hub sends without end must not fill the disk.
_MOST_OBJECTS = 50_000_000
# While others write, the hub's digest and the copy are seldom of one place: some of these are, by chance.
_COMPARISONS = 6
# Compared so often without news in between, they differ.
_STILL = 2
# For so long pages are believed while a hub cannot state its digest.
_BELIEVED = 600_000
# A copy that differs again after a repair is not read whole again at once.
_REPAIR_EVERY = 3_600_000
_BEATS_WITHIN = 60_000
# Further back the copy does not know what was active.
_OLDEST_DIGEST = 6 * 3_600_000
# A hub counts what it has added within seconds; later, if it is in trouble.
_LONGEST_LAG = 600_000


class SyncedCollection(NamedTuple):
    """The result of a sync for one collection: objects read, active ones, and how the digest compares."""

    collection: str
    alias: str
    read: int
    active: int
    digest: str
    repaired: bool = False
    error: str | None = None


class HubRound(NamedTuple):
    """The result of a sync with one hub: ``missing`` are configured collections that it does not let us read."""

    hub: str
    collections: tuple[SyncedCollection, ...] = ()
    missing: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    error: str | None = None
    wait: float = 0.0

    @property
    def is_well(self) -> bool:
        """Return whether all collections are there, read, and not known to differ."""
        return not (self.error or self.missing) and not any(
            synced.error or synced.digest == "differs" for synced in self.collections
        )


class HubSync:
    """One round at one hub."""

    def __init__(self, writer: CopyWriter, hub: MirroredHub) -> None:
        """Work with the copies of ``hub`` in the file of ``writer``."""
        self._writer = writer
        self._hub = hub
        self._read: dict[str, int] = {}
        self._repaired: set[str] = set()
        self._errors: dict[str, str] = {}
        self._wait = 0.0
        # Copies of this round, of which nothing can be left over from a process that was killed.
        self._begun: set[int] = set()

    def run(self) -> HubRound:
        """Do the round; what goes wrong is in its result, in the log, and in the file."""
        missing: list[str] = []
        try:
            with HubClient(self._hub) as client:
                wanted, missing = choose(self._hub, client.collections())
                done = self._round(client, wanted)._replace(missing=tuple(missing))
        except (TryLater, Misconfigured) as error:
            done = HubRound(self._hub.name, error=str(error), wait=getattr(error, "after", 0.0))
        self._writer.keep_fact(
            f"hub:{self._hub.name}", {"error": done.error, "missing": list(done.missing), "tried": _now()}
        )
        _log(done)
        return done

    def _round(self, client: HubClient, wanted: list[OfferedCollection]) -> HubRound:
        dropped = self._drop_lost({collection.id for collection in wanted})
        copies = [copy for collection in wanted for copy in self._copies_of(collection)]
        until = time.monotonic() + _FILL_SECONDS
        first = [copy for copy in copies if copy.state != "filling" or copy.alias.startswith(_PRIVATE)]
        pulled = [
            done
            for copy in sorted(first, key=lambda copy: copy.state != "filling")
            if (done := self._try(copy, partial(self._pull, client, copy, until))) is not None
        ]
        whole = [done for done in pulled if done.whole]
        self._writer.publish(done.copy for done in whole)
        unfinished = [done.copy for done in pulled if not done.whole]
        for begun in [*unfinished, *(copy for copy in copies if copy not in first)]:
            done = self._try(begun, partial(self._pull, client, begun))
            if done is not None:
                self._writer.publish([done.copy])
                whole.append(done)
        for done in whole:
            self._try(done.copy, partial(self._compare, client, done))
        return HubRound(self._hub.name, self._results(), dropped=dropped, wait=self._wait)

    def _drop_lost(self, wanted: set[str]) -> tuple[str, ...]:
        lost = [copy for copy in self._writer.copies(self._hub.name) if copy.collection not in wanted]
        self._writer.publish((), dropped=lost)
        return tuple(dict.fromkeys(copy.alias or copy.collection for copy in lost))

    def _copies_of(self, collection: OfferedCollection) -> list[CollectionCopy]:
        copies = [copy for copy in self._writer.copies(self._hub.name) if copy.collection == collection.id]
        return copies or [self._begin(*collection)]

    def _try(self, copy: CollectionCopy, act: Callable[[], T]) -> T | None:
        """Do something for one collection; what goes wrong is noted, and does not stop the others."""
        try:
            return act()
        except (TryLater, Misconfigured) as error:
            self._errors[copy.collection] = str(error)
            self._wait = max(self._wait, getattr(error, "after", 0.0))
            self._writer.note_error(copy, str(error))
            return None

    def _pull(self, client: HubClient, copy: CollectionCopy, until: float | None = None) -> "_Pulled":
        """Read a collection up to its end; a copy that is being filled until a moment of the steady clock only."""
        started = _now()
        if copy.state == "filling" and copy.checkpoint is None and not self._hub.ledger_key:
            copy = self._fill_from_stream(client, copy)
        with self._checking(client, copy) as check:
            for page in client.pages(copy.collection, copy.place() or {}):
                self._add(copy, page.objects, page.checkpoint, check(page) if check else ())
                if until is not None and copy.state == "filling" and time.monotonic() > until:
                    return _Pulled(copy, started, whole=False)
        return _Pulled(self._writer.get(copy.number), started)

    @contextmanager
    def _checking(
        self, client: HubClient, copy: CollectionCopy
    ) -> Iterator[Callable[[TaxiiPage], Collection[int]] | None]:
        """Open the log of a collection, where its key is configured, to check each page before it is applied.

        A log that went back, or has another past, is an error of the copy, which stays as it was, and grows old.
        """
        if not self._hub.ledger_key:
            yield None
            return
        place = copy.place() or {}
        is_first = copy.state == "filling" and copy.checkpoint is None

        def check(page: TaxiiPage) -> set[int]:
            nonlocal is_first
            failing = found.check(page.objects, page.checkpoint, is_first=is_first)
            is_first = False
            return failing

        try:
            with client.log(copy.collection) as log:
                memory = LogMemory(self._writer, copy)
                found = LogCheck(self._hub, log, memory, place.get("safe") or place.get("added_after"))
                yield check
        except BrokenLog as error:
            logger.error("log-broken hub=%s collection=%s error=%s", copy.hub, copy.alias, error)
            self._writer.settle(copy, as_of=None, digest="differs", error=str(error))
            raise Misconfigured(f"{error}: nothing is taken from this collection any more") from error

    def _fill_from_stream(self, client: HubClient, copy: CollectionCopy) -> CollectionCopy:
        """Fill an empty copy from the hub's stream, where it has one; return the copy from which its pages go on.

        A stream cannot be taken up where it broke off: the copy is begun anew, from the pages, which can.
        """
        if copy.active or copy.number not in self._begun:
            copy = self._anew(copy)
        stream = client.active(copy.collection)
        if stream is None:
            return copy
        checkpoint = stream.checkpoint
        if checkpoint is None:
            stream.close()
            return copy
        try:
            for objects in _batched(stream.objects(), _BATCH):
                self._add(copy, objects, None)
        except TryLater as error:
            logger.warning("active-stream-broken hub=%s collection=%s error=%s", copy.hub, copy.alias, error)
            return self._anew(copy)
        self._writer.note_since(copy, stream.as_of)
        self._writer.add(copy, (), checkpoint)
        return self._writer.get(copy.number)

    def _begin(self, collection: str, alias: str, title: str) -> CollectionCopy:
        copy = self._writer.begin(self._hub.name, collection, alias, title)
        self._begun.add(copy.number)
        return copy

    def _anew(self, copy: CollectionCopy) -> CollectionCopy:
        self._writer.restart(copy)
        return self._begin(copy.collection, copy.alias, copy.title)

    def _add(
        self,
        copy: CollectionCopy,
        objects: Iterable[Any],
        checkpoint: dict[str, Any] | None,
        unproven: Collection[int] = (),
    ) -> None:
        """Write a batch; those that are not proven, by their numbers, without the values that they are about."""
        entries = [
            entry._replace(names=(), listing=b"") if number in unproven else entry
            for number, obj in enumerate(objects)
            if (entry := self._entry(obj)) is not None
        ]
        if not copy.alias.endswith(_FULL):
            entries = [entry._replace(based_on=None) if entry.based_on else entry for entry in entries]
        self._writer.add(copy, entries, checkpoint)
        read = self._read[copy.collection] = self._read.get(copy.collection, 0) + len(entries)
        if read > _MOST_OBJECTS:
            raise Misconfigured(f"{copy.alias}: the hub sends more than {_MOST_OBJECTS} objects")

    def _entry(self, obj: Any) -> MirrorEntry | None:
        return entry_of(obj, self._hub.default_grade) if isinstance(obj, dict) else None

    def _compare(self, client: HubClient, done: "_Pulled") -> None:
        """Compare a visible copy with its hub's digest, repair it where they differ, and note what is known."""
        copy = self._writer.get(done.copy.number)
        if copy.state != "visible":
            return
        verdict, as_of = self._verdict(client, copy, done.started)
        if verdict == "differs" and (copy.repaired or 0) < _now() - _REPAIR_EVERY:
            logger.error("copy-differs hub=%s collection=%s: it is read again", copy.hub, copy.alias)
            fresh = self._read_again(client, copy)
            copy = fresh.copy
            self._writer.note_repair(copy)
            self._repaired.add(copy.collection)
            verdict, as_of = self._verdict(client, copy, fresh.started)
        elif verdict == "none" and copy.begun < _now() - _milliseconds(self._hub.reread):
            copy, as_of, _ = self._read_again(client, copy)
        error = "the copy differs from its hub, also after it was read again" if verdict == "differs" else None
        if error:
            logger.error("copy-differs hub=%s collection=%s: %s", copy.hub, copy.alias, error)
        elif unproven := LogMemory(self._writer, copy).unproven if self._hub.ledger_key else {}:
            verdict = "differs"
            error = (
                f"{len(unproven)} objects are not in the log as they were sent, and are not found: {_some(unproven)}"
            )
            logger.error("objects-unproven hub=%s collection=%s ids=%s", copy.hub, copy.alias, _some(unproven))
        self._writer.settle(copy, as_of=as_of, digest=verdict, error=error)

    def _read_again(self, client: HubClient, copy: CollectionCopy) -> "_Pulled":
        """Read a collection whole into a new copy, which takes the place of the old one."""
        done = self._pull(client, self._begin(copy.collection, copy.alias, copy.title))
        self._writer.publish([done.copy])
        return done._replace(copy=self._writer.get(done.copy.number))

    def _verdict(self, client: HubClient, copy: CollectionCopy, started: int) -> tuple[str, int | None]:
        """Return how a copy compares with its hub's digest, and up to when it is known to be current.

        A copy that was compared and is not equal does not get younger, whatever the reason: a partner that lost a
        collection and got it back between two syncs is never told what was taken back meanwhile.
        """
        still = 0
        for _ in range(_COMPARISONS):
            asked = _now()
            try:
                stated = client.digest(copy.collection)
            except DigestBehind:
                # Nothing is known: the pages are believed for a while, and no longer.
                return "behind", min(started, max(copy.begun, copy.proved or 0) + _BELIEVED)
            if stated is None:
                return "none", started
            if stated.as_of < asked - _OLDEST_DIGEST:
                return "behind", None
            mine = self._writer.active_set(copy, stated.as_of)
            if (mine.active, set_digest.text(mine.total)) == (stated.active, stated.digest):
                # A copy is as current as its hub is: a hub that beats is some seconds behind at most.
                return "equal", asked - max(0, stated.lag - _BEATS_WITHIN)
            if stated.as_of < (copy.since or 0):
                # Something may have ended between that moment and the first pull.
                return "behind", None
            # More may have come meanwhile, or the hub may not have counted yet all that it served.
            before = self._read.get(copy.collection, 0)
            copy = self._pull(client, self._writer.get(copy.number)).copy
            self._writer.publish([copy])
            still = still + 1 if self._read.get(copy.collection, 0) == before else 0
            if still and _lags(stated, copy):
                return "behind", None
            if still == _STILL:
                return "differs", None
        return "behind", None

    def _results(self) -> tuple[SyncedCollection, ...]:
        return tuple(
            SyncedCollection(
                copy.collection,
                copy.alias or copy.collection,
                self._read.get(copy.collection, 0),
                copy.active,
                copy.digest,
                copy.collection in self._repaired,
                self._errors.get(copy.collection, copy.error),
            )
            for copy in self._writer.copies(self._hub.name)
        )


class _Pulled(NamedTuple):
    """A copy that was read up to its collection's end, or not to its end yet, and when that was begun."""

    copy: CollectionCopy
    started: int
    whole: bool = True


def _batched(objects: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(objects)
    while batch := list(islice(rest, size)):
        yield batch


def choose(hub: MirroredHub, offered: list[OfferedCollection]) -> tuple[list[OfferedCollection], list[str]]:
    """Return the collections to copy of those that a hub offers, and the configured names that none of them has."""
    aliases = {collection.alias for collection in offered}
    chosen: dict[str, OfferedCollection] = {}
    missing: list[str] = []
    for name in hub.collections:
        found = [collection for collection in offered if name in (collection.id, collection.alias, collection.title)]
        if name == _ALL:
            # A full variant has the same indicators.
            found = [
                collection
                for collection in offered
                if not (collection.alias.endswith(_FULL) and collection.alias.removesuffix(_FULL) in aliases)
            ]
        elif not found:
            missing.append(name)
        chosen |= {collection.id: collection for collection in found}
    if hub.private:
        own = (collection for collection in offered if collection.alias.startswith(_PRIVATE))
        chosen |= {collection.id: collection for collection in own if not collection.alias.endswith(_FULL)}
    return list(chosen.values()), missing


def _lags(stated: HubDigest, copy: CollectionCopy) -> bool:
    """Return whether a digest is of an earlier place in the collection's order than the copy is, as it was not counted.

    A hub that has not counted in ten minutes what it served has lost it: it was restored from a backup.
    """
    place = (copy.place() or {}).get("added_after")
    try:
        return (
            bool(place)
            and _place(stated.added_up_to) < _place(str(place))
            and milliseconds(str(place)) > stated.as_of - _LONGEST_LAG
        )
    except (Rejected, ValueError):
        return False


def _place(text: str) -> str:
    """Return a place in a collection's order so that places compare as texts."""
    head, _, fraction = text.removesuffix("Z").partition(".")
    return f"{head}.{fraction:0<9}"


def _milliseconds(text: str) -> float:
    return duration(text).total_seconds() * 1000


def _now() -> int:
    return int(time.time() * 1000)


def _some(ids: Iterable[str]) -> str:
    """Return some ids of objects as they may stand in a log."""
    return ", ".join(in_a_line(id_) for id_ in islice(ids, _MOST_NAMED))


def _log(done: HubRound) -> None:
    read = sum(synced.read for synced in done.collections)
    level = logging.INFO if done.is_well else logging.WARNING
    logger.log(
        level,
        "mirror-synced hub=%s collections=%d read=%d missing=%s dropped=%s error=%s",
        done.hub,
        len(done.collections),
        read,
        ",".join(done.missing) or "-",
        ",".join(done.dropped) or "-",
        done.error or next((synced.error for synced in done.collections if synced.error), None),
    )
