"""Connections: the requests of each, one after the other, and the responses in the same order."""

import asyncio
import logging
import time
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from typing import cast

from server.http.connections import Connections
from server.http.fair_executor import TooManyWaiting
from server.http.messages import HttpRequest, common_environ, date_header, response_head
from server.http.outgoing_stream import OutgoingStream
from server.http.receiver import STILL_SECONDS, Receiver
from server.taxii.response import TaxiiResponse

log = logging.getLogger(__name__)

_IDLE_SECONDS = 75.0
# For the client to read a refusal, while the bytes that it still sends are dropped.
_LINGER_SECONDS = 2.0
# Until a piece of a stream is tried again whose owner has too many requests waiting.
_BUSY_SECONDS = 0.05


class Connection(Receiver, asyncio.Protocol):
    """One connection, from its first byte to its last."""

    def __init__(self, shared: Connections) -> None:
        """Wait for the first request."""
        super().__init__(shared)
        self._loop = asyncio.get_running_loop()
        self._clogged = False
        # It is in a fair queue.
        self._queued = False
        # The response whose pieces are being sent, and its request.
        self._stream: OutgoingStream | None = None
        self._streaming = self.request
        # It asks faster than it is answered, or its last request was refused.
        self._slow = False

    @property
    def idle(self) -> bool:
        """True while nothing is under way."""
        return not (self.at_work or self.waiting or self._clogged or self.head_bytes or self.has_more) and self.in_head

    @property
    def expendable(self) -> bool:
        """True while nothing has been asked that would have to be answered."""
        return not (self.at_work or self.waiting or self._clogged or self.ending) and self.in_head

    # Called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with the address and the client certificate of the other side."""
        self._transport = cast(asyncio.Transport, transport)
        peer, here = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        tls = transport.get_extra_info("ssl_object")
        self.address = peer[0] if isinstance(peer, tuple) else ""
        self.base = common_environ(
            here[:2] if isinstance(here, tuple) else ("localhost", 0),
            self.address,
            "https" if tls is not None else "http",
            self.shared.script,
        )
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        if certificate is not None:
            self.base["scamfeed.certificate"] = certificate
        self.shared.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; work under way is finished all the same."""
        self.ending = True
        self._drop_waiting()
        if self._stream is not None and not self._stream.is_making:
            self._end_stream()
        # This and its parser hold each other: a body would wait for the garbage collector.
        self.shared.let_go(self.request)
        self.request = HttpRequest()
        self.shared.discard(self)

    def data_received(self, data: bytes) -> None:
        """Receive the next bytes from the socket."""
        self.receive(data)
        self._next()

    def eof_received(self) -> bool:
        """Answer whole requests of a client that sends no more."""
        busy = self.at_work or bool(self.waiting) or self._clogged
        self.ending = True
        return busy and self._transport.get_extra_info("ssl_object") is None

    def pause_writing(self) -> None:
        """Start nothing new until the client has read the responses written so far."""
        self._clogged = True
        self.deadline = time.monotonic() + STILL_SECONDS

    def resume_writing(self) -> None:
        """Go on answering."""
        self._clogged = False
        if self._stream is not None:
            self.deadline = float("inf")
            self._send_more()
        self._next()

    # Called by the receiving side

    def pause(self, *, reading: bool) -> None:
        """Read more from the socket, or not."""
        if not self._transport.is_closing():
            self.reading = reading
            self._transport.resume_reading() if reading else self._transport.pause_reading()

    def proceed(self) -> None:
        """Ask the client for its body."""
        self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def admit(self, request: HttpRequest) -> None:
        """Ask the application in a thread whether it takes the body."""
        refuse_body = partial(self.shared.application.refuse_body, request.environ)
        try:
            work = self.shared.executor.submit(request.owner, 0, refuse_body)
        except TooManyWaiting:
            self.refuse(503)
            return
        work.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._admitted, request, done))

    def _admitted(self, request: HttpRequest, work: "Future[TaxiiResponse | None]") -> None:
        if self._transport.is_closing():
            return
        # A request that fails here fails again when it is answered.
        self.admitted(request, None if work.exception() else work.result())
        self._next()

    def refuse(self, status: int) -> None:
        """Answer for the last time, with an error."""
        if not self.ending:
            self.last(self.shared.application.refuse(self.request.environ, status))

    def last(self, response: TaxiiResponse) -> None:
        """Answer for the last time, and drop the bytes that still arrive."""
        self.ending = True
        self._drop_waiting()
        if not self.at_work:
            self.shared.let_go(self.request)
            head = response_head(response) + date_header()
            self._transport.write(head + b"Connection: close\r\n\r\n" + response.body)
            # A connection that is closed on bytes that still arrive loses the response with it.
            self.deadline = time.monotonic() + _LINGER_SECONDS
            if self._transport.can_write_eof():
                self._transport.write_eof()
            self.in_head = False

    # Answering

    def _next(self) -> None:
        """Answer the next request, as soon as it is this connection's turn."""
        if self.at_work or self._clogged or self._queued or self._transport.is_closing():
            return
        if not self.waiting and self.has_more:
            self.go_on()
        if self.waiting:
            self._queue()
        elif self.ending and self.in_head and not self.has_more:
            # Nothing follows the last response.
            self.drop()

    def _queue(self) -> None:
        """Answer the first request as soon as it is its turn, which mostly is now."""
        queue = self.shared.slow_queue if self._slow else self.shared.queue
        self._queued = True
        self.deadline = float("inf")
        if self._slow or not queue.at_once(self.address, self):
            environ = self.waiting[0].environ
            # The credentials are verified when it is their turn.
            name = environ.get("HTTP_AUTHORIZATION", "")
            queue.add(self.shared.application.owner(environ), name, self)

    def answer_next(self) -> None:
        """Answer the request that came first: at once, or in a thread."""
        self._queued = False
        if not self.waiting or self.at_work or self._clogged or self._transport.is_closing():
            return
        request = self.waiting.popleft()
        response = self.shared.application.respond_fast(request.environ) or self._hand_over(request)
        if response is not None:
            self.shared.let_go(request)
            self._write(request, response)
            self._next()

    def _hand_over(self, request: HttpRequest) -> TaxiiResponse | None:
        """Answer in a thread; returns the response itself where the owner has too many requests waiting."""
        environ, weight = request.environ, request.weight
        # The reads of an owner do not wait for its bodies.
        owner = self.shared.application.owner(environ) + (" sends" if weight else "")
        try:
            work = self.shared.executor.submit(owner, weight, partial(self.shared.application.respond, environ))
        except TooManyWaiting:
            return self.shared.application.refuse(environ, 503)
        self.at_work = request.at_work = True
        work.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._answered, request, done))
        return None

    def _answered(self, request: HttpRequest, work: "Future[TaxiiResponse]") -> None:
        self.at_work = request.at_work = False
        self.shared.let_go(request)
        error = work.exception()
        if error is not None:
            log.error("http-failure", exc_info=error)
        self._write(request, self.shared.application.refuse(request.environ, 500) if error else work.result())
        self._next()

    def _begin_stream(self, request: HttpRequest, response: TaxiiResponse, pieces: Iterator[bytes]) -> None:
        """Send the head of a response, and its pieces as fast as the client reads them."""
        chunked = request.environ["SERVER_PROTOCOL"] != "HTTP/1.0"
        request.keep_alive = request.keep_alive and chunked
        self.at_work = True
        self.deadline = float("inf")
        self._streaming = request
        self._stream = OutgoingStream(
            pieces,
            owner=self.shared.application.owner(request.environ),
            executor=self.shared.executor,
            chunked=chunked,
            made=self._note_piece,
        )
        ending = b"\r\n" if self._stays(request) else b"Connection: close\r\n\r\n"
        self._transport.write(response_head(response, chunked=chunked) + date_header() + ending)
        self._send_more()

    def _send_more(self) -> None:
        stream = self._stream
        if stream is None or stream.is_making or self._clogged or self._transport.is_closing():
            return
        if not stream.go_on():
            self._loop.call_later(_BUSY_SECONDS, self._send_more)

    def _note_piece(self, work: "Future[bytes | None]") -> None:
        self._loop.call_soon_threadsafe(self._piece_made, work)

    def _piece_made(self, work: "Future[bytes | None]") -> None:
        stream = self._stream
        if stream is None:
            return
        stream.is_making = False
        error = work.exception()
        if error is not None:
            # What was sent so far looks whole to nobody: its last chunk is missing.
            log.error("http-stream-failure", exc_info=error)
            self._end_stream()
            self._transport.abort()
        elif self._transport.is_closing():
            self._end_stream()
        else:
            piece = work.result()
            self._transport.write(stream.framed(piece))
            if piece is not None:
                self._send_more()
                return
            self._end_stream()
            self.deadline = time.monotonic() + _IDLE_SECONDS
            if self._stays(self._streaming):
                self._next()
            else:
                self.drop()

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        self.at_work = False

    def _stays(self, request: HttpRequest) -> bool:
        """Return whether more requests may come after this one."""
        return request.keep_alive and not self.shared.stopping and not (self.ending and not self.waiting)

    def _drop_waiting(self) -> None:
        """Forget the requests behind the one that is being answered."""
        while self.waiting:
            self.shared.let_go(self.waiting.pop())

    def _write(self, request: HttpRequest, response: TaxiiResponse) -> None:
        if self._transport.is_closing():
            return
        self._slow = bool(self.waiting) or self.has_more or not 200 <= response.status < 400
        if response.stream is not None and request.environ["REQUEST_METHOD"] != "HEAD":
            self._begin_stream(request, response, response.stream)
            return
        last = not self._stays(request)
        if last:
            connection = b"Connection: close\r\n\r\n"
        elif request.environ["SERVER_PROTOCOL"] == "HTTP/1.0":
            connection = b"Connection: keep-alive\r\n\r\n"
        else:
            connection = b"\r\n"
        self.deadline = time.monotonic() + _IDLE_SECONDS
        head = response_head(response) + date_header() + connection
        body = b"" if request.environ["REQUEST_METHOD"] == "HEAD" else response.body
        # A large body is written as it is, a small one in one piece with its head.
        if len(body) > 16_384:
            self._transport.writelines((head, body))
        else:
            self._transport.write(head + body)
        if last:
            self.drop()

    def drop(self) -> None:
        """Close the connection once the responses written so far are sent."""
        self.ending = True
        self._drop_waiting()
        self._transport.close()

    def expire(self) -> None:
        """Abandon a client that neither sends nor reads."""
        if self.ending or self._clogged or self.idle:
            self._transport.abort() if self._clogged else self._transport.close()
        else:
            self.refuse(408)

    def stop(self) -> None:
        """Close the connection if nothing is under way on it."""
        if self.idle:
            self.drop()
