"""Runs a feed once: leases it, works batch by batch, records the result, and logs one line."""

import gc
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from feeds.connector import Connector, FeedSettings, Misconfigured, Pull, PullSettings, Push, TryLater
from feeds.http.failures import RequestRefused
from feeds.mapping.rows import Reject
from feeds.runs import alerts, due, verify
from feeds.runs.lease import RunLease, lease_run
from feeds.runs.pull import pull
from feeds.runs.push import push
from feeds.runs.run import Run, RunContext
from feeds.runs.shared_pages import SharedPages
from server.release.hub import Hub
from server.store import Store, StoreUnavailable, feed_state
from server.store.database import sql
from server.store.feed_state import LeaseLost

_log = logging.getLogger(__name__)


def prepare_process() -> None:
    """Tune garbage collection for a process that runs feeds, or does other large work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(150_000, 20, 50)


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

    Never raises for what happens in the run: the result, the log and the store have it. Without a ``lease`` it takes a
    lease itself, and ends as ``busy`` if another node has it. A dry run does everything but keep and send; that of a
    push also connects and logs in. ``pages`` are shared with other pushes. ``progress`` is called after each batch,
    ``reject`` for each row that a pull could not take.
    """
    now = datetime.now(UTC)
    result = Run(feed.settings.name, started=now, ended=now)

    def context(held: RunLease | None) -> RunContext:
        return RunContext(hub, result, stop or threading.Event(), held, pages or SharedPages(), progress, reject)

    try:
        if dry_run:
            _work(context(None), feed)
        elif (held := lease or lease_run(hub.store, result.feed)) is None:
            result.error, result.ending = "another node runs it just now", "busy"
            return result
        else:
            with held:
                _work(context(held), feed)
                _conclude(hub, feed, held, result)
    except LeaseLost as error:
        result.error, result.ending = str(error), "fenced"
    except StoreUnavailable as error:
        # The database went away at the beginning or the end; what was kept until then is kept.
        result.error, result.ending = f"try later: {error}", "try-later"
    result.ended = datetime.now(UTC)
    _log_end(feed, result)
    return result


def _conclude(hub: Hub, feed: Connector[FeedSettings], lease: RunLease, result: Run) -> None:
    """Record the run; after a push verify what was sent, where that is due, and send alerts."""
    result.ended = datetime.now(UTC)
    _record(hub.store, lease, result)
    if not isinstance(feed, Push):
        return
    if result.ending == "done" and verify.is_due(hub, feed):
        verify.verify_feed(hub, feed)
    if feed.sends_alerts:
        alerts.send_alerts(hub, feed)


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
    except TryLater as error:
        result.error, result.ending, result.wait = f"try later: {error}", "try-later", error.after
        result.status = error.status
    except StoreUnavailable as error:
        result.error, result.ending = f"try later: {error}", "try-later"
    except Misconfigured as error:
        result.error, result.ending, result.status = f"misconfigured: {error}", "misconfigured", error.status
    except LeaseLost:
        raise
    except Exception as error:  # noqa: BLE001 - the one place that catches all, so that a schedule goes on
        # The text of an unexpected error may hold anything; the store and the page get its type alone.
        _log.exception("run failed feed=%s", result.feed)
        result.error, result.ending = f"unexpected {type(error).__name__}: see the log", "failed"


def _pull(work: RunContext, feed: Pull[PullSettings]) -> None:
    try:
        pull(work, feed)
    except RequestRefused as error:
        why = f"refuses what it is asked ({error}); look at the settings that say what to ask for"
        raise Misconfigured(f"{error.peer}: {why}", status=error.status) from error


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
            unread=result.tally.unread(),
            error=result.error,
            status=result.status or None,
        )
        before = feed_state.load_state(tx, result.feed)
        feed_state.save_state(tx, due.state_after_run(before, result, sql.database_time(tx)))
