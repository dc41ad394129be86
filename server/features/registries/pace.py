"""The pace of questions to other people's servers."""

import threading
import time
from collections.abc import Callable


class Pace:
    """Lets each server be asked so many times a second, and all together no faster."""

    def __init__(
        self,
        per_second: float,
        stopping: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wait on ``stopping``, so that the end of the thread ends a wait."""
        self._pause = 1.0 / per_second
        self._stopping = stopping or threading.Event()
        self._clock = clock
        self._next: dict[str, float] = {}

    def wait(self, server: str) -> None:
        """Wait until the server, and any server, may be asked again."""
        now = self._clock()
        begin = max(now, self._next.get(server, 0.0), self._next.get("", 0.0))
        self._next = {name: at for name, at in self._next.items() if at > now}
        self._next |= {server: begin + self._pause, "": begin + self._pause / _TOGETHER}
        if begin > now:
            self._stopping.wait(begin - now)


# All servers together may be asked this many times as often as one.
_TOGETHER = 5
