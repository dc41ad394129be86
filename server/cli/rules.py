"""What ``scamfeed status`` says of the release rules: reviews, receipts, and how long things take."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from server.cli.receipts import spread_of, told
from server.release.query import receipts as settling, timeline
from server.store import Store, Tx, hub_identity, quotas, reviews
from server.store.times import now, stamp

_MONTH = 30 * 86_400 * 1_000_000
_HOUR = 3_600 * 1_000_000
_TO_DO = {
    hub_identity.NO_FOCAL_POINT: "accounts of people who act under coercion are listed, and there is nobody to turn to "
    "for their protection: set one with scamfeed partner focal-point --function protection --contact ADDRESS, then run "
    "scamfeed policy apply"
}


def reviews_of(tx: Tx) -> dict[str, Any]:
    """Say how many reviews are open, and for how long the oldest is."""
    oldest = reviews.oldest(tx)
    return {
        "open": reviews.count(tx),
        "oldest_hours": None if oldest is None else round((now() - oldest) / _HOUR, 1),
    }


def receipts_of(tx: Tx, target: timedelta) -> dict[str, Any]:
    """Say how the receipts of a month stand, and all that are open."""
    return told(settling.totals_since(tx, now() - _MONTH, target), target.total_seconds())


def slowed(tx: Tx) -> list[dict[str, Any]]:
    """Say which partners the brake slows, by which rule, and since when."""
    return [
        {"partner": each.partner, "rule": each.rule, "since": stamp(each.since)}
        for each in quotas.current_throttles(tx)
    ]


def warnings_of(tx: Tx) -> list[dict[str, Any]]:
    """Say what the operator has to do something about, since when, and how often it happened."""
    return [
        {
            "warning": each.name,
            "message": _TO_DO[each.name],
            "times": each.times,
            "first": stamp(each.first),
            "last": stamp(each.last),
        }
        for each in hub_identity.all_warnings(tx)
    ]


@contextmanager
def warned(store: Store) -> Iterator[None]:
    """Say on standard error what there is to do for the operator because of what is done meanwhile."""
    with store.read() as tx:
        before = {each.name: each.times for each in hub_identity.all_warnings(tx)}
    yield
    with store.read() as tx:
        for each in hub_identity.all_warnings(tx):
            if each.times > before.get(each.name, 0):
                print(f"scamfeed: warning: {_TO_DO[each.name]}", file=sys.stderr)  # noqa: T201 - where warnings are shown


def times_of(tx: Tx) -> dict[str, Any]:
    """Say how long it takes from a report to its release, first reader and first action, of what changed last."""
    return {stage: spread_of(spread) for stage, spread in timeline.times(timeline.recent(tx)).items()}
