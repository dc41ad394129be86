"""Carries out what a person orders of a feed on the pages: a run now, a dry run, or a retry of what failed."""

import logging
import threading
from collections.abc import Mapping
from typing import Any

from feeds.connector import Connector, FeedSettings
from feeds.runs.retry import retry_feed
from feeds.runs.runner import run
from feeds.runs.shared_pages import SharedPages
from server.release.hub import Hub
from server.store import feed_state
from server.store.feed_orders import orders

_log = logging.getLogger(__name__)

_MOST_REASONS = 50


def carry_out(hub: Hub, feed: Connector[FeedSettings], *, stop: threading.Event, pages: SharedPages) -> bool:
    """Carry out the order for ``feed``, and record the result; returns False where another schedule took it."""
    name = feed.settings.name
    with hub.store.begin() as tx:
        order = orders.take(tx, name)
    if order is None:
        return False
    _log.info("order begun feed=%s action=%s", name, order.action)
    try:
        if order.action == "retry":
            result = _retry(hub, feed)
        else:
            result = _run(hub, feed, stop, pages, dry_run=order.action == "dry-run")
    except Exception as error:  # noqa: BLE001 - an order always ends, and the schedule goes on
        _log.exception("order failed feed=%s", name)
        result = {"error": f"unexpected {type(error).__name__}: see the log"}
    with hub.store.begin() as tx:
        orders.end(tx, order, result)
    return True


def _run(
    hub: Hub, feed: Connector[FeedSettings], stop: threading.Event, pages: SharedPages, *, dry_run: bool
) -> Mapping[str, Any]:
    if not dry_run:
        # A feed that waits, or has stopped, is tried from here on as if nothing had failed.
        with hub.store.begin() as tx:
            feed_state.clear_failures(tx, feed.settings.name)
    done = run(hub, feed, dry_run=dry_run, stop=stop, pages=pages)
    reasons = dict(done.reasons.most_common(_MOST_REASONS))
    return {
        "read": done.read,
        "accepted": done.accepted,
        "rejected": done.rejected,
        "reasons": reasons,
        "error": done.error,
    }


def _retry(hub: Hub, feed: Connector[FeedSettings]) -> Mapping[str, Any]:
    done = retry_feed(hub, feed, everything=True)
    return {"tried": done.tried, "settled": done.settled, "failed": done.failed, "error": done.error}
