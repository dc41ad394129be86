"""When a mirror reads its hub: at its interval, and soon after a change if the hub offers streams."""

import threading
import time
from collections.abc import Collection

from feeds.client.mirror.settings import MirroredHub
from feeds.transport.change_streams import ChangeStream

# The streams of one hub. Changes of further collections are found at the interval.
_MOST_STREAMS = 16


class HubBell:
    """Rings after a change of a collection of one hub."""

    def __init__(self, hub: MirroredHub) -> None:
        """Listen to nothing yet."""
        self._hub = hub
        self._rung = threading.Event()
        self._streams: dict[str, ChangeStream] = {}

    def listen(self, api_root: str, collections: Collection[str]) -> None:
        """Listen to exactly these collections."""
        for collection in self._streams.keys() - set(collections):
            self._streams.pop(collection).stop()
        for collection in collections:
            if collection not in self._streams and len(self._streams) < _MOST_STREAMS:
                self._streams[collection] = ChangeStream(self._hub, api_root, collection, self._rung.set)

    def ring(self) -> None:
        """End the wait."""
        self._rung.set()

    def wait(self, until: float) -> bool:
        """Wait until a moment of the monotonic clock, or until the bell has rung; return whether it has."""
        rung = self._rung.wait(max(0.0, until - time.monotonic()))
        self._rung.clear()
        return rung

    def stop(self) -> None:
        """Stop listening."""
        for stream in self._streams.values():
            stream.stop()
        self._streams.clear()
