"""Detects silence: a partner, source or collection that has been silent for longer than usual.

The usual pause is computed from the last sixty days, hour by hour. Each pause is weighted by its length: pauses up to
the usual one cover nine tenths of the time. So nights and weekends are usual for a partner that works by day, however
often it reports then. A single long outage in the past is not.
"""

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from server.store import Store, StoreUnavailable, Tx, collections, deliveries, feed_state, partners, quotas
from server.store.database.times import now
from server.store.liveness import activity, silences
from server.store.liveness.activity import HOUR, What
from server.store.liveness.silences import Silence

log = logging.getLogger(__name__)

_SECONDS = 60.0
_SHARE = 0.9
_BEYOND_USUAL = 1.5
# With fewer active hours, or known for less than a week, nothing is usual yet.
_FEWEST_PAUSES = 5
_SHORTEST_HISTORY = 7 * 24
_HOURS_A_DAY = 24
_HOURS_KEPT = activity.DAYS * _HOURS_A_DAY


class QuietWatch:
    """Looks for silence every minute, in a thread of each worker. The first worker to find one logs it."""

    def __init__(self, store: Store, least_hours: int) -> None:
        """Watch ``store``. Pauses below ``least_hours`` are no silence; 0 turns the watch off."""
        self._store = store
        self._least = least_hours
        # The active hours of each, as of the hour in which they were read.
        self._known: dict[tuple[str, str], list[int]] = {}
        self._hour = -1
        self._volumes: Mapping[str, int] = {}
        self._day = -1
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="quiet-watch", daemon=True)

    def start(self) -> None:
        """Start the thread, unless the watch is off."""
        if self._least:
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread after the current look."""
        self._stopping.set()
        if self._least:
            self._thread.join()

    def look(self, at: int | None = None) -> None:
        """Record activity, and begin and end silences, as of ``at`` (microseconds)."""
        at = now() if at is None else at
        with self._store.read() as tx:
            active = self._active(tx, at)
            before = silences.current(tx)
        new = self._learn(active)
        found = [silence for who in active if (silence := self._silence(who, at)) is not None]
        begun, over = _missing_from(before, found), _missing_from(found, before)
        if not begun and not over and not any(new.values()):
            return
        with self._store.begin(in_passing=True) as tx:
            for (what, name), hours in new.items():
                activity.note(tx, what, name, hours)
            activity.forget(tx, at // HOUR - _HOURS_KEPT)
            # A new silence of the same subject follows the end of the old one.
            ended = [silence for silence in over if silences.end(tx, silence)]
            noticed = [silence for silence in begun if silences.begin(tx, silence)]
        _log(ended, noticed, at)

    def _learn(self, active: Mapping[tuple[What, str], Iterable[int]]) -> dict[tuple[What, str], list[int]]:
        """Add the hours of activity to the known ones, and return those that were not known."""
        new = {who: sorted(set(hours) - set(self._known.get(who, ()))) for who, hours in active.items()}
        for who, hours in new.items():
            self._known[who] = sorted([*self._known.get(who, ()), *hours])
        return new

    def _active(self, tx: Tx, at: int) -> dict[tuple[What, str], Iterable[int]]:
        """Return the watched partners, sources and collections, each with its active hours since the last look."""
        hour, first = at // HOUR, self._hour < 0
        if hour != self._hour:
            self._known, self._hour = activity.known_hours(tx), hour
        active: dict[tuple[What, str], Iterable[int]] = {}
        for name, hours in self._partners(tx, at, first=first).items():
            active["partner", name] = hours
        pushes = {feed for feed, _ in deliveries.recipients(tx)}
        for name in feed_state.all_states(tx).keys() - pushes:
            last = self._last("source", name, hour)
            active["source", name] = activity.hours_of_source(tx, name, last if first else max(last, hour - 2))
        for collection in collections.all_collections(tx):
            is_shared = collection.kind in ("released", "exchange") and collection.owner is None
            if not is_shared or collection.log != collection.number:
                continue
            if ("collection", collection.alias) in self._known:
                active["collection", collection.alias] = [collection.last_added // HOUR]
            elif collection.last_added:
                hours = activity.hours_of_collection(tx, collection, hour - _HOURS_KEPT)
                active["collection", collection.alias] = hours
        return active

    def _partners(self, tx: Tx, at: int, *, first: bool) -> dict[str, Iterable[int]]:
        """Return the current partners. A partner is active this hour if its volume has grown since the last look.

        The first look knows only days: it uses noon for a past day, and the current hour for today.
        """
        hour, today = at // HOUR, quotas.day_of(at)
        volumes = activity.volumes_of_day(tx, today)
        before = self._volumes if self._day == today else {}
        self._volumes, self._day = volumes, today
        left = partners.departed_partners(tx)
        active: dict[str, Iterable[int]] = {
            name: [hour] if volumes.get(name, 0) > before.get(name, 0) and not first else []
            for name in (partner.name for partner in partners.all_partners(tx))
            if name not in left
        }
        for name, days in activity.days_of_partners(tx, today - activity.DAYS + 1).items() if first else ():
            last = self._last("partner", name, hour) // _HOURS_A_DAY
            noons = [min(hour, day * _HOURS_A_DAY + _HOURS_A_DAY // 2) for day in days if day > last]
            if name in active:
                active[name] = noons
        return active

    def _last(self, what: What, name: str, hour: int) -> int:
        """Return the last active hour, else the first hour that is remembered."""
        known = self._known.get((what, name))
        return known[-1] if known else hour - _HOURS_KEPT

    def _silence(self, who: tuple[What, str], at: int) -> Silence | None:
        hours = self._known[who]
        usual = usual_pause(hours)
        if usual is None:
            return None
        since = (hours[-1] + 1) * HOUR
        if at - since <= max(self._least, _BEYOND_USUAL * usual) * HOUR:
            return None
        return Silence(*who, since=since, usual=usual * HOUR, found=at)

    def _run(self) -> None:
        while True:
            try:
                self.look()
            except StoreUnavailable as error:
                self._hour = -1
                log.warning("quiet watch waits reason=%s", error)
            except Exception:  # retried the next time; the error is in the log
                self._hour = -1
                log.exception("quiet watch failure")
            if self._stopping.wait(_SECONDS):
                return


def usual_pause(hours: Sequence[int]) -> int | None:
    """Return the usual pause between active hours, in hours, or None if too little is known."""
    if not hours or hours[-1] - hours[0] < _SHORTEST_HISTORY:
        return None
    pauses = sorted(later - earlier for earlier, later in pairwise(hours))
    if len(pauses) < _FEWEST_PAUSES:
        return None
    within, whole = 0, sum(pauses)
    for pause in pauses:
        within += pause
        if within >= _SHARE * whole:
            return pause
    return pauses[-1]


def _log(ended: Iterable[Silence], noticed: Iterable[Silence], at: int) -> None:
    for silence in ended:
        log.info("quiet ended what=%s name=%s", silence.what, silence.name)
    for silence in noticed:
        log.warning(
            "quiet what=%s name=%s silent_hours=%d usual_hours=%d",
            silence.what,
            silence.name,
            (at - silence.since) // HOUR,
            silence.usual // HOUR,
        )


def _missing_from(known: Iterable[Silence], found: Iterable[Silence]) -> list[Silence]:
    """Return the silences that are not among the known ones. They match by subject and start."""
    names = {silence[:3] for silence in known}
    return [silence for silence in found if silence[:3] not in names]
