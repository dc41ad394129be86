"""The published figures, kept for a minute: whoever opens the first page again and again costs the store nothing."""

import threading
import time
from collections.abc import Callable

from server.release.trends.query import FigureRow

_SECONDS = 60


class FigureCache:
    """Keeps the rows that one application shows."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._kept: tuple[float, list[FigureRow]] | None = None
        self._reading = threading.Lock()

    def rows(self, read: Callable[[], list[FigureRow]]) -> list[FigureRow]:
        """Return the rows, as ``read`` returned them a minute ago at most."""
        with self._reading:
            if self._kept is None or self._kept[0] < time.monotonic():
                self._kept = (time.monotonic() + _SECONDS, read())
            return self._kept[1]
