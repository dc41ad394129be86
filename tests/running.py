"""Runs of feeds in tests, on a hub with the default rules."""

from typing import Any

from feeds.connector import Connector, FeedSettings
from feeds.runs import runner
from feeds.runs.run import Run
from server.release.hub import Hub
from server.store import Store


def run(store: Store, feed: Connector[FeedSettings], **options: Any) -> Run:
    """Run ``feed`` once on the hub of ``store``."""
    return runner.run(Hub(store), feed, **options)
