"""Whether something waits to be pushed: what was added to a collection since a push's checkpoint."""

from collections.abc import Iterable

from feeds.connector import Connector, FeedSettings, PushSettings
from server.store import Tx, collections, feed_state, log
from server.store.collections import UnknownCollection


class Added:
    """How far the collections have come that are pushed as they grow; one look serves all pushes."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._ends: dict[str, tuple[str, int]] = {}

    def look(self, tx: Tx, feeds: Iterable[Connector[FeedSettings]]) -> bool:
        """Look at the collections; tell whether one has grown since the last look."""
        ends: dict[str, tuple[str, int]] = {}
        for alias in {name for feed in feeds if (name := _watched(feed.settings)) is not None}:
            try:
                collection = collections.get(tx, alias)
            except UnknownCollection:
                continue
            newest = log.newest(tx, collection)
            if newest is not None:
                ends[alias] = collection.id, newest
        grown = any(self._ends.get(alias) != end for alias, end in ends.items())
        self._ends = ends
        return grown

    def waits(self, tx: Tx, feed: Connector[FeedSettings]) -> bool:
        """Tell whether there was something, at the last look, that the feed has not delivered."""
        end = self._ends.get(_watched(feed.settings) or "")
        if end is None:
            return False
        checkpoint = feed_state.load_checkpoint(tx, feed.settings.name) or {}
        return checkpoint.get("collection") != end[0] or bool(checkpoint.get("after", -1) < end[1])


def _watched(settings: FeedSettings) -> str | None:
    """Give the collection whose growth makes the feed due."""
    watches = isinstance(settings, PushSettings) and settings.as_added and settings.every
    return settings.collection if isinstance(settings, PushSettings) and watches else None
