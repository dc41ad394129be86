"""Large responses that are being sent: bodies in slices, and streams of pieces that are made on demand."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future

from server.web.http.fair_executor import FairExecutor, TooManyWaiting

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SLICE = 128 * 1024
_LEVEL = 1


class OutgoingBody:
    """The body of one response, which uses ``size`` bytes of memory."""

    def __init__(self, body: bytes) -> None:
        """Begin at the first slice of ``body``."""
        self._body = body
        self._packed: list[bytes] = []
        self._next = 0
        self._count = -(-len(body) // SLICE)
        self.size = len(body)
        # True once compression was started.
        self.is_tried = False

    def next(self) -> bytes | None:
        """Return the next slice, or None at the end."""
        if self._next == self._count:
            return None
        at = self._next
        self._next += 1
        if not self._packed:
            # A copy: a slice that waits for the client must not keep the whole body in memory.
            return bytes(memoryview(self._body)[at * SLICE : (at + 1) * SLICE])
        packed, self._packed[at] = self._packed[at], b""
        return zstd.decompress(packed) if packed else b""

    def pack(self) -> list[bytes]:
        """Return the remaining slices, each compressed separately. Takes some milliseconds; call it in a thread."""
        body = memoryview(self._body)
        return [
            zstd.compress(body[at * SLICE : (at + 1) * SLICE], _LEVEL) if at >= self._next else b""
            for at in range(self._count)
        ]

    def replace(self, packed: list[bytes]) -> None:
        """Keep the compressed slices instead of the body if they are clearly smaller."""
        size = sum(map(len, packed[self._next :])) + SLICE
        if size < len(self._body) // 2:
            self._packed, self._body, self.size = packed, b"", size


_LAST_CHUNK = b"0\r\n\r\n"


class OutgoingStream:
    """The pieces of one response, made and written one at a time."""

    def __init__(
        self,
        pieces: Iterator[bytes],
        *,
        owner: str,
        executor: FairExecutor,
        chunked: bool,
        made: Callable[["Future[bytes | None]"], None],
    ) -> None:
        """Make pieces for ``owner``. ``made`` is called in a thread with each piece or with the error."""
        self._pieces = pieces
        self._owner = owner
        self._executor = executor
        self.is_chunked = chunked
        self._made = made
        self.is_making = False
        # The number of changes of the collection that were known before the piece was begun.
        self.count = 0

    def go_on(self) -> bool:
        """Start making the next piece. Return False if the owner has too many requests waiting."""
        try:
            work = self._executor.submit(self._owner, 0, self.make_next)
        except TooManyWaiting:
            return False
        self.is_making = True
        work.add_done_callback(self._made)
        return True

    def make_next(self) -> bytes | None:
        """Make the next piece, None after the last one. Called in a thread."""
        return next(self._pieces, None)

    def framed(self, piece: bytes | None) -> bytes:
        """Return a piece in its wire format; None is the end."""
        if not self.is_chunked:
            return piece or b""
        if piece is None:
            return _LAST_CHUNK
        return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""

    def close(self) -> None:
        """Drop the remaining pieces. A piece in progress is dropped when it is done."""
        close = getattr(self._pieces, "close", None)
        if close is not None and not self.is_making:
            close()
