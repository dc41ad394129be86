"""The streams of one worker that wait for changes of collections. While there are any, the collections are watched."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Protocol

from server.web.http.fair_executor import FairExecutor, TooManyWaiting

log = logging.getLogger(__name__)

# The place of the last change of each of some collections.
Places = Callable[[Collection[str]], Mapping[str, int]]
# After a change, a thread makes the next pieces of several streams, and so do few threads at the same time.
_STREAMS_OF_A_THREAD, _THREADS = 16, 2


class WaitingStream(Protocol):
    """A connection whose stream waits."""

    def begin_piece(self) -> Callable[[], bytes | None] | None:
        """Return the making of the next piece, None if the client still reads the one before."""

    def send_piece(self, piece: bytes | None, error: BaseException | None) -> None:
        """Send a piece that is made, None is the end."""

    def end_events(self) -> None:
        """End the stream."""


class Changes:
    """The open streams of one worker, and those of them that wait, by the id of their collection."""

    def __init__(self, places: Places, executor: FairExecutor, most: int, most_of_one: int) -> None:
        """Look up ``places`` in ``executor``. At most ``most`` streams are open, and ``most_of_one`` of one owner."""
        self._places = places
        self._executor = executor
        self._most, self._most_of_one = most, most_of_one
        self._open: Counter[str] = Counter()
        self._waiting: dict[str, dict[WaitingStream, None]] = {}
        self._known: dict[str, int] = {}
        self._counts: Counter[str] = Counter()
        self._ready: deque[WaitingStream] = deque()
        self._making = 0
        self._is_looking = self._is_failing = False

    def has_room(self, owner: str) -> bool:
        """Return whether another stream of ``owner`` may be opened."""
        return self._open.total() < self._most and self._open[owner] < self._most_of_one

    def opened(self, owner: str) -> None:
        """Count an open stream."""
        self._open[owner] += 1

    def closed(self, owner: str) -> None:
        """Count one open stream less."""
        self._open[owner] -= 1
        if not self._open[owner]:
            del self._open[owner]

    def count(self, topic: str) -> int:
        """Return the number of changes seen so far. A stream notes it before it makes a piece."""
        return self._counts[topic]

    def wait(self, stream: WaitingStream, topic: str, count: int) -> None:
        """Let a stream go on after the next change since it noted ``count``."""
        if self._counts[topic] != count:
            self._ready.append(stream)
            self._advance()
        else:
            self._waiting.setdefault(topic, {})[stream] = None

    def forget(self, stream: WaitingStream, topic: str) -> None:
        """Drop a stream that has ended."""
        waiting = self._waiting.get(topic)
        if waiting is not None:
            waiting.pop(stream, None)
            if not waiting:
                self._forget_topic(topic)
        if stream in self._ready:
            self._ready.remove(stream)

    def end_all(self) -> None:
        """End all streams that wait."""
        for waiting in list(self._waiting.values()):
            for stream in list(waiting):
                stream.end_events()

    @property
    def is_waited_for(self) -> bool:
        """Whether a stream waits, and nobody looks for it now."""
        return bool(self._waiting) and not self._is_looking

    def look(self) -> None:
        """Look for changes in a thread."""
        try:
            work = self._executor.submit("changes", 0, partial(self._places, tuple(self._waiting)))
        except TooManyWaiting:
            return
        self._is_looking = True
        loop = asyncio.get_running_loop()
        work.add_done_callback(lambda done: loop.call_soon_threadsafe(self._looked, done))

    def _looked(self, work: "Future[Mapping[str, int]]") -> None:
        self._is_looking = False
        error = work.exception()
        if error is not None:
            # The next look may succeed. Looks are frequent, so that only the first failure of several is logged.
            if not self._is_failing:
                log.warning("changes-unseen reason=%s", error)
            self._is_failing = True
            return
        self._is_failing = False
        places = work.result()
        for topic in list(self._waiting):
            # A collection that is gone is refused to its readers.
            place = places.get(topic, -1)
            # The first look also finds what changed before it.
            if self._known.get(topic) != place:
                self._counts[topic] += 1
                self._ready.extend(self._waiting.pop(topic))
                self._known[topic] = place
        self._advance()

    def _advance(self) -> None:
        while self._ready and self._making < _THREADS:
            begun: list[tuple[WaitingStream, Callable[[], bytes | None]]] = []
            while self._ready and len(begun) < _STREAMS_OF_A_THREAD:
                stream = self._ready.popleft()
                if (make := stream.begin_piece()) is not None:
                    begun.append((stream, make))
            if begun:
                self._make([stream for stream, _ in begun], [make for _, make in begun])

    def _make(self, streams: "list[WaitingStream]", makes: list[Callable[[], bytes | None]]) -> None:
        loop = asyncio.get_running_loop()
        work = self._executor.submit("changes", 0, partial(_made, makes))
        self._making += 1
        work.add_done_callback(lambda done: loop.call_soon_threadsafe(self._send, streams, done.result()))

    def _send(self, streams: list[WaitingStream], made: list[tuple[bytes | None, BaseException | None]]) -> None:
        self._making -= 1
        for stream, (piece, error) in zip(streams, made, strict=True):
            stream.send_piece(piece, error)
        self._advance()

    def _forget_topic(self, topic: str) -> None:
        del self._waiting[topic]
        self._known.pop(topic, None)


def _made(makes: list[Callable[[], bytes | None]]) -> list[tuple[bytes | None, BaseException | None]]:
    """Make pieces, and return each or its error."""
    pieces: list[tuple[bytes | None, BaseException | None]] = []
    for make in makes:
        try:
            pieces.append((make(), None))
        except BaseException as error:  # noqa: BLE001 - the stream of the piece ends with it
            pieces.append((None, error))
    return pieces
