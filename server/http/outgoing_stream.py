"""A response of many pieces: each is made in a thread once the client has read enough of those before."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial

from server.http.fair_executor import FairExecutor, TooManyWaiting

_LAST_CHUNK = b"0\r\n\r\n"


class OutgoingStream:
    """The pieces of one response, of which one at a time is made and written."""

    def __init__(
        self,
        pieces: Iterator[bytes],
        *,
        owner: str,
        executor: FairExecutor,
        chunked: bool,
        made: Callable[["Future[bytes | None]"], None],
    ) -> None:
        """Make pieces for ``owner``; ``made`` is called in a thread with each, or with the failure to make it."""
        self._pieces = pieces
        self._owner = owner
        self._executor = executor
        self._chunked = chunked
        self._made = made
        self.is_making = False

    def go_on(self) -> bool:
        """Begin to make the next piece; False where the owner has too many requests waiting just now."""
        try:
            work = self._executor.submit(self._owner, 0, partial(next, self._pieces, None))
        except TooManyWaiting:
            return False
        self.is_making = True
        work.add_done_callback(self._made)
        return True

    def framed(self, piece: bytes | None) -> bytes:
        """Return a piece as it is sent; None is the end."""
        if not self._chunked:
            return piece or b""
        if piece is None:
            return _LAST_CHUNK
        return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""

    def close(self) -> None:
        """Drop what was not made; a piece that is made just now is dropped when it is done."""
        close = getattr(self._pieces, "close", None)
        if close is not None and not self.is_making:
            close()
