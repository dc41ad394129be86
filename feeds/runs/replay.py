"""Replays a push: delivers again what a collection added since a date, in its order, up to the feed's checkpoint."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from feeds.connector import Misconfigured, Outgoing, Push, PushSettings, TryLater
from feeds.runs.filter import select_items
from feeds.runs.lease import lease_run
from feeds.runs.push import count, deliver, position, record
from feeds.runs.run import Run, RunContext
from feeds.runs.shared_pages import SharedPages
from server.release.hub import Hub
from server.store import StoreUnavailable, log
from server.store.database.times import micros, stamp
from server.store.feed_state import LeaseLost
from server.store.item import Item
from server.store.objects.query import Query


@dataclass
class ReplayResult:
    """Counts of a replay, and up to which ``date_added`` (microseconds) all is delivered.

    With ``more`` it ended before the checkpoint: at the most objects that were asked for, or by an error. The next
    replay goes on from ``up_to``.
    """

    up_to: int
    read: int = 0
    accepted: int = 0
    refused: int = 0
    more: bool = False
    error: str | None = None


def replay_feed(
    hub: Hub,
    feed: Push[PushSettings],
    since: datetime,
    *,
    most: int,
    progress: Callable[[Run], None] = lambda _: None,
) -> ReplayResult:
    """Deliver again the newest version of all that was added at or after ``since``, ``most`` objects at most.

    The checkpoint stays where it is; what lies behind it is delivered by the feed's next run. Of an object that was
    revoked since, the revocation alone is delivered. The same replay again sends the same messages.
    """
    done = ReplayResult(up_to=micros(since))
    lease = lease_run(hub.store, feed.settings.name)
    if lease is None:
        done.more, done.error = True, "another node runs it just now; try again when it has ended"
        return done
    now = datetime.now(UTC)
    try:
        with lease:
            run = Run(feed.settings.name, now, now)
            work = RunContext(hub, run, threading.Event(), lease, SharedPages(), progress)
            try:
                _replay(work, feed, done, most)
            finally:
                done.read, done.accepted, done.refused = run.read, run.accepted, run.rejected
    except (TryLater, StoreUnavailable, LeaseLost) as error:
        done.more, done.error = True, f"try later: {error}"
    except Misconfigured as error:
        done.more, done.error = True, f"misconfigured: {error}"
    return done


def _replay(work: RunContext, feed: Push[PushSettings], done: ReplayResult, most: int) -> None:
    partner = work.partner(feed.settings.partner, "partner")
    at = position(work, partner, feed.settings)
    end = max(at.after, at.revoked)
    outgoing = Outgoing(work.store, at.collection, work.run.feed, partner.name, replay=stamp(done.up_to))
    try:
        feed.begin(outgoing)
        # ``after`` is exclusive, and the end of what was delivered is not.
        after = done.up_to - 1
        while after < end:
            if work.run.read >= most:
                done.more = True
                break
            limit = min(feed.settings.batch, most - work.run.read)
            with work.store.read() as tx:
                query = Query(after=after, limit=limit, granted=at.collection.granted)
                page = log.page(tx, at.collection, query)
            answers, bad = deliver(work, feed, select_items(outgoing, feed.settings, _items(page.bodies)))
            with work.transaction() as tx:
                record(tx, work.run.feed, partner, answers)
                work.keep_dead_letters(tx, bad)
            work.run.read += len(page.bodies)
            count(work, answers, bad)
            work.progress(work.run)
            after = end if page.next is None or page.last is None else page.last
            done.up_to = after + 1
        if work.lease is not None:
            work.lease.check()
            feed.finish()
    finally:
        work.run.reasons += Counter()
        feed.close()


def _items(bodies: list[bytes]) -> list[Item]:
    return [*map(Item.of_bytes, bodies)]
