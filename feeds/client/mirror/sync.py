"""A sync: read every hub to its end, make the new objects visible at once, and compare each copy with its hub.

The order of a hub's round: first, new private collections are filled for at most half a minute, and new objects of the
visible copies are staged. Then everything complete is made visible in one transaction. Therefore an indicator that
moves from a shared collection to a private one is in one of them at every moment. Other new collections, which may be
large, are filled after that.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from feeds.client.mirror.clock import MOST_APART, TOLERATED, ClockReader, HubClock, moment
from feeds.client.mirror.copies import CollectionCopy, CopyWriter
from feeds.client.mirror.entries import entry_of, milliseconds
from feeds.client.mirror.hub_client import (
    FULL,
    PRIVATE,
    DigestBehind,
    HubClient,
    HubDigest,
    HubRound,
    OfferedCollection,
    SyncedCollection,
    choose,
    keep_round,
    log_round,
)
from feeds.client.mirror.ledger import LogCheck, LogMemory, read_account
from feeds.client.mirror.settings import MirroredHub
from feeds.client.mirror.tables import PAGED_AFTER, clock_fact, country_fact
from feeds.client.verify.heads import BrokenLog
from feeds.errors import Misconfigured, TryLater
from feeds.settings import duration
from feeds.transport.taxii import TaxiiPage
from schemas.errors import Rejected
from schemas.tlog.entries import digest_text

logger = logging.getLogger(__name__)

T = TypeVar("T")

_FILL_SECONDS = 30.0
_BATCH = 5_000
# More objects than any hub has: a hub that sends without end must not fill the disk.
_MOST_OBJECTS = 50_000_000
# While others write, the hub's digest and the copy are rarely at the same place; a few tries find one by chance.
_COMPARISONS = 6
# After this many unequal comparisons without new objects in between, copy and hub differ.
_STILL = 2
# How long pages alone prove that a copy is current, while a hub cannot state its digest.
_BELIEVED = 600_000
# A copy that differs again soon after a repair is not read again at once.
_REPAIR_EVERY = 3_600_000
_BEATS_WITHIN = 60_000
_ACCOUNT_EVERY, _FAULTY_ACCOUNT_EVERY = 86_400_000, 3_600_000
# Before this the copy does not know the active set.
_OLDEST_DIGEST = 6 * 3_600_000
# A hub includes new objects in its digest within seconds; later only if it has problems.
_LONGEST_LAG = 600_000
_ERRORS = {
    "differs": "the copy differs from its hub, also after it was read again",
    "heartbeat": "the hub does not say up to when it is current (heartbeat), so the copy gets no younger",
}


class HubSync:
    """One round with one hub."""

    def __init__(self, writer: CopyWriter, hub: MirroredHub) -> None:
        self._writer = writer
        self._hub = hub
        self._read: dict[str, int] = {}
        self._repaired: set[str] = set()
        self._errors: dict[str, str] = {}
        self._wait = 0.0
        self._reader = ClockReader()
        self._clock = HubClock.of(writer.fact(clock_fact(hub.name)))
        # Copies begun in this round: these cannot be left over from a process that was killed.
        self._begun: set[int] = set()

    def run(self) -> HubRound:
        """Do the round; errors are in its result, in the log, and in the file."""
        missing: list[str] = []
        try:
            with HubClient(self._hub, self._reader) as client:
                offered = client.collections()
                self._keep_clock(self._reader.read())
                wanted, missing = choose(self._hub, offered)
                done = self._round(client, wanted)._replace(missing=tuple(missing), api_root=client.api_root())
            self._keep_clock(self._reader.read())
        except (TryLater, Misconfigured) as error:
            self._keep_clock(self._clock.carried())
            done = HubRound(self._hub.name, error=str(error), wait=getattr(error, "after", 0.0))
        if abs(self._clock.ahead) > MOST_APART and not done.error:
            seconds = abs(self._clock.ahead) // 1000
            done = done._replace(error=f"its clock and ours are {seconds} s apart: no copy is current; mend the clock")
        keep_round(self._writer, done)
        log_round(done)
        return done

    def read_changes(self) -> float:
        """Make new objects of the visible copies visible at once, and return how many seconds the hub asked us to wait.

        The next round compares the copies, and reports errors.
        """
        try:
            with HubClient(self._hub, self._reader) as client:
                copies = [copy for copy in self._writer.copies(self._hub.name) if copy.state == "visible"]
                pulled = [self._try(copy, partial(self._pull, client, copy)) for copy in copies]
                self._writer.publish(done.copy for done in pulled if done is not None)
        except (TryLater, Misconfigured) as error:
            return float(getattr(error, "after", 0.0))
        return self._wait

    def _keep_clock(self, clock: HubClock) -> None:
        """Store a reading of the hub's clock, from which checks compute the age of the copies."""
        if abs(clock.ahead - self._clock.ahead) > TOLERATED:
            logger.warning("clock-differs hub=%s ahead_seconds=%.1f", self._hub.name, clock.ahead / 1000)
        self._clock = clock
        self._writer.keep_fact(clock_fact(self._hub.name), clock._asdict())

    def _keep_country(self, country: str | None) -> None:
        """Store the country that the hub states, in which checks read values without a country."""
        name = country_fact(self._hub.name)
        if country is not None and country != self._writer.fact(name):
            self._writer.keep_fact(name, country)

    def _now(self) -> int:
        """Return the time at the hub."""
        return self._clock.now(moment())

    def _round(self, client: HubClient, wanted: list[OfferedCollection]) -> HubRound:
        dropped = self._drop_lost({collection.id for collection in wanted})
        copies = [copy for collection in wanted for copy in self._copies_of(collection)]
        until = time.monotonic() + _FILL_SECONDS
        first = [copy for copy in copies if copy.state != "filling" or copy.alias.startswith(PRIVATE)]
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
        """Do something for one collection; an error is noted, and does not stop the others."""
        try:
            return act()
        except (TryLater, Misconfigured) as error:
            self._errors[copy.collection] = str(error)
            self._wait = max(self._wait, getattr(error, "after", 0.0))
            self._writer.note_error(copy, str(error))
            return None

    def _pull(self, client: HubClient, copy: CollectionCopy, until: float | None = None) -> "_Pulled":
        """Read a collection to its end; read a copy that is being filled only up to a moment of the monotonic clock."""
        started = self._now()
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
        """Open the log of a collection whose key is configured, to check each page before it is applied.

        A log that shrank or has a different past is an error of the copy. The copy then stays unchanged, and ages.
        Raises ``Misconfigured`` in that case.
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

        with self._broken_log_noted(copy), client.log(copy.collection) as log:
            memory = LogMemory(self._writer, copy)
            found = LogCheck(self._hub, log, memory, place.get("safe") or place.get("added_after"))
            yield check

    @contextmanager
    def _broken_log_noted(self, copy: CollectionCopy) -> Iterator[None]:
        try:
            yield
        except BrokenLog as error:
            logger.error("log-broken hub=%s collection=%s error=%s", copy.hub, copy.alias, error)
            LogMemory(self._writer, copy).store_verdict("differs")
            self._writer.settle(copy, as_of=None, digest="differs", error=str(error))
            raise Misconfigured(f"{error}: nothing is taken from this collection any more") from error

    def _fill_from_stream(self, client: HubClient, copy: CollectionCopy) -> CollectionCopy:
        """Fill an empty copy from the hub's stream, if it has one; return the copy from which its pages continue.

        A broken stream cannot be resumed. The copy is then begun again from the pages, which can.
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
        """Write a batch; store unproven objects, given by position, without their values."""
        entries = [
            entry._replace(names=(), listing=b"") if number in unproven else entry
            for number, obj in enumerate(objects)
            if isinstance(obj, dict) and (entry := entry_of(obj, self._hub.default_grade)) is not None
        ]
        if not copy.alias.endswith(FULL):
            entries = [entry._replace(based_on=None) if entry.based_on else entry for entry in entries]
        self._writer.add(copy, entries, checkpoint)
        read = self._read[copy.collection] = self._read.get(copy.collection, 0) + len(entries)
        if read > _MOST_OBJECTS:
            raise Misconfigured(f"{copy.alias}: the hub sends more than {_MOST_OBJECTS} objects")

    def _compare(self, client: HubClient, done: "_Pulled") -> None:
        """Compare a visible copy with its hub's digest, repair it if they differ, and store the result."""
        copy = self._writer.get(done.copy.number)
        if copy.state != "visible":
            return
        if copy.number <= self._writer.fact(PAGED_AFTER):
            done = self._read_again(client, copy)
            copy = done.copy
        verdict, as_of = self._verdict(client, copy, done.started)
        if verdict == "differs" and _is_over(copy.repaired or 0, _REPAIR_EVERY):
            logger.error("copy-differs hub=%s collection=%s: it is read again", copy.hub, copy.alias)
            fresh = self._read_again(client, copy)
            copy = fresh.copy
            self._writer.note_repair(copy)
            self._repaired.add(copy.collection)
            verdict, as_of = self._verdict(client, copy, fresh.started)
        elif verdict == "none" and _is_over(copy.begun, duration(self._hub.reread).total_seconds() * 1000):
            copy, as_of, _ = self._read_again(client, copy)
        error = _ERRORS["heartbeat"] if verdict == "equal" and as_of is None else _ERRORS.get(verdict)
        if verdict == "differs":
            logger.error("copy-differs hub=%s collection=%s: %s", copy.hub, copy.alias, error)
        if self._hub.ledger_key:
            waits = self._account(client, copy, is_new=done.copy.state == "filling")
            memory = LogMemory(self._writer, copy)
            memory.store_verdict(verdict)
            if fault := memory.fault():
                verdict = "differs"
                logger.error("log-fault hub=%s collection=%s fault=%s", copy.hub, copy.alias, fault)
            error = "; ".join(filter(None, (error, fault, waits))) or None
        self._writer.settle(copy, as_of=as_of, digest=verdict, error=error)

    def _account(self, client: HubClient, copy: CollectionCopy, *, is_new: bool) -> str | None:
        """Let the hub account for its log if the copy is new or a day has passed; return why it cannot now."""
        memory = LogMemory(self._writer, copy)
        every = _FAULTY_ACCOUNT_EVERY if memory.left_out else _ACCOUNT_EVERY
        if not is_new and not _is_over(memory.accounted, every):
            return None
        # A copy that is not new lacks objects that ended long ago, too.
        lacking = partial(self._writer.lacking, copy) if is_new else None
        try:
            with self._broken_log_noted(copy), client.log(copy.collection) as log:
                read_account(self._hub, log, memory, lacking, (copy.place() or {}).get("added_after"), moment().wall)
        except TryLater as error:
            return str(error)
        return None

    def _read_again(self, client: HubClient, copy: CollectionCopy) -> "_Pulled":
        """Read a collection completely into a new copy, which replaces the old one."""
        done = self._pull(client, self._begin(copy.collection, copy.alias, copy.title))
        self._writer.publish([done.copy])
        return done._replace(copy=self._writer.get(done.copy.number))

    def _verdict(self, client: HubClient, copy: CollectionCopy, started: int) -> tuple[str, int | None]:
        """Compare a copy with its hub's digest; return the verdict, and up to when the copy is known to be current.

        A copy that was compared and is not equal keeps its age, for any reason. A partner that lost access to a
        collection and regained it between two syncs is never told about the delistings in between.
        """
        still = 0
        for _ in range(_COMPARISONS):
            asked = self._now()
            try:
                stated = client.digest(copy.collection)
            except DigestBehind:
                # The pages alone count as proof for a while.
                begun = copy.begun + self._clock.ahead
                return "behind", min(started, max(begun, copy.proved or 0) + _BELIEVED)
            if stated is None:
                return "none", started
            self._keep_country(stated.country)
            if stated.as_of < asked - _OLDEST_DIGEST:
                return "behind", None
            mine = self._writer.active_set(copy, stated.as_of)
            if (mine.active, digest_text(mine.total)) == (stated.active, stated.digest):
                # A copy is as current as its hub: a hub with a heartbeat is at most some seconds behind.
                return "equal", None if stated.lag is None else asked - max(0, stated.lag - _BEATS_WITHIN)
            if stated.as_of < (copy.since or 0):
                # Objects may have ended between that moment and the first pull.
                return "behind", None
            # New objects may have arrived, or the hub may not have counted all served objects yet.
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
                copy.listings,
                copy.active,
                copy.digest,
                copy.collection in self._repaired,
                self._errors.get(copy.collection, copy.error),
            )
            for copy in self._writer.copies(self._hub.name)
        )


class _Pulled(NamedTuple):
    """A copy that was read up to its collection's end, or not yet, and when reading began."""

    copy: CollectionCopy
    started: int
    whole: bool = True


def _batched(objects: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(objects)
    while batch := list(islice(rest, size)):
        yield batch


def _lags(stated: HubDigest, copy: CollectionCopy) -> bool:
    """Return whether a digest is of an earlier place in the collection's order than the copy.

    A hub that has not counted served objects within ten minutes has lost them: it was restored from a backup.

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
    """Format a place in a collection's order so that places compare as texts."""
    head, _, fraction = text.removesuffix("Z").partition(".")
    return f"{head}.{fraction:0<9}"


def _is_over(since: int, milliseconds_: float) -> bool:
    """Return whether a time has passed since a moment by our clock; true if the clock was set back."""
    return not 0 <= moment().wall - since <= milliseconds_
