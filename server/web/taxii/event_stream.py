"""Server-sent events of a collection: each event is the response to the same request, from where the last one ended."""

from collections.abc import Callable, Iterator

from server.web.taxii.response import TaxiiResponse

EVENTS = "text/event-stream"
# The place up to which a response has read its collection, the id of its event.
PLACE = "X-Scamfeed-Added-Up-To"
HEARTBEAT = b":\n\n"
# After this many milliseconds a client connects again.
_RETRY = b"retry: 2000\n"


class EventStream(Iterator[bytes]):
    """The events of one client. ``topic`` is the id of the collection.

    ``ask`` repeats the request from a place, with the rights and limits of that moment. A refusal is the last event.
    While ``waits`` is true, the next event only comes after a change of the collection.
    """

    def __init__(self, first: TaxiiResponse, ask: Callable[[str], TaxiiResponse]) -> None:
        """Begin with the response to the first request."""
        self.topic = first.collection or ""
        self.waits = False
        self._ask = ask
        self._first: TaxiiResponse | None = first
        self._place = ""
        self._is_over = False

    def __next__(self) -> bytes:
        """Return the next event, nothing if there is none yet."""
        if self._is_over:
            raise StopIteration
        opening = _RETRY if self._first is not None else b""
        response, self._first = self._first or self._ask(self._place), None
        if response.status != 200:
            self._is_over, self.waits = True, False
            return b"event: error\n" + _data(response.body)
        self.waits = not response.has_more
        self._place = dict(response.headers)[PLACE]
        if not (opening or response.body):
            return b""
        return opening + b"id: " + self._place.encode() + b"\n" + _data(response.body)

    def until_now(self) -> Iterator[bytes]:
        """Yield the events up to the end of the collection, for a server that cannot wait for more."""
        for event in self:
            yield event
            if self.waits:
                return


def _data(body: bytes) -> bytes:
    """Return the lines of an event's data, and its end; an empty body has no data."""
    return b"".join(b"data: " + line + b"\n" for line in body.splitlines()) + b"\n"
