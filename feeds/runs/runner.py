"""Runs a feed once: leases it, works batch by batch, records the result, and logs one line."""

import logging
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from feeds.connector import (
    Connector,
    Exchange,
    FeedSettings,
    Misconfigured,
    Outgoing,
    Pull,
    PullSettings,
    Push,
    PushSettings,
    TryLater,
    duration,
)
from feeds.mapping.rows import Reject
from feeds.runs import due
from feeds.runs.pull import pull
from feeds.runs.push import position, push
from feeds.runs.run import Run, RunContext, RunLease, SharedPages, lease_run
from feeds.transport.client import RequestRefused
from server.release.hub import Hub
from server.store import Store, StoreUnavailable, feed_state
from server.store.database import sql
from server.store.database.times import moment, now, stamp
from server.store.feed_state import LeaseLost
from server.store.liveness import heartbeats, silences, verifications
from server.store.liveness.silences import Silence
from server.store.liveness.verifications import Verification

_log = logging.getLogger(__name__)


def run(
    hub: Hub,
    feed: Connector[FeedSettings],
    *,
    dry_run: bool = False,
    stop: threading.Event | None = None,
    lease: RunLease | None = None,
    pages: SharedPages | None = None,
    progress: Callable[[Run], None] = lambda _: None,
    reject: Callable[[Reject], None] = lambda _: None,
) -> Run:
    """Run ``feed`` once, from its checkpoint to the end, or until ``stop`` between two batches.

    Never raises for errors of the run: the result, the log and the store have them. Without a ``lease`` it takes a
    lease itself, and ends as ``busy`` if another node has it. A dry run stores and sends nothing; the dry run of a push
    also connects and logs in. ``pages`` are shared with other pushes. ``progress`` is called after each batch,
    ``reject`` for each row that a pull could not contribute.
    """
    result = Run(feed.settings.name)

    def context(held: RunLease | None) -> RunContext:
        return RunContext(hub, result, held, stop or threading.Event(), pages or SharedPages(), progress, reject)

    try:
        if dry_run:
            _work(context(None), feed)
        elif (held := lease or lease_run(hub.store, result.feed)) is None:
            result.error, result.ending = "another node is running it", "busy"
            return result
        else:
            with held:
                _work(context(held), feed)
                _conclude(hub, feed, held, result)
    except LeaseLost as error:
        result.error, result.ending = str(error), "fenced"
    except StoreUnavailable as error:
        # The database became unavailable at the beginning or the end; batches committed until then are stored.
        result.error, result.ending = f"try later: {error}", "try-later"
    result.ended = datetime.now(UTC)
    _log_end(feed, result)
    return result


def _conclude(hub: Hub, feed: Connector[FeedSettings], lease: RunLease, result: Run) -> None:
    """Record the run; after a push verify the deliveries if this is due, and send alerts."""
    result.ended = datetime.now(UTC)
    _record(hub.store, lease, result)
    if not isinstance(feed, Push):
        return
    if result.ending == "done" and is_due(hub, feed):
        verify_feed(hub, feed)
    if feed.sends_alerts:
        send_alerts(hub, feed)


def _log_end(feed: Connector[FeedSettings], result: Run) -> None:
    unread = result.tally.unread()
    _log.info(
        "run ended feed=%s connector=%s ending=%s read=%d accepted=%d rejected=%d ahead=%d "
        "unread_columns=%d unread_cells=%d seconds=%.3f reasons=%s error=%s",
        result.feed,
        feed.name,
        result.ending,
        result.read,
        result.accepted,
        result.rejected,
        result.dated_ahead,
        len(unread["columns"]),
        sum(unread["cells"].values()),
        (result.ended - result.started).total_seconds(),
        ",".join(f"{reason}:{count}" for reason, count in result.reasons.most_common()) or "-",
        result.error or "-",
    )


def _work(work: RunContext, feed: Connector[FeedSettings]) -> None:
    result = work.run
    try:
        if isinstance(feed, Pull):
            _pull(work, feed)
        elif isinstance(feed, Push):
            push(work, feed)
        elif isinstance(feed, Exchange):
            feed.exchange(work)
    except TryLater as error:
        result.error, result.ending, result.wait = f"try later: {error}", "try-later", error.after
        result.status = error.status
    except StoreUnavailable as error:
        result.error, result.ending = f"try later: {error}", "try-later"
    except Misconfigured as error:
        result.error, result.ending, result.status = f"misconfigured: {error}", "misconfigured", error.status
    except LeaseLost:
        raise
    except Exception as error:  # noqa: BLE001 - the one place that catches all, so that a schedule continues
        # The text of an unexpected error may contain anything; the store and the page get only its type.
        _log.exception("run failed feed=%s", result.feed)
        result.error, result.ending = f"unexpected {type(error).__name__}: see the log", "failed"


def _pull(work: RunContext, feed: Pull[PullSettings]) -> None:
    try:
        pull(work, feed)
    except RequestRefused as error:
        why = f"refuses the request ({error}); check the settings that select what is requested"
        raise Misconfigured(f"{error.peer}: {why}", status=error.status) from error


def _unread(result: Run) -> dict[str, dict[str, Any]]:
    """Return the unread columns, cells and rows (by reason) of a run, and the columns that look like known ones."""
    more: dict[str, dict[str, Any]] = {
        "rows": dict(result.reasons.most_common()),
        "likely": dict(result.tally.likely()),
    }
    return {**result.tally.unread(), **{name: found for name, found in more.items() if found}}


def _record(store: Store, lease: RunLease, result: Run) -> None:
    with store.begin() as tx:
        lease.hold(tx)
        feed_state.record_run(
            tx,
            result.feed,
            started=result.started,
            ended=result.ended,
            read=result.read,
            accepted=result.accepted,
            rejected=result.rejected,
            unread=_unread(result),
            error=result.error,
            status=result.status or None,
        )
        before = feed_state.load_state(tx, result.feed)
        feed_state.save_state(tx, due.state_after_run(before, result, sql.database_time(tx)))


_HOUR = 3_600 * 1_000_000


def send_alerts(hub: Hub, feed: Push[PushSettings]) -> int:
    """Send the silences that ``feed`` has not reported yet; return how many. A failure waits for the next run."""
    name = feed.settings.name
    with hub.store.read() as tx:
        new = [silence for silence in silences.current(tx) if name not in silence.alerted]
    if not new:
        return 0
    try:
        feed.tell("Scamfeed: " + "; ".join(map(_words, new)))
    except (TryLater, Misconfigured, RequestRefused) as error:
        _log.warning("alerts not sent feed=%s error=%s", name, error)
        return 0
    finally:
        feed.close()
    with hub.store.begin() as tx:
        silences.mark_alerted(tx, name, new)
    return len(new)


def _words(silence: Silence) -> str:
    hours, usual = (now() - silence.since) // _HOUR, silence.usual // _HOUR
    since = f"{moment(silence.since):%Y-%m-%d %H:%M} UTC"
    return f"{silence.what} {silence.name} has been quiet for {hours} hours, since {since}; usual is {usual} at most"


_MICROS = 1_000_000


def verify_feed(hub: Hub, feed: Push[PushSettings], state: str | None = None) -> Verification:
    """Verify ``feed`` now and record the answer; the peer may send ``state`` back (generated if None).

    A run of the feed is not disturbed. If the peer fails, this is recorded as a negative answer.
    """
    name = feed.settings.name
    state = state or secrets.token_urlsafe(16)
    try:
        answer, well = _ask(hub, feed, state), True
    except TryLater as error:
        answer, well = f"try later: {error}", False
    except RequestRefused as error:
        answer, well = f"misconfigured: {error.peer}: refuses the verification ({error})", False
    except Misconfigured as error:
        answer, well = f"misconfigured: {error}", False
    with hub.store.begin() as tx:
        verification = verifications.record(tx, name, state, answer, well=well)
    log = _log.info if well else _log.warning
    log("feed verified feed=%s well=%s answer=%s", name, str(well).lower(), answer)
    return verification


def is_due(hub: Hub, feed: Push[PushSettings]) -> bool:
    """Return whether the feed's ``verify_every`` has passed since the last verification."""
    every = feed.settings.verify_every
    if every is None:
        return False
    with hub.store.read() as tx:
        last = verifications.last_verifications(tx).get(feed.settings.name)
        now = sql.database_time(tx)
    return last is None or now - last.at >= duration(every).total_seconds() * _MICROS


def _ask(hub: Hub, feed: Push[PushSettings], state: str) -> str:
    work = RunContext(hub, Run(feed.settings.name), None)
    partner = work.partner(feed.settings.partner, "partner")
    collection = position(work, partner, feed.settings).collection
    with hub.store.read() as tx:
        current = heartbeats.current(tx).of(collection)
    try:
        feed.begin(Outgoing(hub.store, collection, work.run.feed, partner.name, peers=hub.peers))
        return feed.verify(state, None if current is None else stamp(current))
    finally:
        feed.close()
