"""The thread of liveness: asks resolvers and registries about listed names, on a schedule, at a bounded pace."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from server.features.dispatch import repeats
from server.features.liveness import records
from server.features.liveness.operations import MOST_VALUES, EndReregistered, RecordBack, RecordGone
from server.features.liveness.records import READER, LiveHost, LiveValue, Seen
from server.features.registries import changes
from server.features.registries.names import host_of
from server.features.registries.pace import Pace
from server.features.registries.rdap import NoAnswer, NoServer, RdapClient
from server.features.registries.resolver import NameResolver, NameState
from server.features.requests.gone import is_recorded_gone, refuted
from server.jobs.repeated import LeasedStep
from server.operations.operation import Actor
from server.operations.run import run
from server.release.hub import Hub
from server.release.query.lookup import active_reports
from server.release.route.policy import PUBLIC
from server.settings import Settings
from server.store import collections, listings, log as object_log
from server.store.database.engine import Tx
from server.store.database.times import micros, now

log = logging.getLogger(__name__)

SYSTEM = Actor.system("liveness")
_SECONDS = 10.0
HOUR = 3_600_000_000
DAY = 24 * HOUR
# After the first listing. Then so often that a change which is confirmed after an hour is known within a day.
SCHEDULE = (HOUR, 6 * HOUR, DAY)
_AGAIN = 22 * HOUR
_AT_ONCE = 100
_PLANNED = 500
_KEPT = 400 * DAY


class Observation(NamedTuple):
    """The result of one check; None where no server gave an answer. ``registered`` is in microseconds."""

    seen: Seen | None
    registered: int | None


class LivenessThread(LeasedStep):
    """Looks every ten seconds. One of all processes works."""

    def __init__(self, hub: Hub, settings: Settings) -> None:
        """Follow the listings of ``hub`` by the resolvers of ``settings``."""
        super().__init__(hub.store, "liveness", _SECONDS, "liveness waits", "liveness failure")
        self._hub = hub
        self._store = hub.store
        pace = Pace(settings.registries_per_second, self._stopping)
        self._rdap = RdapClient(settings, hub.store, pace)
        self._everywhere = settings.liveness_private
        self._resolver = NameResolver(settings.dns_servers, pace)

    def step(self, at: int | None = None) -> None:
        """Check what is due at a moment (microseconds)."""
        if not self._lease.holds():
            return
        at = now() if at is None else at
        self._rdap.refresh(at)
        with self._store.begin(in_passing=True) as tx:
            follow(tx, at, everywhere=self._everywhere)
            records.forget(tx, before=at - _KEPT)
        with self._store.read() as tx:
            due = records.due(tx, at, _AT_ONCE)
        for host in due:
            if self._is_over():
                return
            self._check(host, at)

    def _check(self, host: LiveHost, at: int) -> None:
        """Ask about a host, act on the answers, and store these last: after a crash in between, all is repeated."""
        with self._store.begin(in_passing=True) as tx:
            subjects = _still_followed(tx, host.host, everywhere=self._everywhere)
        if not subjects:
            return
        changed = updated(host, self.observe(host.host, at), at)
        self._act(subjects, host, changed, at)
        with self._store.begin(in_passing=True) as tx:
            records.change(tx, host.host, **changed)

    def _act(self, subjects: list[str], host: LiveHost, changed: Mapping[str, Any], at: int) -> None:
        """Do what follows from the columns of a host as they will be; done again, it changes nothing."""
        if changed["gone"] is not None and host.gone is None:
            for some in _parts(subjects):
                run(self._hub, RecordGone(subjects=some), SYSTEM)
        elif changed["seen"] == "there" and _is_certain(changed["since"], at):
            self._act_on_presence(subjects, host.gone is not None, at)
        registered = changed["registered"]
        if registered is not None and _is_certain(changed["registered_since"], at):
            with self._store.read() as tx:
                new = [subject for subject in subjects if _is_newer(tx, subject, registered)]
            for some in _parts(new):
                run(self._hub, EndReregistered(subjects=some, registered=registered), SYSTEM)

    def _act_on_presence(self, subjects: list[str], was_gone: bool, at: int) -> None:
        """Ask again about values that were gone, and about those said to be gone although their name exists.

        Without the fact ``was_gone``, a crash may have come between the acts and its storing.
        """
        for some in _parts(subjects):
            with self._store.read() as tx:
                is_back = was_gone or is_recorded_gone(tx, some) or repeats.is_gone(tx, some)
                is_refuted = bool(refuted(tx, some, at - HOUR))
            if is_back:
                run(self._hub, RecordBack(subjects=some), SYSTEM)
            elif is_refuted:
                run(self._hub, RecordBack(subjects=some, refuted=at - HOUR), SYSTEM)

    def observe(self, name: str, at: int) -> Observation:
        """Ask about a name at a moment (microseconds): the resolver, and the registry of its domain."""
        state = self._resolver.resolve(name).state
        found = host_of(f"domain:{name}")
        registered = None
        is_held = False
        if found is not None and found.registered:
            try:
                answer = self._rdap.domain(found.registered)
                is_held = answer.is_held
                registered = None if answer.registered is None else micros(answer.registered)
                if registered is not None and registered > at:
                    # No report could be newer than a registration in the future.
                    registered = None
            except (NoServer, NoAnswer):
                pass
        if state is NameState.MISSING or is_held:
            return Observation("gone", registered)
        return Observation("there" if state is NameState.RESOLVES else None, registered)


def updated(host: LiveHost, observed: Observation, at: int) -> dict[str, Any]:
    """Return the columns of a host after an observation.

    Only two equal observations, an hour apart, change the fact ``gone``. An observation that differs from the fact is
    checked again after an hour.
    """
    seen, since, gone = host.seen, host.since, host.gone
    if observed.seen is not None and observed.seen != host.seen:
        seen, since = observed.seen, at
    if observed.seen is not None and _is_certain(since, at):
        gone = (host.gone or since) if seen == "gone" else None
    registered, registered_since = host.registered, host.registered_since
    if observed.registered is not None and observed.registered != host.registered:
        registered, registered_since = observed.registered, at
    is_open = observed.seen is None or (seen == "gone") != (gone is not None) or registered_since == at
    if is_open:
        # The scheduled check stays to be done.
        following, checks = at + HOUR, host.checks
    else:
        checks = host.checks + 1
        later = [host.first + pause for pause in SCHEDULE if host.first + pause > at]
        following = later[0] if later else at + _AGAIN
    return {
        "checked": at,
        "checks": checks,
        "next": following,
        "seen": seen,
        "since": since,
        "gone": gone,
        "registered": registered,
        "registered_since": registered_since,
    }


def follow(tx: Tx, at: int, *, everywhere: bool = False) -> None:
    """Follow the values that were listed since, and no longer those that were delisted.

    A question tells resolvers and registries a name, so only names in the public list are followed, unless
    ``everywhere``.
    """
    noted = changes.noted(tx, READER, _PLANNED)
    listed = _listings(tx, noted, everywhere=everywhere)
    for subject in noted:
        host = host_of(subject)
        listing = listed.get(subject)
        if host is None or host.is_address or listing is None:
            records.drop_value(tx, subject)
        else:
            records.put_value(tx, LiveValue(subject, host.host, noted[subject], None, listing), at + HOUR)
    changes.done(tx, READER, noted)


def _still_followed(tx: Tx, host: str, *, everywhere: bool) -> list[str]:
    """Return the values of a host that may be asked about now, and follow the others no longer."""
    values = records.of_host(tx, host)
    listed = _listings(tx, [value.subject for value in values], everywhere=everywhere)
    for value in values:
        if value.subject not in listed:
            records.drop_value(tx, value.subject)
    if not listed:
        records.drop_host(tx, host)
    return sorted(listed)


def _listings(tx: Tx, subjects: Iterable[str], *, everywhere: bool) -> dict[str, str]:
    """Return the ids of the listings of values in the public list, or in any shared collection, by value."""
    newest = {subject: ids[""][-1] for subject, ids in listings.find(tx, subjects).items() if ids.get("")}
    if everywhere:
        found = list(object_log.latest_everywhere(tx, newest.values()).values())
    else:
        public = [one for one in collections.all_collections(tx) if one.alias == PUBLIC]
        found = [object_log.latest(tx, collection, list(newest.values())) for collection in public]
    listed = {id_ for items in found for id_, item in items.items() if not item.revoked}
    return {subject: id_ for subject, id_ in newest.items() if id_ in listed}


def _parts(subjects: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the values in parts that one operation takes."""
    return [tuple(subjects[start : start + MOST_VALUES]) for start in range(0, len(subjects), MOST_VALUES)]


def _is_newer(tx: Tx, subject: str, registered: int) -> bool:
    found = active_reports(tx, subject)
    return bool(found) and max(found.values()) < registered


def _is_certain(since: int | None, at: int) -> bool:
    return since is not None and at - since >= HOUR
