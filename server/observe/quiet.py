"""Notices who has gone quiet: a partner, a source or a collection that is silent for longer than it ever usually is.

What is usual comes from the last sixty days of each, hour by hour. A pause counts by its length: the usual pause is the
one within which nine tenths of that time lie. So a night and a weekend are usual for who works by day, however often it
reports then, and one long outage of before is not.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from itertools import pairwise

from server.store import Store, StoreUnavailable, Tx, collections, quotas
from server.store.liveness import activity, silences
from server.store.liveness.activity import HOUR, What
from server.store.liveness.silences import Silence
from server.store.times import now

log = logging.getLogger(__name__)

_SECONDS = 60.0
_SHARE = 0.9
_BEYOND_USUAL = 1.5
# Whoever was active in fewer hours, or has been known for less than a week, has nothing that is usual yet.
_FEWEST_PAUSES = 5
_SHORTEST_HISTORY = 7 * 24
_HOURS_KEPT = activity.DAYS * 24


class QuietWatch:
    """Looks every minute who is quiet, in a thread of each worker; a silence is logged by the first that finds it."""

    def __init__(self, store: Store, least_hours: int) -> None:
        """Watch those of ``store``; no pause below ``least_hours`` is a silence, and with 0 none is."""
        self._store = store
        self._least = least_hours
        self._volumes: Mapping[str, int] = {}
        self._day = -1
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="quiet-watch", daemon=True)

    def start(self) -> None:
        """Start the thread, where silences are told."""
        if self._least:
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread once the look under way is done."""
        self._stopping.set()
        if self._least:
            self._thread.join()

    def look(self, at: int | None = None) -> None:
        """Note who is active, and begin and end silences, as of ``at`` (microseconds)."""
        at = now() if at is None else at
        with self._store.read() as tx:
            known = activity.known_hours(tx)
            active = self._active(tx, known, at)
            before = silences.current(tx)
        new = {who: set(hours) - set(known.get(who, ())) for who, hours in active.items()}
        known |= {who: sorted({*known.get(who, ()), *hours}) for who, hours in new.items()}
        found = [silence for who in active if (silence := self._silence(who, known[who], at)) is not None]
        begun = [silence for silence in found if not any(_same(silence, other) for other in before)]
        over = [silence for silence in before if not any(_same(silence, other) for other in found)]
        if not begun and not over and not any(new.values()):
            return
        with self._store.begin() as tx:
            for (what, name), hours in new.items():
                activity.note(tx, what, name, hours)
            activity.forget(tx, at // HOUR - _HOURS_KEPT)
            # A new silence of the same one follows the end of the old.
            ended = [silence for silence in over if silences.end(tx, silence)]
            told = [silence for silence in begun if silences.begin(tx, silence)]
        for silence in ended:
            log.info("quiet ended what=%s name=%s", silence.what, silence.name)
        for silence in told:
            log.warning(
                "quiet what=%s name=%s silent_hours=%d usual_hours=%d",
                silence.what,
                silence.name,
                (at - silence.since) // HOUR,
                silence.usual // HOUR,
            )

    def _active(
        self, tx: Tx, known: Mapping[tuple[str, str], Sequence[int]], at: int
    ) -> dict[tuple[What, str], Sequence[int]]:
        """Return the hours in which each was active; of those known before the latest are enough."""
        since = at // HOUR - _HOURS_KEPT
        found: dict[tuple[What, str], Sequence[int]] = {}
        grown = self._grown_volumes(tx, at)
        for name, hours in activity.hours_of_partners(tx, since).items():
            # Days are known from before, hours from when a look saw the volume grow.
            seen = () if ("partner", name) in known else [hour for hour in hours if hour < at // HOUR]
            found["partner", name] = [*seen, *((at // HOUR,) if name in grown else ())]
        for name, hours in activity.hours_of_sources(tx, since).items():
            found["source", name] = hours
        for collection in collections.all_collections(tx):
            if collection.kind not in ("released", "exchange") or collection.log != collection.number:
                continue
            if ("collection", collection.alias) in known:
                found["collection", collection.alias] = [collection.last_added // HOUR]
            elif collection.last_added:
                found["collection", collection.alias] = activity.hours_of_collection(tx, collection, since)
        return found

    def _grown_volumes(self, tx: Tx, at: int) -> set[str]:
        """Return the partners that have contributed since the last look."""
        day = quotas.day_of(at)
        volumes = activity.volumes_of_day(tx, day)
        before = self._volumes if self._day == day else {}
        grown = set() if self._day < 0 else {name for name, count in volumes.items() if count > before.get(name, 0)}
        self._volumes, self._day = volumes, day
        return grown

    def _silence(self, who: tuple[What, str], hours: Sequence[int], at: int) -> Silence | None:
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
                log.warning("quiet watch waits reason=%s", error)
            except Exception:  # the next time may do better; what failed is in the log
                log.exception("quiet watch failure")
            if self._stopping.wait(_SECONDS):
                return


def usual_pause(hours: Sequence[int]) -> int | None:
    """Return the usual pause between active hours, in hours; None where too little is known."""
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


def _same(one: Silence, other: Silence) -> bool:
    return one[:3] == other[:3]
