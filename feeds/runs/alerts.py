"""Alerts people who run the hub, by a push that can: who has gone quiet, once a silence."""

import logging

from feeds.connector import Misconfigured, Push, PushSettings, TryLater
from feeds.http.failures import RequestRefused
from server.release.hub import Hub
from server.store.database.times import moment, now
from server.store.liveness import silences
from server.store.liveness.silences import Silence

_log = logging.getLogger(__name__)

_HOUR = 3_600 * 1_000_000


def send_alerts(hub: Hub, feed: Push[PushSettings]) -> int:
    """Send alerts of the silences that ``feed`` has not sent, and return how many; a failure waits for the next run."""
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
