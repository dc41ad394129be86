"""Verifies a push: asks its peer, without delivering anything, to show that deliveries reach it."""

import logging
import secrets
import threading
from datetime import UTC, datetime

from feeds.connector import Misconfigured, Outgoing, Push, PushSettings, TryLater, duration
from feeds.http.failures import RequestRefused
from feeds.runs.push import position
from feeds.runs.run import Run, RunContext
from feeds.runs.shared_pages import SharedPages
from server.release.hub import Hub
from server.store.database import sql
from server.store.database.times import stamp
from server.store.liveness import heartbeats, verifications
from server.store.liveness.verifications import Verification

_log = logging.getLogger(__name__)

_MICROS = 1_000_000


def verify_feed(hub: Hub, feed: Push[PushSettings], state: str | None = None) -> Verification:
    """Verify ``feed`` now and record the answer; ``state`` is what the peer may send back, made up if None.

    A run of the feed is not disturbed. A peer that fails is an answer, which is not well.
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
    """Return whether the last verification is longer ago than the feed's ``verify_every``."""
    every = feed.settings.verify_every
    if every is None:
        return False
    with hub.store.read() as tx:
        last = verifications.last_verifications(tx).get(feed.settings.name)
        now = sql.database_time(tx)
    return last is None or now - last.at >= duration(every).total_seconds() * _MICROS


def _ask(hub: Hub, feed: Push[PushSettings], state: str) -> str:
    now = datetime.now(UTC)
    work = RunContext(hub, Run(feed.settings.name, now, now), threading.Event(), None, SharedPages(), lambda _: None)
    partner = work.partner(feed.settings.partner, "partner")
    collection = position(work, partner, feed.settings).collection
    with hub.store.read() as tx:
        current = heartbeats.current(tx).of(collection)
    try:
        feed.begin(Outgoing(hub.store, collection, work.run.feed, partner.name))
        return feed.verify(state, None if current is None else stamp(current))
    finally:
        feed.close()
