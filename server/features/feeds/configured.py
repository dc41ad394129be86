"""The feeds of the configuration, read again when its file changes."""

import hashlib
import logging
from collections import Counter

from feeds.connector import Connector, FeedSettings, Misconfigured
from feeds.connectors import build
from server.cli.context import Context, fail
from server.settings import DEFAULT_FILE, BadConfiguration, Settings, load

_log = logging.getLogger(__name__)

Feeds = list[Connector[FeedSettings]]


def configured_feeds(context: Context) -> Feeds:
    """Return the feeds of the configuration, or end the program with their fault."""
    try:
        return _build(context.settings)
    except Misconfigured as error:
        fail(str(error))


def feed_named(context: Context, name: str) -> Connector[FeedSettings]:
    """Return a feed by its name, or end the program with the list of names."""
    feeds = {feed.settings.name: feed for feed in configured_feeds(context)}
    if name not in feeds:
        fail(f"there is no feed {name!r} in the configuration; there are: {', '.join(feeds) or 'none'}")
    return feeds[name]


class ConfiguredFeeds:
    """Returns the feeds again when the content of the configuration file has changed, else None.

    A configuration that cannot be used is logged once, and the one before stays; so it does while the file is missing.
    """

    def __init__(self, context: Context) -> None:
        """Start with the configuration as it is now."""
        self._path = context.config
        self._file = context.config or DEFAULT_FILE
        self._known = self._digest()

    def __call__(self) -> Feeds | None:
        """Read the feeds again if the file has changed."""
        digest = self._digest()
        if digest == self._known:
            return None
        self._known = digest
        if digest is None:
            _log.error("configuration rejected, the old one stays in force file=%s error=it cannot be read", self._file)
            return None
        try:
            return _build(load(self._path))
        except (BadConfiguration, Misconfigured) as error:
            _log.error("configuration rejected, the old one stays in force file=%s error=%s", self._file, error)
            return None

    def _digest(self) -> str | None:
        try:
            return hashlib.sha256(self._file.read_bytes()).hexdigest()
        except OSError:
            return None


def _build(settings: Settings) -> Feeds:
    feeds = [build(table, settings.timezone) for table in settings.feeds]
    twice = [name for name, count in Counter(feed.settings.name for feed in feeds).items() if count > 1]
    if twice:
        raise Misconfigured(f"feed {twice[0]}: name: two feeds have it; each needs a name of its own")
    return feeds
