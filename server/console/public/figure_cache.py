"""The content of the public pages, kept for a minute: whoever opens them again and again costs the store nothing."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

_SECONDS = 60
# In the languages that there are, far more than the pages keep.
_MOST = 100

Found = TypeVar("Found")


class FigureCache:
    """Keeps what one application shows, by name."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._kept: dict[str, tuple[float, object]] = {}
        self._reading = threading.RLock()

    def of(self, name: str, read: Callable[[], Found], seconds: float = _SECONDS) -> Found:
        """Return what ``read`` returned for this name so long ago at most; one name has one type."""
        with self._reading:
            until, found = self._kept.get(name, (0.0, None))
            if until < time.monotonic():
                found = read()
                if len(self._kept) >= _MOST:
                    self._kept.clear()
                self._kept[name] = time.monotonic() + seconds, found
            return found  # type: ignore[return-value]  # as ``read`` of this name returned it
